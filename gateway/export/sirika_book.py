"""A workbook of plain tables, written row by row: nothing of it is held in memory, and no cell is ever a formula."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, BinaryIO

import xlsxwriter

from gateway.export.base import About
from gateway.export.sirika_columns import Sheet
from gateway.export.workbook import OPTIONS, name_sheet, set_up_page

Value = str | int | float | date | None
WIDE = {"facility", "item", "remark"}
NUMBERS = "#,##0;[Red]-#,##0"
RED = "[Red]#,##0;[Red]-#,##0;0"  # a difference is red on either side


class Book:
    """One workbook, its sheets in the order in which they are added. The same rows make the same bytes."""

    def __init__(self, target: BinaryIO, about: About) -> None:
        self._about, self._names = about, set[str]()
        self._book = xlsxwriter.Workbook(target, OPTIONS)
        self._book.set_properties({"created": about.made_at.replace(tzinfo=None, microsecond=0)})
        self._formats = {
            "head": self._book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1}),
            "wrapped": self._book.add_format({"text_wrap": True, "valign": "top"}),
            "number": self._book.add_format({"num_format": NUMBERS}),
            "difference": self._book.add_format({"num_format": RED}),
            "decimal": self._book.add_format({"num_format": "0.0"}),
            "day": self._book.add_format({"num_format": "yyyy-mm-dd"}),
        }

    def add_pairs(self, name: str) -> Pairs:
        """Add a sheet of names and values."""
        return Pairs(self._add_sheet(name), self._formats)

    def add_table(self, sheet: Sheet) -> Table:
        """Add a sheet that is a table: its heading stays in sight and stands on every printed page."""
        return Table(self._add_sheet(sheet.name), sheet, self._formats)

    def close(self) -> None:
        """Write the end of the file."""
        self._book.close()

    def _add_sheet(self, name: str) -> Any:
        chosen = name_sheet(name, self._names)
        self._names.add(chosen.lower())
        page = self._book.add_worksheet(chosen)
        set_up_page(page, self._about)
        return page


class Pairs:
    """A sheet that says in two columns what the workbook is."""

    def __init__(self, page: Any, formats: Mapping[str, Any]) -> None:
        self._page, self._formats = page, formats
        page.set_column(0, 0, 28)
        page.set_column(1, 1, 90)

    def write(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Write all of it."""
        for row, (name, value) in enumerate(pairs):
            self._page.write_string(row, 0, name, self._formats["head"])
            self._page.write_string(row, 1, value, self._formats["wrapped"])


class Table:
    """A sheet with a heading, then rows. What is None is left empty."""

    def __init__(self, page: Any, sheet: Sheet, formats: Mapping[str, Any]) -> None:
        self._page, self._columns, self._formats, self._row = page, sheet.columns, formats, 0
        page.freeze_panes(1, 0)
        page.repeat_rows(0)
        page.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
        for at, column in enumerate(sheet.columns):
            page.set_column(at, at, 24 if column.key in WIDE else 13)
            page.write_string(0, at, column.name, formats["head"])

    def write(self, values: Mapping[str, Value]) -> None:
        """Write the next row. Shape: `values` by column key; a column that the sheet does not have is passed over."""
        self._row += 1
        for at, column in enumerate(self._columns):
            value = values.get(column.key)
            if isinstance(value, str):
                self._page.write_string(self._row, at, value)
            elif isinstance(value, date):
                self._page.write_datetime(self._row, at, value, self._formats["day"])
            elif value is not None:
                kind = "difference" if column.key == "difference" else "number"
                self._page.write_number(
                    self._row, at, value, self._formats["decimal" if isinstance(value, float) else kind]
                )
