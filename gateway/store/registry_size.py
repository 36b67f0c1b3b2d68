"""How much there is of what must be entered before a first report."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Table, func, select

from gateway.store.areas import areas
from gateway.store.base import Session
from gateway.store.facilities import facilities
from gateway.store.inbox import inbox
from gateway.store.months import calendars
from gateway.store.reporters import reporters
from gateway.store.users import users
from gateway.values import Role

SIMULATOR = "simulator"


@dataclass(frozen=True, slots=True)
class RegistrySize:
    """How many there are; `real_messages` is 1 where any came by another channel than the simulator."""

    administrators: int
    areas: int
    facilities: int
    reporters: int
    calendars: int
    real_messages: int


def read(session: Session) -> RegistrySize:
    """Return how many there are."""
    administrators = users.c.role == Role.ADMINISTRATOR, users.c.is_active
    real = select(inbox.c.id).where(inbox.c.channel != SIMULATOR).limit(1)
    return RegistrySize(
        administrators=_count(session, users, *administrators),
        areas=_count(session, areas),
        facilities=_count(session, facilities),
        reporters=_count(session, reporters),
        calendars=_count(session, calendars),
        real_messages=len(session.execute(real).all()),
    )


def _count(session: Session, table: Table, *conditions: ColumnElement[bool]) -> int:
    return int(session.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one())
