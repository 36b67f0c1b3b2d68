"""The figures of one sheet for SIGA: what was reported, in rows and columns, so that every column adds up. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.export.siga_layout import Column, Layout, fold_key, measures_of
from gateway.settling import Choices
from parsers.form import Form

Figure = int | None  # None: not reported


@dataclass(frozen=True, slots=True)
class Table:
    """The figures of a facility or of an area.

    Shape: `cells[row][column]` by the layout; `rest` is the row of what is not broken down, `total` the sum of all.
    """

    cells: tuple[tuple[Figure, ...], ...]
    rest: tuple[Figure, ...]
    total: tuple[Figure, ...]


def make_table(values: Mapping[str, int], form: Form, layout: Layout, choices: Choices) -> Table:
    """Return a report's figures.

    What has no item, or one that no row counts, is in the rest. Where a measure that a column takes away is not broken
    down, nobody knows from which row it must be taken: then the whole column is in the rest.
    """
    totals, parts = _read(values, form, choices)
    columns = [_make_column(column, layout, totals, parts) for column in layout.columns]
    return Table(
        cells=tuple(tuple(column[0][at] for column in columns) for at in range(len(layout.rows))),
        rest=tuple(column[1] for column in columns),
        total=tuple(column[2] for column in columns),
    )


def _read(
    values: Mapping[str, int], form: Form, choices: Choices
) -> tuple[Mapping[str, int], Mapping[str, Mapping[str, int]]]:
    """Return each measure's total, and its items as the area wants them; items beside the total are left out."""
    parts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    totals: dict[str, int] = {}
    for key, quantity in values.items():
        measure, _, item = fold_key(key, choices.injectable_as, choices.implant_as).partition(".")
        known = form.items.get(item)
        if not item:
            totals[measure] = quantity
        elif known is None or known.in_total:
            parts[measure][item] += quantity
    for measure, items in parts.items():
        totals.setdefault(measure, sum(items.values()))
    return totals, parts


def _make_column(
    column: Column, layout: Layout, totals: Mapping[str, int], parts: Mapping[str, Mapping[str, int]]
) -> tuple[list[Figure], Figure, Figure]:
    """Return a column's figures by row, what is in its rest, and its total; None everywhere if nothing was reported."""
    given = [code for code in column.plus if code in totals]
    if not given:
        return [None] * len(layout.rows), None, None
    taken = [code for code in column.minus if code in totals]
    total = sum(totals[code] for code in given) - sum(totals[code] for code in taken)
    counted = {item for row in layout.rows for item in row.items}

    def is_broken_down(code: str) -> bool:
        items = parts.get(code, {})
        return sum(quantity for item, quantity in items.items() if item in counted) == totals[code]

    if not column.needs and not all(map(is_broken_down, taken)):
        return [None] * len(layout.rows), total, total
    cells: list[Figure] = []
    is_signed = bool(column.needs) or column.is_difference
    for row in layout.rows:
        here = [parts[code][item] for code in given if code in parts for item in row.items if item in parts[code]]
        less = sum(parts[code].get(item, 0) for code in taken if code in parts for item in row.items)
        is_whole = all(any(item in parts.get(code, {}) for item in row.items) for code in column.needs)
        is_known = bool(here) and is_whole
        # who was taken away without having been counted here is taken out of the rest instead
        cells.append((sum(here) - less if is_signed else max(0, sum(here) - less)) if is_known else None)
    if column.needs:
        found = [cell for cell in cells if cell is not None]
        return cells, None, sum(found) if found else None
    return cells, total - sum(cell for cell in cells if cell is not None), total


def add_tables(tables: Iterable[Table], layout: Layout) -> Table:
    """Return the sum of some tables; a figure that nobody reported stays empty."""
    wide = len(layout.columns)
    cells: list[list[Figure]] = [[None] * wide for _ in layout.rows]
    rest: list[Figure] = [None] * wide
    total: list[Figure] = [None] * wide
    for table in tables:
        for mine, theirs in zip(cells, table.cells, strict=True):
            mine[:] = map(_add, mine, theirs)
        rest, total = list(map(_add, rest, table.rest)), list(map(_add, total, table.total))
    return Table(tuple(map(tuple, cells)), tuple(rest), tuple(total))


def _add(one: Figure, other: Figure) -> Figure:
    return other if one is None else one if other is None else one + other


def left_out(values: Mapping[str, int], form: Form, layout: Layout) -> tuple[str, ...]:
    """Return the reported keys that the sheet does not hold: local figures, such as AKTIF and MAL."""
    held = set(measures_of(layout.columns))

    def is_held(key: str) -> bool:
        measure, _, item = key.partition(".")
        known = form.items.get(item)
        return measure in held and (known is None or known.in_total)

    return tuple(key for key in values if not is_held(key))
