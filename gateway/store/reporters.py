"""Reporters: who may report for which facility, from which phones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
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


@dataclass(frozen=True, slots=True)
class Months:
    """The months from one to another, both among them; None is without end."""

    first: str | None
    last: str | None

    def hold(self, period: str) -> bool:
        """Tell whether a month is one of these."""
        return (self.first is None or self.first <= period) and (self.last is None or period <= self.last)


@dataclass(frozen=True, slots=True)
class Reporter:
    """One reporter with the facilities she reports for. `only_channel` binds a demo reporter to the simulator.

    Shape: `months` tells in which months she reports for a facility, by its id, where not in all.
    """

    id: int
    name: str
    language: str
    only_channel: str | None
    stopped_at: datetime | None
    facilities: tuple[Facility, ...]
    months: Mapping[int, Months] = field(default_factory=dict)

    def facilities_in(self, period: str | None) -> tuple[Facility, ...]:
        """Return those of her facilities that she reports for in a month: she may have moved, or stand in for a time.

        Where that leaves none, or no month is given, they are all of hers: what she sends is asked about, not lost.
        """
        if period is None or not self.months:
            return self.facilities
        held = (one for one in self.facilities if one.id not in self.months or self.months[one.id].hold(period))
        return tuple(held) or self.facilities


# What is asked for every batch is put together once: that costs more than asking it.
_BY_PHONES = (
    select(reporter_phones.c.phone, reporters)
    .join(reporters, reporters.c.id == reporter_phones.c.reporter_id)
    .where(reporter_phones.c.phone.in_(bindparam("phones", expanding=True)), reporters.c.is_active)
    .order_by(reporters.c.id)
)
_FACILITIES_OF = (
    select(
        reporter_facilities.c.reporter_id,
        reporter_facilities.c.from_period,
        reporter_facilities.c.until_period,
        *COLUMNS,
    )
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
                tuple(facility for facility, _ in places.get(person.id, ())),
                {facility.id: months for facility, months in places.get(person.id, ()) if months},
            )
        )
    return {phone: tuple(these) for phone, these in found.items()}


def _facilities_of(session: Session, reporter_ids: Collection[int]) -> dict[int, list[tuple[Facility, Months | None]]]:
    if not reporter_ids:
        return {}
    found: dict[int, list[tuple[Facility, Months | None]]] = defaultdict(list)
    for reporter_id, first, last, *facility in session.execute(_FACILITIES_OF, {"reporter_ids": list(reporter_ids)}):
        months = Months(first, last) if first or last else None
        found[reporter_id].append((Facility(*facility), months))
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


def add_phone(session: Session, reporter_id: int, phone: str) -> None:
    """Let a reporter report from one more phone; what she has stays."""
    pair = {"phone": phone, "reporter_id": reporter_id}
    hers = select(reporter_phones).filter_by(**pair)
    if session.execute(hers).first() is None:
        session.execute(insert(reporter_phones), pair)


def move_phone(session: Session, old_phone: str, new_phone: str) -> int:
    """Let the reporters of one phone report from another from now on; return how many they are."""
    statement = update(reporter_phones).where(reporter_phones.c.phone == old_phone).values(phone=new_phone)
    return int(session.execute(statement).rowcount)
