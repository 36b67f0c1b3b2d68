"""The calendar's page: plain dates, a month closed with its reason and opened again, and only by those who may."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gateway.app import create_app
from gateway.store import audit, months
from gateway.values import Scope
from tests.district import District
from tests.gateway.review.visits import Page, sign_in

LATE = datetime(2025, 10, 14, 3, 0, tzinfo=UTC)
KB = {"area": "14.03", "form": "kb", "period": "2025-09"}


@pytest.fixture
def app(district: District) -> Flask:
    """The web application in the district."""
    return create_app(district.runtime)


@pytest.fixture
def visitor(app: Flask) -> FlaskClient:
    """A browser."""
    return app.test_client()


@pytest.fixture
def rina(visitor: FlaskClient, district: District) -> FlaskClient:
    """A browser in which somebody of the regency's office is signed in."""
    sign_in(visitor, district.runtime)
    return visitor


def is_closed(district: District, area: str = "14.03.01") -> bool:
    """Return whether September is closed."""
    with district.database.session(read_only=True) as session:
        return months.is_closed(session, "kb", "2025-09", area)


def close(browser: FlaskClient, **typed: str) -> int:
    """Read what is open and close the month; return the answer's status."""
    seen = Page(browser.get("/calendar/close", query_string=KB)).hidden("seen")
    return browser.post("/calendar/close", data=KB | {"seen": seen} | typed).status_code


def actions(district: District) -> list[str]:
    """Return what the audit tells, the latest first."""
    with district.database.session(read_only=True) as session:
        return [f"{row.action} {row.noun}" for row in session.execute(audit.audit.select()).all()][::-1]


def test_the_days_stand_there_as_dates_with_the_day_of_the_week(rina: FlaskClient) -> None:
    page = rina.get("/calendar?lang=id").text
    assert "Min, 5 Okt 2025" in page
    assert "Sel, 7 Okt 2025" in page
    assert "2 hari lagi" in page
    assert "Sun, 5 Oct 2025" in rina.get("/calendar?lang=en").text


def test_a_district_chooses_its_days_and_goes_back_to_those_around(rina: FlaskClient, district: District) -> None:
    days = {"area": "14.03", "form": "", "due": "3", "corrections": "6", "approval": "31"}
    assert rina.post("/calendar/days", data=days).status_code == 303
    assert "Fri, 3 Oct 2025" in rina.get("/calendar?lang=en").text
    assert "Fri, 31 Oct 2025" in rina.get("/calendar?form=alokon&lang=en").text
    rina.post("/calendar/days", data={"area": "14.03", "form": "", "what": "drop"})
    assert "Sun, 5 Oct 2025" in rina.get("/calendar?lang=en").text
    assert actions(district)[:2] == ["drop calendar", "choose calendar"]


@pytest.mark.parametrize("typed", [{"due": "0"}, {"due": "x"}, {"corrections": "2"}, {"approval": "32"}, {"due": "५"}])
def test_days_that_cannot_be_are_told_beside_the_field_and_what_was_typed_stays(
    rina: FlaskClient, typed: dict[str, str]
) -> None:
    days = {"area": "14.03", "form": "kb", "due": "4", "corrections": "6", "approval": "11"} | typed
    answer = rina.post("/calendar/days", data=days)
    assert answer.status_code == 422
    assert f"{next(iter(typed))}-fault" in answer.text
    assert 'value="11"' in answer.text or "approval" in typed


def test_a_month_with_something_open_is_closed_only_with_a_reason(rina: FlaskClient, district: District) -> None:
    district.say("ani", "KB 0925 BARU 12 AKTIF 40")
    district.say("eve", "KB 0925 BARU 12 AKTIF 10")
    page = rina.get("/calendar/close", query_string=KB | {"lang": "en"}).text
    assert "PMB Wati" in page, "who is missing is named"
    assert re.search(r"PMB Eve.{0,80}asked, not answered", re.sub(r"<[^>]+>", "", page), re.DOTALL)
    assert close(rina) == 422
    assert not is_closed(district)
    assert close(rina, reason="batas SIGA hari ini") == 303
    assert is_closed(district)
    page = rina.get("/calendar?lang=en").text
    assert "batas SIGA hari ini" in page
    assert actions(district)[0] == "close month"


def test_a_report_that_came_in_meanwhile_is_shown_before_the_month_is_closed(
    rina: FlaskClient, district: District
) -> None:
    seen = Page(rina.get("/calendar/close", query_string=KB)).hidden("seen")
    district.say("ani", "KB 0925 BARU 12 AKTIF 40")
    answer = rina.post("/calendar/close", data=KB | {"seen": seen, "reason": "sudah batas"})
    assert answer.status_code == 422
    assert "sudah batas" in answer.text
    assert not is_closed(district)
    again = Page(answer).hidden("seen")
    assert rina.post("/calendar/close", data=KB | {"seen": again, "reason": "sudah batas"}).status_code == 303
    assert is_closed(district)


def test_two_who_close_the_same_month_are_told_and_close_it_once(rina: FlaskClient, district: District) -> None:
    assert close(rina, reason="batas") == 303
    seen = Page(rina.get("/calendar/close", query_string=KB)).hidden("seen")
    rina.post("/calendar/close", data=KB | {"seen": seen, "reason": "batas juga"})
    assert "petugas lain" in rina.get("/calendar").text
    with district.database.session(read_only=True) as session:
        assert len(months.latest_closings(session, scope=Scope("14.03"))) == 1


def test_what_came_late_and_what_came_after_closing_are_listed(rina: FlaskClient, district: District) -> None:
    district.set_clock(LATE)
    district.say("budi", "KB 0925 BARU 120 AKTIF 500")
    sign_in(rina, district.runtime)
    assert re.search(r"Late reports.*Puskesmas Damon", rina.get("/calendar?lang=en").text, re.DOTALL)
    close(rina, reason="batas")
    district.say("ani", "KB 0925 BARU 12 AKTIF 40")
    page = rina.get("/calendar?lang=en").text
    assert re.search(r"Requests for closed months.*PMB Ani.*Late reports.*Puskesmas Damon", page, re.DOTALL)


def test_a_month_is_opened_again_with_a_reason_and_once(rina: FlaskClient, district: District) -> None:
    close(rina, reason="batas")
    with district.database.session(read_only=True) as session:
        (closing,) = months.standing_closings(session, "14.03", scope=Scope("14.03"))
    address = f"/calendar/closings/{closing.id}/reopen"
    assert rina.post(address, data={"reason": " "}).status_code == 422
    assert is_closed(district)
    assert rina.post(address, data={"reason": "ada susulan"}).status_code == 303
    assert not is_closed(district)
    rina.post(address, data={"reason": "lagi"})
    page = rina.get("/calendar").text
    assert "sudah dibuka lagi oleh petugas lain" in page
    assert "ada susulan" in page
    assert actions(district)[:2] == ["reopen month", "close month"]


def test_another_area_neither_sees_nor_closes_nor_opens_it(
    visitor: FlaskClient, rina: FlaskClient, district: District
) -> None:
    close(rina, reason="batas")
    sign_in(visitor, district.runtime, area="15.01")
    assert visitor.get("/calendar?area=14.03").status_code == 404
    assert visitor.get("/calendar/close", query_string=KB).status_code == 404
    assert visitor.post("/calendar/close", data=KB | {"reason": "x", "seen": "0.0.0"}).status_code == 404
    assert visitor.post("/calendar/closings/1/reopen", data={"reason": "x"}).status_code == 404
    days = {"area": "14.03", "form": "", "due": "3", "corrections": "6", "approval": "9"}
    assert visitor.post("/calendar/days", data=days).status_code == 404
    assert "batas" not in re.sub(r"<[^>]+>", "", visitor.get("/calendar?area=15.01&lang=en").text)
    assert is_closed(district)


@pytest.mark.parametrize("role", ["viewer", "officer"])
def test_who_may_not_close_reads_the_calendar_only(visitor: FlaskClient, district: District, role: str) -> None:
    sign_in(visitor, district.runtime, role, "14.03.01")
    page = visitor.get("/calendar?lang=en")
    assert page.status_code == 200
    assert "Close month" not in page.text
    assert "Save the days" not in page.text
    about = KB | {"area": "14.03.01"}
    assert visitor.get("/calendar/close", query_string=about).status_code == 403
    assert visitor.post("/calendar/close", data=about | {"seen": "0.0.0", "reason": "x"}).status_code == 403
    assert visitor.post("/calendar/days", data={"area": "14.03.01", "form": ""}).status_code == 403


def test_an_officer_sees_what_the_regency_has_closed(
    visitor: FlaskClient, rina: FlaskClient, district: District
) -> None:
    close(rina, reason="batas")
    sign_in(visitor, district.runtime, "officer", "14.03.01")
    assert 'badge past">closed' in visitor.get("/calendar?lang=en").text


@pytest.mark.parametrize("wrong", [{"period": "2025-10"}, {"period": "2025-13"}, {"period": "x"}, {"form": "x"}])
def test_what_is_no_month_to_close_is_not_there(rina: FlaskClient, wrong: dict[str, str]) -> None:
    assert rina.get("/calendar/close", query_string=KB | wrong).status_code == 404


def test_who_looks_after_the_country_chooses_an_area(visitor: FlaskClient, district: District) -> None:
    sign_in(visitor, district.runtime, "administrator", "")
    assert "Kabupaten Bengkalis" in visitor.get("/calendar").text
    days = {"area": "", "form": "", "due": "9", "corrections": "10", "approval": "11"}
    assert visitor.post("/calendar/days", data=days).status_code == 303
    assert "Thu, 9 Oct 2025" in visitor.get("/calendar?area=14.03&lang=en").text
    assert visitor.get("/calendar/close", query_string=KB | {"area": ""}).status_code == 404
