"""A database that is away or full pauses every kind of work, which goes on by itself and has lost nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway import jobs, runtime
from gateway.errors import Unavailable
from gateway.store.base import Database
from tests.district import District, make_runtime
from workers import clock, errands, inbound, outbound
from workers.sweep import sweep

CLOSED = "postgresql://nobody@127.0.0.1:1/kabar"


@pytest.fixture
def district(database: Database, tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[District]:
    """A district whose jobs are run as a worker runs them."""
    made = District(make_runtime(database, tmp_path, redis_url))
    for module in (inbound, outbound, errands):
        monkeypatch.setattr(module, "get_runtime", lambda: made.runtime)
    yield made
    runtime.get_runtime.cache_clear()


JOBS: dict[str, tuple[Callable[..., int], str | int]] = {
    jobs.INBOUND: (inbound.handle_lane, 15),
    jobs.OUTBOUND: (outbound.send_lane, "simulator"),
    jobs.ERRANDS: (errands.run_errand, "reminders"),
}


@pytest.mark.parametrize("queue", JOBS)
def test_a_job_leaves_off_while_the_database_is_away_and_nobody_rings_for_it_for_a_while(
    district: District, open_database: Callable[[str], Database], queue: str
) -> None:
    work, lane = JOBS[queue]
    there = district.runtime.database
    object.__setattr__(district.runtime, "database", open_database(CLOSED))
    assert work(lane) == 0
    district.runtime.bells.ring(queue, lane)
    assert jobs.rq_queue(district.runtime.bells.redis, queue).count == 0
    object.__setattr__(district.runtime, "database", there)


def test_what_waited_meanwhile_is_handled_and_answered_once_afterwards(
    district: District, open_database: Callable[[str], Database]
) -> None:
    district.keep("ani", "KB 0925 BARU 12 AKTIF 40")
    there = district.runtime.database
    with there.session(read_only=True) as session:
        lane = session.execute(text("SELECT lane FROM inbox")).scalar_one()
    object.__setattr__(district.runtime, "database", open_database(CLOSED))
    for _ in range(3):
        assert inbound.handle_lane(lane) == 0
        assert outbound.send_lane("simulator") == 0
        with pytest.raises(Unavailable):
            sweep(district.runtime)
    object.__setattr__(district.runtime, "database", there)
    assert inbound.handle_lane(lane) == 1
    assert outbound.send_lane("simulator") == 1
    assert inbound.handle_lane(lane) == outbound.send_lane("simulator") == 0


def test_the_clock_waits_for_a_database_that_is_away(
    district: District, open_database: Callable[[str], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = district.runtime.database
    looks: list[int] = []

    class Waiting:
        """Waits no second, and lets the database be back at the third look."""

        def is_set(self) -> bool:
            """Return whether the clock is to stop: it swept twice in vain and once not."""
            return len(looks) == 3

        def wait(self, _seconds: float) -> None:
            """Note a look."""
            looks.append(len(looks))
            if len(looks) == 2:
                object.__setattr__(district.runtime, "database", there)

    monkeypatch.setattr("workers.clock.threading.Event", Waiting)
    monkeypatch.setattr("workers.clock.signal.signal", lambda *_: None)
    object.__setattr__(district.runtime, "database", open_database(CLOSED))
    clock.run(district.runtime)
    with there.session(read_only=True) as session:
        assert session.execute(text("SELECT count(*) FROM ticks WHERE name = 'clock'")).scalar_one() == 1
