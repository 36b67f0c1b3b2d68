"""What reminders stand on: what an edge hands in, and what areas chose, asked once and worked out for each place."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.calendar import Calendar, Outage, areas_around, excused_due_on, find_days, report_month, shift
from gateway.handle.facts import Rules
from gateway.ladder import Ladder, Manners, find_ladder, find_manners
from gateway.remind.due import Place, Window, find_windows, may_write
from gateway.remind.off_days import find_place
from gateway.store import ladders, months, outages
from gateway.store.audience import Routes, find_routes
from gateway.store.base import Session

NEXT, FIRST = 1, -2  # months around the one that is reported now, whose reminders may go out now
LOOK_BACK = timedelta(days=150)  # an outage that was over before excuses nothing of these months


@dataclass(frozen=True, slots=True)
class Ways:
    """What an edge hands in: the house's rules, the configured channels, and those only for who is bound to them."""

    rules: Rules
    channels: tuple[str, ...]
    only_bound: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Course:
    """The last day on time for a form and month in a place, and when each rung of its ladder may go out there."""

    due_on: date
    windows: tuple[Window, ...]


@dataclass(frozen=True, slots=True)
class Ground:
    """What areas chose, and what follows of it at an instant. What is worked out once is kept for the next place."""

    ways: Ways
    now: datetime
    ladders: Sequence[Ladder]
    manners: Sequence[Manners]
    calendars: Sequence[Calendar]
    outages: Sequence[Outage]
    _homes: dict[str, str] = field(default_factory=dict)
    _courses: dict[tuple[str, str, str, str], Course] = field(default_factory=dict)
    _ladders: dict[tuple[str, str], Ladder] = field(default_factory=dict)
    _quiet: dict[tuple[str, str], bool] = field(default_factory=dict)

    def find_routes(self, session: Session) -> Routes:
        """Return by which channels people are written to."""
        return find_routes(session, self.ways.channels, self.ways.only_bound, self.ways.rules.outgoing.routes)

    def home_of(self, area: str) -> str:
        """Return the smallest area around this one that chose anything: all that lies in it goes by the same."""
        if not self._homes:
            chosen: tuple[Sequence[Ladder | Manners | Calendar | Outage], ...]
            chosen = self.ladders, self.manners, self.calendars, self.outages
            self._homes.update({one.area: one.area for these in chosen for one in these} | {"": ""})
        if area not in self._homes:
            self._homes[area] = next(self._homes[one] for one in areas_around(area) if one in self._homes)
        return self._homes[area]

    def place(self, area: str, zone: str) -> Place:
        """Return how people of an area may be written to."""
        return find_place(zone, self.manners_of(area), self.ways.rules.region)

    def is_quiet(self, area: str, zone: str) -> bool:
        """Tell whether nobody of an area may be written to now."""
        key = self.home_of(area), zone
        if key not in self._quiet:
            self._quiet[key] = not may_write(self.now, self.place(area, zone))
        return self._quiet[key]

    def manners_of(self, area: str) -> Manners:
        """Return the manners that count in an area."""
        return find_manners(self.manners, area)

    def ladder_of(self, area: str, form: str) -> Ladder:
        """Return the ladder that counts for a form in an area."""
        key = self.home_of(area), form
        if key not in self._ladders:
            self._ladders[key] = find_ladder(self.ladders, *key)
        return self._ladders[key]

    def course_of(self, form: str, period: str, area: str, zone: str) -> Course:
        """Return the last day on time, outages excused, and the windows; none where the form is not asked for."""
        key = form, period, self.home_of(area), zone
        if key not in self._courses:
            self._courses[key] = self._work_out(*key)
        return self._courses[key]

    def _work_out(self, form: str, period: str, area: str, zone: str) -> Course:
        ladder, place, around = self.ladder_of(area, form), self.place(area, zone), areas_around(area)
        cuts = [one for one in self.outages if one.area in around]
        due_on = excused_due_on(period, find_days(self.calendars, area, form), zone, cuts, self.now)
        return Course(due_on, find_windows(due_on, ladder.rungs, place) if ladder.is_on else ())

    def forms_asked(self, areas: Iterable[str]) -> tuple[str, ...]:
        """Return the forms that are asked for in any of these areas: the main one first, as STATUS tells of them."""
        codes, rules = tuple(areas), self.ways.rules
        forms = sorted((form.code for form in rules.forms), key=lambda code: code != rules.main_form)
        return tuple(form for form in forms if any(self.ladder_of(area, form).is_on for area in codes))

    def today(self, zone: str) -> date:
        """Return the day on a place's clock."""
        return self.now.astimezone(ZoneInfo(zone)).date()

    def periods(self, zone: str) -> tuple[str, ...]:
        """Return the months whose reminders may go out now, the oldest first."""
        reported = report_month(self.today(zone))
        return tuple(shift(reported, step) for step in range(FIRST, NEXT + 1))


def look(session: Session, ways: Ways, now: datetime) -> Ground:
    """Return the ground of every area."""
    return Ground(
        ways,
        now,
        (*ways.rules.ladders, *ladders.all_ladders(session)),
        ladders.all_manners(session),
        months.all_calendars(session),
        outages.all_outages(session, now - LOOK_BACK),
    )
