"""Years: what a facility has reported in a calendar year so far, for the thanks that its midwife gets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, case, func, select

from gateway.store.areas import areas
from gateway.store.base import Session, UtcDateTime
from gateway.store.facilities import facilities
from gateway.store.reports import report_values, reports
from gateway.store.timeliness import late_from
from gateway.values import COUNTING, ReportState
from parsers.form import Form

_counts = reports.c.state.in_(tuple(COUNTING))
_stands = reports.c.state.not_in((ReportState.REJECTED, ReportState.WITHDRAWN))


@dataclass(frozen=True, slots=True)
class Year:
    """A facility's year in one form. `measure` is the code of what `total` counts; both are None in a form without.

    `on_time` is how many of the reports were sent in time, None where its area does not want that told.
    """

    reports: int
    measure: str | None = None
    total: int | None = None
    on_time: int | None = None


def years_of(
    session: Session, form: Form, facility_ids: Collection[int], period: str, *, scored: Collection[int] = ()
) -> dict[tuple[str, int], Year]:
    """Return the year of each facility up to a month, by form and facility; one that has not reported has none.

    `scored` are the facilities that are told how many reports came in time, by their area's days, outages excused. It
    asks the database no more often for hundreds of facilities than for one.
    """
    year = reports.c.period.between(f"{period[:4]}-01", period)
    mine = reports.c.form == form.code, reports.c.facility_id.in_(facility_ids), year
    measure = form.required[0] if form.required else None
    count = select(reports.c.facility_id, func.count(), func.coalesce(func.sum(report_values.c.quantity), 0))
    its_total = (
        report_values.c.report_id == reports.c.id,
        report_values.c.measure == measure,
        report_values.c.item == "",
    )
    statement = count.outerjoin_from(reports, report_values, and_(*its_total)).where(*mine, _counts)
    on_time = _count_on_time(session, form.code, mine, period) if scored else Counter()
    return {
        (form.code, facility_id): Year(
            reports=number,
            measure=measure,
            total=int(total) if measure else None,
            on_time=on_time[facility_id] if facility_id in scored else None,
        )
        for facility_id, number, total in session.execute(statement.group_by(reports.c.facility_id))
    }


def _count_on_time(session: Session, form: str, mine: Sequence[ColumnElement[bool]], period: str) -> Counter[int]:
    """Return how many months of each facility came in time: its first message of the month decides, not the last."""
    about = reports.c.facility_id, facilities.c.area, areas.c.timezone, reports.c.period
    statement = (
        select(*about, func.min(case((_stands, reports.c.sent_at)), type_=UtcDateTime))
        .select_from(reports)
        .join(facilities, facilities.c.id == reports.c.facility_id)
        .join(areas, areas.c.code == facilities.c.area)
        .where(*mine)
        .group_by(*about)
        .having(func.max(case((_counts, 1), else_=0)) == 1)
    )
    is_late_from = {month: late_from(session, form, month) for month in _months_until(period)}
    found: Counter[int] = Counter()
    for facility_id, area, zone, month, sent_at in session.execute(statement):
        found[facility_id] += sent_at < is_late_from[month](area, zone)
    return found


def _months_until(period: str) -> list[str]:
    return [f"{period[:5]}{month:02}" for month in range(1, int(period[5:]) + 1)]
