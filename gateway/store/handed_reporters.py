"""Reporters as other systems read them: in the order in which they were registered."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from gateway.store import roster
from gateway.store.base import Session
from gateway.store.reporters import reporters
from gateway.store.roster import KnownReporter
from gateway.values import Scope


def list_by_id(
    session: Session, *, scope: Scope, today: date, after: int = 0, limit: int = 100
) -> tuple[KnownReporter, ...]:
    """Return reporters of a scope from behind the one of an id on, by id."""
    behind = select(reporters.c.id).where(roster.is_of(scope), reporters.c.id > after)
    ids = session.execute(behind.order_by(reporters.c.id).limit(limit)).scalars().all()
    return roster.find_reporters(session, ids, scope=scope, today=today) if ids else ()
