"""Thresholds: the numbers that a district goes by instead of those in the forms' files."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import Column, Integer, String, Table, delete, insert, select

from gateway.calendar import areas_around
from gateway.store.base import Session, metadata, within
from gateway.values import Scope

thresholds = Table(
    "thresholds",
    metadata,
    Column("area", String(13), primary_key=True),
    Column("facility_type", String(20), primary_key=True),
    Column("form", String(20), primary_key=True),
    Column("name", String(40), primary_key=True),
    Column("value", Integer, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Threshold:
    """One number that was chosen. An empty area or facility type means all of them.

    Shape: `name` is a field of `parsers.judge.Thresholds`, or `cap.` and a measure or item: `cap.suntik`.
    """

    area: str
    facility_type: str
    form: str
    name: str
    value: int


def all_thresholds(session: Session) -> tuple[Threshold, ...]:
    """Return every number that was chosen, the widest area first."""
    statement = select(thresholds).order_by(thresholds.c.area, thresholds.c.facility_type, thresholds.c.name)
    return tuple(Threshold(*row) for row in session.execute(statement))


def choose(session: Session, threshold: Threshold) -> None:
    """Go by this number from now on."""
    drop(session, threshold)
    session.execute(insert(thresholds), asdict(threshold))


def drop(session: Session, threshold: Threshold) -> bool:
    """Go by the file's number again; False when none was chosen."""
    same = (thresholds.c[name] == getattr(threshold, name) for name in ("area", "facility_type", "form", "name"))
    return bool(session.execute(delete(thresholds).where(*same)).rowcount)


def thresholds_around(session: Session, area: str, form: str, *, scope: Scope) -> tuple[Threshold, ...]:
    """Return the numbers of a form that were chosen for an area of the scope, or for one around it."""
    if not scope.covers(area):
        return ()
    here = thresholds.c.area.in_(areas_around(area)), thresholds.c.form == form
    statement = select(thresholds).where(*here).order_by(thresholds.c.area, thresholds.c.facility_type)
    return tuple(Threshold(*row) for row in session.execute(statement))


def thresholds_within(session: Session, form: str, *, scope: Scope) -> tuple[Threshold, ...]:
    """Return the numbers of a form that were chosen in a scope, by area."""
    here = within(thresholds.c.area, scope), thresholds.c.form == form
    by_name = thresholds.c.area, thresholds.c.facility_type, thresholds.c.name
    return tuple(Threshold(*row) for row in session.execute(select(thresholds).where(*here).order_by(*by_name)))


def choose_within(session: Session, threshold: Threshold, *, scope: Scope) -> bool:
    """Go by this number from now on; False where its area is not in the scope."""
    if not scope.covers(threshold.area):
        return False
    choose(session, threshold)
    return True


def drop_within(session: Session, threshold: Threshold, *, scope: Scope) -> bool:
    """Go by the number of the area around, or of the file, again; False when none was chosen here."""
    return scope.covers(threshold.area) and drop(session, threshold)
