"""How the sheets for SIGA are laid out: a file, and over it what an area wrote to match its own print."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from gateway.errors import Permanent
from gateway.export.workbook import PAPERS
from gateway.forms import load_forms

FILE = Path(__file__).with_name("siga.toml")
FORMS = ("kb", "alokon")  # that SIGA has a sheet for
PART = "siga"  # an area's own layout stands under [siga.kb] and [siga.alokon]
MOST_COLUMNS, MOST_ROWS, LONGEST = 30, 40, 120  # of what an area writes; LONGEST characters of a heading
_CODES = ("plus", "minus", "needs")  # lists of measures of a column
_WORDS, _LISTS = ("title", "rest", "total", "no_source"), ("notes", "signatures", "sources")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the sum of the measures `plus` less that of those in `minus`; with neither it is filled in by hand.

    Shape: without all of `needs` a row stays empty, as an equation does that lacks a side.
    """

    number: str
    heading: str
    plus: tuple[str, ...] = ()
    minus: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    is_difference: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A row, and the items that it counts."""

    heading: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """The sheet of one form. `rest` is the row of what reports do not break down; an empty `total` is no row at all.

    Shape: `sources` are rows to be filled in by hand under each row that has figures, which itself says `no_source`;
    `paper` is one of `workbook.PAPERS`.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    rest: str
    total: str
    notes: tuple[str, ...]
    signatures: tuple[str, ...]
    sources: tuple[str, ...]
    no_source: str
    paper: str


@lru_cache(64)
def read_layout(form: str, chosen: str = "") -> Layout:
    """Return the layout of a form that Kabar comes with, with what an area wrote over it.

    Errors: Permanent with every fault in words, each naming its place.
    """
    plain = tomllib.loads(FILE.read_text(encoding="utf-8"))
    try:
        over = tomllib.loads(chosen).get(PART, {})
    except tomllib.TOMLDecodeError as error:
        raise Permanent(f"Tata letak bukan TOML: {error}. / The layout is no TOML: {error}.") from error
    faults = _find_faults(over, plain)
    if faults:
        raise Permanent(f"Tata letak SIGA / Layout of SIGA: {'; '.join(faults)}")
    merged = {**plain[form], **over.get(form, {})}
    return Layout(
        title=merged["title"],
        columns=tuple(_read_column(one) for one in merged["columns"]),
        rows=tuple(Row(one["heading"], tuple(one["items"])) for one in merged["rows"]),
        rest=merged["rest"],
        total=merged["total"],
        notes=tuple(merged["notes"]),
        signatures=tuple(merged["signatures"]),
        sources=tuple(merged.get("sources", ())),
        no_source=merged.get("no_source", ""),
        paper=merged["paper"],
    )


def _read_column(one: Mapping[str, Any]) -> Column:
    plus, minus, needs = (tuple(one.get(name, ())) for name in _CODES)
    return Column(one["number"], one["heading"], plus, minus, needs, bool(one.get("is_difference")))


def find_layout_fault(chosen: str) -> str:
    """Return in words what is wrong with a layout that an area wrote, or an empty string."""
    try:
        for form in FORMS:
            read_layout(form, chosen)
    except Permanent as fault:
        return str(fault)
    return ""


def _find_faults(over: Any, plain: Mapping[str, Any]) -> list[str]:
    if not isinstance(over, dict):
        return [f"[{PART}] harus tabel / must be a table"]
    found = []
    for form, sheet in over.items():
        at = f"{PART}.{form}"
        if form not in plain:
            found.append(f"[{at}] tidak dikenal / not known: {', '.join(plain)}")
        elif not isinstance(sheet, dict):
            found.append(f"[{at}] harus tabel / must be a table")
        else:
            found += [f"{at}.{fault}" for fault in _sheet_faults(sheet, plain[form], items_of(form))]
    return found


def items_of(form: str) -> frozenset[str]:
    """Return the items of a form that are in its totals: what else it counts has no row in SIGA."""
    known = next((one for one in load_forms() if one.code == form), None)
    return frozenset(item.code for item in known.items.values() if item.in_total) if known else frozenset()


def _sheet_faults(sheet: Mapping[str, Any], plain: Mapping[str, Any], items: frozenset[str]) -> list[str]:
    known = (*_WORDS, *_LISTS, "paper", "columns", "rows")
    found = [f"{name}: tidak dikenal / not known: {', '.join(known)}" for name in sheet if name not in known]
    found += [f"{name}: harus teks / must be text" for name in _WORDS if not _is_text(sheet.get(name, ""), empty=True)]
    for name in _LISTS:
        if not _is_texts(sheet.get(name, [])):
            found.append(f"{name}: harus daftar teks / must be a list of texts")
    if sheet.get("paper", plain["paper"]) not in PAPERS:
        found.append(f"paper: harus salah satu dari / must be one of {', '.join(PAPERS)}")
    measures = {code for one in plain["columns"] for code in one.get("plus", ())}
    found += _column_faults(sheet.get("columns", plain["columns"]), measures)
    return found + _row_faults(sheet.get("rows", plain["rows"]), items)


def _column_faults(columns: Any, measures: set[str]) -> list[str]:
    if not isinstance(columns, list) or not 0 < len(columns) <= MOST_COLUMNS:
        return [f"columns: 1-{MOST_COLUMNS} kolom / columns"]
    found = []
    for at, one in enumerate(columns, start=1):
        where = f"columns[{at}]"
        if not isinstance(one, dict) or not all(_is_text(one.get(name)) for name in ("number", "heading")):
            found.append(f"{where}: perlu number dan heading / needs number and heading")
            continue
        found += [f"{where}.{name}: tidak dikenal / not known" for name in one if name not in Column.__slots__]
        for name in _CODES:
            codes = one.get(name, [])
            if not _is_texts(codes):
                found.append(f"{where}.{name}: harus daftar kode / must be a list of codes")
            else:
                known = f"tidak dikenal / not known: {', '.join(sorted(measures))}"
                found += [f"{where}.{name}: {code!r} {known}" for code in codes if code not in measures]
    return found


def _row_faults(rows: Any, items: frozenset[str]) -> list[str]:
    if not isinstance(rows, list) or not 0 < len(rows) <= MOST_ROWS:
        return [f"rows: 1-{MOST_ROWS} baris / rows"]
    found, seen = [], set()
    for at, one in enumerate(rows, start=1):
        is_row = isinstance(one, dict) and set(one) == {"heading", "items"}
        if not is_row or not _is_text(one["heading"]) or not _is_texts(one["items"]):
            found.append(f"rows[{at}]: perlu heading dan items / needs heading and items")
            continue
        twice = sorted({code for code in one["items"] if code in seen or one["items"].count(code) > 1})
        found += [f"rows[{at}].items: dua kali / counted twice: {code}" for code in twice]
        strange = sorted(set(one["items"]) - items)
        found += [f"rows[{at}].items: {code!r} tidak ada di SIGA / not in SIGA" for code in strange]
        seen |= set(one["items"])
    return found


def _is_text(value: Any, *, empty: bool = False) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST and (empty or bool(value.strip()))


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) and len(one) <= 3 * LONGEST for one in value)


def fold_key(key: str, injectable_as: str, implant_as: str) -> str:
    """Return the key that a figure counts for, where an area says what SUNTIK and IMPLAN without a number are.

    >>> fold_key("baru.suntik", "suntik3", ""), fold_key("baru.implan", "suntik3", "")
    ('baru.suntik3', 'baru.implan')
    """
    measure, _, item = key.partition(".")
    chosen = {"suntik": injectable_as, "implan": implant_as}.get(item, "")
    return f"{measure}.{chosen}" if chosen else key


def measures_of(columns: Sequence[Column]) -> tuple[str, ...]:
    """Return every measure that columns go by, in their order."""
    return tuple(dict.fromkeys(code for column in columns for code in (*column.plus, *column.minus)))
