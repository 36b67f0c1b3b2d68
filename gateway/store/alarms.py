"""Alarms: how much of what went wrong waits for somebody, counted so far only as anybody wants to know."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, func, literal, select, union_all

from gateway.store.base import Session
from gateway.store.conversations import concerns
from gateway.store.inbox import inbox
from gateway.store.outbox import outbox
from gateway.values import InboxState, OutboxState, Scope

MOST = 100  # counting stops there: "99+" is all that a page says


def count_open(session: Session, since: datetime, *, scope: Scope) -> dict[str, int]:
    """Return how many messages wait for staff, by state; of those that did not go out, the ones since an instant."""
    questions = [_count(_received(state, scope), state) for state in (InboxState.DEAD, InboxState.HELD)]
    questions += [_count(_to_send(state, since, scope), state) for state in (OutboxState.FAILED, OutboxState.UNSURE)]
    rows = session.execute(union_all(*questions)).all()
    return {row[0]: row[1] for row in rows if row[1]}


def _received(state: InboxState, scope: Scope) -> Select[int]:
    return select(inbox.c.id).where(inbox.c.state == state, concerns(inbox.c.sender, inbox.c.channel, scope))


def _to_send(state: OutboxState, since: datetime, scope: Scope) -> Select[int]:
    concerned = concerns(outbox.c.recipient, outbox.c.channel, scope)
    return select(outbox.c.id).where(outbox.c.state == state, outbox.c.created_at >= since, concerned)


def _count(wanted: Select[int], state: str) -> Select[str, int]:
    few = wanted.limit(MOST).subquery()
    return select(literal(str(state)), func.count()).select_from(few)
