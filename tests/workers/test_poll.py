"""Looking at a store that calls nobody: kept before it is ticked off, rung for in time, in nobody's way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway import jobs
from gateway.errors import Unavailable
from gateway.receive import keep
from gateway.store.base import Database
from gateway.values import HttpRequest
from tests.district import NOON, PHONES, District, make_runtime
from tests.gateway.channels.smsd import PHONE, FakeSmsd
from workers import inbound, poll
from workers.sweep import sweep

REPORT = "KB 0925 BARU 12 AKTIF 40 PIL 30"
CHANNEL = "modem1"
LOCAL = datetime(2025, 10, 3, 12, 0)  # noqa: DTZ001 - SMSD writes no zone
NUDGE = HttpRequest("POST", f"/in/{CHANNEL}/sms", {"authorization": f"Bearer {'n' * 16}"})


@pytest.fixture
def smsd(tmp_path: Path) -> FakeSmsd:
    """The database of an SMSD."""
    (tmp_path / "smsd.db").touch()
    return FakeSmsd(f"sqlite:///{tmp_path / 'smsd.db'}")


@pytest.fixture
def office(database: Database, smsd: FakeSmsd, tmp_path: Path, redis_url: str) -> District:
    """A district that is reached by a modem, with a real queue server."""
    options = {"database_url": smsd.url, "phone_id": PHONE, "per_second": "10", "nudge_secrets": "n" * 16}
    runtime = make_runtime(
        database, tmp_path, redis_url, channels=f"{CHANNEL}=gammu", channel_options={CHANNEL: options}
    )
    return District(runtime)


def count_jobs(office: District) -> int:
    """Return how many jobs wait in the queue of what comes in."""
    return jobs.rq_queue(office.runtime.bells.redis, jobs.INBOUND).count


def count(office: District, table: str) -> int:
    """Return how many rows a table of ours has."""
    with office.database.session(read_only=True) as session:
        return int(session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def states(office: District) -> list[str]:
    """Return the states of the messages that go out."""
    with office.database.session(read_only=True) as session:
        return list(session.execute(text("SELECT state FROM outbox ORDER BY id")).scalars())


def test_a_report_is_kept_answered_and_its_receipt_taken(office: District, smsd: FakeSmsd) -> None:
    smsd.receive(PHONES["ani"], REPORT, LOCAL)
    assert poll.drain(office.runtime, CHANNEL) == 1
    office.handle()
    office.send()
    assert len(smsd.hand_over("DeliveryOK")) == 1
    poll.drain(office.runtime, CHANNEL)
    assert states(office) == ["delivered"]
    assert poll.drain(office.runtime, CHANNEL) == 0


def test_one_sms_that_was_inserted_again_and_again_is_answered_once(office: District, smsd: FakeSmsd) -> None:
    for _ in range(3):
        smsd.receive(PHONES["ani"], REPORT, LOCAL, times=3)
        poll.drain(office.runtime, CHANNEL)
        office.handle()
    assert (count(office, "inbox"), count(office, "outbox")) == (1, 1)


def test_two_pollers_at_once_keep_one_message(office: District, smsd: FakeSmsd) -> None:
    smsd.receive(PHONES["ani"], REPORT, LOCAL)
    runtime, channel = office.runtime, office.runtime.channels[CHANNEL]
    first, second = (channel.poll(NOON) for _ in range(2))  # type: ignore[attr-defined]
    for polled in (first, second):
        keep.receive_polled(runtime.database, runtime.bells, CHANNEL, polled, NOON)
    for polled in (second, first):
        channel.confirm(polled)  # type: ignore[attr-defined]
    assert (count(office, "inbox"), poll.drain(runtime, CHANNEL)) == (1, 0)


def test_what_our_own_database_did_not_take_is_not_ticked_off(
    office: District, smsd: FakeSmsd, open_database: Callable[[str], Database]
) -> None:
    smsd.receive(PHONES["ani"], REPORT, LOCAL)
    away = open_database("postgresql://nobody@127.0.0.1:1/nowhere")
    runtime, channel = office.runtime, office.runtime.channels[CHANNEL]
    polled = channel.poll(NOON)  # type: ignore[attr-defined]
    with pytest.raises(Unavailable):
        keep.receive_polled(away, runtime.bells, CHANNEL, polled, NOON)
    assert poll.drain(runtime, CHANNEL) == 1


def test_a_store_that_is_away_is_logged_and_left_alone_for_a_while(
    office: District, smsd: FakeSmsd, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    smsd.receive(PHONES["ani"], REPORT, LOCAL)
    (tmp_path / "smsd.db").rename(tmp_path / "elsewhere")
    assert poll.drain(office.runtime, CHANNEL) == 0
    assert "not_polled" in capsys.readouterr().out
    sweep(office.runtime)
    keep.receive_sms(office.database, office.runtime.bells, office.runtime.channels[CHANNEL], NUDGE, NOON)
    assert count_jobs(office) == 0, "its bell is muffled"
    office.keep("wati", REPORT)
    sweep(office.runtime)
    assert count_jobs(office) == 1, "a lane's is not"
    (tmp_path / "elsewhere").rename(tmp_path / "smsd.db")
    office.runtime.bells.redis.flushall()
    sweep(office.runtime)
    assert count_jobs(office) == 2
    assert poll.drain(office.runtime, CHANNEL) == 1


def test_the_clocks_ring_for_a_look_once_in_its_time(office: District) -> None:
    for _ in range(3):
        sweep(office.runtime)
    assert count_jobs(office) == 1
    office.runtime.bells.answer(jobs.INBOUND, CHANNEL)
    sweep(office.runtime)
    assert count_jobs(office) == 1, "its next time has not come"


def test_a_nudge_rings_at_once_and_keeps_nothing(office: District) -> None:
    sweep(office.runtime)
    office.runtime.bells.answer(jobs.INBOUND, CHANNEL)
    channel = office.runtime.channels[CHANNEL]
    answer = keep.receive_sms(office.database, office.runtime.bells, channel, NUDGE, NOON)
    assert (answer.status, count_jobs(office), count(office, "inbox")) == (200, 2, 0)
    forged = HttpRequest("POST", NUDGE.path, {"authorization": "Bearer x"})
    assert keep.receive_sms(office.database, office.runtime.bells, channel, forged, NOON).status == 403


def test_the_job_takes_the_name_of_a_channel_and_a_strange_one_does_nothing(
    office: District, smsd: FakeSmsd, monkeypatch: pytest.MonkeyPatch
) -> None:
    smsd.receive(PHONES["ani"], REPORT, LOCAL)
    monkeypatch.setattr(inbound, "get_runtime", lambda: office.runtime)
    assert inbound.handle_lane("nobody") == 0
    assert inbound.handle_lane(CHANNEL) == 1


def test_a_heap_is_kept_in_one_job(office: District, smsd: FakeSmsd) -> None:
    smsd.receive(PHONES["ani"], REPORT, LOCAL, times=250)
    assert poll.drain(office.runtime, CHANNEL) == 250
    assert (count(office, "inbox"), poll.drain(office.runtime, CHANNEL)) == (1, 0)
