"""The history of reminders: who was reminded when, what became of the SMS, whether the report came within 48 hours."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from gateway.app import create_app
from gateway.store import reminded
from gateway.store.outbox import outbox
from gateway.store.reminded import WishedReminders
from gateway.values import Scope
from tests.district import PHONES, District
from tests.gateway.review.visits import sign_in
from tests.reminding import at, look, send_day, share_clock

REPORT = "KB 0925 BARU 12 AKTIF 40 PIL 30"


@pytest.fixture(autouse=True)
def first_reminders(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first reminders went out on 2 October; Ani reported the same day, Wati's two places days later."""
    share_clock(district, monkeypatch)
    assert look(district, 2, 8) == 5
    send_day(district)
    district.set_clock(at(2, 15))
    district.say("ani", REPORT)
    district.set_clock(at(6, 9))
    district.say("wati", "KB PMB02 0925 BARU 12 AKTIF 40 PIL 30")
    district.set_clock(at(6, 12))


def visit(district: District, role: str = "district", area: str = "14.03") -> FlaskClient:
    """Return a browser in which somebody of this role and area is signed in."""
    browser = create_app(district.runtime).test_client()
    sign_in(browser, district.runtime, role, area)
    return browser


def rows(page: str) -> list[str]:
    """Return the words of each reminder of a page."""
    listed = page.partition('aria-labelledby="list"')[2]
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", one)).strip() for one in listed.split("<li>")[1:]]


def row_of(page: str, facility: str) -> str:
    """Return the words of the reminder of one facility."""
    [found] = [one for one in rows(page) if one.startswith(facility)]
    return found


def test_each_reminder_tells_what_became_of_it(district: District) -> None:
    page = visit(district).get("/reminders/history?lang=en").text
    assert len(rows(page)) == 7
    ani = row_of(page, "PMB Ani")
    assert "reported within 48 hours" in ani
    assert "3 days before the due day, responsible midwife" in ani
    assert "report sent 2 Oct, 15:00 WIB" in ani
    assert "0812-3000-0001" in ani
    assert "reported later" in row_of(page, "PMB Wati")
    assert "has not reported since" in row_of(page, "PMB Eve")
    assert "lapor dalam 48 jam" in visit(district).get("/reminders/history?lang=id").text


def test_each_step_is_told_what_it_is_good_for(district: District) -> None:
    page = visit(district).get("/reminders/history?lang=en").text
    table = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition('id="effect"')[2].partition("</table>")[0]))
    assert "3 days before the due day, responsible midwife 7 1 14 1 0 5" in table


def test_what_has_not_gone_out_is_not_judged(district: District) -> None:
    with district.database.session() as session:
        session.execute(update(outbox).where(outbox.c.recipient == PHONES["eve"]).values(state="failed", sent_at=None))
        session.commit()
    eve = row_of(visit(district).get("/reminders/history?lang=en").text, "PMB Eve")
    assert "Not delivered" in eve
    assert "reported" not in eve


def test_a_viewer_sees_masked_numbers(district: District) -> None:
    page = visit(district, "viewer").get("/reminders/history?lang=en").text
    assert "Ani" in page
    assert not any(phone[-7:] in page.replace("-", "") for phone in PHONES.values())


def test_the_list_is_narrowed_by_month_step_and_facility(district: District) -> None:
    browser = visit(district)
    assert "Nobody was reminded" in browser.get("/reminders/history?lang=en&period=2025-08").text
    assert "Nobody was reminded" in browser.get("/reminders/history?lang=en&rung=due").text
    one = browser.get(f"/reminders/history?lang=en&facility={district.ids['PMB06']}").text
    assert [row[:7] for row in rows(one)] == ["PMB Eve"]
    assert len(rows(browser.get("/reminders/history?period=x&rung=%27&facility=x&before=x").text)) == 0
    assert len(rows(browser.get("/reminders/history?period=x&facility=x&before=x").text)) == 7


def test_reminders_by_hand_are_one_step_whatever_day_it_was(district: District) -> None:
    browser = visit(district)
    about = {"form": "kb", "period": "2025-09", "area": "14.03"}
    browser.post(f"/month/missing/{district.ids['PMB06']}/remind", data=about)
    send_day(district)
    page = visit(district).get("/reminders/history?lang=en&rung=hand").text
    assert "sent by hand" in row_of(page, "PMB Eve")


def test_a_long_list_is_turned_page_by_page(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.review.pages.paging.ROWS", 3)
    browser, seen, address = visit(district), [], "/reminders/history?lang=en"
    for _ in range(5):
        page = browser.get(address).text
        seen += [row[:8] for row in rows(page)]
        further = re.search(r'rel="next" href="([^"]+)"', page)
        if not further:
            break
        address = further[1].replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == 7


def test_another_area_is_not_there(district: District) -> None:
    stranger = visit(district, "district", "15.01")
    assert stranger.get("/reminders/history?area=14.03").status_code == 404
    with district.database.session(read_only=True) as session:
        wished = WishedReminders("kb", "2025-09", "14.03")
        assert reminded.list_reminded(session, wished, scope=Scope("15.01")) == ()
        assert reminded.list_reached(session, "kb", "2025-09", "14.03", scope=Scope("15.01")) == ()


def test_who_looks_after_the_country_sees_the_list_of_all(budi: FlaskClient) -> None:
    assert len(rows(budi.get("/reminders/history?area=&lang=en").text)) == 7
    assert len(rows(budi.get("/reminders/history?area=14.03&lang=en").text)) == 7
