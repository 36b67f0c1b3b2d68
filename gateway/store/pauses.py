"""Pauses: areas and facilities that nobody is to be reminded of for a time, why, and who said so."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Column, Date, ForeignKey, Index, Integer, String, Table, Text, insert, or_, select, update

from gateway.calendar import areas_around
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
    here = or_(
        within(pauses.c.area, Scope(area)), pauses.c.area.in_(areas_around(area)) & pauses.c.facility_id.is_(None)
    )
    last = or_(pauses.c.until_on.is_(None), pauses.c.until_on >= day)
    statement = select(pauses).where(here, last, _stands).order_by(pauses.c.from_on, pauses.c.id)
    return tuple(Pause(*row) for row in session.execute(statement))


def pauses_on(session: Session, areas: Collection[str], day: date) -> tuple[Pause, ...]:
    """Return the pauses that hold on a day for these areas, the ones around them, or facilities in them."""
    around = {code for area in areas for code in areas_around(area)}
    inside = [within(pauses.c.area, Scope(area)) for area in areas]
    holding = _stands, pauses.c.from_on <= day, or_(pauses.c.until_on.is_(None), pauses.c.until_on >= day)
    statement = select(pauses).where(*holding, or_(pauses.c.area.in_(around), *inside)).order_by(pauses.c.id)
    return tuple(Pause(*row) for row in session.execute(statement))
