"""The next moments at which reminders of an area may go out, for whoever wants to see them before they go. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from gateway.calendar import Days, Outage, excused_due_on, report_month, shift, waking_hours
from gateway.ladder import Ladder, Manners, Rung
from gateway.remind.due import MOST_MOVED, Place, Window, find_windows, may_write
from gateway.remind.off_days import find_place

NEAR = (-1, 0, 1)  # months around the one that is reported now, whose rungs may stand in the coming weeks


@dataclass(frozen=True, slots=True)
class Corner:
    """A part of an area in which reminders of one form go by the same ladder, days, manners and clock.

    Shape: `outages` are those of its area and of the ones around it.
    """

    form: str
    zone: str
    days: Days
    ladder: Ladder
    manners: Manners
    outages: tuple[Outage, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One rung of a month: when it may go out, and the last day on time that it is counted from."""

    form: str
    period: str
    due_on: date
    window: Window

    @property
    def rung(self) -> Rung:
        """Which rung it is."""
        return self.window.rung


@dataclass(frozen=True, slots=True)
class Coming:
    """A moment at which reminders may go out, and of which rungs. Units: an instant in UTC."""

    at: datetime
    steps: tuple[Step, ...]


def steps_of(corner: Corner, period: str, country: str, now: datetime) -> tuple[Step, ...]:
    """Return the rungs of a month that may go out in a corner, in the order of time; none where it is not asked for."""
    if not corner.ladder.is_on:
        return ()
    due_on = excused_due_on(period, corner.days, corner.zone, corner.outages, now)
    windows = find_windows(due_on, corner.ladder.rungs, find_place(corner.zone, corner.manners, country))
    return tuple(Step(corner.form, period, due_on, window) for window in windows)


def find_coming(corners: Iterable[Corner], now: datetime, country: str, most: int) -> tuple[Coming, ...]:
    """Return the next moments, the first ones first; those of a rung that may go out already are now, or this morning.

    >>> find_coming([], datetime(2025, 10, 1), "ID", 4)
    ()
    """
    by_moment: dict[datetime, dict[Step, None]] = defaultdict(dict)  # several corners may have the same step
    for corner in corners:
        place = find_place(corner.zone, corner.manners, country)
        reported = report_month(now.astimezone(ZoneInfo(corner.zone)).date())
        for months in NEAR:
            for step in steps_of(corner, shift(reported, months), country, now):
                at = first_moment(step.window, place, now)
                if at is not None:
                    by_moment[at][step] = None
    found = sorted(by_moment)[:most]
    return tuple(Coming(at, tuple(by_moment[at])) for at in found)


def first_moment(window: Window, place: Place, now: datetime) -> datetime | None:
    """Return when reminders of a window may go out first from now on; None where it closes before that."""
    at = max(window.opens_at, now)
    for _ in range(2 * MOST_MOVED):  # each day that is off takes two steps: to its evening, and to the next morning
        if at >= window.closes_at:
            return None
        if may_write(at, place):
            return at
        opening, closing = waking_hours(at, place.zone, place.hours)
        at = opening if opening > at else closing
    return None


def left_out(steps: Sequence[Step], rungs: Sequence[Rung]) -> tuple[Rung, ...]:
    """Return the rungs that are on and that this month has not, because days off moved them onto others."""
    there = {step.rung.code for step in steps}
    return tuple(rung for rung in rungs if rung.is_on and rung.code not in there)
