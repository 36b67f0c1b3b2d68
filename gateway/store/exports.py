"""Exports: what was handed on as a file, its content and the very reports in it; each is made once by a worker."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    and_,
    delete,
    insert,
    or_,
    select,
    text,
    update,
)

from gateway.store.base import Session, UtcDateTime, database_now, is_postgresql, metadata, within
from gateway.store.inbox import BigId
from gateway.values import Scope

QUEUED, MAKING, DONE, FAILED = "queued", "making", "done", "failed"
LEASE = timedelta(minutes=15)  # longer than any job may take
MOST_TRIES = 3
KEPT = timedelta(days=7)  # a file holds whole facilities' figures: it is made again rather than kept
PIECE = 1 << 20  # bytes of one part
ROWS = 5000  # reports that one statement remembers

exports = Table(
    "exports",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("ref", String(12), nullable=False, unique=True),
    Column("format", String(30), nullable=False),
    Column("form", String(20), nullable=False),
    Column("period_from", String(7), nullable=False),
    Column("period_to", String(7), nullable=False),
    Column("area", String(13), nullable=False),
    Column("state", String(10), nullable=False),
    Column("user_id", Integer, nullable=True),
    Column("user_name", String(100), nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("tries", SmallInteger, nullable=False),
    Column("token", String(16), nullable=True),
    Column("lease_until", UtcDateTime, nullable=True),
    Column("made_at", UtcDateTime, nullable=True),
    Column("file_name", String(120), nullable=True),
    Column("media_type", String(100), nullable=True),
    Column("bytes", BigInteger, nullable=True),
    Column("file_digest", String(64), nullable=True),
    Column("digest", String(64), nullable=True),
    Column("reports", Integer, nullable=True),
    Column("facilities", Integer, nullable=True),
    Column("about", JSON, nullable=True),
    Column("fault", Text, nullable=True),
    Column("dropped_at", UtcDateTime, nullable=True),
)
Index("ix_exports_area", exports.c.area, exports.c.id)
Index("ix_exports_state", exports.c.state, exports.c.id)

export_parts = Table(
    "export_parts",
    metadata,
    Column("export_id", ForeignKey("exports.id"), primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

export_reports = Table(
    "export_reports",
    metadata,
    Column("export_id", ForeignKey("exports.id"), primary_key=True),
    Column("report_id", ForeignKey("reports.id"), primary_key=True, index=True),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks to be handed on. An empty area is the whole country."""

    format: str
    form: str
    period_from: str
    period_to: str
    area: str


@dataclass(frozen=True, slots=True)
class Export:
    """One export; queued -> making -> done | failed, and making -> queued where its maker died, or somebody was erased.

    Shape: `digest` is of the reports (`settled.Digest`), `file_digest` SHA-256 of the file; `about` as `export.run`
    wrote it. A file is dropped after a while (`dropped_at`); what was in it is known for ever.
    """

    id: int
    ref: str
    format: str
    form: str
    period_from: str
    period_to: str
    area: str
    state: str
    user_id: int | None
    user_name: str
    asked_at: datetime
    tries: int
    made_at: datetime | None
    file_name: str | None
    media_type: str | None
    bytes: int | None
    file_digest: str | None
    digest: str | None
    reports: int | None
    facilities: int | None
    about: Mapping[str, Any] | None
    fault: str | None
    dropped_at: datetime | None


@dataclass(frozen=True, slots=True)
class Made:
    """What came of making an export."""

    file_name: str
    media_type: str
    bytes: int
    file_digest: str
    digest: str
    reports: int
    facilities: int
    about: Mapping[str, Any]


_COLUMNS = tuple(exports.c[name] for name in Export.__slots__)


def ask(session: Session, wanted: Wanted, by: tuple[int | None, str], now: datetime, *, scope: Scope) -> Export | None:
    """Queue an export and return it; None where its area is not in the scope."""
    if not scope.covers(wanted.area):
        return None
    row = {name: getattr(wanted, name) for name in Wanted.__slots__}
    row |= {"ref": secrets.token_hex(6), "state": QUEUED, "user_id": by[0], "user_name": by[1]}
    statement = insert(exports).returning(*_COLUMNS)
    return Export(*session.execute(statement, row | {"asked_at": now, "tries": 0}).one())


def find_export(session: Session, ref: str, *, scope: Scope) -> Export | None:
    """Return an export by its ref, or None."""
    row = session.execute(select(*_COLUMNS).where(exports.c.ref == ref, within(exports.c.area, scope))).first()
    return Export(*row) if row else None


def list_exports(session: Session, *, scope: Scope, before: int | None = None, limit: int = 50) -> tuple[Export, ...]:
    """Return the exports of a scope, the newest first, from before an id on."""
    statement = select(*_COLUMNS).where(within(exports.c.area, scope))
    if before is not None:
        statement = statement.where(exports.c.id < before)
    return tuple(Export(*row) for row in session.execute(statement.order_by(exports.c.id.desc()).limit(limit)))


def find_last_like(session: Session, export: Export, *, scope: Scope) -> Export | None:
    """Return the last export made before this one of the same form, months and area, whatever its format; or None."""
    same = (exports.c[name] == getattr(export, name) for name in ("form", "period_from", "period_to", "area"))
    statement = select(*_COLUMNS).where(*same, exports.c.id < export.id, exports.c.state == DONE)
    row = session.execute(statement.where(within(exports.c.area, scope)).order_by(exports.c.id.desc()).limit(1)).first()
    return Export(*row) if row else None


def has_unmade(session: Session, now: datetime) -> bool:
    """Tell whether an export waits to be made, or its maker has died."""
    return session.execute(select(exports.c.id).where(_waits(now)).limit(1)).first() is not None


def claim(session: Session, export_id: int | None = None) -> tuple[Export, str] | None:
    """Take the next export to be made, or this very one, with the token that says so; commit at once.

    None where nothing waits.
    """
    now = database_now(session)
    waiting = select(*_COLUMNS).where(_waits(now)).order_by(exports.c.id).limit(1).with_for_update(skip_locked=True)
    row = session.execute(waiting if export_id is None else waiting.where(exports.c.id == export_id)).first()
    if row is None:
        return None
    found, token = Export(*row), secrets.token_hex(8)
    values = {"state": MAKING, "token": token, "lease_until": now + LEASE, "tries": found.tries + 1}
    session.execute(update(exports).where(exports.c.id == found.id).values(values))
    return found, token


def finish(session: Session, export: Export, token: str, made: Made, now: datetime, *, is_kept: bool = True) -> bool:
    """Say that an export is made; False when somebody else makes it meanwhile: roll back then.

    `is_kept`: its file is in the database; else whoever had it made has taken it.
    """
    values = {name: getattr(made, name) for name in Made.__slots__} | {"about": dict(made.about)}
    values |= {"state": DONE, "made_at": now, "fault": None, "dropped_at": None if is_kept else now}
    return _end(session, export, token, values)


def give_up(session: Session, export: Export, token: str, fault: str, *, again: bool) -> bool:
    """Say in words why an export could not be made; `again` has it tried once more, if that makes sense."""
    is_last = not again or export.tries + 1 >= MOST_TRIES
    is_mine = _end(session, export, token, {"state": FAILED if is_last else QUEUED, "fault": fault})
    if is_mine:
        drop_pieces(session, export.id)
    return is_mine


def call_off(session: Session, export: Export, fault: str) -> None:
    """Give up an export that is to be made anew: whoever had it made has been told to ask again."""
    waits = exports.c.id == export.id, exports.c.state == QUEUED
    if session.execute(update(exports).where(*waits).values(state=FAILED, fault=fault)).rowcount:
        drop_pieces(session, export.id)


def is_mine(session: Session, export: Export, token: str) -> bool:
    """Tell whether an export is still its maker's, who alone may add to it; until this transaction ends it stays so."""
    mine = exports.c.id == export.id, exports.c.token == token, exports.c.state == MAKING
    return session.execute(select(exports.c.id).where(*mine).with_for_update()).first() is not None


def _end(session: Session, export: Export, token: str, values: Mapping[str, Any]) -> bool:
    mine = exports.c.id == export.id, exports.c.token == token, exports.c.state == MAKING
    ended = update(exports).where(*mine).values({**values, "token": None, "lease_until": None})
    return bool(session.execute(ended).rowcount)


def _waits(now: datetime) -> Any:
    is_left = (exports.c.state == MAKING) & (exports.c.lease_until < now)
    return or_(exports.c.state == QUEUED, is_left)


def keep_part(session: Session, export_id: int, part: int, content: bytes) -> None:
    """Keep one piece of an export's file."""
    session.execute(insert(export_parts), {"export_id": export_id, "part": part, "content": content})


def keep_reports(session: Session, export_id: int, report_ids: Sequence[int]) -> None:
    """Remember that these revisions are in an export; `ROWS` at a time."""
    if report_ids:
        session.execute(insert(export_reports), [{"export_id": export_id, "report_id": one} for one in report_ids])


def drop_pieces(session: Session, export_id: int) -> None:
    """Forget what an earlier try left of a file."""
    session.execute(delete(export_parts).where(export_parts.c.export_id == export_id))
    session.execute(delete(export_reports).where(export_reports.c.export_id == export_id))


def read_parts(session: Session, export: Export, *, scope: Scope) -> Iterator[bytes]:
    """Yield an export's file piece by piece."""
    part = 0
    while True:
        statement = (
            select(export_parts.c.content)
            .join(exports, exports.c.id == export_parts.c.export_id)
            .where(export_parts.c.export_id == export.id, export_parts.c.part == part, within(exports.c.area, scope))
        )
        content = session.execute(statement).scalar_one_or_none()
        if content is None:
            return
        yield bytes(content)
        part += 1


def forget_areas(session: Session, areas: Collection[str], now: datetime) -> int:
    """Drop every file over these areas, let what is being made of them be made anew, and return how many exports.

    Nobody asks for an export, or ends one, before this transaction does: what is made later knows what it changed.
    """
    if is_postgresql(session):  # a write transaction on SQLite is alone anyhow
        session.execute(text("LOCK TABLE exports IN SHARE ROW EXCLUSIVE MODE"))
    here = exports.c.area.in_(areas)
    pieces = export_parts.c.export_id.in_(select(exports.c.id).where(here))
    session.execute(delete(export_parts).where(pieces))
    anew = {"state": QUEUED, "token": None, "lease_until": None, "tries": exports.c.tries - 1}
    begun = session.execute(update(exports).where(here, exports.c.state == MAKING).values(anew)).rowcount
    kept = here, exports.c.state == DONE, exports.c.dropped_at.is_(None)
    dropped = session.execute(update(exports).where(*kept).values(dropped_at=now)).rowcount
    return int(begun + dropped)


def count_old_files(session: Session, now: datetime) -> int:
    """Return how many exports made long ago have their file still."""
    return len(session.execute(select(exports.c.id).where(_is_old(now))).all())


def drop_old_files(session: Session, now: datetime) -> int:
    """Drop the files of exports made long ago, some at a time; return how many."""
    ids = session.execute(select(exports.c.id).where(_is_old(now)).limit(50)).scalars().all()
    session.execute(delete(export_parts).where(export_parts.c.export_id.in_(ids)))
    session.execute(update(exports).where(exports.c.id.in_(ids)).values(dropped_at=now))
    return len(ids)


def _is_old(now: datetime) -> ColumnElement[bool]:
    return and_(exports.c.made_at < now - KEPT, exports.c.dropped_at.is_(None), exports.c.state == DONE)
