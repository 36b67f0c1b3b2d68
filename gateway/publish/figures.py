"""What a regency has opened, gathered in a few questions and kept for a moment, however often it is asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway import opening
from gateway.calendar import report_month, shift
from gateway.errors import Unavailable
from gateway.opening import GIVEN_MONTHS, Line, Methods, Openness
from gateway.runtime import Runtime
from gateway.store import figures, open_figures
from gateway.store.areas import Area
from gateway.store.open_figures import OpenMonth
from gateway.values import Scope
from parsers.form import Form

FRESH = timedelta(seconds=60)  # so long nobody asks the database again
MOST_KEPT = 600  # regencies: there are 514


@dataclass(frozen=True, slots=True)
class Figures:
    """What a regency has opened. Shape: `parts` are its kecamatan by code; `given` the months, first and last, in which
    services were looked for of which there is no stock.
    """

    area: Area
    openness: Openness
    parts: Mapping[str, Area]
    lines: tuple[Line, ...]
    months: tuple[OpenMonth, ...]
    methods: Methods
    main_form: Form
    stock_form: Form
    given: tuple[str, str]
    made_on: date

    def name_method(self, item: str, language: str) -> str:
        """Return what a method is called."""
        return opening.name_method(item, self.main_form, self.stock_form, language)

    def name_part(self, code: str) -> str:
        """Return what a kecamatan is called; the empty code is all of them."""
        return self.parts[code].name if code in self.parts else self.area.name


@dataclass(frozen=True, slots=True)
class Written:
    """A file of what was opened. `since` is from when on this process has known it as it is."""

    of: Figures
    body: bytes
    since: datetime


class Shelf:
    """What one process keeps of what it has gathered and written. Several threads may use it."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[datetime, Figures]] = {}
        self._written: dict[tuple[str, str], Written] = {}
        self._lock = threading.Lock()

    def find(self, runtime: Runtime, area: str) -> Figures | None:
        """Return what a regency has opened; None where it has opened nothing.

        Errors: Unavailable when the database cannot be reached and nothing is known from before.
        """
        now = runtime.now()
        at, known = self._kept.get(area, (None, None))
        if known and at and timedelta() <= now - at < FRESH:
            return known
        try:
            found = gather(runtime, area)
        except Unavailable:
            if known is None:
                raise
            return known  # as it was a moment ago is better than nothing
        with self._lock:
            self._kept.pop(area, None)
            if found and len(self._kept) < MOST_KEPT:
                self._kept[area] = (now, found)
        return found

    def write(self, figures: Figures, name: str, write: Callable[[Figures], bytes], now: datetime) -> Written:
        """Return a file of these figures, written once for as long as they are the same."""
        place = figures.area.code, name
        known = self._written.get(place)
        if known and known.of is figures:
            return known
        body = write(figures)
        since = known.since if known and known.body == body else now
        self._written[place] = Written(figures, body, since)
        return self._written[place]


def gather(runtime: Runtime, area: str) -> Figures | None:
    """Return what a regency has opened, asked of the database within that regency; None where that is nothing."""
    forms = {form.code: form for form in runtime.forms}
    main_form, stock_form = forms[runtime.settings.main_form], opening.find_stock_form(runtime.forms)
    if not opening.is_regency(area) or stock_form is None:
        return None
    scope = Scope(area)
    with runtime.database.session(snapshot=True) as session:
        openness = open_figures.find_openness(session, area, scope=scope)
        place = figures.find_area(session, area, scope=scope)
        if openness is None or place is None or not openness.is_on:
            return None
        today = runtime.now().astimezone(ZoneInfo(place.timezone)).date()
        newest, methods = report_month(today), opening.find_methods(stock_form, main_form)
        given = [shift(newest, -back) for back in reversed(range(GIVEN_MONTHS))]
        shown = [one for one in open_figures.list_months(session, area, scope=scope) if one.withdrawn_at is None]
        return Figures(
            area=place,
            openness=openness,
            parts={one.code: one for one in figures.areas_within(session, area, scope=scope)},
            lines=open_figures.find_lines(session, openness, today, (main_form, stock_form), scope=scope),
            months=tuple(one for one in shown if one.period >= openness.first_period),
            methods=methods,
            main_form=main_form,
            stock_form=stock_form,
            given=(given[0], given[-1]),
            made_on=today,
        )
