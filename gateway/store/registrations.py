"""Registrations: who has asked by SMS to be registered, or to report from a new phone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ColumnElement, Index, Integer, String, Table, Text, insert, or_, select, true, update

from gateway.store.base import Session, UtcDateTime, metadata, within
from gateway.store.channels import channels
from gateway.store.facilities import facilities
from gateway.store.reporters import reporter_facilities, reporter_phones
from gateway.values import Scope

registrations = Table(
    "registrations",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("phone", String(20), nullable=False),
    Column("channel", String(40), nullable=False),
    Column("words", Text, nullable=False),
    Column("old_phone", String(20), nullable=True),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("state", String(10), nullable=False),
    Column("decided_at", UtcDateTime, nullable=True),
    Column("reason", String(200), nullable=True),
)
Index(
    "uq_registrations_waiting",
    registrations.c.phone,
    unique=True,
    sqlite_where=registrations.c.state == "waiting",
    postgresql_where=registrations.c.state == "waiting",
)
_waits = registrations.c.state == "waiting"


@dataclass(frozen=True, slots=True)
class Registration:
    """A phone that asks to be registered, with its words. `old_phone` is the one that it would take the place of."""

    id: int
    phone: str
    channel: str
    words: str
    old_phone: str | None
    asked_at: datetime


_COLUMNS = tuple(registrations.c[name] for name in Registration.__slots__)


def ask_registration(
    session: Session, phone: str, channel: str, words: str, asked_at: datetime, old_phone: str | None = None
) -> bool:
    """Keep a request to be registered and return whether it is new; asked again, its words are the newest."""
    changed = session.execute(
        update(registrations)
        .where(registrations.c.phone == phone, _waits)
        .values(words=words, channel=channel, old_phone=old_phone)
    )
    if changed.rowcount == 0:
        row = {
            "phone": phone,
            "channel": channel,
            "words": words,
            "asked_at": asked_at,
            "state": "waiting",
            "old_phone": old_phone,
        }
        session.execute(insert(registrations), row)
        return True
    return False


def waiting_registrations(session: Session) -> tuple[Registration, ...]:
    """Return every request that staff have not decided, oldest first."""
    statement = select(*_COLUMNS).where(_waits).order_by(registrations.c.id)
    return tuple(Registration(*row) for row in session.execute(statement))


def list_waiting(session: Session, *, scope: Scope, after: int = 0, limit: int = 50) -> tuple[Registration, ...]:
    """Return the requests of an area that staff have not decided, oldest first, from behind the one of an id."""
    asked = select(*_COLUMNS).where(_waits, _lies_in(scope), registrations.c.id > after)
    return tuple(Registration(*row) for row in session.execute(asked.order_by(registrations.c.id).limit(limit)))


def find_waiting(session: Session, registration_id: int, *, scope: Scope) -> Registration | None:
    """Return a request of an area that staff have not decided, or None."""
    statement = select(*_COLUMNS).where(_waits, _lies_in(scope), registrations.c.id == registration_id)
    row = session.execute(statement).first()
    return Registration(*row) if row else None


def settle_registration(session: Session, phone: str, state: str, now: datetime, reason: str = "") -> bool:
    """Mark the waiting request of a phone as approved or refused; False when there is none."""
    settled = {"state": state, "decided_at": now, "reason": reason[:200] or None}
    changed = session.execute(update(registrations).where(registrations.c.phone == phone, _waits).values(settled))
    return bool(changed.rowcount)


def _lies_in(scope: Scope) -> ColumnElement[bool]:
    """Return the condition that a request is an area's: by the owner of the phone it names, or by its channel."""
    if not scope.area:
        return true()
    owners = (
        select(reporter_phones.c.phone)
        .join(reporter_facilities, reporter_facilities.c.reporter_id == reporter_phones.c.reporter_id)
        .join(facilities, facilities.c.id == reporter_facilities.c.facility_id)
        .where(within(facilities.c.area, scope))
    )
    lines = select(channels.c.name).where(channels.c.area.is_not(None), channels.c.area != "")
    return or_(
        registrations.c.old_phone.in_(owners),
        registrations.c.channel.in_(lines.where(within(channels.c.area, scope))),
    )
