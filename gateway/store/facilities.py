"""Facilities: the places that report, each in a kecamatan."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    and_,
    bindparam,
    insert,
    or_,
    select,
)

from gateway.store.areas import areas
from gateway.store.base import Session, is_postgresql, metadata, within
from gateway.values import Scope

facilities = Table(
    "facilities",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("code", String(9), nullable=False, unique=True),
    Column("kemenkes_code", String(20), nullable=True),
    Column("dhis2_uid", String(11), nullable=True),
    Column("type", String(20), nullable=False),
    Column("name", String(100), nullable=False),
    Column("short_name", String(20), nullable=False),
    Column("area", ForeignKey("areas.code"), nullable=False, index=True),
    Column("is_active", Boolean, nullable=False),
    Column("ownership", String(10), nullable=True),
    Column("opened_on", Date, nullable=True),
    Column("closed_on", Date, nullable=True),
    Column("reopened_on", Date, nullable=True),
    Column("latitude", Float, nullable=True),
    Column("longitude", Float, nullable=True),
    Column("merged_into", Integer, nullable=True),
    Column("version", Integer, nullable=False, server_default="0"),
)
Index("ix_facilities_name", facilities.c.name, facilities.c.id)


@dataclass(frozen=True, slots=True)
class Facility:
    """One facility. `code` is its KB register code of 9 digits; `short_name` may stand behind the keyword."""

    id: int
    code: str
    name: str
    short_name: str
    type: str
    area: str
    timezone: str
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class NewFacility:
    """A facility about to be added."""

    code: str
    name: str
    short_name: str
    type: str
    area: str
    kemenkes_code: str | None = None
    dhis2_uid: str | None = None
    is_active: bool = True
    ownership: str | None = None
    opened_on: date | None = None
    latitude: float | None = None
    longitude: float | None = None
    closed_on: date | None = None
    reopened_on: date | None = None


COLUMNS = (
    facilities.c.id,
    facilities.c.code,
    facilities.c.name,
    facilities.c.short_name,
    facilities.c.type,
    facilities.c.area,
    areas.c.timezone,
    facilities.c.is_active,
)


_LOCK = select(facilities.c.id).where(facilities.c.id == bindparam("facility_id")).with_for_update()


def add_facilities(session: Session, rows: Iterable[NewFacility]) -> tuple[int, ...]:
    """Add facilities and return their ids, in the order given."""
    found = [{name: getattr(row, name) for name in NewFacility.__slots__} for row in rows]
    if not found:
        return ()
    statement = insert(facilities).returning(facilities.c.id, sort_by_parameter_order=True)
    return tuple(session.execute(statement, found).scalars())


def get_facilities(session: Session, ids: Collection[int]) -> dict[int, Facility]:
    """Return the facilities of these ids."""
    statement = select(*COLUMNS).join(areas, areas.c.code == facilities.c.area).where(facilities.c.id.in_(ids))
    return {row.id: Facility(*row) for row in session.execute(statement)}


def find_there(session: Session, ids: Collection[int], first: date, last: date) -> set[int]:
    """Return those of these facilities that are to report for the month of these days."""
    statement = select(facilities.c.id).where(facilities.c.id.in_(ids), is_there(first, last))
    return set(session.execute(statement).scalars())


def list_there(
    session: Session, area: str, months: Sequence[tuple[date, date]]
) -> tuple[tuple[Facility, tuple[bool, ...]], ...]:
    """Return an area's facilities by kecamatan and name, each with whether it is to report for each of these months.

    Shape: a month is its first and its last day. One that is there in none of them is left out.
    """
    there = [is_there(*days) for days in months]
    statement = (
        select(*COLUMNS, *(one.label(f"month{place}") for place, one in enumerate(there)))
        .join(areas, areas.c.code == facilities.c.area)
        .where(within(facilities.c.area, Scope(area)), or_(*there))
        .order_by(facilities.c.area, facilities.c.name, facilities.c.id)
    )
    wide = len(COLUMNS)
    return tuple((Facility(*row[:wide]), tuple(map(bool, row[wide:]))) for row in session.execute(statement))


def find_ids(session: Session, codes: Collection[str]) -> dict[str, int]:
    """Return the ids of those facilities, by register code, that are there."""
    statement = select(facilities.c.code, facilities.c.id).where(facilities.c.code.in_(codes))
    return {row.code: row.id for row in session.execute(statement)}


def lock_facility(session: Session, facility_id: int) -> None:
    """Let no other session settle a report of this facility until this one ends."""
    if is_postgresql(session):  # a write transaction on SQLite already holds the whole database
        session.execute(_LOCK, {"facility_id": facility_id})


def is_there(first: date, last: date) -> ColumnElement[bool]:
    """Return the condition that a facility is to report for the month of these days: what coverage counts as there.

    Open on any of them; a double that was merged into another is nowhere. A facility that is not active and does not
    say since when never was.
    """
    open_by_then = or_(facilities.c.opened_on.is_(None), facilities.c.opened_on <= last)
    closed_all_month = and_(
        facilities.c.closed_on < first, or_(facilities.c.reopened_on.is_(None), facilities.c.reopened_on > last)
    )
    never_closed = and_(facilities.c.closed_on.is_(None), facilities.c.is_active)
    not_closed = or_(never_closed, and_(facilities.c.closed_on.is_not(None), ~closed_all_month))
    return and_(facilities.c.merged_into.is_(None), open_by_then, not_closed)
