"""Leaves: from when until when a reporter is away, and who reports in her place."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Column, ColumnElement, Date, ForeignKey, Integer, Table, delete, exists, insert, select

from gateway.store.base import Session, metadata, within
from gateway.store.facilities import facilities
from gateway.store.reporters import reporter_facilities, reporters
from gateway.values import Scope

reporter_leaves = Table(
    "reporter_leaves",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("reporter_id", ForeignKey("reporters.id"), nullable=False, index=True),
    Column("from_on", Date, nullable=False),
    Column("until_on", Date, nullable=False),
    Column("stand_in_id", ForeignKey("reporters.id"), nullable=True),
)


@dataclass(frozen=True, slots=True)
class Leave:
    """One leave: both days belong to it. `stand_in` is the name of who reports for her meanwhile, None for nobody."""

    id: int
    reporter_id: int
    from_on: date
    until_on: date
    stand_in_id: int | None
    stand_in: str | None


def leaves_of(session: Session, reporter_id: int, *, scope: Scope) -> tuple[Leave, ...]:
    """Return the leaves of a reporter of the area, the latest first."""
    columns: list[ColumnElement[Any]] = [reporter_leaves.c[name] for name in Leave.__slots__[:5]]
    statement = (
        select(*[*columns, reporters.c.name])
        .outerjoin(reporters, reporters.c.id == reporter_leaves.c.stand_in_id)
        .where(reporter_leaves.c.reporter_id == reporter_id, _is_of(scope))
        .order_by(reporter_leaves.c.from_on.desc(), reporter_leaves.c.id.desc())
    )
    return tuple(Leave(*row) for row in session.execute(statement))


def who_is_away(session: Session, reporter_ids: Collection[int], day: date) -> set[int]:
    """Return those of these reporters who are on leave on a day: they are not reminded; what they send is answered."""
    running = reporter_leaves.c.from_on <= day, reporter_leaves.c.until_on >= day
    statement = select(reporter_leaves.c.reporter_id).where(reporter_leaves.c.reporter_id.in_(reporter_ids), *running)
    return set(session.execute(statement).scalars())


def add_leave(
    session: Session, reporter_id: int, from_on: date, until_on: date, stand_in_id: int | None, *, scope: Scope
) -> int | None:
    """Add a leave of a reporter of the area and return its id; None where she belongs to another."""
    hers = exists().where(reporters.c.id == reporter_id, _has_facility(reporters.c.id, scope))
    if scope.area and not session.execute(select(hers)).scalar():
        return None
    row = {"reporter_id": reporter_id, "from_on": from_on, "until_on": until_on, "stand_in_id": stand_in_id}
    return int(session.execute(insert(reporter_leaves).returning(reporter_leaves.c.id), row).scalar_one())


def drop_leave(session: Session, leave_id: int, *, scope: Scope) -> bool:
    """Take back a leave of the area, and its stand-in's right to report; False where it is not there."""
    statement = delete(reporter_leaves).where(reporter_leaves.c.id == leave_id, _is_of(scope))
    if not session.execute(statement).rowcount:
        return False
    session.execute(delete(reporter_facilities).where(reporter_facilities.c.leave_id == leave_id))
    return True


def _is_of(scope: Scope) -> ColumnElement[bool]:
    return _has_facility(reporter_leaves.c.reporter_id, scope)


def _has_facility(reporter_id: ColumnElement[Any], scope: Scope) -> ColumnElement[bool]:
    pair = reporter_facilities.c.reporter_id == reporter_id
    return exists().where(pair, reporter_facilities.c.facility_id == facilities.c.id, within(facilities.c.area, scope))
