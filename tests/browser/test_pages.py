"""A newcomer's first minutes in a real browser: with scripts and without, on a phone's screen and on a wide one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.office import House

pytestmark = pytest.mark.browser

REPORT = "KB 0925 BARU 12 AKTIF 40 PIL 30"
WIDTHS = (360, 1440)
WORDS = {
    "id": {
        "message": "Pesan",
        "send": "Kirim SMS",
        "look": "Lihat jawabannya",
        "read": "Sudah dibaca",
        "arrived": "Sampai di ponsel",
        "values": "Peserta aktif",
        "empty": "Tulis dulu pesannya.",
        "call": "Panggil",
        "answer": "Jawaban Anda",
        "reply": "Kirim",
        "hang up": "Tutup telepon",
        "ended": "Sesi selesai.",
    },
    "en": {
        "message": "Message",
        "send": "Send SMS",
        "look": "Look for the answer",
        "read": "Read",
        "arrived": "Delivered",
        "values": "Users now",
        "empty": "Please write a message first.",
        "call": "Call",
        "answer": "Your answer",
        "reply": "Send",
        "hang up": "Hang up",
        "ended": "The session has ended.",
    },
}


@contextmanager
def open_page(
    chromium: Browser, house: House, path: str = "/phone", width: int = 1440, scripts: bool = True
) -> Iterator[Page]:
    """Open a page in a browser of its own; whatever the page or its policy complains about fails the test."""
    context = chromium.new_context(
        viewport={"width": width, "height": 800}, java_script_enabled=scripts, base_url=house.url
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path)
    yield page
    context.close()
    complaints = [words for words in complaints if "status of 422" not in words]  # a refused form is no fault
    assert complaints == []
    assert not [url for url in asked if not url.startswith((house.url, "data:"))]


def is_as_wide_as_the_screen(page: Page) -> bool:
    """Tell whether nothing stands out sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


@pytest.mark.parametrize("language", WORDS)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
def test_a_newcomer_sends_a_report_and_sees_the_answer_and_the_report(
    chromium: Browser, house: House, language: str, width: int, scripts: bool
) -> None:
    words = WORDS[language]
    with open_page(chromium, house, f"/phone?lang={language}", width, scripts) as page:
        page.get_by_role("link", name="Bidan Sari").first.click()
        page.get_by_label(words["message"]).fill(REPORT)
        page.get_by_role("button", name=words["send"]).click()
        expect(page.locator("#conversation")).to_contain_text(REPORT)
        expect(page.get_by_label(words["message"])).to_have_value("")
        house.work()
        if not scripts:
            page.get_by_role("link", name=words["look"]).click()
        conversation = page.locator("#conversation")
        expect(conversation).to_contain_text("BARU 12 AKTIF 40 (PIL 30)")
        expect(conversation).to_contain_text(words["arrived"])
        expect(conversation).to_contain_text("WITA")
        expect(page.locator("#inbox li").first).to_contain_text(words["read"])
        card = page.locator("#reports li").first
        expect(card).to_contain_text("PMB Sari")
        expect(card).to_contain_text(REPORT)
        expect(card.get_by_role("rowheader", name=words["values"])).to_be_visible()
        expect(page.locator("html")).to_have_attribute("lang", language)
        assert is_as_wide_as_the_screen(page)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
def test_an_empty_message_is_told_off_beside_its_field(chromium: Browser, house: House, scripts: bool) -> None:
    with open_page(chromium, house, scripts=scripts) as page:
        page.get_by_role("button", name="Kirim SMS").click()
        expect(page.get_by_role("alert")).to_have_text(WORDS["id"]["empty"])
        expect(page.get_by_label("Pesan")).to_have_attribute("aria-invalid", "true")


def test_a_double_click_sends_one_message(chromium: Browser, house: House) -> None:
    with open_page(chromium, house) as page:
        page.get_by_label("Pesan").fill("CEK")
        page.get_by_role("button", name="Kirim SMS").dblclick()
        expect(page.locator("#conversation .hers")).to_have_count(1)
        house.work()
        expect(page.locator("#conversation .ours")).to_have_count(1)
        expect(page.locator("#inbox li")).to_have_count(1)


def test_what_is_being_typed_stays_while_news_arrive(chromium: Browser, house: House) -> None:
    with open_page(chromium, house) as page, open_page(chromium, house) as other:
        field = page.get_by_label("Pesan")
        field.press_sequentially("KB 09")
        other.get_by_label("Pesan").fill("CEK")
        other.get_by_role("button", name="Kirim SMS").click()
        expect(other.locator("#conversation")).to_contain_text("CEK")  # it was kept, so the worker can find it
        house.work()
        expect(page.locator("#inbox li")).to_have_count(1)
        expect(page.locator("#conversation .ours")).to_have_count(1)
        field.press_sequentially("25")
        expect(field).to_have_value("KB 0925")
        expect(field).to_be_focused()


def test_after_sending_the_next_message_can_be_typed_at_once(chromium: Browser, house: House) -> None:
    with open_page(chromium, house) as page:
        for text in ("CEK", "BANTU"):
            page.get_by_label("Pesan").fill(text)
            page.get_by_role("button", name="Kirim SMS").click()
            expect(page.locator("#conversation .hers").last).to_contain_text(text)
            expect(page.get_by_label("Pesan")).to_be_focused()


def test_an_unregistered_number_keeps_its_conversation_over_a_reload(chromium: Browser, house: House) -> None:
    with open_page(chromium, house, "/phone?number=") as page:
        page.get_by_label("Dari nomor").fill("0812 0000 9001")
        page.get_by_label("Pesan").fill("Selamat pagi")
        page.get_by_role("button", name="Kirim SMS").click()
        expect(page.locator("#conversation")).to_contain_text("Selamat pagi")
        page.reload()
        expect(page.locator("#conversation")).to_contain_text("Selamat pagi")
        expect(page.get_by_label("Dari nomor")).to_have_value("0812-0000-9001")


@pytest.mark.parametrize("language", WORDS)
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
def test_a_newcomer_dials_and_reports_screen_by_screen(
    chromium: Browser, house: House, language: str, scripts: bool
) -> None:
    words = WORDS[language]
    with open_page(chromium, house, f"/phone?lang={language}", 360, scripts) as page:
        page.get_by_role("link", name="USSD").click()
        page.get_by_role("link", name="Bidan Sari").first.click()
        page.get_by_role("button", name=words["call"]).click()
        screen = page.locator(".screen")
        for asked, typed in (("1 Laporan KB", "1"), ("bulan apa?", "1"), ("BARU?", "12"), ("AKTIF?", "41")):
            expect(screen).to_contain_text(asked)
            page.get_by_label(words["answer"]).fill(typed)
            page.keyboard.press("Enter")
        expect(screen).to_contain_text("AKTIF 41")
        assert is_as_wide_as_the_screen(page)
        page.get_by_label(words["answer"]).fill("1")
        page.get_by_role("button", name=words["reply"], exact=True).click()
        expect(page.get_by_role("status")).to_contain_text(words["ended"])
        expect(page.locator("#reports li").first).to_contain_text("PMB Sari")
        page.get_by_role("button", name=words["call"]).click()
        expect(screen).to_contain_text("1 Laporan KB")
        page.get_by_role("button", name=words["hang up"]).click()
        expect(page.get_by_role("button", name=words["call"])).to_be_visible()


def test_a_hostile_message_runs_nothing(chromium: Browser, house: House) -> None:
    with open_page(chromium, house) as page:
        page.get_by_label("Pesan").fill(
            "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
        )
        page.get_by_role("button", name="Kirim SMS").click()
        expect(page.locator("#conversation")).to_contain_text("onerror")
        house.work()
        expect(page.locator("#inbox li").first).to_contain_text("onerror")
        assert page.title() == "Kabar: laporan KB lewat SMS"


def test_everything_can_be_reached_and_done_by_keyboard(chromium: Browser, house: House) -> None:
    with open_page(chromium, house, width=360) as page:
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Langsung ke isi")).to_be_focused()
        expect(page.get_by_role("link", name="Langsung ke isi")).to_be_in_viewport()
        page.get_by_role("link", name="Bidan Dewi").first.focus()
        page.keyboard.press("Enter")
        expect(page.locator(".holder")).to_contain_text("Bidan Dewi")
        page.get_by_label("Pesan").focus()
        page.keyboard.type("CEK")
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Kirim SMS")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#conversation")).to_contain_text("CEK")


@pytest.mark.parametrize("width", [320, *WIDTHS])
@pytest.mark.parametrize("language", WORDS)
def test_nothing_stands_out_sideways(chromium: Browser, house: House, language: str, width: int) -> None:
    paths = (f"/phone?lang={language}", "/phone?number=", "/phone?reporter=60", "/login", "/phone?live=off&example=1")
    with open_page(chromium, house, width=width, scripts=False) as page:
        for path in paths:
            page.goto(path)
            assert is_as_wide_as_the_screen(page), path
