"""A mapping as the rows of a workbook: what stands in it, and what is wrong with each row. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.export.dhis2.payload import may_share
from gateway.mapping import Cell, Mapping
from parsers.form import Form

CELLS, UNITS, TARGET = "pemetaan", "faskes", "sasaran"
CELL_COLUMNS = (
    *("kunci", "nama", "data element", "category option combo", "attribute option combo"),
    "tidak dikirim",
)
UNIT_COLUMNS = ("kode faskes", "nama", "org unit")
DATA_SET, SCHEME, UNIT_BY = "data set", "skema kode", "org unit dari"
UNIT_WAYS = {"code": "kode faskes", "kemenkes_code": "kode kemenkes", "dhis2_uid": "uid dhis2"}
_SCHEME = re.compile(r"CODE|UID|attribute:[A-Za-z][A-Za-z0-9]{10}")
_UID = re.compile(r"[A-Za-z][A-Za-z0-9]{10}")
_YES, _NO = {"ya", "y", "x", "1", "yes"}, {"", "tidak", "t", "0", "no", "-"}
_LONGEST = 100  # characters of a code

Table = Sequence[Sequence[str]]


class Wrong(StrEnum):
    """What is wrong with a row. The page says each in words, with what to do."""

    NO_SHEET = "no_sheet"
    NO_COLUMN = "no_column"
    NO_DATA_SET = "no_data_set"
    SCHEME = "scheme"
    UNIT_BY = "unit_by"
    UNKNOWN_KEY = "unknown_key"
    KEY_TWICE = "key_twice"
    BOTH = "both"
    NO_ELEMENT = "no_element"
    YES_OR_NO = "yes_or_no"
    CODE = "code"
    SHARED = "shared"
    UNKNOWN_FACILITY = "unknown_facility"
    FACILITY_TWICE = "facility_twice"
    UNIT_TWICE = "unit_twice"


@dataclass(frozen=True, slots=True)
class RowFault:
    """One thing that is wrong: on which sheet, in which row as a spreadsheet counts them (0: all of it), about what."""

    sheet: str
    row: int
    wrong: Wrong
    about: str = ""


@dataclass
class Written:
    """What a workbook says, see `gateway.mapping.Mapping`; not to be used while it has faults."""

    data_set: str = ""
    scheme: str = "CODE"
    org_unit_by: str = "code"
    cells: dict[str, Cell] = field(default_factory=dict)
    org_units: dict[str, str] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)
    faults: list[RowFault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Difference:
    """What a mapping changes. Shape: each is (key or facility code, before, after); empty where there is nothing."""

    target: tuple[tuple[str, str, str], ...]
    cells: tuple[tuple[str, str, str], ...]
    org_units: tuple[tuple[str, str, str], ...]

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing changes."""
        return not (self.target or self.cells or self.org_units)


def list_keys(form: Form) -> tuple[str, ...]:
    """Return every key that a report of a form can hold: each measure's total, then its items."""
    return tuple(
        key
        for measure in form.measures.values()
        for key in (
            measure.code,
            *(f"{measure.code}.{item}" for item in form.items if item in measure.items),
        )
    )


def list_unmapped(mapping: Mapping, form: Form) -> tuple[str, ...]:
    """Return the keys that a mapping neither sends nor leaves out: a report that holds one is refused."""
    return tuple(key for key in list_keys(form) if key not in mapping.cells and key not in mapping.left_out)


def suggest(form: Form) -> Mapping:
    """Return a mapping to begin with: codes made of ours, totals left out where items stand beside them."""
    cells, left_out = {}, set()
    for key in list_keys(form):
        measure, _, item = key.partition(".")
        if not item and form.measures[measure].items:
            left_out.add(key)
        else:
            cells[key] = Cell(f"{form.code}_{measure}".upper(), item.upper())
    data_set = f"{form.code}_BULANAN".upper()
    return Mapping(0, 0, form.code, data_set, "CODE", cells, {}, "code", frozenset(left_out))


def read_book(book: MappingOf[str, Table], form: Form, known: Collection[str]) -> Written:
    """Return what a workbook says of a form, with all that is wrong.

    Shape: `book` maps a sheet's name to its rows; `known` are the facility codes that may stand in it.
    """
    found = Written()
    sheets = {name.strip().lower(): table for name, table in book.items()}
    for name in (TARGET, CELLS, UNITS):
        if name not in sheets:
            found.faults.append(RowFault(name, 0, Wrong.NO_SHEET))
    _read_target(sheets.get(TARGET, ()), found)
    _read_cells(sheets.get(CELLS, ()), form, found)
    _read_units(sheets.get(UNITS, ()), known, found)
    return found


def _read_target(table: Table, found: Written) -> None:
    said = {row[0].strip().lower(): (number, row[1].strip()) for number, row in enumerate(table, 1) if len(row) > 1}
    at, found.data_set = said.get(DATA_SET, (0, ""))
    if not found.data_set or len(found.data_set) > _LONGEST:
        found.faults.append(RowFault(TARGET, at, Wrong.NO_DATA_SET))
    at, scheme = said.get(SCHEME, (0, ""))
    found.scheme = scheme if scheme.startswith("attribute:") else scheme.upper() or "CODE"
    if not _SCHEME.fullmatch(found.scheme):
        found.faults.append(RowFault(TARGET, at, Wrong.SCHEME, scheme))
    at, way = said.get(UNIT_BY, (0, ""))
    ways = {words: name for name, words in UNIT_WAYS.items()} | {name: name for name in UNIT_WAYS} | {"": "code"}
    if way.lower() in ways:
        found.org_unit_by = ways[way.lower()]
    else:
        found.faults.append(RowFault(TARGET, at, Wrong.UNIT_BY, way))


def _read_cells(table: Table, form: Form, found: Written) -> None:
    keys = set(list_keys(form))
    rows: dict[str, int] = {}
    for number, row in _rows(table, CELLS, CELL_COLUMNS, found):
        key, _name, element, combo, attribute, left = row
        key = key.lower()
        if not key:
            continue
        if fault := _find_cell_fault(key, row[2:], keys, rows):
            found.faults.append(RowFault(CELLS, number, fault, key))
            continue
        rows[key] = number
        if left.lower() in _YES:
            found.left_out.add(key)
        elif element:
            if any(not _is_code(code, found.scheme) for code in (element, combo, attribute) if code):
                found.faults.append(RowFault(CELLS, number, Wrong.CODE, key))
            found.cells[key] = Cell(element, combo, attribute)
    sharing: dict[Cell, list[str]] = defaultdict(list)
    for key, cell in found.cells.items():
        sharing[cell].append(key)
    for shared in sharing.values():
        if len(shared) > 1 and not may_share(shared):
            found.faults.append(RowFault(CELLS, rows[shared[-1]], Wrong.SHARED, ", ".join(shared)))


def _find_cell_fault(key: str, row: Sequence[str], keys: Collection[str], rows: Collection[str]) -> Wrong | None:
    element, combo, attribute, left = row
    if key not in keys:
        return Wrong.UNKNOWN_KEY
    if key in rows:
        return Wrong.KEY_TWICE
    if left.lower() not in _YES | _NO:
        return Wrong.YES_OR_NO
    if left.lower() in _YES and element:
        return Wrong.BOTH
    return Wrong.NO_ELEMENT if (combo or attribute) and not element else None


def _read_units(table: Table, known: Collection[str], found: Written) -> None:
    rows: dict[str, str] = {}
    for number, (code, _name, unit) in _rows(table, UNITS, UNIT_COLUMNS, found):
        if not code or not unit:
            continue
        wrong, about = None, code
        if code not in known:
            wrong = Wrong.UNKNOWN_FACILITY
        elif code in found.org_units:
            wrong = Wrong.FACILITY_TWICE
        elif unit in rows:
            wrong, about = Wrong.UNIT_TWICE, f"{rows[unit]}, {code}"
        elif not _is_code(unit, found.scheme):
            wrong = Wrong.CODE
        if wrong:
            found.faults.append(RowFault(UNITS, number, wrong, about))
            continue
        found.org_units[code] = unit
        rows[unit] = code


def _rows(table: Table, sheet: str, columns: Sequence[str], found: Written) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield the rows below the one that names the columns, in the order of `columns`, each with its number."""
    heads = [[cell.strip().lower() for cell in row] for row in table]
    head = next((at for at, row in enumerate(heads) if columns[0] in row), None)
    if head is None:
        if table:
            found.faults.append(RowFault(sheet, 0, Wrong.NO_COLUMN, columns[0]))
        return
    missing = [name for name in columns if name not in heads[head] and name not in {"nama", "attribute option combo"}]
    if missing:
        found.faults.append(RowFault(sheet, head + 1, Wrong.NO_COLUMN, ", ".join(missing)))
        return
    places = [heads[head].index(name) if name in heads[head] else -1 for name in columns]
    for number, row in enumerate(table[head + 1 :], start=head + 2):
        yield number, tuple(row[at].strip() if 0 <= at < len(row) else "" for at in places)


def _is_code(code: str, scheme: str) -> bool:
    return bool(_UID.fullmatch(code)) if scheme == "UID" else len(code) <= _LONGEST and "\n" not in code


def compare(before: Mapping | None, after: Mapping) -> Difference:
    """Return what a mapping changes of another one, or of nothing."""
    return Difference(
        tuple(_changes(_say_target(before) if before else {}, _say_target(after))),
        tuple(_changes(_say_cells(before) if before else {}, _say_cells(after))),
        tuple(_changes(before.org_units if before else {}, after.org_units)),
    )


def _changes(before: MappingOf[str, str], after: MappingOf[str, str]) -> Iterator[tuple[str, str, str]]:
    for name in sorted({*before, *after}):
        if (was := before.get(name, "")) != (now := after.get(name, "")):
            yield name, was, now


def _say_target(mapping: Mapping) -> dict[str, str]:
    return {DATA_SET: mapping.data_set, SCHEME: mapping.scheme, UNIT_BY: UNIT_WAYS[mapping.org_unit_by]}


def _say_cells(mapping: Mapping) -> dict[str, str]:
    said = {key: say_cell(cell) for key, cell in mapping.cells.items()}
    return said | dict.fromkeys(mapping.left_out, CELL_COLUMNS[-1])


def say_cell(cell: Cell) -> str:
    """Return a cell on one line.

    >>> say_cell(Cell("KB_BARU", "PIL")), say_cell(Cell("KB_BARU"))
    ('KB_BARU · PIL', 'KB_BARU')
    """
    parts = (cell.data_element, cell.category_option_combo, cell.attribute_option_combo)
    return " · ".join(part for part in parts if part)
