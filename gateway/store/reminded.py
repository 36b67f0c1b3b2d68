"""Reminded: who was reminded of what and when, what became of the SMS, and which reports came after it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, tuple_

from gateway.store.areas import areas
from gateway.store.base import Session, UtcDateTime, within
from gateway.store.facilities import facilities
from gateway.store.outbox import outbox
from gateway.store.reminders import REMINDER, reminder_messages, reminders
from gateway.store.reporters import reporter_facilities, reporter_phones, reporters
from gateway.store.reports import reports
from gateway.store.users import users
from gateway.values import COUNTING, OutboxState, ReportState, Scope

REACHED = (OutboxState.SENT, OutboxState.DELIVERED)
CAME = (*COUNTING, ReportState.REPLACED)  # one that was replaced has come too, and a later one with it


@dataclass(frozen=True, slots=True)
class WishedReminders:
    """Which reminders are looked for: of a form's month in an area, if wished of one rung or one facility."""

    form: str
    period: str
    area: str
    rung: str = ""
    facility_id: int | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One SMS of a reminder, and what became of it; `name` is who has the number, None where nobody has any more."""

    reminder_id: int
    outbox_id: int
    name: str | None
    kind: str
    recipient: str
    text: str
    state: str
    reason: str | None
    sent_at: datetime | None
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Reminded:
    """One reminder: of a facility, or where that is None of a whole area. `came_at` are the reports that came since.

    Shape: `came_at` is in the order of time, by when they were sent.
    """

    id: int
    form: str
    period: str
    rung: str
    opening: int
    created_at: datetime
    area: str
    area_name: str
    timezone: str
    facility_id: int | None
    facility: str | None
    messages: tuple[Message, ...] = ()
    came_at: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Reached:
    """A facility that was reminded by a rung: when its first SMS went out, and when its report came, if it did."""

    rung: str
    facility_id: int
    sent_at: datetime
    came_at: datetime | None


def list_reminded(
    session: Session, wished: WishedReminders, *, scope: Scope, before: int | None = None, limit: int = 50
) -> tuple[Reminded, ...]:
    """Return a page of reminders, the newest first: those before the one of an id."""
    columns = [reminders.c[name] for name in ("id", "form", "period", "rung", "opening", "created_at", "area")]
    statement = (
        select(*columns, areas.c.name, areas.c.timezone, reminders.c.facility_id, facilities.c.name)
        .join(areas, areas.c.code == reminders.c.area)
        .outerjoin(facilities, facilities.c.id == reminders.c.facility_id)
        .where(*_wishes(wished, scope), *([reminders.c.id < before] if before is not None else []))
        .order_by(reminders.c.id.desc())
        .limit(limit)
    )
    found = session.execute(statement).all()
    by_reminder = _messages_of(session, [row[0] for row in found])
    came = _reports_of(session, {(row.form, row.period, row.facility_id) for row in found})
    rows = []
    for row in found:
        messages = by_reminder.get(row[0], ())
        since = min((one.sent_at for one in messages if one.sent_at), default=row.created_at)
        after = (at for at in came.get((row.form, row.period, row.facility_id), ()) if at >= since)
        rows.append(Reminded(*row, messages=messages, came_at=tuple(after)))
    return tuple(rows)


def list_reached(session: Session, form: str, period: str, area: str, *, scope: Scope) -> tuple[Reached, ...]:
    """Return every facility of an area that an SMS of a rung reached in a month, by rung and time.

    The bounds are those of the area's facilities and rungs: ask it of a regency, not of the whole country.
    """
    statement = (
        select(reminders.c.rung, reminders.c.facility_id, func.min(outbox.c.sent_at, type_=UtcDateTime).label("sent"))
        .join(reminder_messages, reminder_messages.c.reminder_id == reminders.c.id)
        .join(outbox, outbox.c.id == reminder_messages.c.outbox_id)
        .where(*_wishes(WishedReminders(form, period, area), scope), reminders.c.facility_id.is_not(None))
        .where(outbox.c.kind == REMINDER, outbox.c.state.in_(REACHED))
        .group_by(reminders.c.id, reminders.c.rung, reminders.c.facility_id)
        .order_by("sent")
    )
    found = session.execute(statement).all()
    came: dict[int, list[datetime]] = defaultdict(list)
    here = within(facilities.c.area, scope), within(facilities.c.area, Scope(area))
    about = reports.c.form == form, reports.c.period == period, reports.c.state.in_(CAME)
    reported = select(reports.c.facility_id, reports.c.sent_at).join(facilities).where(*here, *about)
    for facility_id, sent_at in session.execute(reported.order_by(reports.c.sent_at)):
        came[facility_id].append(sent_at)
    return tuple(
        Reached(rung, facility_id, sent, next((at for at in came[facility_id] if at >= sent), None))
        for rung, facility_id, sent in found
    )


def _wishes(wished: WishedReminders, scope: Scope) -> list[ColumnElement[bool]]:
    holds = [
        reminders.c.period == wished.period,
        reminders.c.form == wished.form,
        within(reminders.c.area, scope),
        within(reminders.c.area, Scope(wished.area)),
    ]
    if wished.rung:
        holds.append(
            (reminders.c.rung == wished.rung) | reminders.c.rung.startswith(f"{wished.rung}-", autoescape=True)
        )
    if wished.facility_id is not None:
        holds.append(reminders.c.facility_id == wished.facility_id)
    return holds


def _messages_of(session: Session, reminder_ids: Sequence[int]) -> dict[int, tuple[Message, ...]]:
    """Return the SMS of each of these reminders, in the order in which they were queued."""
    hers = (
        select(func.min(reporters.c.name))
        .select_from(reporter_phones)
        .join(reporters, reporters.c.id == reporter_phones.c.reporter_id)
        .join(reporter_facilities, reporter_facilities.c.reporter_id == reporters.c.id)
        .where(reporter_phones.c.phone == outbox.c.recipient)
        .where(reporter_facilities.c.facility_id == reminders.c.facility_id)
        .correlate(outbox, reminders)
        .scalar_subquery()
    )
    theirs = select(func.min(users.c.name)).where(users.c.phone == outbox.c.recipient).scalar_subquery()
    columns = [outbox.c[name] for name in ("kind", "recipient", "text", "state", "reason", "sent_at", "delivered_at")]
    statement = (
        select(reminders.c.id, outbox.c.id, func.coalesce(hers, theirs), *columns)
        .join(reminder_messages, reminder_messages.c.reminder_id == reminders.c.id)
        .join(outbox, outbox.c.id == reminder_messages.c.outbox_id)
        .where(reminders.c.id.in_(reminder_ids))
        .order_by(outbox.c.id)
    )
    found: dict[int, list[Message]] = defaultdict(list)
    for row in session.execute(statement):
        found[row[0]].append(Message(*row))
    return {reminder_id: tuple(these) for reminder_id, these in found.items()}


def _reports_of(
    session: Session, keys: Collection[tuple[str, str, int | None]]
) -> dict[tuple[str, str, int | None], list[datetime]]:
    """Return when reports of these forms, months and facilities were sent, in the order of time."""
    wanted = [key for key in keys if key[2] is not None]
    about = reports.c.form, reports.c.period, reports.c.facility_id
    statement = select(*about, reports.c.sent_at).where(tuple_(*about).in_(wanted), reports.c.state.in_(CAME))
    found: dict[tuple[str, str, int | None], list[datetime]] = defaultdict(list)
    for form, period, facility_id, sent_at in session.execute(statement.order_by(reports.c.sent_at)):
        found[form, period, facility_id].append(sent_at)
    return found
