"""Handling, lane by lane: order, exclusion, races, and messages that cannot be handled."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from gateway.errors import Raced, Unavailable
from gateway.handle import batch, facts
from gateway.handle import message as handling
from gateway.store import inbox
from gateway.store import outbox as outbox_store
from gateway.store.base import Database, savepoint
from gateway.store.outbox import outbox
from gateway.values import InboxState, lane_of
from parsers.read import read_message
from tests.district import PHONES, District, lane_of_phone, make_runtime
from workers import inbound

FOUNDING = "KB 0925 BARU 12 AKTIF 40 PIL 30"
POISON = "KB 0925 BARU 6 AKTIF 66"


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> None:
    """One text that our reader cannot bear."""
    read = read_message

    def break_at_poison(words: str, *others: Any) -> Any:
        if words == POISON:
            raise ZeroDivisionError("a fault of ours")
        return read(words, *others)

    monkeypatch.setattr(handling, "read_message", break_at_poison)


def waits_until(district: District, provider_id: str) -> datetime | None:
    """Return when a message is tried again."""
    with district.database.session(read_only=True) as session:
        found: datetime | None = session.execute(
            select(inbox.inbox.c.next_try_at).where(inbox.inbox.c.provider_id == provider_id)
        ).scalar_one()
    return found


def test_the_messages_of_each_sender_keep_their_order_whatever_the_number_of_workers(
    database: Database, tmp_path: Path
) -> None:
    district = District(make_runtime(database, tmp_path, batch_size=3, answers_per_hour=1000))
    for number in range(60):
        district.keep(("ani", "budi", "eve")[number % 3], f"KB 0925 BARU {number % 10} AKTIF {40 + number}")
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        for _ in range(8):
            district.handle()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    answered: dict[str, list[int]] = defaultdict(list)
    with database.session(read_only=True) as session:
        for row in session.execute(select(outbox.c.recipient, outbox.c.inbox_id).order_by(outbox.c.id)):
            answered[row.recipient].append(row.inbox_id)
        assert inbox.count_by_state(session) == {"done": 60}
    assert [len(ids) for ids in answered.values()] == [20, 20, 20]
    assert all(ids == sorted(ids) for ids in answered.values()), answered


def test_no_two_workers_hold_one_lane_and_a_dead_one_lets_go(
    postgresql_url: str, open_database: Callable[[str], Database]
) -> None:
    database = open_database(postgresql_url)
    with database.session() as second, suppress(Unavailable), database.session() as first:
        assert inbox.hold_lane(first, 5)
        assert not inbox.hold_lane(second, 5)
        assert inbox.hold_lane(second, 6)
        pid = first.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with database.session() as killer:
            killer.execute(text("SELECT pg_terminate_backend(:pid, 2000)"), {"pid": pid})
        assert inbox.hold_lane(second, 5)


def test_what_arrives_while_a_lane_is_held_is_handled_by_its_holder(
    postgresql_url: str, open_database: Callable[[str], Database], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    district = District(make_runtime(open_database(postgresql_url), tmp_path))
    first = district.keep("ani", FOUNDING)
    arrived: list[str] = []
    read = read_message

    def read_while_another_arrives(words: str, *others: Any) -> Any:
        if not arrived:
            arrived.append(district.keep("ani", "KB 0925 BARU 13 AKTIF 41"))
            assert inbound.drain(district.runtime, lane_of_phone("ani")) == 0  # rung for it, and the lane is held
        return read(words, *others)

    monkeypatch.setattr(handling, "read_message", read_while_another_arrives)
    assert inbound.drain(district.runtime, lane_of_phone("ani")) == 2
    assert [district.message(one).state for one in (first, *arrived)] == ["done", "done"]


@pytest.mark.usefixtures("poison")
def test_a_message_that_cannot_be_handled_is_tried_five_times_and_then_shown_as_dead(district: District) -> None:
    poisoned = district.keep("ani", POISON)
    waits = []
    for tried in range(1, 5):
        district.handle()
        found = district.message(poisoned)
        assert (found.state, found.attempts) == ("received", tried)
        again_at = waits_until(district, poisoned)
        assert again_at is not None
        waits.append(again_at - district.runtime.now())
        district.set_clock(again_at - timedelta(milliseconds=1))
        assert district.handle() == 0, "it was tried before its time"
        district.set_clock(again_at)
    assert waits == sorted(set(waits)), "each wait is longer than the one before"
    district.handle()
    found = district.message(poisoned)
    assert (found.state, found.attempts) == ("dead", 5)
    assert found.fault == "ZeroDivisionError: a fault of ours"
    with district.database.session(read_only=True) as session:
        assert [one.provider_id for one in inbox.latest_messages(session, states=["dead"])] == [poisoned]
    assert district.answer(poisoned) is None


@pytest.mark.usefixtures("poison")
def test_the_others_of_a_batch_go_on_beside_a_poisoned_message(district: District) -> None:
    lane = lane_of_phone("ani")
    other = next(n for n in range(10**6) if lane_of(f"+62812990{n:05d}") == lane)
    poisoned = district.keep("ani", POISON)
    innocent = district.keep(f"+62812990{other:05d}", "DAFTAR Rina")
    assert inbound.drain(district.runtime, lane) == 2
    assert district.message(poisoned).state == "received"
    assert district.message(innocent).state == "done"


@pytest.mark.usefixtures("poison")
def test_a_poisoned_message_holds_up_only_its_own_sender_and_only_until_it_is_dead(district: District) -> None:
    poisoned, later = district.keep("ani", POISON), district.keep("ani", FOUNDING)
    while district.message(poisoned).state != "dead":
        district.handle()
        assert district.message(poisoned).state == "dead" or district.answer(later) is None
        district.pass_time(seconds=121)
    assert district.message(later).state == "done"


@pytest.mark.usefixtures("poison")
def test_a_poisoned_message_that_staff_put_back_is_handled_once_it_can_be(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    poisoned = district.keep("ani", POISON)
    while district.message(poisoned).state != "dead":
        district.handle()
        district.pass_time(seconds=121)
    monkeypatch.undo()  # the fault is mended
    with district.database.session() as session:
        assert inbox.put_back(session, PHONES["ani"], InboxState.DEAD) == 1
        session.commit()
    district.handle()
    found, answer = district.message(poisoned), district.answer(poisoned)
    assert (found.state, found.attempts, found.fault) == ("done", 0, None)
    assert answer is not None


def test_a_wait_written_by_a_clock_that_was_wrong_is_over(district: District) -> None:
    kept = district.keep("ani", FOUNDING)
    with district.database.session() as session:
        inbox.postpone(session, district.message(kept).id, district.runtime.now() + timedelta(days=40))
        session.commit()
    assert district.handle() == 1
    assert district.message(kept).state == "done"


def lose_races(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Let the next handlings find, when all is done, that somebody else was first."""
    finish, left = inbox.finish, [times]

    def finish_late(*arguments: Any) -> bool:
        left[0] -= 1
        return finish(*arguments) if left[0] < 0 else False

    monkeypatch.setattr(inbox, "finish", finish_late)


def test_who_loses_a_race_is_handled_again_at_once_and_it_is_no_failed_try(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = district.keep("ani", FOUNDING)
    lose_races(monkeypatch, 2)
    district.handle()
    answer = district.answer(kept)
    assert (district.message(kept).state, district.message(kept).attempts) == ("done", 0)
    assert answer is not None
    assert "PMB Ani: BARU 12 AKTIF 40" in answer.text


def test_who_loses_every_race_waits_a_little_and_keeps_her_place(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = district.keep("ani", FOUNDING), district.keep("ani", "KB 0925 BARU 13 AKTIF 41")
    lose_races(monkeypatch, batch.RACES)
    district.handle()
    assert district.answer(first) is None
    assert district.answer(second) is None, "a later message overtook an earlier one"
    district.pass_time(seconds=1)
    district.handle()
    assert [district.message(one).attempts for one in (first, second)] == [0, 0]
    assert [district.message(one).state for one in (first, second)] == ["done", "done"]


def test_the_answer_to_a_question_is_understood_after_a_lost_race_too(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "AKTIF belum ada" in district.say("ani", "KB 0925 BARU 12")
    lose_races(monkeypatch, 1)
    assert "PMB Ani: BARU 12 AKTIF 41" in district.say("ani", "AKTIF 41")


def test_a_message_handled_twice_at_once_leaves_one_report_and_one_answer(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = district.keep("ani", FOUNDING)
    monkeypatch.setattr(inbox, "hold_lane", lambda _session, _lane: True)  # as if two held the lane
    handle, both = handling.handle, threading.Barrier(2)

    def handle_together(*arguments: Any, **how: Any) -> Any:
        if district.database.engine.dialect.name == "postgresql":  # SQLite lets only one of them begin
            with suppress(threading.BrokenBarrierError):
                both.wait(timeout=1)  # once both have it in hand; a retry is alone, and goes on
        return handle(*arguments, **how)

    monkeypatch.setattr(handling, "handle", handle_together)
    handlers = [threading.Thread(target=inbound.drain, args=(district.runtime, lane_of_phone("ani"))) for _ in range(2)]
    for handler in handlers:
        handler.start()
    for handler in handlers:
        handler.join()
    with district.database.session(read_only=True) as session:
        assert outbox_store.count_by_state(session) == {"queued": 1}
        assert session.execute(text("SELECT count(*) FROM reports")).scalar_one() == 1
    assert (district.message(kept).state, district.message(kept).attempts) == ("done", 0)


def test_a_database_that_goes_away_in_the_middle_is_no_fault_of_the_message(
    postgresql_url: str, open_database: Callable[[str], Database], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    district = District(make_runtime(open_database(postgresql_url), tmp_path))
    first, second = district.keep("ani", FOUNDING), district.keep("ani", "KB 0925 BARU 13 AKTIF 41")
    add = outbox_store.add

    def lose_connection(session: Any, answer: Any) -> str:
        pid = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with district.database.session() as killer:
            killer.execute(text("SELECT pg_terminate_backend(:pid, 2000)"), {"pid": pid})
        return add(session, answer)

    with monkeypatch.context() as broken:
        broken.setattr(outbox_store, "add", lose_connection)
        with pytest.raises(Unavailable):
            inbound.drain(district.runtime, lane_of_phone("ani"))
    assert [district.message(one).attempts for one in (first, second)] == [0, 0]
    assert district.handle() == 2
    assert [district.message(one).state for one in (first, second)] == ["done", "done"]


def test_an_error_tells_nothing_of_what_a_person_wrote(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = district.keep("ani", FOUNDING)

    def ask_nonsense(session: Any, *_others: Any, **_how: Any) -> Any:
        session.execute(text("SELECT :words nowhere nowhere"), {"words": FOUNDING})

    monkeypatch.setattr(handling, "handle", ask_nonsense)
    district.handle()
    fault = district.message(kept).fault
    assert fault
    assert "nowhere" in fault
    assert "BARU" not in fault


@pytest.mark.parametrize("lane", [-1, 64, None, 1.5, [1], {"lane": 1}])
def test_a_job_that_names_no_lane_does_nothing(lane: object) -> None:
    with pytest.raises(ValueError, match="no lane"):
        inbound.handle_lane(lane)


def test_who_handles_what_is_handled_already_loses_the_race(district: District) -> None:
    kept = district.keep("ani", FOUNDING)
    district.handle()
    one = district.message(kept)
    with district.database.session() as session:
        desk = facts.gather(session, [one], district.runtime.rules, district.runtime.now())
        with pytest.raises(Raced), savepoint(session):
            handling.handle(session, one, desk)
