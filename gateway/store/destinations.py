"""Destinations: other systems that figures of an area are sent to, with the secrets that open them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Integer, String, Table, Text, insert, select, update
from sqlalchemy.exc import IntegrityError

from gateway.calendar import areas_around
from gateway.errors import Raced
from gateway.mapping import Destination
from gateway.store.base import Session, UtcDateTime, metadata, savepoint, within
from gateway.values import Scope

TOKEN, BASIC = "token", "basic"

destinations = Table(
    "destinations",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("area", String(13), nullable=False, index=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("address", String(300), nullable=False),
    Column("auth", String(10), nullable=False),
    Column("login", String(100), nullable=False),
    Column("secret_locked", Text, nullable=False),
    Column("secret_end", String(4), nullable=False),
    Column("secret_at", UtcDateTime, nullable=False),
    Column("is_on", Boolean, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("tried_at", UtcDateTime, nullable=True),
    Column("tried", JSON, nullable=True),
)


@dataclass(frozen=True, slots=True)
class NewDestination:
    """What somebody says of a destination. Shape: `auth` is token, or basic with a `login`."""

    area: str
    name: str
    address: str
    auth: str
    login: str


@dataclass(frozen=True, slots=True)
class LockedSecret:
    """A secret as it is kept: locked, its last marks so that people know it again, and since when it is this one."""

    locked: str
    end: str
    at: datetime


@dataclass(frozen=True, slots=True)
class KeptDestination:
    """A destination with what pages show beside it. Shape: `tried` is what came of the last try (`dhis2.knock`)."""

    destination: Destination
    secret_end: str
    secret_at: datetime
    made_at: datetime
    tried_at: datetime | None
    tried: Mapping[str, Any] | None


_DESTINATION = tuple(destinations.c[name] for name in Destination.__slots__)
_BESIDE = tuple(destinations.c[name] for name in KeptDestination.__slots__[1:])


def list_destinations(session: Session, *, scope: Scope) -> tuple[KeptDestination, ...]:
    """Return the destinations of a scope by name."""
    statement = select(*_DESTINATION, *_BESIDE).where(within(destinations.c.area, scope))
    return tuple(_read(row) for row in session.execute(statement.order_by(destinations.c.name).limit(200)))


def find_destination(session: Session, destination_id: int, *, scope: Scope) -> KeptDestination | None:
    """Return a destination, or None."""
    mine = destinations.c.id == destination_id, within(destinations.c.area, scope)
    row = session.execute(select(*_DESTINATION, *_BESIDE).where(*mine)).first()
    return _read(row) if row else None


def find_nearest(session: Session, area: str, *, scope: Scope) -> tuple[Destination, ...]:
    """Return the destinations in use that an area's figures go to, the nearest area's first. They lie around it."""
    if not scope.covers(area):
        return ()
    around = areas_around(area)
    statement = select(*_DESTINATION).where(destinations.c.area.in_(around), destinations.c.is_on)
    found = [Destination(*row) for row in session.execute(statement.order_by(destinations.c.name))]
    return tuple(sorted(found, key=lambda one: around.index(one.area)))


def add_destination(
    session: Session, new: NewDestination, secret: LockedSecret, now: datetime, *, scope: Scope
) -> int | None:
    """Keep a destination, in use, and return its id; None where its area is not in the scope.

    Errors: Raced when its name is taken.
    """
    if not scope.covers(new.area):
        return None
    row = {name: getattr(new, name) for name in NewDestination.__slots__} | _secret_row(secret)
    statement = insert(destinations).returning(destinations.c.id)
    try:
        with savepoint(session):
            return int(session.execute(statement, row | {"is_on": True, "made_at": now}).scalar_one())
    except IntegrityError:
        raise Raced("the name is taken") from None


def change_destination(
    session: Session, destination_id: int, new: NewDestination, secret: LockedSecret | None, *, scope: Scope
) -> bool:
    """Change what is known of a destination, its secret too if there is a new one; what was tried is forgotten.

    Errors: Raced when its name is taken.
    """
    if not scope.covers(new.area):
        return False
    row: dict[str, Any] = {name: getattr(new, name) for name in NewDestination.__slots__}
    row |= (_secret_row(secret) if secret else {}) | {"tried_at": None, "tried": None}
    try:
        with savepoint(session):
            return _change(session, destination_id, row, scope)
    except IntegrityError:
        raise Raced("the name is taken") from None


def set_on(session: Session, destination_id: int, *, is_on: bool, scope: Scope) -> bool:
    """Send to a destination from now on, or no more."""
    return _change(session, destination_id, {"is_on": is_on}, scope)


def keep_try(session: Session, destination_id: int, tried: Mapping[str, Any], now: datetime, *, scope: Scope) -> bool:
    """Keep what came of trying a destination."""
    return _change(session, destination_id, {"tried_at": now, "tried": dict(tried)}, scope)


def _change(session: Session, destination_id: int, row: Mapping[str, Any], scope: Scope) -> bool:
    mine = destinations.c.id == destination_id, within(destinations.c.area, scope)
    return bool(session.execute(update(destinations).where(*mine).values(dict(row))).rowcount)


def _secret_row(secret: LockedSecret) -> dict[str, Any]:
    return {"secret_locked": secret.locked, "secret_end": secret.end, "secret_at": secret.at}


def _read(row: Any) -> KeptDestination:
    width = len(_DESTINATION)
    return KeptDestination(Destination(*row[:width]), *row[width:])
