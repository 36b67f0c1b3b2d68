"""Outages as the calendar shows them: when, why, who noted it, and which months' last days each one moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time

from gateway.calendar import Calendar, Days, Outage, areas_around, excused_due_on, find_days
from gateway.review.pages.language import current_language, mark, translate
from gateway.store.outages import NOT_RUNNING, NotedOutage
from gateway.values import Scope

MOST = 20  # that are shown
NOT_OVER = mark("not over yet")
REASONS: Mapping[str, str] = {NOT_RUNNING: mark("Kabar was not running.")}  # of those that no person noted


@dataclass(frozen=True, slots=True)
class OutageRow:
    """One outage, its `span` in words.

    Shape: `moved` are the months whose last day on time it moves, each with the day that it is now.
    """

    id: int
    area: str
    span: str
    is_over: bool
    reason: str
    noted_by: str | None
    noted_at: datetime
    moved: tuple[tuple[str, date], ...]
    may_change: bool


@dataclass(frozen=True, slots=True)
class Reckoning:
    """By what an area's last days are told: what was chosen around it, of which form, for which months, on its clock.

    Shape: `zones` are those of the areas within it that have outages of their own.
    """

    area: str
    form: str
    periods: Sequence[str]
    chosen: Sequence[Calendar]
    zone: str
    zones: Mapping[str, str]
    now: datetime

    def last_day(self, period: str, days: Days, outages: Sequence[Outage]) -> date:
        """Return the last day on which a month is on time in the area itself."""
        return excused_due_on(period, days, self.zone, _of(self.area, outages), self.now)


def make_rows(noted: Sequence[NotedOutage], about: Reckoning, scope: Scope) -> list[OutageRow]:
    """Return the newest outages of an area with what each one moves, there or where within it it was."""
    spans = [one.span for one in noted]
    rows = []
    for index, one in enumerate(noted[:MOST]):
        place = about.area if one.area in areas_around(about.area) else one.area
        zone, days = about.zones.get(place, about.zone), find_days(about.chosen, place, about.form)
        others = spans[:index] + spans[index + 1 :]
        moved = []
        for period in sorted(about.periods):
            last = excused_due_on(period, days, zone, _of(place, spans), about.now)
            if last != excused_due_on(period, days, zone, _of(place, others), about.now):
                moved.append((period, last))
        rows.append(
            OutageRow(
                id=one.id,
                area=one.area,
                span=show_span(one.from_at, one.until_at, about.zone),
                is_over=one.until_at is not None,
                reason=translate(REASONS[one.reason]) if one.noted_by is None else one.reason,
                noted_by=one.noted_by,
                noted_at=one.noted_at,
                moved=tuple(moved),
                may_change=scope.covers(one.area),
            )
        )
    return rows


def show_span(from_at: datetime, until_at: datetime | None, zone: str) -> str:
    """Return from when until when an outage was, on a place's clock, the day named once where it is one."""
    first = _show(from_at, zone, "EEE, d MMM y")
    if until_at is None:
        return f"{first} {_zone_of(from_at, zone)} – {translate(NOT_OVER)}"
    is_same_day = until_at.astimezone(ZoneInfo(zone)).date() == from_at.astimezone(ZoneInfo(zone)).date()
    last = _show(until_at, zone, "" if is_same_day else "EEE, d MMM y")
    return f"{first} – {last} {_zone_of(until_at, zone)}"


def _show(at: datetime, zone: str, day: str) -> str:
    here = at.astimezone(ZoneInfo(zone))
    language = current_language()
    time = str(format_time(here, "HH.mm" if language == "id" else "HH:mm"))
    return f"{format_date(here, day, locale=language)}, {time}" if day else time


def _zone_of(at: datetime, zone: str) -> str:
    return str(at.astimezone(ZoneInfo(zone)).tzname())


def _of(area: str, outages: Sequence[Outage]) -> list[Outage]:
    around = areas_around(area)
    return [one for one in outages if one.area in around]
