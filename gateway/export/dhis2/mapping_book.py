"""A mapping as a workbook: to be filled in by whoever knows the other system's codes, and uploaded again."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import xlsxwriter

from gateway.export.dhis2.mapping_rows import (
    CELL_COLUMNS,
    CELLS,
    DATA_SET,
    SCHEME,
    TARGET,
    UNIT_BY,
    UNIT_COLUMNS,
    UNIT_WAYS,
    UNITS,
    list_keys,
)
from gateway.mapping import Cell, Mapping
from gateway.spreadsheet import guard
from parsers.form import Form

NOTES = (
    "Isi kode persis seperti di DHIS2: huruf besar dan kecil berbeda. / Write codes just as the DHIS2 has them.",
    "Skema kode: CODE, UID, atau attribute:UID-nya. / Scheme of codes: CODE, UID or attribute: and its UID.",
    "Org unit dari: kode faskes, kode kemenkes, atau uid dhis2; untuk faskes yang kosong di lembar faskes.",
    "Where an org unit's code comes from for a facility that has none on the sheet faskes.",
    "Category option combo kosong: default. / Empty: the data element has no disaggregation.",
    "Tidak dikirim: tulis ya bila angka itu sengaja tidak dikirim. Baris tanpa keduanya membuat laporannya ditolak.",
    "Write ya for what is not sent on purpose. A report that holds a key with neither is refused.",
    "Jumlah (baru) dan rinciannya (baru.pil) tidak boleh ke satu sel: terhitung dua kali.",
    "A total and its parts cannot share a cell: it would count twice.",
)


def write_mapping(mapping: Mapping, form: Form, facilities: Iterable[tuple[str, str]], made_at: datetime) -> bytes:
    """Return a mapping as a workbook of three sheets; every cell is text.

    Shape: `facilities` are (code, name).
    """
    content = io.BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(content, options | {"strings_to_numbers": False})
    book.set_properties({"created": made_at.replace(tzinfo=None), "title": f"Pemetaan {form.name('id')}"})
    looks = {
        "head": book.add_format({"bold": True, "bg_color": "#E7EEF3", "bottom": 1}),
        "text": book.add_format({"num_format": "@"}),
        "ours": book.add_format({"num_format": "@", "font_color": "#555555"}),
        "note": book.add_format({"text_wrap": True, "valign": "top"}),
    }
    sheet = book.add_worksheet(CELLS)
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, 1, 42)
    sheet.set_column(2, 5, 26)
    _write(sheet, looks, CELL_COLUMNS, (_cell_row(mapping, form, key) for key in list_keys(form)))
    sheet = book.add_worksheet(UNITS)
    sheet.set_column(0, 0, 16)
    sheet.set_column(1, 2, 42)
    _write(sheet, looks, UNIT_COLUMNS, ((code, name, mapping.org_units.get(code, "")) for code, name in facilities))
    sheet = book.add_worksheet(TARGET)
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, 1, 110)
    target = ((DATA_SET, mapping.data_set), (SCHEME, mapping.scheme), (UNIT_BY, UNIT_WAYS[mapping.org_unit_by]))
    for at, (name, value) in enumerate(target):
        sheet.write_string(at, 0, name, looks["head"])
        sheet.write_string(at, 1, guard(value), looks["text"])
    for at, words in enumerate(NOTES, start=len(target) + 1):
        sheet.write_string(at, 1, words, looks["note"])
    book.close()
    return content.getvalue()


def _cell_row(mapping: Mapping, form: Form, key: str) -> Sequence[str]:
    cell = mapping.cells.get(key, Cell(""))
    codes = (cell.data_element, cell.category_option_combo, cell.attribute_option_combo)
    return (key, name_in_indonesian(form, key), *codes, "ya" if key in mapping.left_out else "")


def name_in_indonesian(form: Form, key: str) -> str:
    """Return what a key counts, as the form calls it: `baru.pil` is "Peserta baru, Pil"."""
    measure, _, item = key.partition(".")
    names = [form.measures[measure].names["id"]] + ([form.items[item].names["id"]] if item else [])
    return ", ".join(names)


def _write(sheet: Any, looks: dict[str, Any], columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    sheet.freeze_panes(1, 2)
    for column, name in enumerate(columns):
        sheet.write_string(0, column, name, looks["head"])
    for at, row in enumerate(rows, start=1):
        for column, cell in enumerate(row):
            sheet.write_string(at, column, guard(cell), looks["ours" if column < 2 else "text"])
