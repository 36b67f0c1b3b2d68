"""Timeliness: the first instant that is late for a month, by an area's own days, its own clock, and its outages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

from gateway.calendar import DAY, Days, areas_around, clock, due_on, excused_due_on, find_days
from gateway.store.base import Session
from gateway.store.months import all_calendars
from gateway.store.outages import all_outages

LateFrom = Callable[[str, str], datetime]
_NOT_OVER = datetime(9998, 1, 1, tzinfo=UTC)  # while an outage lasts nobody whom it touches is late


def late_from(session: Session, form: str, period: str) -> LateFrom:
    """Return what tells, of an area and its zone, the first instant that is late for a month; outages are excused.

    Two questions to the database, for however many areas.
    """
    chosen = all_calendars(session)
    outages = all_outages(session, first_day_touched(period))

    @cache
    def find(area: str, zone: str) -> datetime:
        around = areas_around(area)
        these = [one for one in outages if one.area in around]
        last = excused_due_on(period, find_days(chosen, area, form), zone, these, _NOT_OVER)
        return clock(last + DAY, 0, zone)

    return find


def first_day_touched(period: str) -> datetime:
    """Return an instant before any day, on any clock, on which a report of the month may be due."""
    return clock(due_on(period, Days(due=1)), 0, "UTC") - DAY
