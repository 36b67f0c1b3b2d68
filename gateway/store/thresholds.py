"""Thresholds: the numbers that a district goes by instead of those in the forms' files."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import Column, Integer, String, Table, delete, insert, select

from gateway.store.base import Session, metadata

thresholds = Table(
    "thresholds",
    metadata,
    Column("area", String(13), primary_key=True),
    Column("facility_type", String(20), primary_key=True),
    Column("form", String(20), primary_key=True),
    Column("name", String(40), primary_key=True),
    Column("value", Integer, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Threshold:
    """One number that was chosen. An empty area or facility type means all of them.

    Shape: `name` is a field of `parsers.judge.Thresholds`, or `cap.` and a measure or item: `cap.suntik`.
    """

    area: str
    facility_type: str
    form: str
    name: str
    value: int


def all_thresholds(session: Session) -> tuple[Threshold, ...]:
    """Return every number that was chosen, the widest area first."""
    statement = select(thresholds).order_by(thresholds.c.area, thresholds.c.facility_type, thresholds.c.name)
    return tuple(Threshold(*row) for row in session.execute(statement))


def choose(session: Session, threshold: Threshold) -> None:
    """Go by this number from now on."""
    drop(session, threshold)
    session.execute(insert(thresholds), asdict(threshold))


def drop(session: Session, threshold: Threshold) -> bool:
    """Go by the file's number again; False when none was chosen."""
    same = (thresholds.c[name] == getattr(threshold, name) for name in ("area", "facility_type", "form", "name"))
    return bool(session.execute(delete(thresholds).where(*same)).rowcount)
