"""What was put into other systems: for each org unit and month our cells there, as far as we know, and completeness."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    and_,
    delete,
    insert,
    or_,
    select,
    update,
)

from gateway.mapping import Cell
from gateway.store.base import Session, UtcDateTime, metadata, within
from gateway.store.facilities import facilities
from gateway.store.reports import reports
from gateway.values import ReportState, Scope

NO, MAYBE, YES = "no", "maybe", "yes"

pushed_months = Table(
    "pushed_months",
    metadata,
    Column("destination_id", Integer, primary_key=True),
    Column("data_set", String(120), primary_key=True),
    Column("period", String(7), primary_key=True),
    Column("org_unit", String(120), primary_key=True),
    Column("form", String(20), nullable=False),
    Column("facility_id", ForeignKey("facilities.id"), nullable=False),
    Column("report_id", ForeignKey("reports.id"), nullable=True),
    Column("complete", String(5), nullable=False),
    Column("is_equal", Boolean, nullable=False),
    Column("sent_at", UtcDateTime, nullable=False),
)
Index("ix_pushed_months_facility_id", pushed_months.c.facility_id, pushed_months.c.period)
Index("ix_pushed_months_report_id", pushed_months.c.report_id)

pushed_cells = Table(
    "pushed_cells",
    metadata,
    Column("destination_id", Integer, primary_key=True),
    Column("data_set", String(120), primary_key=True),
    Column("period", String(7), primary_key=True),
    Column("org_unit", String(120), primary_key=True),
    Column("data_element", String(120), primary_key=True),
    Column("category_option_combo", String(120), primary_key=True),
    Column("attribute_option_combo", String(120), primary_key=True),
    Column("value", String(40), nullable=True),
)


@dataclass(frozen=True, slots=True)
class Spot:
    """An org unit's month of one data set in one destination."""

    destination_id: int
    data_set: str
    period: str
    org_unit: str


@dataclass(frozen=True, slots=True)
class Month:
    """What was put into a spot: for which facility and report; `complete` is no, maybe or yes."""

    spot: Spot
    form: str
    facility_id: int
    report_id: int | None
    complete: str
    is_equal: bool
    sent_at: datetime


_MONTH = tuple(pushed_months.c[name] for name in (*Spot.__slots__, *Month.__slots__[1:]))


def find_month(session: Session, spot: Spot) -> Month | None:
    """Return what was put into a spot, or None."""
    row = session.execute(select(*_MONTH).where(*_at(pushed_months, spot))).first()
    return Month(spot, *row[4:]) if row else None


def keep_month(session: Session, month: Month) -> None:
    """Remember what was put into a spot, over what was known of it."""
    values = {name: getattr(month, name) for name in Month.__slots__[1:]}
    if not session.execute(update(pushed_months).where(*_at(pushed_months, month.spot)).values(values)).rowcount:
        session.execute(insert(pushed_months), values | _key(month.spot))


def set_complete(session: Session, spot: Spot, complete: str) -> None:
    """Remember whether a spot is registered as complete."""
    session.execute(update(pushed_months).where(*_at(pushed_months, spot)).values(complete=complete))


def drop_month(session: Session, spot: Spot) -> None:
    """Forget a spot that holds nothing of ours any more."""
    session.execute(delete(pushed_months).where(*_at(pushed_months, spot)))


def find_cells(session: Session, spot: Spot) -> dict[Cell, str | None]:
    """Return our cells in a spot with their values; None where nobody knows which value is there."""
    columns = (*(pushed_cells.c[name] for name in Cell.__slots__), pushed_cells.c.value)
    rows = session.execute(select(*columns).where(*_at(pushed_cells, spot)))
    return {Cell(*row[:-1]): row.value for row in rows}


def find_cells_of(session: Session, spots: Sequence[Spot]) -> Mapping[Spot, dict[Cell, str | None]]:
    """Return our cells in each of these spots of one destination, data set and month."""
    found: dict[Spot, dict[Cell, str | None]] = defaultdict(dict)
    if not spots:
        return found
    first = spots[0]
    named = ("destination_id", "data_set", "period")
    same = (pushed_cells.c[name] == getattr(first, name) for name in named)
    units = pushed_cells.c.org_unit.in_([spot.org_unit for spot in spots])
    columns = (pushed_cells.c.org_unit, *(pushed_cells.c[name] for name in Cell.__slots__), pushed_cells.c.value)
    for row in session.execute(select(*columns).where(*same, units)):
        spot = Spot(first.destination_id, first.data_set, first.period, row.org_unit)
        found[spot][Cell(*row[1:-1])] = row.value
    return found


def keep_cells(session: Session, spot: Spot, cells: Mapping[Cell, str | None], gone: Iterable[Cell] = ()) -> None:
    """Remember values of our cells in a spot, None for one that nobody knows; `gone` are there no more."""
    touched = [*cells, *gone]
    if not touched:
        return
    for at in range(0, len(touched), 200):
        names = Cell.__slots__
        these = or_(
            *(and_(*(pushed_cells.c[name] == getattr(cell, name) for name in names)) for cell in touched[at : at + 200])
        )
        session.execute(delete(pushed_cells).where(*_at(pushed_cells, spot), these))
    if cells:
        rows = [_key(spot) | {name: getattr(cell, name) for name in names} | {"value": cells[cell]} for cell in cells]
        session.execute(insert(pushed_cells), rows)


def months_elsewhere(session: Session, spot: Spot, form: str, facility_id: int) -> tuple[Month, ...]:
    """Return where else in this destination the facility's month still is: its org unit or data set was another."""
    same = (
        pushed_months.c.destination_id == spot.destination_id,
        pushed_months.c.period == spot.period,
        pushed_months.c.form == form,
        pushed_months.c.facility_id == facility_id,
        or_(pushed_months.c.org_unit != spot.org_unit, pushed_months.c.data_set != spot.data_set),
    )
    return tuple(Month(Spot(*row[:4]), *row[4:]) for row in session.execute(select(*_MONTH).where(*same)))


def months_of(
    session: Session, destination_id: int, form: str, period: str, facility_ids: Sequence[int]
) -> Mapping[int, tuple[Month, ...]]:
    """Return by facility what was put into a destination of a month."""
    same = (
        pushed_months.c.destination_id == destination_id,
        pushed_months.c.form == form,
        pushed_months.c.period == period,
        pushed_months.c.facility_id.in_(facility_ids),
    )
    found: dict[int, tuple[Month, ...]] = {}
    for row in session.execute(select(*_MONTH).where(*same)):
        month = Month(Spot(*row[:4]), *row[4:])
        found[month.facility_id] = (*found.get(month.facility_id, ()), month)
    return found


def months_without_report(
    session: Session,
    destination_id: int,
    form: str,
    period: str,
    states: frozenset[ReportState],
    area: str,
    *,
    scope: Scope,
) -> tuple[tuple[Month, str, str], ...]:
    """Return what is there of facilities that have no settled report of the month any more, with code and name."""
    settled = (
        select(reports.c.id)
        .where(
            reports.c.facility_id == pushed_months.c.facility_id,
            reports.c.form == form,
            reports.c.period == period,
            reports.c.state.in_(sorted(states)),
        )
        .exists()
    )
    statement = (
        select(*_MONTH, facilities.c.code, facilities.c.name)
        .join(facilities, facilities.c.id == pushed_months.c.facility_id)
        .where(
            pushed_months.c.destination_id == destination_id,
            pushed_months.c.form == form,
            pushed_months.c.period == period,
            within(facilities.c.area, Scope(area)),
            within(facilities.c.area, scope),
            ~settled,
        )
        .order_by(facilities.c.code)
    )
    rows = session.execute(statement)
    return tuple((Month(Spot(*row[:4]), *row[4:-2]), row[-2], row[-1]) for row in rows)


def _at(table: Table, spot: Spot) -> tuple[Any, ...]:
    return tuple(table.c[name] == getattr(spot, name) for name in Spot.__slots__)


def _key(spot: Spot) -> dict[str, Any]:
    return {name: getattr(spot, name) for name in Spot.__slots__}
