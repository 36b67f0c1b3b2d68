"""A district officer's month in a real browser: who is missing, a reminder, a report that is wrong, and the closing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from sqlalchemy import text

from gateway import demo
from gateway.channels.simulator import read_secret, write_request
from gateway.review import proofs
from gateway.review.pages.language import load_catalogue
from gateway.store import users
from gateway.store.users import NewUser
from gateway.values import Role
from tests.browser.office import MORNING, House, open_bare_office
from tests.reminding import share_clock
from tests.servers import ValkeyServer

pytestmark = pytest.mark.browser

LANGUAGES = ("id", "en")
PASSWORD = "sungai-siak-mengalir-ke-selat"
OFFICE = ("rahma", "Rahma Yulianti", Role.DISTRICT, "14.03")
NEIGHBOUR = ("yusuf", "Yusuf Harahap", Role.OFFICER, "14.03.09")  # PMB Dewi lies in 14.03.02
DEWI = demo.printed_midwives()[2]


@pytest.fixture
def office(
    tmp_path: Path, migrated_sqlite: Path, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[House]:
    """A district on the morning after reports were due, by its database's clock too; officers have a password each."""
    with open_bare_office(tmp_path, migrated_sqlite, valkey.url) as house:
        share_clock(house, monkeypatch)
        with house.runtime.database.session() as session:
            for login, name, role, area in (OFFICE, NEIGHBOUR):
                kept = proofs.hash_password(PASSWORD)
                users.add_user(session, NewUser(login, name, role, area, "id", MORNING, kept))
            session.commit()
        yield house


class Officer:
    """Somebody at the desk, who reads the pages in one language."""

    def __init__(self, page: Page, language: str) -> None:
        self.page = page
        self._words = load_catalogue(language)

    def say(self, words: str) -> str:
        """Return words of the pages in the officer's language."""
        return self._words.gettext(words)

    def press(self, words: str, within: Page | Locator | None = None) -> None:
        """Press the button that says this."""
        (within or self.page).get_by_role("button", name=self.say(words)).first.click()

    def follow(self, words: str, within: Page | Locator | None = None) -> None:
        """Follow the link that says this."""
        (within or self.page).get_by_role("link", name=self.say(words)).first.click()

    def open(self, words: str) -> None:
        """Open a screen from the menu."""
        menu = self.page.get_by_role("navigation", name=self.say("Screens"))
        menu.get_by_role("link", name=self.say(words), exact=True).click()

    def sees(self, words: str | re.Pattern[str]) -> None:
        """Wait until this stands on the page."""
        expect(self.page.locator("main")).to_contain_text(words)


@contextmanager
def sign_in(chromium: Browser, office: House, login: str, language: str) -> Iterator[Officer]:
    """Let somebody come in by the door, with login and password."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, base_url=office.url)
    officer = Officer(context.new_page(), language)
    officer.page.goto(f"/login?lang={language}")
    officer.page.get_by_label(officer.say("Login")).fill(login)
    officer.page.get_by_label(officer.say("Password")).fill(PASSWORD)
    officer.press("Sign in", officer.page.locator("main"))
    expect(officer.page).to_have_url(re.compile("/month"))
    officer.page.goto(f"/month?lang={language}")
    yield officer
    context.close()


def text_by_phone(office: House, number: int, words: str, now: datetime) -> None:
    """Send an SMS as the phone does: to the simulator's webhook, over the wire; then the workers have their turn."""
    secret = read_secret(office.runtime.settings.var)
    request = write_request(secret, f"walk:{number}", DEWI.phone, words, now)
    place = urlsplit(office.url)
    line = HTTPConnection(place.hostname or "", place.port, timeout=10)
    line.request(request.method, request.path, request.body, dict(request.headers))
    assert line.getresponse().status == 200
    line.close()
    office.work()


def sent_to_dewi(office: House) -> list[str]:
    """Return what was sent to her, oldest first."""
    with office.runtime.database.session(read_only=True) as session:
        rows = session.execute(
            text("SELECT text FROM outbox WHERE recipient = :phone AND state = 'delivered' ORDER BY id"),
            {"phone": DEWI.phone},
        )
        return [row.text for row in rows]


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_officers_month_from_who_is_missing_to_the_closing(chromium: Browser, office: House, language: str) -> None:
    now = office.runtime.now()
    with sign_in(chromium, office, "rahma", language) as rahma:
        page = rahma.page

        # who is missing, and a reminder to one of them
        row = page.get_by_role("row", name=DEWI.facility)
        rahma.press("Remind", row)
        expect(page.get_by_role("status").first).to_be_visible()
        office.work()
        assert len(sent_to_dewi(office)) == 1

        # her report comes from the phone: a digit too many, so she is asked, and says yes to what is wrong
        text_by_phone(office, 1, "KB 0925 BARU 12 AKTIF 400 PIL 30", now)
        assert "AKTIF 400" in sent_to_dewi(office)[-1]
        rahma.open("Review")
        page.get_by_role("link", name=DEWI.facility).click()
        rahma.sees("KB 0925 BARU 12 AKTIF 400 PIL 30")
        address = urlsplit(page.url).path

        # it is corrected, with a reason, and approved
        rahma.follow("Correct")
        page.locator("#n-aktif").fill("40")
        page.locator("#reason").fill("Ditelepon: seharusnya 40.")
        rahma.press("Show what changes")
        expect(page.locator("#preview")).to_contain_text("40")
        rahma.press("Keep this correction")
        rahma.sees(DEWI.facility)
        corrected = urlsplit(page.url).path
        if page.get_by_role("button", name=rahma.say("Approve"), exact=True).count():
            rahma.press("Approve")
        page.goto(corrected)
        rahma.sees(rahma.say("Approved"))

        # it counts, and the month is closed
        office.work()
        rahma.open("This month")
        expect(page.get_by_role("row", name=DEWI.facility)).to_have_count(0)
        rahma.open("Calendar")
        rahma.follow("Close month", page.get_by_role("row", name=re.compile("September 2025")))
        page.get_by_label(rahma.say("Reason")).fill("Semua yang bisa dihubungi sudah lapor.")
        rahma.press("Close the month", page.locator("main"))
        rahma.sees(rahma.say("closed"))

        # what comes now changes no figure
        text_by_phone(office, 2, "RALAT KB 0925 BARU 13 AKTIF 41", now)
        page.goto(corrected)
        expect(page.locator("#figures + .table, .months").first).to_contain_text("40")

    with sign_in(chromium, office, "yusuf", language) as yusuf:
        for address_of_all in ("/month", "/month/missing", "/queue", "/reports", "/messages", "/reporters"):
            yusuf.page.goto(address_of_all)
            expect(yusuf.page.locator("main")).not_to_contain_text(DEWI.name)
            expect(yusuf.page.locator("main")).not_to_contain_text(DEWI.facility)
        for address_of_one in (address, corrected):
            answer = yusuf.page.goto(address_of_one)
            assert answer is not None
            assert answer.status == 404
            assert DEWI.facility not in yusuf.page.content()
