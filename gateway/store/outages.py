"""Outages: times in which messages of an area could not come in; what was late because of one is excused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, Index, Integer, String, Table, Text, or_, select

from gateway.calendar import Outage, areas_around
from gateway.store.base import Session, UtcDateTime, metadata, within
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

LONGEST_LOOK_BACK = timedelta(days=400)  # outages of older months excuse nothing that is still counted anew


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
