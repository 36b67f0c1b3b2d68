"""Remind one facility of one report because staff said so: one SMS to whoever is responsible, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from gateway.calendar import month_days
from gateway.ladder import Audience, Rung
from gateway.owing import REMINDED, Standing
from gateway.remind import ground as grounds
from gateway.remind.due import LASTING, Window
from gateway.remind.gather import gather_owed
from gateway.remind.ground import Ways
from gateway.remind.plan import HAND, Line, Owed, Person, Verdict, choose
from gateway.remind.queue import queue
from gateway.remind.today import find_today
from gateway.store import facilities, reminders
from gateway.store.base import Session
from gateway.values import Scope
from parsers.form import Form

LATE = "remind_late"  # it says what is true on its day: before the due day, on it, or after


class Outcome(StrEnum):
    """What became of a reminder."""

    QUEUED = "queued"
    NOT_OWED = "not_owed"  # there is a report by now, staff have it, or no such facility here
    CLOSED = "closed"  # staff have closed that month
    NOBODY = "nobody"  # nobody is responsible, or no channel may write to her
    AWAY = "away"  # everybody who answers for it is on leave
    STOPPED = "stopped"  # she sent STOP
    TODAY = "today"  # this number was reminded today
    QUIET = "quiet"  # nobody there is written to at this hour, or today; staff may say that it goes all the same


@dataclass(frozen=True, slots=True)
class Reminded:
    """What became of a reminder, and of whom: where something went out, the channel to ring and the message's ref."""

    outcome: Outcome
    owed: Owed | None = None
    person: Person | None = None
    channel: str = ""
    ref: str = ""


_REFUSED = {
    Verdict.NOBODY: Outcome.NOBODY,
    Verdict.NO_CHANNEL: Outcome.NOBODY,
    Verdict.AWAY: Outcome.AWAY,
    Verdict.STOPPED: Outcome.STOPPED,
}


def midnight_before(now: datetime, zone: str) -> datetime:
    """Return the last midnight on a place's clock: what was sent since was sent today."""
    return now.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)


def remind(
    session: Session,
    form: Form,
    period: str,
    facility_id: int,
    ways: Ways,
    now: datetime,
    *,
    scope: Scope,
    is_urgent: bool = False,
) -> Reminded:
    """Queue one reminder to whoever is responsible for a facility's report; `is_urgent` goes out at night too.

    Staff may remind of a form that nobody is asked for, and where the ladder is paused. Two at once queue one: a
    number is not reminded twice a day.
    """
    owed = _find_owed(session, form, period, facility_id, ways, now, scope)
    if owed is None:
        return Reminded(Outcome.NOT_OWED)
    if owed.standing not in REMINDED:
        return Reminded(Outcome.CLOSED if owed.standing is Standing.CLOSED else Outcome.NOT_OWED, owed)
    today = now.astimezone(ZoneInfo(owed.facility.timezone)).date()
    rung = Rung(f"{HAND}{today}", 0, 0, Audience.RESPONSIBLE, LATE)
    window = Window(rung, now, now + LASTING)
    chosen = choose(owed, window)
    if isinstance(chosen, Verdict):
        return Reminded(_REFUSED[chosen], owed, next(iter(owed.people), None))
    (person,) = chosen
    reminders.hold_phones(session, [person.phone])
    if find_today(session, {person.phone: owed.facility.timezone}, now).reminded:
        return Reminded(Outcome.TODAY, owed, person)
    if owed.is_quiet and not is_urgent:
        return Reminded(Outcome.QUIET, owed, person)
    done = queue(session, [Line(owed, Verdict.REMIND, window, chosen)], ways, now, is_at_once=True, is_urgent=is_urgent)
    if not done.letters:
        return Reminded(Outcome.TODAY, owed, person)
    return Reminded(Outcome.QUEUED, owed, person, done.channels[0], done.refs[0])


def _find_owed(
    session: Session, form: Form, period: str, facility_id: int, ways: Ways, now: datetime, scope: Scope
) -> Owed | None:
    """Return what a facility of the scope owes; None where it is not there in that month."""
    facility = facilities.get_facilities(session, [facility_id]).get(facility_id)
    if facility is None or not scope.covers(facility.area):
        return None
    if not facilities.find_there(session, [facility_id], *month_days(period)):
        return None
    ground = grounds.look(session, ways, now)
    return gather_owed(session, ground, {(form.code, period): [facility]})[0]
