"""Missing reports: which facilities owe one for a month, and whom one can remind of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_

from gateway.store.areas import areas
from gateway.store.base import Session, UtcDateTime, within
from gateway.store.facilities import facilities, is_there
from gateway.store.inbox import inbox
from gateway.store.leaves import who_is_away
from gateway.store.outbox import outbox
from gateway.store.reminders import KINDS, REMINDER
from gateway.store.reporters import reporter_facilities, reporter_phones, reporters
from gateway.store.reports import reports
from gateway.values import COUNTING, OutboxState, ReportState, Scope

__all__ = ["REMINDER", "Contact", "Owing", "contacts_of", "find_missing", "list_missing", "reminded_at"]


@dataclass(frozen=True, slots=True)
class Owing:
    """A facility that owes a report. `is_waiting`: one has come, and waits for its sender's answer or for staff."""

    id: int
    code: str
    name: str
    type: str
    area: str
    area_name: str
    timezone: str
    is_waiting: bool


@dataclass(frozen=True, slots=True)
class Contact:
    """Who answers for a facility's reports, and the phone to write to; `last_channel` is the one she last wrote by."""

    facility_id: int
    reporter_id: int
    name: str
    language: str
    phone: str
    only_channel: str | None
    stopped_at: datetime | None
    last_channel: str | None


def list_missing(
    session: Session,
    form: str,
    period: str,
    days: tuple[date, date],
    code: str,
    *,
    scope: Scope,
    after: int | None = None,
    limit: int = 50,
) -> tuple[Owing, ...]:
    """Return an area's facilities without a report that counts, by kecamatan, from behind the one of an id.

    Shape: `days` are the first and the last of the month.
    """
    place = tuple_(facilities.c.area, facilities.c.id)
    statement = _owing(form, period, days).where(
        within(facilities.c.area, Scope(code)), within(facilities.c.area, scope)
    )
    if after is not None:
        last = select(facilities.c.area, facilities.c.id).where(facilities.c.id == after).subquery()
        statement = statement.join(last, place > tuple_(last.c.area, last.c.id))
    rows = session.execute(statement.order_by(facilities.c.area, facilities.c.id).limit(limit))
    return tuple(Owing(*row) for row in rows)


def find_missing(
    session: Session, form: str, period: str, days: tuple[date, date], facility_id: int, *, scope: Scope
) -> Owing | None:
    """Return a facility that owes a report; None where it owes none, is not there or not in the scope."""
    statement = _owing(form, period, days).where(facilities.c.id == facility_id, within(facilities.c.area, scope))
    row = session.execute(statement).first()
    return Owing(*row) if row else None


def _owing(form: str, period: str, days: tuple[date, date]) -> Select[Any]:
    about = reports.c.facility_id == facilities.c.id, reports.c.form == form, reports.c.period == period
    waiting = reports.c.state.in_((ReportState.WAITING, ReportState.FLAGGED))
    return (
        select(
            facilities.c.id,
            facilities.c.code,
            facilities.c.name,
            facilities.c.type,
            facilities.c.area,
            areas.c.name.label("area_name"),
            areas.c.timezone,
            select(reports.c.id).where(*about, waiting).exists().label("is_waiting"),
        )
        .join(areas, areas.c.code == facilities.c.area)
        .where(is_there(*days))
        .where(~select(reports.c.id).where(*about, reports.c.state.in_(tuple(COUNTING))).exists())
    )


def contacts_of(
    session: Session, facility_ids: Collection[int], period: str, today: date, *, scope: Scope
) -> dict[int, Contact]:
    """Return whom to remind of each facility's report: who is responsible, and not on leave today."""
    last = select(inbox.c.channel).where(inbox.c.sender == reporter_phones.c.phone)
    in_months = _is_open(reporter_facilities.c.from_period, reporter_facilities.c.until_period, period)
    statement = (
        select(
            reporter_facilities.c.facility_id,
            reporters.c.id,
            reporters.c.name,
            reporters.c.language,
            reporter_phones.c.phone,
            reporters.c.only_channel,
            reporters.c.stopped_at,
            last.order_by(inbox.c.id.desc()).limit(1).scalar_subquery(),
        )
        .select_from(reporter_facilities)
        .join(facilities, facilities.c.id == reporter_facilities.c.facility_id)
        .join(reporters, reporters.c.id == reporter_facilities.c.reporter_id)
        .join(reporter_phones, reporter_phones.c.reporter_id == reporters.c.id)
        .where(reporter_facilities.c.facility_id.in_(facility_ids), within(facilities.c.area, scope), in_months)
        .where(reporters.c.is_active, reporters.c.merged_into.is_(None))
        .order_by(reporter_facilities.c.is_responsible.desc(), reporters.c.id, reporter_phones.c.phone)
    )
    found = [Contact(*row) for row in session.execute(statement)]
    away = who_is_away(session, {one.reporter_id for one in found}, today)
    by_facility: dict[int, list[Contact]] = defaultdict(list)
    for one in sorted(found, key=lambda one: (one.reporter_id in away, one.stopped_at is not None)):
        by_facility[one.facility_id].append(one)
    return {facility_id: these[0] for facility_id, these in by_facility.items()}


def _is_open(first: ColumnElement[str], last: ColumnElement[str], period: str) -> ColumnElement[bool]:
    return and_(or_(first.is_(None), first <= period), or_(last.is_(None), last >= period))


def reminded_at(session: Session, phones: Collection[str], since: datetime, *, scope: Scope) -> dict[str, datetime]:
    """Return when those of these numbers that are the scope's were last reminded since an instant, if they were."""
    theirs = (
        select(reporter_phones.c.phone)
        .join(reporter_facilities, reporter_facilities.c.reporter_id == reporter_phones.c.reporter_id)
        .join(facilities, facilities.c.id == reporter_facilities.c.facility_id)
        .where(reporter_phones.c.phone.in_(phones), within(facilities.c.area, scope))
    )
    statement = (
        select(outbox.c.recipient, func.max(outbox.c.created_at, type_=UtcDateTime))
        .where(outbox.c.recipient.in_(theirs), outbox.c.kind.in_(KINDS), outbox.c.created_at >= since)
        .where(outbox.c.state != OutboxState.WITHHELD)
        .group_by(outbox.c.recipient)
    )
    return {row[0]: row[1] for row in session.execute(statement)}
