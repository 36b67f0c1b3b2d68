"""Claimed: what becomes of messages that a sender took and does not send, at a last look in the same transaction."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import update

from gateway.store.base import Session
from gateway.store.outbox import outbox
from gateway.values import OutboxState, WithheldReason


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
