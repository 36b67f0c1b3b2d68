"""Which columns the sheets for SIRIKA have, in which order and under which names: a file, and over it an area's own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from gateway.errors import Permanent

FILE = Path(__file__).with_name("sirika.toml")
PART = "sirika"  # an area's own layout stands under [sirika]
ABOUT = "Keterangan"  # the first sheet, which nobody renames
LONGEST = 120  # characters of a name that an area writes


@dataclass(frozen=True, slots=True)
class Column:
    """One column: which value it holds, and what stands above it."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet."""

    name: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """The workbook. Shape: `items` maps an item of the form to its name and unit; `sources` a source to its name."""

    sheets: Mapping[str, Sheet]
    items: Mapping[str, tuple[str, str]]
    sources: Mapping[str, str]


@cache
def _own_file() -> Mapping[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def read_layout(chosen: str = "") -> Layout:
    """Return the layout that Kabar comes with, with what an area wrote under `[sirika]` over it.

    Errors: Permanent with every fault in words.
    """
    plain = _own_file()
    try:
        over = tomllib.loads(chosen).get(PART, {})
    except tomllib.TOMLDecodeError as error:
        raise Permanent(f"Tata letak bukan TOML: {error}. / The layout is no TOML: {error}.") from error
    faults = _find_faults(over)
    if faults:
        raise Permanent(f"Tata letak SIRIKA / Layout of SIRIKA: {'; '.join(faults)}")
    sheets = {
        code: _as_sheet({**sheet, **over.get("sheets", {}).get(code, {})}) for code, sheet in plain["sheets"].items()
    }
    items = {code: (one[0], one[1]) for code, one in {**plain["items"], **over.get("items", {})}.items()}
    return Layout(sheets, items, {**plain["sources"], **over.get("sources", {})})


def find_layout_fault(chosen: str) -> str:
    """Return in words what is wrong with a layout that an area wrote, or an empty string."""
    try:
        read_layout(chosen)
    except Permanent as fault:
        return str(fault)
    return ""


def _find_faults(over: Any) -> list[str]:
    plain = _own_file()
    if not isinstance(over, dict):
        return ["[sirika] harus tabel / must be a table"]
    found = [f"[sirika.{name}] tidak dikenal / is not known" for name in over if name not in plain]
    tables = {name: over.get(name, {}) for name in plain}
    found += [f"[sirika.{name}] harus tabel / must be a table" for name in plain if not isinstance(tables[name], dict)]
    if found:
        return found
    for code, one in tables["items"].items():
        if not _is_pair(one):
            found.append(f'items.{code}: tulis ["nama", "satuan"] / write ["name", "unit"]')
    for code, one in tables["sources"].items():
        if code not in plain["sources"] or not _is_text(one):
            found.append(f"sources.{code}: {', '.join(plain['sources'])}")
    for code, one in tables["sheets"].items():
        found += _find_sheet_faults(code, one)
    return found


def _find_sheet_faults(code: str, sheet: Any) -> list[str]:
    known = _own_file()["sheets"]
    if code not in known:
        return [f"sheets.{code}: {', '.join(known)}"]
    if not isinstance(sheet, dict) or set(sheet) - {"name", "columns"}:
        return [f"sheets.{code}: hanya name dan columns / only name and columns"]
    found = []
    if not _is_text(sheet.get("name", known[code]["name"])):
        found.append(f"sheets.{code}.name: harus teks / must be text")
    columns = sheet.get("columns", known[code]["columns"])
    is_list = isinstance(columns, list) and columns and all(_is_pair(one) for one in columns)
    if not is_list:
        return [*found, f'sheets.{code}.columns: tulis [["kunci", "judul"], ...] / write [["key", "heading"], ...]']
    keys = [one[0] for one in columns]
    allowed = [one[0] for one in known[code]["columns"]]
    found += [f"sheets.{code}: kolom/column {key!r}: {', '.join(allowed)}" for key in keys if key not in allowed]
    found += [f"sheets.{code}: kolom dua kali / column twice: {key}" for key in sorted({*keys}) if keys.count(key) > 1]
    return found


def _is_pair(one: Any) -> bool:
    return isinstance(one, list) and len(one) == 2 and all(map(_is_text, one))


def _is_text(one: Any) -> bool:
    return isinstance(one, str) and 0 < len(one.strip()) <= LONGEST


def _as_sheet(sheet: Mapping[str, Any]) -> Sheet:
    return Sheet(sheet["name"], tuple(Column(key, name) for key, name in sheet["columns"]))
