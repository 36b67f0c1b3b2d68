"""/odata/v1/: flat tables for Excel and Power BI, by OData 4.0, to be read only; the token is the password."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, request

from gateway.calendar import report_month, shift
from gateway.publish import api, odata_query
from gateway.publish.api import Caller
from gateway.publish.coverage import by_group
from gateway.publish.odata_query import ROWS, Clause, Query
from gateway.publish.problems import Kind, Refusal
from gateway.settling import Choices
from gateway.store import areas, handed_reports, reach
from gateway.store.base import Session
from gateway.store.figures import WIDTHS
from gateway.store.handed_reports import FlatValue, WantedReports, WantedValues
from gateway.store.tokens import TokenScope
from gateway.values import COUNTING, Scope

routes = Blueprint("odata", __name__, url_prefix="/odata/v1")

NAMESPACE = "Kabar"
JSON = "application/json;odata.metadata=minimal"
MONTHS = 12  # of coverage
TEXT, WHOLE, LONG, TRUTH, INSTANT = "Edm.String", "Edm.Int32", "Edm.Int64", "Edm.Boolean", "Edm.DateTimeOffset"
_SAME, _ORDERED = frozenset({"eq"}), frozenset({"eq", "ge", "gt", "le", "lt"})
NOTHING = "-"  # no code of anything
AREAS = {"province": WIDTHS[0], "regency": WIDTHS[1]}  # columns that are the beginning of an area's code


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of the feed: its columns with their types, its key, what it can be filtered by, and who reads it.

    Shape: `read` returns rows and where the page behind them begins, None on the last one; `count` how many there are.
    """

    name: str
    scope: TokenScope
    key: tuple[str, ...]
    columns: Mapping[str, str]
    filtered: Mapping[str, frozenset[str]]
    read: Callable[[Session, Caller, Query, int], tuple[list[dict[str, Any]], Any]]
    count: Callable[[Session, Caller, Query], int]


@routes.get("/", strict_slashes=False)
def show_tables() -> Response:
    """Show which tables there are."""
    caller = api.admit(None, is_basic_taken=True)
    tables = [{"name": name, "kind": "EntitySet", "url": name} for name in SHEETS]
    return _show({"@odata.context": f"{_address()}/$metadata", "value": tables}, caller)


@routes.get("/$metadata")
def show_metadata() -> Response:
    """Show what the tables consist of, as CSDL."""
    caller = api.admit(None, is_basic_taken=True)
    return _finish(Response(_metadata(), content_type="application/xml"), caller)


@routes.get("/<name>")
def show_rows(name: str) -> Response:
    """Show a page of a table."""
    sheet, caller, query = _open(name)
    limit = ROWS if query.top is None else min(ROWS, query.top)
    told: dict[str, Any] = {"@odata.context": f"{_address()}/$metadata#{name}{_chosen(query)}"}
    with caller.runtime.database.session(read_only=True) as session:
        if query.is_counted:
            told["@odata.count"] = sheet.count(session, caller, query)
        rows, behind = sheet.read(session, caller, query, limit) if limit else ([], None)
    skipped = min(query.skip, len(rows))
    rows = rows[skipped:]
    told["value"] = [{column: row[column] for column in query.select} for row in rows] if query.select else rows
    left = None if query.top is None else query.top - len(rows)
    if behind is not None and left != 0:
        told["@odata.nextLink"] = _next(query, behind, left, query.skip - skipped)
    return _show(told, caller)


@routes.get("/<name>/$count")
def count_rows(name: str) -> Response:
    """Show how many rows a table has."""
    sheet, caller, query = _open(name)
    with caller.runtime.database.session(read_only=True) as session:
        number = sheet.count(session, caller, query)
    return _finish(Response(str(number), content_type="text/plain;charset=utf-8"), caller)


def _open(name: str) -> tuple[Sheet, Caller, Query]:
    sheet = SHEETS.get(name)
    caller = api.admit(sheet.scope if sheet else None, is_basic_taken=True)
    if sheet is None:
        raise Refusal(Kind.NOT_FOUND)
    return sheet, caller, odata_query.read_query(request.args.to_dict(), sheet.columns, sheet.filtered)


def _read_values(session: Session, caller: Caller, query: Query, limit: int) -> tuple[list[dict[str, Any]], Any]:
    place = handed_reports.START
    if query.place is not None:
        if not _is_place(query.place, (int, str, str)) or not 0 <= query.place[0] < 2**62:
            raise odata_query.refuse_place()
        report, measure, item = query.place
        place = (report, measure, item)
    found, behind = handed_reports.list_flat(
        session, _wanted(caller, query.clauses), scope=caller.scope, after=place, limit=min(ROWS, limit + query.skip)
    )
    chosen = handed_reports.every_choice(session, scope=caller.scope)
    return [_tell_value(one, chosen) for one in found], behind


def _count_values(session: Session, caller: Caller, query: Query) -> int:
    return handed_reports.count_flat(session, _wanted(caller, query.clauses), scope=caller.scope)


def _wanted(caller: Caller, clauses: Sequence[Clause]) -> WantedValues:
    first, last = _months(clauses)
    state = _same(clauses, "state")
    reports = WantedReports(
        area=_narrowest(clauses, caller),
        at=_same(clauses, "area"),
        form=_same(clauses, "form"),
        from_period=first,
        to_period=last,
        states=tuple(one for one in sorted(COUNTING) if state in ("", one)) or (NOTHING,),
        facility_code=_same(clauses, "facility_code"),
    )
    items = {clause.value for clause in clauses if clause.column == "item"}
    item = None if not items else items.pop() if len(items) == 1 else NOTHING
    return WantedValues(reports, _same(clauses, "measure"), item)


def _tell_value(one: FlatValue, chosen: Sequence[Choices]) -> dict[str, Any]:
    report = one.report
    return {
        "report": report.id,
        "measure": one.measure,
        "item": one.item,
        "quantity": one.quantity,
        "form": report.form,
        "period": report.period,
        "facility_code": report.facility_code,
        "facility_name": report.facility_name,
        "facility_type": report.facility_type,
        **_parts_of(report.area),
        "area_name": report.area_name,
        "state": report.state,
        "settled": handed_reports.is_settled(report.state, report.area, chosen),
        "revision": report.revision,
        "sent_at": f"{report.sent_at:%Y-%m-%dT%H:%M:%S}Z",
    }


def _read_coverage(session: Session, caller: Caller, query: Query, limit: int) -> tuple[list[dict[str, Any]], Any]:
    place = ["", "", "", ""]
    if query.place is not None:
        if not _is_place(query.place, (str, str, str, str)):
            raise odata_query.refuse_place()
        place = list(query.place)
    found: list[dict[str, Any]] = []
    for period, form in _combinations(caller, query.clauses):
        if [period, form] < place[:2]:
            continue
        for row in _coverage_of(session, caller, query.clauses, period, form):
            if _place_of(row) <= place:
                continue
            if len(found) == min(ROWS, limit + query.skip):
                return found, _place_of(found[-1])
            found.append(row)
    return found, None


def _count_coverage(session: Session, caller: Caller, query: Query) -> int:
    combinations = _combinations(caller, query.clauses)
    return sum(len(_coverage_of(session, caller, query.clauses, period, form)) for period, form in combinations)


def _combinations(caller: Caller, clauses: Sequence[Clause]) -> list[tuple[str, str]]:
    """Return the months and forms that are asked for, of the last year."""
    today = caller.now.astimezone(ZoneInfo(caller.runtime.settings.timezone)).date()
    newest = report_month(today)
    first, last = _months(clauses)
    form = _same(clauses, "form")
    periods = sorted(shift(newest, -back) for back in range(MONTHS))
    forms = sorted(one.code for one in caller.runtime.forms if form in ("", one.code))
    return [(period, one) for period in periods if first <= period and (not last or period <= last) for one in forms]


def _coverage_of(
    session: Session, caller: Caller, clauses: Sequence[Clause], period: str, form: str
) -> list[dict[str, Any]]:
    chosen = handed_reports.every_choice(session, scope=caller.scope)
    found = reach.count_reach(session, form, period, _narrowest(clauses, caller), chosen, scope=caller.scope)
    names = areas.names_of(session, {code for code, _ in found})
    rows = []
    at = _same(clauses, "area")
    for code in sorted({code for code, _ in found if at in ("", code)}):
        groups = by_group({place: one for place, one in found.items() if place[0] == code})
        for group in sorted(groups):
            one = groups[group]
            rows.append(
                {
                    "period": period,
                    "form": form,
                    **_parts_of(code),
                    "area_name": names.get(code, ""),
                    "group": group.value,
                    "there": one.there,
                    "reported": one.reported,
                    "settled": one.settled,
                }
            )
    return rows


def _parts_of(area: str) -> dict[str, str]:
    return {name: area[:width] for name, width in AREAS.items()} | {"area": area}


def _place_of(row: Mapping[str, Any]) -> list[str]:
    return [row["period"], row["form"], row["area"], row["group"]]


def _is_place(place: Any, kinds: Sequence[type]) -> bool:
    is_list = isinstance(place, list) and len(place) == len(kinds)
    return is_list and all(type(one) is kind for one, kind in zip(place, kinds, strict=True))


def _months(clauses: Sequence[Clause]) -> tuple[str, str]:
    """Return the first and the last month that are asked for; empty where any may be."""
    first, last = "", ""
    for clause in clauses:
        if clause.column != "period":
            continue
        if not _is_period(clause.value):
            raise Refusal(Kind.INVALID, "A period is written YYYY-MM.", "Bulan ditulis TTTT-BB.")
        low = shift(clause.value, 1) if clause.operator == "gt" else clause.value
        high = shift(clause.value, -1) if clause.operator == "lt" else clause.value
        if clause.operator in ("eq", "ge", "gt"):
            first = max(first, low)
        if clause.operator in ("eq", "le", "lt"):
            last = min(last or high, high)
    return first, last


def _is_period(written: str) -> bool:
    year, _, month = written.partition("-")
    is_written = len(written) == 7 and written.isascii() and year.isdecimal() and month.isdecimal()
    return is_written and year >= "2000" and "01" <= month <= "12"


def _same(clauses: Sequence[Clause], column: str) -> str:
    """Return what a column is to be; empty where it may be anything."""
    wished = {clause.value for clause in clauses if clause.column == column}
    if not wished:
        return ""
    return (wished.pop() or NOTHING) if len(wished) == 1 else NOTHING


def _narrowest(clauses: Sequence[Clause], caller: Caller) -> str:
    """Return the smallest area that all of what is asked for lies in; one where nothing lies where they disagree."""
    found = Scope(caller.token.area)
    for column, width in AREAS.items():
        wished = _same(clauses, column)
        if not wished:
            continue
        if len(wished) != width or not (found.covers(wished) or Scope(wished).covers(found.area)):
            return NOTHING
        found = Scope(wished) if found.covers(wished) else found
    return found.area


def _chosen(query: Query) -> str:
    return f"({','.join(query.select)})" if query.select else ""


def _next(query: Query, behind: object, left: int | None, skip: int) -> str:
    """Return the address of the page behind: what is still to be skipped and taken goes with it."""
    kept = {name: value for name, value in request.args.items() if name in ("$filter", "$select")}
    more = {"$skiptoken": odata_query.write_place(behind)}
    more |= {"$top": str(left)} if left is not None else {}
    more |= {"$skip": str(skip)} if skip else {}
    return f"{_address()}/{request.path.rpartition('/')[2]}?{urlencode(kept | more, safe='$')}"


def _address() -> str:
    public = api.runtime_of_request().settings.public_url
    return f"{public or request.host_url.rstrip('/')}{routes.url_prefix}"


def _show(told: Mapping[str, Any], caller: Caller) -> Response:
    return _finish(Response(json.dumps(told), content_type=JSON), caller)


def _finish(response: Response, caller: Caller) -> Response:
    response.headers["OData-Version"] = "4.0"
    response.headers.extend(caller.left.headers)
    return api.as_seen(response)


def _metadata() -> str:
    kinds = "".join(
        f'<EntityType Name="{sheet.name}Row"><Key>'
        + "".join(f'<PropertyRef Name="{name}"/>' for name in sheet.key)
        + "</Key>"
        + "".join(f'<Property Name="{name}" Type="{kind}" Nullable="false"/>' for name, kind in sheet.columns.items())
        + "</EntityType>"
        for sheet in SHEETS.values()
    )
    sets = "".join(f'<EntitySet Name="{name}" EntityType="{NAMESPACE}.{name}Row"/>' for name in SHEETS)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>'
        f'<Schema Namespace="{NAMESPACE}" xmlns="http://docs.oasis-open.org/odata/ns/edm">{kinds}'
        f'<EntityContainer Name="Container">{sets}</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>\n'
    )


VALUES = Sheet(
    name="Values",
    scope=TokenScope.READ_REPORTS,
    key=("report", "measure", "item"),
    columns={
        "report": LONG,
        "measure": TEXT,
        "item": TEXT,
        "quantity": WHOLE,
        "form": TEXT,
        "period": TEXT,
        "facility_code": TEXT,
        "facility_name": TEXT,
        "facility_type": TEXT,
        "province": TEXT,
        "regency": TEXT,
        "area": TEXT,
        "area_name": TEXT,
        "state": TEXT,
        "settled": TRUTH,
        "revision": WHOLE,
        "sent_at": INSTANT,
    },
    filtered={
        "period": _ORDERED,
        "province": _SAME,
        "regency": _SAME,
        "area": _SAME,
        "facility_code": _SAME,
        "form": _SAME,
        "measure": _SAME,
        "item": _SAME,
        "state": _SAME,
    },
    read=_read_values,
    count=_count_values,
)
COVERAGE = Sheet(
    name="Coverage",
    scope=TokenScope.READ_COVERAGE,
    key=("period", "form", "area", "group"),
    columns={
        "period": TEXT,
        "form": TEXT,
        "province": TEXT,
        "regency": TEXT,
        "area": TEXT,
        "area_name": TEXT,
        "group": TEXT,
        "there": WHOLE,
        "reported": WHOLE,
        "settled": WHOLE,
    },
    filtered={"period": _ORDERED, "form": _SAME, "province": _SAME, "regency": _SAME, "area": _SAME},
    read=_read_coverage,
    count=_count_coverage,
)
SHEETS: Mapping[str, Sheet] = {sheet.name: sheet for sheet in (VALUES, COVERAGE)}
