"""What a regency has opened, gathered in a few questions and kept for a moment, however often it is asked for."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway import opening
from gateway.calendar import report_month, shift
from gateway.errors import Unavailable
from gateway.opening import GIVEN_MONTHS, MEASURES, STOCK_MONTHS, Line, Methods, Openness
from gateway.runtime import Runtime
from gateway.store import export_choices, figures, open_figures
from gateway.store.areas import Area
from gateway.store.base import Session
from gateway.store.open_figures import OpenMonth, SupplyQuestion
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


class Shelf:
    """What one process keeps of what it has gathered. Several threads may use it."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[datetime, Figures]] = {}
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
            lines=find_lines(session, openness, today, methods, (main_form, stock_form))
            if openness.shows_places
            else (),
            months=tuple(one for one in shown if one.period >= openness.first_period),
            methods=methods,
            main_form=main_form,
            stock_form=stock_form,
            given=(given[0], given[-1]),
            made_on=today,
        )


def find_lines(
    session: Session, openness: Openness, today: date, methods: Methods, forms: tuple[Form, Form]
) -> tuple[Line, ...]:
    """Return what everybody may know of who has what in a regency, as of a day. Shape: `forms` are main and stock."""
    scope, newest = Scope(openness.area), report_month(today)
    wanted = SupplyQuestion(
        stock_form=forms[1].code,
        stock_periods=[shift(newest, -back) for back in range(STOCK_MONTHS)],
        main_form=forms[0].code,
        given_periods=[shift(newest, -back) for back in range(GIVEN_MONTHS)],
        performed=methods.performed,
        measures=[one for one in MEASURES if one != "aktif"],  # who uses it now may have been given it elsewhere
        states=export_choices.choices_around(session, openness.area, scope=scope).settles_at.states,
    )
    suppliers = open_figures.list_suppliers(session, openness.area, today, wanted, scope=scope)
    return opening.make_lines(suppliers, methods, names_practices=openness.names_practices)
