"""Imports: register files that somebody has uploaded and not applied yet, kept for an hour."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Integer, String, Table, delete, insert, select, update

from gateway.store.base import Session, UtcDateTime, metadata

imports = Table(
    "imports",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("user_id", Integer, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("file_name", String(200), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("sheet", JSON, nullable=False),
    Column("columns", JSON, nullable=False),
    Column("kept_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)


@dataclass(frozen=True, slots=True)
class NewImport:
    """A file about to be kept. Shape: `digest` of its bytes; `sheet` its columns' names and its rows with their
    numbers; `columns` the field of each column, empty for none.
    """

    user_id: int
    kind: str
    file_name: str
    digest: str
    sheet: Any
    columns: Sequence[str]
    kept_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class KeptImport:
    """A file that was kept, see `NewImport`."""

    id: int
    kind: str
    file_name: str
    digest: str
    sheet: Any
    columns: tuple[str, ...]


def keep_import(session: Session, new: NewImport) -> int:
    """Keep a file and return its id; what has expired, of anybody's, is gone with that."""
    session.execute(delete(imports).where(imports.c.expires_at < new.kept_at))
    row = {name: getattr(new, name) for name in NewImport.__slots__} | {"columns": list(new.columns)}
    return int(session.execute(insert(imports).returning(imports.c.id), row).scalar_one())


def find_import(
    session: Session, import_id: int, kinds: Collection[str], *, user_id: int, now: datetime
) -> KeptImport | None:
    """Return a file of these kinds that this user has kept; None where it has expired, or is somebody else's."""
    names = KeptImport.__slots__
    mine = imports.c.id == import_id, imports.c.user_id == user_id, imports.c.expires_at >= now
    statement = select(*(imports.c[name] for name in names)).where(*mine, imports.c.kind.in_(kinds))
    row = session.execute(statement).first()
    return KeptImport(row.id, row.kind, row.file_name, row.digest, row.sheet, tuple(row.columns)) if row else None


def set_columns(session: Session, import_id: int, columns: Sequence[str], *, user_id: int, sheet: Any = None) -> None:
    """Take the columns of a file that this user has kept for these fields, and another sheet in its place."""
    mine = imports.c.id == import_id, imports.c.user_id == user_id
    values: dict[str, Any] = {"columns": list(columns)} | ({"sheet": sheet} if sheet is not None else {})
    session.execute(update(imports).where(*mine).values(values))


def drop_import(session: Session, import_id: int, *, user_id: int) -> None:
    """Forget a file that this user has kept."""
    session.execute(delete(imports).where(imports.c.id == import_id, imports.c.user_id == user_id))
