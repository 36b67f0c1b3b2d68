"""The inbox: every message that was ever received, once each, and where it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    FromClause,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    false,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite as sqlite_dialect

from gateway.store.base import Session, UtcDateTime, is_postgresql, metadata, written
from gateway.values import InboxState

LONGEST_WAIT = timedelta(hours=1)  # longer than any wait between two tries
MOST_AT_ONCE = 20  # messages of one sender, while she waits or others do

BigId = BigInteger().with_variant(Integer, "sqlite")  # SQLite gives ids by itself to INTEGER keys only

inbox = Table(
    "inbox",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("channel", String(40), nullable=False),
    Column("provider_id", String(200), nullable=False),
    Column("sender", String(64), nullable=False),
    Column("recipient", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("raw", LargeBinary, nullable=True),
    Column("sent_at", UtcDateTime, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("lane", SmallInteger, nullable=False),
    Column("state", String(10), nullable=False),
    Column("is_answered", Boolean, nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    Column("rounds", SmallInteger, nullable=False),
    Column("next_try_at", UtcDateTime, nullable=True),
    Column("fault", Text, nullable=True),
    Column("trace_id", String(32), nullable=False),
    Column("handled_at", UtcDateTime, nullable=True),
    Column("done_from", String(10), nullable=True),
    Column("is_quiet", Boolean, nullable=False, server_default=false()),
    Column("is_cut", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("channel", "provider_id", name="uq_inbox_channel_provider_id"),
)
# Written out wherever a partial index is meant: with a bound value no database could tell that it may use it.
_RECEIVED: ColumnElement[str] = literal_column("'received'")
_received = inbox.c.state == _RECEIVED
Index(
    "ix_inbox_lane_received",
    inbox.c.lane,
    inbox.c.id,
    sqlite_where=_received,
    postgresql_where=_received,
)
_retried = and_(_received, inbox.c.next_try_at.is_not(None))
_hers = inbox.c.lane, inbox.c.sender, inbox.c.id
Index("ix_inbox_retried", *_hers, sqlite_where=_retried, postgresql_where=_retried)
Index("ix_inbox_sender", inbox.c.sender, inbox.c.id)
# Of the states that are rare, on PostgreSQL: it would take this one for what was received, too, through all that waits.
# SQLite cannot tell that a bound state is one of these.
_kept_back = inbox.c.state.in_([literal_column(f"'{state}'") for state in ("held", "for_staff", "dead")])
Index("ix_inbox_state", inbox.c.state, inbox.c.id, postgresql_where=_kept_back)

lanes = Table(
    "lanes",
    metadata,
    Column("lane", SmallInteger, primary_key=True, autoincrement=False),
)


@dataclass(frozen=True, slots=True)
class InboxMessage:
    """One received message. `sent_at` is the channel's stamp, else when it was first kept, and never later.

    `rounds` counts how often it was put back to be handled anew; each round has an answer of its own, which does not go
    out where staff have it read `is_quiet`. `done_from` is where it stood when staff called it done, None if they did
    not. `is_cut`: parts of it never came, and it is read by staff only.
    """

    id: int
    channel: str
    provider_id: str
    sender: str
    recipient: str
    text: str
    sent_at: datetime
    received_at: datetime
    lane: int
    state: str
    is_answered: bool
    attempts: int
    rounds: int
    fault: str | None
    trace_id: str
    handled_at: datetime | None
    done_from: str | None = None
    is_quiet: bool = False
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class NewInboxMessage:
    """A message about to be kept. `raw` holds the bytes of what could not be read."""

    channel: str
    provider_id: str
    sender: str
    recipient: str
    text: str
    sent_at: datetime
    received_at: datetime
    lane: int
    trace_id: str
    state: str = InboxState.RECEIVED
    is_answered: bool = False
    raw: bytes | None = None
    fault: str | None = None
    is_cut: bool = False


COLUMNS = tuple(inbox.c[name] for name in InboxMessage.__slots__)


def _waits(messages: FromClause) -> ColumnElement[bool]:
    """Tell which messages wait for another try. A wait far too long was written by a wrong clock, and is over."""
    at = messages.c.next_try_at
    return and_(
        at.is_not(None), at > bindparam("now", type_=UtcDateTime), at <= bindparam("longest", type_=UtcDateTime)
    )


# What is asked for every message or batch is put together once: that costs more than asking it.
_earlier = inbox.alias("earlier")
_is_held_up = (
    select(_earlier.c.id)
    .where(
        _earlier.c.lane == inbox.c.lane,
        _earlier.c.state == _RECEIVED,
        _earlier.c.sender == inbox.c.sender,
        _earlier.c.id < inbox.c.id,
        _waits(_earlier),
    )
    .exists()
)
_NEXT_BATCH = (
    select(*COLUMNS)
    .where(inbox.c.lane == bindparam("of_lane"), _received, ~_waits(inbox), ~_is_held_up)
    .order_by(inbox.c.id)
    .limit(bindparam("size"))
)
_NEXT_OF_OTHERS = _NEXT_BATCH.where(inbox.c.sender.not_in(bindparam("flooding", expanding=True)))
_NEXT_OF_SENDER = _NEXT_BATCH.where(inbox.c.sender == bindparam("of_sender"))
_LANES_WITH_WORK = select(inbox.c.lane).where(_received, ~_waits(inbox)).distinct()
_KEEP = {
    dialect.dialect.name: dialect.insert(inbox)
    .on_conflict_do_nothing(index_elements=["channel", "provider_id"])
    .returning(inbox.c.id)
    for dialect in (postgresql, sqlite_dialect)
}
_FINISH = (
    update(inbox)
    .where(inbox.c.id == bindparam("message_id"), _received)
    .values(state=bindparam("outcome"), handled_at=bindparam("now"), next_try_at=None, fault=None)
)
_FINISH_MANY = (
    update(inbox)
    .where(inbox.c.id.in_(bindparam("message_ids", expanding=True)), _received)
    .values(state=bindparam("outcome"), handled_at=bindparam("now"), next_try_at=None, fault=None)
)
WAITING = (InboxState.HELD, InboxState.DEAD, InboxState.FOR_STAFF)
ANEW: Mapping[str, Any] = {
    "state": InboxState.RECEIVED,
    "attempts": 0,
    "next_try_at": None,
    "rounds": inbox.c.rounds + 1,
    "is_quiet": False,
}


def keys_since(session: Session, channel: str, since: datetime) -> tuple[str, ...]:
    """Return the keys of what came by a channel since an instant, in the order of its coming."""
    mine = inbox.c.channel == channel, inbox.c.received_at >= since
    return tuple(session.execute(select(inbox.c.provider_id).where(*mine).order_by(inbox.c.id)).scalars())


def keep(session: Session, message: NewInboxMessage) -> bool:
    """Keep a message; False when it was kept before: the same channel and provider id are the same message for ever."""
    row = {name: getattr(message, name) for name in NewInboxMessage.__slots__} | {"attempts": 0, "rounds": 0}
    statement = _KEEP[session.dialect.name]
    return session.execute(statement, row).first() is not None


def senders_unread(session: Session, senders: Collection[str]) -> set[str]:
    """Return those of these senders from whom something has come that nobody has handled yet."""
    statement = select(inbox.c.sender).where(_received, inbox.c.sender.in_(senders)).distinct()
    return set(session.execute(statement).scalars()) if senders else set()


def hold_lane(session: Session, lane: int) -> bool:
    """Take a lane for this transaction; False when another worker has it. A hold goes with its connection."""
    if not is_postgresql(session):
        return True  # a write transaction on SQLite already holds the whole database
    statement = select(lanes.c.lane).where(lanes.c.lane == lane).with_for_update(skip_locked=True)
    return session.execute(statement).first() is not None


def wait_for_lane(session: Session, lane: int) -> None:
    """Take a lane for this transaction; who has it is waited for. Errors: Raced when that takes too long."""
    if is_postgresql(session):
        session.execute(select(lanes.c.lane).where(lanes.c.lane == lane).with_for_update())


def next_of_sender(session: Session, lane: int, sender: str, now: datetime) -> tuple[InboxMessage, ...]:
    """Return the next messages of one sender that are due, in the order they came."""
    rows = session.execute(_NEXT_OF_SENDER, _clock(now) | {"of_lane": lane, "of_sender": sender, "size": MOST_AT_ONCE})
    return tuple(InboxMessage(*row) for row in rows)


def next_batch(session: Session, lane: int, now: datetime, size: int) -> tuple[InboxMessage, ...]:
    """Return the next messages of a lane that are due, in the order they came.

    A message that waits for another try holds up the later ones of its own sender, so that they keep their order. Who
    floods the lane does not keep the others waiting: of hers come only so many at once.
    """
    asked = _clock(now) | {"of_lane": lane, "size": size}
    found = [InboxMessage(*row) for row in session.execute(_NEXT_BATCH, asked)]
    flooding = [sender for sender, count in Counter(one.sender for one in found).items() if count > MOST_AT_ONCE]
    if len(found) < size or not flooding:
        return tuple(found)
    left = {"flooding": flooding, "size": size - MOST_AT_ONCE * len(flooding)}
    others = [InboxMessage(*row) for row in session.execute(_NEXT_OF_OTHERS, asked | left)]
    turns: Counter[str] = Counter()
    hers = []
    for one in found:
        if one.sender in flooding:
            turns[one.sender] += 1
            hers.append((turns[one.sender], one))
    first = [one for _, one in sorted(hers, key=lambda each: each[0])][: size - len(others)]
    return tuple(sorted([*first, *others], key=lambda one: one.id))


def _clock(now: datetime) -> dict[str, datetime]:
    return {"now": now, "longest": now + LONGEST_WAIT}


def finish(session: Session, message_id: int, state: InboxState, now: datetime) -> bool:
    """Settle a received message; False when somebody else settled it first: then all that was done for it is undone."""
    changed = session.execute(_FINISH, {"message_id": message_id, "outcome": state, "now": now})
    return bool(changed.rowcount)


def finish_many(session: Session, message_ids: Collection[int], state: InboxState, now: datetime) -> int:
    """Settle received messages in one statement, and return how many of them still stood there."""
    about = {"message_ids": list(message_ids), "outcome": state, "now": now}
    return int(session.execute(_FINISH_MANY, about).rowcount)


def set_aside(session: Session, message: InboxMessage, fault: str, next_try_at: datetime | None) -> None:
    """Count a failed try: try again at an instant, or with None give the message to staff as dead."""
    state = InboxState.RECEIVED if next_try_at else InboxState.DEAD
    values = {
        "attempts": message.attempts + 1,
        "next_try_at": next_try_at,
        "fault": fault,
        "state": state,
    }
    session.execute(update(inbox).where(inbox.c.id == message.id, _received).values(values))


def postpone(session: Session, message_id: int, next_try_at: datetime) -> None:
    """Let a message that lost its races wait a little; that is no failed try."""
    session.execute(update(inbox).where(inbox.c.id == message_id, _received).values(next_try_at=next_try_at))


def lanes_with_work(session: Session, now: datetime) -> tuple[int, ...]:
    """Return the lanes that hold messages which are due."""
    return tuple(session.execute(_LANES_WITH_WORK, _clock(now)).scalars())


def oldest_waiting(session: Session) -> datetime | None:
    """Return when the oldest message that is not yet handled was received, or None."""
    found: datetime | None = session.execute(select(func.min(inbox.c.received_at)).where(_received)).scalar_one()
    return found


def give_to_staff(session: Session, message_ids: Collection[int]) -> int:
    """Give messages that were handled to staff after all: we asked about them, and nobody answered. Return how many."""
    if not message_ids:
        return 0
    handled = inbox.c.id.in_(message_ids), inbox.c.state == InboxState.DONE
    statement = update(inbox).where(*handled).values(state=InboxState.FOR_STAFF)
    return int(session.execute(statement).rowcount)


def take_from_staff(session: Session, message_id: int) -> None:
    """Take a message from staff again: we ask about it once more. Unanswered, it comes back to them."""
    theirs = inbox.c.id == message_id, inbox.c.state == InboxState.FOR_STAFF
    session.execute(update(inbox).where(*theirs).values(state=InboxState.DONE))


def put_back(session: Session, sender: str, state: InboxState) -> int:
    """Let every message of a sender in this state be handled anew; return how many. It keeps the day it was sent.

    Errors: ValueError for a state from which nothing goes back.
    """
    if state not in WAITING:
        raise ValueError(f"what is {state} is not handled anew")
    statement = update(inbox).where(inbox.c.sender == sender, inbox.c.state == state).values(ANEW)
    return int(session.execute(statement).rowcount)


def put_back_one(session: Session, message_id: int) -> InboxMessage | None:
    """Let one message that is held, dead or with staff be handled anew, and return it; None if it is none of these."""
    statement = update(inbox).where(inbox.c.id == message_id, inbox.c.state.in_(WAITING)).values(ANEW)
    changed = session.execute(statement).rowcount
    return find_by_id(session, message_id) if changed else None


def find_message(session: Session, channel: str, provider_id: str) -> InboxMessage | None:
    """Return a message by its channel's key, or None."""
    statement = select(*COLUMNS).where(inbox.c.channel == channel, inbox.c.provider_id == provider_id)
    row = session.execute(statement).first()
    return InboxMessage(*row) if row else None


def find_by_id(session: Session, message_id: int) -> InboxMessage | None:
    """Return a message, or None."""
    row = session.execute(select(*COLUMNS).where(inbox.c.id == message_id)).first()
    return InboxMessage(*row) if row else None


def latest_messages(
    session: Session,
    *,
    senders: Collection[str] | None = None,
    states: Collection[str] | None = None,
    channel: str | None = None,
    limit: int = 50,
) -> tuple[InboxMessage, ...]:
    """Return the newest messages, newest first: of all senders, states and channels, or of these only."""
    statement = select(*COLUMNS).order_by(inbox.c.id.desc()).limit(limit)
    if senders is not None:
        statement = statement.where(inbox.c.sender.in_(senders))
    if states is not None:
        statement = statement.where(inbox.c.state.in_([written(state) for state in states]))
    if channel is not None:
        statement = statement.where(inbox.c.channel == channel)
    return tuple(InboxMessage(*row) for row in session.execute(statement))


def count_by_state(session: Session) -> dict[str, int]:
    """Return how many messages stand in each state."""
    rows = session.execute(select(inbox.c.state, func.count()).group_by(inbox.c.state))
    return {row.state: row[1] for row in rows}
