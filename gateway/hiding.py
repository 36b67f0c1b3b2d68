"""Which figures of a table are hidden before it is opened to everybody, so that no small one can be worked out. Pure.

A table is one measure of one month: a row for each kecamatan, a column for each method, and the sums of both. A figure
of 1 to 4 is hidden, and so is a row that fewer than three facilities stand behind: it would be somebody's own work.
Then others are hidden with them, until each hidden figure is a corner of a rectangle of hidden figures. What one
corner gives the next one can take, and no sum changes: so what is left to see fits at least six values of each.

Source: cell suppression in official statistics (Willenborg and de Waal, Elements of Statistical Disclosure Control).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

SMALL = 5  # a figure below this is hidden
WIDTH = 5  # whoever does sums finds no less between the least and the most that a hidden figure can be
FEWEST = 3  # facilities behind a row that is shown
ALL = ""  # the row of sums, and the column of sums

Place = tuple[str, str]  # row, column
Figures = Mapping[Place, int]
Shown = dict[Place, int | None]


@dataclass(frozen=True, slots=True)
class _Corners:
    """Four figures that can change together: the first and those of `with_it` rise when those of `against` fall."""

    with_it: tuple[Place, ...]
    against: tuple[Place, ...]


def add_sums(inner: Figures) -> dict[Place, int]:
    """Return a table with its sums. A column of nothing but zeros is left out: there is nothing to tell of it.

    >>> add_sums({("a", "pil"): 7, ("b", "pil"): 5, ("a", "mop"): 0})[ALL, ALL]
    12
    """
    sums: dict[Place, int] = defaultdict(int)
    used = {column for (_, column), number in inner.items() if number}
    rows = {row for row, _ in inner}
    for row in rows:
        for column in used:
            number = inner.get((row, column), 0)
            for place in ((row, column), (ALL, column), (row, ALL), (ALL, ALL)):
                sums[place] += number
    return dict(sums)


def hide(table: Figures, facilities: Mapping[str, int]) -> Shown:
    """Return a table with its sums as everybody may see it: what is hidden is None.

    Shape: `facilities` tells for each row, the one of sums too, how many facilities stand behind it. The same table is
    always hidden in the same way.
    """
    thin = {row for row, _ in table if facilities.get(row, 0) < FEWEST}
    if ALL in thin:
        return dict.fromkeys(table)
    hidden = {place for place, number in table.items() if 0 < number < SMALL or place[0] in thin}
    safe: set[Place] = set()
    for place in sorted(hidden, key=lambda one: (table[one], one)):
        if place in safe:
            continue
        corners = _find_corners(table, place, hidden, thin)
        if corners is None:
            return dict.fromkeys(table)  # a table that cannot keep this one to itself is not shown at all
        together = {*corners.with_it, *corners.against}
        hidden |= together
        safe |= together
    return {place: None if place in hidden else number for place, number in table.items()}


def _find_corners(table: Figures, place: Place, hidden: set[Place], thin: set[str]) -> _Corners | None:
    """Return the rectangle around a figure that costs least: of what is shown still, as little as can be."""
    best: tuple[int, tuple[Place, ...], _Corners] | None = None
    for corners in _rectangles(table, place):
        others = (*corners.with_it[1:], *corners.against)
        new = [one for one in others if one not in hidden]
        if any(not table[one] for one in new) or _width(table, corners, thin) < WIDTH:
            continue
        cost = sum(table[one] for one in new), others
        if best is None or cost < best[:2]:
            best = (*cost, corners)
    return best[2] if best else None


def _rectangles(table: Figures, place: Place) -> Iterator[_Corners]:
    row, column = place
    rows, columns = {one for one, _ in table}, {one for _, one in table}
    for other_row in rows - {row}:
        for other_column in columns - {column}:
            corners: dict[bool, list[Place]] = {True: [place], False: []}
            with_row, with_column = ALL in (row, other_row), ALL in (column, other_column)  # a sum rises with its parts
            corners[with_row].append((other_row, column))
            corners[with_column].append((row, other_column))
            corners[with_row == with_column].append((other_row, other_column))
            yield _Corners(tuple(corners[True]), tuple(corners[False]))


def _width(table: Figures, corners: _Corners, thin: Collection[str]) -> int:
    """Return how far the corners can move in all. What is hidden is known to be no zero, but for a thin row."""

    def room(places: tuple[Place, ...]) -> int:
        return min((table[one] - (one[0] not in thin) for one in places), default=WIDTH)

    return room(corners.with_it) + room(corners.against)
