"""Open figures: which regencies open theirs and how, and the months that were published, as they were published."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Column, ForeignKey, String, Table, delete, insert, select, update

from gateway.calendar import report_month, shift
from gateway.opening import (
    GIVEN_MONTHS,
    MEASURES,
    STOCK_MONTHS,
    USERS,
    Line,
    Openness,
    Reported,
    Supplier,
    find_methods,
    make_lines,
)
from gateway.stock import LEFT
from gateway.store import export_choices
from gateway.store.base import Session, UtcDateTime, metadata, within
from gateway.store.facilities import facilities, is_there
from gateway.store.reports import report_values, reports
from gateway.store.settled import Selection, stream_settled
from gateway.values import ReportState, Scope
from parsers.form import Form

open_areas = Table(
    "open_areas",
    metadata,
    Column("area", ForeignKey("areas.code"), primary_key=True),
    Column("is_on", Boolean, nullable=False),
    Column("shows_places", Boolean, nullable=False),
    Column("names_practices", Boolean, nullable=False),
    Column("measures", JSON, nullable=False),
    Column("first_period", String(7), nullable=False),
    Column("sites", JSON, nullable=False),
    Column("source", String(200), nullable=False),
    Column("licence", String(200), nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)

# What was published once is never made anew: between two versions of a month, hidden figures could be worked out.
open_months = Table(
    "open_months",
    metadata,
    Column("area", ForeignKey("areas.code"), primary_key=True),
    Column("period", String(7), primary_key=True),
    Column("tables", JSON, nullable=False),  # as everybody may see them: hidden figures are not even here
    Column("there", JSON, nullable=False),
    Column("published_by", String(100), nullable=False),
    Column("published_at", UtcDateTime, nullable=False),
    Column("withdrawn_at", UtcDateTime, nullable=True),
)


@dataclass(frozen=True, slots=True)
class OpenMonth:
    """One month as it was published.

    Shape: `tables` maps a measure to a kecamatan, empty for all, and that to a method, empty for all, with its figure,
    None where it is hidden; `there` is how many facilities there were and how many of them are in it.
    """

    period: str
    tables: Mapping[str, Mapping[str, Mapping[str, int | None]]]
    there: Mapping[str, int]
    published_by: str
    published_at: datetime
    withdrawn_at: datetime | None


_SAID_OF_SUPPLIER = ("type", "name", "area", "latitude", "longitude")
_MONTH = tuple(open_months.c[name] for name in OpenMonth.__slots__)


def find_openness(session: Session, area: str, *, scope: Scope) -> Openness | None:
    """Return how a regency opens its figures; None where it never chose to, or is not in the scope."""
    own = open_areas.c.area == area, within(open_areas.c.area, scope)
    row = session.execute(select(open_areas).where(*own)).mappings().first()
    return Openness(**{**row, "measures": tuple(row["measures"]), "sites": tuple(row["sites"])}) if row else None


def choose_openness(session: Session, openness: Openness, now: datetime, *, scope: Scope) -> bool:
    """Open a regency's figures like this from now on; False where it is not in the scope."""
    if not scope.covers(openness.area):
        return False
    row: dict[str, Any] = {name: getattr(openness, name) for name in Openness.__slots__} | {"changed_at": now}
    session.execute(delete(open_areas).where(open_areas.c.area == openness.area))
    session.execute(insert(open_areas), row | {"measures": list(openness.measures), "sites": list(openness.sites)})
    return True


def list_months(session: Session, area: str, *, scope: Scope) -> tuple[OpenMonth, ...]:
    """Return the months that a regency published, the newest first; those too that it withdrew."""
    own = open_months.c.area == area, within(open_months.c.area, scope)
    rows = session.execute(select(*_MONTH).where(*own).order_by(open_months.c.period.desc()))
    return tuple(OpenMonth(*row) for row in rows)


def publish_month(session: Session, area: str, month: OpenMonth, *, scope: Scope) -> bool:
    """Publish a month for the first and last time; False where the regency is not in the scope.

    Errors: Raced when it was published already.
    """
    if not scope.covers(area):
        return False
    row = {name: getattr(month, name) for name in OpenMonth.__slots__}
    session.execute(insert(open_months), row | {"area": area})
    return True


def withdraw_month(session: Session, area: str, period: str, withdrawn_at: datetime | None, *, scope: Scope) -> bool:
    """Show a published month no longer, or again (None); False when there is none in the scope."""
    own = open_months.c.area == area, open_months.c.period == period, within(open_months.c.area, scope)
    return bool(session.execute(update(open_months).where(*own).values(withdrawn_at=withdrawn_at)).rowcount)


def read_reported(session: Session, selection: Selection, *, scope: Scope) -> Iterator[Reported]:
    """Yield the settled reports of a month, each with its kecamatan."""
    for report in stream_settled(session, selection, scope=scope):
        yield Reported(report.place.area, report.values)


def find_lines(
    session: Session, openness: Openness, today: date, forms: tuple[Form, Form], *, scope: Scope
) -> tuple[Line, ...]:
    """Return what everybody may know of who has what in a regency, as of a day; nothing where it does not show that.

    Shape: `forms` are the main one and the one of stock.
    """
    if not openness.shows_places:
        return ()
    newest, methods = report_month(today), find_methods(forms[1], forms[0])
    wanted = SupplyQuestion(
        stock_form=forms[1].code,
        stock_periods=[shift(newest, -back) for back in range(STOCK_MONTHS)],
        main_form=forms[0].code,
        given_periods=[shift(newest, -back) for back in range(GIVEN_MONTHS)],
        performed=methods.performed,
        measures=[one for one in MEASURES if one != USERS],  # who uses it now may have been given it elsewhere
        states=export_choices.choices_around(session, openness.area, scope=scope).settles_at.states,
    )
    suppliers = list_suppliers(session, openness.area, today, wanted, scope=scope)
    return make_lines(suppliers, methods, names_practices=openness.names_practices)


@dataclass(frozen=True, slots=True)
class SupplyQuestion:
    """Where it is looked for who has what: in which settled reports of which months."""

    stock_form: str
    stock_periods: Sequence[str]
    main_form: str
    given_periods: Sequence[str]
    performed: Collection[str]
    measures: Collection[str]
    states: frozenset[ReportState]


def list_suppliers(
    session: Session, area: str, day: date, wanted: SupplyQuestion, *, scope: Scope
) -> tuple[Supplier, ...]:
    """Return the facilities of a regency that are open on a day, with what each said last of its stock."""
    inside = within(facilities.c.area, Scope(area)), within(facilities.c.area, scope)
    about = [facilities.c[name] for name in _SAID_OF_SUPPLIER]
    statement = select(facilities.c.id, *about).where(*inside, is_there(day, day)).order_by(facilities.c.code)
    stocks, performed = _last_stocks(session, inside, wanted), _performed(session, inside, wanted)
    found = []
    for row in session.execute(statement).mappings():
        period, stock = stocks.get(row["id"], (None, None))
        said = {name: row[name] for name in _SAID_OF_SUPPLIER}
        found.append(Supplier(**said, period=period, stock=stock, performed=frozenset(performed.get(row["id"], ()))))
    return tuple(found)


def _last_stocks(session: Session, inside: Any, wanted: SupplyQuestion) -> dict[int, tuple[str, dict[str, int]]]:
    """Return what facilities said they had left, and for which month: the last of these months that is settled."""
    statement = (
        select(reports.c.facility_id, reports.c.period, report_values.c.item, report_values.c.quantity)
        .select_from(facilities)
        .join(reports, reports.c.facility_id == facilities.c.id)
        .join(report_values, report_values.c.report_id == reports.c.id)
        .where(*inside, reports.c.form == wanted.stock_form, reports.c.period.in_(wanted.stock_periods))
        .where(reports.c.state.in_(sorted(wanted.states)), report_values.c.measure == LEFT)
    )
    found: dict[int, tuple[str, dict[str, int]]] = {}
    for facility_id, period, item, quantity in session.execute(statement):
        if facility_id not in found or period > found[facility_id][0]:
            found[facility_id] = (period, {})
        if period == found[facility_id][0]:
            found[facility_id][1][item] = quantity
    return found


def _performed(session: Session, inside: Any, wanted: SupplyQuestion) -> dict[int, set[str]]:
    """Return which services of which there is no stock facilities gave in these months."""
    statement = (
        select(reports.c.facility_id, report_values.c.item)
        .select_from(facilities)
        .join(reports, reports.c.facility_id == facilities.c.id)
        .join(report_values, report_values.c.report_id == reports.c.id)
        .where(*inside, reports.c.form == wanted.main_form, reports.c.period.in_(wanted.given_periods))
        .where(reports.c.state.in_(sorted(wanted.states)), report_values.c.item.in_(sorted(wanted.performed)))
        .where(report_values.c.measure.in_(sorted(wanted.measures)), report_values.c.quantity > 0)
        .distinct()
    )
    found: dict[int, set[str]] = {}
    for facility_id, item in session.execute(statement):
        found.setdefault(facility_id, set()).add(item)
    return found
