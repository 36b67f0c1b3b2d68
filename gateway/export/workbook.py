"""What workbooks share: nothing in them is taken for a formula; each sheet prints on A4 and says whose it is."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from zoneinfo import ZoneInfo

from gateway.export.base import About, name_period

A4 = 9  # xlsxwriter, set_paper()
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
    sheet.set_paper(A4)
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
