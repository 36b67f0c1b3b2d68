"""The reports: narrowed down by area, facility, month, form and state, newest first; and the same list as a file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, request, stream_with_context, url_for

from gateway.review import enter
from gateway.review.pages import frame, show
from gateway.review.pages.language import current_language, mark, translate
from gateway.review.pages.sayings import say_flag
from gateway.review.permit import Action
from gateway.spreadsheet import BYTE_ORDER_MARK, write_row
from gateway.store import register, report_list
from gateway.store.areas import Area
from gateway.store.report_list import PAGE, ListedReport, WishedReports
from gateway.values import ReportState
from parsers.form import Form, Shape

MOST_FIGURES = 6  # in a row of the list; the report's own page has all
BY_HAND = mark("Typed by staff")
WAYS: Mapping[str, str] = {"sms": mark("By SMS"), "hand": BY_HAND}
_PERIOD = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])", re.ASCII)
_AREA = re.compile(r"[0-9]{2}(\.[0-9]{2,4}){0,3}", re.ASCII)

routes = frame.make_routes("reports")


@dataclass(frozen=True, slots=True)
class Chip:
    """One thing that the list is narrowed to, in words, and the address of the list without it."""

    words: str
    url: str


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the list: a revision, its state, its main figures and what is flagged, in words."""

    report: ListedReport
    form: str
    state: show.StateWords
    figures: tuple[tuple[str, int], ...]
    flags: tuple[str, ...]
    way: str


@routes.get("/reports")
def show_reports() -> Response:
    """Show a page of the reports that are wished for."""
    wished = read_wished()
    before, after = _read_number("before"), _read_number("after")
    scope = frame.visitor().scope
    with frame.runtime_of_request().database.session(read_only=True) as session:
        found = report_list.list_reports(session, wished, scope=scope, before=before, after=after, limit=PAGE + 1)
        areas = report_list.list_areas(session, wished.area, scope=scope)
        place = register.find_facility(session, wished.facility_id, scope=scope) if wished.facility_id else None
    has_more = len(found) > PAGE
    page = (found[1:] if after is not None else found[:PAGE]) if has_more else found
    has_newer, has_older = (has_more, True) if after is not None else (before is not None, has_more)
    return frame.answer(
        "reports.html",
        lines=[as_line(one) for one in page],
        wished=wished,
        chips=_chips(wished, place.name if place else "", areas),
        areas=[(area.code, _indent(area, scope.area) + area.name) for area in areas],
        forms=[(form.code, form.name(current_language())) for form in frame.runtime_of_request().forms],
        states=[(state.value, translate(show.REPORT_STATES[state].words)) for state in ReportState],
        ways=[(way, translate(words)) for way, words in WAYS.items()],
        newer=_address(wished, after=page[0].id) if page and has_newer else None,
        older=_address(wished, before=page[-1].id) if page and has_older else None,
        file=_address(wished, "reports.export_reports"),
    )


@routes.get("/reports.csv")
def export_reports() -> Response:
    """Hand out the reports that are wished for as a file that a spreadsheet opens; the audit keeps who took it."""
    frame.demand(Action.EXPORT)
    runtime, wished, scope = frame.runtime_of_request(), read_wished(), frame.visitor().scope
    with runtime.database.session() as session:
        frame.audit(session, "export", "report", "list", wished.area or scope.area, **_as_query(wished))
        session.commit()
    forms = [form for form in runtime.forms if wished.form in ("", form.code)]

    def lines() -> Iterator[str]:
        yield BYTE_ORDER_MARK + write_row(heads(forms))
        with runtime.database.session(read_only=True) as session:
            for report in report_list.stream_reports(session, wished, scope=scope):
                yield write_row(cells(report, forms))

    name = "-".join(part for part in ("kabar", wished.form or "laporan", wished.period) if part)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store"}
    return Response(stream_with_context(lines()), mimetype="text/csv", headers=headers)


def read_wished() -> WishedReports:
    """Return what the list is to be narrowed to, as its address says it; what cannot be is left out."""
    asked = request.args
    area, period, form = (asked.get(name, "") for name in ("area", "period", "form"))
    return WishedReports(
        area=area if _AREA.fullmatch(area) else "",
        words=" ".join(asked.get("words", "").split())[:60],
        facility_id=_read_number("facility"),
        period=period if _PERIOD.fullmatch(period) else "",
        form=form if form in {one.code for one in frame.runtime_of_request().forms} else "",
        states=tuple(state.value for state in ReportState if state.value in asked.getlist("state")),
        way=asked.get("way", "") if asked.get("way") in WAYS else "",
        is_flagged=asked.get("flagged") == "1",
    )


def as_line(report: ListedReport) -> Line:
    """Return a revision as a row of the list."""
    form = next((form for form in frame.runtime_of_request().forms if form.code == report.form), None)
    return Line(
        report=report,
        form=form.name(current_language()) if form else report.form,
        state=show.REPORT_STATES.get(report.state, show.UNKNOWN_STATE),
        figures=main_figures(report.values, form),
        flags=tuple(say_flag(flag, form) for flag in report.flags),
        way=report.channel or (translate(BY_HAND) if report.made_by else ""),
    )


def main_figures(values: Mapping[str, int], form: Form | None) -> tuple[tuple[str, int], ...]:
    """Return the figures that stand in a row: totals, or of stock what is left of each item."""
    if form is None:
        return tuple(sorted(values.items())[:MOST_FIGURES])
    if form.shape is Shape.ITEM_FIRST:
        last = list(form.measures)[-1]
        left = ((item, values.get(f"{last}.{item}")) for item in form.items)
        return tuple((show.name_item(form, item), value) for item, value in left if value is not None)[:MOST_FIGURES]
    totals = ((measure, values.get(measure)) for measure in form.measures)
    return tuple((show.name_measure(form, code), value) for code, value in totals if value is not None)[:MOST_FIGURES]


def heads(forms: list[Form]) -> list[str]:
    """Return the heads of the file's columns: what every report has, then every figure of these forms."""
    said = [
        translate(words)
        for words in (
            *(mark("Facility code"), mark("Facility"), mark("Type"), mark("Area code"), mark("Kecamatan")),
            *(mark("Form"), mark("Month"), mark("Revision"), mark("State"), mark("Sent"), mark("Reported by")),
            *(mark("How it came"), mark("Flagged")),
        )
    ]
    return said + [show.name_key(form, key) for form in forms for key in enter.lay_out(form).keys.values()]


def cells(report: ListedReport, forms: list[Form]) -> list[str | int]:
    """Return a report as a row of the file; a figure that was not given stays empty."""
    line = as_line(report)
    own = next((form for form in forms if form.code == report.form), None)
    about: list[str | int] = [
        *(report.facility_code, report.facility, report.facility_type, report.area, report.area_name),
        *(line.form, report.period, report.revision, translate(line.state.words)),
        report.sent_at.astimezone(ZoneInfo(report.timezone)).strftime("%Y-%m-%d %H:%M"),
        *(report.reporter, line.way, " ".join(line.flags)),
    ]
    return about + [
        report.values.get(key, "") if form is own else "" for form in forms for key in enter.lay_out(form).keys.values()
    ]


def _chips(wished: WishedReports, facility: str, areas: tuple[Area, ...]) -> list[Chip]:
    """Return everything that narrows the list down, each with the list as it would be without it."""
    forms = {form.code: form.name(current_language()) for form in frame.runtime_of_request().forms}
    query = _as_query(wished)
    said = {
        "area": next((area.name for area in areas if area.code == wished.area), wished.area),
        "words": f"“{wished.words}”",
        "facility": facility or translate(mark("An unknown facility")),
        "period": show.show_month(wished.period) if wished.period else "",
        "form": forms.get(wished.form, wished.form),
        "way": translate(WAYS[wished.way]) if wished.way else "",
        "flagged": translate(mark("With something to look at")),
    }
    chips = [
        Chip(words, url_for("reports.show_reports", **{key: value for key, value in query.items() if key != name}))
        for name, words in said.items()
        if name in query
    ]
    for state in wished.states:
        others = [one for one in wished.states if one != state]
        words = translate(show.REPORT_STATES[state].words)
        chips.append(Chip(words, url_for("reports.show_reports", **query | {"state": others})))
    return chips


def _as_query(wished: WishedReports) -> dict[str, Any]:
    query: dict[str, Any] = {
        "area": wished.area,
        "words": wished.words,
        "facility": wished.facility_id,
        "period": wished.period,
        "form": wished.form,
        "state": list(wished.states),
        "way": wished.way,
        "flagged": 1 if wished.is_flagged else None,
    }
    return {name: value for name, value in query.items() if value}


def _address(wished: WishedReports, endpoint: str = "reports.show_reports", **others: Any) -> str:
    return url_for(endpoint, **_as_query(wished) | others)


def _read_number(name: str) -> int | None:
    written = request.args.get(name, "")
    return int(written) if written.isascii() and written.isdecimal() and len(written) < 10 else None


def _indent(area: Area, top: str) -> str:
    """Return what shows how deep an area lies under the visitor's own."""
    depth = area.code.count(".") - (top.count(".") + 1 if top else 0)
    return "\N{NO-BREAK SPACE}" * 3 * depth
