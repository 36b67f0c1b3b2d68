"""The quota of a SIM: no more than it allows leaves in 24 hours, answers before reminders, and all of it in the end."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from gateway.reply import send
from gateway.store import channels, outbox, quota
from gateway.store.base import Database, database_now
from gateway.store.outbox import Claim, NewOutboxMessage
from gateway.values import ChannelLimits, SentSms

TEN_A_DAY = ChannelLimits(per_second=1000, per_day=10)
MANY_AT_ONCE = ChannelLimits(per_second=1000, is_idempotent=True, per_day=10)


def queue(database: Database, *, count: int = 1, priority: int = 0, text: str = "x", channel: str = "modem") -> None:
    """Queue messages."""
    with database.session() as session:
        now = database_now(session)
        for _ in range(count):
            kind = "reminder" if priority else "answer"
            new = NewOutboxMessage(None, kind, channel, "+6281230000001", text, "t", now, priority=priority)
            outbox.add(session, new)
        session.commit()


def claim(database: Database, limits: ChannelLimits = TEN_A_DAY) -> Claim:
    """Claim what may go; the channel's pace is over."""
    with database.session() as session:
        channels.hold_channel(session, "modem")
        session.execute(update(channels.channels).values(next_send_at=None))
        found = outbox.claim(session, "modem", limits)
        session.commit()
    return found


def send_all(database: Database, limits: ChannelLimits = TEN_A_DAY) -> list[str]:
    """Send until nothing may go any more, and return the kinds of what went."""
    kinds = []
    while (found := claim(database, limits)).messages:
        with database.session() as session:
            for one in found.messages:
                delivery = send.Delivery(send.Result.SENT, SentSms("p"))
                assert send.record(session, one, found.token, delivery, database_now(session))
                kinds.append(one.kind)
            session.commit()
    return kinds


def let_pass(database: Database, span: timedelta) -> None:
    """Let time pass since everything was sent."""
    with database.session() as session:
        for row in session.execute(outbox.outbox.select()).mappings().all():
            if row["sent_at"]:
                values = {"sent_at": row["sent_at"] - span}
                session.execute(update(outbox.outbox).where(outbox.outbox.c.id == row["id"]).values(values))
        session.commit()


def next_send_at(database: Database) -> datetime | None:
    """Return until when the channel is left alone."""
    with database.session() as session:
        return channels.hold_channel(session, "modem")


@pytest.mark.parametrize("limits", [TEN_A_DAY, MANY_AT_ONCE])
def test_no_more_than_the_quota_goes_in_a_day_and_the_rest_when_the_window_has_moved(
    database: Database, limits: ChannelLimits
) -> None:
    queue(database, count=13)
    queue(database, count=9, channel="other")
    assert len(send_all(database, limits)) == 10
    let_pass(database, timedelta(hours=23, minutes=59))
    assert send_all(database, limits) == []
    let_pass(database, timedelta(minutes=2))
    assert len(send_all(database, limits)) == 3


@pytest.mark.parametrize("limits", [TEN_A_DAY, MANY_AT_ONCE])
def test_reminders_stop_at_four_fifths_and_answers_have_the_rest(database: Database, limits: ChannelLimits) -> None:
    queue(database, count=12, priority=1)
    queue(database, count=1)
    assert send_all(database, limits) == ["answer", *["reminder"] * 7]
    queue(database, count=3)
    assert send_all(database, limits) == ["answer"] * 2
    let_pass(database, quota.WINDOW)
    assert send_all(database, limits) == ["answer", *["reminder"] * 5]


def test_what_counts_are_segments(database: Database) -> None:
    queue(database, count=4, text="a" * 400)
    assert len(send_all(database)) == 3
    with database.session(read_only=True) as session:
        assert outbox.segments_gone(session, "modem", database_now(session) - quota.WINDOW) == 9


def test_a_message_longer_than_the_quota_goes_alone(database: Database) -> None:
    queue(database, text="a" * 400)
    assert len(send_all(database, ChannelLimits(per_second=1000, per_day=2))) == 1


def test_what_is_being_sent_or_may_have_gone_counts(database: Database) -> None:
    queue(database, count=5)
    first, second = claim(database), claim(database)
    with database.session() as session:
        assert outbox.record_unsure(session, second.messages[0].id, second.token, "silence")
        session.commit()
    assert first.messages
    assert len(send_all(database, ChannelLimits(per_second=1000, per_day=3))) == 1


def test_a_used_up_quota_is_not_counted_again_for_a_minute_but_reminders_hold_up_no_answer(database: Database) -> None:
    queue(database, count=10, priority=1)
    send_all(database)
    assert claim(database).messages == ()
    assert next_send_at(database) is None, "an answer may come and go"
    queue(database, count=3)
    send_all(database)
    assert claim(database).messages == ()
    with database.session() as session:
        found = outbox.claim(session, "modem", TEN_A_DAY)
        assert 0 < found.wait_seconds <= quota.LOOK_AGAIN.total_seconds()


def test_without_a_quota_everything_goes(database: Database) -> None:
    queue(database, count=30)
    assert len(send_all(database, ChannelLimits(per_second=1000))) == 30
