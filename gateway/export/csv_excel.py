"""CSV for Excel in an Indonesian office: a row for each report, semicolons, opened as UTF-8, no cell a formula."""

from __future__ import annotations

from typing import BinaryIO

from gateway.export.base import Format, Source, say_about
from gateway.spreadsheet import BYTE_ORDER_MARK, write_row
from parsers.form import Form

FORMAT = Format(
    names={"id": "CSV untuk Excel", "en": "CSV for Excel"},
    hints={
        "id": "Satu baris untuk tiap laporan, dipisah titik koma; dibuka Excel dengan klik ganda.",
        "en": "One row for each report, with semicolons; Excel opens it by a double click.",
    },
    media_type="text/csv; charset=utf-8",
    suffix="csv",
)
HEADS = ("Kode faskes", "Faskes", "Jenis", "Kode kecamatan", "Kecamatan", "Bulan", "Revisi", "Keadaan")


def write(source: Source, target: BinaryIO) -> None:
    """Write what the file holds, an empty row, the heads, and every settled report."""
    keys = columns_of(source.form)
    target.write(BYTE_ORDER_MARK.encode())
    target.writelines(write_row(pair).encode() for pair in say_about(source.about))
    target.write(write_row([]).encode())
    target.write(write_row([*HEADS, *(source.form.word_for(key) for key in keys)]).encode())
    for report in source.reports():
        place = report.place
        about = (place.code, place.name, place.type, place.area, place.area_name, report.period)
        figures = (report.values.get(key) for key in keys)
        target.write(write_row([*about, report.revision, report.state, *figures]).encode())
    target.write(write_row([]).encode())
    target.write(write_row(["Sidik data (SHA-256)", source.digest.hexdigest()]).encode())


def columns_of(form: Form) -> tuple[str, ...]:
    """Return every key that a form can have, each measure's total before its items, in the form's order."""
    return tuple(
        key
        for code, measure in form.measures.items()
        for key in (code, *(f"{code}.{item}" for item in form.items if item in measure.items))
    )
