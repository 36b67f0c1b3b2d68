"""Supplies: what each facility has of one item, and what it gave out before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sqlalchemy import and_, select, tuple_

from gateway.stock import GIVEN, LEFT
from gateway.store.areas import areas
from gateway.store.base import Session, within
from gateway.store.facilities import facilities
from gateway.store.reports import report_values, reports
from gateway.values import COUNTING, Scope

_counts = reports.c.state.in_(tuple(COUNTING))


@dataclass(frozen=True, slots=True)
class Supply:
    """A facility's stock of one item at the end of a month. `given` maps the months before it to what was given out."""

    facility_id: int
    code: str
    name: str
    type: str
    area: str
    area_name: str
    left: int
    given: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shelf:
    """All that a facility has at the end of a month.

    Shape: `left` by item; `given` by item maps the months before it, and that month, to what was given out.
    """

    facility_id: int
    code: str
    name: str
    type: str
    area: str
    left: Mapping[str, int]
    given: Mapping[str, Mapping[str, int]]


def list_supplies(
    session: Session,
    form: str,
    item: str,
    periods: Collection[str],
    code: str,
    *,
    scope: Scope,
    only_empty: bool = False,
    after: int | None = None,
    limit: int = 50,
) -> tuple[Supply, ...]:
    """Return the stock of an area's facilities that reported it for the last of some periods, by kecamatan.

    `only_empty` leaves out who has something left; `after` is the id of the last facility of the page before.
    """
    place = tuple_(facilities.c.area, facilities.c.id)
    counting = and_(reports.c.facility_id == facilities.c.id, reports.c.form == form, _counts)
    of_item = and_(report_values.c.report_id == reports.c.id, report_values.c.item == item)
    statement = (
        select(
            facilities.c.id,
            facilities.c.code,
            facilities.c.name,
            facilities.c.type,
            facilities.c.area,
            select(areas.c.name).where(areas.c.code == facilities.c.area).scalar_subquery().label("area_name"),
            report_values.c.quantity,
        )
        .join(reports, counting)
        .join(report_values, of_item)
        .where(reports.c.period == max(periods), report_values.c.measure == LEFT)
        .where(within(facilities.c.area, Scope(code)), within(facilities.c.area, scope))
        .order_by(facilities.c.area, facilities.c.id)
        .limit(limit)
    )
    if only_empty:
        statement = statement.where(report_values.c.quantity == 0)
    if after is not None:
        last = select(facilities.c.area, facilities.c.id).where(facilities.c.id == after).subquery()
        statement = statement.join(last, place > tuple_(last.c.area, last.c.id))
    rows = session.execute(statement).all()
    given = _given(session, form, item, periods, [row.id for row in rows])
    return tuple(Supply(*row, given=given.get(row.id, {})) for row in rows)


def latest_left(
    session: Session, form: str, facility_ids: Collection[int], periods: Collection[str], *, scope: Scope
) -> dict[tuple[int, str], tuple[str, int]]:
    """Return what facilities of the area last reported to have left, of some months: (month, quantity) by item."""
    counting = reports.c.form == form, reports.c.facility_id.in_(facility_ids), reports.c.period.in_(periods), _counts
    inside = reports.c.facility_id.in_(select(facilities.c.id).where(within(facilities.c.area, scope)))
    statement = (
        select(reports.c.facility_id, report_values.c.item, reports.c.period, report_values.c.quantity)
        .join(report_values, report_values.c.report_id == reports.c.id)
        .where(*counting, inside, report_values.c.measure == LEFT)
        .order_by(reports.c.period)
    )
    return {(row[0], row[1]): (row[2], row[3]) for row in session.execute(statement)}


def list_shelves(
    session: Session, form: str, periods: Collection[str], code: str, *, scope: Scope, after: str = "", limit: int = 50
) -> tuple[Shelf, ...]:
    """Return everything that an area's facilities have left, of those that reported the last of some periods, by code.

    `after` is the code of the last facility of the page before.
    """
    counting = and_(reports.c.facility_id == facilities.c.id, reports.c.form == form, _counts)
    place = facilities.c.id, facilities.c.code, facilities.c.name, facilities.c.type, facilities.c.area
    statement = (
        select(*place, reports.c.id.label("report_id"))
        .join(reports, counting)
        .where(reports.c.period == max(periods), facilities.c.code > after)
        .where(within(facilities.c.area, Scope(code)), within(facilities.c.area, scope))
        .order_by(facilities.c.code)
        .limit(limit)
    )
    rows = session.execute(statement).all()
    wanted = report_values.c.report_id.in_([row.report_id for row in rows]), report_values.c.measure == LEFT
    left: dict[int, dict[str, int]] = defaultdict(dict)
    columns = report_values.c.report_id, report_values.c.item, report_values.c.quantity
    for report_id, item, quantity in session.execute(select(*columns).where(*wanted)):
        left[report_id][item] = quantity
    given = _given_of_all(session, form, periods, [row.id for row in rows])
    return tuple(Shelf(*row[:-1], left=left.get(row.report_id, {}), given=given.get(row.id, {})) for row in rows)


def _given_of_all(
    session: Session, form: str, periods: Collection[str], facility_ids: Collection[int]
) -> dict[int, dict[str, dict[str, int]]]:
    """Return what facilities gave out, by facility, item and period."""
    columns = reports.c.facility_id, report_values.c.item, reports.c.period, report_values.c.quantity
    statement = (
        select(*columns)
        .join(report_values, report_values.c.report_id == reports.c.id)
        .where(reports.c.form == form, reports.c.facility_id.in_(facility_ids), reports.c.period.in_(periods), _counts)
        .where(report_values.c.measure == GIVEN)
    )
    found: dict[int, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for facility_id, item, period, quantity in session.execute(statement):
        found[facility_id][item][period] = quantity
    return found


def _given(
    session: Session, form: str, item: str, periods: Collection[str], facility_ids: Collection[int]
) -> dict[int, dict[str, int]]:
    statement = (
        select(reports.c.facility_id, reports.c.period, report_values.c.quantity)
        .join(report_values, report_values.c.report_id == reports.c.id)
        .where(reports.c.form == form, reports.c.facility_id.in_(facility_ids), reports.c.period.in_(periods), _counts)
        .where(report_values.c.measure == GIVEN, report_values.c.item == item)
    )
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for facility_id, period, quantity in session.execute(statement):
        found[facility_id][period] = quantity
    return found
