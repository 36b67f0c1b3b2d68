"""Reminders: who was reminded of which report by which rung; each key once, whatever is repeated or runs twice."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from gateway.store.areas import areas
from gateway.store.base import Session, UtcDateTime, is_postgresql, metadata
from gateway.store.facilities import facilities
from gateway.store.inbox import BigId
from gateway.store.outbox import outbox
from gateway.store.reporters import reporter_phones
from gateway.store.users import users
from gateway.values import OutboxState

REMINDER = "reminder"  # kinds of its messages: to who reports, to staff, and the thanks of the month
TO_STAFF = "reminder_staff"
THANKS = "thanks"
KINDS = (REMINDER, TO_STAFF, THANKS)
LONGEST_WAY = timedelta(days=40)  # no reminder waits so long to be sent: its window has closed before
_TURNS = 0x6B72  # whose advisory locks: "kr"
MOST_KEYS = 500  # that one statement claims: a database takes so many values at once

reminders = Table(
    "reminders",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("form", String(20), nullable=False),
    Column("period", String(7), nullable=False),
    Column("subject", String(24), nullable=False),
    Column("rung", String(20), nullable=False),
    Column("opening", Integer, nullable=False),
    Column("area", String(13), nullable=False),
    Column("facility_id", ForeignKey("facilities.id"), nullable=True),
    Column("closes_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("form", "period", "subject", "rung", "opening", name="uq_reminders_key"),
)
Index("ix_reminders_area", reminders.c.area, reminders.c.id)
Index("ix_reminders_facility_id", reminders.c.facility_id, reminders.c.id)
Index("ix_reminders_period", reminders.c.period, reminders.c.form, reminders.c.area, reminders.c.id)  # lists of a month

reminder_messages = Table(
    "reminder_messages",
    metadata,
    Column("reminder_id", ForeignKey("reminders.id"), primary_key=True),
    Column("outbox_id", ForeignKey("outbox.id"), primary_key=True, index=True),
)

reminder_rounds = Table(
    "reminder_rounds",
    metadata,
    Column("area", String(13), primary_key=True),
    Column("ran_at", UtcDateTime, nullable=False),
)


Key = tuple[str, str, str, str, int]  # form, period, subject, rung, opening


@dataclass(frozen=True, slots=True)
class NewReminder:
    """A reminder about to be claimed. `subject` is a facility or an area; `closes_at` is when it makes no sense."""

    form: str
    period: str
    subject: str
    rung: str
    opening: int
    area: str
    facility_id: int | None
    closes_at: datetime

    @property
    def key(self) -> Key:
        """What of it goes once."""
        return self.form, self.period, self.subject, self.rung, self.opening


@dataclass(frozen=True, slots=True)
class SentTo:
    """A message to a number, as far as it decides whether another one may go today."""

    id: int
    phone: str
    kind: str
    state: str
    created_at: datetime
    sent_at: datetime | None
    send_until: datetime | None
    closes_at: datetime | None  # a reminder that is not sent by then never goes: it may wait for a channel that is gone

    def falls_in(self, first: datetime, last: datetime, now: datetime) -> bool:
        """Tell whether it was queued or sent in a span of time, or is still to go out in it."""
        if self.state == OutboxState.QUEUED and self.closes_at is not None and self.closes_at <= now:
            return False
        if first <= self.created_at < last or (self.sent_at is not None and first <= self.sent_at < last):
            return True
        is_open = self.state in (OutboxState.QUEUED, OutboxState.SENDING)
        return is_open and (self.send_until is None or self.send_until > first)


def places_with_facilities(session: Session) -> tuple[tuple[str, str], ...]:
    """Return the code and the clock of every kecamatan that has facilities, by code."""
    held = select(facilities.c.area).distinct()
    statement = select(areas.c.code, areas.c.timezone).where(areas.c.code.in_(held)).order_by(areas.c.code)
    return tuple((row.code, row.timezone) for row in session.execute(statement))


def last_rounds(session: Session) -> dict[str, datetime]:
    """Return when each regency's reminders were last looked at."""
    return {row.area: row.ran_at for row in session.execute(select(reminder_rounds))}


def take_turn(session: Session, regency: str, now: datetime) -> bool:
    """Let nobody else look at a regency's reminders until this transaction ends; False where somebody does now."""
    if is_postgresql(session):  # a write transaction on SQLite already holds the whole database
        turn = func.pg_try_advisory_xact_lock(_TURNS, zlib.crc32(regency.encode()) - 2**31)
        if not session.execute(select(turn)).scalar_one():
            return False
    mine = update(reminder_rounds).where(reminder_rounds.c.area == regency)
    if not session.execute(mine.values(ran_at=now)).rowcount:
        session.execute(insert(reminder_rounds), {"area": regency, "ran_at": now})
    return True


def hold_phones(session: Session, phones: Collection[str]) -> None:
    """Let nobody else remind these numbers until this transaction ends; taken in one order, so that none is stuck."""
    if not is_postgresql(session) or not phones:  # a write transaction on SQLite already holds the whole database
        return
    hers = select(reporter_phones.c.phone).where(reporter_phones.c.phone.in_(phones))
    by_phone = reporter_phones.c.phone, reporter_phones.c.reporter_id
    session.execute(hers.order_by(*by_phone).with_for_update(key_share=True))
    theirs = select(users.c.id).where(users.c.phone.in_(phones)).order_by(users.c.id)
    session.execute(theirs.with_for_update(key_share=True))


def sends_to(session: Session, phones: Collection[str], since: datetime) -> tuple[SentTo, ...]:
    """Return what was queued for or sent to these numbers since an instant, and the reminders before it that wait."""
    columns = (outbox.c.id, outbox.c.recipient, outbox.c.kind, outbox.c.state, outbox.c.created_at)
    old_reminder = outbox.c.kind.in_(KINDS) & (outbox.c.created_at >= since - LONGEST_WAY)
    of_it = reminder_messages.c.outbox_id == outbox.c.id, reminders.c.id == reminder_messages.c.reminder_id
    closes_at = select(func.max(reminders.c.closes_at, type_=UtcDateTime)).where(*of_it).scalar_subquery()
    statement = select(*columns, outbox.c.sent_at, outbox.c.send_until, closes_at).where(
        outbox.c.recipient.in_(phones),
        outbox.c.state != OutboxState.WITHHELD,
        or_(outbox.c.created_at >= since, old_reminder),
    )
    return tuple(SentTo(*row) for row in session.execute(statement)) if phones else ()


def claim_keys(session: Session, wanted: Sequence[NewReminder], now: datetime) -> dict[Key, int]:
    """Take these reminders and return the ids of those that nobody had taken: each key goes once, whatever repeats."""
    dialect = postgresql if is_postgresql(session) else sqlite
    statement = dialect.insert(reminders).on_conflict_do_nothing()
    columns = (reminders.c[name] for name in ("form", "period", "subject", "rung", "opening", "id"))
    returning = statement.returning(*columns)
    found: dict[Key, int] = {}
    rows = [asdict(one) | {"created_at": now} for one in sorted(wanted, key=lambda one: one.key)]
    for start in range(0, len(rows), MOST_KEYS):
        for form, period, subject, rung, opening, reminder_id in session.execute(
            returning, rows[start : start + MOST_KEYS]
        ):
            found[form, period, subject, rung, opening] = reminder_id
    return found


def link(session: Session, pairs: Sequence[tuple[int, int]]) -> None:
    """Write down which reminder went with which message. Shape: (reminder's id, message's id)."""
    rows = [{"reminder_id": reminder_id, "outbox_id": outbox_id} for reminder_id, outbox_id in pairs]
    if rows:
        session.execute(insert(reminder_messages), rows)


def give_back(session: Session, message_id: int, keys: Collection[Key]) -> None:
    """Let reminders that a message does not say after all be taken again; not where another message says them."""
    columns = (reminders.c[name] for name in ("form", "period", "subject", "rung", "opening"))
    mine = reminders.c.id == reminder_messages.c.reminder_id, reminder_messages.c.outbox_id == message_id
    held = select(reminders.c.id, *columns).where(*mine)
    ids = {reminder_id for reminder_id, *key in session.execute(held) if tuple(key) in keys}
    elsewhere = (
        select(reminder_messages.c.reminder_id)
        .join(outbox, outbox.c.id == reminder_messages.c.outbox_id)
        .where(reminder_messages.c.reminder_id.in_(ids), outbox.c.id != message_id)
        .where(outbox.c.state != OutboxState.WITHHELD)
    )
    free = ids - set(session.execute(elsewhere).scalars())
    session.execute(delete(reminder_messages).where(reminder_messages.c.reminder_id.in_(free)))
    session.execute(delete(reminders).where(reminders.c.id.in_(free)))


def gone_rungs(
    session: Session, forms: Collection[str], periods: Collection[str], subjects: Collection[str]
) -> dict[tuple[str, str, str, int], frozenset[str]]:
    """Return which rungs have gone, by form, period, subject and opening."""
    about = reminders.c.form.in_(forms), reminders.c.period.in_(periods), reminders.c.subject.in_(subjects)
    columns = (reminders.c[name] for name in ("form", "period", "subject", "opening", "rung"))
    found: dict[tuple[str, str, str, int], set[str]] = defaultdict(set)
    for form, period, subject, opening, rung in session.execute(select(*columns).where(*about)):
        found[form, period, subject, opening].add(rung)
    return {key: frozenset(rungs) for key, rungs in found.items()}


def reminders_of(session: Session, message_ids: Collection[int]) -> Mapping[int, tuple[NewReminder, ...]]:
    """Return the reminders that go with each of these messages, in the order in which they were taken."""
    columns = (reminders.c[name] for name in NewReminder.__slots__)
    statement = (
        select(reminder_messages.c.outbox_id, *columns)
        .join(reminders, reminders.c.id == reminder_messages.c.reminder_id)
        .where(reminder_messages.c.outbox_id.in_(message_ids))
        .order_by(reminders.c.id)
    )
    found: dict[int, list[NewReminder]] = defaultdict(list)
    for message_id, *reminder in session.execute(statement):
        found[message_id].append(NewReminder(*reminder))
    return {message_id: tuple(these) for message_id, these in found.items()}
