"""What numbers have been sent today, each by the clock of its own place: nobody is reminded twice a day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.calendar import DAY, clock
from gateway.remind.plan import Today
from gateway.store import reminders
from gateway.store.base import Session


def find_today(session: Session, zones: Mapping[str, str], now: datetime) -> Today:
    """Return what these numbers were sent today, each by its own clock. Shape: `zones` maps a number to its clock."""
    days = {phone: day_of(now, zone) for phone, zone in zones.items()}
    since = min((first for first, _ in days.values()), default=now)
    reminded, written = set(), set()
    for one in reminders.sends_to(session, days, since):
        if one.falls_in(*days[one.phone], now):
            written.add(one.phone)
            if one.kind in reminders.KINDS:
                reminded.add(one.phone)
    return Today(frozenset(reminded), frozenset(written))


def day_of(now: datetime, zone: str) -> tuple[datetime, datetime]:
    """Return when the day of a place's clock began, and when it ends."""
    today = now.astimezone(ZoneInfo(zone)).date()
    return clock(today, 0, zone), clock(today + DAY, 0, zone)
