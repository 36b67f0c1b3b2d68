"""Unsettled: what of a month is not as it should be when it is closed, and what came for a month after it was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from gateway.store.areas import areas
from gateway.store.base import Session, UtcDateTime, is_postgresql, within
from gateway.store.facilities import facilities, is_there
from gateway.store.months import closings
from gateway.store.reports import reports
from gateway.store.timeliness import late_from
from gateway.values import COUNTING, ReportState, Scope

WAITS = (ReportState.WAITING, ReportState.FLAGGED)


@dataclass(frozen=True, slots=True)
class Unsettled:
    """How many facilities are to report for a month, did, are approved; and whose report is asked about or flagged."""

    there: int
    reported: int
    waiting: int
    flagged: int
    approved: int

    @property
    def missing(self) -> int:
        """How many facilities have no report that counts."""
        return max(0, self.there - self.reported)

    @property
    def is_settled(self) -> bool:
        """Whether nothing is open."""
        return not (self.missing or self.waiting or self.flagged)


@dataclass(frozen=True, slots=True)
class OpenReport:
    """A revision that waits for its sender or for staff, or that came late."""

    id: int
    form: str
    period: str
    state: str
    sent_at: datetime
    facility: str
    area: str
    area_name: str
    timezone: str


def count_unsettled(
    session: Session, form: str, period: str, days: tuple[date, date], area: str, *, scope: Scope
) -> Unsettled:
    """Return how a month stands in an area. Shape: `days` are the month's first and last."""
    here = _inside(area, scope)
    there = session.execute(select(func.count()).select_from(facilities).where(here, is_there(*days))).scalar_one()
    statement = (
        select(reports.c.state, func.count(reports.c.facility_id.distinct()))
        .join(facilities, facilities.c.id == reports.c.facility_id)
        .where(here, reports.c.form == form, reports.c.period == period)
        .where(reports.c.state.in_((*COUNTING, *WAITS)))
        .group_by(reports.c.state)
    )
    found = {state: int(count) for state, count in session.execute(statement)}
    return Unsettled(
        there=int(there),
        reported=sum(found.get(state, 0) for state in COUNTING),
        waiting=found.get(ReportState.WAITING, 0),
        flagged=found.get(ReportState.FLAGGED, 0),
        approved=found.get(ReportState.APPROVED, 0),
    )


def open_reports(
    session: Session, form: str, period: str, area: str, *, scope: Scope, limit: int = 50
) -> tuple[OpenReport, ...]:
    """Return the revisions of a month that wait for their senders or for staff."""
    about = reports.c.form == form, reports.c.period == period, reports.c.state.in_(WAITS)
    return _read(session, _reports(area, scope).where(*about).order_by(reports.c.id).limit(limit))


def late_reports(
    session: Session, form: str, period: str, area: str, *, scope: Scope, limit: int = 50
) -> tuple[OpenReport, ...]:
    """Return the revisions that count for a month whose facility sent none in time, the latest first.

    They are those that the month's totals call late: by each facility's own days, clock and outages.
    """
    is_late_from, here = late_from(session, form, period), _inside(area, scope)
    places = select(areas.c.code, areas.c.timezone).where(areas.c.code.in_(select(facilities.c.area).where(here)))
    deadlines = [is_late_from(code, zone) for code, zone in session.execute(places)]
    if not deadlines:
        return ()
    about = reports.c.form == form, reports.c.period == period
    first_sent = func.min(reports.c.sent_at, type_=UtcDateTime)
    firsts = (
        select(reports.c.facility_id, first_sent.label("sent_at"))
        .where(*about, reports.c.state.not_in((ReportState.REJECTED, ReportState.WITHDRAWN)))
        .group_by(reports.c.facility_id)
        .having(first_sent >= min(deadlines))
        .subquery("firsts")
    )
    statement = (
        _reports(area, scope)
        .add_columns(firsts.c.sent_at.label("first_sent_at"))
        .join(firsts, firsts.c.facility_id == reports.c.facility_id)
        .where(*about, reports.c.state.in_(tuple(COUNTING)))
        .order_by(firsts.c.sent_at.desc(), reports.c.id.desc())
    )
    rows = ((OpenReport(*row), first) for *row, first in session.execute(statement))
    return tuple(islice((one for one, first in rows if first >= is_late_from(one.area, one.timezone)), limit))


def closed_requests(session: Session, area: str, *, scope: Scope, limit: int = 50) -> tuple[OpenReport, ...]:
    """Return the revisions that came for months closed in an area, or around it, and wait for staff; newest first."""
    around = _stands_around(session)
    closed = (
        select(closings.c.id)
        .where(closings.c.form == reports.c.form, closings.c.period == reports.c.period, around)
        .where(closings.c.reopened_at.is_(None), reports.c.sent_at > closings.c.closed_at)
        .correlate(reports, facilities)
        .exists()
    )
    waits = reports.c.state == ReportState.FLAGGED
    statement = _reports(area, scope).where(waits, closed)
    return _read(session, statement.order_by(reports.c.id.desc()).limit(limit))


def regencies_with_facilities(session: Session, *, scope: Scope) -> tuple[tuple[str, str], ...]:
    """Return code and name of the regencies of a scope that have facilities."""
    codes = select(func.substr(facilities.c.area, 1, 5)).where(within(facilities.c.area, scope)).distinct()
    statement = select(areas.c.code, areas.c.name).where(areas.c.code.in_(codes)).order_by(areas.c.code)
    return tuple((row.code, row.name) for row in session.execute(statement))


def _stands_around(session: Session) -> ColumnElement[bool]:
    """Tell which closings hold for a facility: those of its own area and of the ones around it."""
    inside = facilities.c.area.startswith(closings.c.area.concat("."))
    if is_postgresql(session):
        inside = func.starts_with(facilities.c.area, closings.c.area.concat("."))
    return or_(closings.c.area == facilities.c.area, inside)


def _inside(area: str, scope: Scope) -> ColumnElement[bool]:
    return and_(within(facilities.c.area, Scope(area)), within(facilities.c.area, scope))


def _reports(area: str, scope: Scope) -> Select[tuple[Any, ...]]:
    return (
        select(
            reports.c.id,
            reports.c.form,
            reports.c.period,
            reports.c.state,
            reports.c.sent_at,
            facilities.c.name,
            facilities.c.area,
            areas.c.name.label("area_name"),
            areas.c.timezone,
        )
        .join(facilities, facilities.c.id == reports.c.facility_id)
        .join(areas, areas.c.code == facilities.c.area)
        .where(_inside(area, scope))
    )


def _read(session: Session, statement: Select[tuple[Any, ...]]) -> tuple[OpenReport, ...]:
    return tuple(OpenReport(*row) for row in session.execute(statement))
