"""Parts: what came of longer messages, until all of it has come or nobody waits for the rest any longer."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from gateway.store import inbox
from gateway.store.base import Session, UtcDateTime, is_postgresql, metadata
from gateway.store.inbox import BigId, NewInboxMessage
from gateway.values import lane_of

WAIT = timedelta(minutes=10)  # for the rest of a message; and between two parts of one, as they were sent
MISSING = "[...]"  # stands in a cut message where something did not come
_TURN = 4_109_023  # any number that nothing else here uses as an advisory lock

parts = Table(
    "parts",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("channel", String(40), nullable=False),
    Column("provider_id", String(200), nullable=False),
    Column("sender", String(64), nullable=False),
    Column("recipient", String(64), nullable=False),
    Column("ref", String(200), nullable=False),
    Column("total", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("text", Text, nullable=False),  # empty once it stands in a whole message
    Column("sent_at", UtcDateTime, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("inbox_id", ForeignKey("inbox.id"), nullable=True),  # the message that it went into, last
    Column("is_whole", Boolean, nullable=False, server_default=false()),  # that one has all its parts
    UniqueConstraint("channel", "provider_id", name="uq_parts_channel_provider_id"),
)
_waits = parts.c.inbox_id.is_(None)
Index("ix_parts_waiting", parts.c.received_at, sqlite_where=_waits, postgresql_where=_waits)
Index("ix_parts_inbox_id", parts.c.inbox_id)
Index("ix_parts_sender", parts.c.sender, parts.c.ref)

_MESSAGE = ("channel", "sender", "recipient", "ref", "total")  # what the parts of one message have in common


@dataclass(frozen=True, slots=True)
class Part:
    """One SMS of a longer message: `number` of `total`, of the message that its sender's phone calls `ref`."""

    channel: str
    provider_id: str
    sender: str
    recipient: str
    ref: str
    total: int
    number: int
    text: str
    sent_at: datetime
    received_at: datetime


_COLUMNS = parts.c.id, parts.c.inbox_id, *(parts.c[name] for name in Part.__slots__)


def keep_part(session: Session, part: Part, trace_id: str) -> bool:
    """Keep one part, and make an inbox message of all of them if none is missing now; False when it was kept before.

    Whoever else keeps a part waits until this transaction ends, so that of two last parts one sees the other.
    """
    _take_turn(session)
    dialect = postgresql if is_postgresql(session) else sqlite
    row = {name: getattr(part, name) for name in Part.__slots__}
    kept = dialect.insert(parts).on_conflict_do_nothing(index_elements=["channel", "provider_id"])
    part_id = session.execute(kept.returning(parts.c.id), row).scalar_one_or_none()
    if part_id is None:
        return False
    group = next(group for group in _groups_of(session, row) if any(one.id == part_id for one in group))
    if is_complete([one.part for one in group]):
        _hand_on(session, group, trace_id, part.received_at, is_whole=True)
    return True


def keys_since(session: Session, channel: str, since: datetime) -> tuple[str, ...]:
    """Return the keys of the parts that came by a channel since an instant, in the order of their coming."""
    mine = parts.c.channel == channel, parts.c.received_at >= since
    return tuple(session.execute(select(parts.c.provider_id).where(*mine).order_by(parts.c.id)).scalars())


def has_late(session: Session, now: datetime) -> bool:
    """Tell whether a part has waited long enough for the others."""
    return session.execute(select(parts.c.id).where(_is_late(now)).limit(1)).first() is not None


def release_late(session: Session, now: datetime) -> int:
    """Make inbox messages, marked as cut, of what has waited long enough; return how many."""
    _take_turn(session)
    late = select(*(parts.c[name] for name in _MESSAGE)).where(_is_late(now)).distinct()
    released = 0
    for message in session.execute(late).mappings().all():
        for group in _groups_of(session, message):
            waiting = [one.part.received_at for one in group if one.inbox_id is None]
            if waiting and not any(now - WAIT < at <= now + WAIT for at in waiting):
                _hand_on(session, group, secrets.token_hex(8), now, is_whole=False)
                released += 1
    return released


def is_complete(found: Sequence[Part]) -> bool:
    """Tell whether parts are one whole message. A number that is there twice is of two, and nobody can tell which."""
    return sorted(part.number for part in found) == list(range(1, found[0].total + 1))


def join_text(found: Iterable[Part], total: int) -> str:
    """Return what parts say, in their order, and where something is missing."""
    pieces: list[str] = []
    by_number: dict[int, list[str]] = {}
    for part in found:
        by_number.setdefault(part.number, []).append(part.text)
    for number in range(1, total + 1):
        if number in by_number:
            pieces.append(" | ".join(by_number[number]))
        elif not pieces or pieces[-1] != f" {MISSING} ":
            pieces.append(f" {MISSING} ")
    return "".join(pieces).strip()


@dataclass(frozen=True, slots=True)
class _Kept:
    id: int
    inbox_id: int | None
    part: Part


def _take_turn(session: Session) -> None:
    """Let nobody else join parts before this transaction ends; a write transaction on SQLite is alone anyhow."""
    if is_postgresql(session):
        session.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})


def _is_late(now: datetime) -> ColumnElement[bool]:
    """Tell which parts have waited long enough; a time far ahead was written by a wrong clock, and is over."""
    at = parts.c.received_at
    return _waits & or_(at <= now - WAIT, at > now + WAIT)


def _groups_of(session: Session, message: Mapping[str, Any] | RowMapping) -> list[list[_Kept]]:
    """Return the parts of one sender and ref that stand in no whole message, those together that were sent together.

    A phone counts its messages and begins again after 255, or never counts: a ref alone tells no message.
    """
    same = (parts.c[name] == message[name] for name in _MESSAGE)
    statement = select(*_COLUMNS).where(*same, ~parts.c.is_whole).order_by(parts.c.sent_at, parts.c.id)
    groups: list[list[_Kept]] = []
    for id_, inbox_id, *columns in session.execute(statement):
        one = _Kept(id_, inbox_id, Part(*columns))
        if groups and one.part.sent_at - groups[-1][-1].part.sent_at <= WAIT:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _hand_on(session: Session, group: Sequence[_Kept], trace_id: str, now: datetime, *, is_whole: bool) -> None:
    """Make an inbox message of parts: sent when the first of them was, and known by the keys of all."""
    found = sorted((one.part for one in group), key=lambda part: (part.number, part.sent_at))
    first = found[0]
    ids = "\n".join(part.provider_id for part in found)
    message = NewInboxMessage(
        channel=first.channel,
        provider_id=f"{'parts' if is_whole else 'cut'}:{hashlib.sha256(ids.encode()).hexdigest()}",
        sender=first.sender,
        recipient=first.recipient,
        text=join_text(found, first.total),
        sent_at=min(part.sent_at for part in found),
        received_at=now,
        lane=lane_of(first.sender),
        trace_id=trace_id,
        is_cut=not is_whole,
    )
    inbox.keep(session, message)
    kept = inbox.find_message(session, message.channel, message.provider_id)
    assert kept is not None
    for cut_id in {one.inbox_id for one in group if one.inbox_id is not None}:
        inbox.take_from_staff(session, cut_id)  # they have more of it now
    values = {"inbox_id": kept.id, "is_whole": is_whole} | ({"text": ""} if is_whole else {})
    session.execute(update(parts).where(parts.c.id.in_([one.id for one in group])).values(values))
