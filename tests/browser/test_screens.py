"""Every screen, in both languages, on a phone and on a wide screen: for every eye and hand, small, and alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, CDPSession, Page

from gateway.app import create_app
from gateway.review.pages import nav
from gateway.review.pages.language import LANGUAGES
from tests.browser.office import FAR, STAFF, House
from tests.browser.places import NO_SCREENS, OPEN, SCREENS, find_addresses

pytestmark = pytest.mark.browser

WIDTHS = (360, 1440)
SMALL = 60_000  # bytes on the wire for a first visit
BY_KEYBOARD = (
    *("month", "queue", "report", "report-new-form", "messages", "thread", "reporters", "calendar", "users"),
    *("reminders", "reminders-pauses", "reminders-ladder"),
)
MOST_STOPS = 400
# What a rule of WCAG 2.2 A and AA says, and what axe itself advises.
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
# One stop of the Tab key: which element it is, and whether anything shows that it has the focus.
STOP = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const all = [...document.querySelectorAll("*")];
  const style = getComputedStyle(one);
  const box = one.getBoundingClientRect();
  return {
    index: all.indexOf(one),
    name: one.outerHTML.slice(0, 120),
    isSeen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && box.width > 0 && box.height > 0,
  };
}"""
CONTROLS = """() => {
  const all = [...document.querySelectorAll("*")];
  const found = document.querySelectorAll("a[href], button, input, select, textarea, summary");
  const radios = new Set();
  return [...found].filter((one) => {
    if (one.disabled || one.type === "hidden" || !one.checkVisibility({visibilityProperty: true})) return false;
    if (one.type !== "radio") return true;
    const name = `${one.form?.action} ${one.name}`;  // a group of radio buttons is one stop
    return radios.has(name) ? false : radios.add(name);
  }).map((one) => [all.indexOf(one), one.type === "radio", one.outerHTML.slice(0, 120)]);
}"""

# The words of filters that are wider than the field in which one chooses them, beside its arrow.
CUT = """() => [...document.querySelectorAll(".filters select")].flatMap((field) => {
  const style = getComputedStyle(field);
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  const room = field.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - 18;
  return [...field.options].map((one) => one.text).filter((words) => pen.measureText(words).width > room);
})"""


class Wire:
    """What a page asked for, how many bytes came, and what it complained about."""

    def __init__(self, page: Page) -> None:
        self.bytes = 0
        self.asked: list[str] = []
        self.complaints: list[str] = []
        session: CDPSession = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.loadingFinished", lambda done: self._count(done["encodedDataLength"]))
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console", lambda said: self.complaints.append(said.text) if said.type in {"error", "warning"} else None
        )

    def _count(self, size: float) -> None:
        self.bytes += int(size)


@contextmanager
def open_page(chromium: Browser, office: House, name: str, language: str, width: int) -> Iterator[Page]:
    """Open a browser of its own, signed in where the screen needs it."""
    size = {"width": width, "height": 800}
    context = chromium.new_context(viewport=size, base_url=office.url, extra_http_headers=FAR, locale=language)  # type: ignore[arg-type]
    if name not in OPEN:
        office.sign_in(context, "administrator", "14.03", STAFF, language)
    yield context.new_page()
    context.close()


def go_to(page: Page, address: str, language: str) -> None:
    """Open an address in a language."""
    answer = page.goto(f"{address}{'&' if '?' in address else '?'}lang={language}", wait_until="networkidle")
    assert answer is not None
    assert answer.status == 200, f"{address} answers {answer.status}"
    assert urlsplit(page.url).path == urlsplit(address).path, f"{address} leads to {page.url}"


@pytest.fixture(scope="module")
def addresses(office: House) -> Mapping[str, str]:
    """The address of every screen."""
    return find_addresses(office)


def test_every_page_of_the_application_is_a_screen_here_or_said_to_be_none(
    office: House, addresses: Mapping[str, str]
) -> None:
    app = create_app(office.runtime)
    here = app.url_map.bind("localhost")
    reached = {here.match(urlsplit(address).path)[0] for address in addresses.values()}
    pages = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert reached | set(NO_SCREENS) == pages
    menu = {item.endpoint for group in nav.MENU for item in group.items}
    assert menu <= reached


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_is_for_everybody(chromium: Browser, office: House, addresses: Mapping[str, str], name: str) -> None:
    """In both languages and widths: nothing that axe finds, nothing sideways, nobody else asked, nothing large."""
    faults: list[str] = []
    for language in LANGUAGES:
        for width in WIDTHS:
            where = f"{addresses[name]} {language} {width}"
            with open_page(chromium, office, name, language, width) as page:
                wire = Wire(page)
                go_to(page, addresses[name], language)
                found = Axe().run(page, options=RULES).response["violations"]
                faults += [f"{where}: {one['id']} at {[node['target'] for node in one['nodes']][:4]}" for one in found]
                wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                faults += [f"{where}: {wide} pixels stand out sideways"] if wide > 0 else []
                faults += [f"{where}: asks {url}" for url in wire.asked if not url.startswith((office.url, "data:"))]
                faults += [f"{where}: {words}" for words in wire.complaints]
                faults += [f"{where}: {wire.bytes} bytes"] if not 0 < wire.bytes < SMALL else []
                faults += [f"{where}: in {page.locator('html').get_attribute('lang')}"] * (
                    page.locator("html").get_attribute("lang") != language
                )
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("name", BY_KEYBOARD)
def test_every_control_is_reached_by_keyboard_and_seen_to_be(
    chromium: Browser, office: House, addresses: Mapping[str, str], name: str
) -> None:
    with open_page(chromium, office, name, "id", 360) as page:
        go_to(page, addresses[name], "id")
        wanted = page.evaluate(CONTROLS)
        stops: dict[int, dict[str, object]] = {}
        for _ in range(MOST_STOPS):
            page.keyboard.press("Tab")
            stop = page.evaluate(STOP)
            if stop is None or (len(stops) > 1 and stop["index"] == next(iter(stops))):
                break
            stops[stop["index"]] = stop  # a date has several stops within one field
        missed = [words for index, is_radio, words in wanted if index not in stops and not is_radio]
        assert not missed
        assert [stop["name"] for stop in stops.values() if not stop["isSeen"]] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_that_reports_are_filtered_by_is_cut_on_a_phone(
    chromium: Browser, office: House, addresses: Mapping[str, str], language: str
) -> None:
    with open_page(chromium, office, "reports", language, 360) as page:
        go_to(page, addresses["reports"], language)
        assert page.evaluate(CUT) == []
