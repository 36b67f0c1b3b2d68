"""Klik-KB's directory of midwives as its files gave it: who stands in it, who is gone from it, and how files are read.

A midwife is never deleted from it: who is missing from a file of her area is marked as gone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from gateway.calendar import areas_around
from gateway.errors import Raced
from gateway.store.base import Session, UtcDateTime, metadata, within
from gateway.values import Scope

BATCH = 500  # rows of one statement: PostgreSQL must be done with it within the time limit of statements
READ = 2000  # of one that only reads

klikkb_imports = Table(
    "klikkb_imports",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("area", String(13), nullable=False),
    Column("file_name", String(200), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("applied_at", UtcDateTime, nullable=False),
    Column("user_id", Integer, nullable=True),
    Column("user_name", String(100), nullable=False),
    Column("counts", JSON, nullable=False),
)
Index("ix_klikkb_imports_area", klikkb_imports.c.area, klikkb_imports.c.id)

klikkb_midwives = Table(
    "klikkb_midwives",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("klikkb_id", String(40), nullable=False, unique=True),
    Column("name", String(100), nullable=False),
    Column("phone", String(20), nullable=True, index=True),
    Column("area", String(13), nullable=False),
    Column("facility", String(120), nullable=False),  # as her file calls it
    Column("facility_id", ForeignKey("facilities.id"), nullable=True, index=True),
    Column("reporter_id", ForeignKey("reporters.id"), nullable=True, index=True),  # where staff said so
    Column("import_id", ForeignKey("klikkb_imports.id"), nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("gone_at", UtcDateTime, nullable=True),
)
Index("ix_klikkb_midwives_name", klikkb_midwives.c.name, klikkb_midwives.c.id)
Index("ix_klikkb_midwives_area", klikkb_midwives.c.area, klikkb_midwives.c.id)

klikkb_columns = Table(
    "klikkb_columns",
    metadata,
    Column("area", String(13), primary_key=True),
    Column("headings", JSON, nullable=False),
    Column("fields", JSON, nullable=False),
    Column("chosen_by", String(100), nullable=False),
    Column("chosen_at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Listed:
    """A midwife in the directory. Shape: `phone` is E.164; `facility` as her file calls it; `reporter_id` by staff."""

    id: int
    klikkb_id: str
    name: str
    phone: str | None
    area: str
    facility: str
    facility_id: int | None
    reporter_id: int | None
    gone_at: datetime | None


@dataclass(frozen=True, slots=True)
class AppliedImport:
    """A file that was taken over into the directory. Shape: `counts` by what became of its rows."""

    id: int
    area: str
    file_name: str
    digest: str
    applied_at: datetime
    user_id: int | None
    user_name: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ChosenColumns:
    """Which column of an area's files is which field. Shape: `headings` as `enrol.columns.plain` writes them."""

    area: str
    headings: tuple[str, ...]
    fields: tuple[str, ...]
    chosen_by: str
    chosen_at: datetime


LISTED = tuple(klikkb_midwives.c[name] for name in Listed.__slots__)
_IMPORT = tuple(klikkb_imports.c[name] for name in AppliedImport.__slots__)


def list_all(session: Session, area: str, *, scope: Scope) -> dict[str, Listed]:
    """Return who stands, or stood, in the directory of an area, by her Klik-KB id."""
    inside = within(klikkb_midwives.c.area, Scope(area)), within(klikkb_midwives.c.area, scope)
    found: dict[str, Listed] = {}
    last = 0
    while True:
        statement = select(*LISTED).where(*inside, klikkb_midwives.c.id > last).order_by(klikkb_midwives.c.id)
        rows = session.execute(statement.limit(READ)).all()
        found |= {row.klikkb_id: Listed(*row) for row in rows}
        if len(rows) < READ:
            return found
        last = rows[-1].id


def find_elsewhere(session: Session, ids: Collection[str], area: str, *, scope: Scope) -> dict[str, Listed | None]:
    """Return those of these Klik-KB ids that stand in another area's directory: None where she stands there still.

    Who is gone from there may be taken over: she has moved. Nothing is told of who has not.
    """
    if not area or not scope.covers(area):
        return {}
    found: dict[str, Listed | None] = {}
    wanted = sorted(set(ids))
    for at in range(0, len(wanted), BATCH):
        some = klikkb_midwives.c.klikkb_id.in_(wanted[at : at + BATCH]), ~within(klikkb_midwives.c.area, Scope(area))
        for row in session.execute(select(*LISTED).where(*some)):
            found[row.klikkb_id] = Listed(*row) if row.gone_at else None
    return found


def find_midwife(session: Session, midwife_id: int, *, scope: Scope) -> Listed | None:
    """Return a midwife of the directory, or None where she is not there or lies outside the scope."""
    hers = klikkb_midwives.c.id == midwife_id, within(klikkb_midwives.c.area, scope)
    row = session.execute(select(*LISTED).where(*hers)).first()
    return Listed(*row) if row else None


def begin_import(session: Session, applied: Mapping[str, Any], *, scope: Scope, seen: int | None) -> int:
    """Write down that a file is taken over, and return its id. Shape: the columns of `klikkb_imports` but the id.

    Errors: Raced where another file of the area was taken over since `seen`, the last one that was looked at;
    ValueError for an area outside the scope.
    """
    if not scope.covers(str(applied["area"])):
        raise ValueError("the area lies outside the scope")
    if last_import_id(session, scope=Scope("")) != seen:
        raise Raced("another file was taken over meanwhile")
    return int(session.execute(insert(klikkb_imports).returning(klikkb_imports.c.id), dict(applied)).scalar_one())


def last_import_id(session: Session, *, scope: Scope) -> int | None:
    """Return the id of the last file that was taken over, which tells whether the directory has changed."""
    statement = select(func.max(klikkb_imports.c.id)).where(within(klikkb_imports.c.area, scope))
    found: int | None = session.execute(statement).scalar_one_or_none()
    return found


def last_import(session: Session, area: str, *, scope: Scope) -> AppliedImport | None:
    """Return the last file that was taken over for an area, for one around it, or for a part of it."""
    if not scope.covers(area):
        return None
    touches = within(klikkb_imports.c.area, Scope(area)) | klikkb_imports.c.area.in_(areas_around(area))
    statement = select(*_IMPORT).where(touches).order_by(klikkb_imports.c.id.desc()).limit(1)
    row = session.execute(statement).first()
    return AppliedImport(*row) if row else None


def add_all(session: Session, rows: Sequence[Mapping[str, Any]], import_id: int, now: datetime) -> None:
    """Add midwives, many at a time. Errors: Raced where one of the ids was added meanwhile."""
    more = {"import_id": import_id, "seen_at": now, "gone_at": None, "reporter_id": None}
    for at in range(0, len(rows), BATCH):
        session.execute(insert(klikkb_midwives), [dict(row) | more for row in rows[at : at + BATCH]])


def change_all(session: Session, changes: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
    """Change midwives, many at a time; whoever was gone is there again. Shape: id, what changes of her."""
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for midwife_id, fields in changes:
        row = {"its_id": midwife_id, **{f"new_{name}": value for name, value in fields.items()}}
        alike.setdefault(tuple(fields), []).append(row)
    for names, rows in alike.items():
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names} | {"gone_at": None}
        statement = update(klikkb_midwives).where(klikkb_midwives.c.id == bindparam("its_id")).values(values)
        for at in range(0, len(rows), BATCH):
            session.execute(statement, rows[at : at + BATCH])


def mark_seen(session: Session, ids: Sequence[int], import_id: int, now: datetime) -> None:
    """Say of midwives that a file held them."""
    for at in range(0, len(ids), BATCH):
        these = klikkb_midwives.c.id.in_(ids[at : at + BATCH])
        session.execute(update(klikkb_midwives).where(these).values(seen_at=now, import_id=import_id))


def mark_gone(session: Session, ids: Sequence[int], now: datetime) -> None:
    """Say of midwives that the last file of their area does not hold them any more."""
    for at in range(0, len(ids), BATCH):
        these = klikkb_midwives.c.id.in_(ids[at : at + BATCH])
        session.execute(update(klikkb_midwives).where(these).values(gone_at=now))


def confirm(session: Session, midwife_id: int, reporter_id: int | None, *, scope: Scope) -> bool:
    """Say that a midwife of the directory is this reporter, or that nobody says so any more with None.

    A reporter is one midwife at most: whoever she was said to be before, she is no more.
    """
    if reporter_id is not None:
        hers = klikkb_midwives.c.reporter_id == reporter_id, within(klikkb_midwives.c.area, scope)
        session.execute(update(klikkb_midwives).where(*hers).values(reporter_id=None))
    here = klikkb_midwives.c.id == midwife_id, within(klikkb_midwives.c.area, scope)
    return bool(session.execute(update(klikkb_midwives).where(*here).values(reporter_id=reporter_id)).rowcount)


def find_columns(session: Session, area: str, *, scope: Scope) -> ChosenColumns | None:
    """Return how files of an area are read: as was chosen for it, else for the nearest area around it."""
    if not scope.covers(area):
        return None
    statement = select(klikkb_columns).where(klikkb_columns.c.area.in_(areas_around(area)))
    by_area = {row["area"]: row for row in session.execute(statement).mappings()}
    row = next((by_area[code] for code in areas_around(area) if code in by_area), None)
    if row is None:
        return None
    return ChosenColumns(**dict(row) | {"headings": tuple(row["headings"]), "fields": tuple(row["fields"])})


def choose_columns(session: Session, chosen: ChosenColumns, *, scope: Scope) -> bool:
    """Read an area's files so from now on; False where it is not in the scope."""
    if not drop_columns(session, chosen.area, scope=scope):
        return False
    row = {name: getattr(chosen, name) for name in ChosenColumns.__slots__}
    lists = {"headings": list(chosen.headings), "fields": list(chosen.fields)}
    session.execute(insert(klikkb_columns), row | lists)
    return True


def drop_columns(session: Session, area: str, *, scope: Scope) -> bool:
    """Ask anew at an area's next file which column is which; False where the area is not in the scope."""
    if not scope.covers(area):
        return False
    session.execute(delete(klikkb_columns).where(klikkb_columns.c.area == area))
    return True
