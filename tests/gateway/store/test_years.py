"""A facility's year so far: what counts, of this form and this year, and how much of it came in time."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from gateway.calendar import Calendar, Days, Outage
from gateway.forms import load_forms
from gateway.store import months, outages, reports
from gateway.store.base import Database, Session
from gateway.store.reports import NewReport, ReportKey
from gateway.store.years import Year, years_of
from gateway.values import ReportState, Scope
from tests.district import District, make_runtime

KB, ALOKON = (next(form for form in load_forms() if form.code == code) for code in ("kb", "alokon"))
EVENING = datetime(2025, 10, 5, 16, 59, tzinfo=UTC)  # the last minute of the due day of September, in Bengkalis
_keys = itertools.count()


@pytest.fixture
def ids(database: Database, tmp_path: Path) -> Mapping[str, int]:
    """The small district's facilities, by their short names."""
    return District(make_runtime(database, tmp_path)).ids


def keep(
    session: Session,
    facility_id: int,
    period: str = "2025-09",
    sent_at: datetime = EVENING,
    form: str = "kb",
    **values: int,
) -> int:
    new = NewReport(
        key=ReportKey(form, facility_id, period),
        state=ReportState.ACCEPTED,
        sent_at=sent_at,
        sent_key=f"k{next(_keys)}",
        values={name.replace("_", "."): number for name, number in values.items()},
        text="",
        reading={},
        form_version=1,
        reader_version=1,
        created_at=sent_at,
    )
    return reports.add(session, new)


def test_a_year_counts_its_reports_and_adds_up_the_first_measure(database: Database, ids: Mapping[str, int]) -> None:
    ani = ids["PMB01"]
    with database.session() as session:
        keep(session, ani, "2025-01", baru=5, baru_pil=4, aktif=40)
        keep(session, ani, "2025-09", baru=7, aktif=41)
        keep(session, ani, "2025-10", baru=100)  # after the month that is thanked for
        keep(session, ani, "2024-12", baru=100)
        keep(session, ani, "2025-09", form="alokon", awal=3)
        keep(session, ids["PMB02"], baru=100)
        assert years_of(session, KB, [ani], "2025-09") == {("kb", ani): Year(2, "baru", 12)}
        assert years_of(session, ALOKON, [ani], "2025-09") == {("alokon", ani): Year(1)}
        assert years_of(session, KB, [ids["PTK"]], "2025-09") == {}


def test_a_report_that_does_not_count_is_not_of_the_year(database: Database, ids: Mapping[str, int]) -> None:
    ani = ids["PMB01"]
    with database.session() as session:
        taken_back = keep(session, ani, "2025-08", baru=5)
        reports.set_state(session, taken_back, ReportState.WITHDRAWN, was=ReportState.ACCEPTED)
        replaced = keep(session, ani, baru=5)
        reports.set_state(session, replaced, ReportState.REPLACED, was=ReportState.ACCEPTED)
        keep(session, ani, baru=6)
        assert years_of(session, KB, [ani], "2025-09") == {("kb", ani): Year(1, "baru", 6)}


def test_who_is_told_how_much_came_in_time_is_told_by_the_areas_own_clock_and_days(
    database: Database, ids: Mapping[str, int]
) -> None:
    ani, wati = ids["PMB01"], ids["PMB02"]
    with database.session() as session:
        for place, late in ((ani, timedelta()), (wati, timedelta(minutes=1))):
            keep(session, place, sent_at=EVENING + late, baru=1)
        found = years_of(session, KB, [ani, wati], "2025-09", scored={ani, wati})
        assert [found["kb", place].on_time for place in (ani, wati)] == [1, 0]
        found = years_of(session, KB, [ani, wati], "2025-09", scored={ani})
        assert [found["kb", place].on_time for place in (ani, wati)] == [1, None]
        months.choose_days(session, Calendar("14.03", "", Days(6, 7, 9)), scope=Scope(""))
        assert years_of(session, KB, [wati], "2025-09", scored={wati})["kb", wati].on_time == 1


def test_what_an_outage_made_late_is_in_time(database: Database, ids: Mapping[str, int]) -> None:
    ani = ids["PMB01"]
    with database.session() as session:
        keep(session, ani, sent_at=EVENING + timedelta(hours=30), baru=1)
        assert years_of(session, KB, [ani], "2025-09", scored={ani})["kb", ani].on_time == 0
        cut = Outage("14.03", EVENING - timedelta(hours=2), EVENING + timedelta(hours=9))
        outages.add_outage(session, cut, "x", "Rina", EVENING, scope=Scope(""))
        assert years_of(session, KB, [ani], "2025-09", scored={ani})["kb", ani].on_time == 1


def test_a_correction_after_the_due_day_leaves_the_month_in_time(database: Database, ids: Mapping[str, int]) -> None:
    ani = ids["PMB01"]
    with database.session() as session:
        first = keep(session, ani, baru=5)
        reports.set_state(session, first, ReportState.REPLACED, was=ReportState.ACCEPTED)
        keep(session, ani, sent_at=EVENING + timedelta(days=4), baru=6)
        assert years_of(session, KB, [ani], "2025-09", scored={ani}) == {("kb", ani): Year(1, "baru", 6, on_time=1)}


def test_hundreds_of_facilities_ask_the_database_as_often_as_one(database: Database, ids: Mapping[str, int]) -> None:
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *of: asked.append(of[2]))
    counts = []
    for places in ([ids["PMB01"]], list(ids.values())):
        with database.session() as session:
            for place in places:
                keep(session, place, "2025-08", baru=1)
            asked.clear()
            years_of(session, KB, places, "2025-09", scored=places)
            counts.append(len(asked))
    assert counts[0] == counts[1] > 0
