"""A flat workbook: a row for each report and a column for each figure, for who counts on with Excel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO

import xlsxwriter

from gateway.export.base import XLSX, Format, Source, say_about
from gateway.export.csv_excel import HEADS, columns_of
from gateway.export.workbook import OPTIONS, set_up_page

ROWS = 1_000_000  # of one sheet; Microsoft Excel, limits: 1,048,576
FORMAT = Format(
    names={"id": "Excel, tabel polos", "en": "Excel, plain table"},
    hints={
        "id": "Satu baris untuk tiap laporan, satu kolom untuk tiap angka; untuk dihitung lebih lanjut di Excel.",
        "en": "One row for each report, one column for each figure; to count on in Excel.",
    },
    media_type=XLSX,
    suffix="xlsx",
)


def write(source: Source, target: BinaryIO) -> None:
    """Write every settled report; a figure that was not given stays empty, and is no zero."""
    book = xlsxwriter.Workbook(target, OPTIONS)
    book.set_properties({"created": source.about.made_at.replace(tzinfo=None, microsecond=0)})
    bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    keys = columns_of(source.form)
    heads = [*HEADS, *(source.form.word_for(key) for key in keys)]
    about = book.add_worksheet("Keterangan")
    sheet, at = _add_sheet(book, source, heads, bold, 1), 0
    for number, report in enumerate(source.reports()):
        if number and number % ROWS == 0:
            sheet, at = _add_sheet(book, source, heads, bold, number // ROWS + 1), 0
        at += 1
        place = report.place
        texts = (place.code, place.name, place.type, place.area, place.area_name, report.period)
        for column, text in enumerate(texts):
            sheet.write_string(at, column, text)
        sheet.write_number(at, len(texts), report.revision)
        sheet.write_string(at, len(texts) + 1, report.state)
        for column, key in enumerate(keys, start=len(HEADS)):
            quantity = report.values.get(key)
            if quantity is not None:
                sheet.write_number(at, column, quantity)
    about.set_column(0, 0, 30)
    about.set_column(1, 1, 90)
    for row, (name, value) in enumerate(say_about(source.about, source.digest.hexdigest())):
        about.write_string(row, 0, name, bold)
        about.write_string(row, 1, value)
    book.close()


def _add_sheet(book: Any, source: Source, heads: Sequence[str], look: Any, number: int) -> Any:
    sheet = book.add_worksheet("Laporan" if number == 1 else f"Laporan {number}")
    set_up_page(sheet, source.about)
    sheet.freeze_panes(1, 2)
    sheet.repeat_rows(0)
    sheet.set_column(0, 0, 12)
    sheet.set_column(1, 1, 28)
    sheet.ignore_errors({"number_stored_as_text": "A1:A1048576"})
    for column, head in enumerate(heads):
        sheet.write_string(0, column, head, look)
    return sheet
