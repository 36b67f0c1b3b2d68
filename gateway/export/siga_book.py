"""A workbook of printed forms: blocks of a table each, one to a page, with what stands above and below it.

What was reported is text and numbers only; the formulas are sums of ours. The same blocks make the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import xlsxwriter
from xlsxwriter.utility import xl_range

from gateway.export.base import About
from gateway.export.siga_figures import Figure, Table
from gateway.export.siga_layout import Layout
from gateway.export.workbook import OPTIONS, name_sheet, set_up_blocks, set_up_page

MOST_BREAKS = 1000  # Microsoft Excel, limits: 1,026 page breaks in a sheet
NUMBERS, DIFFERENCES = "#,##0;[Red]-#,##0", "[Red]#,##0;[Red]-#,##0;0"
HEADING, WIDEST, FIGURE = 28, 60, 11  # characters of the first column, of it at most, and of the others
HIGH = 45  # points: a row of headings
AROUND = 14  # rows of a block beside those of its table: title, facts, headings, what is left empty


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
        heads = [len(name_row(layout, row.heading, has_sources=bool(layout.sources))) for row in layout.rows]
        heading = min(WIDEST, max(HEADING, *heads))
        sheet.set_column(0, 0, heading)
        sheet.set_column(1, len(layout.columns), FIGURE)
        sheet.freeze_panes(0, 1)
        rows = len(layout.rows) * (1 + len(layout.sources)) + len(layout.notes) + AROUND
        set_up_blocks(sheet, layout.paper, [heading] + [FIGURE] * len(layout.columns), rows)

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
        self._sheet.set_row(self._at, HIGH)
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

    def say(self, words: str) -> None:
        """Write one line of words."""
        self._text(words, self._looks["note"])

    def _rows(self, table: Table) -> None:
        layout, first = self._layout, self._at
        for row, cells in zip(layout.rows, table.cells, strict=True):
            has_sources = bool(layout.sources) and any(cell is not None for cell in cells)
            self._figures(name_row(layout, row.heading, has_sources=has_sources), cells)
            for source in layout.sources if has_sources else ():
                self._figures(f"   {source}", [None] * len(cells))
        if any(table.rest) or not layout.sources:
            self._figures(layout.rest, table.rest)
        if layout.total:
            self._sums(layout.total, table.total, first)

    def _sums(self, heading: str, totals: Sequence[Figure], first: int) -> None:
        """Write the row of sums as formulas, so that they follow who moves figures out of the rest by hand."""
        look = self._looks["sum"]
        self._sheet.write_string(self._at, 0, heading, look)
        for at, total in enumerate(totals, start=1):
            if total is None:
                self._sheet.write_blank(self._at, at, None, look)
            else:
                self._sheet.write_formula(self._at, at, f"=SUM({xl_range(first, at, self._at - 1, at)})", look, total)
        self._at += 1

    def _figures(self, heading: str, cells: Sequence[Figure]) -> None:
        self._sheet.write_string(self._at, 0, heading, self._looks["row"])
        for at, (column, cell) in enumerate(zip(self._layout.columns, cells, strict=True), start=1):
            look = self._looks["difference" if column.is_difference else "number"]
            if cell is None:
                self._sheet.write_blank(self._at, at, None, look)
            else:
                self._sheet.write_number(self._at, at, cell, look)
        self._at += 1

    def _cells(self, cells: Iterable[str], look: Any) -> None:
        for at, cell in enumerate(cells):
            self._sheet.write_string(self._at, at, cell, look)
        self._at += 1

    def _text(self, words: str, look: Any) -> None:
        self._sheet.write_string(self._at, 0, words, look)
        self._at += 1


def name_row(layout: Layout, heading: str, *, has_sources: bool) -> str:
    """Return what a row is called: above rows for its sources it says that its own figures have none."""
    return f"{heading}, {layout.no_source}" if has_sources and layout.no_source else heading
