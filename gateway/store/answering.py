"""Who answers for facilities: every reporter of each, whoever is responsible first, and the phone to write to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace

from sqlalchemy import exists, select

from gateway.store.base import Session
from gateway.store.facilities import facilities
from gateway.store.inbox import inbox
from gateway.store.reporters import Months, reporter_facilities, reporter_phones, reporters


@dataclass(frozen=True, slots=True)
class Answering:
    """One reporter of one facility, with the phone she last wrote from and the channel she wrote by.

    Shape: `months` tells in which months she reports for it, None where in all. `is_stopped`: somebody on this phone
    wants no reminders; who shares a phone is left alone with the other. `phones` are all of hers.
    """

    facility_id: int
    reporter_id: int
    name: str
    language: str
    phone: str
    only_channel: str | None
    is_stopped: bool
    months: Months | None = None
    last_channel: str | None = None
    phones: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Team:
    """Who answers for some facilities. Shape: `places` are the facilities that each phone reports for, with months."""

    by_facility: dict[int, tuple[Answering, ...]]
    places: dict[str, tuple[tuple[int, Months | None], ...]]

    def of(self, facility_id: int, period: str) -> tuple[Answering, ...]:
        """Return who answers for a facility's report of a month, whoever is responsible first."""
        these = self.by_facility.get(facility_id, ())
        return tuple(one for one in these if one.months is None or one.months.hold(period))

    def has_several(self, phone: str, period: str) -> bool:
        """Tell whether what comes from a phone must name the place that it is about."""
        held = {place for place, months in self.places.get(phone, ()) if months is None or months.hold(period)}
        return len(held) > 1


def find_team(session: Session, facility_ids: Collection[int]) -> Team:
    """Return who answers for these facilities, in three questions however many they are.

    For one that is closed today nobody does: what she sent for it would not be taken.
    """
    other, person = reporter_phones.alias("other"), reporters.alias("person")
    shares = other.c.reporter_id == person.c.id, other.c.phone == reporter_phones.c.phone
    is_stopped = exists().where(*shares, person.c.is_active, person.c.stopped_at.is_not(None))
    last = select(inbox.c.id).where(inbox.c.sender == reporter_phones.c.phone).order_by(inbox.c.id.desc()).limit(1)
    is_stand_in = reporter_facilities.c.leave_id.is_not(None)
    statement = (
        select(
            reporter_facilities.c.facility_id,
            *(reporters.c.id, reporters.c.name, reporters.c.language, reporter_phones.c.phone),
            *(reporters.c.only_channel, is_stopped.label("is_stopped")),
            *(reporter_facilities.c.from_period, reporter_facilities.c.until_period),
            last.scalar_subquery().label("last"),
        )
        .select_from(reporter_facilities)
        .join(facilities, facilities.c.id == reporter_facilities.c.facility_id)
        .join(reporters, reporters.c.id == reporter_facilities.c.reporter_id)
        .join(reporter_phones, reporter_phones.c.reporter_id == reporters.c.id)
        .where(reporter_facilities.c.facility_id.in_(facility_ids), facilities.c.is_active)
        .where(reporters.c.is_active, reporters.c.merged_into.is_(None))
        .order_by(reporter_facilities.c.is_responsible.desc(), is_stand_in.desc())
        .order_by(reporters.c.id, reporter_phones.c.phone)
    )
    chosen: dict[tuple[int, int], tuple[int, Answering]] = {}  # of several phones the one that she last wrote from
    phones: dict[int, set[str]] = defaultdict(set)
    for row in session.execute(statement):
        *who, first, until, last_id = row
        one = replace(Answering(*who[:7]), months=Months(first, until) if first or until else None)
        pair = one.facility_id, one.reporter_id
        phones[one.reporter_id].add(one.phone)
        if pair not in chosen or (last_id or 0) > chosen[pair][0]:
            chosen[pair] = last_id or 0, one
    channels = _channels_of(session, {last_id for last_id, _ in chosen.values() if last_id})
    found: dict[int, list[Answering]] = defaultdict(list)
    for (facility_id, reporter_id), (last_id, one) in chosen.items():
        hers = frozenset(phones[reporter_id])
        found[facility_id].append(replace(one, last_channel=channels.get(last_id), phones=hers))
    places = _places_of(session, {one.phone for _, one in chosen.values()})
    return Team({facility_id: tuple(these) for facility_id, these in found.items()}, places)


def _channels_of(session: Session, message_ids: Collection[int]) -> dict[int, str]:
    statement = select(inbox.c.id, inbox.c.channel).where(inbox.c.id.in_(message_ids))
    return {row.id: row.channel for row in session.execute(statement)} if message_ids else {}


def _places_of(session: Session, phones: Collection[str]) -> dict[str, tuple[tuple[int, Months | None], ...]]:
    months = reporter_facilities.c.from_period, reporter_facilities.c.until_period
    statement = (
        select(reporter_phones.c.phone, reporter_facilities.c.facility_id, *months)
        .join(reporters, reporters.c.id == reporter_phones.c.reporter_id)
        .join(reporter_facilities, reporter_facilities.c.reporter_id == reporters.c.id)
        .join(facilities, facilities.c.id == reporter_facilities.c.facility_id)
        .where(reporter_phones.c.phone.in_(phones), reporters.c.is_active, facilities.c.is_active)
    )
    found: dict[str, list[tuple[int, Months | None]]] = defaultdict(list)
    for phone, facility_id, first, until in session.execute(statement) if phones else ():
        found[phone].append((facility_id, Months(first, until) if first or until else None))
    return {phone: tuple(these) for phone, these in found.items()}
