"""Agreements: what may be handed to which partner, of which area, until when, and whether with names and phones.

An agreement is recorded once and never changed: it ends, it is revoked, and what follows it is another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    insert,
    select,
    update,
)

from gateway.calendar import areas_around
from gateway.store.base import Session, UtcDateTime, metadata, within
from gateway.values import Scope

KLIKKB = "klikkb"  # how the partner Klik-KB is called; others go by a name of their own
NEAR = timedelta(days=30)  # an agreement that ends within so many days is near its end

agreements = Table(
    "agreements",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("partner", String(100), nullable=False),
    Column("number", String(100), nullable=False),
    Column("title", String(200), nullable=False),
    Column("area", String(13), nullable=False),
    Column("measures", JSON, nullable=False),
    Column("may_name", Boolean, nullable=False),
    Column("may_phone", Boolean, nullable=False),
    Column("legal_basis", Text, nullable=False),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date, nullable=False),
    Column("recorded_by", String(100), nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("revoked_by", String(100), nullable=True),
    Column("revoked_at", UtcDateTime, nullable=True),
    Column("revoked_why", Text, nullable=True),
)
Index("ix_agreements_partner", agreements.c.partner, agreements.c.area)


@dataclass(frozen=True, slots=True)
class NewAgreement:
    """An agreement about to be recorded. Shape: `measures` are those of each form that may be handed on, by its code.

    `area` is the widest that it holds for; `starts_on` and `ends_on` are its first and its last day.
    """

    partner: str
    number: str
    title: str
    area: str
    measures: Mapping[str, tuple[str, ...]]
    may_name: bool
    may_phone: bool
    legal_basis: str
    starts_on: date
    ends_on: date
    recorded_by: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Agreement(NewAgreement):
    """An agreement as it was recorded."""

    id: int
    revoked_by: str | None
    revoked_at: datetime | None
    revoked_why: str | None

    def is_in_force(self, on: date) -> bool:
        """Tell whether it holds on a day."""
        return self.revoked_at is None and self.starts_on <= on <= self.ends_on

    def is_near_end(self, on: date) -> bool:
        """Tell whether it still holds, but not for long."""
        return self.is_in_force(on) and self.ends_on - on <= NEAR


class Lack(StrEnum):
    """Why nothing may be handed to a partner."""

    NONE = "none"  # nothing was ever agreed for this area
    NOT_YET = "not_yet"
    ENDED = "ended"
    REVOKED = "revoked"
    FORM = "form"  # what holds is about other forms


_COLUMNS = tuple(
    agreements.c[name] for name in (*NewAgreement.__slots__, "id", "revoked_by", "revoked_at", "revoked_why")
)


def find_in_force(
    session: Session, partner: str, area: str, on: date, form: str = "", *, scope: Scope
) -> Agreement | Lack:
    """Return the agreement by which an area's figures of a form go to a partner on this day, or why there is none.

    Shape: with no form, any that holds. One of an area around counts too; the nearest first, then the one begun last.
    """
    statement = select(*_COLUMNS).where(agreements.c.partner == partner, agreements.c.area.in_(areas_around(area)))
    found = [_read(row) for row in session.execute(statement).mappings()] if scope.covers(area) else []
    holding = [one for one in found if one.is_in_force(on)]
    fitting = [one for one in holding if not form or one.measures.get(form)]
    if fitting:
        return max(fitting, key=lambda one: (len(one.area), one.starts_on, one.id))
    if holding:
        return Lack.FORM
    if any(one.revoked_at is None and one.starts_on > on for one in found):
        return Lack.NOT_YET
    last = max(found, key=lambda one: (one.ends_on, one.id), default=None)
    return Lack.NONE if last is None else Lack.REVOKED if last.revoked_at else Lack.ENDED


def list_agreements(session: Session, area: str, *, scope: Scope) -> tuple[Agreement, ...]:
    """Return the agreements of an area, of its parts and of the areas around it, those that end last first."""
    touches = within(agreements.c.area, Scope(area)) | agreements.c.area.in_(areas_around(area))
    if not scope.covers(area):
        return ()
    newest = select(*_COLUMNS).where(touches).order_by(agreements.c.ends_on.desc(), agreements.c.id.desc())
    return tuple(_read(row) for row in session.execute(newest.limit(200)).mappings())


def record(session: Session, new: NewAgreement, *, scope: Scope) -> int | None:
    """Record an agreement and return its id; None where its area is not in the scope."""
    if not scope.covers(new.area):
        return None
    row = {name: getattr(new, name) for name in NewAgreement.__slots__}
    row["measures"] = {form: list(measures) for form, measures in new.measures.items()}
    return int(session.execute(insert(agreements).returning(agreements.c.id), row).scalar_one())


def revoke(session: Session, agreement_id: int, by: str, why: str, now: datetime, *, scope: Scope) -> Agreement | None:
    """End an agreement of the scope at once, for ever; None where there is none that could be."""
    own = agreements.c.id == agreement_id, agreements.c.revoked_at.is_(None), within(agreements.c.area, scope)
    values = {"revoked_by": by, "revoked_at": now, "revoked_why": why}
    row = session.execute(update(agreements).where(*own).values(values).returning(*_COLUMNS)).mappings().first()
    return _read(row) if row else None


def _read(row: RowMapping) -> Agreement:
    measures = {form: tuple(these) for form, these in row["measures"].items()}
    return Agreement(**dict(row) | {"measures": measures})
