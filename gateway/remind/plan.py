"""Who is reminded of what at an instant, and why somebody is not: one line for each facility and form. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from gateway.ladder import OF_FACILITIES, Audience
from gateway.owing import REMINDED, Standing
from gateway.remind.due import AGAIN, LASTING, Window
from gateway.store.facilities import Facility


class Verdict(StrEnum):
    """What comes of one facility's report, or of one area's list, at an instant."""

    REMIND = "remind"
    REPORTED = "reported"  # the report is in
    WITH_STAFF = "with_staff"  # it has come, and staff decide about it
    CLOSED = "closed"  # staff have closed the month
    NOT_ASKED = "not_asked"  # this facility is not asked for this form
    NO_RUNG = "no_rung"  # no rung of the ladder is due now
    SENT = "sent"  # the rung that is due has gone
    PAUSED = "paused"  # staff have paused the area
    SKIPPED = "skipped"  # staff skip the facility
    NOBODY = "nobody"  # nobody with a phone answers for it
    AWAY = "away"  # everybody who does is on leave
    STOPPED = "stopped"  # everybody who does has sent STOP
    NO_CHANNEL = "no_channel"  # no channel may write to them
    QUIET = "quiet"  # it is night there, or a day off
    TODAY = "today"  # they were reminded today of something, or asked for it again today
    BUDGET = "budget"  # what is left of the channel's budget is kept for answers
    ALL_IN = "all_in"  # an officer's list would be empty


HAND = "hand-"  # how the rung of a reminder that staff sent by hand begins; its day follows
_SETTLED = {Standing.CLOSED: Verdict.CLOSED, Standing.WITH_STAFF: Verdict.WITH_STAFF}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to write to: a reporter, or one of the staff. `channel` is None where none may write to them.

    `phone` is the one to write to, `others` are more of theirs.
    """

    name: str
    language: str
    phone: str
    channel: str | None
    reporter_id: int | None = None
    is_stopped: bool = False
    is_away: bool = False
    has_several: bool = False  # she reports for several facilities: what she sends must name which
    others: frozenset[str] = frozenset()

    @property
    def is_usable(self) -> bool:
        """Whether they can and may be written to unasked."""
        return self.channel is not None and not self.is_stopped and not self.is_away


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about a report that its sender has not answered: only from her phone an answer counts."""

    question_id: int
    phone: str
    text: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class Owed:
    """What a facility owes of one form for one month, and who may be told.

    Shape: `windows` are those of its ladder, of every audience that stands for a facility; `gone` the rungs that went
    out since the month was opened the last time (`opening`); `people` who answer for it first. `paused` and `skipped`
    are staff's reasons, empty where there are none. `due_on` is the last day on time, outages excused. `is_quiet`:
    nobody there may be written to unasked at the instant that it was asked for.
    """

    form: str
    period: str
    facility: Facility
    standing: Standing
    due_on: date
    is_asked_for: bool
    windows: tuple[Window, ...]
    people: tuple[Person, ...]
    gone: frozenset[str] = frozenset()
    opening: int = 0
    asked: Asked | None = None
    paused: str = ""
    skipped: str = ""
    is_quiet: bool = False

    @property
    def subject(self) -> str:
        """What its key is about."""
        return f"facility:{self.facility.id}"


@dataclass(frozen=True, slots=True)
class AreaMonth:
    """How an area's month of one form stands, and which of the staff are told.

    Shape: `missing` are the names of the facilities that owe a report, `worst` (kecamatan, how many) with the most.
    """

    form: str
    period: str
    area: str
    name: str
    audience: Audience
    due_on: date
    windows: tuple[Window, ...]
    people: tuple[Person, ...]
    there: int
    reported: int
    on_time: int
    missing: tuple[str, ...]
    worst: tuple[tuple[str, int], ...] = ()
    gone: frozenset[str] = frozenset()
    opening: int = 0
    paused: str = ""
    is_quiet: bool = False
    zone: str = "Asia/Jakarta"  # the clock of the place

    @property
    def subject(self) -> str:
        """What its key is about."""
        return f"area:{self.area}"


@dataclass(frozen=True, slots=True)
class Line:
    """The verdict on one of these, with the rung that it is about, if any, and who would be written to."""

    about: Owed | AreaMonth
    verdict: Verdict
    window: Window | None = None
    people: tuple[Person, ...] = ()


@dataclass(frozen=True, slots=True)
class Letter:
    """One SMS to one number: everything that she is to be reminded of."""

    person: Person
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Today:
    """What numbers have been sent today, by their own clock: reminders, and anything at all."""

    reminded: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens at an instant: a line for each facility and form and each list, and the letters that go out."""

    lines: tuple[Line, ...]
    letters: tuple[Letter, ...]


def make_plan(about: Sequence[Owed | AreaMonth], now: datetime, today: Today) -> Plan:
    """Return who is reminded of what now. Nobody gets two letters, and nobody one whose rung has gone."""
    lines = [judge(one, now, today) for one in about]
    return Plan(tuple(lines), group(lines))


def judge(about: Owed | AreaMonth, now: datetime, today: Today) -> Line:
    """Return what comes of one facility's report, or of one area's list, now."""
    if isinstance(about, AreaMonth):
        return _judge_area(about, now, today)
    if not about.is_asked_for:
        return Line(about, Verdict.NOT_ASKED)
    if about.standing in _SETTLED:
        return Line(about, _SETTLED[about.standing])
    is_owed = about.standing in REMINDED
    window = _find_window(about, now) if is_owed else _open_window(about.windows, frozenset({Audience.REPORTED}), now)
    if window is None:
        return Line(about, Verdict.NO_RUNG if is_owed else Verdict.REPORTED)
    if _has_gone(about, window):
        return Line(about, Verdict.SENT if is_owed else Verdict.REPORTED, window)
    if about.paused or about.skipped:
        return Line(about, Verdict.PAUSED if about.paused else Verdict.SKIPPED, window)
    chosen = choose(about, window)
    if isinstance(chosen, Verdict):
        return Line(about, chosen, window)
    if about.is_quiet:
        return Line(about, Verdict.QUIET, window)
    # whoever has taken her report back, or was told that it is not used, has been asked for it in the same message
    busy = today.reminded | (today.written if about.opening else frozenset())
    left = tuple(one for one in chosen if one.phone not in busy)
    return Line(about, Verdict.REMIND, window, left) if left else Line(about, Verdict.TODAY, window)


def _judge_area(about: AreaMonth, now: datetime, today: Today) -> Line:
    window = _open_window(about.windows, frozenset({about.audience}), now)
    if window is None:
        return Line(about, Verdict.NO_RUNG)
    if _has_gone(about, window):
        return Line(about, Verdict.SENT, window)
    if about.paused:
        return Line(about, Verdict.PAUSED, window)
    if not about.there or (about.audience is Audience.OFFICERS and not about.missing):
        return Line(about, Verdict.ALL_IN, window)
    chosen = _usable(about.people)
    if isinstance(chosen, Verdict):
        return Line(about, chosen, window)
    if about.is_quiet:
        return Line(about, Verdict.QUIET, window)
    left = tuple(one for one in chosen if one.phone not in today.reminded)
    return Line(about, Verdict.REMIND, window, left) if left else Line(about, Verdict.TODAY, window)


def group(lines: Sequence[Line]) -> tuple[Letter, ...]:
    """Return one letter for each number, with all that she is reminded of, in the order of the lines."""
    by_phone: dict[str, tuple[Person, list[Line]]] = {}
    for line in lines:
        if line.verdict is Verdict.REMIND:
            for person in line.people:
                by_phone.setdefault(person.phone, (person, []))[1].append(line)
    return tuple(Letter(person, tuple(these)) for person, these in by_phone.values())


def keep_within(plan: Plan, left: Mapping[str, int | None]) -> Plan:
    """Return the plan without the letters that a channel's budget has no room for; those go by the order of the plan.

    Shape: `left` maps a channel to how many reminders it may still send; None is as many as there are.
    """
    room = dict(left)
    kept: set[str] = set()
    for letter in plan.letters:
        channel = letter.person.channel or ""
        most = room.get(channel)
        if most is None or most > 0:
            kept.add(letter.person.phone)
            room[channel] = None if most is None else most - 1
    lines = tuple(_without(line, kept) for line in plan.lines)
    return Plan(lines, group(lines))


def _without(line: Line, kept: Collection[str]) -> Line:
    if line.verdict is not Verdict.REMIND:
        return line
    people = tuple(one for one in line.people if one.phone in kept)
    return replace(line, people=people) if people else replace(line, verdict=Verdict.BUDGET, people=())


def _find_window(owed: Owed, now: datetime) -> Window | None:
    """Return the window of the rung that is due; where none is, and a report was taken back, that of asking again.

    Nobody is asked again before the ladder has begun, nor where it asks nothing of facilities.
    """
    found = _open_window(owed.windows, OF_FACILITIES, now)
    has_begun = any(one.rung.audience in OF_FACILITIES and one.opens_at <= now for one in owed.windows)
    if found is not None or not owed.opening or not has_begun:
        return found
    return Window(AGAIN, now, now + LASTING)


def _has_gone(about: Owed | AreaMonth, window: Window) -> bool:
    """Tell whether a rung went out, or one that comes after it: a clock that is set back never takes a step back.

    Whoever was reminded of a report since it was taken back, by the ladder or by hand, need not be asked for it again.
    """
    if window.rung is AGAIN:
        asking = {one.rung.code for one in about.windows if one.rung.audience in OF_FACILITIES} | {AGAIN.code}
        return any(code in asking or code.startswith(HAND) for code in about.gone)
    return window.rung.code in about.gone or any(
        one.rung.code in about.gone and one.rung.group is window.rung.group and one.opens_at > window.opens_at
        for one in about.windows
    )


def _open_window(windows: Sequence[Window], audiences: Collection[Audience], now: datetime) -> Window | None:
    return next((one for one in windows if one.rung.audience in audiences and one.is_open(now)), None)


def choose(owed: Owed, window: Window) -> tuple[Person, ...] | Verdict:
    """Return whom a rung is for: whoever was asked, else the first who can be told, or on a later rung all of them."""
    found = _usable(owed.people)
    if isinstance(found, Verdict) or window.rung.audience is Audience.REPORTERS:
        return found
    asked = owed.asked.phone if owed.asked and owed.standing in REMINDED else ""
    return next(((one,) for one in found if one.phone == asked), found[:1])


def _usable(people: Sequence[Person]) -> tuple[Person, ...] | Verdict:
    """Return those who can and may be written to, or why there is none."""
    found = tuple(one for one in people if one.is_usable)
    if found:
        return found
    if not people:
        return Verdict.NOBODY
    if all(one.is_away for one in people):
        return Verdict.AWAY
    return Verdict.STOPPED if any(one.is_stopped for one in people) else Verdict.NO_CHANNEL
