"""Typed: which facility's report of a month somebody has typed into SIGA, and which revision of it that was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, ForeignKey, Integer, Select, String, Table, and_, delete, func, insert, or_, select

from gateway.store.areas import areas
from gateway.store.base import Session, UtcDateTime, metadata, within
from gateway.store.facilities import facilities, lock_facility
from gateway.store.reports import reports
from gateway.store.settled import Selection
from gateway.values import Scope

typed = Table(
    "typed",
    metadata,
    Column("form", String(20), primary_key=True),
    Column("period", String(7), primary_key=True),
    Column("facility_id", ForeignKey("facilities.id"), primary_key=True, index=True),
    Column("report_id", ForeignKey("reports.id"), nullable=False, index=True),
    Column("user_id", Integer, nullable=True),
    Column("user_name", String(100), nullable=False),
    Column("typed_at", UtcDateTime, nullable=False),
)


class State(StrEnum):
    """How far a facility's month is typed."""

    WAITING = "waiting"  # settled, and not typed
    TYPED = "typed"
    CHANGED = "changed"  # another revision was typed than the one that is settled now
    GONE = "gone"  # what was typed is settled no more


@dataclass(frozen=True, slots=True)
class Typing:
    """A facility's month: its settled report, and what was typed of it by whom. What is not there is None."""

    facility_id: int
    code: str
    name: str
    type: str
    area: str
    area_name: str
    timezone: str
    report_id: int | None
    typed_report_id: int | None
    typed_by: str | None
    typed_at: datetime | None

    @property
    def state(self) -> State:
        """How far it is typed."""
        if self.typed_report_id is None:
            return State.WAITING
        if self.report_id is None:
            return State.GONE
        return State.TYPED if self.report_id == self.typed_report_id else State.CHANGED


_COLUMNS = (
    *(facilities.c[name] for name in ("id", "code", "name", "type", "area")),
    *(areas.c.name.label("area_name"), areas.c.timezone, reports.c.id.label("report_id")),
    *(typed.c.report_id.label("typed_report_id"), typed.c.user_name, typed.c.typed_at),
)


def list_typing(
    session: Session, selection: Selection, *, scope: Scope, only_open: bool = False, after: str = "", limit: int = 50
) -> tuple[Typing, ...]:
    """Return the facilities of which there is something to type, or was, by code from after one on.

    `only_open`: only those that are not typed as they are settled now. The selection is of one month.
    """
    statement = _typing(selection, scope).where(facilities.c.code > after)
    if only_open:
        statement = statement.where(
            or_(typed.c.report_id.is_(None), reports.c.id.is_(None), typed.c.report_id != reports.c.id)
        )
    return tuple(Typing(*row) for row in session.execute(statement.order_by(facilities.c.code).limit(limit)))


def find_typing(session: Session, selection: Selection, facility_id: int, *, scope: Scope) -> Typing | None:
    """Return a facility's month; None where there is nothing to type and never was, or it lies elsewhere."""
    row = session.execute(_typing(selection, scope).where(facilities.c.id == facility_id)).first()
    return Typing(*row) if row else None


def find_before(session: Session, selection: Selection, code: str, *, scope: Scope) -> Typing | None:
    """Return the last facility of the list that stands before a code."""
    statement = _typing(selection, scope).where(facilities.c.code < code).order_by(facilities.c.code.desc())
    row = session.execute(statement.limit(1)).first()
    return Typing(*row) if row else None


def count_typing(session: Session, selection: Selection, *, scope: Scope) -> Mapping[State, int]:
    """Return how many facilities stand where; those where there is nothing are left out."""
    rows = _typing(selection, scope).subquery()
    now, then = rows.c.report_id, rows.c.typed_report_id
    counts = select(
        func.count().filter(then.is_(None)),
        func.count().filter(now == then),
        func.count().filter(now != then),
        func.count().filter(now.is_(None)),
    ).select_from(rows)
    order = (State.WAITING, State.TYPED, State.CHANGED, State.GONE)
    return dict(zip(order, map(int, session.execute(counts).one()), strict=True))


def tick(
    session: Session, selection: Selection, typing: Typing, by: tuple[int | None, str], now: datetime, *, scope: Scope
) -> bool:
    """Keep that a facility's settled report was typed; False where it has none, or it is not in the scope."""
    if typing.report_id is None or not scope.covers(typing.area):
        return False
    lock_facility(session, typing.facility_id)  # two who tick at once do so one after the other
    untick(session, selection, typing, scope=scope)
    key = {"form": selection.form, "period": selection.periods[0], "facility_id": typing.facility_id}
    about = {"report_id": typing.report_id, "user_id": by[0], "user_name": by[1], "typed_at": now}
    session.execute(insert(typed), key | about)
    return True


def untick(session: Session, selection: Selection, typing: Typing, *, scope: Scope) -> bool:
    """Forget that a facility's month was typed; False where it was not, or it is not in the scope."""
    if not scope.covers(typing.area):
        return False
    mine = typed.c.form == selection.form, typed.c.period == selection.periods[0]
    return bool(session.execute(delete(typed).where(*mine, typed.c.facility_id == typing.facility_id)).rowcount)


def _typing(selection: Selection, scope: Scope) -> Select[Any]:
    period = selection.periods[0]
    is_settled = and_(
        reports.c.facility_id == facilities.c.id,
        reports.c.form == selection.form,
        reports.c.period == period,
        reports.c.state.in_(sorted(selection.states)),
    )
    is_typed = and_(typed.c.facility_id == facilities.c.id, typed.c.form == selection.form, typed.c.period == period)
    return (
        select(*_COLUMNS)
        .select_from(facilities)
        .join(areas, areas.c.code == facilities.c.area)
        .outerjoin(reports, is_settled)
        .outerjoin(typed, is_typed)
        .where(within(facilities.c.area, Scope(selection.area)), within(facilities.c.area, scope))
        .where(or_(reports.c.id.is_not(None), typed.c.report_id.is_not(None)))
    )
