"""The audience of a broadcast: which numbers it goes to, each once, and by which channel."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, func, select

from gateway.calendar import Hours, areas_around
from gateway.ladder import find_manners
from gateway.operators import find_route
from gateway.store.areas import areas
from gateway.store.base import Session, within
from gateway.store.channels import channels
from gateway.store.facilities import facilities
from gateway.store.inbox import inbox
from gateway.store.ladders import all_manners
from gateway.store.reporters import reporter_facilities, reporter_phones, reporters
from gateway.store.reports import reports
from gateway.values import COUNTING, Scope

MISSING, REPORTED = "missing", "reported"
_MOST_PHONES = 100  # of one reporter


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is written to: the reporters of an area's facilities, of some types (all, if none), reading one language.

    Shape: `about` is empty, `missing` or `reported`; then only those with a facility that has, or has not, a report of
    `form` for `period` that counts.
    """

    area: str
    types: tuple[str, ...] = ()
    language: str = ""
    about: str = ""
    form: str = ""
    period: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return asdict(self) | {"types": list(self.types)}


def from_json(kept: Mapping[str, Any]) -> Audience:
    """Return the audience that `as_json` wrote."""
    return Audience(**{**kept, "types": tuple(kept["types"])})


@dataclass(frozen=True, slots=True)
class Recipient:
    """One number of an audience. `channel` is None where no configured channel may write to it."""

    phone: str
    reporter_id: int
    name: str
    facility: str
    area: str
    language: str
    timezone: str
    stopped_at: datetime | None
    channel: str | None


@dataclass(frozen=True, slots=True)
class Share:
    """How many numbers of an audience are alike in what a preview counts by. `hours` are those of their area."""

    language: str
    timezone: str
    is_stopped: bool
    channel: str | None
    hours: Hours
    count: int


@dataclass(frozen=True, slots=True)
class Routes:
    """Which channels there are, by name, and whose area each is; the first one is for who has no other.

    A reporter bound to a channel is written to by that one only; anybody else by the one she last wrote by, else by the
    one of the smallest area around her. `only_bound` is a channel for those bound to it: the simulator beside others.
    `by_prefix` are channels by how numbers begin; they come before all but a bond.
    """

    areas: Mapping[str, str]
    only_bound: Collection[str] = ()
    by_prefix: Mapping[str, str] = field(default_factory=dict)

    def choose(self, bound_to: str | None, last: str | None, area: str, phone: str = "") -> str | None:
        """Return the channel of one reporter, or None where none may write to her."""
        if bound_to is not None:
            return bound_to if bound_to in self.areas else None
        if route := find_route(self.by_prefix, phone):
            return route
        free = [name for name in self.areas if name not in self.only_bound]
        if last in free:
            return last
        around = areas_around(area)
        near = max(
            (name for name in free if self.areas[name] in around), key=lambda it: len(self.areas[it]), default=None
        )
        return near or next(iter(free), None)


def find_routes(
    session: Session,
    names: Sequence[str],
    only_bound: Collection[str] = (),
    by_prefix: Mapping[str, str] = MappingProxyType({}),
) -> Routes:
    """Return the routes over the configured channels, in their order."""
    rows = session.execute(select(channels.c.name, channels.c.area).where(channels.c.name.in_(names)))
    known = {row.name: row.area or "" for row in rows}
    return Routes({name: known.get(name, "") for name in names}, only_bound, by_prefix)


def count_audience(session: Session, audience: Audience, routes: Routes, *, scope: Scope) -> tuple[Share, ...]:
    """Return how many numbers an audience has, by what its messages differ in. None of them is counted twice."""
    found = _people(audience, scope, routes).subquery("found")
    by = (
        found.c.language,
        found.c.timezone,
        found.c.stopped_at.is_not(None).label("is_stopped"),
        found.c.only_channel,
        found.c.last_channel,
        found.c.area,
        func.substr(found.c.phone, 1, max(map(len, routes.by_prefix), default=0)).label("start"),
    )
    chosen = all_manners(session)
    counts: dict[tuple[str, str, bool, str | None, Hours], int] = {}
    statement = select(*by, func.count()).group_by(*by)
    for language, zone, is_stopped, bound_to, last, area, start, count in session.execute(statement):
        hours = find_manners(chosen, area).hours
        key = language, zone, bool(is_stopped), routes.choose(bound_to, last, area, start), hours
        counts[key] = counts.get(key, 0) + count
    return tuple(Share(*key, count) for key, count in sorted(counts.items(), key=str))


def list_audience(
    session: Session, audience: Audience, routes: Routes, *, scope: Scope, after: str = "", limit: int = 50
) -> tuple[Recipient, ...]:
    """Return the numbers of an audience behind one of them, in the order of the numbers."""
    return _as_recipients(session, _people(audience, scope, routes, after, limit).order_by("phone"), routes)


def _as_recipients(session: Session, statement: Select[Any], routes: Routes) -> tuple[Recipient, ...]:
    return tuple(
        Recipient(
            phone=row.phone,
            reporter_id=row.reporter_id,
            name=row.name,
            facility=row.facility,
            area=row.area,
            language=row.language,
            timezone=row.timezone,
            stopped_at=row.stopped_at,
            channel=routes.choose(row.only_channel, row.last_channel, row.area, row.phone),
        )
        for row in session.execute(statement)
    )


def list_people(
    session: Session, audience: Audience, routes: Routes, *, scope: Scope, after: int = 0, limit: int = 50
) -> tuple[tuple[Recipient, ...], int | None]:
    """Return the numbers of an audience behind a place in it, and the place to go on behind; None where that was all.

    An address never holds a number: a place is a reporter's id and which of her numbers it is, in one.
    """
    found = list_audience(session, audience, routes, scope=scope, after=_phone_at(session, after), limit=limit + 1)
    if len(found) <= limit:
        return found, None
    last = found[limit - 1]
    place = last.reporter_id * _MOST_PHONES + _phones_of(session, last.reporter_id).index(last.phone)
    return found[:limit], place


def _phone_at(session: Session, place: int) -> str:
    phones = _phones_of(session, place // _MOST_PHONES) if place > 0 else []
    return phones[min(place % _MOST_PHONES, len(phones) - 1)] if phones else ""


def _phones_of(session: Session, reporter_id: int) -> list[str]:
    hers = select(reporter_phones.c.phone).where(reporter_phones.c.reporter_id == reporter_id)
    return list(session.execute(hers.order_by(reporter_phones.c.phone).limit(_MOST_PHONES)).scalars())


def facility_types(session: Session, *, scope: Scope) -> tuple[str, ...]:
    """Return the types of facility that there are in a scope."""
    statement = select(facilities.c.type).where(within(facilities.c.area, scope)).distinct()
    return tuple(session.execute(statement.order_by(facilities.c.type)).scalars())


def area_choices(session: Session, *, scope: Scope) -> tuple[tuple[str, str], ...]:
    """Return code and name of the areas to choose from: the scope's own, and its kecamatan or else its regencies.

    Only those with facilities are there.
    """
    length = 8 if len(scope.area) >= 5 else 5  # characters of a kecamatan's code, of a regency's
    codes = select(func.substr(facilities.c.area, 1, length)).where(within(facilities.c.area, scope)).distinct()
    statement = select(areas.c.code, areas.c.name).where(areas.c.code.in_(codes) | (areas.c.code == scope.area))
    return tuple((row.code, row.name) for row in session.execute(statement.order_by(areas.c.code)))


def _people(audience: Audience, scope: Scope, routes: Routes, after: str = "", limit: int | None = None) -> Select[Any]:
    """Return the question for each number of an audience once, with its first reporter and her first facility there."""
    chosen = _numbers(audience, scope, after, limit)
    last = (
        select(inbox.c.channel)
        .where(inbox.c.sender == chosen.c.phone, inbox.c.channel.in_(list(routes.areas)))
        .order_by(inbox.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return (
        select(
            chosen.c.phone,
            chosen.c.reporter_id,
            chosen.c.stopped_at,
            reporters.c.name,
            reporters.c.language,
            reporters.c.only_channel,
            facilities.c.name.label("facility"),
            facilities.c.area,
            areas.c.timezone,
            last.label("last_channel"),
        )
        .join(reporters, reporters.c.id == chosen.c.reporter_id)
        .join(facilities, facilities.c.id == chosen.c.facility_id)
        .join(areas, areas.c.code == facilities.c.area)
    )


def _numbers(audience: Audience, scope: Scope, after: str, limit: int | None) -> Subquery:
    holds = [
        within(facilities.c.area, scope),
        within(facilities.c.area, Scope(audience.area)),
        facilities.c.is_active,
        reporters.c.is_active,
        *([facilities.c.type.in_(audience.types)] if audience.types else []),
        *([reporters.c.language == audience.language] if audience.language else []),
        *([reporter_phones.c.phone > after] if after else []),
        *_about(audience),
    ]
    return (
        select(
            reporter_phones.c.phone,
            func.min(reporters.c.id).label("reporter_id"),
            func.min(facilities.c.id).label("facility_id"),
            func.max(reporters.c.stopped_at).label("stopped_at"),  # who shares a phone is left alone with the other
        )
        .join(reporters, reporters.c.id == reporter_phones.c.reporter_id)
        .join(reporter_facilities, reporter_facilities.c.reporter_id == reporters.c.id)
        .join(facilities, facilities.c.id == reporter_facilities.c.facility_id)
        .where(*holds)
        .group_by(reporter_phones.c.phone)
        .order_by(*([reporter_phones.c.phone] if limit else []))
        .limit(limit)  # here, so that a piece of a large audience costs no more than of a small one
        .subquery("numbers")
    )


def _about(audience: Audience) -> list[ColumnElement[bool]]:
    if not audience.about:
        return []
    has_reported = (
        select(reports.c.id)
        .where(
            reports.c.facility_id == facilities.c.id,
            reports.c.form == audience.form,
            reports.c.period == audience.period,
            reports.c.state.in_(tuple(COUNTING)),
        )
        .correlate(facilities)
        .exists()
    )
    return [~has_reported if audience.about == MISSING else has_reported]
