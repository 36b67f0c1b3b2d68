"""Heartbeats: every channel's other side is asked how it does, and what it says is an alarm where it is not well."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway import jobs
from gateway.app import create_app
from gateway.lines import ChannelHealth
from gateway.store import channel_health, channels, outbox
from gateway.store.base import Database
from gateway.store.channel_health import Look
from gateway.store.outbox import NewOutboxMessage
from gateway.values import ChannelLimits
from tests.district import NOON, District, make_runtime
from tests.gateway.review.visits import sign_in
from workers import heartbeats
from workers.errands import ERRANDS
from workers.sweep import sweep

WELL = ChannelHealth(True, "modem hidup / the modem is alive", NOON, 60, 80, "Rp 12.500")
ILL = ChannelHealth(False, "modem mati; colokkan lagi / the modem is dead; plug it in again", NOON)
NAMES = ("modem1", "modem2", "modem3")


@pytest.fixture
def modems(database: Database, tmp_path: Path) -> District:
    """A district with three channels, whose other sides a test speaks for."""
    given = {name: {"secrets": "s" * 32, "send_url": "http://127.0.0.1:1/"} for name in NAMES}
    listed = ", ".join(f"{name}=generic" for name in NAMES)
    return District(make_runtime(database, tmp_path, channels=listed, channel_options=given))


@pytest.fixture
def for_ever() -> Iterator[threading.Event]:
    """What a look waits for that never ends; it ends with the test."""
    event = threading.Event()
    yield event
    event.set()


def let_say(district: District, name: str, look: Callable[[datetime], ChannelHealth | None]) -> None:
    """Let the other side of a channel say something."""
    district.runtime.channels[name].look = look  # type: ignore[method-assign,assignment]


def seen(district: District) -> dict[str, Look]:
    """Return what was written down."""
    with district.database.session(read_only=True) as session:
        return dict(channel_health.health_of(session, NAMES))


def month(district: District, area: str = "") -> str:
    """Return the page that shows alarms, to an administrator."""
    visitor = create_app(district.runtime).test_client()
    sign_in(visitor, district.runtime, "administrator", area)
    return visitor.get("/month?lang=en").text


def test_what_the_other_side_says_is_written_down_with_its_time(modems: District) -> None:
    let_say(modems, "modem1", lambda _now: WELL)
    let_say(modems, "modem2", lambda _now: ILL)
    assert heartbeats.drain(modems.runtime) == 3
    assert seen(modems) == {"modem1": Look(NOON, WELL), "modem2": Look(NOON, ILL)}
    let_say(modems, "modem2", lambda _now: None)
    heartbeats.drain(modems.runtime)
    assert set(seen(modems)) == {"modem1"}, "who can no longer be asked is not ill for ever"


def test_an_answer_longer_than_its_column_and_levels_that_are_none_stop_no_channel(modems: District) -> None:
    let_say(modems, "modem1", lambda _now: ChannelHealth(True, "ya / yes", NOON, 101, 40_000, "Pulsa Rp 4.500. " * 10))
    let_say(modems, "modem2", lambda _now: WELL)
    heartbeats.drain(modems.runtime)
    found = seen(modems)
    assert found["modem1"].health == ChannelHealth(True, "ya / yes", NOON, None, None, ("Pulsa Rp 4.500. " * 10)[:100])
    assert found["modem2"].health == WELL


def test_a_look_that_crashes_or_never_ends_stops_no_other(modems: District, for_ever: threading.Event) -> None:
    def hang(_now: datetime) -> None:
        for_ever.wait()

    let_say(modems, "modem1", lambda _now: 1 / 0)  # type: ignore[arg-type,return-value]
    let_say(modems, "modem2", hang)
    let_say(modems, "modem3", lambda _now: WELL)
    assert heartbeats.drain(modems.runtime, patience_seconds=0.2) == 3
    found = seen(modems)
    assert (found["modem1"].health, found["modem2"].health) == (heartbeats.CANNOT_ASK, heartbeats.CANNOT_ASK)
    assert found["modem3"].health == WELL
    assert heartbeats.drain(modems.runtime, patience_seconds=0.2) == 2, "no second look beside one that hangs"
    assert seen(modems)["modem2"].health == heartbeats.CANNOT_ASK


def test_a_channel_that_is_not_well_is_an_alarm_until_it_is(modems: District) -> None:
    let_say(modems, "modem1", lambda _now: ILL)
    let_say(modems, "modem2", lambda _now: WELL)
    heartbeats.drain(modems.runtime)
    page = month(modems)
    assert "modem1: modem mati; colokkan lagi / the modem is dead; plug it in again" in page
    assert "modem2" not in page
    let_say(modems, "modem1", lambda _now: WELL)
    heartbeats.drain(modems.runtime)
    assert "modem1" not in month(modems)


def test_a_device_that_was_not_heard_for_a_quarter_of_an_hour_is_an_alarm(modems: District) -> None:
    let_say(modems, "modem1", lambda _now: WELL)
    modems.pass_time(minutes=15)
    heartbeats.drain(modems.runtime)
    assert "no sign of life" not in month(modems)
    modems.pass_time(seconds=1)
    heartbeats.drain(modems.runtime)
    assert "The device of modem1 has given no sign of life since 12:00" in month(modems)


def test_a_quota_that_is_nearly_used_is_an_alarm(modems: District) -> None:
    modems.runtime.channels["modem1"].limits = ChannelLimits(per_day=10)

    def have_sent(count: int) -> None:
        with modems.database.session() as session:
            for _ in range(count):
                now = modems.runtime.now()
                ref = outbox.add(session, NewOutboxMessage(None, "a", "modem1", "+6281230000001", "x", "t", now))
                gone = outbox.outbox.update().where(outbox.outbox.c.ref == ref)
                session.execute(gone.values(state="sent", sent_at=now))
            session.commit()

    have_sent(7)
    assert "modem1" not in month(modems)
    have_sent(1)
    assert "modem1 has sent 80 percent of what it may in 24 hours: reminders wait" in month(modems)
    have_sent(2)
    assert "modem1 has sent all that it may in 24 hours" in month(modems)
    modems.set_clock(modems.runtime.now() + timedelta(hours=24, seconds=1))
    assert "modem1" not in month(modems)


def test_the_sweep_has_channels_looked_at_once_a_minute(database: Database, tmp_path: Path, redis_url: str) -> None:
    district = District(make_runtime(database, tmp_path, redis_url))
    for passed, wanted in ((0, 1), (50, 0), (10, 1)):
        district.pass_time(seconds=passed)
        district.runtime.bells.redis.flushall()
        sweep(district.runtime)
        queue = jobs.rq_queue(district.runtime.bells.redis, jobs.ERRANDS)
        assert [job.args for job in queue.jobs].count([heartbeats.NAME]) == wanted
    assert ERRANDS[heartbeats.NAME] is heartbeats.drain


@pytest.mark.parametrize(("minutes", "is_well"), [(None, False), (0, True), (30, False)])
def test_an_smpp_link_is_as_well_as_the_process_that_holds_it_has_proved(
    database: Database, tmp_path: Path, minutes: int | None, is_well: bool
) -> None:
    given = {
        "smpp": {
            "host": "127.0.0.1",
            "port": "1",
            "system_id": "kabar",
            "password": "rahasia",
            "source_address": "2345",
        }
    }
    district = District(make_runtime(database, tmp_path, channels="smpp", channel_options=given))
    if minutes is not None:
        with database.session() as session:
            channels.tick(session, "smpp:smpp", NOON - timedelta(minutes=minutes))
            session.commit()
    heartbeats.drain(district.runtime)
    with database.session(read_only=True) as session:
        look = channel_health.health_of(session, ["smpp"])["smpp"]
    assert look.health.is_well is is_well
    assert is_well or "./kabar smpp" in look.health.words
