"""What a format writes, made by hand: facilities and settled reports without a database; and a workbook read back."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from python_calamine import CalamineWorkbook

from gateway.enrol.unpack import as_text
from gateway.export.base import About, ExportFormat, Source
from gateway.forms import load_forms
from gateway.settling import Choices
from gateway.store.settled import Place, Reach, Settled

SEPTEMBER = "2025-09"
AREAS = {
    "": "Indonesia",
    "14": "Riau",
    "14.03": "Kabupaten Bengkalis",
    "14.03.01": "Bengkalis",
    "14.03.02": "Bantan",
}
FORMS = {form.code: form for form in load_forms()}


def place(number: int, name: str, kind: str = "PMB", area: str = "14.03.01", ownership: str = "swasta") -> Place:
    """Return a facility of Bengkalis."""
    code = f"1403{number:05}"
    nothing = (None, None, None, None)
    return Place(number, code, name, kind, ownership, area, AREAS[area], "Asia/Jakarta", *nothing, True)


def report(of: Place, values: Mapping[str, int], number: int = 0, state: str = "approved") -> Settled:
    """Return a settled report of September."""
    sent_at = datetime(2025, 10, 1, 2, 30, tzinfo=UTC)
    return Settled(number or of.id, 1, state, SEPTEMBER, sent_at, of, values)


def make_source(
    form: str,
    reports: Sequence[Settled],
    there: Sequence[Place] = (),
    *,
    area: str = "14.03",
    choices: Choices | None = None,
) -> Source:
    """Return a source of these reports, of an area in which also these facilities are to report."""
    places = sorted(
        {one.id: one for one in (*there, *(one.place for one in reports))}.values(), key=lambda one: one.code
    )
    about = About(
        ref="a1b2c3d4e5f6",
        format="siga",
        form=FORMS[form].name("id"),
        periods=(SEPTEMBER,),
        area=area,
        area_name=AREAS[area],
        reach={SEPTEMBER: Reach(len(places), len(reports), len(reports))},
        choices=choices or Choices(),
        made_at=datetime(2025, 10, 11, 3, 15, tzinfo=UTC),
        made_by="Rina",
        timezone="Asia/Jakarta",
    )
    in_order = sorted(reports, key=lambda one: (one.place.code, one.period))
    return Source(about, FORMS[form], AREAS, lambda: iter(in_order), lambda _: tuple(places), lambda _: {})


def write(chosen: ExportFormat, source: Source) -> bytes:
    """Return the file that a format makes of a source."""
    target = io.BytesIO()
    chosen.write(source, target)
    return target.getvalue()


def read_cells(workbook: bytes) -> dict[str, list[list[str]]]:
    """Return the cells of every sheet as text, without empty ones at the ends of rows."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(workbook))
    found = {}
    for name in book.sheet_names:
        rows = [
            [as_text(cell) for cell in row] for row in book.get_sheet_by_name(name).to_python(skip_empty_area=False)
        ]
        found[name] = [row[: max((at + 1 for at, cell in enumerate(row) if cell), default=0)] for row in rows]
    return found


def dump(workbook: bytes) -> str:
    """Return a workbook as a text that can be compared line by line: its sheets, their rows, their formulas."""
    lines = []
    formulas = find_formulas(workbook)
    for name, rows in read_cells(workbook).items():
        lines.append(f"== {name}")
        lines += [f"{number:>3} | {' | '.join(row)}".rstrip() for number, row in enumerate(rows, start=1)]
        lines += [f"  = {cell} {formula}" for cell, formula in formulas[name]]
    return "\n".join(lines) + "\n"


def find_formulas(workbook: bytes) -> dict[str, list[tuple[str, str]]]:
    """Return every formula of each sheet, with the cell that it stands in."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as parts:
        names = re.findall(r'<sheet name="([^"]+)"', parts.read("xl/workbook.xml").decode())
        return {
            name: re.findall(r'<c r="([A-Z]+[0-9]+)"[^>]*><f>([^<]*)</f>', parts.read(part).decode())
            for name, part in ((name, f"xl/worksheets/sheet{at}.xml") for at, name in enumerate(names, start=1))
        }
