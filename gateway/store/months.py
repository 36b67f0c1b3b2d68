"""Months: the days that areas chose for them, and which months staff have closed and opened again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from gateway.calendar import Calendar, Days, areas_around
from gateway.store.base import Session, UtcDateTime, is_postgresql, metadata, within
from gateway.values import Scope

calendars = Table(
    "calendars",
    metadata,
    Column("area", String(13), primary_key=True),
    Column("form", String(20), primary_key=True),
    Column("due_day", SmallInteger, nullable=False),
    Column("corrections_day", SmallInteger, nullable=False),
    Column("approval_day", SmallInteger, nullable=False),
)

closings = Table(
    "closings",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("form", String(20), nullable=False),
    Column("period", String(7), nullable=False),
    Column("area", ForeignKey("areas.code"), nullable=False),
    Column("closed_by", String(100), nullable=False),
    Column("closed_at", UtcDateTime, nullable=False),
    Column("reason", Text, nullable=False),
    Column("reopened_by", String(100), nullable=True),
    Column("reopened_at", UtcDateTime, nullable=True),
    Column("reopen_reason", Text, nullable=True),
)
_stands = closings.c.reopened_at.is_(None)
Index(
    "uq_closings_standing",
    closings.c.area,
    closings.c.period,
    closings.c.form,
    unique=True,
    sqlite_where=_stands,
    postgresql_where=_stands,
)
Index("ix_closings_area", closings.c.area, closings.c.id)

ClosedMonth = tuple[str, str, str]  # area, form, period
_CLOSED = select(closings.c.area, closings.c.form, closings.c.period).where(
    closings.c.area.in_(bindparam("areas", expanding=True)), closings.c.period >= bindparam("since"), _stands
)
_IS_CLOSED = (
    select(closings.c.id)
    .where(
        closings.c.area.in_(bindparam("areas", expanding=True)),
        closings.c.period == bindparam("of_period"),
        closings.c.form == bindparam("of_form"),
        _stands,
    )
    .limit(1)
)
_TURN = 4_109_014  # any number that nothing else here uses as an advisory lock


@dataclass(frozen=True, slots=True)
class Closing:
    """One time that an area closed a month of a form, and how it was opened again, if it was."""

    id: int
    form: str
    period: str
    area: str
    closed_by: str
    closed_at: datetime
    reason: str
    reopened_by: str | None
    reopened_at: datetime | None
    reopen_reason: str | None


@dataclass(frozen=True, slots=True)
class OfMonth:
    """What became of a month in one area: whether a closing of it stands, and how often it was opened again."""

    stands: bool
    reopened: int


def all_calendars(session: Session) -> tuple[Calendar, ...]:
    """Return the days that every area chose; `calendar.find_days` tells which hold for a report."""
    statement = select(calendars).order_by(calendars.c.area, calendars.c.form)
    return tuple(_as_calendar(row) for row in session.execute(statement))


def calendars_around(session: Session, area: str, scope: Scope) -> tuple[Calendar, ...]:
    """Return the days that were chosen in a scope, and those of the areas around `area`, which hold in it too."""
    seen = within(calendars.c.area, scope) | calendars.c.area.in_(areas_around(area))
    statement = select(calendars).where(seen).order_by(calendars.c.area, calendars.c.form)
    return tuple(_as_calendar(row) for row in session.execute(statement))


def _as_calendar(row: tuple[str, str, int, int, int]) -> Calendar:
    area, form, due, corrections, approval = row
    return Calendar(area, form, Days(due, corrections, approval))


def choose_days(session: Session, calendar: Calendar, *, scope: Scope) -> bool:
    """Go by these days from now on; False where the area is not in the scope."""
    if not scope.covers(calendar.area):
        return False
    session.execute(delete(calendars).where(*_same(calendar.area, calendar.form)))
    days = calendar.days
    row = {"due_day": days.due, "corrections_day": days.corrections, "approval_day": days.approval}
    session.execute(insert(calendars), row | {"area": calendar.area, "form": calendar.form})
    return True


def drop_days(session: Session, area: str, form: str, *, scope: Scope) -> bool:
    """Go by the days of the area around again; False when none were chosen here."""
    statement = delete(calendars).where(*_same(area, form), within(calendars.c.area, scope))
    return bool(session.execute(statement).rowcount)


def _same(area: str, form: str) -> tuple[ColumnElement[bool], ...]:
    return calendars.c.area == area, calendars.c.form == form


def wait_for_closings(session: Session) -> None:
    """Let no month be closed until this transaction ends: a report that is being taken now must not count afterwards.

    Closing a month waits for who is here, so that what it has counted is what stays.
    """
    if is_postgresql(session):  # a write transaction on SQLite already holds the whole database
        session.execute(text("SELECT pg_advisory_xact_lock_shared(:turn)"), {"turn": _TURN})


def take_turn(session: Session) -> None:
    """Wait until nobody takes reports, and let nobody until this transaction ends: what is counted now is what stays.

    Errors: Unavailable when that takes longer than the database waits for a lock; nothing was done.
    """
    if is_postgresql(session):
        session.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})


def closed_months(session: Session, areas: Collection[str], since: str) -> frozenset[ClosedMonth]:
    """Return which months from a period on are closed for these areas or the ones around them: once for a batch."""
    around = {code for area in areas for code in areas_around(area) if code}
    if not around:
        return frozenset()
    rows = session.execute(_CLOSED, {"areas": sorted(around), "since": since})
    return frozenset((area, form, period) for area, form, period in rows)


def is_closed(session: Session, form: str, period: str, area: str) -> bool:
    """Tell whether a month is closed for an area: by itself or by one around it."""
    about = {"areas": areas_around(area), "of_form": form, "of_period": period}
    return session.execute(_IS_CLOSED, about).first() is not None


def close_month(
    session: Session, form: str, period: str, area: str, by: str, now: datetime, reason: str, *, scope: Scope
) -> int | None:
    """Close a month for an area and return the closing's id; None where the area is not in the scope.

    Errors: Raced when it is closed already.
    """
    if not scope.covers(area):
        return None
    take_turn(session)
    row = {"form": form, "period": period, "area": area, "closed_by": by, "closed_at": now, "reason": reason}
    return int(session.execute(insert(closings).returning(closings.c.id), row).scalar_one())


def reopen_month(
    session: Session, closing_id: int, by: str, now: datetime, reason: str, *, scope: Scope
) -> Closing | None:
    """Open a month again and return its closing; None when it stands no more, or is not in the scope."""
    mine = closings.c.id == closing_id, _stands, within(closings.c.area, scope)
    values = {"reopened_by": by, "reopened_at": now, "reopen_reason": reason}
    if not session.execute(update(closings).where(*mine).values(values)).rowcount:
        return None
    return find_closing(session, closing_id, scope=scope)


def find_closing(session: Session, closing_id: int, *, scope: Scope) -> Closing | None:
    """Return one closing, or None."""
    statement = select(closings).where(closings.c.id == closing_id, within(closings.c.area, scope))
    row = session.execute(statement).first()
    return Closing(*row) if row else None


def standing_closings(session: Session, area: str, *, scope: Scope) -> tuple[Closing, ...]:
    """Return what is closed for an area of the scope now, by itself or by one around it; the newest month first."""
    if not scope.covers(area):
        return ()
    statement = select(closings).where(closings.c.area.in_(areas_around(area)), _stands)
    rows = session.execute(statement.order_by(closings.c.period.desc(), closings.c.form))
    return tuple(Closing(*row) for row in rows)


def latest_closings(
    session: Session, *, scope: Scope, before: int | None = None, limit: int = 50
) -> tuple[Closing, ...]:
    """Return every closing in a scope, also those that were opened again, newest first."""
    statement = select(closings).where(within(closings.c.area, scope)).order_by(closings.c.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(closings.c.id < before)
    return tuple(Closing(*row) for row in session.execute(statement))


def closings_of_month(
    session: Session, forms: Collection[str], period: str, areas: Collection[str]
) -> dict[tuple[str, str], OfMonth]:
    """Return what became of a month for these areas and the ones around them: once for many facilities.

    Shape: by (form, area that closed it); what was never closed is left out.
    """
    around = {code for area in areas for code in areas_around(area) if code}
    about = closings.c.form.in_(forms), closings.c.period == period, closings.c.area.in_(around)
    statement = select(closings.c.form, closings.c.area, func.count(closings.c.reopened_at), func.count())
    rows = session.execute(statement.where(*about).group_by(closings.c.form, closings.c.area))
    return {(form, area): OfMonth(reopened < times, reopened) for form, area, reopened, times in rows}


def reopened_months(
    session: Session, forms: Collection[str], periods: Collection[str], areas: Collection[str]
) -> frozenset[tuple[str, str, str]]:
    """Return which months were opened again for these areas or the ones around them, by form, period and area."""
    around = {code for area in areas for code in areas_around(area) if code}
    about = closings.c.form.in_(forms), closings.c.period.in_(periods), closings.c.area.in_(around)
    statement = select(closings.c.form, closings.c.period, closings.c.area).where(*about)
    rows = session.execute(statement.where(closings.c.reopened_at.is_not(None)).distinct())
    return frozenset((form, period, area) for form, period, area in rows)
