"""The review queue: the reports that wait for somebody of the staff, by how much they need a look; oldest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    func,
    literal,
    literal_column,
    select,
    union_all,
)

from gateway.store.base import Session, within
from gateway.store.facilities import facilities
from gateway.store.reports import is_noted, is_open, is_plain, reports
from gateway.values import Scope

MOST_COUNTED = 1000  # where there are more, nobody needs to know how many


class Tab(StrEnum):
    """A part of the queue, the most pressing first."""

    CHANGED = "changed"  # a change of what is approved
    FLAGGED = "flagged"  # asked in vain, or sent for a closed month
    WAITING = "waiting"  # asked, and not answered yet
    NOTED = "noted"  # accepted, with something to look at
    PLAIN = "plain"  # accepted, and nothing to say about it


@dataclass(frozen=True, slots=True)
class WishedQueue:
    """Which part of the queue somebody wants to see; what is empty narrows nothing. `area` is one within the scope."""

    tab: Tab = Tab.CHANGED
    area: str = ""
    form: str = ""
    period: str = ""


# Written out, and each beside the whole condition of its index: otherwise no database could tell that it may use it.
_other = reports.alias("other")
_approved = and_(
    _other.c.form == reports.c.form,
    _other.c.facility_id == reports.c.facility_id,
    _other.c.period == reports.c.period,
    _other.c.state.in_([literal_column("'accepted'"), literal_column("'approved'")]),
    _other.c.state == literal_column("'approved'", String),
)
# asked for each flagged report by its own index: as EXISTS it would be joined, and every approved report read for it
_has_approved = select(_other.c.id).where(_approved).limit(1).correlate(reports).scalar_subquery().is_not(None)


def _is(state: str) -> ColumnElement[bool]:
    return and_(is_open, reports.c.state == literal_column(f"'{state}'", String))


_IN: Mapping[Tab, ColumnElement[bool]] = {
    Tab.CHANGED: and_(_is("flagged"), _has_approved),
    Tab.FLAGGED: and_(_is("flagged"), ~select(_other.c.id).where(_approved).exists()),
    Tab.WAITING: _is("waiting"),
    Tab.NOTED: is_noted,
    Tab.PLAIN: and_(is_open, is_plain),
}


def list_ids(
    session: Session,
    wished: WishedQueue,
    *,
    scope: Scope,
    after: int | None = None,
    before: int | None = None,
    limit: int = 50,
) -> tuple[int, ...]:
    """Return the next reports of a part of the queue, oldest first: behind the one of an id, or right before it."""
    statement = _narrow(select(reports.c.id), wished, scope)
    if before is not None:
        rows = session.execute(statement.where(reports.c.id < before).order_by(reports.c.id.desc()).limit(limit))
        return tuple(rows.scalars())[::-1]
    if after is not None:
        statement = statement.where(reports.c.id > after)
    return tuple(session.execute(statement.order_by(reports.c.id).limit(limit)).scalars())


def count_tabs(session: Session, wished: WishedQueue, *, scope: Scope) -> dict[Tab, int]:
    """Return how many reports wait in each part of the queue; MOST_COUNTED where there are as many or more."""
    parts = []
    for tab in Tab:
        own = WishedQueue(tab, wished.area, wished.form, wished.period)
        found = _narrow(select(literal_column("1").label("one")), own, scope).limit(MOST_COUNTED).subquery()
        parts.append(select(literal(tab.value).label("tab"), func.count().label("count")).select_from(found))
    rows = session.execute(union_all(*parts))
    return {Tab(row[0]): int(row[1]) for row in rows}


def find_beside(
    session: Session, wished: WishedQueue, report_id: int, *, scope: Scope
) -> tuple[int | None, int | None]:
    """Return the reports before and after one in its part of the queue, also once it has left that; None at an end."""
    before = list_ids(session, wished, scope=scope, before=report_id, limit=1)
    after = list_ids(session, wished, scope=scope, after=report_id, limit=1)
    return next(iter(before), None), next(iter(after), None)


def find_approved(session: Session, report_ids: tuple[int, ...], *, scope: Scope) -> dict[int, int]:
    """Return the approved revision that each of these would change, where there is one."""
    statement = (
        select(reports.c.id, _other.c.id.label("approved_id"))
        .join(facilities, facilities.c.id == reports.c.facility_id)
        .join(_other, _approved)
        .where(reports.c.id.in_(report_ids), within(facilities.c.area, scope))
    )
    return {row.id: row.approved_id for row in session.execute(statement) if row.id != row.approved_id}


def find_newest(session: Session, report_ids: tuple[int, ...], *, scope: Scope) -> dict[int, int]:
    """Return the number of the newest revision of each of these reports."""
    same = (
        _other.c.form == reports.c.form,
        _other.c.facility_id == reports.c.facility_id,
        _other.c.period == reports.c.period,
    )
    statement = (
        select(reports.c.id, func.max(_other.c.revision))
        .join(facilities, facilities.c.id == reports.c.facility_id)
        .join(_other, and_(*same))
        .where(reports.c.id.in_(report_ids), within(facilities.c.area, scope))
        .group_by(reports.c.id)
    )
    return {row[0]: int(row[1]) for row in session.execute(statement)}


def _narrow(statement: Select[Any], wished: WishedQueue, scope: Scope) -> Select[Any]:
    narrowed = (
        statement.select_from(reports)
        .join(facilities, facilities.c.id == reports.c.facility_id)
        .where(_IN[wished.tab], within(facilities.c.area, scope))
    )
    if wished.area:
        narrowed = narrowed.where(within(facilities.c.area, Scope(wished.area)))
    if wished.form:
        narrowed = narrowed.where(reports.c.form == wished.form)
    if wished.period:
        narrowed = narrowed.where(reports.c.period == wished.period)
    return narrowed
