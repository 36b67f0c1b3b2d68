"""Claimed: what becomes of messages that a sender took and does not send: at its last look, or because it died."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, literal_column, or_, select, update

from gateway.store.base import Session, database_now
from gateway.store.outbox import outbox
from gateway.values import ChannelLimits, OutboxState, WithheldReason

_open = outbox.c.state.in_((literal_column("'queued'"), literal_column("'sending'")))  # as its partial index says


def keep_back(session: Session, message_ids: Collection[int], reason: WithheldReason) -> None:
    """Withhold messages that were claimed; nothing was tried."""
    values = {"state": OutboxState.WITHHELD, "reason": reason, "lease_token": None, "lease_until": None}
    mine = outbox.c.id.in_(message_ids), outbox.c.state == OutboxState.SENDING
    session.execute(update(outbox).where(*mine).values(values | {"attempts": outbox.c.attempts - 1}))


def put_off(session: Session, message_ids: Collection[int], from_at: datetime, until: datetime | None = None) -> None:
    """Let messages that were claimed wait until an instant, and go before another one if given; none was tried."""
    waits: dict[str, object] = {
        "state": OutboxState.QUEUED,
        "lease_token": None,
        "lease_until": None,
        "next_try_at": from_at,
    }
    if until is not None:
        waits["send_until"] = until
    mine = outbox.c.id.in_(message_ids), outbox.c.state == OutboxState.SENDING
    session.execute(update(outbox).where(*mine).values(waits | {"attempts": outbox.c.attempts - 1}))


def set_text(session: Session, message_id: int, text: str) -> None:
    """Put a message that was claimed in other words."""
    session.execute(update(outbox).where(outbox.c.id == message_id).values(text=text))


def end_leases(session: Session, channel: str, limits: ChannelLimits) -> int:
    """Settle what a dead sender left behind: unsure, or queued again where the provider takes one ref once."""
    state = OutboxState.QUEUED if limits.is_idempotent else OutboxState.UNSURE
    values: dict[str, object] = {
        "state": state,
        "lease_until": None,
        "fault": "the sender stopped before the provider's answer was kept",
    }
    if limits.is_idempotent:
        values["lease_token"] = None
    statement = update(outbox).where(_has_ended(session, channel, limits)).values(values)
    return int(session.execute(statement).rowcount)


def has_ended_leases(session: Session, channel: str, limits: ChannelLimits) -> bool:
    """Return whether a dead sender left something behind."""
    return session.execute(select(outbox.c.id).where(_has_ended(session, channel, limits)).limit(1)).first() is not None


def _has_ended(session: Session, channel: str, limits: ChannelLimits) -> ColumnElement[bool]:
    """Tell which leases are over; one that reaches two leases ahead was written by a wrong clock, and is too."""
    clock = database_now(session)
    far = clock + timedelta(seconds=2 * limits.lease_seconds)
    ended = or_(outbox.c.lease_until < clock, outbox.c.lease_until > far)
    return and_(outbox.c.channel == channel, _open, outbox.c.state == OutboxState.SENDING, ended)
