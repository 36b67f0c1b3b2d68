"""Years: what a facility has reported in a calendar year so far, for the thanks that its midwife gets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Year:
    """A facility's year in one form. `measure` is the code of what `total` counts; both are None in a form without.

    `on_time` is how many of the reports were sent in time, None where its area does not want that told.
    """

    reports: int
    measure: str | None = None
    total: int | None = None
    on_time: int | None = None
