"""Outages as the calendar shows them: when, why, who noted it, and which months' last days each one moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from gateway.calendar import Calendar, Days, Outage, areas_around, excused_due_on, find_days
from gateway.review.pages.language import mark, translate
from gateway.store.outages import NOT_RUNNING, NotedOutage
from gateway.values import Scope

MOST = 20  # that are shown
REASONS: Mapping[str, str] = {NOT_RUNNING: mark("Kabar was not running.")}  # of those that no person noted


@dataclass(frozen=True, slots=True)
class OutageRow:
    """One outage. Shape: `moved` are the months whose last day on time it moves, each with the day that it is now."""

    id: int
    area: str
    from_at: datetime
    until_at: datetime | None
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
                from_at=one.from_at,
                until_at=one.until_at,
                reason=translate(REASONS[one.reason]) if one.noted_by is None else one.reason,
                noted_by=one.noted_by,
                noted_at=one.noted_at,
                moved=tuple(moved),
                may_change=scope.covers(one.area),
            )
        )
    return rows


def _of(area: str, outages: Sequence[Outage]) -> list[Outage]:
    around = areas_around(area)
    return [one for one in outages if one.area in around]
