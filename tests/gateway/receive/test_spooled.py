"""What comes in while the database can take nothing: kept in the spool, acknowledged, and there once it is back."""

from __future__ import annotations

import json
import os
import resource
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import Connection, event, select, text

from gateway.errors import Unavailable
from gateway.receive import keep
from gateway.receive.replay import begin, replay
from gateway.spool import Contents, Delivery, Spool
from gateway.store.base import Database
from gateway.store.outbox import outbox
from gateway.values import InboundSms, read_sender
from tests.district import NOON, SILENT_REDIS
from tests.gateway.receive.conftest import Doors
from workers.silence import Watch
from workers.sweep import sweep

CLOSED = "postgresql://nobody@127.0.0.1:1/kabar"  # nobody listens there


@pytest.fixture
def doors(database: Database, tmp_path: Path) -> Doors:
    """A gateway to knock at, without a queue server; the test runs once on each database."""
    return Doors(database, tmp_path, SILENT_REDIS)


@contextmanager
def away(doors: Doors, url: str = CLOSED) -> Iterator[None]:
    """Take the database away for a while."""
    there, gone = doors.runtime.database, Database(url)
    object.__setattr__(doors.runtime, "database", gone)
    try:
        yield
    finally:
        object.__setattr__(doors.runtime, "database", there)
        gone.dispose()


def answers(doors: Doors) -> list[Any]:
    """Return every message to be sent."""
    with doors.runtime.database.session(read_only=True) as session:
        return list(session.execute(select(outbox)).all())


def new_users(doors: Doors) -> list[int]:
    """Return the new users of every report that counts."""
    query = "SELECT quantity FROM report_values v JOIN reports r ON r.id = v.report_id WHERE measure = 'baru'"
    with doors.runtime.database.session(read_only=True) as session:
        return list(session.execute(text(f"{query} AND state = 'accepted'")).scalars())


def folder(doors: Doors) -> Path:
    """Return the spool's folder."""
    found = doors.runtime.settings.spool_folder
    assert found is not None
    return found


def test_a_message_is_acknowledged_from_the_spool_and_answered_once_when_the_database_is_back(doors: Doors) -> None:
    doors.post("m0")
    with away(doors):
        spooled = doors.post("m1", "KB 0925 BARU 13 AKTIF 41")
        again = doors.post("m1", "KB 0925 BARU 13 AKTIF 41")
        assert doors.runtime.spool.look() == Contents(waiting=2, oldest_at=NOON)
    assert (spooled.status_code, again.status_code) == (200, 200)
    doors.runtime.clock[0] += timedelta(hours=2)
    sweep(doors.runtime)
    assert doors.runtime.spool.look() == Contents()
    assert {one.provider_id: one.received_at for one in doors.kept()} == {"m0": NOON, "m1": NOON}
    later = doors.post("m1", "KB 0925 BARU 13 AKTIF 41")  # the provider comes once more
    assert spooled.data == again.data == later.data
    doors.district.handle()
    assert len(answers(doors)) == doors.count() == 2


def test_a_report_that_lay_in_the_spool_counts_by_when_it_came(doors: Doors) -> None:
    with away(doors):
        doors.post("m1", "KB 0925 BARU 1 AKTIF 40")
        doors.runtime.clock[0] += timedelta(minutes=5)
        doors.post("m2", "KB 0925 BARU 2 AKTIF 40")
    doors.runtime.clock[0] += timedelta(minutes=5)
    doors.post("m3", "KB 0925 BARU 3 AKTIF 40")
    doors.district.handle()
    sweep(doors.runtime)
    doors.district.handle()
    assert new_users(doors) == [3]


def test_what_cannot_be_read_and_news_of_ours_are_spooled_as_well(doors: Doors) -> None:
    doors.post("m1")
    doors.district.handle()
    [answer] = answers(doors)
    with doors.runtime.database.session() as session:
        session.execute(outbox.update().values(state="sent", provider_id="g1"))
        session.commit()
    plain = doors.knock(b"nonsense").status_code
    with away(doors):
        assert doors.knock(b"other nonsense").status_code == plain == 400
        told = json.dumps({"id": "g1", "ref": answer.ref, "status": "delivered"}).encode()
        assert doors.knock(told, "/in/generic/status").status_code == 200
    sweep(doors.runtime)
    assert answers(doors)[0].state == "delivered"
    raw = next(one for one in doors.kept() if one.text == "other nonsense")
    assert (raw.state, raw.fault) == ("for_staff", "the body is not JSON")


def test_when_the_spool_fails_too_the_answer_is_503(database: Database, tmp_path: Path) -> None:
    doors = Doors(database, tmp_path, SILENT_REDIS, spool="/proc/nowhere/spool")
    with away(doors):
        assert doors.post("m1").status_code == 503
        assert doors.knock(b"nonsense").status_code == 503
        assert doors.knock(b'{"id": "g1", "status": "sent"}', "/in/generic/status").status_code == 503
    assert sweep(doors.runtime) == (0, 0)


class Losing(Database):
    """A database to which the connection is lost while a commit is under way: it comes about, and nobody hears."""

    @contextmanager
    def session(self, **options: Any) -> Iterator[Connection]:
        """Open a session whose commit is not heard of."""
        with super().session(**options) as session:
            yield session
            raise Unavailable("the connection was lost")


def test_after_a_hang_the_spool_is_asked_first_and_the_database_again_where_that_fails(
    database: Database, tmp_path: Path
) -> None:
    doors = Doors(database, tmp_path, SILENT_REDIS)
    doors.runtime.spool.note_failure(5)
    assert doors.post("m1").status_code == 200
    assert (doors.count(), doors.runtime.spool.look().waiting) == (0, 1)
    sweep(doors.runtime)
    assert doors.count() == 1
    object.__setattr__(doors.runtime, "settings", doors.runtime.settings.model_copy(update={"spool": "/proc/no"}))
    doors.runtime.spool.note_failure(5)
    assert doors.post("m2").status_code == 200
    assert doors.count() == 2


def test_a_fault_of_ours_at_the_door_loses_no_message(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_arguments: Any, **_options: Any) -> Any:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(keep, "keep_delivery", crash)
        assert doors.post("m1").status_code == 200
        sweep(doors.runtime)
        assert doors.runtime.spool.look() == Contents(refused=1)
    begin(doors.runtime.spool, NOON)  # as the clock does that starts with mended code
    sweep(doors.runtime)
    assert [one.provider_id for one in doors.kept()] == ["m1"]


def test_a_commit_of_which_nobody_knows_is_spooled_and_stays_one_message(doors: Doors, database_url: str) -> None:
    there, losing = doors.runtime.database, Losing(database_url)
    object.__setattr__(doors.runtime, "database", losing)
    assert doors.post("m1").status_code == 200
    object.__setattr__(doors.runtime, "database", there)
    losing.dispose()
    assert (doors.count(), doors.runtime.spool.look().waiting) == (1, 1), "both hold it"
    sweep(doors.runtime)
    doors.district.handle()
    assert (doors.count(), len(answers(doors)), doors.runtime.spool.look().waiting) == (1, 1, 0)


def test_a_broken_file_and_one_that_the_database_refuses_hold_up_no_other(doors: Doors) -> None:
    with away(doors):
        doors.post("m1")
        doors.post("m3")
    first, _last = doors.runtime.spool.waiting()
    (folder(doors) / first).write_bytes(b"broken")
    sms = InboundSms("m2", read_sender("+6281230000001"), "KB", sent_at=datetime(2025, 10, 3))  # noqa: DTZ001
    doors.runtime.spool.put(Delivery("generic", NOON, (sms,)))  # an instant without a zone cannot be kept
    sweep(doors.runtime)
    assert len(doors.kept()) == 1
    assert doors.runtime.spool.look() == Contents(corrupt=1, refused=1)
    sweep(doors.runtime)
    assert doors.runtime.spool.look() == Contents(corrupt=1, refused=1), "neither is tried every second"
    begin(doors.runtime.spool, NOON)
    assert doors.runtime.spool.look() == Contents(waiting=1, oldest_at=NOON, corrupt=1)


def test_clocks_that_replay_one_spool_at_once_keep_each_message_once(doors: Doors) -> None:
    with away(doors):
        for number in range(30):
            doors.post(f"m{number}")
    start = threading.Barrier(3)
    faults: list[BaseException] = []

    def tick() -> None:
        start.wait()
        try:
            replay(doors.runtime.database, doors.runtime.bells, doors.runtime.spool)
        except BaseException as fault:  # noqa: BLE001  it is asserted below that there was none
            faults.append(fault)

    clocks = [threading.Thread(target=tick) for _ in range(3)]
    for clock in clocks:
        clock.start()
    for clock in clocks:
        clock.join()
    assert not faults
    assert doors.count() == 30
    assert doors.runtime.spool.look() == Contents()


def test_a_database_that_goes_away_while_the_spool_is_replayed_leaves_the_rest_there(doors: Doors) -> None:
    with away(doors):
        doors.post("m1")
        with suppress(Unavailable):
            sweep(doors.runtime)
        assert doors.runtime.spool.look().waiting == 1
    sweep(doors.runtime)
    assert doors.count() == 1


def test_messages_that_came_while_the_database_was_away_make_it_no_outage(doors: Doors) -> None:
    watch = Watch()
    sweep(doors.runtime, watch)
    with away(doors):
        doors.runtime.clock[0] += timedelta(hours=1)
        doors.post("m1")
        doors.runtime.clock[0] += timedelta(hours=1)
    sweep(doors.runtime, Watch())
    with doors.runtime.database.session(read_only=True) as session:
        assert session.execute(text("SELECT count(*) FROM outages")).scalar_one() == 0


def test_a_database_that_is_full_is_as_one_that_is_away(doors: Doors) -> None:
    with full(doors):
        keys = fill_up(doors)
        with pytest.raises(Unavailable):
            sweep(doors.runtime)
        assert (doors.count(), doors.runtime.spool.look().waiting) == (len(keys) - 1, 1)
    sweep(doors.runtime)
    assert sorted(one.provider_id for one in doors.kept()) == sorted(keys)
    assert doors.runtime.spool.look() == Contents()


def fill_up(doors: Doors) -> list[str]:
    """Hand in messages until one goes to the spool, and return the keys of all; each is acknowledged."""
    keys: list[str] = []
    while not doors.runtime.spool.look().waiting:
        keys.append(f"m{len(keys)}")
        assert doors.post(keys[-1], "KB " * 100).status_code == 200
    return keys


@contextmanager
def full(doors: Doors) -> Iterator[None]:
    """Let the database grow no more: SQLite by its own limit, PostgreSQL by the code that it says it with."""
    engine = doors.runtime.database.engine
    if engine.dialect.name == "postgresql":
        with doors.runtime.database.session() as session:
            body = "BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END"
            session.execute(text(f"CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $${body}$$"))
            session.execute(text("CREATE TRIGGER full_disk BEFORE INSERT ON inbox EXECUTE FUNCTION fill()"))
            session.commit()
        yield
        with doors.runtime.database.session() as session:
            session.execute(text("DROP TRIGGER full_disk ON inbox"))
            session.commit()
        return

    def limit(connection: Any, _record: Any = None) -> None:
        connection.execute("PRAGMA max_page_count = 1").close()  # SQLite makes of it as many as there are

    engine.dispose()
    event.listen(engine, "connect", limit)
    yield
    event.remove(engine, "connect", limit)
    engine.dispose()


def test_when_both_disks_are_full_nothing_is_acknowledged(sqlite_url: str, tmp_path: Path) -> None:
    database = Database(sqlite_url)
    doors = Doors(database, tmp_path, SILENT_REDIS)
    database.dispose()

    def knock() -> int:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        return doors.post("m1").status_code

    assert in_child(knock) == 503 % 256, "not acknowledged"
    assert doors.count() == 0
    database.dispose()


def in_child(work: Callable[[], int]) -> int:
    """Do something in a child process and return what it came to (its lowest byte), as its exit status."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 77
    try:
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(open(os.devnull, "w")))  # noqa: SIM115
        status = work() % 256
    finally:
        os._exit(status)


DIED = 99
STEPS: tuple[tuple[object, str], ...] = (
    *((os, name) for name in ("open", "write", "fsync", "rename", "unlink")),
    (keep, "keep_delivery"),
    (Spool, "read"),
    (Connection, "commit"),
)


def die_before(step: int) -> None:
    """Let this process die, as by a power cut, before the so-manieth thing that it does."""
    left = iter(range(step, -1, -1))

    def dying(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if next(left, -1) == 1:
                os._exit(DIED)
            return real(*arguments, **options)

        return call

    for owner, name in STEPS:
        setattr(owner, name, dying(getattr(owner, name)))


def test_killed_at_any_step_of_spooling_what_was_acknowledged_is_there_and_once(doors: Doors) -> None:
    doors.runtime.spool.put(Delivery("generic", NOON))  # the folder is there
    outcomes = []
    for step in range(1, 30):

        def knock(step: int = step) -> int:
            with away(doors):
                die_before(step)
                return doors.post(f"m{step}").status_code

        outcomes.append(in_child(knock))
        sweep(doors.runtime)
        found = [one.provider_id for one in doors.kept()].count(f"m{step}")
        assert found == 1 if outcomes[-1] == 200 else found in (0, 1), step
        doors.post(f"m{step}")  # the provider comes again
        assert [one.provider_id for one in doors.kept()].count(f"m{step}") == 1
        if outcomes[-1] == 200:
            break
    assert outcomes == [DIED] * 6 + [200], "open, write, fsync, rename, open folder, fsync folder"
    assert doors.runtime.spool.look() == Contents()


def test_killed_at_any_step_of_the_replay_each_message_is_there_once(doors: Doors, database_url: str) -> None:
    outcomes = []
    for step in range(1, 30):
        with away(doors):
            doors.post(f"m{step}")

        def tick(step: int = step) -> int:
            database = Database(database_url)
            die_before(step)
            return replay(database, doors.runtime.bells, doors.runtime.spool)

        doors.runtime.database.dispose()
        outcomes.append(in_child(tick))
        sweep(doors.runtime)
        assert [one.provider_id for one in doors.kept()].count(f"m{step}") == 1
        assert doors.runtime.spool.look() == Contents()
        if outcomes[-1] != DIED:
            break
    assert outcomes[-1] == 1
    assert len(outcomes) >= 6, "read, keep, commit, unlink, open folder, fsync folder"
    doors.district.handle()
    assert len(answers(doors)) == doors.count()
