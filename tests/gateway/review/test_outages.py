"""Outages on the calendar's page: who may note one, what it excuses, and that every figure follows it."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from gateway.calendar import Outage
from gateway.store import audit, outages, totals, unsettled
from gateway.store.areas import Area, add_areas
from gateway.values import Scope
from tests.district import District
from tests.gateway.review.visits import sign_in
from workers import totals as summing

REPORT = "KB 0925 BARU 12 AKTIF 40"
DAY_AFTER = datetime(2025, 10, 6, 3, 0, tzinfo=UTC)  # 10:00 in Bengkalis
CUT = {"area": "14.03", "form": "kb", "from": "2025-10-05T08:00", "until": "2025-10-06T09:00", "reason": "sinyal mati"}


@pytest.fixture
def morning(district: District, rina: FlaskClient) -> FlaskClient:
    """The browser of the regency's office, on the day after reports were due."""
    district.set_clock(DAY_AFTER)
    sign_in(rina, district.runtime)
    return rina


def words_of(browser: FlaskClient, address: str = "/calendar?lang=id") -> str:
    """Return what a page says, without its markup."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", browser.get(address).text)).split())


def figures(district: District, area: str = "14.03") -> tuple[int, int, list[str]]:
    """Return how many reported September in time and how many late, as totals say, and who is listed as late."""
    summing.drain(district.runtime)
    counts = totals.month_counts
    numbers = select(counts.c.reported, counts.c.on_time).where(counts.c.area == area, counts.c.period == "2025-09")
    with district.database.session(read_only=True) as session:
        rows = session.execute(numbers).all()
        late = unsettled.late_reports(session, "kb", "2025-09", area, scope=Scope(area))
    on_time = sum(row.on_time for row in rows)
    return on_time, sum(row.reported for row in rows) - on_time, [one.facility for one in late]


def noted(district: District) -> list[outages.NotedOutage]:
    """Return the outages, the latest first."""
    with district.database.session(read_only=True) as session:
        return list(outages.outages_around(session, "", datetime(2025, 1, 1, tzinfo=UTC), scope=Scope("")))


def test_a_message_that_a_dead_gateway_brought_late_is_on_time_by_its_stamp(district: District) -> None:
    district.set_clock(DAY_AFTER)
    district.say("ani", REPORT, sent_at=datetime(2025, 10, 5, 10, 0, tzinfo=UTC))
    district.say("budi", "KB 0925 BARU 120 AKTIF 500")
    assert figures(district) == (1, 1, ["Puskesmas Damon"]), "without a stamp the time of arrival counts"


def test_a_message_without_a_stamp_is_on_time_once_the_outage_is_noted(
    morning: FlaskClient, district: District
) -> None:
    district.say("budi", "KB 0925 BARU 120 AKTIF 500")
    assert figures(district) == (0, 1, ["Puskesmas Damon"])
    assert "1 terlambat" in words_of(morning, "/month?lang=id")
    assert morning.post("/calendar/outages", data=CUT).status_code == 303
    assert figures(district) == (1, 0, [])
    page = words_of(morning)
    assert "September 2025 jadi Sel, 7 Okt 2025." in page
    assert "Sel, 7 Okt 2025 diundur dari Min, 5 Okt 2025 karena gangguan" in page
    assert "sinyal mati" in page
    assert "batas 7 Okt 2025, diundur karena gangguan" in words_of(morning, "/month?lang=id")
    assert "0 terlambat" in words_of(morning, "/month?lang=id")


def test_the_last_day_is_over_where_the_outage_is_excused_until(morning: FlaskClient, district: District) -> None:
    morning.post("/calendar/outages", data=CUT)
    district.set_clock(datetime(2025, 10, 7, 16, 59, tzinfo=UTC))
    district.say("ani", REPORT)
    assert figures(district) == (1, 0, [])
    district.pass_time(minutes=2)
    district.say("budi", "KB 0925 BARU 120 AKTIF 500")
    assert figures(district) == (1, 1, ["Puskesmas Damon"])


def test_an_outage_elsewhere_excuses_nobody_here(morning: FlaskClient, district: District) -> None:
    with district.database.session() as session:
        add_areas(session, [Area("14.04", "14", "regency", "Kabupaten Siak", "Asia/Jakarta")])
        session.commit()
    district.say("budi", "KB 0925 BARU 120 AKTIF 500")
    sign_in(morning, district.runtime, "administrator", "14.04")
    assert morning.post("/calendar/outages", data=CUT | {"area": "14.04"}).status_code == 303
    assert figures(district) == (0, 1, ["Puskesmas Damon"])
    assert "Min, 5 Okt 2025" in words_of(morning, "/calendar?area=14.04&form=alokon&lang=id")
    sign_in(morning, district.runtime)
    assert "sinyal mati" not in words_of(morning)


def test_who_corrects_a_report_that_came_in_time_is_not_late(district: District) -> None:
    district.say("ani", REPORT)
    district.set_clock(DAY_AFTER)
    district.say("ani", "RALAT KB 0925 BARU 14")
    assert figures(district) == (1, 0, [])


def test_while_an_outage_lasts_nobody_is_late_and_its_end_says_who_was(
    morning: FlaskClient, district: District
) -> None:
    assert morning.post("/calendar/outages", data=CUT | {"until": ""}).status_code == 303
    district.say("ani", REPORT)
    district.set_clock(datetime(2025, 10, 20, 3, 0, tzinfo=UTC))
    district.say("budi", "KB 0925 BARU 120 AKTIF 500")
    assert figures(district) == (2, 0, [])
    sign_in(morning, district.runtime)
    assert "masih terganggu" in words_of(morning)
    [one] = noted(district)
    over = f"/calendar/outages/{one.id}/end"
    for wrong in ("", "kemarin", "2025-10-05T07:59", "2025-10-20T10:01", "2025-10-06T09:00Z"):
        answer = morning.post(over, data={"area": "14.03", "form": "kb", "ended": wrong})
        assert answer.status_code == 422
        assert f"ended-{one.id}-fault" in answer.text
    ended = {"area": "14.03", "form": "kb", "ended": "2025-10-06T12:00"}
    assert morning.post(over, data=ended).status_code == 303
    assert figures(district) == (1, 1, ["Puskesmas Damon"])
    assert morning.post(over, data=ended, follow_redirects=True).text.count("sudah diubah petugas lain") == 1


def test_what_is_taken_back_excuses_nothing_any_more_and_the_audit_keeps_it(
    morning: FlaskClient, district: District
) -> None:
    district.say("budi", "KB 0925 BARU 120 AKTIF 500")
    morning.post("/calendar/outages", data=CUT)
    assert figures(district) == (1, 0, [])
    [one] = noted(district)
    gone = f"/calendar/outages/{one.id}/drop"
    assert morning.post(gone, data={"area": "14.03", "form": "kb"}).status_code == 303
    assert (figures(district), noted(district)) == ((0, 1, ["Puskesmas Damon"]), [])
    assert "sudah diubah petugas lain" in morning.post(gone, data={"area": "14.03"}, follow_redirects=True).text
    with district.database.session(read_only=True) as session:
        deeds = [(row.action, row.details["reason"]) for row in session.execute(select(audit.audit))]
    assert deeds == [("note", "sinyal mati"), ("drop", "sinyal mati")]


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"from": ""}, "from"),
        ({"from": "besok"}, "from"),
        ({"from": "2025-10-06T11:00"}, "from"),
        ({"from": "2024-01-01T08:00"}, "from"),
        ({"from": "0001-01-01T00:00"}, "from"),
        ({"until": "2025-10-05T07:00"}, "until"),
        ({"until": "2025-10-06T11:00"}, "until"),
        ({"until": "x"}, "until"),
        ({"reason": "  "}, "reason"),
        ({"reason": "x" * 501}, "reason"),
    ],
)
def test_what_cannot_be_is_told_beside_its_field_and_what_was_typed_stays(
    morning: FlaskClient, district: District, typed: dict[str, str], field: str
) -> None:
    answer = morning.post("/calendar/outages", data=CUT | typed)
    assert answer.status_code == 422
    assert re.findall(r'id="(\w+)-fault"', answer.text) == [field]
    assert ("sinyal mati" in answer.text) == (field != "reason")
    assert noted(district) == []


def test_only_who_sets_the_days_of_an_area_notes_its_outages(morning: FlaskClient, district: District) -> None:
    morning.post("/calendar/outages", data=CUT)
    with district.database.session() as session:
        span = Outage("", datetime(2025, 10, 4, 3, 0, tzinfo=UTC), datetime(2025, 10, 4, 4, 0, tzinfo=UTC))
        wide = outages.add_outage(session, span, outages.NOT_RUNNING, None, DAY_AFTER, scope=Scope(""))
        session.commit()
    page = morning.get("/calendar?lang=en").text
    assert "Kabar was not running." in page
    assert "Noted by Kabar itself" in page
    assert f"/calendar/outages/{wide}/drop" not in page, "it is everybody's"
    asked = {"area": "14.03", "form": "kb"}
    morning.post(f"/calendar/outages/{wide}/drop", data=asked)
    assert morning.post(f"/calendar/outages/{wide}/end", data=asked).status_code == 404
    assert morning.post("/calendar/outages", data=CUT | {"area": "14"}).status_code == 404
    assert len(noted(district)) == 2
    sign_in(morning, district.runtime, "officer", "14.03.01")
    assert "/calendar/outages" not in morning.get("/calendar").text
    for address in ("/calendar/outages", f"/calendar/outages/{wide}/drop", f"/calendar/outages/{wide}/end"):
        assert morning.post(address, data=CUT).status_code == 403
    sign_in(morning, district.runtime, "administrator", "")
    assert morning.post(f"/calendar/outages/{wide}/drop", data={"area": "", "form": "kb"}).status_code == 303
    assert len(noted(district)) == 1
