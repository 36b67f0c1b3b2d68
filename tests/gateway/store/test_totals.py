"""The totals: whatever happened to the reports, they say what adding up everything anew would say."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update

from gateway.calendar import Calendar, Days, areas_around, due_at
from gateway.store import areas, facilities, months, reports, totals
from gateway.store.areas import Area
from gateway.store.base import Database, Session
from gateway.store.facilities import NewFacility
from gateway.store.reports import NewReport, ReportKey
from gateway.store.totals import month_counts, month_totals
from gateway.values import COUNTING, REPORT_MOVES, ReportState, Scope

NOON = datetime(2025, 10, 3, 5, 0, tzinfo=UTC)
KECAMATAN = ("14.03.01", "14.03.02", "14.04.01", "91.01.01")  # the last one is two hours ahead
PERIODS = ("2025-08", "2025-09")
LATE = timedelta(days=4)

_keys = itertools.count()


@pytest.fixture
def ids(database: Database) -> list[int]:
    """Two facilities in each of four kecamatan of three regencies and two provinces."""
    with database.session() as session:
        found = fill(session)
        session.commit()
    return found


def fill(session: Session) -> list[int]:
    """Put the areas and facilities there; return the facilities' ids."""
    zones = {"14": "Asia/Jakarta", "91": "Asia/Jayapura"}
    codes = sorted({code for kecamatan in KECAMATAN for code in areas_around(kecamatan) if code})
    areas.add_areas(
        session, [Area(code, code.rpartition(".")[0] or None, "x", code, zones[code[:2]]) for code in codes]
    )
    places = [
        NewFacility(f"{number:09}", f"PMB {number}", f"P{number}", "PMB" if number % 2 else "RS", area)
        for number, area in enumerate(area for area in KECAMATAN for _ in range(2))
    ]
    return list(facilities.add_facilities(session, places))


def report(
    facility_id: int,
    period: str = "2025-09",
    state: ReportState = ReportState.ACCEPTED,
    sent_at: datetime = NOON,
    **values: int,
) -> NewReport:
    """Return a revision about to be added."""
    return NewReport(
        key=ReportKey("kb", facility_id, period),
        state=state,
        sent_at=sent_at,
        sent_key=f"k{next(_keys)}",
        values={name.replace("_", "."): quantity for name, quantity in values.items()} or {"baru": 1},
        text="",
        reading={},
        form_version=1,
        reader_version=1,
        created_at=sent_at,
    )


def sums_anew(session: Session) -> tuple[Counter[tuple[str, ...]], Counter[tuple[str, ...]]]:
    """Add up every report in the plainest way: what the tables should say, zero sums left out."""
    places = {row.id: row for row in session.execute(select(facilities.facilities))}
    zones = {row.code: row.timezone for row in session.execute(select(areas.areas))}
    values: dict[int, list[tuple[str, str, int]]] = {}
    for row in session.execute(select(reports.report_values)):
        values.setdefault(row.report_id, []).append((row.measure, row.item, row.quantity))
    by_key: dict[tuple[str, str, int], list[object]] = {}
    for row in session.execute(select(reports.reports)):
        by_key.setdefault((row.form, row.period, row.facility_id), []).append(row)
    sums: Counter[tuple[str, ...]] = Counter()
    counts: Counter[tuple[str, ...]] = Counter()
    for (form, period, facility_id), revisions in by_key.items():
        place = places[facility_id]
        states = {one.state for one in revisions}  # type: ignore[attr-defined]
        counting = [one for one in revisions if one.state in COUNTING]  # type: ignore[attr-defined]
        sent = [one.sent_at for one in revisions if one.state not in ("rejected", "withdrawn")]  # type: ignore[attr-defined]
        for area in areas_around(place.area):
            about = (form, period, area, place.type)
            if counting:
                counts[*about, "reported"] += 1
                counts[*about, "on_time"] += min(sent) < due_at(period, Days(), zones[place.area])
                for measure, item, quantity in values.get(counting[0].id, ()):  # type: ignore[attr-defined]
                    sums[form, period, area, measure, item] += quantity
            for state in ("approved", "flagged", "waiting"):
                counts[*about, state] += state in states
    return +sums, +counts


def sums_kept(session: Session) -> tuple[Counter[tuple[str, ...]], Counter[tuple[str, ...]]]:
    """Return what the tables say."""
    sums = Counter({tuple(row[:5]): row.quantity for row in session.execute(select(month_totals))})
    counts: Counter[tuple[str, ...]] = Counter()
    for row in session.execute(select(month_counts)):
        for name in ("reported", "on_time", "approved", "flagged", "waiting"):
            counts[*row[:4], name] += getattr(row, name)
    return +sums, +counts


def drain(database: Database, limit: int = totals.BATCH) -> int:
    """Sum up all that waits, a batch at a time."""
    done = 0
    while True:
        with database.session() as session:
            found = totals.refresh(session, limit)
            session.commit()
        if not found:
            return done
        done += found


def test_a_report_counts_in_its_kecamatan_and_in_every_area_around_it(database: Database, ids: list[int]) -> None:
    with database.session() as session:
        reports.add(session, report(ids[0], baru=3, aktif=40, aktif_pil=30))
        reports.add(session, report(ids[2], baru=2))
        session.commit()
    assert drain(database) == 2
    with database.session(read_only=True) as session:
        sums, counts = sums_kept(session)
    for area, new in {"14.03.01": 3, "14.03.02": 2, "14.03": 5, "14": 5, "": 5}.items():
        assert sums["kb", "2025-09", area, "baru", ""] == new
    assert sums["kb", "2025-09", "", "aktif", "pil"] == 30
    assert counts["kb", "2025-09", "14", "RS", "reported"] == 2


def test_what_was_summed_up_is_left_alone_until_it_changes(database: Database, ids: list[int]) -> None:
    with database.session() as session:
        report_id = reports.add(session, report(ids[0], baru=3))
        session.commit()
    assert drain(database) == 1
    assert drain(database) == 0
    with database.session() as session:
        assert not totals.has_unsummed(session)
        reports.set_state(session, report_id, ReportState.APPROVED, was=ReportState.ACCEPTED)
        assert totals.has_unsummed(session)
        session.commit()
    assert drain(database) == 1


def test_a_report_taken_back_leaves_no_row_behind(database: Database, ids: list[int]) -> None:
    with database.session() as session:
        report_id = reports.add(session, report(ids[0], baru=3))
        totals.refresh_reports(session, [report_id])
        reports.set_state(session, report_id, ReportState.WITHDRAWN, was=ReportState.ACCEPTED)
        totals.refresh_reports(session, [report_id])
        session.commit()
    with database.session(read_only=True) as session:
        assert session.execute(select(month_totals)).all() == []
        assert session.execute(select(month_counts)).all() == []


@pytest.mark.parametrize(
    ("facility", "sent_at", "is_on_time"),
    [
        (0, "2025-10-05T16:59", True),  # 23:59 of the 5th in Riau
        (0, "2025-10-05T17:00", False),
        (6, "2025-10-05T14:59", True),  # 23:59 of the 5th in Papua
        (6, "2025-10-05T15:00", False),
    ],
)
def test_on_time_goes_by_the_clock_of_the_area(
    database: Database, ids: list[int], facility: int, sent_at: str, is_on_time: bool
) -> None:
    with database.session() as session:
        reports.add(session, report(ids[facility], sent_at=datetime.fromisoformat(sent_at).replace(tzinfo=UTC)))
        totals.refresh(session)
        found = session.execute(select(month_counts.c.on_time).where(month_counts.c.area == "")).scalar_one()
    assert found == is_on_time


def test_a_correction_after_the_due_day_leaves_the_report_on_time(database: Database, ids: list[int]) -> None:
    with database.session() as session:
        first = reports.add(session, report(ids[0]))
        reports.set_state(session, first, ReportState.REPLACED, was=ReportState.ACCEPTED)
        reports.add(session, report(ids[0], sent_at=NOON + LATE))
        late = reports.add(session, report(ids[2], state=ReportState.WAITING))
        reports.set_state(session, late, ReportState.REJECTED, was=ReportState.WAITING)
        reports.add(session, report(ids[2], sent_at=NOON + LATE))
        totals.refresh(session)
        found = dict(session.execute(select(month_counts.c.area, month_counts.c.on_time)).all())
    assert found["14.03.01"] == 1
    assert found["14.03.02"] == 0, "what was rejected was no report"


def test_another_due_day_counts_once_the_months_are_summed_up_again(database: Database, ids: list[int]) -> None:
    with database.session() as session:
        reports.add(session, report(ids[0]))
        reports.add(session, report(ids[0], "2025-08"))
        totals.refresh(session)
        months.choose_days(session, Calendar("14.03", "", Days(2, 5, 9)), scope=Scope(""))
        assert totals.recount(session, "14.03", "2025-09") == 1
        assert totals.refresh(session) == 1
        about = month_counts.c.area == "14", month_counts.c.period == "2025-09"
        assert session.execute(select(month_counts.c.on_time).where(*about)).scalar_one() == 0


def test_a_facility_that_moves_takes_its_figures_along(database: Database, ids: list[int]) -> None:
    with database.session() as session:
        reports.add(session, report(ids[0], baru=3))
        totals.refresh(session)
        table = facilities.facilities
        session.execute(update(table).where(table.c.id == ids[0]).values(area="14.04.01", ownership="swasta"))
        totals.refresh_areas(session, ["14.03.01", "14.04.01"])
        found = dict(session.execute(select(month_totals.c.area, month_totals.c.quantity)).all())
        owners = set(session.execute(select(month_counts.c.ownership)).scalars())
    assert found == {"14.04.01": 3, "14.04": 3, "14": 3, "": 3}
    assert owners == {"swasta"}


_steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("add"),
            st.integers(0, 7),
            st.sampled_from(PERIODS),
            st.sampled_from([ReportState.WAITING, ReportState.FLAGGED, ReportState.ACCEPTED]),
            st.booleans(),
            st.dictionaries(st.sampled_from(["baru", "aktif", "aktif_pil"]), st.integers(0, 50)),
        ),
        st.tuples(st.just("move"), st.integers(0, 30), st.integers(0, 5)),
        st.tuples(st.just("refresh"), st.integers(1, 3)),
        st.tuples(st.just("decide"), st.integers(0, 30), st.integers(0, 5)),
    ),
    max_size=25,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_steps)
def test_after_any_history_the_totals_are_those_of_adding_up_anew(
    database: Database, ids: list[int], steps: list[tuple[object, ...]]
) -> None:
    with database.session() as session:
        for table in (reports.report_values, reports.reports, month_totals, month_counts):
            session.execute(delete(table))
        known: list[int] = []
        for kind, *how in steps:
            if kind == "refresh":
                totals.refresh(session, how[0])  # type: ignore[arg-type]
            elif kind == "add":
                known += _add(session, ids, *how)  # type: ignore[arg-type]
            elif known:
                report_id = known[how[0] % len(known)]  # type: ignore[operator]
                _move(session, report_id, how[1])  # type: ignore[arg-type]
                if kind == "decide":
                    totals.refresh_reports(session, [report_id])
        while totals.refresh(session, 3):
            pass
        assert sums_kept(session) == sums_anew(session)


def _add(
    session: Session, ids: list[int], place: int, period: str, state: ReportState, is_late: bool, values: dict[str, int]
) -> list[int]:
    """Add a revision as handling does: what counted before it is replaced."""
    key = ReportKey("kb", ids[place], period)
    current = reports.find_current(session, key)
    if current and state in COUNTING:
        reports.set_state(session, current.id, ReportState.REPLACED, was=current.state)
    return [reports.add(session, report(ids[place], period, state, NOON + LATE * is_late, **values))]


def _move(session: Session, report_id: int, choice: int) -> None:
    """Move a revision to a state that it may go to, unless another one would count beside it."""
    found = reports.find_report(session, report_id)
    assert found is not None
    moves = sorted(REPORT_MOVES[ReportState(found.state)])
    state = moves[choice % len(moves)] if moves else None
    current = reports.find_current(session, found.key)
    if state and not (state in COUNTING and current and current.id != report_id):
        reports.set_state(session, report_id, state, was=found.state)


def test_many_who_sum_up_at_once_while_reports_change_end_at_the_right_totals(
    postgresql_url: str, open_database: Callable[[str], Database]
) -> None:
    database = open_database(postgresql_url)
    with database.session() as session:
        ids = fill(session)
        session.commit()
    faults: list[BaseException] = []
    is_over = threading.Event()

    def write(facility_id: int) -> None:
        for number in range(12):
            with database.session() as session:
                [report_id] = _add(
                    session, [facility_id], 0, PERIODS[number % 2], ReportState.ACCEPTED, False, {"baru": 1}
                )
                session.commit()
            if number % 3 == 0:
                with database.session() as session:  # as staff do: a decision, and its figures with it
                    reports.set_state(session, report_id, ReportState.APPROVED, was=ReportState.ACCEPTED)
                    reports.set_state(session, report_id, ReportState.REJECTED, was=ReportState.APPROVED)
                    totals.refresh_reports(session, [report_id])
                    session.commit()

    def sum_up() -> None:
        while not is_over.is_set():
            with database.session() as session:
                totals.refresh(session, 3)
                session.commit()

    def guarded(work: Callable[..., None], *what: object) -> threading.Thread:
        def run() -> None:
            try:
                work(*what)
            except BaseException as error:  # noqa: BLE001  told by the test
                faults.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    summers = [guarded(sum_up) for _ in range(2)]
    writers = [guarded(write, facility_id) for facility_id in ids[:5]]
    for thread in writers:
        thread.join()
    is_over.set()
    for thread in summers:
        thread.join()
    drain(database)
    assert faults == []
    with database.session(read_only=True) as session:
        kept, anew = sums_kept(session), sums_anew(session)
    assert kept == anew
    assert sum(anew[0].values()), "something was reported"


def test_one_who_sums_up_waits_for_one_who_does_and_sees_what_that_one_saw(
    postgresql_url: str, open_database: Callable[[str], Database]
) -> None:
    database = open_database(postgresql_url)
    with database.session() as session:
        ids = fill(session)
        first = reports.add(session, report(ids[0], baru=3))
        second = reports.add(session, report(ids[2], baru=2))
        session.commit()
    done = threading.Event()

    def sum_up_second() -> None:
        with database.session() as session:
            totals.refresh_reports(session, [second])
            session.commit()
        done.set()

    with database.session() as session:
        totals.refresh_reports(session, [first])
        other = threading.Thread(target=sum_up_second)
        other.start()
        assert not done.wait(0.3), "two who sum up one month take turns"
        session.commit()
    other.join()
    with database.session(read_only=True) as session:
        assert sums_kept(session) == sums_anew(session)


def test_what_was_reported_before_there_were_totals_waits_to_be_summed_up(database: Database, ids: list[int]) -> None:
    row = reports.reports.c
    with database.session() as session:
        reports.add_firsts(session, [report(one, baru=1) for one in ids])
        assert session.execute(select(row.id).where(row.is_summed)).all() == []
        session.execute(
            insert(month_totals),
            {"form": "kb", "period": "2025-09", "area": "14.03.01", "measure": "old", "item": "", "quantity": 7},
        )
        session.commit()
    assert drain(database, 3) == len(ids)
    with database.session(read_only=True) as session:
        assert sums_kept(session) == sums_anew(session)
