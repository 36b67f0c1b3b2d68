"""A district's month: which month is reported when, until when, and what "on time" and "closed" mean. Pure.

A date here tells and never acts: reports count after every one of these days, and only staff close a month.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from parsers.period import period_of

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours of a place's own clock in which people may be written to unasked: from `first`, before `last`."""

    first: int = 8
    last: int = 20


@dataclass(frozen=True, slots=True)
class Days:
    """The days of the month after the reported one: reports due, corrections close, approval closes.

    A month that is shorter ends on its last day: day 31 of February is its 28th or 29th.
    """

    due: int = 5
    corrections: int = 7
    approval: int = 10


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days that an area chose. An empty area means everywhere, an empty form every form."""

    area: str
    form: str
    days: Days


class Stage(StrEnum):
    """Where a month stands by its days alone."""

    RUNNING = "running"  # it has not ended yet
    DUE = "due"  # reports are expected, and on time
    CORRECTING = "correcting"  # late, but corrections are expected still
    APPROVING = "approving"  # staff approve
    OVER = "over"  # every day is past; it stays open until staff close it


def report_month(day: date) -> str:
    """Return the month that is reported on a day: the one before.

    >>> report_month(date(2025, 10, 3)), report_month(date(2026, 1, 31))
    ('2025-09', '2025-12')
    """
    return period_of(day, months_back=1)


def shift(period: str, months: int) -> str:
    """Return the period so many months later, or earlier.

    >>> shift("2025-11", 2), shift("2025-01", -1)
    ('2026-01', '2024-12')
    """
    return period_of(_first_day(period), months_back=-months)


def month_days(period: str) -> tuple[date, date]:
    """Return the first and the last day of a month.

    >>> month_days("2024-02")
    (datetime.date(2024, 2, 1), datetime.date(2024, 2, 29))
    """
    first = _first_day(period)
    return first, _first_day(shift(period, 1)) - DAY


def due_on(period: str, days: Days) -> date:
    """Return the last day on which a report of this month is on time.

    >>> due_on("2025-09", Days()), due_on("2025-01", Days(due=31))
    (datetime.date(2025, 10, 5), datetime.date(2025, 2, 28))
    """
    return _day_after(period, days.due)


def corrections_close_on(period: str, days: Days) -> date:
    """Return the last day for corrections of this month."""
    return _day_after(period, days.corrections)


def approval_closes_on(period: str, days: Days) -> date:
    """Return the last day for staff to approve this month."""
    return _day_after(period, days.approval)


def due_at(period: str, days: Days, zone: str) -> datetime:
    """Return the first instant that is late for this month, in UTC: midnight after the due day on a place's clock."""
    return clock(due_on(period, days) + DAY, 0, zone)


def is_on_time(sent_at: datetime, zone: str, period: str, days: Days) -> bool:
    """Tell whether a report of this month was sent on its due day or before, by its sender's own clock.

    >>> is_on_time(datetime(2025, 10, 5, 16, 59, tzinfo=UTC), "Asia/Jakarta", "2025-09", Days())
    True
    >>> is_on_time(datetime(2025, 10, 5, 16, 59, tzinfo=UTC), "Asia/Jayapura", "2025-09", Days())
    False
    """
    return sent_at < due_at(period, days, zone)


def days_left(day: date, period: str, days: Days, last: date | None = None) -> int:
    """Return how many days after this one a report of the month is still on time; negative when it is late.

    `last` is its last day on time where outages moved that.

    >>> days_left(date(2025, 10, 3), "2025-09", Days()), days_left(date(2025, 10, 6), "2025-09", Days())
    (2, -1)
    """
    return ((last or due_on(period, days)) - day).days


def stage_of(day: date, period: str, days: Days, last: date | None = None) -> Stage:
    """Return where a month stands on a day; `last` is its last day on time where outages moved that."""
    if period_of(day) <= period:
        return Stage.RUNNING
    lasts = (
        (last or due_on(period, days), Stage.DUE),
        (corrections_close_on(period, days), Stage.CORRECTING),
        (approval_closes_on(period, days), Stage.APPROVING),
    )
    return next((stage for last, stage in lasts if day <= last), Stage.OVER)


def find_days(chosen: Sequence[Calendar], area: str, form: str) -> Days:
    """Return the days for reports of a form from an area: of the smallest area around it, then of this very form.

    >>> riau, bengkalis = Calendar("14", "", Days(4, 6, 8)), Calendar("14.03", "", Days(3, 5, 9))
    >>> find_days([riau, bengkalis], "14.03.01", "kb").due, find_days([riau], "15.01", "kb").due
    (3, 5)
    """
    around = areas_around(area)
    holding = [one for one in chosen if one.area in around and one.form in ("", form)]
    best = max(holding, key=lambda one: (len(one.area), bool(one.form)), default=None)
    return best.days if best else Days()


def find_fault(days: Days) -> str:
    """Return the name of the day that cannot be: outside of 1 to 31, or before the one it follows; empty if none."""
    for name, least in (("due", 1), ("corrections", days.due), ("approval", days.corrections)):
        if not max(1, least) <= getattr(days, name) <= 31:
            return name
    return ""


@lru_cache(maxsize=20_000)  # more than there are kecamatan: reminders ask for a facility's several times each
def areas_around(area: str) -> tuple[str, ...]:
    """Return an area's code, those of the areas that it lies in, and the empty one of the whole country.

    >>> areas_around("14.03.01")
    ('14.03.01', '14.03', '14', '')
    """
    parts = area.split(".") if area else []
    return tuple(".".join(parts[:count]) for count in range(len(parts), -1, -1))


def waking_hours(at: datetime, zone: str, hours: Hours | None = None) -> tuple[datetime, datetime]:
    """Return from when until when somebody may be written to unasked: today's hours, or the next ones if over.

    Units: `at` and what is returned are instants in UTC; the second one is the first that is too late.
    """
    hours = hours or Hours()
    here = at.astimezone(ZoneInfo(zone))
    day = here.date() + timedelta(days=int(here.hour >= hours.last))
    return clock(day, hours.first, zone), clock(day, hours.last, zone)


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which messages of an area could not come in; an empty area is everywhere, `until_at` None is not over.

    Units: instants in UTC.
    """

    area: str
    from_at: datetime
    until_at: datetime | None


def excused_due_on(period: str, days: Days, zone: str, outages: Sequence[Outage], now: datetime) -> date:
    """Return the last day on which a report of this month counts as on time, outages excused.

    An outage that touches the last day gives everybody the whole day after the one on which it ended; one that is not
    over yet is taken as ending now. Shape: `outages` are those of the place itself and of the areas around it.

    >>> cut = Outage("", datetime(2025, 10, 5, 1, tzinfo=UTC), datetime(2025, 10, 6, 1, tzinfo=UTC))
    >>> excused_due_on("2025-09", Days(), "Asia/Jakarta", [cut], datetime(2025, 10, 9, tzinfo=UTC))
    datetime.date(2025, 10, 7)
    >>> excused_due_on("2025-09", Days(), "Asia/Jakarta", [], datetime(2025, 10, 9, tzinfo=UTC))
    datetime.date(2025, 10, 5)
    """
    last = due_on(period, days)
    for one in sorted(outages, key=lambda it: it.from_at):
        until_at = one.until_at or max(now, one.from_at)
        if one.from_at < clock(last + DAY, 0, zone) and until_at >= clock(last, 0, zone):
            last = max(last, until_at.astimezone(ZoneInfo(zone)).date() + DAY)
    return last


def _first_day(period: str) -> date:
    return date(int(period[:4]), int(period[5:7]), 1)


def _day_after(period: str, day: int) -> date:
    """Return a day of the month that follows a period, or that month's last one where it is shorter."""
    first = _first_day(shift(period, 1))
    return first.replace(day=min(day, monthrange(first.year, first.month)[1]))


def clock(day: date, hour: int, zone: str) -> datetime:
    """Return the instant, in UTC, at which a place's clock shows an hour of a day; hour 24 is its end.

    >>> clock(date(2025, 10, 5), 8, "Asia/Jayapura").hour, clock(date(2025, 10, 5), 24, "UTC").day
    (23, 6)
    """
    return datetime.combine(day + DAY * (hour // 24), time(hour % 24), ZoneInfo(zone)).astimezone(UTC)
