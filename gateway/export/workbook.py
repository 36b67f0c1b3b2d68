"""What workbooks share: nothing in them is taken for a formula; each sheet prints on A4 and says whose it is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from gateway.export.base import About, name_period

# The papers of an office here: xlsxwriter's number (set_paper), and inches when printed across.
PAPERS = {"A4": (9, 11.69, 8.27), "F4": (14, 13.0, 8.5), "Legal": (5, 14.0, 8.5)}
MARGINS = 0.4, 0.4, 0.5, 0.6  # inches: left, right, top, bottom
_ROW, _LETTER, _GAP = 20, 7, 5  # pixels: a row; a letter, and what a column adds to its letters
LONGEST_NAME = 31  # Microsoft Excel, "Rename a worksheet": and none of these characters in it
FORBIDDEN = frozenset("[]:*?/\\'")
OPTIONS = {  # xlsxwriter: rows go to the disk as they are written, and a string stays a string
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def set_up_page(sheet: Any, about: About) -> None:
    """Have a sheet printed on A4 across, as wide as the page, with what it is at the foot of each page."""
    here = about.made_at.astimezone(ZoneInfo(about.timezone))
    sheet.set_landscape()
    sheet.set_paper(PAPERS["A4"][0])
    sheet.set_margins(*MARGINS)
    sheet.fit_to_pages(1, 0)
    months = name_period(about.periods[0]) + (f" s.d. {name_period(about.periods[-1])}" if about.periods[1:] else "")
    words = f"{about.area_name} - {months}".replace("&", "&&")
    sheet.set_footer(f"&L{words[:80]}&CKabar {about.ref}, {here:%Y-%m-%d %H:%M}&R&P / &N")


def name_sheet(name: str, taken: Collection[str]) -> str:
    """Return a name that a sheet may have and none of the others has; `taken` are theirs in small letters.

    >>> name_sheet("Kec. A/B: 'x'", ()), name_sheet("Mandau", {"mandau"})
    ('Kec. A B x', 'Mandau 2')
    """
    clean = " ".join("".join(" " if mark in FORBIDDEN else mark for mark in name).split())[:LONGEST_NAME] or "Lembar"
    number, found = 1, clean
    while found.lower() in taken:
        number += 1
        found = f"{clean[: LONGEST_NAME - len(str(number)) - 1]} {number}"
    return found


def set_up_blocks(sheet: Any, paper: str, widths: Sequence[float], rows: int) -> None:
    """Have a sheet printed so that its whole width and this many rows stand on one page.

    Excel passes over page breaks of ours where it fits sheets to pages by itself: so it is told how small to print.
    """
    number, wide, high = PAPERS[paper]
    left, right, top, bottom = MARGINS
    sheet.set_paper(number)
    across = 96 * (wide - left - right) / sum(_LETTER * width + _GAP for width in widths)
    down = 96 * (high - top - bottom) / (_ROW * rows)
    sheet.set_print_scale(max(10, int(100 * min(1, across, down))))
