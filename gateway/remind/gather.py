"""Gather what is owed and who may be told: each facility's report, in a constant number of questions for a regency."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.calendar import areas_around, month_days, report_month, shift
from gateway.handle.standings import Month, Stood, find_standings, find_taken_back
from gateway.ladder import Audience
from gateway.owing import ASKED_AGAIN
from gateway.remind.ground import Course, Ground
from gateway.remind.plan import Asked, Owed, Person
from gateway.store import answering, facilities, leaves, pauses, reminders
from gateway.store.answering import Team
from gateway.store.areas import Area
from gateway.store.audience import Routes
from gateway.store.base import Session
from gateway.store.facilities import Facility
from gateway.store.pauses import Pause


@dataclass(frozen=True, slots=True)
class _Known:
    """What was asked of the database for many facilities at once."""

    stood: Mapping[tuple[str, str, int], Stood]  # by form, period, facility
    team: Team
    routes: Routes
    away: Collection[int]
    paused: Sequence[Pause]
    gone: Mapping[tuple[str, str, str, int], frozenset[str]]


@dataclass(frozen=True, slots=True)
class Subjects:
    """The reports that reminders of a regency are about at an instant, by form and month, the oldest month first.

    Shape: `whole` are months with all their facilities, `taken_back` older ones with those whose report was taken back.
    """

    whole: Mapping[Month, tuple[Facility, ...]]
    taken_back: Mapping[Month, tuple[Facility, ...]]


def find_subjects(session: Session, ground: Ground, regency: Area) -> Subjects:
    """Return what reminders are about now: the month that is reported, those with an open window, what was taken back.

    Only what is asked for somewhere in the regency is there.
    """
    periods = ground.periods(regency.timezone)
    there = facilities.list_there(session, regency.code, [month_days(period) for period in periods])
    corners = {(one.area, one.timezone) for one, _ in there} | {(regency.code, regency.timezone)}
    forms = ground.forms_asked(code for code, _ in corners)
    reported = report_month(ground.today(regency.timezone))
    past = [shift(reported, step) for step in ASKED_AGAIN]
    whole: dict[Month, tuple[Facility, ...]] = {}
    older: dict[Month, tuple[Facility, ...]] = {}
    for place, period in enumerate(periods):
        here = tuple(one for one, is_there in there if is_there[place])
        for form in forms:
            if period == reported or _has_open_window(ground, form, period, corners):
                whole[form, period] = here
            elif period in past:
                older[form, period] = here
    return Subjects(whole, find_taken_back(session, older))


def _has_open_window(ground: Ground, form: str, period: str, corners: Collection[tuple[str, str]]) -> bool:
    windows = (window for corner in corners for window in ground.course_of(form, period, *corner).windows)
    return any(window.is_open(ground.now) for window in windows)


def gather_owed(session: Session, ground: Ground, wanted: Mapping[Month, Collection[Facility]]) -> tuple[Owed, ...]:
    """Return what these facilities owe of these months, and who of each may be told."""
    places = {one.id: one for these in wanted.values() for one in these}
    if not places:
        return ()
    known = _ask(session, ground, wanted, places)
    quiet = {
        (area, zone): ground.is_quiet(area, zone)
        for area, zone in {(one.area, one.timezone) for one in places.values()}
    }
    return tuple(
        _make_owed(ground, known, form, period, facility, is_quiet=quiet[facility.area, facility.timezone])
        for (form, period), these in wanted.items()
        for facility in these
    )


def _ask(
    session: Session, ground: Ground, wanted: Mapping[Month, Collection[Facility]], places: Mapping[int, Facility]
) -> _Known:
    rules, today = ground.ways.rules, ground.today(next(iter(places.values())).timezone)
    by_period: dict[str, dict[str, set[int]]] = defaultdict(dict)
    for (form, period), these in wanted.items():
        if these:
            by_period[period][form] = {one.id for one in these}
    stood = {
        (form, period, facility_id): one
        for period, forms in by_period.items()
        for (form, facility_id), one in find_standings(
            *(session, list(forms), period, set().union(*forms.values()), ground.now),
            question_hours=rules.question_hours,
        ).items()
    }
    team = answering.find_team(session, places)
    people = {one.reporter_id for these in team.by_facility.values() for one in these}
    subjects = [subject_of(one) for one in places]
    return _Known(
        stood=stood,
        team=team,
        routes=ground.find_routes(session),
        away=leaves.who_is_away(session, people, today),
        paused=pauses.pauses_on(session, {one.area for one in places.values()}, today),
        gone=reminders.gone_rungs(session, {form for form, _ in wanted}, {period for _, period in wanted}, subjects),
    )


def _make_owed(ground: Ground, known: _Known, form: str, period: str, facility: Facility, *, is_quiet: bool) -> Owed:
    course = ground.course_of(form, period, facility.area, facility.timezone)
    stood = known.stood[form, period, facility.id]
    question = stood.question
    return Owed(
        form=form,
        period=period,
        facility=facility,
        standing=stood.standing,
        due_on=course.due_on,
        is_asked_for=ground.ladder_of(facility.area, form).asks(facility.type),
        windows=course.windows,
        people=tuple(_find_people(known, facility, period)),
        gone=_find_gone(known, form, period, facility, stood.opening, course),
        opening=stood.opening,
        asked=Asked(question.id, question.sender, question.text, stood.is_open) if question else None,
        paused=say_pause(known.paused, facility.area),
        skipped=next((_reason(one) for one in known.paused if one.facility_id == facility.id), ""),
        is_quiet=is_quiet,
    )


def _find_gone(
    known: _Known, form: str, period: str, facility: Facility, opening: int, course: Course
) -> frozenset[str]:
    """Return the rungs that have gone since the month was opened the last time; thanks are given once for all."""
    thanks = {one.rung.code for one in course.windows if one.rung.audience is Audience.REPORTED}
    gone = [known.gone.get((form, period, subject_of(facility.id), one), frozenset()) for one in range(opening + 1)]
    return gone[-1].union(code for codes in gone for code in codes if code in thanks)


def _find_people(known: _Known, facility: Facility, period: str) -> Iterator[Person]:
    for one in known.team.of(facility.id, period):
        yield Person(
            name=one.name,
            language=one.language,
            phone=one.phone,
            channel=known.routes.choose(one.only_channel, one.last_channel, facility.area, one.phone),
            reporter_id=one.reporter_id,
            is_stopped=one.is_stopped,
            is_away=one.reporter_id in known.away,
            has_several=known.team.has_several(one.phone, period),
            others=one.phones - {one.phone},
        )


def say_pause(paused: Sequence[Pause], area: str) -> str:
    """Return why nobody of an area is reminded, empty where nothing is paused."""
    around = areas_around(area)
    return next((_reason(one) for one in paused if one.facility_id is None and one.area in around), "")


def _reason(pause: Pause) -> str:
    return pause.reason.strip() or pause.made_by


def subject_of(facility_id: int) -> str:
    """Return what the key of a facility's reminders is about."""
    return f"facility:{facility_id}"
