"""The review queue: what stands in which part of it and why, and what is done with many at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from gateway.app import create_app
from gateway.handle.reading_json import to_json
from gateway.store import facilities, queue, reports
from gateway.store.facilities import NewFacility
from gateway.store.queue import Tab, WishedQueue
from gateway.store.reports import NewReport, ReportKey
from gateway.values import ReportState, Scope
from parsers.reading import ReadReport
from tests.district import NOON, District
from tests.gateway.review.visits import Page, sign_in


@pytest.fixture
def officer(district: District) -> FlaskClient:
    """The browser of somebody of the district's office."""
    return enter(district)


def enter(district: District, role: str = "district", area: str = "14.03") -> FlaskClient:
    """Return the browser of somebody who has signed in."""
    visitor = create_app(district.runtime).test_client()
    sign_in(visitor, district.runtime, role=role, area=area)
    return visitor


def words_of(answer: TestResponse) -> str:
    """Return what stands on a page, with blanks as one blank."""
    return " ".join(Page(answer).words.split())


def ticks(answer: TestResponse) -> list[str]:
    """Return what can be ticked on a page."""
    return [str(a["value"]) for tag, a in Page(answer).tags if tag == "input" and a.get("name") == "seen"]


def add_many(district: District, count: int, state: ReportState = ReportState.ACCEPTED) -> None:
    """Add as many reports of as many new facilities for September 2025."""
    with district.database.session() as session:
        places = [
            NewFacility(f"1403{n:05}", f"PMB {n}", f"P{n}", "PMB", "14.03.01") for n in range(20000, 20000 + count)
        ]
        ids = facilities.add_facilities(session, places)
        values = {"baru": 3, "aktif": 40}
        reading = to_json(ReadReport("kb", "2025-09", values))
        found = [
            NewReport(ReportKey("kb", one, "2025-09"), state, NOON, f"m{one}", values, "KB", reading, 1, 1, NOON)
            for one in ids
        ]
        reports.add_firsts(session, found)
        session.commit()


def fill(district: District) -> None:
    """Put one report into each part of the queue."""
    district.say("ani", "KB 0925 BARU 12 AKTIF 40")
    approve_all(district)
    district.say("ani", "KB 0925 BARU 12 AKTIF 45")  # changed after approval
    for month in ("0625", "0725", "0825"):
        district.say("budi", f"KB {month} BARU 12 AKTIF 41")
    approve_all(district)
    district.say("budi", "KB 0925 BARU 12 AKTIF 410")  # asked
    district.say("wati", "KB PMB02 0925 BARU 12 AKTIF 400 PIL 1 SUNTIK 1 SUNTIK3 2")  # suntik and suntik3: noted
    district.say("eve", "KB 0925 BARU 2 AKTIF 30")


def approve_all(district: District) -> None:
    """Approve whatever is accepted."""
    with district.database.session() as session:
        for tab in (Tab.NOTED, Tab.PLAIN):
            for one in queue.list_ids(session, WishedQueue(tab), scope=Scope("")):
                reports.set_state(session, one, ReportState.APPROVED, was=ReportState.ACCEPTED)
        session.commit()


@pytest.mark.parametrize(
    ("tab", "facility", "why"),
    [
        ("changed", "PMB Ani", "Peserta aktif 40 → 45"),
        ("waiting", "Puskesmas Damon", "AKTIF 410"),
        ("noted", "PMB Wati", "salah satu jenisnya"),
        ("plain", "PMB Eve", "Tidak ada kejanggalan."),
    ],
)
def test_each_part_of_the_queue_holds_its_reports_and_says_why(
    officer: FlaskClient, district: District, tab: str, facility: str, why: str
) -> None:
    fill(district)
    page = words_of(officer.get(f"/queue?tab={tab}"))
    assert facility in page
    assert why in page
    for other in {"PMB Ani", "Puskesmas Damon", "PMB Wati", "PMB Eve"} - {facility}:
        assert other not in page


def test_the_queue_opens_at_the_most_pressing_part_that_holds_something(
    officer: FlaskClient, district: District
) -> None:
    district.say("eve", "KB 0925 BARU 2 AKTIF 30")
    assert "PMB Eve" in words_of(officer.get("/queue"))
    fill(district)
    assert "PMB Ani" in words_of(officer.get("/queue"))


def test_an_unanswered_question_brings_its_report_to_staff(officer: FlaskClient, district: District) -> None:
    fill(district)
    with district.database.session() as session:
        [asked] = queue.list_ids(session, WishedQueue(Tab.WAITING), scope=Scope(""))
        reports.set_state(session, asked, ReportState.FLAGGED, was=ReportState.WAITING)
        session.commit()
    page = words_of(officer.get("/queue?tab=flagged"))
    assert "Puskesmas Damon" in page
    assert "Sudah ditanya, belum dijawab." in page


def test_an_empty_queue_says_so_and_where_to_look_instead(officer: FlaskClient) -> None:
    page = officer.get("/queue")
    assert "Tidak ada yang menunggu Anda." in words_of(page)
    assert "Nothing waits for you." in words_of(officer.get("/queue?lang=en"))
    filtered = words_of(officer.get("/queue?period=2025-09&lang=id"))
    assert "Tidak ada yang menunggu dengan saringan ini." in filtered


@pytest.mark.parametrize("query", ["tab=x", "area=%27", "period=2025-13", "form=%00", "after=x&before=9", "after=-1"])
def test_an_address_that_makes_no_sense_shows_the_queue_all_the_same(
    officer: FlaskClient, district: District, query: str
) -> None:
    fill(district)
    assert officer.get(f"/queue?{query}").status_code == 200


def test_the_queue_is_narrowed_by_area_month_and_form(officer: FlaskClient, district: District) -> None:
    fill(district)
    for query in ("period=2025-09", "area=14.03.01", "form=kb"):
        assert "PMB Eve" in words_of(officer.get(f"/queue?tab=plain&{query}"))
    for query in ("period=2025-08", "area=72.71", "form=alokon"):
        assert "PMB Eve" not in words_of(officer.get(f"/queue?tab=plain&{query}"))


def test_many_are_approved_at_once_and_undone_at_once(officer: FlaskClient, district: District) -> None:
    add_many(district, 3)
    seen = ticks(officer.get("/queue?tab=plain"))
    assert len(seen) == 3
    answer = officer.post("/queue/approve", data={"tab": "plain", "seen": seen}, follow_redirects=True)
    assert "Laporan disetujui: 3." in words_of(answer)
    assert ticks(officer.get("/queue?tab=plain")) == []
    undo = next(str(a["action"]) for tag, a in Page(answer).tags if tag == "form" and "undo" in str(a.get("action")))
    undone = officer.post(undo, follow_redirects=True)
    assert "Persetujuan dibatalkan: 3." in words_of(undone)
    assert ticks(officer.get("/queue?tab=plain")) == seen


def test_what_somebody_else_was_quicker_with_is_left_and_counted(officer: FlaskClient, district: District) -> None:
    add_many(district, 2)
    seen = ticks(officer.get("/queue?tab=plain"))
    other = enter(district, "officer", "14.03.01")
    other.post("/queue/approve", data={"tab": "plain", "seen": seen[:1]})
    answer = officer.post("/queue/approve", data={"tab": "plain", "seen": seen}, follow_redirects=True)
    assert "Laporan disetujui: 1." in words_of(answer)
    assert "sudah didahului orang lain atau ada yang baru masuk: 1." in words_of(answer)


def test_nothing_ticked_approves_nothing_and_says_so(officer: FlaskClient, district: District) -> None:
    add_many(district, 1)
    answer = officer.post("/queue/approve", data={"tab": "plain", "seen": "nonsense"}, follow_redirects=True)
    assert "Tidak ada yang dicentang" in words_of(answer)
    assert len(ticks(officer.get("/queue?tab=plain"))) == 1


def test_a_viewer_can_tick_nothing_and_is_refused(district: District) -> None:
    add_many(district, 1)
    seen = ticks(enter(district).get("/queue?tab=plain"))
    viewer = enter(district, "viewer")
    assert ticks(viewer.get("/queue?tab=plain")) == []
    assert viewer.post("/queue/approve", data={"seen": seen}).status_code == 403
    assert viewer.post(f"/queue/undo/{'0' * 16}").status_code == 403


def test_another_areas_queue_holds_none_of_this_one(district: District) -> None:
    fill(district)
    seen = ticks(enter(district).get("/queue?tab=plain"))
    foreign = enter(district, area="72.71")
    assert "Tidak ada yang menunggu Anda." in words_of(foreign.get("/queue"))
    foreign.post("/queue/approve", data={"tab": "plain", "seen": seen})
    assert ticks(enter(district).get("/queue?tab=plain")) == seen


def test_deciding_goes_on_to_the_next_report_and_at_the_end_back_to_the_queue(
    officer: FlaskClient, district: District
) -> None:
    add_many(district, 2)
    first, second = (one.partition(".")[0] for one in ticks(officer.get("/queue?tab=plain")))
    page = officer.get(f"/reports/{first}?queue=1&tab=plain")
    links = [str(a.get("href")) for tag, a in Page(page).tags if tag == "a"]
    assert any(link.startswith(f"/reports/{second}?") for link in links)
    fields = {"queue": "1", "tab": "plain"}
    for report_id, after in ((first, f"/reports/{second}"), (second, "/queue")):
        seen = Page(officer.get(f"/reports/{report_id}")).hidden("seen")
        answer = officer.post(f"/reports/{report_id}/approve", data={"seen": seen} | fields)
        assert answer.status_code == 303
        assert answer.headers["Location"].partition("?")[0] == after


def test_a_long_queue_is_turned_page_by_page_without_losing_a_report(officer: FlaskClient, district: District) -> None:
    add_many(district, 120)
    found: list[str] = []
    page = officer.get("/queue?tab=plain")
    while True:
        found += ticks(page)
        link = next((a["href"] for tag, a in Page(page).tags if tag == "a" and a.get("rel") == "next"), None)
        if link is None:
            break
        page = officer.get(str(link))
    assert len(found) == len(set(found)) == 120
    back = next(a["href"] for tag, a in Page(page).tags if tag == "a" and a.get("rel") == "prev")
    assert ticks(officer.get(str(back))) == found[50:100]


def count_questions(district: District, ask: Callable[[], object]) -> int:
    """Return how many statements a page asks of the database."""
    asked: list[str] = []

    def listen(*args: object) -> None:
        asked.append(str(args[2]))

    event.listen(district.database.engine, "before_cursor_execute", listen)
    try:
        ask()
    finally:
        event.remove(district.database.engine, "before_cursor_execute", listen)
    return len(asked)


def test_more_reports_are_no_more_questions_to_the_database(officer: FlaskClient, district: District) -> None:
    add_many(district, 2)
    officer.get("/queue?tab=plain")
    few = count_questions(district, lambda: officer.get("/queue?tab=plain"))
    with district.database.session() as session:
        session.execute(reports.reports.update().values(state="flagged"))
        session.commit()
    few_flagged = count_questions(district, lambda: officer.get("/queue?tab=flagged"))
    add_many_more = 40
    with district.database.session() as session:
        places = [NewFacility(f"1403{n:05}", f"PMB {n}", f"P{n}", "PMB", "14.03.01") for n in range(add_many_more)]
        ids = facilities.add_facilities(session, places)
        values, reading = {"baru": 1}, to_json(ReadReport("kb", "2025-09", {"baru": 1}))
        for state, half in ((ReportState.ACCEPTED, ids[:20]), (ReportState.FLAGGED, ids[20:])):
            keys = [ReportKey("kb", one, "2025-09") for one in half]
            found = [NewReport(k, state, NOON, f"x{k.facility_id}", values, "KB", reading, 1, 1, NOON) for k in keys]
            reports.add_firsts(session, found)
        session.commit()
    assert count_questions(district, lambda: officer.get("/queue?tab=plain")) == few
    assert count_questions(district, lambda: officer.get("/queue?tab=flagged")) == few_flagged
