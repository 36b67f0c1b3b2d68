"""Outages: times in which messages of an area could not come in; what was late because of one is excused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, Index, Integer, String, Table, Text, delete, insert, or_, select, update

from gateway.calendar import Outage, areas_around
from gateway.store.base import Session, UtcDateTime, metadata, within
from gateway.store.inbox import inbox
from gateway.values import Scope

outages = Table(
    "outages",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("area", String(13), nullable=False),
    Column("from_at", UtcDateTime, nullable=False),
    Column("until_at", UtcDateTime, nullable=True),
    Column("reason", Text, nullable=False),
    Column("noted_by", String(100), nullable=True),
    Column("noted_at", UtcDateTime, nullable=False),
)
Index("ix_outages_from_at", outages.c.from_at)

NOT_RUNNING = "not_running"  # the reason of those that Kabar found by itself: pages say it in words
MARGIN = timedelta(minutes=2)  # between the last tick and the last message before a stop, and after a start


@dataclass(frozen=True, slots=True)
class NotedOutage:
    """One outage. `noted_by` is None where Kabar itself found that it had not been running."""

    id: int
    area: str
    from_at: datetime
    until_at: datetime | None
    reason: str
    noted_by: str | None
    noted_at: datetime

    @property
    def span(self) -> Outage:
        """What the calendar needs to know of it."""
        return Outage(self.area, self.from_at, self.until_at)


def add_outage(
    session: Session, outage: Outage, reason: str, by: str | None, now: datetime, *, scope: Scope
) -> int | None:
    """Note an outage and return its id; None where its area is not in the scope. `by` is None for Kabar itself."""
    if not scope.covers(outage.area):
        return None
    row = {"area": outage.area, "from_at": outage.from_at, "until_at": outage.until_at, "reason": reason}
    statement = insert(outages).returning(outages.c.id)
    return int(session.execute(statement, row | {"noted_by": by, "noted_at": now}).scalar_one())


def end_outage(session: Session, outage_id: int, until_at: datetime, *, scope: Scope) -> NotedOutage | None:
    """Say that an outage is over, and return it as it was; None where it had ended, or is not in the scope."""
    found = find_outage(session, outage_id, scope=scope)
    if found is None:
        return None
    mine = outages.c.id == outage_id, outages.c.until_at.is_(None), within(outages.c.area, scope)
    ended = session.execute(update(outages).where(*mine).values(until_at=max(until_at, found.from_at)))
    return found if ended.rowcount else None


def drop_outage(session: Session, outage_id: int, *, scope: Scope) -> NotedOutage | None:
    """Take an outage back, as if it had never been, and return it; None where it is not there, or not in the scope."""
    found = find_outage(session, outage_id, scope=scope)
    statement = delete(outages).where(outages.c.id == outage_id, within(outages.c.area, scope))
    return found if session.execute(statement).rowcount else None


def find_outage(session: Session, outage_id: int, *, scope: Scope) -> NotedOutage | None:
    """Return one outage, or None."""
    statement = select(outages).where(outages.c.id == outage_id, within(outages.c.area, scope))
    row = session.execute(statement).first()
    return NotedOutage(*row) if row else None


def was_receiving(session: Session, from_at: datetime, until_at: datetime) -> bool:
    """Tell whether messages came in although the clock did not tick: then only the clock was away."""
    between = inbox.c.received_at > from_at + MARGIN, inbox.c.received_at < until_at - MARGIN
    return session.execute(select(inbox.c.id).where(*between).limit(1)).first() is not None


def all_outages(session: Session, since: datetime) -> tuple[Outage, ...]:
    """Return the outages that were not over by an instant; `calendar.excused_due_on` takes those around a place."""
    statement = select(outages.c.area, outages.c.from_at, outages.c.until_at)
    running = or_(outages.c.until_at.is_(None), outages.c.until_at >= since)
    return tuple(Outage(*row) for row in session.execute(statement.where(running).order_by(outages.c.from_at)))


def outages_around(session: Session, area: str, since: datetime, *, scope: Scope) -> tuple[NotedOutage, ...]:
    """Return the outages of an area of the scope and of those around it that were not over by then, newest first."""
    if not scope.covers(area):
        return ()
    here = or_(within(outages.c.area, Scope(area)), outages.c.area.in_(areas_around(area)))
    running = or_(outages.c.until_at.is_(None), outages.c.until_at >= since)
    statement = select(outages).where(here, running).order_by(outages.c.from_at.desc(), outages.c.id.desc())
    return tuple(NotedOutage(*row) for row in session.execute(statement))
