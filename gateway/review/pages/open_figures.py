"""What a regency opens to everybody: what is shown, which months were published, and the addresses to hand on."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, request

from gateway import opening
from gateway.calendar import report_month
from gateway.errors import Raced
from gateway.hiding import ALL, FEWEST, Shown
from gateway.opening import FILES, MEASURES, UNSAID, Openness, State
from gateway.review.pages import frame, show
from gateway.review.pages.language import current_language, mark, translate
from gateway.review.permit import Action
from gateway.runtime import Runtime
from gateway.store import audience, export_choices, figures, open_figures, settled
from gateway.store.areas import Area
from gateway.store.base import Session
from gateway.store.open_figures import OpenMonth
from gateway.store.settled import Reach, Selection
from parsers.form import Form

LONGEST = 200  # characters of the source and of the licence
MOST_SITES = 20
LATE = mark(
    "The figures have changed while you were reading. This is how they stand now; publish them if they are right."
)
UNSURE = mark("Not every facility is in it yet. A month is published once and for all: say that it is meant so.")
NO_SITE = mark("“%(written)s” is no address of a site. Write it like https://palu.go.id, one in each line.")

routes = frame.make_routes("open_figures")


@dataclass(frozen=True, slots=True)
class Tables:
    """One month as everybody would see it, or does: its tables by measure, and how many facilities are in it."""

    period: str
    tables: Mapping[str, Mapping[str, Mapping[str, int | None]]]
    there: Mapping[str, int]

    @property
    def is_enough(self) -> bool:
        """Tell whether there is anything to publish: of fewer facilities every figure is hidden."""
        return self.there["settled"] >= FEWEST

    @property
    def missing(self) -> int:
        """How many facilities are not in it."""
        return max(0, self.there["there"] - self.there["settled"])

    @property
    def seal(self) -> str:
        """What somebody has seen who publishes it."""
        return f"{zlib.crc32(repr((self.period, sorted(self.there.items()), _sort(self.tables))).encode()):x}"


@routes.get("/open-figures")
def show_open_figures() -> Response:
    """Show what a regency opens, what is still to be published, and the addresses."""
    return _show(request.args)


@routes.post("/open-figures")
def choose() -> Response:
    """Open a regency's figures, in another way or no longer."""
    frame.demand(Action.SET)
    runtime, scope, typed = frame.runtime_of_request(), frame.visitor().scope, request.form
    with runtime.database.session() as session:
        place = _find_regency(session, typed)
        if place is None:
            return frame.absent()
        chosen, faults = _read_choice(typed, place)
        if faults:
            session.rollback()
            return _show(typed, faults=faults, status=422)
        before = _stand(session, place)
        open_figures.choose_openness(session, chosen, runtime.now(), scope=scope)
        about = {"was": _as_words(before), "value": _as_words(chosen)}
        frame.audit(session, "choose", "open_figures", place.code, place.code, **about)
        session.commit()
    said = mark("The public figures are open. It may take a few minutes until everybody sees what you chose.")
    closed = mark("The public figures are closed. It may take a few minutes until nobody sees them any more.")
    return frame.go("open_figures.show_open_figures", said if chosen.is_on else closed, area=place.code)


@routes.post("/open-figures/month")
def publish() -> Response:
    """Publish a month, withdraw it, or show it again as it was published."""
    frame.demand(Action.SET)
    runtime, scope, typed = frame.runtime_of_request(), frame.visitor().scope, request.form
    what, period = typed.get("what", ""), typed.get("period", "")
    with runtime.database.session() as session:
        place = _find_regency(session, typed)
        if place is None:
            return frame.absent()
        known = {one.period: one for one in open_figures.list_months(session, place.code, scope=scope)}
        if what in ("withdraw", "show_again") and period in known:
            at = runtime.now() if what == "withdraw" else None
            open_figures.withdraw_month(session, place.code, period, at, scope=scope)
            said = SAID[what]
        elif what == "publish" and period in _months(_stand(session, place), place, runtime) and period not in known:
            tables = _make_tables(session, place, period, runtime)
            if typed.get("seen") != tables.seal or not tables.is_enough:
                session.rollback()
                return _show(typed, told=LATE, status=409)
            if tables.missing and "sure" not in typed:
                session.rollback()
                return _show(typed, told=UNSURE, status=422)
            by, now = frame.visitor().name, runtime.now()
            month = OpenMonth(period, tables.tables, tables.there, by, now, None)
            try:
                open_figures.publish_month(session, place.code, month, scope=scope)
            except Raced:
                session.rollback()
                return _show(typed, told=LATE, status=409)
            said = SAID[what]
        else:
            return frame.absent()
        frame.audit(session, what, "open_month", f"{place.code} {period}", place.code, period=period)
        session.commit()
    return frame.go("open_figures.show_open_figures", said, area=place.code, period=period)


SAID: Mapping[str, str] = {
    "publish": mark("The month was published. It stays as it is now."),
    "withdraw": mark("The month is no longer shown. You can show it again as it was."),
    "show_again": mark("The month is shown again, as it was published."),
}


def _find_regency(session: Session, wished: Mapping[str, Any]) -> Area | None:
    """Return the regency that is asked for, or the visitor's first one; None where there is none in their area."""
    scope = frame.visitor().scope
    choices = [code for code, _ in _regencies(session)]
    code = str(wished.get("area", "")) or next(iter(choices), "")
    return figures.find_area(session, code, scope=scope) if opening.is_regency(code) else None


def _regencies(session: Session) -> list[tuple[str, str]]:
    found = audience.area_choices(session, scope=frame.visitor().scope)
    return [one for one in found if opening.is_regency(one[0])]


def _stand(session: Session, place: Area) -> Openness:
    """Return how a regency opens its figures; as we would propose it where it never chose."""
    found = open_figures.find_openness(session, place.code, scope=frame.visitor().scope)
    today = _today(place, frame.runtime_of_request())
    source = f"Dinas Pengendalian Penduduk dan KB {place.name}"[:LONGEST]
    return found or Openness(place.code, first_period=report_month(today), source=source)


def _today(place: Area, runtime: Runtime) -> date:
    return runtime.now().astimezone(ZoneInfo(place.timezone)).date()


def _months(openness: Openness, place: Area, runtime: Runtime) -> tuple[str, ...]:
    return opening.months_to_open(openness, report_month(_today(place, runtime)))


def _read_choice(typed: Mapping[str, str], place: Area) -> tuple[Openness, dict[str, str]]:
    """Return what was chosen, and what is wrong with it, by field."""
    sites = tuple(dict.fromkeys(typed.get("sites", "").lower().replace(",", " ").split()))
    sites = tuple(site.rstrip("/") for site in sites)
    faults: dict[str, str] = {}
    if wrong := [site for site in sites if not opening.is_site(site)]:
        faults["sites"] = translate(NO_SITE) % {"written": wrong[0][:60]}
    elif len(sites) > MOST_SITES:
        faults["sites"] = translate(mark("Too many sites: leave it empty for every site."))
    said = {name: " ".join(typed.get(name, "").split())[:LONGEST] for name in ("source", "licence")}
    faults |= {name: translate(mark("This must be filled in.")) for name, words in said.items() if not words}
    months = opening.months_to_open(Openness(place.code), report_month(_today(place, frame.runtime_of_request())))
    first = typed.get("first_period", "")
    chosen = Openness(
        area=place.code,
        is_on="is_on" in typed,
        shows_places="shows_places" in typed,
        names_practices="names_practices" in typed,
        measures=tuple(one for one in MEASURES if f"measure-{one}" in typed),
        first_period=first if first in months else months[0],
        sites=sites,
        source=said["source"],
        licence=said["licence"],
    )
    return chosen, faults


def _as_words(one: Openness) -> str:
    names = [name for name in ("is_on", "shows_places", "names_practices") if getattr(one, name)]
    return " ".join((*names, *one.measures, one.first_period, *one.sites))


def _make_tables(session: Session, place: Area, period: str, runtime: Runtime) -> Tables:
    """Return a month as everybody would see it."""
    scope, form = frame.visitor().scope, _forms(runtime)[0]
    choices = export_choices.choices_around(session, place.code, scope=scope)
    selection = Selection(form.code, (period,), place.code, choices.settles_at.states)
    reach = settled.find_reach(session, selection, scope=scope).get(period, Reach())
    shown = opening.sum_up(open_figures.read_reported(session, selection, scope=scope), form)
    tables = {measure: _nest(table) for measure, table in shown.items() if measure in form.measures}
    return Tables(period, tables, {"there": reach.there, "settled": reach.settled})


def _nest(table: Shown) -> dict[str, dict[str, int | None]]:
    nested: dict[str, dict[str, int | None]] = {}
    for row, column in sorted(table):
        nested.setdefault(row, {})[column] = table[row, column]
    return nested


def _sort(tables: Mapping[str, Mapping[str, Mapping[str, int | None]]]) -> list[Any]:
    return sorted(
        (one, [(row, sorted(cells.items())) for row, cells in sorted(rows.items())]) for one, rows in tables.items()
    )


def _forms(runtime: Runtime) -> tuple[Form, Form | None]:
    main = next(form for form in runtime.forms if form.code == runtime.settings.main_form)
    return main, opening.find_stock_form(runtime.forms)


def _show(
    wished: Mapping[str, Any], *, faults: Mapping[str, str] | None = None, told: str = "", status: int = 200
) -> Response:
    frame.demand(Action.SET)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session(snapshot=True) as session:
        place = _find_regency(session, wished)
        if place is None:
            if wished.get("area"):
                return frame.absent()
            return frame.answer("open_figures.html", place=None)
        openness = _stand(session, place)
        if faults is not None:  # what was typed is not lost
            openness = _read_choice(wished, place)[0]
        published = {one.period: one for one in open_figures.list_months(session, place.code, scope=scope)}
        months = sorted({*_months(openness, place, runtime), *published}, reverse=True)
        wanted = str(wished.get("period", ""))
        period = wanted if wanted in months else next((one for one in months if one not in published), months[0])
        known = published.get(period)
        tables = Tables(period, known.tables, known.there) if known else _make_tables(session, place, period, runtime)
        counts = _count_places(session, openness, place, runtime)
        parts = {one.code: one.name for one in figures.areas_within(session, place.code, scope=scope)}
        places = _regencies(session)
    form = _forms(runtime)[0]
    first_months = opening.months_to_open(Openness(place.code), report_month(_today(place, runtime)))
    base = (runtime.settings.public_url or request.host_url).rstrip("/")
    return frame.answer(
        "open_figures.html",
        status,
        place=place,
        places=places,
        openness=openness,
        typed_sites=wished.get("sites") if faults else "\n".join(openness.sites),
        faults=faults or {},
        told=told,
        measures=[(one, show.name_measure(form, one)) for one in MEASURES if one in form.measures],
        first_months=[(one, show.show_month(one)) for one in first_months],
        months=[(one, published.get(one)) for one in months],
        tables=tables,
        known=known,
        rows=_arrange_rows(tables, place, parts),
        columns=_arrange_columns(tables, form),
        counts=counts,
        embed=f"{base}/embed/{place.code}",
        addresses=[f"{base}/open/v1/{place.code}/{name}" for name in FILES],
    )


def _arrange_rows(tables: Tables, place: Area, parts: Mapping[str, str]) -> list[tuple[str, str]]:
    codes = sorted({row for table in tables.tables.values() for row in table if row != ALL})
    return [*((code, parts.get(code, place.name)) for code in codes), (ALL, translate(mark("Total")))]


def _arrange_columns(tables: Tables, form: Form) -> dict[str, Sequence[tuple[str, str]]]:
    """Return the columns of each measure's table, by code and name."""
    unsaid, total = translate(mark("Method not given")), translate(mark("Total"))
    known = [(code, show.name_item(form, code)) for code in form.items] + [(UNSAID, unsaid), (ALL, total)]
    return {
        measure: [one for one in known if any(one[0] in cells for cells in table.values())]
        for measure, table in tables.tables.items()
    }


def _count_places(
    session: Session, openness: Openness, place: Area, runtime: Runtime
) -> list[tuple[str, int, int, int]]:
    """Return each method with the number of lines where it is there, gone and unknown: what the feed would say."""
    main, stock = _forms(runtime)
    if stock is None:
        return []
    shown = replace(openness, shows_places=True)
    today = _today(place, runtime)
    lines = open_figures.find_lines(session, shown, today, (main, stock), scope=frame.visitor().scope)
    items = opening.find_methods(stock, main).items
    found = opening.count_states(lines, items)
    language = current_language()
    return [
        (
            opening.name_method(item, main, stock, language),
            found[item][State.THERE],
            found[item][State.GONE],
            found[item][State.UNKNOWN],
        )
        for item in items
        if found[item][State.THERE] or found[item][State.GONE]
    ]
