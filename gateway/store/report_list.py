"""Lists of reports as staff see them: narrowed down within their area, newest first, a page or all of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, cast, func, literal_column, or_, select

from gateway.calendar import areas_around
from gateway.store.areas import Area, areas
from gateway.store.base import Session, within
from gateway.store.facilities import facilities
from gateway.store.inbox import inbox
from gateway.store.reporters import reporters
from gateway.store.reports import report_values, reports
from gateway.values import Scope

PAGE = 50  # reports on a page
BATCH = 500  # reports of one statement where all are wanted: each must be done within the time limit of statements


@dataclass(frozen=True, slots=True)
class WishedReports:
    """Which reports somebody wants to see; what is empty narrows nothing.

    Shape: all of `words` must be found in the facility's name, short name or code; `way` is "hand" for what staff
    typed, or "sms"; `area` is one within the scope, else nothing is found.
    """

    area: str = ""
    words: str = ""
    facility_id: int | None = None
    period: str = ""
    form: str = ""
    states: tuple[str, ...] = ()
    way: str = ""
    is_flagged: bool = False


@dataclass(frozen=True, slots=True)
class ListedReport:
    """One revision in a list. Shape: `values` maps `measure` or `measure.item` to a number.

    `channel` is where it came in, empty for what staff typed; `flags` are {"code", "about"} of W rules.
    """

    id: int
    form: str
    period: str
    revision: int
    state: str
    sent_at: datetime
    made_by: int | None
    channel: str
    reporter: str
    facility_id: int
    facility_code: str
    facility: str
    facility_type: str
    area: str
    area_name: str
    timezone: str
    flags: Sequence[Mapping[str, Any]]
    values: Mapping[str, int]


def list_reports(
    session: Session,
    wished: WishedReports,
    *,
    scope: Scope,
    before: int | None = None,
    after: int | None = None,
    limit: int = PAGE,
) -> tuple[ListedReport, ...]:
    """Return a page of reports, newest first: those before the one of an id, or those right after it."""
    statement = _narrow(wished, scope)
    if before is not None:
        statement = statement.where(reports.c.id < before)
    if after is not None:
        statement = statement.where(reports.c.id > after)
        rows = session.execute(statement.order_by(reports.c.id).limit(limit)).all()[::-1]
    else:
        rows = session.execute(statement.order_by(reports.c.id.desc()).limit(limit)).all()
    return _with_values(session, rows)


def stream_reports(session: Session, wished: WishedReports, *, scope: Scope) -> Iterator[ListedReport]:
    """Yield every report that is wished for, newest first, some at a time."""
    before: int | None = None
    while True:
        found = list_reports(session, wished, scope=scope, before=before, limit=BATCH)
        yield from found
        if len(found) < BATCH:
            return
        before = found[-1].id


def find_listed(session: Session, report_ids: Sequence[int], *, scope: Scope) -> dict[int, ListedReport]:
    """Return those of these revisions that lie in the scope, by id."""
    rows = session.execute(_narrow(WishedReports(), scope).where(reports.c.id.in_(report_ids))).all()
    return {one.id: one for one in _with_values(session, rows)}


def list_areas(session: Session, chosen: str, *, scope: Scope) -> tuple[Area, ...]:
    """Return the areas that a list can be narrowed to: those right under the scope, and on the way to the chosen one.

    Right under an area are those that it is the parent of; under the whole country are the provinces.
    """
    opened = [code for code in areas_around(chosen) if code and scope.covers(code)] if chosen else []
    parents = {scope.area, *opened} - {""}
    under: ColumnElement[bool] = areas.c.parent.in_(parents)
    if not scope.area:
        under = or_(under, areas.c.parent.is_(None))
    statement = select(areas).where(under, within(areas.c.code, scope)).order_by(areas.c.code)
    return tuple(Area(**row) for row in session.execute(statement).mappings())


def _narrow(wished: WishedReports, scope: Scope) -> Select[Any]:
    columns = (
        *(reports.c[name] for name in ("id", "form", "period", "revision", "state", "sent_at", "made_by", "flags")),
        inbox.c.channel,
        reporters.c.name.label("reporter"),
        facilities.c.id.label("facility_id"),
        facilities.c.code.label("facility_code"),
        facilities.c.name.label("facility"),
        facilities.c.type.label("facility_type"),
        facilities.c.area,
        areas.c.name.label("area_name"),
        areas.c.timezone,
    )
    statement = (
        select(*columns)
        .join(facilities, facilities.c.id == reports.c.facility_id)
        .join(areas, areas.c.code == facilities.c.area)
        .outerjoin(inbox, inbox.c.id == reports.c.inbox_id)
        .outerjoin(reporters, reporters.c.id == reports.c.reporter_id)
        .where(within(facilities.c.area, scope))
    )
    return statement.where(*_wishes(wished))


def _wishes(wished: WishedReports) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wished.area:
        found.append(within(facilities.c.area, Scope(wished.area)))
    for word in wished.words.lower().split()[:6]:
        names = facilities.c.name, facilities.c.short_name, facilities.c.code
        found.append(or_(*(func.lower(name).contains(word, autoescape=True) for name in names)))
    if wished.facility_id is not None:
        found.append(reports.c.facility_id == wished.facility_id)
    if wished.period:
        found.append(reports.c.period == wished.period)
    if wished.form:
        found.append(reports.c.form == wished.form)
    if wished.states:
        found.append(reports.c.state.in_(wished.states))
    if wished.way == "hand":
        found.append(reports.c.made_by.is_not(None))
    elif wished.way == "sms":
        found.append(reports.c.inbox_id.is_not(None))
    if wished.is_flagged:
        found.append(cast(reports.c.flags, Text) != literal_column("'[]'", Text))
    return found


def _with_values(session: Session, rows: Sequence[Any]) -> tuple[ListedReport, ...]:
    """Return the revisions with their values, asked for in one question for all of them."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    if rows:
        statement = select(report_values).where(report_values.c.report_id.in_([row.id for row in rows]))
        for report_id, measure, item, quantity in session.execute(statement):
            found[report_id][f"{measure}.{item}" if item else measure] = quantity
    others = [name for name in ListedReport.__slots__ if name not in ("values", "channel", "reporter")]
    return tuple(
        ListedReport(
            **{name: getattr(row, name) for name in others},
            channel=row.channel or "",
            reporter=row.reporter or "",
            values=found[row.id],
        )
        for row in rows
    )
