"""The calendar of an area: which days its months have, which months are closed, and what came too late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from flask import Response, request, url_for

from gateway import calendar
from gateway.calendar import Calendar, Days, Stage
from gateway.review.pages import frame
from gateway.review.pages.language import current_language, mark, translate
from gateway.review.pages.outage_rows import MOST, Reckoning, make_rows
from gateway.review.permit import Action
from gateway.store import areas, figures, months, outages, totals, unsettled
from gateway.store.areas import Area
from gateway.store.base import Session
from gateway.store.months import Closing
from gateway.store.outages import NotedOutage
from gateway.store.timeliness import first_day_touched
from gateway.values import Scope
from parsers.form import Form

BACK, AHEAD = 6, 3  # months that the page shows
REGENCY = 5  # characters of its code
STAGES: Mapping[Stage, str] = {
    Stage.RUNNING: mark("has not ended yet"),
    Stage.DUE: mark("reports are expected"),
    Stage.CORRECTING: mark("late reports and corrections are expected"),
    Stage.APPROVING: mark("to be approved"),
    Stage.OVER: mark("every day has passed; still open"),
}
DAY_FAULTS: Mapping[str, str] = {
    "due": mark("A day from 1 to 31."),
    "corrections": mark("A day from 1 to 31, not before the due day."),
    "approval": mark("A day from 1 to 31, not before the last day for corrections."),
}

routes = frame.make_routes("calendar")


@dataclass(frozen=True, slots=True)
class MonthRow:
    """One month as the page shows it. `planned` is the last day on time without the outages that moved it to `due`."""

    period: str
    due: date
    planned: date
    corrections: date
    approval: date
    stage: str
    left: int | None
    closing: Closing | None
    may_close: bool


@dataclass(frozen=True, slots=True)
class Place:
    """What the page is about: an area, a form, and the visitor's clock there."""

    area: str
    name: str
    zone: str
    form: Form
    today: date

    @property
    def can_close(self) -> bool:
        """Whether months are closed for this area: a regency, or a part of one."""
        return len(self.area) >= REGENCY


@routes.get("/calendar")
def show_calendar() -> Response:
    """Show the days of an area's months, which are closed, and what came too late."""
    return show()


@routes.post("/calendar/days")
def choose_days() -> Response:
    """Choose the days for an area, or go back to those of the area around."""
    frame.demand(Action.SET)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    area, form = request.form.get("area", "")[:13], request.form.get("form", "")[:20]
    known = {one.code for one in runtime.forms} | {""}
    if not scope.covers(area) or form not in known:
        return frame.absent()
    if request.form.get("what") == "drop":
        return _drop_days(area, form)
    typed = {name: request.form.get(name, "").strip()[:4] for name in DAY_FAULTS}
    numbers = {name: int(value) if value.isascii() and value.isdigit() else 0 for name, value in typed.items()}
    days = Days(**numbers)
    if wrong := calendar.find_fault(days):
        return show(typed | {"form": form}, {wrong: translate(DAY_FAULTS[wrong])})
    with runtime.database.session() as session:
        if area and areas.find_area_within(session, area, scope=scope) is None:
            return frame.absent()
        before = calendar.find_days(months.calendars_around(session, area, scope=scope), area, form)
        months.choose_days(session, Calendar(area, form, days), scope=scope)
        _recount(session, area)
        frame.audit(session, "choose", "calendar", form or "*", area, days=[_as_words(before), _as_words(days)])
        session.commit()
    return frame.go("calendar.show_calendar", mark("The days were changed."), area=area, form=_shown(form))


def _drop_days(area: str, form: str) -> Response:
    with frame.runtime_of_request().database.session() as session:
        if months.drop_days(session, area, form, scope=frame.visitor().scope):
            _recount(session, area)
            frame.audit(session, "drop", "calendar", form or "*", area)
        session.commit()
    said = mark("The days of the area around count again.")
    return frame.go("calendar.show_calendar", said, area=area, form=_shown(form))


def _shown(form: str) -> str:
    return form or frame.runtime_of_request().settings.main_form


def _as_words(days: Days) -> str:
    return f"{days.due}, {days.corrections}, {days.approval}"


def _recount(session: Session, area: str) -> None:
    """Let what was on time be told anew, as far back as this page shows."""
    today = frame.runtime_of_request().now().date()
    totals.recount(session, area, calendar.shift(calendar.report_month(today), -BACK))


def show(
    typed: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
    outage: Mapping[str, str] | None = None,
) -> Response:
    """Show the page; with what was typed of an area's days, or of an outage, and what is wrong with it."""
    runtime, user = frame.runtime_of_request(), frame.visitor()
    with runtime.database.session(read_only=True) as session:
        place = find_place(session, request.args if typed is outage is None else request.form)
        if place is None:
            return frame.absent()
        chosen = months.calendars_around(session, place.area, scope=user.scope)
        closed = {
            one.period: one
            for one in months.standing_closings(session, place.area, scope=user.scope)
            if one.form == place.form.code
        }
        days = calendar.find_days(chosen, place.area, place.form.code)
        reported = calendar.report_month(place.today)
        periods = [calendar.shift(reported, step) for step in range(AHEAD, -BACK - 1, -1)]
        noted = outages.outages_around(session, place.area, first_day_touched(periods[-1]), scope=user.scope)
        zones = {
            one.code: one.timezone for one in figures.find_areas(session, {one.area for one in noted}, scope=user.scope)
        }
        about = Reckoning(
            place.area, place.form.code, periods, chosen, place.zone, zones | {"": place.zone}, runtime.now()
        )
        late = unsettled.late_reports(session, place.form.code, reported, place.area, scope=user.scope)
        requests = unsettled.closed_requests(session, place.area, scope=user.scope)
        before = request.args.get("before", None, int)
        history = months.latest_closings(session, scope=user.scope, before=before, limit=21)
        codes = {one.area for one in chosen} | {one.area for one in history} | {one.area for one in noted}
        names = areas.names_of(session, codes | {place.area})
        choices = _area_choices(session, user.scope)
    return frame.answer(
        "calendar.html",
        422 if faults else 200,
        place=place,
        form_tabs=_make_tabs(place),
        rows=_make_rows(place, days, closed, about, noted),
        own=_find_own(chosen, place, typed),
        origin=_find_origin(chosen, place),
        days=days,
        typed=typed or {},
        faults=faults or {},
        outages=make_rows(noted, about, user.scope),
        more_outages=len(noted) - MOST,
        outage=outage or {},
        local_now=runtime.now().astimezone(ZoneInfo(place.zone)).strftime("%Y-%m-%dT%H:%M"),
        late=late,
        requests=requests,
        reported=reported,
        history=history[:20],
        older=url_for("calendar.show_calendar", before=history[19].id, area=place.area) if len(history) > 20 else None,
        names=names,
        choices=choices,
        show_day=show_day,
        form_names={form.code: form.name(current_language()) for form in runtime.forms},
        now=runtime.now(),
    )


def _make_tabs(place: Place) -> list[tuple[str, str, bool, None]]:
    """Return the tabs of the forms."""
    return [
        (
            url_for("calendar.show_calendar", area=place.area, form=form.code),
            form.name(current_language()),
            form is place.form,
            None,
        )
        for form in frame.runtime_of_request().forms
    ]


def _find_own(chosen: tuple[Calendar, ...], place: Place, typed: Mapping[str, str] | None) -> Calendar | None:
    """Return the days chosen for this very area: those of the form that was typed, else the ones that count."""
    forms = [typed["form"]] if typed else [place.form.code, ""]
    own = {one.form: one for one in chosen if one.area == place.area}
    return next((own[form] for form in forms if form in own), None)


def _find_origin(chosen: tuple[Calendar, ...], place: Place) -> Calendar | None:
    """Return the choice by which this area goes, its own or one around it; None for the days that Kabar comes with."""
    around = calendar.areas_around(place.area)
    holding = [one for one in chosen if one.area in around and one.form in ("", place.form.code)]
    return max(holding, key=lambda one: (len(one.area), bool(one.form)), default=None)


def _make_rows(
    place: Place, days: Days, closed: Mapping[str, Closing], about: Reckoning, noted: Sequence[NotedOutage]
) -> list[MonthRow]:
    """Return the months to show, the newest first."""
    rows, spans = [], [one.span for one in noted]
    for period in about.periods:
        due = about.last_day(period, days, spans)
        stage = calendar.stage_of(place.today, period, days, due)
        rows.append(
            MonthRow(
                period=period,
                due=due,
                planned=calendar.due_on(period, days),
                corrections=max(due, calendar.corrections_close_on(period, days)),
                approval=max(due, calendar.approval_closes_on(period, days)),
                stage=translate(STAGES[stage]),
                left=calendar.days_left(place.today, period, days, due) if stage is Stage.DUE else None,
                closing=closed.get(period),
                may_close=may_close(place, period) and period not in closed,
            )
        )
    return rows


def may_close(place: Place, period: str) -> bool:
    """Tell whether staff of this place may close a month: one that has ended, for a regency or a part of one."""
    return place.can_close and calendar.stage_of(place.today, period, Days()) is not Stage.RUNNING


def find_place(session: Session, wished: Mapping[str, Any]) -> Place | None:
    """Return what a page is about, or None where it is not the visitor's."""
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    code = str(wished.get("area", ""))[:13]
    if not code and "area" not in wished:
        code = _first_area(session, scope)
    if not scope.covers(code):
        return None
    found = areas.find_area_within(session, code, scope=scope) if code else Area("", None, "", "", "")
    form_code = str(wished.get("form") or runtime.settings.main_form)
    form = next((one for one in runtime.forms if one.code == form_code), None)
    if found is None or form is None:
        return None
    zone = found.timezone or runtime.settings.timezone
    name = found.name or translate(mark("Whole country"))
    return Place(code, name, zone, form, runtime.now().astimezone(ZoneInfo(zone)).date())


def _first_area(session: Session, scope: Scope) -> str:
    """Return the area to begin with: the visitor's own, or the first regency in it."""
    if len(scope.area) >= REGENCY:
        return scope.area
    regencies = unsettled.regencies_with_facilities(session, scope=scope)
    return regencies[0][0] if regencies else scope.area


def _area_choices(session: Session, scope: Scope) -> list[tuple[str, str]]:
    """Return the areas to choose from, where the visitor has more than one."""
    if len(scope.area) >= REGENCY:
        return []
    own = areas.names_of(session, [scope.area]).get(scope.area) or translate(mark("Whole country"))
    return [(scope.area, own), *unsettled.regencies_with_facilities(session, scope=scope)]


def show_day(day: date) -> str:
    """Return a day as people here write it, with the day of the week: Min, 5 Okt 2025."""
    return str(format_date(day, "EEE, d MMM y", locale=current_language()))
