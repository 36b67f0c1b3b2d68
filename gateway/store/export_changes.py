"""What has changed since an export was made, and between two exports: by the very revisions that were in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, exists, func, or_, select

from gateway.store.base import Session, within
from gateway.store.exports import DONE, Export, export_reports, exports
from gateway.store.facilities import facilities
from gateway.store.reports import reports
from gateway.store.settled import Selection, values_of
from gateway.values import Scope

MOST = 200  # changes that are listed; how many there are is told


class Change(StrEnum):
    """What became of a facility's report of a month."""

    NEW = "new"  # it was not in the export
    CHANGED = "changed"  # another revision is settled now
    GONE = "gone"  # it was in the export, and is settled no more


@dataclass(frozen=True, slots=True)
class Changed:
    """One report that is not as it was. Shape: `was` and `now` map keys to numbers, only those that differ."""

    kind: Change
    facility_id: int
    facility_code: str
    facility: str
    period: str
    report_id: int
    was: Mapping[str, int] = field(default_factory=dict)
    now: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Changes:
    """How many reports are not as they were, and the first of them."""

    count: int
    first: tuple[Changed, ...]


def changes_since(session: Session, export: Export, selection: Selection, *, scope: Scope) -> Changes:
    """Return what is settled now otherwise than in an export. `selection` is what the export was made of."""
    then = _of_export(export.id)
    now = (
        select(reports.c.id, reports.c.facility_id, reports.c.period)
        .join(facilities, facilities.c.id == reports.c.facility_id)
        .where(reports.c.form == selection.form, reports.c.period.in_(selection.periods))
        .where(reports.c.state.in_(sorted(selection.states)), within(facilities.c.area, Scope(selection.area)))
    )
    return _compare(session, then, now, scope)


def has_changed(session: Session, export: Export, selection: Selection, *, scope: Scope) -> bool:
    """Tell whether anything is settled now otherwise than in an export."""
    mine = export_reports.c.export_id == export.id
    inside = within(facilities.c.area, Scope(selection.area)), within(facilities.c.area, scope)
    is_settled = reports.c.state.in_(sorted(selection.states))
    left = (
        select(reports.c.id)
        .join(export_reports, export_reports.c.report_id == reports.c.id)
        .where(mine, ~is_settled)
        .limit(1)
    )
    come = (
        select(reports.c.id)
        .join(facilities, facilities.c.id == reports.c.facility_id)
        .where(reports.c.form == selection.form, reports.c.period.in_(selection.periods), is_settled, *inside)
        .where(~exists().where(mine, export_reports.c.report_id == reports.c.id))
        .limit(1)
    )
    return any(session.execute(one).first() is not None for one in (left, come))


def changes_between(session: Session, before: Export, after: Export, *, scope: Scope) -> Changes:
    """Return in what two exports of the same area and months differ."""
    return _compare(session, _of_export(before.id), _of_export(after.id), scope)


def last_export_of(
    session: Session, form: str, facility_id: int, period: str, *, scope: Scope
) -> tuple[str, int] | None:
    """Return the ref of the last export that a facility's report of a month is in, and which revision; or None."""
    statement = (
        select(exports.c.ref, reports.c.id)
        .select_from(reports)
        .join(export_reports, export_reports.c.report_id == reports.c.id)
        .join(exports, exports.c.id == export_reports.c.export_id)
        .where(reports.c.form == form, reports.c.facility_id == facility_id, reports.c.period == period)
        .where(exports.c.state == DONE, within(exports.c.area, scope))
        .order_by(exports.c.id.desc())
        .limit(1)
    )
    row = session.execute(statement).first()
    return (row[0], row[1]) if row else None


def _of_export(export_id: int) -> Select[Any]:
    return (
        select(reports.c.id, reports.c.facility_id, reports.c.period)
        .join(export_reports, export_reports.c.report_id == reports.c.id)
        .where(export_reports.c.export_id == export_id)
    )


def _compare(session: Session, then: Select[Any], now: Select[Any], scope: Scope) -> Changes:
    was, here = then.subquery("was"), now.subquery("here")
    changed = _outer(was, here, here.c.id).where(or_(here.c.id.is_(None), here.c.id != was.c.id))
    new = _outer(here, was, was.c.id).where(was.c.id.is_(None))
    counts, rows = 0, []
    for statement, is_new in ((changed, False), (new, True)):
        inside = statement.join(facilities, facilities.c.id == statement.selected_columns.facility_id)
        inside = inside.add_columns(facilities.c.code, facilities.c.name).where(within(facilities.c.area, scope))
        counts += int(session.execute(select(func.count()).select_from(inside.subquery())).scalar_one())
        ordered = inside.order_by(facilities.c.code, statement.selected_columns.period).limit(MOST)
        rows += [(is_new, row) for row in session.execute(ordered).all()]
    return Changes(counts, _describe(session, rows[:MOST]))


def _outer(one: Subquery, other: Subquery, partner: ColumnElement[Any]) -> Select[Any]:
    same = (one.c.facility_id == other.c.facility_id) & (one.c.period == other.c.period)
    return select(one.c.id, one.c.facility_id, one.c.period, partner.label("partner")).select_from(
        one.outerjoin(other, same)
    )


def _describe(session: Session, rows: Sequence[tuple[bool, Any]]) -> tuple[Changed, ...]:
    ids = {one for _, row in rows for one in (row.id, row.partner) if one is not None}
    values = values_of(session, sorted(ids))
    found = []
    for is_new, row in rows:
        kind = Change.NEW if is_new else Change.CHANGED if row.partner is not None else Change.GONE
        was = {} if is_new else values.get(row.id, {})
        now = values.get(row.id, {}) if is_new else values.get(row.partner, {})
        differ = {key for key in was.keys() | now.keys() if was.get(key) != now.get(key)}
        found.append(
            Changed(
                kind=kind,
                facility_id=row.facility_id,
                facility_code=row.code,
                facility=row.name,
                period=row.period,
                report_id=row.partner if kind is Change.CHANGED else row.id,
                was={key: was[key] for key in sorted(differ) if key in was},
                now={key: now[key] for key in sorted(differ) if key in now},
            )
        )
    return tuple(found)
