"""Settled reports, to be handed on: read facility by facility in one order, a few at a time, however many there are."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, func, select

from gateway.calendar import month_days
from gateway.store.areas import areas
from gateway.store.base import Session, within
from gateway.store.facilities import facilities, is_there
from gateway.store.reports import report_values, reports
from gateway.values import COUNTING, ReportState, Scope

BATCH = 400  # reports of one statement: PostgreSQL must be done with it within the time limit of statements


@dataclass(frozen=True, slots=True)
class Place:
    """A facility as it is handed on. `code` is its KB register code; what nobody knows is None."""

    id: int
    code: str
    name: str
    type: str
    ownership: str | None
    area: str
    area_name: str
    timezone: str
    kemenkes_code: str | None
    dhis2_uid: str | None
    latitude: float | None
    longitude: float | None
    is_active: bool


@dataclass(frozen=True, slots=True)
class Selection:
    """Which reports are handed on: of one form, of these months, of an area, in these states."""

    form: str
    periods: tuple[str, ...]
    area: str
    states: frozenset[ReportState]


@dataclass(frozen=True, slots=True)
class Settled:
    """One settled report. Shape: `values` maps `measure` or `measure.item` to a number; what was left out is not there.

    A revision never changes, so `report_id` stands for all of it.
    """

    report_id: int
    revision: int
    state: str
    period: str
    sent_at: datetime
    place: Place
    values: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Reach:
    """Of one month: how many facilities are to report, how many have reports that count, and how many are settled."""

    there: int = 0
    reported: int = 0
    settled: int = 0


_AREA_NAMED = {"area_name": areas.c.name.label("area_name"), "timezone": areas.c.timezone}
_PLACE = tuple(_AREA_NAMED[name] if name in _AREA_NAMED else facilities.c[name] for name in Place.__slots__)


def _places(area: str, scope: Scope) -> Select[Any]:
    inside = within(facilities.c.area, Scope(area)), within(facilities.c.area, scope)
    return select(*_PLACE).join(areas, areas.c.code == facilities.c.area).where(*inside).order_by(facilities.c.code)


def list_places(session: Session, area: str, days: tuple[date, date], *, scope: Scope) -> tuple[Place, ...]:
    """Return an area's facilities that are to report for the month of these days, by code."""
    return tuple(Place(*row) for row in session.execute(_places(area, scope).where(is_there(*days))))


def stream_settled(session: Session, selection: Selection, *, scope: Scope) -> Iterator[Settled]:
    """Yield the settled reports of a selection by facility code, then by month, whatever order they came in.

    Ask within one snapshot (`Database.session(snapshot=True)`), or what changes meanwhile is seen in part.
    """
    size = max(1, BATCH // max(1, len(selection.periods)))
    last = ""
    while True:
        batch = _places(selection.area, scope).where(facilities.c.code > last).limit(size)
        places = [Place(*row) for row in session.execute(batch)]
        yield from _reports_of(session, selection, {place.id: place for place in places})
        if len(places) < size:
            return
        last = places[-1].code


def find_settled(session: Session, report_id: int, states: Collection[ReportState], *, scope: Scope) -> Settled | None:
    """Return one revision with its values while it is settled; None once it is not, or outside the scope."""
    facility_id = session.execute(select(reports.c.facility_id).where(reports.c.id == report_id)).scalar_one_or_none()
    place = session.execute(_places("", scope).where(facilities.c.id == facility_id)).first()
    columns = (reports.c[name] for name in ("id", "revision", "state", "period", "sent_at"))
    mine = reports.c.id == report_id, reports.c.state.in_(sorted(states))
    row = session.execute(select(*columns).where(*mine)).first()
    if row is None or place is None:
        return None
    values = values_of(session, [report_id])[report_id]
    return Settled(row.id, row.revision, row.state, row.period, row.sent_at, Place(*place), values)


def _reports_of(session: Session, selection: Selection, places: Mapping[int, Place]) -> Iterator[Settled]:
    columns = (reports.c[name] for name in ("id", "revision", "state", "period", "sent_at", "facility_id"))
    about = reports.c.form == selection.form, reports.c.facility_id.in_(places)
    chosen = reports.c.period.in_(selection.periods), reports.c.state.in_(sorted(selection.states))
    rows = session.execute(select(*columns).where(*about, *chosen)).all()
    values = values_of(session, [row.id for row in rows])
    for row in sorted(rows, key=lambda row: (places[row.facility_id].code, row.period)):
        yield Settled(row.id, row.revision, row.state, row.period, row.sent_at, places[row.facility_id], values[row.id])


def values_of(session: Session, report_ids: Sequence[int]) -> Mapping[int, Mapping[str, int]]:
    """Return the values of these revisions by id; of one without values, none."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    columns = (report_values.c[name] for name in ("report_id", "measure", "item", "quantity"))
    for report_id, measure, item, quantity in session.execute(
        select(*columns).where(report_values.c.report_id.in_(report_ids))
    ):
        found[report_id][f"{measure}.{item}" if item else measure] = quantity
    return found


def find_reach(session: Session, selection: Selection, *, scope: Scope) -> dict[str, Reach]:
    """Return how far a selection reaches, month by month."""
    counted = _count_by_period(session, selection, COUNTING, scope)
    settled = _count_by_period(session, selection, selection.states, scope)
    inside = within(facilities.c.area, Scope(selection.area)), within(facilities.c.area, scope)
    return {
        period: Reach(
            there=int(
                session.execute(
                    select(func.count()).select_from(facilities).where(*inside, is_there(*month_days(period)))
                ).scalar_one()
            ),
            reported=counted.get(period, 0),
            settled=settled.get(period, 0),
        )
        for period in selection.periods
    }


def _count_by_period(
    session: Session, selection: Selection, states: Collection[ReportState], scope: Scope
) -> dict[str, int]:
    inside = within(facilities.c.area, Scope(selection.area)), within(facilities.c.area, scope)
    statement = (
        select(reports.c.period, func.count())
        .join(facilities, facilities.c.id == reports.c.facility_id)
        .where(reports.c.form == selection.form, reports.c.period.in_(selection.periods))
        .where(reports.c.state.in_(sorted(states)), *inside)
        .group_by(reports.c.period)
    )
    return {period: int(number) for period, number in session.execute(statement)}


class Digest:
    """The fingerprint of what was handed on: of the reports themselves, the same in every format.

    It is SHA-256 over one line for each report, in the order of `stream_settled`:
    `facility code|period|revision|state|key=number,...`, keys sorted, each line ended by LF.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.reports = 0

    def add(self, report: Settled) -> None:
        """Take in one more report."""
        values = ",".join(f"{key}={report.values[key]}" for key in sorted(report.values))
        line = f"{report.place.code}|{report.period}|{report.revision}|{report.state}|{values}\n"
        self._hash.update(line.encode())
        self.reports += 1

    def hexdigest(self) -> str:
        """Return the fingerprint so far, 64 hexadecimal digits."""
        return self._hash.hexdigest()
