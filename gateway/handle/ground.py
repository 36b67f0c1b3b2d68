"""What a USSD session stands on: who dials, her places, and the months that she may report, asked at every hop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.calendar import areas_around, shift
from gateway.handle.facts import Rules
from gateway.store import months, reporters
from gateway.store.base import Session
from gateway.store.facilities import Facility
from gateway.store.months import ClosedMonth
from gateway.store.recent_values import recent_values
from gateway.store.reporters import Reporter
from parsers.dialogue import Ground, Month, Place
from parsers.period import assumed_period

EARLIER_MONTHS = 3  # that are offered behind the due one where they are missing

Values = Mapping[tuple[str, int, str], Mapping[str, int]]


def find_people(session: Session, phone: str, channel: str) -> tuple[Reporter, ...]:
    """Return who may report from this phone on this channel."""
    people = reporters.find_by_phones(session, [phone]).get(phone, ())
    return tuple(one for one in people if one.only_channel in (None, channel))


def gather_ground(session: Session, people: Sequence[Reporter], rules: Rules, now: datetime) -> Ground:
    """Return what these people's session stands on, whether they report for a place or not."""
    places: dict[int, tuple[Facility, Reporter]] = {}
    for person in people:
        for facility in person.facilities:
            places.setdefault(facility.id, (facility, person))
    timezone = next((facility.timezone for facility, _ in places.values()), rules.timezone)
    today = now.astimezone(ZoneInfo(timezone)).date()
    due = assumed_period(today)
    values = recent_values(session, places, shift(due, -EARLIER_MONTHS - 1))
    areas = {facility.area for facility, _ in places.values()}
    closed = months.closed_months(session, areas, shift(due, -EARLIER_MONTHS))
    codes = _codes_of([facility for facility, _ in places.values()])
    forms = sorted(rules.forms, key=lambda form: form.code != rules.main_form)
    return Ground(
        forms=tuple(forms),
        places=tuple(Place(codes[facility.id], facility.name) for facility, _ in places.values()),
        months={
            (form.code, codes[facility.id]): _months_of(form.code, facility, person, due, values, closed)
            for form in forms
            for facility, person in places.values()
        },
        language=people[0].language,
        today=today,
    )


def _codes_of(places: Sequence[Facility]) -> dict[int, str]:
    """Return what a message names each place by: its short name, or its code where two of hers share that name."""
    names = Counter(one.short_name.casefold() for one in places)
    return {one.id: one.short_name if names[one.short_name.casefold()] == 1 else one.code for one in places}


def _months_of(
    form: str, facility: Facility, person: Reporter, due: str, values: Values, closed: frozenset[ClosedMonth]
) -> tuple[Month, ...]:
    """Return the months that are offered for a form and a place: the due one, and the missing ones before it."""
    held = person.months.get(facility.id)
    offered = [
        period
        for period in (shift(due, -back) for back in range(EARLIER_MONTHS + 1))
        if period == due or (form, facility.id, period) not in values
    ]
    hers = [period for period in offered if held is None or held.hold(period)] or offered[:1]
    return tuple(
        Month(
            period=period,
            is_reported=(form, facility.id, period) in values,
            is_closed=any((code, form, period) in closed for code in areas_around(facility.area)),
            before=values.get((form, facility.id, shift(period, -1)), {}),
        )
        for period in hers
    )
