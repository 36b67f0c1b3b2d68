"""This month: who has reported and who has not, what it adds up to, what runs out, and what went wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, request, url_for

from gateway.calendar import areas_around, due_on, excused_due_on, find_days, month_days, report_month, shift, stage_of
from gateway.remind.by_hand import midnight_before
from gateway.review.pages import frame, month_figures
from gateway.review.pages.alarms import find_alarms
from gateway.review.pages.month_figures import add_up
from gateway.runtime import Runtime
from gateway.stock import MONTHS_BACK
from gateway.store import figures, missing, months, outages, thresholds, totals
from gateway.store.areas import Area
from gateway.store.base import Session
from gateway.store.missing import Contact, Owing
from gateway.store.timeliness import first_day_touched
from gateway.values import Scope
from parsers.form import Form

routes = frame.make_routes("month")

MISSING_ROWS = 8  # on the month's own page; the list of them has them all
OLDEST_MONTHS = 36  # so far back the picker reaches
_PERIOD = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wish:
    """Which month of which form in which area somebody looks at. `today` is the day there."""

    form: Form
    period: str
    area: Area
    crumbs: tuple[Area, ...]
    children: tuple[Area, ...]
    today: date

    def url(self, endpoint: str = "month.show_month", **changes: Any) -> str:
        """Return the address of a page about the same, or with something changed."""
        chosen = {"period": self.period, "area": self.area.code or None, "form": self.form.code}
        return url_for(endpoint, **(chosen | changes))


@dataclass(frozen=True, slots=True)
class MissingRow:
    """A facility that owes a report, whom to remind, and when she was reminded today, if she was."""

    owing: Owing
    contact: Contact | None
    reminded_at: Any


@routes.get("/month")
def show_month() -> Response:
    """Show an area's month."""
    runtime = frame.runtime_of_request()
    with runtime.database.session(read_only=True) as session:
        wish = find_wish(session, runtime)
        if wish is None:
            return frame.absent()
        context = gather(session, runtime, wish)
        alarms = find_alarms(session, runtime, frame.visitor().scope)
    return frame.answer("month.html", wish=wish, alarms=alarms, **context)


def find_wish(session: Session, runtime: Runtime) -> Wish | None:
    """Return what an address asks to see; None where its area is not there or not the visitor's.

    What it does not say, or says wrongly, is the visitor's own area, the main form and the month that is due.
    """
    scope = frame.visitor().scope
    code = request.values.get("area", "") or scope.area
    area = figures.find_area(session, code, scope=scope)
    if area is None:
        return None
    forms = {form.code: form for form in runtime.forms}
    form = forms.get(request.values.get("form", ""), forms[runtime.settings.main_form])
    today = runtime.now().astimezone(ZoneInfo(area.timezone)).date()
    asked = request.values.get("period", "")
    newest, oldest = shift(report_month(today), 1), shift(report_month(today), -OLDEST_MONTHS)
    period = asked if _PERIOD.fullmatch(asked) and oldest <= asked <= newest else report_month(today)
    return Wish(
        form,
        period,
        area,
        crumbs_of(session, code, scope),
        figures.areas_within(session, code, scope=scope),
        today,
    )


def crumbs_of(session: Session, code: str, scope: Scope) -> tuple[Area, ...]:
    """Return the areas around one that the visitor may see, the widest first."""
    around = [one for one in areas_around(code)[1:] if scope.covers(one)]
    return figures.find_areas(session, around, scope=scope)


def gather(session: Session, runtime: Runtime, wish: Wish) -> dict[str, Any]:
    """Return everything of a month but its alarms."""
    scope, code, form, period = frame.visitor().scope, wish.area.code, wish.form, wish.period
    periods = month_figures.months_until(period)
    there = figures.count_there(session, form.code, period, month_days(period), code, scope=scope)
    inside = figures.counts_within(session, form.code, periods, code, scope=scope)
    sums = figures.sums_of(session, form.code, periods, code, scope=scope)
    by_group = month_figures.group_lines(there, figures.counts_of(session, form.code, period, code, scope=scope))
    by_area = month_figures.area_lines(wish.children, there, inside, period)
    days = find_days(months.calendars_around(session, code, scope), code, form.code)
    noted = outages.outages_around(session, code, first_day_touched(period), scope=scope)
    around = [one.span for one in noted if one.area in areas_around(code)]
    last = excused_due_on(period, days, wish.area.timezone, around, runtime.now())
    return {
        "by_group": by_group,
        "by_area": by_area,
        "total": add_up(by_group),
        "heat": month_figures.heat_rows(by_area, inside, periods),
        "periods": periods,
        "trends": month_figures.trends(form, sums, periods),
        "matrix": month_figures.matrix(form, sums.get(period, {})),
        "missing": missing_rows(session, runtime, wish, limit=MISSING_ROWS),
        "due_on": last,
        "is_moved": last != due_on(period, days),
        "stage": stage_of(wish.today, period, days, last),
        "pick": [shift(report_month(wish.today), step) for step in range(1, -OLDEST_MONTHS, -1)],
        "forms": runtime.forms,
        "is_behind": totals.has_unsummed(session),
        "now": runtime.now(),
        **gather_stock(session, runtime, wish),
    }


def missing_rows(
    session: Session, runtime: Runtime, wish: Wish, *, limit: int, after: int | None = None
) -> tuple[MissingRow, ...]:
    """Return who owes a report, each with whom to remind."""
    scope, now = frame.visitor().scope, runtime.now()
    days = month_days(wish.period)
    owing = missing.list_missing(
        session, wish.form.code, wish.period, days, wish.area.code, scope=scope, after=after, limit=limit
    )
    people = missing.contacts_of(session, [one.id for one in owing], wish.period, wish.today, scope=scope)
    since = midnight_before(now, wish.area.timezone) - timedelta(hours=2)  # an area may have two clocks
    phones = {contact.phone for contact in people.values()}
    told = missing.reminded_at(session, phones, since, scope=scope)

    def row(one: Owing) -> MissingRow:
        contact = people.get(one.id)
        at = told.get(contact.phone) if contact else None
        return MissingRow(one, contact, at if at and at >= midnight_before(now, one.timezone) else None)

    return tuple(row(one) for one in owing)


def gather_stock(session: Session, runtime: Runtime, wish: Wish) -> dict[str, Any]:
    """Return the stock of an area by item, and by what it is judged."""
    form = month_figures.find_stock_form(runtime.forms)
    if form is None:
        return {"stock_form": None, "stock_rows": ()}
    scope = frame.visitor().scope
    chosen = thresholds.thresholds_around(session, wish.area.code, form.code, scope=scope)
    limits = month_figures.stock_limits(chosen, form, wish.area.code)
    periods = month_figures.months_until(wish.period, MONTHS_BACK)
    sums = figures.sums_of(session, form.code, periods, wish.area.code, scope=scope)
    reported = figures.reported_by_month(session, form.code, periods, wish.area.code, scope=scope)
    return {
        "stock_form": form,
        "stock_rows": month_figures.stock_rows(form, sums, reported, wish.period, limits),
        "stock_limits": limits,
    }
