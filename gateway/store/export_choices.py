"""How areas hand on: from when on a report is settled, where what is not broken down goes, and their own layouts."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, Text, delete, insert, select

from gateway.calendar import areas_around
from gateway.settling import Choices, SettlesAt, find_choices
from gateway.store.base import Session, metadata, within
from gateway.values import Scope

export_choices = Table(
    "export_choices",
    metadata,
    Column("area", String(13), primary_key=True),
    Column("settles_at", String(10), nullable=False),
    Column("injectable_as", String(20), nullable=False),
    Column("implant_as", String(20), nullable=False),
    Column("layout", Text, nullable=False),
)


def choices_around(session: Session, area: str, *, scope: Scope) -> Choices:
    """Return what holds for an area of the scope: its own choice, or the one of an area around it."""
    rows = session.execute(select(export_choices).where(export_choices.c.area.in_(areas_around(area)))).mappings()
    found = find_choices([_read(row) for row in rows], area)
    return found if scope.covers(area) else Choices()


def find_own_choices(session: Session, area: str, *, scope: Scope) -> Choices | None:
    """Return what this very area chose, or None."""
    own = export_choices.c.area == area, within(export_choices.c.area, scope)
    row = session.execute(select(export_choices).where(*own)).mappings().first()
    return _read(row) if row else None


def choose(session: Session, choices: Choices, *, scope: Scope) -> bool:
    """Go by these choices in their area from now on; False where it is not in the scope."""
    if not scope.covers(choices.area):
        return False
    session.execute(delete(export_choices).where(export_choices.c.area == choices.area))
    session.execute(insert(export_choices), {name: getattr(choices, name) for name in Choices.__slots__})
    return True


def drop_choices(session: Session, area: str, *, scope: Scope) -> bool:
    """Go by what the area around chose again; False when nothing was chosen here."""
    own = export_choices.c.area == area, within(export_choices.c.area, scope)
    return bool(session.execute(delete(export_choices).where(*own)).rowcount)


def _read(row: object) -> Choices:
    given = dict(row)  # type: ignore[call-overload]
    return Choices(**given | {"settles_at": SettlesAt(given["settles_at"])})
