"""Reports as other systems read them: in the order in which they were kept, from behind the last one that they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, and_, func, or_, select

from gateway.calendar import areas_around
from gateway.settling import Choices, SettlesAt, find_choices
from gateway.store.areas import areas
from gateway.store.base import Session, within
from gateway.store.export_choices import export_choices
from gateway.store.facilities import facilities
from gateway.store.inbox import inbox
from gateway.store.reports import report_values, reports
from gateway.store.settled import values_of
from gateway.values import Scope

BATCH = 100  # reports of one statement of values
Place = tuple[int, str, str]  # in the order of all values: report, measure, item
START: Place = (0, "", "")
FEW = 20  # batches of one answer: what is narrow in a wide month is found over several answers, each in time


@dataclass(frozen=True, slots=True)
class WantedReports:
    """Which reports are asked for; what is empty narrows nothing.

    `area` is around the facilities, `at` is right where they lie; `since`: kept or changed at this instant or later.
    """

    area: str = ""
    at: str = ""
    form: str = ""
    from_period: str = ""
    to_period: str = ""
    states: tuple[str, ...] = ()
    facility_code: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class HandedReport:
    """One revision as it is handed to another system. `channel` is where it came in; empty if by no message."""

    id: int
    form: str
    period: str
    revision: int
    state: str
    sent_at: datetime
    created_at: datetime
    changed_at: datetime | None
    replaces_id: int | None
    made_by: int | None
    flags: Sequence[Mapping[str, Any]]
    channel: str | None
    facility_code: str
    facility_name: str
    facility_type: str
    area: str
    area_name: str
    values: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class WantedValues:
    """Which values are asked for, of which reports. Empty is any."""

    reports: WantedReports
    measure: str = ""
    item: str | None = None


@dataclass(frozen=True, slots=True)
class FlatValue:
    """One value of one report. `item` is empty for the total of a measure."""

    report: HandedReport
    measure: str
    item: str
    quantity: int

    @property
    def place(self) -> Place:
        """Where it stands in the order of all values."""
        return self.report.id, self.measure, self.item


_ELSEWHERE: Mapping[str, ColumnElement[Any]] = {
    "facility_code": facilities.c.code.label("facility_code"),
    "facility_name": facilities.c.name.label("facility_name"),
    "facility_type": facilities.c.type.label("facility_type"),
    "area": facilities.c.area,
    "area_name": areas.c.name.label("area_name"),
    "channel": inbox.c.channel,
}
_COLUMNS = tuple(
    _ELSEWHERE[name] if name in _ELSEWHERE else reports.c[name] for name in HandedReport.__slots__ if name != "values"
)


def list_handed(
    session: Session, wanted: WantedReports, *, scope: Scope, after: int = 0, limit: int = BATCH
) -> tuple[HandedReport, ...]:
    """Return the reports from behind the one of an id on, by id: what comes in meanwhile stands behind them."""
    statement = _reports(wanted, scope).where(reports.c.id > after).order_by(reports.c.id).limit(limit)
    return _with_values(session, session.execute(statement).mappings().all())


def find_handed(session: Session, report_id: int, *, scope: Scope) -> HandedReport | None:
    """Return one revision, or None where there is none within the scope."""
    rows = session.execute(_reports(WantedReports(), scope).where(reports.c.id == report_id)).mappings().all()
    return next(iter(_with_values(session, rows)), None)


def list_flat(
    session: Session,
    wanted: WantedValues,
    *,
    scope: Scope,
    after: tuple[int, str, str] = (0, "", ""),
    limit: int = 1000,
) -> tuple[tuple[FlatValue, ...], tuple[int, str, str] | None]:
    """Return values from behind a place on, and the place to go on from; None where there is nothing behind.

    There may be fewer than the limit, even none, with more behind: each answer looks through so many reports only.
    """
    found: list[FlatValue] = []
    place = after
    for _ in range(FEW):
        batch = list_handed(session, wanted.reports, scope=scope, after=place[0] - 1, limit=BATCH)
        for one in batch:
            for value in _flatten(one, wanted):
                if value.place <= place:
                    continue
                if len(found) == limit:
                    return tuple(found), found[-1].place
                found.append(value)
            place = max(place, (one.id + 1, "", ""))
        if len(batch) < BATCH:
            return tuple(found), None
    return tuple(found), place


def count_flat(session: Session, wanted: WantedValues, *, scope: Scope) -> int:
    """Return how many values are asked for."""
    about = [report_values.c.report_id == reports.c.id]
    if wanted.measure:
        about.append(report_values.c.measure == wanted.measure)
    if wanted.item is not None:
        about.append(report_values.c.item == wanted.item)
    statement = (
        select(func.count())
        .select_from(reports)
        .join(facilities, facilities.c.id == reports.c.facility_id)
        .join(report_values, and_(*about))
        .where(*_wishes(wanted.reports, scope))
    )
    return int(session.execute(statement).scalar_one())


def every_choice(session: Session, *, scope: Scope) -> tuple[Choices, ...]:
    """Return what areas of a scope, and those around it, chose about handing on (`settling.find_choices`)."""
    here = or_(within(export_choices.c.area, scope), export_choices.c.area.in_(areas_around(scope.area)))
    rows = session.execute(select(export_choices.c.area, export_choices.c.settles_at).where(here))
    return tuple(Choices(area, SettlesAt(settles_at)) for area, settles_at in rows)


def is_settled(state: str, area: str, chosen: Sequence[Choices]) -> bool:
    """Tell whether a report of an area is settled in this state. Pure."""
    return state in find_choices(chosen, area).settles_at.states


def _reports(wanted: WantedReports, scope: Scope) -> Select[Any]:
    return (
        select(*_COLUMNS)
        .select_from(reports)
        .join(facilities, facilities.c.id == reports.c.facility_id)
        .join(areas, areas.c.code == facilities.c.area)
        .outerjoin(inbox, inbox.c.id == reports.c.inbox_id)
        .where(*_wishes(wanted, scope))
    )


def _wishes(wanted: WantedReports, scope: Scope) -> list[ColumnElement[bool]]:
    found = [within(facilities.c.area, scope), within(facilities.c.area, Scope(wanted.area))]
    if wanted.at:
        found.append(facilities.c.area == wanted.at)
    if wanted.form:
        found.append(reports.c.form == wanted.form)
    if wanted.from_period and wanted.from_period == wanted.to_period:
        found.append(reports.c.period == wanted.from_period)
    else:
        if wanted.from_period:
            found.append(reports.c.period >= wanted.from_period)
        if wanted.to_period:
            found.append(reports.c.period <= wanted.to_period)
    if wanted.states:
        found.append(reports.c.state.in_(wanted.states))
    if wanted.facility_code:
        found.append(facilities.c.code == wanted.facility_code)
    if wanted.since is not None:
        found.append(or_(reports.c.created_at >= wanted.since, reports.c.changed_at >= wanted.since))
    return found


def _with_values(session: Session, rows: Sequence[RowMapping]) -> tuple[HandedReport, ...]:
    values = values_of(session, [row["id"] for row in rows]) if rows else {}
    return tuple(HandedReport(**row, values=dict(values[row["id"]])) for row in rows)


def _flatten(report: HandedReport, wanted: WantedValues) -> list[FlatValue]:
    """Return the values of a report that are asked for, in their order."""
    parts = sorted((*key.partition(".")[::2], quantity) for key, quantity in report.values.items())
    return [
        FlatValue(report, measure, item, quantity)
        for measure, item, quantity in parts
        if wanted.measure in ("", measure) and wanted.item in (None, item)
    ]
