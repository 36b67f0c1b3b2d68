"""Workbooks as a stranger might upload them: plain ones, and traps, written part by part."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
PARTS = {
    "[Content_Types].xml": f"""<?xml version="1.0"?><Types xmlns="{PACKAGE}/content-types">
        <Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
        <Override PartName="/xl/workbook.xml" ContentType="{KIND}.sheet.main+xml"/>
        <Override PartName="/xl/worksheets/sheet1.xml" ContentType="{KIND}.worksheet+xml"/></Types>""",
    "_rels/.rels": f"""<?xml version="1.0"?><Relationships xmlns="{PACKAGE}/relationships">
        <Relationship Id="r1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>""",
    "xl/workbook.xml": f"""<?xml version="1.0"?><workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">
        <sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>""",
    "xl/_rels/workbook.xml.rels": f"""<?xml version="1.0"?><Relationships xmlns="{PACKAGE}/relationships">
        <Relationship Id="r1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>""",
}


def cell(place: str, words: str) -> str:
    """Return a cell of text."""
    return f'<c r="{place}" t="inlineStr"><is><t>{words}</t></is></c>'


def number(place: str, written: str) -> str:
    """Return a cell that holds a number."""
    return f'<c r="{place}"><v>{written}</v></c>'


def workbook(
    *rows: tuple[int, str], doctype: str = "", after: str = "", others: Sequence[tuple[str, str]] = ()
) -> bytes:
    """Return a workbook of these rows: their numbers and their cells."""
    sheet = "".join(f'<row r="{at}">{cells}</row>' for at, cells in rows)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as book:
        for name, part in (*PARTS.items(), *others):
            book.writestr(name, part)
        written = f'<?xml version="1.0"?>{doctype}<worksheet xmlns="{MAIN}"><sheetData>{sheet}</sheetData></worksheet>'
        book.writestr("xl/worksheets/sheet1.xml", written + after)
    return content.getvalue()


HEAD = (1, cell("A1", "kode faskes") + cell("B1", "nama"))
PLAIN = (2, number("A2", "140300101") + cell("B2", "PMB Ani"))
