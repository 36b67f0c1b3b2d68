"""Senders: who sent a report, and by which phone and channel she can be written to now."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from gateway.store.base import Session, within
from gateway.store.facilities import facilities
from gateway.store.inbox import inbox
from gateway.store.reporters import reporter_facilities, reporter_phones, reporters
from gateway.store.reports import reports
from gateway.store.users import users
from gateway.values import Scope


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent a report. `phone` is the one that she sent it from, or where that is no longer hers, one that is."""

    reporter_id: int
    name: str
    language: str
    phone: str
    channel: str
    inbox_id: int
    trace_id: str


def find_sender(session: Session, report_id: int, *, scope: Scope) -> Sender | None:
    """Return who sent a report within the scope; None where no message brought it, or she has no phone any more."""
    statement = (
        select(
            reporters.c.id,
            reporters.c.name,
            reporters.c.language,
            inbox.c.sender,
            inbox.c.channel,
            inbox.c.id.label("inbox_id"),
            inbox.c.trace_id,
            reporter_phones.c.phone,
        )
        .select_from(reports)
        .join(facilities, facilities.c.id == reports.c.facility_id)
        .join(inbox, inbox.c.id == reports.c.inbox_id)
        .join(reporters, reporters.c.id == reports.c.reporter_id)
        .join(reporter_phones, reporter_phones.c.reporter_id == reporters.c.id)
        .where(reports.c.id == report_id, reporters.c.is_active, within(facilities.c.area, scope))
        .order_by(reporter_phones.c.phone)
    )
    rows = session.execute(statement).all()
    if not rows:
        return None
    row = next((one for one in rows if one.phone == one.sender), rows[0])
    return Sender(row.id, row.name, row.language, row.phone, row.channel, row.inbox_id, row.trace_id)


def is_known_elsewhere(session: Session, phone: str, *, scope: Scope) -> bool:
    """Tell whether a phone is that of somebody who reports, or works, outside the scope.

    What comes from it through a system of this scope must not speak for her there.
    """
    if not scope.area:
        return False
    hers = (
        select(reporter_phones.c.phone)
        .join(reporter_facilities, reporter_facilities.c.reporter_id == reporter_phones.c.reporter_id)
        .join(facilities, facilities.c.id == reporter_facilities.c.facility_id)
        .where(reporter_phones.c.phone == phone, ~within(facilities.c.area, scope))
    )
    theirs = select(users.c.id).where(users.c.phone == phone, ~within(users.c.area, scope))
    return any(session.execute(one.limit(1)).first() is not None for one in (hers, theirs))
