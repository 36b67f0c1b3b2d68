"""The sweep and the clock: what nobody rang for is found, and sweeping twice does nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text, update

from gateway import jobs
from gateway.errors import Raced, Unavailable
from gateway.store import channels, hooks, inbox, reports
from gateway.store.base import Database
from gateway.store.events import KINDS
from gateway.store.hooks import WantedHook
from gateway.store.outbox import outbox
from gateway.store.reports import ReportKey
from gateway.values import Scope
from tests.chaos.harness import ROOT, wait_until
from tests.district import District, make_runtime
from tests.gateway.channels.provider import Provider
from workers import clock
from workers.hooks import drain as run_hooks
from workers.sweep import sweep

FOUNDING = "KB 0925 BARU 12 AKTIF 40 PIL 30"
IMPLAUSIBLE = "KB 0925 BARU 500 AKTIF 2000"


@pytest.fixture
def ringing(database: Database, tmp_path: Path, redis_url: str) -> District:
    """A district with a real queue server."""
    return District(make_runtime(database, tmp_path, redis_url))


def count_jobs(district: District, queue: str) -> int:
    """Return how many jobs wait in a queue."""
    return jobs.rq_queue(district.runtime.bells.redis, queue).count


def test_a_message_that_nobody_rang_for_is_rung_for_once(ringing: District) -> None:
    ringing.keep("ani", FOUNDING)
    assert count_jobs(ringing, jobs.INBOUND) == 0
    assert sweep(ringing.runtime) == (1, 0)
    sweep(ringing.runtime)
    assert count_jobs(ringing, jobs.INBOUND) == 1


def test_an_answer_that_nobody_rang_for_is_rung_for(ringing: District) -> None:
    ringing.keep("ani", FOUNDING)
    ringing.handle()
    ringing.runtime.bells.redis.flushall()
    assert sweep(ringing.runtime) == (0, 1)
    assert count_jobs(ringing, jobs.OUTBOUND) == 1


def test_nothing_to_do_rings_for_nothing(ringing: District) -> None:
    ringing.say("ani", FOUNDING)
    ringing.send()
    assert sweep(ringing.runtime) == (0, 0)


def test_a_message_that_waits_for_another_try_is_rung_for_when_its_time_has_come(ringing: District) -> None:
    kept = ringing.keep("ani", FOUNDING)
    with ringing.database.session() as session:
        inbox.postpone(session, ringing.message(kept).id, ringing.runtime.now() + timedelta(seconds=30))
        session.commit()
    assert sweep(ringing.runtime) == (0, 0)
    ringing.pass_time(seconds=31)
    assert sweep(ringing.runtime) == (1, 0)


def state_of_report(district: District) -> list[str]:
    """Return where the revisions of the one report stand."""
    with district.database.session(read_only=True) as session:
        found = reports.revisions(session, ReportKey("kb", district.ids["PMB01"], "2025-09"))
    return [one.state for one in found]


def test_a_question_that_nobody_answered_in_time_gives_the_report_to_staff(district: District) -> None:
    assert "YA" in district.say("ani", IMPLAUSIBLE)
    district.pass_time(hours=47)
    sweep(district.runtime)
    assert state_of_report(district) == ["waiting"]
    district.pass_time(hours=2)
    sweep(district.runtime)
    assert state_of_report(district) == ["flagged"]
    answer = district.say("ani", "YA")
    assert state_of_report(district) == ["flagged"], "a YA that comes too late decides nothing"
    assert answer


def test_a_clock_that_looks_seldom_says_that_it_is_alive(district: District) -> None:
    sweep(district.runtime)
    first = district.runtime.now()
    district.pass_time(seconds=1)
    sweep(district.runtime)
    with district.database.session(read_only=True) as session:
        assert channels.last_tick(session, "clock") == first, "ten seconds are soon enough"
    district.pass_time(seconds=10)
    sweep(district.runtime)
    with district.database.session(read_only=True) as session:
        assert channels.last_tick(session, "clock") == district.runtime.now()


def test_sweeps_at_the_same_time_do_nothing_twice(database: Database, tmp_path: Path, redis_url: str) -> None:
    with Provider(is_idempotent=False) as provider:
        options = {"generic": {"secrets": "s" * 32, "send_url": provider.url, "per_second": "1000"}}
        runtime = make_runtime(database, tmp_path, redis_url, channels="generic", channel_options=options)
        district = District(runtime)
        district.keep("ani", IMPLAUSIBLE, channel="generic")
        district.keep("budi", FOUNDING, channel="generic")
        district.handle()
        with database.session() as session:  # a sender died with one of the two
            ids = session.execute(text("SELECT min(id) FROM outbox")).scalar_one()
            late = {"state": "sending", "lease_until": datetime(2020, 1, 1, tzinfo=UTC), "lease_token": "t"}
            session.execute(update(outbox).where(outbox.c.id == ids).values(late))
            session.commit()
        district.pass_time(hours=49)
        district.keep("eve", FOUNDING, channel="generic")
        runtime.bells.redis.flushall()
        start, faults = threading.Barrier(4), []

        def sweep_now() -> None:
            start.wait()
            try:
                sweep(runtime)
            except Raced:  # another was first; the clock goes on
                faults.append("raced")

        sweepers = [threading.Thread(target=sweep_now) for _ in range(4)]
        for sweeper in sweepers:
            sweeper.start()
        for sweeper in sweepers:
            sweeper.join()
        assert len(faults) < 4
        sweep(runtime)
        assert state_of_report(district) == ["flagged"]
        assert count_jobs(district, jobs.INBOUND) == 1
        assert count_jobs(district, jobs.OUTBOUND) == 1
        with database.session(read_only=True) as session:
            states = session.execute(text("SELECT state FROM outbox ORDER BY id")).scalars().all()
            assert session.execute(text("SELECT count(*) FROM ticks WHERE name = 'clock'")).scalar_one() == 1
        assert states == ["unsure", "queued"]


@pytest.fixture
def _signals() -> Iterator[None]:
    """Whoever listened for signals before the test listens again after it."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_signals")
def test_the_clock_goes_on_when_the_database_is_away_or_another_clock_is_first(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = iter([Unavailable("away"), Raced("another clock"), None])

    def sweep_with_faults(runtime: object, _watch: object) -> None:
        assert runtime is district.runtime
        fault = next(rounds)
        if fault:
            raise fault
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(clock, "sweep", sweep_with_faults)
    monkeypatch.setattr(clock, "SECONDS", 0.01)
    clock.run(district.runtime)
    assert next(rounds, "all rounds were made") == "all rounds were made"


def test_a_clock_process_ticks_and_stops_when_it_is_told(
    database_url: str, open_database: Callable[[str], Database], tmp_path: Path
) -> None:
    environ = {"PATH": os.environ["PATH"], "KABAR_VAR": str(tmp_path), "KABAR_DATABASE_URL": database_url}
    command = [sys.executable, "-m", "gateway.cli", "clock"]
    database = open_database(database_url)

    def has_ticked() -> bool:
        with database.session(read_only=True) as session:
            return channels.last_tick(session, "clock") is not None

    with subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(has_ticked, "the clock ticks")
        finally:
            process.terminate()
    assert process.returncode == 0


def test_an_event_is_rung_for_until_it_was_told(ringing: District) -> None:
    listening = WantedHook("Dinas", "https://dinas.example/kabar", "14.03", KINDS)
    with ringing.database.session() as session:
        hooks.add_hook(session, listening, "locked elsewhere", "Budi", ringing.runtime.now(), scope=Scope(""))
        session.commit()
    ringing.say("ani", FOUNDING)
    ringing.runtime.bells.redis.flushall()
    sweep(ringing.runtime)
    assert ringing.runtime.bells.redis.exists(f"kabar:bell:{jobs.ERRANDS}:hooks")
    assert run_hooks(ringing.runtime) == 1  # it cannot be signed: the hook is paused, and nothing is due
    ringing.runtime.bells.redis.flushall()
    sweep(ringing.runtime)
    assert not ringing.runtime.bells.redis.exists(f"kabar:bell:{jobs.ERRANDS}:hooks")
