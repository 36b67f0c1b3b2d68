"""A clock that was away: that is an outage, noted once; a clock that was only put ahead is none."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from gateway.calendar import Outage
from gateway.errors import Raced, Unavailable
from gateway.store import audit, channels, outages, totals
from gateway.store.outages import NotedOutage
from gateway.values import Scope
from tests.district import District
from workers import totals as summing
from workers.silence import Watch
from workers.sweep import sweep

DUE_DAY = datetime(2025, 10, 5, 3, 0, tzinfo=UTC)  # 10:00 in Bengkalis, where reports are due until midnight
REPORT = "KB 0925 BARU 12 AKTIF 40"


class Steady:
    """A clock that only goes on when the test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        """Return its seconds."""
        return self.seconds


def noted(district: District) -> list[NotedOutage]:
    """Return what is noted, for everywhere and any area, the latest first."""
    since = datetime(2025, 1, 1, tzinfo=UTC)
    with district.database.session(read_only=True) as session:
        return list(outages.outages_around(session, "", since, scope=Scope("")))


def deeds(district: District) -> list[str]:
    """Return what the audit tells."""
    with district.database.session(read_only=True) as session:
        return [f"{row.action} {row.noun}" for row in session.execute(select(audit.audit))]


def test_what_lies_between_the_last_tick_and_a_new_start_is_an_outage_noted_once(district: District) -> None:
    district.set_clock(DUE_DAY)
    sweep(district.runtime, Watch(Steady()))
    district.pass_time(hours=3)
    after = Watch(Steady())
    for _ in range(3):
        sweep(district.runtime, after)
    sweep(district.runtime, Watch(Steady()))
    [found] = noted(district)
    assert found.span == Outage("", DUE_DAY, DUE_DAY + timedelta(hours=3))
    assert (found.noted_by, found.reason) == (None, outages.NOT_RUNNING)
    assert deeds(district) == ["note outage"]


def test_of_several_clocks_that_start_at_once_one_notes_it(district: District) -> None:
    district.set_clock(DUE_DAY)
    sweep(district.runtime)
    district.pass_time(hours=3)
    start = threading.Barrier(4)

    def begin() -> None:
        start.wait()
        with suppress(Raced):  # another was first; the clock goes on
            sweep(district.runtime, Watch(Steady()))

    clocks = [threading.Thread(target=begin) for _ in range(4)]
    for one in clocks:
        one.start()
    for one in clocks:
        one.join()
    assert len(noted(district)) == 1


def test_a_restart_is_no_outage_and_nor_is_the_first_start_of_all(district: District) -> None:
    sweep(district.runtime, Watch(Steady()))
    district.pass_time(minutes=15)
    sweep(district.runtime, Watch(Steady()))
    assert noted(district) == []


def test_a_machines_clock_that_is_put_ahead_is_no_outage_but_is_written_down_as_what_it_is(district: District) -> None:
    steady = Steady()
    watch = Watch(steady)
    sweep(district.runtime, watch)
    district.pass_time(hours=30)
    steady.seconds += 1
    sweep(district.runtime, watch)
    sweep(district.runtime, watch)
    assert noted(district) == []
    assert deeds(district) == ["jump clock"]


def test_a_machines_clock_that_is_put_back_is_neither(district: District) -> None:
    steady = Steady()
    watch = Watch(steady)
    sweep(district.runtime, watch)
    district.pass_time(hours=-30)
    steady.seconds += 1
    sweep(district.runtime, watch)
    assert (noted(district), deeds(district)) == ([], [])
    with district.database.session(read_only=True) as session:
        assert channels.last_tick(session, "clock") == district.runtime.now()


def test_another_machines_clock_that_is_behind_is_neither(district: District) -> None:
    steady = Steady()
    watch = Watch(steady)
    sweep(district.runtime, watch)
    for _ in range(3):
        behind = replace(district.runtime, clock=[district.runtime.now() - timedelta(hours=1)])
        sweep(behind, Watch(Steady()))
        district.pass_time(seconds=11)
        steady.seconds += 11
        sweep(district.runtime, watch)
    assert (noted(district), deeds(district)) == ([], [])


def test_a_database_that_was_away_for_long_is_an_outage_though_the_clock_never_stopped(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    steady = Steady()
    watch = Watch(steady)
    sweep(district.runtime, watch)
    began = district.runtime.now()
    district.pass_time(hours=1)
    steady.seconds += 3600
    with monkeypatch.context() as patch:  # it comes back, and goes away again before the first commit
        patch.setattr(channels, "tick_after", _lose_the_database)
        with pytest.raises(Unavailable):
            sweep(district.runtime, watch)
    sweep(district.runtime, watch)
    [found] = noted(district)
    assert found.span == Outage("", began, began + timedelta(hours=1))


def _lose_the_database(*_: object) -> bool:
    raise Unavailable("the database went away")


def test_a_clock_that_was_away_alone_is_no_outage_for_messages_came_in(district: District) -> None:
    sweep(district.runtime, Watch(Steady()))
    district.pass_time(hours=1)
    district.keep("ani", REPORT)
    district.pass_time(hours=1)
    sweep(district.runtime, Watch(Steady()))
    assert noted(district) == []


def test_the_first_messages_after_a_start_do_not_hide_the_outage(district: District) -> None:
    sweep(district.runtime, Watch(Steady()))
    district.pass_time(seconds=5)
    district.keep("budi", REPORT)
    district.pass_time(hours=2)
    district.keep("ani", REPORT)
    district.pass_time(seconds=20)
    sweep(district.runtime, Watch(Steady()))
    assert len(noted(district)) == 1


def test_who_could_not_be_heard_on_the_last_day_is_on_time_on_the_next(district: District) -> None:
    district.set_clock(DUE_DAY)
    sweep(district.runtime, Watch(Steady()))
    district.pass_time(hours=20)  # 06:00 on the 6th
    district.say("ani", REPORT)
    summing.drain(district.runtime)
    assert on_time(district) == [0]
    sweep(district.runtime, Watch(Steady()))  # this machine's web process was up a moment before its clock
    summing.drain(district.runtime)
    assert on_time(district) == [1]


def on_time(district: District) -> list[int]:
    """Return how many facilities of the regency reported September in time."""
    counts = totals.month_counts
    statement = select(counts.c.on_time).where(counts.c.area == "14.03", counts.c.period == "2025-09")
    with district.database.session(read_only=True) as session:
        return list(session.execute(statement).scalars())
