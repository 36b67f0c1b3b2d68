"""When each rung of a ladder may go out: from which instant until which, and how a crowd is spread over it. Pure."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.calendar import DAY, Hours, clock, waking_hours
from gateway.ladder import OF_FACILITIES, Audience, Rung

LASTING = 3 * DAY  # so long a rung makes sense that no later one follows
MOST_MOVED = 14  # days that a rung may be moved past days off; a longer row of them is no holiday
AGAIN = Rung("again", 0, 0, Audience.RESPONSIBLE, "remind_again")  # for a report that was in, and is not any more


@dataclass(frozen=True, slots=True)
class Place:
    """Where reminders go: its clock, the hours in which people there may be written to, and the days they are not."""

    zone: str
    hours: Hours
    is_off: Callable[[date], bool]


@dataclass(frozen=True, slots=True)
class Window:
    """From when until when a rung may go out. Units: instants in UTC; `closes_at` is the first that is too late."""

    rung: Rung
    opens_at: datetime
    closes_at: datetime

    def is_open(self, now: datetime) -> bool:
        """Tell whether the rung makes sense at an instant."""
        return self.opens_at <= now < self.closes_at


def find_windows(due: date, rungs: Sequence[Rung], place: Place) -> tuple[Window, ...]:
    """Return when each rung that is on may go out, in the order of time; `due` is the last day on time.

    A rung of a facility ends when the next one begins, and one before the due day at the latest when that day ends: a
    clock that was down for days sends what still makes sense, and never two for one. A rung that days off move onto
    the day of the next one is left out: of two on one day only one could go.
    """
    days: dict[Audience, dict[date, Rung]] = defaultdict(dict)
    for rung in sorted(rungs, key=lambda one: one.days):
        if rung.is_on:
            days[rung.group][_day_of(due, rung, place)] = (
                rung  # days off never move one past its neighbour, only onto it
            )
    found = []
    for by_day in days.values():
        opening = [_opens_at(day, rung, place) for day, rung in by_day.items()]
        following = [*opening[1:], None]
        for rung, opens_at, next_at in zip(by_day.values(), opening, following, strict=True):
            found.append(Window(rung, opens_at, _closes_at(due, rung, place, opens_at, next_at)))
    return tuple(sorted(found, key=lambda one: (one.opens_at, one.rung.code)))


def may_write(now: datetime, place: Place) -> bool:
    """Tell whether people of a place may be written to unasked at this instant: neither at night nor on a day off."""
    opening, closing = waking_hours(now, place.zone, place.hours)
    return opening <= now < closing and not place.is_off(opening.astimezone(ZoneInfo(place.zone)).date())


def spread(now: datetime, evening: datetime, over: timedelta, keys: Collection[str]) -> dict[str, datetime]:
    """Return when each of these goes out: at the same place between now and then for ever, before the evening.

    Units: `over` is how long all of them may take; where less is left of the day, they take that.
    """
    room = max(timedelta(), min(over, (evening - now) / 2))
    return {key: now + room * (zlib.crc32(key.encode()) / 2**32) for key in keys}


def _day_of(due: date, rung: Rung, place: Place) -> date:
    """Return the day of a rung: the nearest one that is not off, before it where it must not be late, else after it."""
    step = DAY if rung.days > 0 else -DAY
    day = due + DAY * rung.days
    return next((day + step * count for count in range(MOST_MOVED) if not place.is_off(day + step * count)), day)


def _opens_at(day: date, rung: Rung, place: Place) -> datetime:
    """Return when a rung begins on its day: at its hour, or the nearest one awake."""
    hour = min(max(rung.hour, place.hours.first), place.hours.last - 1)
    return clock(day, hour, place.zone)


def _closes_at(due: date, rung: Rung, place: Place, opens_at: datetime, next_at: datetime | None) -> datetime:
    ends = [] if next_at is None else [next_at]
    if rung.days <= 0 and rung.audience in OF_FACILITIES:
        ends.append(clock(due, 24, place.zone))
    return min(ends, default=opens_at + LASTING)
