"""Pauses: areas and facilities that nobody is to be reminded of for a time, why, and who said so."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import (
    Column,
    ColumnElement,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    insert,
    or_,
    select,
    update,
)

from gateway.calendar import areas_around
from gateway.store.areas import areas
from gateway.store.base import Session, UtcDateTime, metadata, within
from gateway.store.facilities import facilities
from gateway.values import Scope

pauses = Table(
    "pauses",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("area", String(13), nullable=False),
    Column("facility_id", ForeignKey("facilities.id"), nullable=True),
    Column("from_on", Date, nullable=False),
    Column("until_on", Date, nullable=True),
    Column("reason", Text, nullable=False),
    Column("made_by", String(100), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("ended_by", String(100), nullable=True),
    Column("ended_at", UtcDateTime, nullable=True),
)
Index("ix_pauses_area", pauses.c.area, pauses.c.id)
Index("ix_pauses_facility_id", pauses.c.facility_id)


@dataclass(frozen=True, slots=True)
class Pause:
    """One pause, of a facility or, where that is None, of a whole area. Both days belong to it; no last day is open."""

    id: int
    area: str
    facility_id: int | None
    from_on: date
    until_on: date | None
    reason: str
    made_by: str
    made_at: datetime
    ended_by: str | None
    ended_at: datetime | None

    def holds(self, day: date) -> bool:
        """Tell whether nobody is reminded on a day because of it."""
        return self.ended_at is None and self.from_on <= day and (self.until_on is None or day <= self.until_on)


_stands = pauses.c.ended_at.is_(None)


def add_pause(
    session: Session,
    area: str,
    facility_id: int | None,
    days: tuple[date, date | None],
    reason: str,
    by: str,
    now: datetime,
    *,
    scope: Scope,
) -> int | None:
    """Remind nobody of an area, or of one facility, on these days; return the pause's id, None outside the scope.

    Shape: `area` is the facility's own where there is one.
    """
    if facility_id is not None:
        found = select(facilities.c.area).where(facilities.c.id == facility_id, within(facilities.c.area, scope))
        area = session.execute(found).scalar_one_or_none() or ""
        if not area:
            return None
    if not scope.covers(area):
        return None
    first, last = days
    row = {"area": area, "facility_id": facility_id, "from_on": first, "until_on": last, "reason": reason}
    statement = insert(pauses).returning(pauses.c.id)
    return int(session.execute(statement, row | {"made_by": by, "made_at": now}).scalar_one())


def end_pause(session: Session, pause_id: int, by: str, now: datetime, *, scope: Scope) -> Pause | None:
    """Remind again, and return the pause that ended; None where it had ended, or lies outside the scope."""
    mine = pauses.c.id == pause_id, _stands, within(pauses.c.area, scope)
    if not session.execute(update(pauses).where(*mine).values(ended_by=by, ended_at=now)).rowcount:
        return None
    row = session.execute(select(pauses).where(pauses.c.id == pause_id, within(pauses.c.area, scope))).first()
    return Pause(*row) if row else None


def standing_pauses(session: Session, area: str, day: date, *, scope: Scope) -> tuple[Pause, ...]:
    """Return the pauses that hold on a day or later in an area of the scope, by facilities in it or areas around it."""
    if not scope.covers(area):
        return ()
    statement = select(pauses).where(_is_about(area), _lasts(day), _stands).order_by(pauses.c.from_on, pauses.c.id)
    return tuple(Pause(*row) for row in session.execute(statement))


@dataclass(frozen=True, slots=True)
class ListedPause:
    """One pause with the names of what it is about; `facility` is None where it is a whole area."""

    pause: Pause
    area_name: str
    facility: str | None


def find_pause(session: Session, pause_id: int, *, scope: Scope) -> Pause | None:
    """Return a pause of the scope that has not ended, or None."""
    statement = select(pauses).where(pauses.c.id == pause_id, _stands, within(pauses.c.area, scope))
    row = session.execute(statement).first()
    return Pause(*row) if row else None


def list_pauses(
    session: Session, area: str, day: date, *, scope: Scope, before: int | None = None, limit: int = 50
) -> tuple[ListedPause, ...]:
    """Return the pauses that hold on a day or later in an area, and of those around it the ones of whole areas.

    The newest first. Those around are of nobody's scope but count in it: only who looks after them can end them.
    """
    if not scope.covers(area):
        return ()
    statement = (
        select(pauses, areas.c.name, facilities.c.name)
        .outerjoin(areas, areas.c.code == pauses.c.area)
        .outerjoin(facilities, facilities.c.id == pauses.c.facility_id)
        .where(_is_about(area), _lasts(day), _stands, *([pauses.c.id < before] if before is not None else []))
        .order_by(pauses.c.id.desc())
        .limit(limit)
    )
    return tuple(ListedPause(Pause(*row[:-2]), row[-2] or "", row[-1]) for row in session.execute(statement))


def pauses_of_facility(session: Session, facility_id: int, day: date, *, scope: Scope) -> tuple[Pause, ...]:
    """Return the pauses that hold on a day or later for a facility of the scope: its own, and those of areas around."""
    found = select(facilities.c.area).where(facilities.c.id == facility_id, within(facilities.c.area, scope))
    area = session.execute(found).scalar_one_or_none()
    if area is None:
        return ()
    around = pauses.c.area.in_(areas_around(area)) & pauses.c.facility_id.is_(None)
    mine = or_(pauses.c.facility_id == facility_id, around)
    statement = select(pauses).where(mine, _lasts(day), _stands).order_by(pauses.c.from_on, pauses.c.id)
    return tuple(Pause(*row) for row in session.execute(statement))


def pauses_on(session: Session, areas: Collection[str], day: date) -> tuple[Pause, ...]:
    """Return the pauses that hold on a day for these areas, the ones around them, or facilities in them."""
    around = {code for area in areas for code in areas_around(area)}
    inside = [within(pauses.c.area, Scope(area)) for area in areas]
    holding = _stands, pauses.c.from_on <= day, _lasts(day)
    statement = select(pauses).where(*holding, or_(pauses.c.area.in_(around), *inside)).order_by(pauses.c.id)
    return tuple(Pause(*row) for row in session.execute(statement))


def _lasts(day: date) -> ColumnElement[bool]:
    return or_(pauses.c.until_on.is_(None), pauses.c.until_on >= day)


def _is_about(area: str) -> ColumnElement[bool]:
    """Tell which pauses are of an area, of what lies in it, or of a whole area around it."""
    around = pauses.c.area.in_(areas_around(area)) & pauses.c.facility_id.is_(None)
    return or_(within(pauses.c.area, Scope(area)), around)
