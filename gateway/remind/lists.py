"""How the months of areas stand, for those of the staff who are told: lists for officers, sums for the district."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.calendar import areas_around
from gateway.handle.standings import Month
from gateway.ladder import Audience
from gateway.owing import REMINDED, Standing
from gateway.remind.gather import say_pause
from gateway.remind.ground import Ground
from gateway.remind.plan import AreaMonth, Owed, Person
from gateway.store import areas, months, pauses, reminders, standings, timeliness, users
from gateway.store.areas import Area
from gateway.store.audience import Routes
from gateway.store.base import Session
from gateway.store.pauses import Pause
from gateway.store.users import User
from gateway.values import Role


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One area's month that somebody of the staff may be told of, and the facilities that it is made of."""

    form: str
    period: str
    area: str
    audience: Audience
    owed: tuple[Owed, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """What was asked of the database for all areas of a regency at once."""

    regency: Area
    names: Mapping[str, str]
    staff: Sequence[User]
    routes: Routes
    paused: Sequence[Pause]
    gone: Mapping[tuple[str, str, str, int], frozenset[str]]
    openings: Mapping[tuple[str, str, str], int]  # by form, period, area
    in_time: Mapping[Month, frozenset[int]]


def gather_lists(session: Session, ground: Ground, regency: Area, owed: Sequence[Owed]) -> tuple[AreaMonth, ...]:
    """Return how each area's month stands whose staff are told of it by some rung of its ladder."""
    wanted = tuple(_find_wanted(ground, regency, owed))
    if not wanted:
        return ()
    known = _ask(session, ground, regency, wanted)
    return tuple(_make_list(ground, known, one) for one in wanted)


def _find_wanted(ground: Ground, regency: Area, owed: Sequence[Owed]) -> Iterator[_Wanted]:
    by_month: dict[Month, dict[str, list[Owed]]] = defaultdict(lambda: defaultdict(list))
    for one in owed:
        if one.is_asked_for:
            by_month[one.form, one.period][one.facility.area].append(one)
    for (form, period), by_area in by_month.items():
        for area, these in by_area.items():
            if _has_rung(ground, form, period, area, these[0].facility.timezone, Audience.OFFICERS):
                yield _Wanted(form, period, area, Audience.OFFICERS, tuple(these))
        if _has_rung(ground, form, period, regency.code, regency.timezone, Audience.DISTRICT):
            every = tuple(one for these in by_area.values() for one in these)
            yield _Wanted(form, period, regency.code, Audience.DISTRICT, every)


def _has_rung(ground: Ground, form: str, period: str, area: str, zone: str, told: Audience) -> bool:
    return any(one.rung.audience is told for one in ground.course_of(form, period, area, zone).windows)


def _ask(session: Session, ground: Ground, regency: Area, wanted: Sequence[_Wanted]) -> _Known:
    codes = {one.area for one in wanted} | {it.facility.area for one in wanted for it in one.owed}
    forms, periods = {one.form for one in wanted}, {one.period for one in wanted}
    return _Known(
        regency=regency,
        names=areas.names_of(session, codes),
        staff=users.staff_to_tell(session, regency.code),
        routes=ground.find_routes(session),
        paused=pauses.pauses_on(session, [regency.code], ground.today(regency.timezone)),
        gone=reminders.gone_rungs(session, forms, periods, [f"area:{code}" for code in codes]),
        openings=_count_openings(session, wanted),
        in_time={month: _find_in_time(session, *month, wanted) for month in {(it.form, it.period) for it in wanted}},
    )


def _count_openings(session: Session, wanted: Sequence[_Wanted]) -> dict[tuple[str, str, str], int]:
    """Return how often each of these months was opened again for its area, by form, period and area."""
    found: dict[tuple[str, str, str], int] = {}
    forms = {one.form for one in wanted}
    for period in {one.period for one in wanted}:
        codes = {one.area for one in wanted if one.period == period}
        closings = months.closings_of_month(session, forms, period, codes)
        for form in forms:
            for code in codes:
                around = [closings[form, it] for it in areas_around(code) if (form, it) in closings]
                found[form, period, code] = sum(it.reopened for it in around)
    return found


def _find_in_time(session: Session, form: str, period: str, wanted: Sequence[_Wanted]) -> frozenset[int]:
    """Return the facilities that sent their report in time, as the month's totals count them."""
    places = {
        one.facility.id: one.facility for it in wanted for one in it.owed if (it.form, it.period) == (form, period)
    }
    sent: Mapping[int, datetime] = standings.first_sent(session, form, period, places)
    is_late_from = timeliness.late_from(session, form, period)
    return frozenset(
        facility_id
        for facility_id, at in sent.items()
        if at < is_late_from(places[facility_id].area, places[facility_id].timezone)
    )


def _make_list(ground: Ground, known: _Known, wanted: _Wanted) -> AreaMonth:
    form, period, area = wanted.form, wanted.period, wanted.area
    zone = wanted.owed[0].facility.timezone if wanted.audience is Audience.OFFICERS else known.regency.timezone
    course = ground.course_of(form, period, area, zone)
    reported = [one.facility.id for one in wanted.owed if one.standing is Standing.IN]
    missing = [one for one in wanted.owed if one.standing in REMINDED and not one.skipped]
    worst = Counter(known.names.get(one.facility.area, one.facility.area) for one in missing)
    opening = known.openings[form, period, area]
    return AreaMonth(
        form=form,
        period=period,
        area=area,
        name=known.names.get(area, area),
        audience=wanted.audience,
        due_on=course.due_on,
        windows=course.windows,
        people=tuple(_find_people(known, wanted)),
        there=len(wanted.owed),
        reported=len(reported),
        on_time=len(known.in_time[form, period].intersection(reported)),
        missing=tuple(one.facility.name for one in missing),
        worst=tuple(worst.most_common()) if wanted.audience is Audience.DISTRICT else (),
        gone=known.gone.get((form, period, f"area:{area}", opening), frozenset()),
        opening=opening,
        paused=say_pause(known.paused, area),
        is_quiet=ground.is_quiet(area, zone),
        zone=zone,
    )


def _find_people(known: _Known, wanted: _Wanted) -> Iterator[Person]:
    role = Role.OFFICER if wanted.audience is Audience.OFFICERS else Role.DISTRICT
    for one in known.staff:
        if one.role is role and one.area == wanted.area and one.phone:
            channel = known.routes.choose(None, None, one.area, one.phone)
            yield Person(one.name, one.language, one.phone, channel, is_stopped=one.stopped_at is not None)
