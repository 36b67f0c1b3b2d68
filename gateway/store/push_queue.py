"""The queue of pushes: who sends a facility's month now, when it is tried again, and the calls that were made."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, or_, select, update

from gateway.store.base import Session, database_now
from gateway.store.pushes import (
    DONE,
    FAILED,
    PUSH,
    QUEUED,
    ROWS,
    RUNNING,
    SENDING,
    STOPPED,
    TURN,
    Ended,
    NewCall,
    Push,
    Turn,
    push_calls,
    push_turns,
    pushes,
)

LEASE = timedelta(minutes=10)
KEPT = timedelta(days=90)  # calls; what came of them is known for ever


def has_due(session: Session, now: datetime) -> bool:
    """Tell whether a facility's month is to be sent now, or its worker has died."""
    waits = _waits(now, database_now(session))
    return session.execute(select(push_turns.c.id).where(waits).limit(1)).first() is not None


def claim(session: Session, now: datetime) -> tuple[Push, Turn, str] | None:
    """Take the next facility's month that is to be sent, with the token that says so; commit at once.

    A turn that its worker left behind counts as tried.
    """
    clock = database_now(session)
    row = session.execute(
        select(*TURN, push_turns.c.token)
        .where(_waits(now, clock))
        .order_by(push_turns.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    if row is None:
        return None
    turn, token = Turn(*row[:-1]), secrets.token_hex(8)
    tries = turn.tries + (1 if turn.state == SENDING else 0)
    values = {"state": SENDING, "token": token, "lease_until": clock + LEASE, "tries": tries}
    session.execute(update(push_turns).where(push_turns.c.id == turn.id).values(values))
    push = Push(*session.execute(select(*PUSH).where(pushes.c.id == turn.push_id)).one())
    claimed = Turn(*session.execute(select(*TURN).where(push_turns.c.id == turn.id)).one())
    return push, claimed, token


def hold(session: Session, turn: Turn, token: str, digest: str | None = None) -> bool:
    """Say that a turn is still being sent; False when somebody else took it meanwhile: stop then, and roll back."""
    values: dict[str, Any] = {"lease_until": database_now(session) + LEASE}
    return _change(session, turn, token, values | ({"digest": digest} if digest else {}))


def put_off(session: Session, turn: Turn, token: str, reason: str, until: datetime) -> bool:
    """Send a turn later; False when somebody else took it meanwhile."""
    values = {"state": QUEUED, "reason": reason, "next_try_at": until, "tries": turn.tries + 1}
    return _change(session, turn, token, values | {"token": None, "lease_until": None})


def end_turn(session: Session, turn: Turn, token: str, ended: Ended, now: datetime) -> bool:
    """Say what came of a turn, and end its push with its last one; False when somebody else took it meanwhile."""
    values = {name: getattr(ended, name) for name in ("state", "reason", "digest", "sent", "equal")}
    values |= {"lines": [dict(line) for line in ended.lines], "ended_at": now, "next_try_at": None}
    return _change(session, turn, token, values | {"token": None, "lease_until": None})


def _change(session: Session, turn: Turn, token: str, values: Mapping[str, Any]) -> bool:
    mine = push_turns.c.id == turn.id, push_turns.c.token == token, push_turns.c.state == SENDING
    return bool(session.execute(update(push_turns).where(*mine).values(dict(values))).rowcount)


def stop(session: Session, push_id: int, fault: str, now: datetime) -> None:
    """Send nothing more of a push: what still waits has failed for this reason."""
    waits = push_turns.c.push_id == push_id, push_turns.c.state == QUEUED
    session.execute(update(push_turns).where(*waits).values(state=FAILED, reason="stopped", ended_at=now))
    running = pushes.c.id == push_id, pushes.c.state == RUNNING
    session.execute(update(pushes).where(*running).values(state=STOPPED, fault=fault, ended_at=now))


def end_if_done(session: Session, push_id: int, now: datetime) -> bool:
    """End a push of which nothing waits any more; False where something does."""
    open_ones = push_turns.c.push_id == push_id, push_turns.c.state.in_((QUEUED, SENDING))
    if session.execute(select(push_turns.c.id).where(*open_ones).limit(1)).first() is not None:
        return False
    running = pushes.c.id == push_id, pushes.c.state == RUNNING
    return bool(session.execute(update(pushes).where(*running).values(state=DONE, ended_at=now)).rowcount)


def _waits(now: datetime, clock: datetime) -> ColumnElement[bool]:
    is_due = or_(push_turns.c.next_try_at.is_(None), push_turns.c.next_try_at <= now)
    is_left = (push_turns.c.state == SENDING) & (push_turns.c.lease_until < clock)
    return or_((push_turns.c.state == QUEUED) & is_due, is_left)


def keep_calls(session: Session, turn_id: int, calls: Sequence[NewCall], now: datetime) -> None:
    """Keep calls that were made for a turn."""
    if calls:
        names = NewCall.__slots__
        rows = [{name: getattr(one, name) for name in names} | {"turn_id": turn_id, "called_at": now} for one in calls]
        session.execute(insert(push_calls), rows)


def drop_old_calls(session: Session, now: datetime) -> int:
    """Forget calls that were made long ago, some at a time; return how many."""
    ids = (
        session.execute(select(push_calls.c.id).where(push_calls.c.called_at < now - KEPT).limit(ROWS)).scalars().all()
    )
    session.execute(delete(push_calls).where(push_calls.c.id.in_(ids)))
    return len(ids)
