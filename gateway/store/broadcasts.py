"""Broadcasts: one text to many, queued a piece at a time, each number once; what became of it; how it is stopped."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Index,
    Integer,
    String,
    Table,
    case,
    cast,
    func,
    insert,
    literal,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from gateway.calendar import waking_hours
from gateway.ladder import find_manners
from gateway.store import audience as audience_store
from gateway.store import reminders
from gateway.store.audience import Audience, Recipient, Routes
from gateway.store.base import Session, UtcDateTime, metadata, within
from gateway.store.inbox import BigId
from gateway.store.ladders import all_manners
from gateway.store.outbox import outbox
from gateway.values import OutboxState, Scope, WithheldReason

KIND = "broadcast"
PRIORITY = 1  # answers have 0, and go first
DRAFT, QUEUEING, QUEUED, STOPPED = "draft", "queueing", "queued", "stopped"
PIECE = 200  # numbers that are queued in one transaction: whoever receives messages meanwhile does not wait for more

broadcasts = Table(
    "broadcasts",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("area", String(13), nullable=False),
    Column("audience", JSON, nullable=False),
    Column("texts", JSON, nullable=False),
    Column("state", String(10), nullable=False),
    Column("user_id", Integer, nullable=True),
    Column("user_name", String(100), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("confirmed_at", UtcDateTime, nullable=True),
    Column("ended_at", UtcDateTime, nullable=True),
    Column("reached", String(20), nullable=True),
    Column("recipients", Integer, nullable=True),
)
Index("ix_broadcasts_area", broadcasts.c.area, broadcasts.c.id)
Index("ix_broadcasts_state", broadcasts.c.state, broadcasts.c.id)
_is_open = outbox.c.state.in_((literal_column("'queued'"), literal_column("'sending'")))  # as its partial index says
_of_broadcast = outbox.c.broadcast_id.is_not(None)
Index(
    "uq_outbox_broadcast",
    outbox.c.broadcast_id,
    outbox.c.recipient,
    unique=True,
    sqlite_where=_of_broadcast,
    postgresql_where=_of_broadcast,
)
Index("ix_outbox_channel_id", outbox.c.channel, outbox.c.id)


@dataclass(frozen=True, slots=True)
class Broadcast:
    """One text to many.

    draft -> queueing -> queued; queueing, queued -> stopped. `texts` are by language, `reached` is the last number that
    was queued, `recipients` how many there were when it was confirmed.
    """

    id: int
    area: str
    audience: Audience
    texts: Mapping[str, str]
    state: str
    user_id: int | None
    user_name: str
    created_at: datetime
    confirmed_at: datetime | None
    ended_at: datetime | None
    reached: str | None
    recipients: int | None

    def text_for(self, language: str) -> str:
        """Return the text in a language; where none was written, in the first language that one was."""
        return self.texts.get(language) or next(text for text in self.texts.values() if text)


def _read(row: Mapping[Any, Any]) -> Broadcast:
    return Broadcast(**{**row, "audience": audience_store.from_json(row["audience"])})


def add_draft(
    session: Session, audience: Audience, texts: Mapping[str, str], by: tuple[int, str], now: datetime, *, scope: Scope
) -> int | None:
    """Keep a broadcast that is not sent yet and return its id; None where its area is not in the scope."""
    if not scope.covers(audience.area):
        return None
    user_id, user_name = by
    row = {
        "area": audience.area,
        "audience": audience.as_json(),
        "texts": dict(texts),
        "state": DRAFT,
        "user_id": user_id,
        "user_name": user_name,
        "created_at": now,
    }
    return int(session.execute(insert(broadcasts).returning(broadcasts.c.id), row).scalar_one())


def change_draft(
    session: Session, broadcast_id: int, audience: Audience, texts: Mapping[str, str], *, scope: Scope
) -> bool:
    """Put a draft in other words, or to others; False where it is no draft any more, or not in the scope."""
    if not scope.covers(audience.area):
        return False
    values = {"area": audience.area, "audience": audience.as_json(), "texts": dict(texts)}
    return _change(session, broadcast_id, (DRAFT,), values, scope)


def drop_draft(session: Session, broadcast_id: int, *, scope: Scope) -> bool:
    """Forget a draft; False where it is none any more, or not in the scope."""
    return _change(session, broadcast_id, (DRAFT,), {"state": STOPPED}, scope)


def confirm(session: Session, broadcast_id: int, recipients: int, now: datetime, *, scope: Scope) -> bool:
    """Let a draft go out; False where it was confirmed before, or is not in the scope: once is all there is."""
    values = {"state": QUEUEING, "confirmed_at": now, "recipients": recipients}
    return _change(session, broadcast_id, (DRAFT,), values, scope)


def stop(session: Session, broadcast_id: int, now: datetime, *, scope: Scope) -> int | None:
    """Send no more of a broadcast and return how many were kept back; None where it has ended, or is out of scope."""
    if not _change(session, broadcast_id, (QUEUEING, QUEUED), {"state": STOPPED, "ended_at": now}, scope):
        return None
    waiting = outbox.c.broadcast_id == broadcast_id, outbox.c.state == OutboxState.QUEUED
    values = {"state": OutboxState.WITHHELD, "reason": WithheldReason.HALTED}
    return int(session.execute(update(outbox).where(*waiting).values(values)).rowcount)


def _change(
    session: Session, broadcast_id: int, states: tuple[str, ...], values: Mapping[str, object], scope: Scope
) -> bool:
    mine = broadcasts.c.id == broadcast_id, broadcasts.c.state.in_(states), within(broadcasts.c.area, scope)
    return bool(session.execute(update(broadcasts).where(*mine).values(values)).rowcount)


def find_broadcast(session: Session, broadcast_id: int, *, scope: Scope) -> Broadcast | None:
    """Return one broadcast, or None."""
    mine = broadcasts.c.id == broadcast_id, within(broadcasts.c.area, scope)
    row = session.execute(select(broadcasts).where(*mine)).mappings().first()
    return _read(row) if row else None


def latest_broadcasts(
    session: Session, *, scope: Scope, before: int | None = None, limit: int = 50
) -> tuple[Broadcast, ...]:
    """Return the broadcasts of a scope, newest first, without the drafts that were thrown away."""
    thrown_away = (broadcasts.c.state == STOPPED) & broadcasts.c.confirmed_at.is_(None)
    statement = select(broadcasts).where(within(broadcasts.c.area, scope), ~thrown_away)
    if before is not None:
        statement = statement.where(broadcasts.c.id < before)
    rows = session.execute(statement.order_by(broadcasts.c.id.desc()).limit(limit)).mappings()
    return tuple(_read(row) for row in rows)


def count_states(session: Session, broadcast_id: int, *, scope: Scope) -> dict[str, int]:
    """Return how many messages of a broadcast stand in each state."""
    statement = (
        select(outbox.c.state, func.count().label("messages"))
        .join(broadcasts, broadcasts.c.id == outbox.c.broadcast_id)
        .where(outbox.c.broadcast_id == broadcast_id, within(broadcasts.c.area, scope))
        .group_by(outbox.c.state)
    )
    return {row.state: row.messages for row in session.execute(statement)}


def unsent_of(
    session: Session, broadcast_id: int, *, scope: Scope, after: int = 0, limit: int = 50
) -> tuple[tuple[int, str, str, str | None, str | None], ...]:
    """Return (id, phone, state, reason, fault) of what was not sent, or of which nobody knows, in order."""
    troubled = (OutboxState.FAILED, OutboxState.UNSURE, OutboxState.WITHHELD)
    statement = (
        select(outbox.c.id, outbox.c.recipient, outbox.c.state, outbox.c.reason, outbox.c.fault)
        .join(broadcasts, broadcasts.c.id == outbox.c.broadcast_id)
        .where(outbox.c.broadcast_id == broadcast_id, within(broadcasts.c.area, scope))
        .where(outbox.c.state.in_(troubled), outbox.c.id > after)
        .order_by(outbox.c.id)
        .limit(limit)
    )
    return tuple(tuple(row) for row in session.execute(statement))


def next_to_queue(session: Session) -> Broadcast | None:
    """Return a broadcast that is not wholly queued, and let nobody else queue it meanwhile; None if there is none."""
    statement = (
        select(broadcasts)
        .where(broadcasts.c.state == QUEUEING)
        .order_by(broadcasts.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = session.execute(statement).mappings().first()
    return _read(row) if row else None


def has_unqueued(session: Session) -> bool:
    """Tell whether a broadcast is not wholly queued."""
    return session.execute(select(broadcasts.c.id).where(broadcasts.c.state == QUEUEING).limit(1)).first() is not None


def queue_piece(session: Session, broadcast: Broadcast, routes: Routes, now: datetime) -> int:
    """Queue the next piece of a broadcast and return how many numbers that were; none when it is wholly queued.

    Each waits for the hours that her area chose. Who has sent STOP is written down as withheld. A number that is there
    already is passed over.
    """
    scope = Scope(broadcast.area)
    found = audience_store.list_audience(
        session, broadcast.audience, routes, scope=scope, after=broadcast.reached or "", limit=PIECE
    )
    chosen = all_manners(session)
    rows = [
        _as_row(broadcast, one, waking_hours(now, one.timezone, find_manners(chosen, one.area).hours), now)
        for one in found
        if one.channel is not None
    ]
    if rows:
        dialect = postgresql if session.dialect.name == "postgresql" else sqlite
        session.execute(dialect.insert(outbox).on_conflict_do_nothing(), rows)
    values: dict[str, object] = {"reached": found[-1].phone} if found else {"state": QUEUED}
    mine = broadcasts.c.id == broadcast.id, broadcasts.c.state == QUEUEING
    session.execute(update(broadcasts).where(*mine).values(values))
    return len(found)


def _as_row(
    broadcast: Broadcast, recipient: Recipient, waking: tuple[datetime, datetime], now: datetime
) -> dict[str, object]:
    first, last = waking
    is_stopped = recipient.stopped_at is not None
    return {
        "kind": KIND,
        "channel": recipient.channel,
        "recipient": recipient.phone,
        "text": broadcast.text_for(recipient.language),
        "state": OutboxState.WITHHELD if is_stopped else OutboxState.QUEUED,
        "reason": WithheldReason.STOPPED if is_stopped else None,
        "ref": secrets.token_hex(8),
        "attempts": 0,
        "refusals": 0,
        "next_try_at": first if first > now else None,
        "send_until": last,
        "trace_id": secrets.token_hex(8),
        "created_at": now,
        "priority": PRIORITY,
        "broadcast_id": broadcast.id,
        "user_id": broadcast.user_id,
        "user_name": broadcast.user_name,
    }


def keep_back(session: Session, phone: str) -> int:
    """Send nothing unasked that still waits to a number whose owner has sent STOP; return how many those were."""
    unasked = outbox.c.kind.in_((KIND, *reminders.KINDS))
    waiting = outbox.c.recipient == phone, unasked, outbox.c.state == OutboxState.QUEUED
    values = {"state": OutboxState.WITHHELD, "reason": WithheldReason.STOPPED}
    return int(session.execute(update(outbox).where(*waiting).values(values)).rowcount)


def in_place_of_numbers(pseudonym: str) -> ColumnElement[str]:
    """Return the recipient of what went to numbers that are gone: a broadcast's are still one each."""
    numbered = literal(f"{pseudonym}:") + cast(outbox.c.id, String)
    return case((outbox.c.broadcast_id.is_(None), pseudonym), else_=numbered)
