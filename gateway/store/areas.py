"""Areas: provinces, regencies and districts by their Kemendagri codes, with the clock that people there live by."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass

from sqlalchemy import Column, ForeignKey, String, Table, func, insert, select

from gateway.store.base import Session, metadata

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
