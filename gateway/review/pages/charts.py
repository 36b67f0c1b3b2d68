"""Small charts as plain numbers: where each bar of a drawing stands. The templates write the SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 240, 64  # the drawing's own units; it grows and shrinks with its place on the page
GAP = 4
LEAST = 1.5  # a bar of a small number is still seen


@dataclass(frozen=True, slots=True)
class Bar:
    """One month: its place and size, and what it says. A month without a number has the height 0."""

    x: float
    y: float
    width: float
    height: float
    period: str
    value: int | None
    is_last: bool


def make_bars(values: Sequence[tuple[str, int | None]]) -> tuple[Bar, ...]:
    """Return a bar for each (period, value), the tallest as high as the drawing.

    >>> [(bar.height, bar.value) for bar in make_bars([("2025-08", 10), ("2025-09", None), ("2025-10", 20)])]
    [(32.0, 10), (0.0, None), (64.0, 20)]
    """
    if not values:
        return ()
    step = (WIDTH + GAP) / len(values)
    most = max((value for _, value in values if value), default=1)
    bars = []
    for index, (period, value) in enumerate(values):
        height = 0.0 if value is None else max(LEAST, round(HEIGHT * value / most, 1))
        place = round(index * step, 1), round(HEIGHT - height, 1), round(step - GAP, 1), height
        bars.append(Bar(*place, period, value, index == len(values) - 1))
    return tuple(bars)
