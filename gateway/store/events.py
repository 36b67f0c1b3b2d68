"""Events: what has happened to reports and months, noted down by the database itself for who wants to be told.

Triggers (migration 0020) add a row in the very transaction in which a report comes to count, is approved, or a month is
closed, whoever does it and by whatever statement, and only while somebody listens (`store.hooks`). A row waits to be
put into words (`body`) exactly once; from then on neither its id for the outside (`ref`) nor its words change.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    String,
    Table,
    Text,
    insert,
    select,
    update,
)

from gateway.store.areas import areas
from gateway.store.base import Session, UtcDateTime, database_now, metadata
from gateway.store.facilities import facilities
from gateway.store.inbox import BigId
from gateway.store.months import closings
from gateway.store.reports import reports
from gateway.store.settled import values_of

ACCEPTED, APPROVED, CLOSED = "report.accepted", "report.approved", "month.closed"
KINDS = (ACCEPTED, APPROVED, CLOSED)
TEST = "webhook.ping"
KEPT = timedelta(days=30)  # then an event is forgotten, also where somebody has not heard it

events = Table(
    "events",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("kind", String(20), nullable=False),
    Column("subject_id", BigInteger, nullable=False),  # a report, a closing, or for a test the hook
    Column("at", UtcDateTime, nullable=False),  # by the database's clock
    Column("ref", String(40), nullable=True, unique=True),
    Column("body", Text, nullable=True),
)
_untold = events.c.body.is_(None)
Index("ix_events_untold", events.c.id, sqlite_where=_untold, postgresql_where=_untold)
Index("ix_events_at", events.c.at)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened to a report or a month, and is not put into words yet."""

    id: int
    kind: str
    subject_id: int
    at: datetime


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """What is told of a report: nothing of who sent it.

    Shape: `values` maps `measure` or `measure.item` to a number.
    """

    id: int
    form: str
    period: str
    revision: int
    facility_code: str
    facility_name: str
    area: str
    area_name: str
    values: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ClosingFacts:
    """What is told of a month that was closed."""

    id: int
    form: str
    period: str
    area: str
    area_name: str
    closed_at: datetime


def has_untold(session: Session) -> bool:
    """Return whether something has happened that is not put into words yet."""
    return session.execute(select(events.c.id).where(_untold).limit(1)).first() is not None


def take_untold(session: Session, limit: int) -> tuple[Event, ...]:
    """Return the next events to be put into words, in the order they happened; whoever else asks waits for us.

    What happens to one report is noted in order: whoever changes it waits for who changed it before.
    """
    columns = events.c.id, events.c.kind, events.c.subject_id, events.c.at
    statement = select(*columns).where(_untold).order_by(events.c.id).limit(limit).with_for_update()
    return tuple(Event(*row) for row in session.execute(statement))


def find_report_facts(session: Session, report_ids: Collection[int]) -> dict[int, ReportFacts]:
    """Return what is told of these reports, by id."""
    columns = reports.c.id, reports.c.form, reports.c.period, reports.c.revision
    place = facilities.c.code, facilities.c.name, facilities.c.area, areas.c.name.label("area_name")
    statement = (
        select(*columns, *place)
        .join(facilities, facilities.c.id == reports.c.facility_id)
        .join(areas, areas.c.code == facilities.c.area)
        .where(reports.c.id.in_(report_ids))
    )
    values = values_of(session, list(report_ids))
    return {row[0]: ReportFacts(*row, values=values[row[0]]) for row in session.execute(statement)}


def find_closing_facts(session: Session, closing_ids: Collection[int]) -> dict[int, ClosingFacts]:
    """Return what is told of these closings, by id."""
    columns = closings.c.id, closings.c.form, closings.c.period, closings.c.area
    statement = (
        select(*columns, areas.c.name, closings.c.closed_at)
        .join(areas, areas.c.code == closings.c.area)
        .where(closings.c.id.in_(closing_ids))
    )
    return {row[0]: ClosingFacts(*row) for row in session.execute(statement)}


def keep_words(session: Session, event_id: int, ref: str, body: str) -> None:
    """Keep what an event is called outside, and the very words that everybody is told."""
    session.execute(update(events).where(events.c.id == event_id).values(ref=ref, body=body))


def add_test(session: Session, hook_id: int, ref: str, body: str) -> int:
    """Add an event that never happened, for a hook to try itself, and return its id."""
    row = {"kind": TEST, "subject_id": hook_id, "at": database_now(session), "ref": ref, "body": body}
    return int(session.execute(insert(events).returning(events.c.id), row).scalar_one())
