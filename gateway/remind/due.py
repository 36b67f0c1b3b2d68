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
    clock that was down for days sends what still makes sense, and never two for one. A rung that a row of days off
    moves onto the next one is left out.
    """
    groups: dict[Audience, list[tuple[datetime, Rung]]] = defaultdict(list)
    for rung in sorted(rungs, key=lambda one: one.days):
        if rung.is_on:
            group = Audience.RESPONSIBLE if rung.audience in OF_FACILITIES else rung.audience
            groups[group].append((_opens_at(due, rung, place), rung))
    found = []
    due_at = clock(due, 24, place.zone)
    for these in groups.values():
        ordered = sorted(
            these, key=lambda one: one[0]
        )  # stable: of two at one instant the one of the later day is last
        following = [opens_at for opens_at, _ in ordered[1:]] + [None]
        for (opens_at, rung), next_at in zip(ordered, following, strict=True):
            ends = [opens_at + LASTING if next_at is None else next_at]
            if rung.days <= 0 and rung.audience in OF_FACILITIES:
                ends = [due_at, *([next_at] if next_at else [])]
            if opens_at < min(ends):
                found.append(Window(rung, opens_at, min(ends)))
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


def _opens_at(due: date, rung: Rung, place: Place) -> datetime:
    """Return when a rung begins: at its hour, or the nearest one awake; before days off where it must not be late."""
    step = DAY if rung.days > 0 else -DAY
    day = due + DAY * rung.days
    moved = next((day + step * count for count in range(MOST_MOVED) if not place.is_off(day + step * count)), day)
    hour = min(max(rung.hour, place.hours.first), place.hours.last - 1)
    return clock(moved, hour, place.zone)
