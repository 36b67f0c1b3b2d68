"""Mappings: where our figures go in a destination, version by version; the newest one is in use, and none is lost."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ForeignKey,
    Integer,
    String,
    Table,
    UniqueConstraint,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from gateway.errors import Raced
from gateway.mapping import Cell, Mapping
from gateway.store.base import Session, UtcDateTime, metadata, savepoint, within
from gateway.store.destinations import destinations, find_nearest
from gateway.values import Scope

KEPT = timedelta(hours=1)  # so long a version that was uploaded waits to be taken into use

mappings = Table(
    "mappings",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("destination_id", ForeignKey("destinations.id"), nullable=False),
    Column("form", String(20), nullable=False),
    Column("version", Integer, nullable=True),
    Column("data_set", String(120), nullable=False),
    Column("scheme", String(60), nullable=False),
    Column("org_unit_by", String(20), nullable=False),
    Column("cells", JSON, nullable=False),
    Column("org_units", JSON, nullable=False),
    Column("left_out", JSON, nullable=False),
    Column("user_id", Integer, nullable=False),
    Column("user_name", String(100), nullable=False),
    Column("made_at", UtcDateTime, nullable=False, index=True),
    Column("file_name", String(200), nullable=False),
    Column("file_digest", String(64), nullable=False),
    Column("cells_count", Integer, nullable=False),
    Column("org_units_count", Integer, nullable=False),
    Column("checked_at", UtcDateTime, nullable=True),
    Column("checked", JSON, nullable=True),
    UniqueConstraint("destination_id", "form", "version"),
)


@dataclass(frozen=True, slots=True)
class NewMapping:
    """A mapping as it was uploaded, see `gateway.mapping.Mapping`. Shape: `file_digest` is the SHA-256 of the file."""

    destination_id: int
    form: str
    data_set: str
    scheme: str
    org_unit_by: str
    cells: MappingOf[str, Cell]
    org_units: MappingOf[str, str]
    left_out: frozenset[str]
    user_id: int
    user_name: str
    made_at: datetime
    file_name: str
    file_digest: str


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a mapping without what is in it. Shape: `checked` as `dhis2.check` found it, `checked_at` when."""

    id: int
    destination_id: int
    form: str
    version: int
    data_set: str
    user_name: str
    made_at: datetime
    file_name: str
    file_digest: str
    cells_count: int
    org_units_count: int
    checked_at: datetime | None
    checked: MappingOf[str, Any] | None


_VERSION = tuple(mappings.c[name] for name in Version.__slots__)
_MAPPING = tuple(mappings.c[name] for name in Mapping.__slots__)


def list_versions(session: Session, destination_id: int, form: str = "", *, scope: Scope) -> tuple[Version, ...]:
    """Return the versions of a destination's mappings, of one form if it is named, the newest first."""
    statement = (
        select(*_VERSION)
        .join(destinations, destinations.c.id == mappings.c.destination_id)
        .where(mappings.c.destination_id == destination_id, mappings.c.version.is_not(None))
        .where(within(destinations.c.area, scope))
    )
    if form:
        statement = statement.where(mappings.c.form == form)
    rows = session.execute(statement.order_by(mappings.c.form, mappings.c.version.desc()).limit(200))
    return tuple(Version(*row) for row in rows)


def find_mapping(
    session: Session, destination_id: int, form: str, *, scope: Scope, version: int | None = None
) -> Mapping | None:
    """Return the version of a destination's mapping that is in use, or the one that is named; or None."""
    chosen = mappings.c.version.is_not(None) if version is None else mappings.c.version == version
    mine = mappings.c.destination_id == destination_id, mappings.c.form == form, chosen
    return _find(session, mine, scope)


def find_draft(
    session: Session, draft_id: int, *, user_id: int, now: datetime, scope: Scope
) -> tuple[Mapping, int] | None:
    """Return a version that this user has uploaded and not taken into use, version 0, and its destination's id."""
    is_new = mappings.c.version.is_(None), mappings.c.made_at > now - KEPT
    mine = (mappings.c.id == draft_id, mappings.c.user_id == user_id, *is_new)
    found = _find(session, mine, scope)
    if found is None:
        return None
    return found, session.execute(select(mappings.c.destination_id).where(mappings.c.id == draft_id)).scalar_one()


def find_for_area(session: Session, area: str, form: str, *, scope: Scope) -> Mapping | None:
    """Return the mapping that an area's files are written with: of the nearest destination around it that has one."""
    for destination in find_nearest(session, area, scope=scope):
        found = find_mapping(session, destination.id, form, scope=Scope(destination.area))
        if found:
            return found
    return None


def keep_draft(session: Session, new: NewMapping, *, scope: Scope) -> int | None:
    """Keep a mapping that nobody uses yet, and return its id; drafts that are too old are gone with that.

    None where its destination is not in the scope.
    """
    if not _is_inside(session, new.destination_id, scope):
        return None
    old = mappings.c.version.is_(None), mappings.c.made_at <= new.made_at - KEPT
    session.execute(delete(mappings).where(*old))
    row = {name: getattr(new, name) for name in NewMapping.__slots__}
    row |= {
        "cells": {key: asdict(cell) for key, cell in new.cells.items()},
        "org_units": dict(new.org_units),
        "left_out": sorted(new.left_out),
        "cells_count": len(new.cells),
        "org_units_count": len(new.org_units),
    }
    return int(session.execute(insert(mappings).returning(mappings.c.id), row).scalar_one())


def use_draft(session: Session, draft_id: int, after: int, now: datetime, *, user_id: int, scope: Scope) -> int | None:
    """Take an uploaded mapping into use as the version behind `after`, the newest one there was; return its number.

    None where it is not there any more. Errors: Raced when somebody else has made a version meanwhile.
    """
    found = find_draft(session, draft_id, user_id=user_id, now=now, scope=scope)
    if found is None:
        return None
    mapping, destination_id = found
    mine = mappings.c.destination_id == destination_id, mappings.c.form == mapping.form
    last = session.execute(select(func.max(mappings.c.version)).where(*mine)).scalar_one() or 0
    if last != after:
        raise Raced("there is a newer version")
    change = update(mappings).where(mappings.c.id == draft_id, mappings.c.version.is_(None))
    try:
        with savepoint(session):
            session.execute(change.values(version=last + 1))
    except IntegrityError:
        raise Raced("there is a newer version") from None
    return int(last) + 1


def keep_check(session: Session, mapping_id: int, checked: MappingOf[str, Any], now: datetime, *, scope: Scope) -> bool:
    """Keep what a check of a mapping against its destination found."""
    inside = select(destinations.c.id).where(within(destinations.c.area, scope))
    mine = mappings.c.id == mapping_id, mappings.c.destination_id.in_(inside)
    values = {"checked": dict(checked), "checked_at": now}
    return bool(session.execute(update(mappings).where(*mine).values(values)).rowcount)


def _is_inside(session: Session, destination_id: int, scope: Scope) -> bool:
    mine = destinations.c.id == destination_id, within(destinations.c.area, scope)
    return session.execute(select(destinations.c.id).where(*mine)).first() is not None


def _find(session: Session, mine: tuple[Any, ...], scope: Scope) -> Mapping | None:
    statement = (
        select(*_MAPPING)
        .join(destinations, destinations.c.id == mappings.c.destination_id)
        .where(*mine, within(destinations.c.area, scope))
        .order_by(mappings.c.version.desc())
    )
    row = session.execute(statement.limit(1)).mappings().first()
    if row is None:
        return None
    cells = {key: Cell(**cell) for key, cell in row["cells"].items()}
    return Mapping(
        **dict(row) | {"cells": cells, "version": row["version"] or 0, "left_out": frozenset(row["left_out"])}
    )
