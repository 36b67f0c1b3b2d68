"""Ladders: which reminders an area chose for a form, and how its people may be written to."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import JSON, Boolean, Column, ColumnElement, SmallInteger, String, Table, delete, insert, select

from gateway.calendar import Hours, areas_around
from gateway.ladder import Ladder, Manners, OffDays, rung_from_json
from gateway.store.base import Session, metadata, within
from gateway.values import Scope

ladders = Table(
    "ladders",
    metadata,
    Column("area", String(13), primary_key=True),
    Column("form", String(20), primary_key=True),
    Column("is_on", Boolean, nullable=False),
    Column("types", JSON, nullable=False),
    Column("rungs", JSON, nullable=False),
)

manners = Table(
    "manners",
    metadata,
    Column("area", String(13), primary_key=True),
    Column("first_hour", SmallInteger, nullable=False),
    Column("last_hour", SmallInteger, nullable=False),
    Column("off_days", String(10), nullable=False),
    Column("spread_minutes", SmallInteger, nullable=False),
    Column("shows_score", Boolean, nullable=False),
)


def all_ladders(session: Session) -> tuple[Ladder, ...]:
    """Return the ladders that every area chose; `ladder.find_ladder` tells which counts, behind the files'."""
    return _read_ladders(session)


def ladders_around(session: Session, area: str, *, scope: Scope) -> tuple[Ladder, ...]:
    """Return the ladders that were chosen in a scope, and those of the areas around `area`, which count in it too."""
    return _read_ladders(session, within(ladders.c.area, scope) | ladders.c.area.in_(areas_around(area)))


def _read_ladders(session: Session, *which: ColumnElement[bool]) -> tuple[Ladder, ...]:
    statement = select(ladders).where(*which).order_by(ladders.c.area, ladders.c.form)
    return tuple(
        Ladder(row.area, row.form, row.is_on, frozenset(row.types), tuple(rung_from_json(one) for one in row.rungs))
        for row in session.execute(statement)
    )


def choose_ladder(session: Session, chosen: Ladder, *, scope: Scope) -> bool:
    """Go by this ladder from now on; False where its area is not in the scope."""
    if not scope.covers(chosen.area):
        return False
    drop_ladder(session, chosen.area, chosen.form, scope=scope)
    rungs = [asdict(one) | {"audience": str(one.audience)} for one in chosen.rungs]
    row = {"area": chosen.area, "form": chosen.form, "is_on": chosen.is_on}
    session.execute(insert(ladders), row | {"types": sorted(chosen.types), "rungs": rungs})
    return True


def drop_ladder(session: Session, area: str, form: str, *, scope: Scope) -> bool:
    """Go by the ladder of the area around again; False when none was chosen here."""
    here = ladders.c.area == area, ladders.c.form == form, within(ladders.c.area, scope)
    return bool(session.execute(delete(ladders).where(*here)).rowcount)


def all_manners(session: Session) -> tuple[Manners, ...]:
    """Return the manners that every area chose; `ladder.find_manners` tells which count."""
    return _read_manners(session)


def manners_around(session: Session, area: str, *, scope: Scope) -> tuple[Manners, ...]:
    """Return the manners that were chosen in a scope, and those of the areas around `area`."""
    return _read_manners(session, within(manners.c.area, scope) | manners.c.area.in_(areas_around(area)))


def _read_manners(session: Session, *which: ColumnElement[bool]) -> tuple[Manners, ...]:
    statement = select(manners).where(*which).order_by(manners.c.area)
    return tuple(
        Manners(
            row.area, Hours(row.first_hour, row.last_hour), OffDays(row.off_days), row.spread_minutes, row.shows_score
        )
        for row in session.execute(statement)
    )


def choose_manners(session: Session, chosen: Manners, *, scope: Scope) -> bool:
    """Write to the people of an area in these manners from now on; False where it is not in the scope."""
    if not scope.covers(chosen.area):
        return False
    drop_manners(session, chosen.area, scope=scope)
    row = {"area": chosen.area, "first_hour": chosen.hours.first, "last_hour": chosen.hours.last}
    row |= {"off_days": str(chosen.off_days), "spread_minutes": chosen.spread_minutes}
    session.execute(insert(manners), row | {"shows_score": chosen.shows_score})
    return True


def drop_manners(session: Session, area: str, *, scope: Scope) -> bool:
    """Go by the manners of the area around again; False when none were chosen here."""
    statement = delete(manners).where(manners.c.area == area, within(manners.c.area, scope))
    return bool(session.execute(statement).rowcount)
