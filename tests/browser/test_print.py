"""The pages to print fit one sheet of A5 each, in the narrow letters of one machine and the wide ones of another."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.house.source import ROOT

pytestmark = pytest.mark.browser

PATHS = sorted((ROOT / "docs" / "print").glob("*.html"))
A5 = (148, 210)  # millimetres
FONTS = ("Liberation", "DejaVu")  # both are Debian's; DejaVu is the widest that a page is likely to fall back on


@pytest.mark.parametrize("font", FONTS)
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_page_to_print_is_one_sheet_of_a5(path: Path, font: str, chromium: Browser) -> None:
    page = chromium.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    page.add_style_tag(
        content=f"body, body * {{ font-family: '{font} Sans' !important }} code {{ font-family: '{font} Mono', "
        f"'{font} Sans Mono' !important }}"
    )
    pdf = page.pdf(prefer_css_page_size=True)
    page.close()
    assert asked == [path.as_uri()]
    assert len(re.findall(rb"/Type ?/Page(?!s)", pdf)) == 1
    [box] = set(re.findall(rb"/MediaBox ?\[0 0 ([\d.]+) ([\d.]+)\]", pdf))
    assert tuple(round(float(side) / 72 * 25.4) for side in box) == A5
