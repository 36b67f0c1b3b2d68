"""Undecided: what came from one reporter since a day and is not approved yet, to be refused at once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from gateway.store.base import Session, within
from gateway.store.decisions import NEWEST, PLACES
from gateway.store.facilities import facilities
from gateway.store.reports import reports
from gateway.values import ReportState, Scope

STATES = (ReportState.ACCEPTED, ReportState.FLAGGED, ReportState.WAITING)


def undecided_since(
    session: Session, reporter_id: int, since: datetime, *, scope: Scope
) -> tuple[tuple[int, str, int], ...]:
    """Return (report id, state, number of the newest revision) of what a reporter has sent since an instant."""
    statement = (
        select(reports.c.id, reports.c.state, NEWEST)
        .select_from(PLACES)
        .where(reports.c.reporter_id == reporter_id, reports.c.sent_at >= since, reports.c.state.in_(STATES))
        .where(within(facilities.c.area, scope))
        .order_by(reports.c.id)
    )
    return tuple((row[0], row[1], row[2]) for row in session.execute(statement))
