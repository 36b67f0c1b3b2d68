"""Reach: how many facilities are to report a month, have reported it and are settled, by kecamatan and kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import and_, case, func, or_, select

from gateway.calendar import month_days
from gateway.settling import Choices, SettlesAt, find_choices
from gateway.store.base import Session, within
from gateway.store.facilities import facilities, is_there
from gateway.store.figures import Kind
from gateway.store.reports import reports
from gateway.store.settled import Reach
from gateway.values import COUNTING, ReportState, Scope

KECAMATAN = 8  # characters of its code


def count_reach(
    session: Session, form: str, period: str, area: str, chosen: Sequence[Choices], *, scope: Scope
) -> dict[tuple[str, Kind], Reach]:
    """Return the reach of a month in an area, by the code of the kecamatan and the kind of facility.

    `chosen` tells from when on a report is settled there. A facility that is not there any more, but has reported, is
    there too; one that lies in no kecamatan has the code of its area.
    """
    current = and_(
        reports.c.facility_id == facilities.c.id,
        reports.c.form == form,
        reports.c.period == period,
        reports.c.state.in_(tuple(COUNTING)),
    )
    part = func.substr(facilities.c.area, 1, KECAMATAN).label("part")
    kind = facilities.c.type, func.coalesce(facilities.c.ownership, "").label("ownership")
    is_approved = case((reports.c.state == ReportState.APPROVED, 1), else_=0)
    statement = (
        select(part, *kind, func.count(), func.count(reports.c.id), func.coalesce(func.sum(is_approved), 0))
        .select_from(facilities)
        .outerjoin(reports, current)
        .where(within(facilities.c.area, Scope(area)), within(facilities.c.area, scope))
        .where(or_(is_there(*month_days(period)), reports.c.id.is_not(None)))
        .group_by(part, *kind)
    )
    found = {}
    for code, its_type, ownership, there, reported, approved in session.execute(statement):
        settles_at = find_choices(chosen, code).settles_at
        settled = reported if settles_at is SettlesAt.ACCEPTED else approved
        found[code, Kind(its_type, ownership)] = Reach(int(there), int(reported), int(settled))
    return found


def add_up(found: Sequence[Reach]) -> Reach:
    """Return the sum of several. Pure."""
    return Reach(sum(one.there for one in found), sum(one.reported for one in found), sum(one.settled for one in found))


def gather_by_area(found: dict[tuple[str, Kind], Reach], width: int) -> dict[str, Reach]:
    """Return the sums by so many characters of the areas' codes, by code. Pure."""
    parts: dict[str, list[Reach]] = defaultdict(list)
    for (code, _), reach in found.items():
        parts[code[:width]].append(reach)
    return {code: add_up(parts[code]) for code in sorted(parts)}
