"""Strangers: how many answers went to numbers that nobody has registered, for a flood of them costs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from gateway.store.base import Session, written
from gateway.store.inbox import inbox
from gateway.store.outbox import ANSWER, outbox
from gateway.store.registrations import registrations
from gateway.values import InboxState, OutboxState


def count_answered(session: Session, since: datetime) -> int:
    """Return how many answers went or will go to unknown numbers since an instant: to what is held, and to requests."""
    answers = outbox.c.kind.startswith(ANSWER), outbox.c.state != OutboxState.WITHHELD
    held = (
        select(func.count())
        .select_from(inbox.join(outbox, outbox.c.inbox_id == inbox.c.id))
        .where(inbox.c.state == written(InboxState.HELD), inbox.c.received_at > since, *answers)
    )
    asked = select(func.count()).where(registrations.c.asked_at > since)
    return int(session.execute(held).scalar_one() + session.execute(asked).scalar_one())
