"""python -m tests.browser.screens [SCREEN ...]: a picture of every screen, in each language and two widths."""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from gateway.review.pages.language import LANGUAGES
from gateway.store import schema
from tests.browser.office import FAR, STAFF, House, open_office, start_chromium
from tests.browser.places import OPEN, find_addresses
from tests.house.source import ROOT
from tests.servers import ValkeyServer

FOLDER = ROOT / "docs" / "screens"
WIDTHS = {"narrow": (360, 740), "wide": (1440, 900)}
TALLEST = 1000  # pixels; what is below repeats what is above
COLOURS = 20  # chosen so that the rare ones stay: a warning's amber, an error's red


def main(wanted: Sequence[str]) -> int:
    """Make the pictures, of all screens or of those named. The number to exit with."""
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as place, chdir(place), sync_playwright() as playwright:
        folder = Path()  # a picture that shows a path shows nobody's own
        migrated = folder / "migrated.db"
        schema.upgrade(f"sqlite:///{migrated}")
        browser = start_chromium(playwright)
        valkey = ValkeyServer(Path(place))
        valkey.start()
        with open_office(folder, migrated, valkey.url) as house:
            for language in LANGUAGES:
                for width in WIDTHS:
                    faults += take_pictures(browser, house, language, width, wanted)
        browser.close()
        valkey.stop()
    for fault in faults:
        sys.stderr.write(f"{fault}\n")
    return 1 if faults else 0


def take_pictures(browser: Browser, house: House, language: str, width: str, wanted: Sequence[str]) -> list[str]:
    """Write a picture of each screen in one language and width; return what could not be shown."""
    faults: list[str] = []
    FOLDER.mkdir(parents=True, exist_ok=True)
    size = {"width": WIDTHS[width][0], "height": WIDTHS[width][1]}
    for name, address in find_addresses(house).items():
        if wanted and name not in wanted:
            continue
        context = browser.new_context(viewport=size, base_url=house.url, extra_http_headers=FAR, locale=language)  # type: ignore[arg-type]
        if name not in OPEN:
            house.sign_in(context, "administrator", "14.03", STAFF, language)
        page = context.new_page()
        answer = page.goto(f"{address}{'&' if '?' in address else '?'}lang={language}", wait_until="networkidle")
        if answer is None or answer.status != 200 or urlsplit(page.url).path != urlsplit(address).path:
            faults.append(f"{name}: {address} answers {answer.status if answer else 'nothing'} at {page.url}")
            context.close()
            continue
        height = min(TALLEST, page.evaluate("document.documentElement.scrollHeight"))
        picture = page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": size["width"], "height": height})
        context.close()
        Image.open(io.BytesIO(picture)).convert("RGB").quantize(
            COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
        ).save(FOLDER / f"{name}-{language}-{width}.png", optimize=True)
    return faults


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
