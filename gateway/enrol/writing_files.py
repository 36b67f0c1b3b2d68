"""Write the registry as a workbook or a CSV that can be read in again: no cell is ever a formula."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import xlsxwriter

from gateway.enrol.columns import FIELDS, HEADINGS, Kind
from gateway.spreadsheet import BYTE_ORDER_MARK, guard, write_row
from gateway.store.register import KnownFacility
from gateway.store.roster import KnownReporter

BETWEEN = " / "  # stands between several phones or facilities in one cell
_PART = 500  # rows of one piece of a CSV
EXAMPLES: Mapping[Kind, tuple[tuple[str, ...], ...]] = {
    Kind.FACILITIES: (
        *(("140300100", "Puskesmas Damon", "DAMON", "PUSKESMAS", "pemerintah", "14.03.01", "", "", "", "", "", "ya"),),
        *(
            (
                "140350101",
                "PMB Ani",
                "PMB01",
                "PMB",
                "swasta",
                "Mandau",
                "",
                "",
                "1,2712",
                "101,2133",
                "1/1/2025",
                "ya",
            ),
        ),
    ),
    Kind.REPORTERS: (
        ("Bidan Ani", "0812-0000-0101", "140350101", "id"),
        ("Bidan Wati", "0812-0000-0102 / 0813-0000-0102", "140350101 / 140300100", "id"),
    ),
}
NOTES: Mapping[Kind, tuple[tuple[str, str], ...]] = {
    Kind.FACILITIES: (
        ("kode faskes", "9 angka: provinsi 2, kabupaten 2, faskes 3, jaringan 2 / 9 digits; always needed"),
        ("nama singkat", "yang diketik bidan di SMS; kosong: dari nama / typed in an SMS; made from the name if empty"),
        ("jenis", "RS, PUSKESMAS, KLINIK, DPM, PMB, PMB_JEJARING, PUSTU, POLINDES"),
        ("kepemilikan", "pemerintah atau swasta / government or private"),
        ("kecamatan", "kode (14.03.09) atau nama / its code or its name"),
        ("lapor sejak", "tanggal; tidak ditagih untuk bulan sebelumnya / a day; not missed for the months before"),
        ("aktif", "ya atau tidak / yes or no"),
        ("", "Sel kosong dan baris yang tidak ada tidak mengubah apa pun. / What is empty or missing changes nothing."),
        ("", "Hapus baris contoh sebelum mengunggah. / Take the example rows out before you upload."),
    ),
    Kind.REPORTERS: (
        ("nomor hp", "beberapa nomor dipisah dengan / ; kolom berformat teks / several with / between; format as text"),
        ("kode faskes", "9 angka; beberapa dipisah dengan / / 9 digits; several with / between"),
        ("bahasa", "id atau en / the language of her SMS"),
        (
            "",
            "Bidan dikenali dari nomornya. Tidak ada yang dihapus. / She is known by her phone. Nothing is deleted.",
        ),
        ("", "Hapus baris contoh sebelum mengunggah. / Take the example rows out before you upload."),
    ),
}


def facility_row(facility: KnownFacility) -> tuple[str, ...]:
    """Return a facility as a row of the file."""
    return tuple(_as_text(getattr(facility, field)) for field in FIELDS[Kind.FACILITIES])


def reporter_row(reporter: KnownReporter) -> tuple[str, ...]:
    """Return a reporter as a row of the file, with the facilities that she reports for now."""
    hers = (one for one in reporter.assignments if one.is_active and one.until_period is None and one.leave_id is None)
    phones = BETWEEN.join(as_dialled(phone) for phone in reporter.phones)
    return (reporter.name, phones, BETWEEN.join(one.code for one in hers), reporter.language)


def as_dialled(phone: str) -> str:
    """Return a number as it is dialled at home, in groups: so no sheet takes it for a sum, or shortens it.

    >>> as_dialled("+6281200000101"), as_dialled("+15005550006")
    ('0812-0000-0101', '+15005550006')
    """
    if not phone.startswith("+62"):
        return phone
    digits = f"0{phone[3:]}"
    return "-".join(part for part in (digits[:4], digits[4:8], digits[8:]) if part)


def write_csv(kind: Kind, rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """Yield a register file as CSV."""
    return write_table(headings(kind), rows)


def write_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """Yield a CSV as a sheet opens it here, a part at a time."""
    part = [BYTE_ORDER_MARK, write_row(columns)]
    for row in rows:
        part.append(write_row(row))
        if len(part) >= _PART:
            yield "".join(part).encode()
            part.clear()
    yield "".join(part).encode()


def write_workbook(kind: Kind, rows: Iterable[Sequence[str]], *, with_notes: bool = False) -> bytes:
    """Return a workbook whose cells are all text; with a second sheet of notes for a template."""
    content = io.BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(content, options | {"strings_to_numbers": False})
    bold, text = book.add_format({"bold": True}), book.add_format({"num_format": "@"})
    sheet = book.add_worksheet(kind.value)
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(headings(kind)) - 1, 20, text)
    _write_rows(sheet.write_string, [headings(kind)], bold)
    _write_rows(sheet.write_string, ([guard(cell) for cell in row] for row in rows), text, start=1)
    if with_notes:
        notes = book.add_worksheet("petunjuk - notes")
        notes.set_column(0, 0, 16)
        notes.set_column(1, 1, 90)
        _write_rows(notes.write_string, NOTES[kind], None)
    book.close()
    return content.getvalue()


def headings(kind: Kind) -> tuple[str, ...]:
    """Return the names of the columns, in order."""
    return tuple(HEADINGS[kind][field] for field in FIELDS[kind])


def _write_rows(write: Callable[..., int], rows: Iterable[Sequence[str]], look: Any, start: int = 0) -> None:
    for at, row in enumerate(rows, start=start):
        for column, cell in enumerate(row):
            if cell:
                write(at, column, cell, look)


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "ya" if value else "tidak"
    return value.isoformat() if isinstance(value, date) else str(value)
