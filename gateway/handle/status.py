"""Answer STATUS: what of a sender's is in, what is not, what it waits for, and by when; what she owes comes first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from gateway.calendar import (
    Calendar,
    Outage,
    areas_around,
    clock,
    excused_due_on,
    find_days,
    month_days,
    report_month,
    shift,
)
from gateway.handle import places
from gateway.handle.facts import Desk
from gateway.handle.places import Place
from gateway.handle.replies import Reply, say
from gateway.handle.standings import Stood, find_standings, find_taken_back
from gateway.ladder import Ladder, find_ladder
from gateway.owing import ASKED_AGAIN, REMINDED, Standing
from gateway.reply import compose
from gateway.reply.wordings import Wording
from gateway.segments import fits_one_sms
from gateway.store import facilities, ladders, months, outages, questions
from gateway.store.base import Session
from gateway.store.facilities import Facility
from gateway.store.inbox import InboxMessage
from gateway.store.questions import Question
from gateway.store.reporters import Reporter
from gateway.values import InboxState
from parsers.form import Form
from parsers.period import assumed_period, period_of
from parsers.problems import ProblemCode
from parsers.reading import NOWHERE, Address, Problem, ReadReport

_WORDS = ("cek", "status")  # behind which a place may be named by a name that no reader of messages knows
# What she has to do something about comes first; what is in and done comes last.
_ORDER = (
    *(Standing.MISSING, Standing.INCOMPLETE, Standing.ASKED),
    *(Standing.WITH_STAFF, Standing.CLOSED, Standing.IN),
)
_NOTHING_CAME = frozenset({Standing.MISSING, Standing.CLOSED})


@dataclass(frozen=True, slots=True)
class _Shown:
    """One report that is told of."""

    form: Form
    period: str
    facility: Facility
    stood: Stood


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What districts chose that decides which reports are due, and when."""

    ladders: Sequence[Ladder]
    calendars: Sequence[Calendar]
    outages: Sequence[Outage]


def find_named(text: str, people: Sequence[Reporter]) -> Address | None:
    """Return the place that `STATUS <its name>` is about, by any name that the sender may give it; else None.

    A message that begins with STATUS may be talk as well: only the names of her own places are none.
    """
    first, _, name = " ".join(text.split()).partition(" ")
    if first.casefold() not in _WORDS or not name:
        return None
    place, _ = places.choose(ReadReport("", None, {}, name), people)
    return Address(facilities=(place.facility.code,)) if place else None


def show_status(
    session: Session, message: InboxMessage, about: Address, people: Sequence[Reporter], day: date, desk: Desk
) -> Reply:
    """Say where the sender's reports stand: of the months that are reported now, or of what STATUS was followed by."""
    person, wording = people[0], desk.rules.wordings[people[0].language]
    unknown = next((name for name in about.facilities if _find_place(name, people, None) is None), None)
    if unknown is not None:
        return _refuse_place(unknown, people, wording, day)
    # from day 25 on the running month too
    periods = about.periods or tuple(dict.fromkeys((report_month(day), assumed_period(day))))
    chosen = _Chosen(
        (*desk.rules.ladders, *ladders.all_ladders(session)),
        months.all_calendars(session),
        outages.all_outages(session, clock(month_days(min(periods))[1], 0, "UTC")),  # no due day is before that
    )
    found = [] if about.periods else _find_taken_back(session, about, people, day, chosen, desk)
    found += _find_shown(session, periods, about, people, chosen, desk)
    if not found and not about.periods:  # a new place: its first month has not ended
        found = list(_find_shown(session, (period_of(day),), about, people, chosen, desk))
    if not found and about.facilities:  # hers, and in another month
        return _refuse_place(about.facilities[0], people, wording, day)
    if not found:
        return say(desk.rules, person.language, "no_facility", InboxState.FOR_STAFF)
    found.sort(key=lambda one: _ORDER.index(one.stood.standing))
    question = desk.asked.get(message.sender) or _ask_again(session, message, found, desk)
    lines = [_say_one(wording, one, message, chosen, desk) for one in found]
    if question:
        return Reply(_fit(wording, lines, question.text), InboxState.DONE, "status")
    owed = next((one for one in found if one.stood.standing in (Standing.MISSING, Standing.INCOMPLETE)), None)
    whole = " ".join([*lines, _say_example(wording, owed, people)]).strip()
    return Reply(whole if fits_one_sms(whole) else _fit(wording, lines, ""), InboxState.DONE, "status")


def _find_taken_back(
    session: Session, about: Address, people: Sequence[Reporter], day: date, chosen: _Chosen, desk: Desk
) -> list[_Shown]:
    """Find what is asked for again of earlier months: what was in and was taken back, or was closed and is open."""
    past = [shift(report_month(day), step) for step in ASKED_AGAIN if step]
    hers = {period: [one for person in people for one in person.facilities_in(period)] for period in past}
    back = find_taken_back(
        session, {(form.code, period): these for form in desk.rules.forms for period, these in hers.items()}
    )
    periods = sorted({period for (_, period), these in back.items() if these})
    shown = _find_shown(session, periods, about, people, chosen, desk)
    return [one for one in shown if one.stood.opening and one.stood.standing in REMINDED]


def _find_shown(
    session: Session,
    periods: Sequence[str],
    about: Address,
    people: Sequence[Reporter],
    chosen: _Chosen,
    desk: Desk,
) -> Iterator[_Shown]:
    """Find the reports to tell of: each that is due, and what came although it is not."""
    main = desk.rules.form(desk.rules.main_form)
    forms = [main, *(form for form in desk.rules.forms if form is not main)]
    forms = [form for form in forms if not about.forms or form.code in about.forms]
    for period in periods:
        hers = {one.id: one for person in people for one in person.facilities_in(period)}
        if about.facilities:
            named = [_find_place(name, people, period) for name in about.facilities]
            hers = {place.facility.id: place.facility for place in named if place}
        there = facilities.find_there(session, hers, *month_days(period))
        stood = find_standings(
            *(session, [form.code for form in forms], period, hers, desk.now),
            question_hours=desk.rules.question_hours,
        )
        for facility in hers.values():
            for form in forms:
                one = stood[form.code, facility.id]
                is_due = form is main or find_ladder(chosen.ladders, facility.area, form.code).asks(facility.type)
                is_shown = (facility.id in there and is_due) or bool(about.forms)
                if is_shown or one.standing not in _NOTHING_CAME:
                    yield _Shown(form, period, facility, one)


def _find_place(name: str, people: Sequence[Reporter], period: str | None) -> Place | None:
    return places.choose(ReadReport("", period, {}, name), people)[0]


def _refuse_place(name: str, people: Sequence[Reporter], wording: Wording, day: date) -> Reply:
    """Say that a place is none of the sender's, and which are."""
    hers = dict.fromkeys(one.short_name for person in people for one in person.facilities_in(report_month(day)))
    problem = Problem(ProblemCode.FACILITY_UNKNOWN, name, NOWHERE, {"facility": name})
    said = compose.ask(wording, None, None, [problem], {"choices": "/".join(hers)})
    return Reply(said, InboxState.DONE, "status")


def _ask_again(session: Session, message: InboxMessage, found: Sequence[_Shown], desk: Desk) -> Question | None:
    """Ask the sender once more for what a report of hers lacks: told of it, she will answer."""
    for one in found:
        question = one.stood.question
        if one.stood.standing is not Standing.INCOMPLETE or question is None or question.sender != message.sender:
            continue
        desk.asked[message.sender] = questions.ask_again(session, question.id, desk.now)
        desk.in_line.add(message.sender)  # where something else is asked first
        return desk.asked[message.sender]
    return None


def _say_one(wording: Wording, one: _Shown, message: InboxMessage, chosen: _Chosen, desk: Desk) -> str:
    standing, asked = one.stood.standing, one.stood.question
    is_elsewhere = standing is Standing.ASKED and asked is not None and asked.sender != message.sender
    around = areas_around(one.facility.area)
    days = find_days(chosen.calendars, one.facility.area, one.form.code)
    touching = [outage for outage in chosen.outages if outage.area in around]
    due = excused_due_on(one.period, days, one.facility.timezone, touching, desk.now)
    return wording.fill(
        wording.answers["status_asked_elsewhere" if is_elsewhere else f"status_{standing}"],
        form=compose.keyword(one.form),
        month=wording.month(one.period),
        facility=one.facility.name,
        due=wording.day(due),
    )


def _say_example(wording: Wording, owed: _Shown | None, people: Sequence[Reporter]) -> str:
    """Return how the first report that is owed may be written; empty where none is."""
    if owed is None:
        return ""
    has_several = len({one.id for person in people for one in person.facilities_in(owed.period)}) > 1
    example = compose.example(owed.form, wording, owed.period, owed.facility.short_name if has_several else "")
    return wording.fill(wording.answers["status_example"], example=example)


def _fit(wording: Wording, lines: Sequence[str], ending: str) -> str:
    """Return as many lines as one SMS holds before its ending, and how many there are besides."""
    for told in range(len(lines), -1, -1):
        more = [wording.fill(wording.parts["left"], count=len(lines) - told)] if told < len(lines) else []
        text = " ".join([*lines[:told], *more, ending]).strip()
        if fits_one_sms(text):
            return text
    return ending
