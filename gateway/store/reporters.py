"""Reporters: who may report for which facility, from which phones; and who has asked to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    bindparam,
    insert,
    select,
    update,
)

from gateway.store.areas import areas
from gateway.store.base import Session, UtcDateTime, metadata
from gateway.store.facilities import COLUMNS, Facility, facilities

reporters = Table(
    "reporters",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(100), nullable=False),
    Column("language", String(2), nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("only_channel", String(40), nullable=True),
    Column("stopped_at", UtcDateTime, nullable=True),
    Column("merged_into", Integer, nullable=True),
    Column("version", Integer, nullable=False, server_default="0"),
)
Index("ix_reporters_name", reporters.c.name, reporters.c.id)

reporter_phones = Table(
    "reporter_phones",
    metadata,
    Column("phone", String(20), primary_key=True),
    Column("reporter_id", ForeignKey("reporters.id"), primary_key=True, index=True),
)

reporter_facilities = Table(
    "reporter_facilities",
    metadata,
    Column("reporter_id", ForeignKey("reporters.id"), primary_key=True),
    Column("facility_id", ForeignKey("facilities.id"), primary_key=True, index=True),
    Column("is_responsible", Boolean, nullable=False),
    Column("from_period", String(7), nullable=True),
    Column("until_period", String(7), nullable=True),
    Column("leave_id", Integer, nullable=True),
)

reporter_leaves = Table(
    "reporter_leaves",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("reporter_id", ForeignKey("reporters.id"), nullable=False, index=True),
    Column("from_on", Date, nullable=False),
    Column("until_on", Date, nullable=False),
    Column("stand_in_id", ForeignKey("reporters.id"), nullable=True),
)

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


@dataclass(frozen=True, slots=True)
class Reporter:
    """One reporter with the facilities she reports for. `only_channel` binds a demo reporter to the simulator."""

    id: int
    name: str
    language: str
    only_channel: str | None
    stopped_at: datetime | None
    facilities: tuple[Facility, ...]


@dataclass(frozen=True, slots=True)
class Registration:
    """A phone that asks to be registered, with its words. `old_phone` is the one that it would take the place of."""

    id: int
    phone: str
    channel: str
    words: str
    old_phone: str | None
    asked_at: datetime


# What is asked for every batch is put together once: that costs more than asking it.
_BY_PHONES = (
    select(reporter_phones.c.phone, reporters)
    .join(reporters, reporters.c.id == reporter_phones.c.reporter_id)
    .where(reporter_phones.c.phone.in_(bindparam("phones", expanding=True)), reporters.c.is_active)
    .order_by(reporters.c.id)
)
_FACILITIES_OF = (
    select(reporter_facilities.c.reporter_id, *COLUMNS)
    .join(facilities, facilities.c.id == reporter_facilities.c.facility_id)
    .join(areas, areas.c.code == facilities.c.area)
    .where(reporter_facilities.c.reporter_id.in_(bindparam("reporter_ids", expanding=True)), facilities.c.is_active)
    .order_by(reporter_facilities.c.is_responsible.desc(), facilities.c.id)
)


def find_by_phones(session: Session, phones: Collection[str]) -> dict[str, tuple[Reporter, ...]]:
    """Return the active reporters of each phone, in one question for a whole batch. A shared phone has several."""
    if not phones:
        return {}
    people = session.execute(_BY_PHONES, {"phones": list(phones)}).all()
    places = _facilities_of(session, {person.id for person in people})
    found: dict[str, list[Reporter]] = defaultdict(list)
    for person in people:
        found[person.phone].append(
            Reporter(
                person.id,
                person.name,
                person.language,
                person.only_channel,
                person.stopped_at,
                tuple(places.get(person.id, ())),
            )
        )
    return {phone: tuple(these) for phone, these in found.items()}


def _facilities_of(session: Session, reporter_ids: Collection[int]) -> dict[int, list[Facility]]:
    if not reporter_ids:
        return {}
    found: dict[int, list[Facility]] = defaultdict(list)
    for reporter_id, *facility in session.execute(_FACILITIES_OF, {"reporter_ids": list(reporter_ids)}):
        found[reporter_id].append(Facility(*facility))
    return found


def find_by_channel(session: Session, channel: str) -> tuple[tuple[str, Reporter], ...]:
    """Return the phones of the active reporters bound to a channel, each with its reporter, in the order of adding."""
    statement = (
        select(reporter_phones.c.phone)
        .join(reporters, reporters.c.id == reporter_phones.c.reporter_id)
        .where(reporters.c.only_channel == channel, reporters.c.is_active)
        .order_by(reporters.c.id, reporter_phones.c.phone)
    )
    phones = tuple(session.execute(statement).scalars())
    found = find_by_phones(session, phones)
    return tuple((phone, reporter) for phone in phones for reporter in found[phone] if reporter.only_channel == channel)


def add_reporter(
    session: Session,
    name: str,
    phones: Sequence[str],
    facility_ids: Sequence[int],
    *,
    language: str = "id",
    only_channel: str | None = None,
) -> int:
    """Add a reporter with her phones and facilities (the first one is hers to answer for) and return her id."""
    row = {
        "name": name,
        "language": language,
        "is_active": True,
        "only_channel": only_channel,
    }
    reporter_id = int(session.execute(insert(reporters).returning(reporters.c.id), row).scalar_one())
    session.execute(
        insert(reporter_phones),
        [{"phone": phone, "reporter_id": reporter_id} for phone in phones],
    )
    places = [
        {"reporter_id": reporter_id, "facility_id": facility_id, "is_responsible": True} for facility_id in facility_ids
    ]
    if places:
        session.execute(insert(reporter_facilities), places)
    return reporter_id


def set_language(session: Session, reporter_id: int, language: str) -> None:
    """Answer this reporter in another language from now on."""
    session.execute(update(reporters).where(reporters.c.id == reporter_id).values(language=language))


def set_stopped(session: Session, reporter_id: int, stopped_at: datetime | None) -> None:
    """End this reporter's reminders at an instant, or start them again with None. Answers go on either way."""
    session.execute(update(reporters).where(reporters.c.id == reporter_id).values(stopped_at=stopped_at))


def ask_registration(
    session: Session, phone: str, channel: str, words: str, asked_at: datetime, old_phone: str | None = None
) -> bool:
    """Keep a request to be registered and return whether it is new; asked again, its words are the newest."""
    waiting = registrations.c.phone == phone, registrations.c.state == "waiting"
    changed = session.execute(
        update(registrations).where(*waiting).values(words=words, channel=channel, old_phone=old_phone)
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


def move_phone(session: Session, old_phone: str, new_phone: str) -> int:
    """Let the reporters of one phone report from another from now on; return how many they are."""
    statement = update(reporter_phones).where(reporter_phones.c.phone == old_phone).values(phone=new_phone)
    return int(session.execute(statement).rowcount)


def waiting_registrations(session: Session) -> tuple[Registration, ...]:
    """Return the requests that staff have not decided, oldest first."""
    columns = (registrations.c[name] for name in Registration.__slots__)
    statement = select(*columns).where(registrations.c.state == "waiting").order_by(registrations.c.id)
    return tuple(Registration(*row) for row in session.execute(statement))


def settle_registration(session: Session, phone: str, state: str, now: datetime) -> bool:
    """Mark the waiting request of a phone as approved or refused; False when there is none."""
    waiting = registrations.c.phone == phone, registrations.c.state == "waiting"
    changed = session.execute(update(registrations).where(*waiting).values(state=state, decided_at=now))
    return bool(changed.rowcount)
