"""Figures: what pages show of an area's month, each asked for in one question however many reports there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select, union_all

from gateway.store.areas import Area, areas
from gateway.store.base import Session, within
from gateway.store.facilities import facilities, is_there
from gateway.store.reports import reports
from gateway.store.totals import Count, month_counts, month_totals
from gateway.values import COUNTING, Scope

COUNTRY = Area("", None, "country", "Indonesia", "Asia/Jakarta")
WIDTHS = (2, 5, 8, 13)  # characters of the code of a province, a regency, a kecamatan, a village

_NUMBERS = tuple(month_counts.c[name] for name in Count.__slots__)


@dataclass(frozen=True, slots=True)
class Kind:
    """What SIGA's coverage goes by: a facility's type, and who runs it; empty where nobody knows."""

    type: str
    ownership: str


def find_area(session: Session, code: str, *, scope: Scope) -> Area | None:
    """Return an area; None where it is not there or not in the scope. The whole country has the empty code."""
    if not scope.covers(code):
        return None
    if not code:
        return COUNTRY
    row = session.execute(select(areas).where(areas.c.code == code)).mappings().first()
    return Area(**row) if row else None


def find_areas(session: Session, codes: Collection[str], *, scope: Scope) -> tuple[Area, ...]:
    """Return those of these areas that are there and in the scope, the widest first."""
    statement = select(areas).where(areas.c.code.in_(codes), within(areas.c.code, scope)).order_by(areas.c.code)
    found = tuple(Area(**row) for row in session.execute(statement).mappings())
    return (COUNTRY, *found) if "" in codes and scope.covers("") else found


def areas_within(session: Session, code: str, *, scope: Scope) -> tuple[Area, ...]:
    """Return the areas right within one, by code."""
    parent = areas.c.parent == code if code else areas.c.parent.is_(None)
    statement = select(areas).where(parent, within(areas.c.code, scope)).order_by(areas.c.code)
    return tuple(Area(**row) for row in session.execute(statement).mappings())


def count_there(
    session: Session, form: str, period: str, days: tuple[date, date], code: str, *, scope: Scope
) -> dict[tuple[str, Kind], int]:
    """Return how many facilities are to report, by the area right within this one and by kind.

    Shape: `days` are the first and the last of the month. A facility that is not there any more, but has reported, is
    there too. One that lies in no area within this one has the code of this very area.
    """
    part = func.substr(facilities.c.area, 1, next((width for width in WIDTHS if width > len(code)), WIDTHS[-1]))
    here = within(facilities.c.area, Scope(code)), within(facilities.c.area, scope)
    has_reported = (  # a question that is asked only of the few which are not there
        select(reports.c.id)
        .where(reports.c.facility_id == facilities.c.id, reports.c.form == form, reports.c.period == period)
        .where(reports.c.state.in_(tuple(COUNTING)))
        .limit(1)
        .scalar_subquery()
    )
    there = is_there(*days)
    about = part.label("part"), facilities.c.type, func.coalesce(facilities.c.ownership, "").label("ownership")
    both = union_all(
        *(
            select(*about, func.count().label("number")).where(*here, *which).group_by(*about)
            for which in ((there,), (~there, has_reported.is_not(None)))
        )
    )
    found: dict[tuple[str, Kind], int] = defaultdict(int)
    for child, kind, ownership, number in session.execute(both):
        found[child, Kind(kind, ownership)] += number
    return dict(found)


def counts_of(session: Session, form: str, period: str, code: str, *, scope: Scope) -> dict[Kind, Count]:
    """Return how an area's facilities reported a month, by kind."""
    about = month_counts.c.form == form, month_counts.c.period == period, month_counts.c.area == code
    statement = select(month_counts.c.facility_type, month_counts.c.ownership, *_NUMBERS)
    rows = session.execute(statement.where(*about, within(month_counts.c.area, scope)))
    return {Kind(kind, ownership): Count(*numbers) for kind, ownership, *numbers in rows}


def reported_by_month(
    session: Session, form: str, periods: Collection[str], code: str, *, scope: Scope
) -> dict[str, int]:
    """Return how many of an area's facilities reported in each of these months."""
    about = month_counts.c.form == form, month_counts.c.period.in_(periods), month_counts.c.area == code
    statement = select(month_counts.c.period, func.sum(month_counts.c.reported)).group_by(month_counts.c.period)
    rows = session.execute(statement.where(*about, within(month_counts.c.area, scope)))
    return {row[0]: int(row[1]) for row in rows}


def counts_within(
    session: Session, form: str, periods: Collection[str], code: str, *, scope: Scope
) -> dict[tuple[str, str], Count]:
    """Return how the areas right within one reported, by (area, period)."""
    parent = areas.c.parent == code if code else areas.c.parent.is_(None)
    statement = (
        select(month_counts.c.area, month_counts.c.period, *(func.sum(column) for column in _NUMBERS))
        .select_from(areas)
        .join(month_counts, month_counts.c.area == areas.c.code)
        .where(parent, month_counts.c.form == form, month_counts.c.period.in_(periods), within(areas.c.code, scope))
        .group_by(month_counts.c.area, month_counts.c.period)
    )
    return {(row[0], row[1]): Count(*map(int, row[2:])) for row in session.execute(statement)}


def sums_of(
    session: Session, form: str, periods: Collection[str], code: str, *, scope: Scope
) -> dict[str, dict[str, int]]:
    """Return an area's sums by period; in each by `measure` or `measure.item`. A month without a report is left out."""
    about = month_totals.c.form == form, month_totals.c.period.in_(periods), month_totals.c.area == code
    columns = month_totals.c.period, month_totals.c.measure, month_totals.c.item, month_totals.c.quantity
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for period, measure, item, quantity in session.execute(
        select(*columns).where(*about, within(month_totals.c.area, scope))
    ):
        found[period][f"{measure}.{item}" if item else measure] = quantity
    return dict(found)
