"""Areas: provinces, regencies and districts by their Kemendagri codes, with the clock that people there live by."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass

from sqlalchemy import Column, ForeignKey, String, Table, func, insert, select

from gateway.store.base import Session, metadata, within
from gateway.values import Scope

areas = Table(
    "areas",
    metadata,
    Column("code", String(13), primary_key=True),
    Column("parent", ForeignKey("areas.code"), nullable=True, index=True),
    Column("level", String(10), nullable=False),
    Column("name", String(100), nullable=False),
    Column("timezone", String(40), nullable=False),
)


@dataclass(frozen=True, slots=True)
class Area:
    """One area. `code` is Kemendagri's dotted code, `timezone` an IANA name."""

    code: str
    parent: str | None
    level: str
    name: str
    timezone: str


def add_areas(session: Session, rows: Iterable[Area]) -> None:
    """Add areas; a parent stands before its children."""
    found = [asdict(row) for row in rows]
    if found:
        session.execute(insert(areas), found)


def count_areas(session: Session) -> int:
    """Return how many areas there are."""
    return int(session.execute(select(func.count()).select_from(areas)).scalar_one())


def find_area(session: Session, code: str) -> Area | None:
    """Return the area of a code, or None."""
    row = session.execute(select(areas).where(areas.c.code == code)).mappings().first()
    return Area(**row) if row else None


def names_of(session: Session, codes: Collection[str]) -> dict[str, str]:
    """Return the names of these areas, by code."""
    statement = select(areas.c.code, areas.c.name).where(areas.c.code.in_(codes))
    return {row.code: row.name for row in session.execute(statement)}


def find_area_within(session: Session, code: str, *, scope: Scope) -> Area | None:
    """Return an area that lies within the scope, or around it; None where it is elsewhere or not there."""
    found = find_area(session, code)
    is_around = found is not None and (scope.area == code or scope.area.startswith(f"{code}."))
    return found if found and (is_around or scope.covers(code)) else None


def list_districts(session: Session, *, scope: Scope) -> tuple[Area, ...]:
    """Return the kecamatan of the scope, by code."""
    inside = areas.c.level == "district", within(areas.c.code, scope)
    rows = session.execute(select(areas).where(*inside).order_by(areas.c.code)).mappings()
    return tuple(Area(**row) for row in rows)


def list_named(session: Session, *, scope: Scope) -> dict[str, Area]:
    """Return every area by its code, of the scope's regencies if it has an area: what a register file may name."""
    around = scope.area[:5]
    rows = session.execute(select(areas).where(within(areas.c.code, Scope(around)))).mappings()
    return {row["code"]: Area(**row) for row in rows}


def find_called(session: Session, words: str, *, scope: Scope, limit: int = 20) -> tuple[Area, ...]:
    """Return the areas within a scope of this code or name; where none has exactly this name, those that hold it."""
    inside = within(areas.c.code, scope)
    lower = func.lower(areas.c.name)
    for found in ((areas.c.code == words) | (lower == words.lower()), lower.contains(words.lower(), autoescape=True)):
        statement = select(areas).where(inside, found).order_by(areas.c.code).limit(limit)
        if rows := session.execute(statement).mappings().all():
            return tuple(Area(**row) for row in rows)
    return ()
