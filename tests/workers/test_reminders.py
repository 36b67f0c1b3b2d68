"""Reminders at work: several machines, a Redis that forgets, a clock that jumps; each goes once, and in time."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event

from gateway import jobs
from gateway.calendar import clock, waking_hours
from gateway.errors import Unavailable
from gateway.remind import run
from gateway.remind.by_hand import Outcome, remind
from gateway.store import facilities, reporters, reports
from gateway.store.base import Database
from gateway.store.facilities import NewFacility
from gateway.store.reminders import reminder_rounds
from gateway.values import COUNTING, Scope
from tests.district import District, make_runtime
from tests.reminding import (
    add_staff,
    at,
    by_the_hand_of_staff,
    days_through,
    keys,
    letters,
    look,
    rungs,
    share_clock,
    told,
    verdicts,
)
from workers import errands, reminders
from workers.sweep import sweep

FOUNDING = "KB 0925 BARU 12 AKTIF 40 PIL 30"
ZONE = "Asia/Jakarta"
KB_MAKERS = {"ani": "PMB01", "budi": "DAMON", "eve": "PMB06"}


@pytest.fixture
def district(district: District, monkeypatch: pytest.MonkeyPatch) -> District:
    """The district, with the database's clock the test's own."""
    share_clock(district, monkeypatch)
    return district


def test_machines_that_look_at_once_queue_each_letter_once(district: District) -> None:
    district.set_clock(at(3, 8))
    machines, start, faults = 4, threading.Barrier(4), []

    def work() -> None:
        start.wait()
        try:
            reminders.drain(district.runtime)
        except Unavailable as error:  # a lock was held for too long: the sweep would ring again
            faults.append(error)

    threads = [threading.Thread(target=work) for _ in range(machines)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reminders.drain(district.runtime)
    assert not faults
    assert told(district) == ["ani", "budi", "clinic", "eve", "wati"]
    assert len(keys(district)) == 7


def test_staff_and_the_ladder_at_once_remind_a_number_once(district: District) -> None:
    district.set_clock(at(3, 8))
    start, runtime = threading.Barrier(2), district.runtime

    def by_hand() -> None:
        start.wait()
        with runtime.database.session() as session:
            about = runtime.rules.form("kb"), "2025-09", district.ids["PMB01"]
            remind(session, *about, runtime.ways, runtime.now(), scope=Scope(""))
            session.commit()

    def by_ladder() -> None:
        start.wait()
        look(district)

    threads = [threading.Thread(target=one) for one in (by_hand, by_ladder)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(told(district))["ani"] == 1


def test_a_round_that_dies_before_its_commit_has_done_nothing(district: District) -> None:
    district.set_clock(at(3, 8))
    with district.database.session() as session:
        assert run.run_round(session, "14.03", district.runtime.ways, district.runtime.now()).letters == 5
    assert keys(district) == []
    assert letters(district) == []
    assert reminders.drain(district.runtime) == 5


def test_the_errand_is_known_by_its_name(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errands, "get_runtime", lambda: district.runtime)
    district.set_clock(at(3, 8))
    assert errands.run_errand(reminders.NAME) == 5


def test_the_clock_rings_once_a_minute_and_finds_again_what_redis_lost(
    database: Database, tmp_path: Path, redis_url: str
) -> None:
    ringing = District.__new__(District)  # the same database, with a queue server that hears
    ringing.runtime = make_runtime(database, tmp_path, redis_url)
    ringing.database = database
    redis = ringing.runtime.bells.redis

    def waiting() -> int:
        return [job.args for job in jobs.rq_queue(redis, jobs.ERRANDS).jobs].count([reminders.NAME])

    sweep(ringing.runtime)
    assert waiting() == 1
    redis.flushall()
    ringing.pass_time(seconds=30)
    sweep(ringing.runtime)
    assert waiting() == 0
    ringing.pass_time(seconds=31)
    sweep(ringing.runtime)
    assert waiting() == 1


def test_a_month_of_the_clock_sends_each_rung_once_to_who_owes_something(district: District) -> None:
    for now in days_through(district, at(1, 6), at(10, 6), timedelta(hours=1)):
        if now == at(4, 12):
            district.say("budi", "KB 0925 BARU 30 AKTIF 400 PIL 100")
    assert rungs(district) == ["before", "due", "late"]
    assert Counter(told(district, "delivered")) == {"ani": 3, "wati": 3, "clinic": 3, "eve": 3, "budi": 1}
    for one in letters(district):
        assert one.sent_at is not None
        assert is_awake(one.sent_at)


def test_a_clock_that_was_down_for_days_sends_no_rung_that_is_over(district: District) -> None:
    district.set_clock(at(1, 9))
    sweep(district.runtime)
    for _ in days_through(district, at(4, 9), at(4, 20), timedelta(hours=3)):
        pass
    assert rungs(district) == ["before"]
    for _ in days_through(district, at(7, 9), at(7, 20), timedelta(hours=3)):
        pass
    assert rungs(district) == ["before", "late"]


def test_what_was_forgotten_of_rounds_repeats_nothing(district: District) -> None:
    look(district, 3, 8)
    with district.database.session() as session:
        session.execute(delete(reminder_rounds))
        session.commit()
    assert reminders.drain(district.runtime) == 0


def test_a_regency_asks_no_more_questions_for_more_facilities(district: District) -> None:
    statements: list[str] = []
    event.listen(district.database.engine, "before_cursor_execute", lambda *told: statements.append(str(told[2])))

    def count() -> int:
        statements.clear()
        verdicts(district, 8, 9)
        return len(statements)

    add_staff(district)
    few = count()
    with district.database.session() as session:
        more = [NewFacility(f"1403020{n:02}", f"Pustu {n}", f"T{n}", "PUSTU", "14.03.01") for n in range(60)]
        for number, place in enumerate(facilities.add_facilities(session, more)):
            reporters.add_reporter(session, f"Bidan {number}", [f"+62812400000{number:02}"], [place])
        session.commit()
    assert count() == few


@pytest.mark.parametrize("is_urgent", [False, True])
def test_a_reminder_by_hand_that_did_not_go_by_day_goes_at_night_only_if_staff_said_so(
    district: District, monkeypatch: pytest.MonkeyPatch, is_urgent: bool
) -> None:
    share_clock(district, monkeypatch)
    assert by_the_hand_of_staff(district, is_urgent=is_urgent) is Outcome.QUEUED
    district.pass_time(hours=11)  # it is eleven at night; nobody sent meanwhile
    sweep(district.runtime)
    district.send()
    assert told(district, "delivered") == (["ani"] if is_urgent else [])
    district.pass_time(hours=10)
    sweep(district.runtime)
    district.pass_time(hours=1)
    district.send()
    assert told(district, "delivered") == ["ani"]


def is_awake(instant: datetime) -> bool:
    """Tell whether people of Bengkalis may be written to at an instant."""
    opening, closing = waking_hours(instant, ZONE)
    return opening <= instant < closing


def day_of(instant: datetime) -> date:
    """Return the day of an instant in Bengkalis."""
    return next(day for day in (instant.date(), instant.date() + timedelta(days=1)) if clock(day, 24, ZONE) > instant)


class Fortunes:
    """A district to which anything may happen; after each of it what must hold is looked for."""

    def __init__(self, district: District) -> None:
        self.district = district
        self.was_in: dict[str, bool] = {}
        self.seen = 0

    def is_in(self, name: str) -> bool:
        """Tell whether the September of somebody's practice has come."""
        key = reports.ReportKey("kb", self.district.ids[KB_MAKERS[name]], "2025-09")
        with self.district.database.session(read_only=True) as session:
            return any(one.state in COUNTING for one in reports.revisions(session, key))

    def send(self) -> None:
        """Send what waits, and see that nobody is reminded of what was in before."""
        before = {one for one in KB_MAKERS if self.is_in(one)}
        known = {(one.to, one.created_at) for one in letters(self.district) if one.sent_at}
        self.district.send()
        for one in letters(self.district):
            if one.sent_at and (one.to, one.created_at) not in known:
                assert one.to not in before, f"{one.to} was reminded of what had come"
                assert is_awake(self.district.runtime.now()), "somebody was woken up"

    def check(self) -> None:
        """See that no key went twice, and no number was written to twice on a day."""
        claimed = keys(self.district)
        assert len(claimed) == len(set(claimed))
        sent = [one for one in letters(self.district) if one.sent_at]
        days = Counter((one.to, day_of(one.sent_at)) for one in sent if one.sent_at)
        assert all(count == 1 for count in days.values()), days


deeds = st.one_of(
    st.just(("look",)),
    st.just(("send",)),
    st.tuples(st.just("report"), st.sampled_from(sorted(KB_MAKERS))),
    st.tuples(st.just("withdraw"), st.sampled_from(sorted(KB_MAKERS))),
    st.tuples(st.just("hand"), st.sampled_from(sorted(KB_MAKERS.values()))),
    st.tuples(st.just("jump"), st.sampled_from([-60, 7, 25, 120, 11 * 60, 24 * 60, 40 * 24 * 60])),
)


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(st.lists(deeds, min_size=8, max_size=30))
def test_whatever_happens_in_whatever_order_nobody_is_reminded_twice_or_in_vain(
    migrated_sqlite: Path, wanted: list[tuple[object, ...]]
) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = Path(folder) / "kabar.db"
        path.write_bytes(migrated_sqlite.read_bytes())
        database = Database(f"sqlite:///{path}")
        district = District(make_runtime(database, Path(folder), answers_per_hour=1000))
        share_clock(district, patch)
        fortunes = Fortunes(district)
        for deed in (("look",), *wanted):
            act(fortunes, *deed)
            fortunes.check()
        database.dispose()


def act(fortunes: Fortunes, name: object, about: object = None) -> None:
    """Let one thing happen."""
    district, runtime = fortunes.district, fortunes.district.runtime
    if name == "look":
        look(district)
    elif name == "send":
        sweep(runtime)
        fortunes.send()
    elif name == "report":
        fortunes.send()
        district.say(str(about), FOUNDING)
    elif name == "withdraw":
        fortunes.send()
        district.say(str(about), "BATAL")
    elif name == "hand":
        with district.database.session() as session:
            facility = district.ids[str(about)]
            remind(session, runtime.rules.form("kb"), "2025-09", facility, runtime.ways, runtime.now(), scope=Scope(""))
            session.commit()
    elif name == "jump":
        district.pass_time(minutes=int(str(about)))
