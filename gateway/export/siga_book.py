"""A workbook of printed forms: blocks of a table each, one to a page, with what stands above and below it.

Only text and numbers are written, never a formula. The same blocks make the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import xlsxwriter

from gateway.export.base import About
from gateway.export.siga_figures import Figure, Table
from gateway.export.siga_layout import Layout
from gateway.export.workbook import OPTIONS, name_sheet, set_up_page

MOST_BREAKS = 1000  # Microsoft Excel, limits: 1,026 page breaks in a sheet
NUMBERS, DIFFERENCES = "#,##0;[Red]-#,##0", "[Red]#,##0;[Red]-#,##0;0"
HEADING = 24  # characters of the first column


@dataclass(frozen=True, slots=True)
class Block:
    """One printed form. Shape: `facts` stand above the table as pairs of a name and its value."""

    facts: Sequence[tuple[str, str]]
    table: Table


class Book:
    """One workbook; its sheets stand in the order in which they are added, whatever is written first."""

    def __init__(self, target: BinaryIO, about: About) -> None:
        self._about = about
        self._book = xlsxwriter.Workbook(target, OPTIONS)
        self._book.set_properties({"created": about.made_at.replace(tzinfo=None, microsecond=0)})
        line = {"border": 1, "valign": "vcenter"}
        self.looks = {
            "title": self._book.add_format({"bold": True, "font_size": 12}),
            "name": self._book.add_format({"bold": True}),
            "text": self._book.add_format({"text_wrap": True, "valign": "top"}),
            "head": self._book.add_format({**line, "bold": True, "text_wrap": True, "align": "center"}),
            "small": self._book.add_format({**line, "align": "center", "font_size": 8}),
            "row": self._book.add_format(line),
            "number": self._book.add_format({**line, "num_format": NUMBERS}),
            "difference": self._book.add_format({**line, "num_format": DIFFERENCES}),
            "sum": self._book.add_format({**line, "num_format": NUMBERS, "bold": True}),
            "note": self._book.add_format({"italic": True, "font_size": 8}),
        }
        self._names: set[str] = set()

    def add_sheet(self, name: str) -> Any:
        """Add a sheet under a name that no other has, set up to be printed."""
        chosen = name_sheet(name, self._names)
        self._names.add(chosen.lower())
        sheet = self._book.add_worksheet(chosen)
        set_up_page(sheet, self._about)
        return sheet

    def add_forms(self, name: str, layout: Layout) -> Forms:
        """Add a sheet of printed forms."""
        return Forms(self.add_sheet(name), layout, self.looks)

    def close(self) -> None:
        """Write the end of the file."""
        self._book.close()


class Forms:
    """A sheet of printed forms, one under the other, each on a page of its own."""

    def __init__(self, sheet: Any, layout: Layout, looks: dict[str, Any]) -> None:
        self._sheet, self._layout, self._looks = sheet, layout, looks
        self._at = 0
        self._breaks: list[int] = []
        sheet.set_column(0, 0, HEADING)
        sheet.set_column(1, len(layout.columns), 11)

    def write(self, block: Block) -> None:
        """Write one more form below the others."""
        layout, looks = self._layout, self._looks
        if self._at and len(self._breaks) < MOST_BREAKS:
            self._breaks.append(self._at)
            self._sheet.set_h_pagebreaks(self._breaks)
        self._text(layout.title, looks["title"])
        for name, value in block.facts:
            self._sheet.write_string(self._at, 0, name, looks["name"])
            self._sheet.write_string(self._at, 1, value)
            self._at += 1
        self._sheet.set_row(self._at, 45)
        self._cells(["Alat/cara", *(column.heading for column in layout.columns)], looks["head"])
        self._cells(["", *(f"({column.number})" for column in layout.columns)], looks["small"])
        self._rows(block.table)
        for note in layout.notes:
            self._text(note, looks["note"])
        self._at += 1
        if layout.signatures:
            half = max(1, len(layout.columns) // max(1, len(layout.signatures)))
            for place, words in enumerate(layout.signatures):
                self._sheet.write_string(self._at, place * half, words)
            self._at += 4

    def _rows(self, table: Table) -> None:
        layout = self._layout
        for row, cells in zip(layout.rows, table.cells, strict=True):
            self._figures(row.heading, cells)
            for source in layout.sources if any(cell is not None for cell in cells) else ():
                self._figures(f"   {source}", [None] * len(cells))
        if any(table.rest) or not layout.sources:
            self._figures(layout.rest, table.rest)
        if layout.total:
            self._figures(layout.total, table.total, "sum")

    def _figures(self, heading: str, cells: Sequence[Figure], look: str = "number") -> None:
        self._sheet.write_string(self._at, 0, heading, self._looks["sum" if look == "sum" else "row"])
        for at, (column, cell) in enumerate(zip(self._layout.columns, cells, strict=True), start=1):
            chosen = self._looks["difference" if column.is_difference and look == "number" else look]
            if cell is None:
                self._sheet.write_blank(self._at, at, None, chosen)
            else:
                self._sheet.write_number(self._at, at, cell, chosen)
        self._at += 1

    def _cells(self, cells: Iterable[str], look: Any) -> None:
        for at, cell in enumerate(cells):
            self._sheet.write_string(self._at, at, cell, look)
        self._at += 1

    def _text(self, words: str, look: Any) -> None:
        self._sheet.write_string(self._at, 0, words, look)
        self._at += 1
