"""The outbox: every message to be sent, at most one per message received and kind, and what became of it."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    case,
    func,
    insert,
    literal_column,
    or_,
    select,
    union_all,
    update,
)

from gateway.segments import count_segments
from gateway.store import channels, quota
from gateway.store.base import Session, UtcDateTime, database_now, metadata, written
from gateway.store.inbox import BigId
from gateway.values import OUTBOX_MOVES, ChannelLimits, DeliveryStatus, OutboxState, SentSms, WithheldReason

LONGEST_WAIT = timedelta(hours=25)  # longer than any wait that a provider may ask for

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("inbox_id", ForeignKey("inbox.id"), nullable=True),
    Column("kind", String(20), nullable=False),
    Column("channel", String(40), nullable=False),
    Column("recipient", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("reason", String(20), nullable=True),
    Column("ref", String(32), nullable=False, unique=True),
    Column("attempts", SmallInteger, nullable=False),
    Column("refusals", SmallInteger, nullable=False),
    Column("next_try_at", UtcDateTime, nullable=True),
    Column("lease_until", UtcDateTime, nullable=True),
    Column("lease_token", String(32), nullable=True),
    Column("provider_id", String(200), nullable=True),
    Column("segments", SmallInteger, nullable=True),
    Column("fault", Text, nullable=True),
    Column("fault_code", String(40), nullable=True),
    Column("trace_id", String(32), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime, nullable=True),
    Column("delivered_at", UtcDateTime, nullable=True),
    Column("user_id", Integer, nullable=True),
    Column("user_name", String(100), nullable=True),
    Column("priority", SmallInteger, nullable=False, server_default="0"),  # 0 goes first: what somebody waits for
    Column("send_until", UtcDateTime, nullable=True),  # not after this instant: it is night there
    Column("broadcast_id", BigId, nullable=True),
    UniqueConstraint("inbox_id", "kind", name="uq_outbox_inbox_id_kind"),
)
ANSWER = "answer"
# written out: with bound values no database could tell that it may use the partial index
_open = outbox.c.state.in_((literal_column("'queued'"), literal_column("'sending'")))
_next = outbox.c.channel, outbox.c.priority, outbox.c.id
Index("ix_outbox_channel_open", *_next, sqlite_where=_open, postgresql_where=_open)
Index("ix_outbox_recipient", outbox.c.recipient, outbox.c.created_at)
_is_named = outbox.c.provider_id.is_not(None)
Index("ix_outbox_provider_id", outbox.c.provider_id, sqlite_where=_is_named, postgresql_where=_is_named)
_unsent = outbox.c.state.in_([literal_column(f"'{state}'") for state in ("failed", "unsure", "withheld")])
Index("ix_outbox_state", outbox.c.state, outbox.c.id, postgresql_where=_unsent)  # as ix_inbox_state


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """One message to be sent. `attempts` counts sends that may have reached the phone, `refusals` those that did not.

    `user_name` is who of the staff wrote it by hand.
    """

    id: int
    inbox_id: int | None
    kind: str
    channel: str
    recipient: str
    text: str
    state: str
    reason: str | None
    ref: str
    attempts: int
    refusals: int
    provider_id: str | None
    fault: str | None
    fault_code: str | None
    trace_id: str
    created_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    segments: int | None = None
    user_name: str | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True)
class NewOutboxMessage:
    """A message about to be queued, or with a reason to be withheld; it goes out between two instants, if they are set.

    Shape: answers have priority 0, and go first.
    """

    inbox_id: int | None
    kind: str
    channel: str
    recipient: str
    text: str
    trace_id: str
    created_at: datetime
    reason: WithheldReason | None = None
    priority: int = 0
    next_try_at: datetime | None = None
    send_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """Messages that this sender alone may send now, under one token; without any, how long the pace says to wait."""

    token: str
    messages: tuple[OutboxMessage, ...]
    wait_seconds: float = 0.0


COLUMNS = tuple(outbox.c[name] for name in OutboxMessage.__slots__)

# What is asked for every message or batch is put together once: that costs more than asking it.
_queued, _waits_until = outbox.c.state == OutboxState.QUEUED, outbox.c.next_try_at
# who need not wait any longer; a wait that is far too long was written by a wrong clock
_is_due = or_(_waits_until.is_(None), _waits_until <= bindparam("clock"), _waits_until > bindparam("far"))
_here = outbox.c.channel == bindparam("channel")
_is_in_time = or_(outbox.c.send_until.is_(None), outbox.c.send_until > bindparam("clock"))
_DUE = select(*COLUMNS).where(_here, _open, _queued, _is_due, _is_in_time).order_by(outbox.c.priority, outbox.c.id)
_CLAIMABLE = _DUE.limit(bindparam("size")).with_for_update(skip_locked=True)
_HAS_DUE = select(outbox.c.id).where(_here, _open, _queued, _is_due).order_by(*_next).limit(1)  # so SQLite finds it
_TAKE = (
    update(outbox)
    .where(outbox.c.id.in_(bindparam("ids", expanding=True)))
    .values(state=OutboxState.SENDING, attempts=outbox.c.attempts + 1)
)
_is_mine = (outbox.c.id == bindparam("message_id")) & (outbox.c.lease_token == bindparam("token"))
_is_undecided = outbox.c.state.in_((OutboxState.SENDING, OutboxState.UNSURE))
_SETTLE = update(outbox).where(_is_mine, _is_undecided).values(lease_until=None)
_ADD = insert(outbox)
_RECENT_SENDS = select(outbox.c.recipient, outbox.c.text, outbox.c.created_at).where(
    outbox.c.recipient.in_(bindparam("recipients", expanding=True)),
    outbox.c.created_at > bindparam("since"),
    outbox.c.state != OutboxState.WITHHELD,
)


def answer_kind(rounds: int) -> str:
    """Return the kind of the one answer that a received message gets each time it is handled.

    >>> answer_kind(0), answer_kind(1)
    ('answer', 'answer2')
    """
    return f"{ANSWER}{rounds + 1}" if rounds else ANSWER


def add(session: Session, message: NewOutboxMessage) -> str:
    """Queue or withhold a message and return its ref. Errors: Raced when this answer is there already."""
    row = as_row(message)
    session.execute(_ADD, row)
    return str(row["ref"])


def add_many(session: Session, messages: Sequence[NewOutboxMessage]) -> tuple[tuple[int, str], ...]:
    """Queue or withhold many messages and return the id and the ref of each, in the order given."""
    if not messages:
        return ()
    statement = _ADD.returning(outbox.c.id, outbox.c.ref, sort_by_parameter_order=True)
    return tuple((row.id, row.ref) for row in session.execute(statement, [as_row(one) for one in messages]))


def as_row(message: NewOutboxMessage) -> dict[str, Any]:
    """Return a message's row, with a ref of its own."""
    row = {name: getattr(message, name) for name in NewOutboxMessage.__slots__}
    state = OutboxState.WITHHELD if message.reason else OutboxState.QUEUED
    return row | {"ref": secrets.token_hex(8), "state": state, "attempts": 0, "refusals": 0}


def withhold(session: Session, ref: str, reason: WithheldReason) -> bool:
    """Keep back a message that has not begun to go out; False when it has."""
    mine = outbox.c.ref == ref, outbox.c.state == OutboxState.QUEUED
    statement = update(outbox).where(*mine).values(state=OutboxState.WITHHELD, reason=reason)
    return bool(session.execute(statement).rowcount)


def withhold_shown(session: Session, recipient: str) -> None:
    """Keep back an answer that waits because a screen has shown it: what it asked has been answered meanwhile."""
    waits = outbox.c.state == OutboxState.QUEUED, outbox.c.next_try_at.is_not(None), outbox.c.refusals == 0
    hers = outbox.c.recipient == recipient, outbox.c.kind.startswith(ANSWER), *waits
    session.execute(update(outbox).where(*hers).values(state=OutboxState.WITHHELD, reason=WithheldReason.SHOWN))


def recent_sends(session: Session, recipients: Collection[str], since: datetime) -> list[tuple[str, str, datetime]]:
    """Return (recipient, text, created_at) of what went or will go to these numbers since an instant."""
    if not recipients:
        return []
    rows = session.execute(_RECENT_SENDS, {"recipients": list(recipients), "since": since})
    return [(recipient, text, created_at) for recipient, text, created_at in rows]


def claim(session: Session, channel: str, limits: ChannelLimits) -> Claim:
    """Mark what may be sent now as being sent. Commit before the first send: only then is no message sent twice.

    Answers go first, however long a broadcast waits. What the channel's quota has no room for stays queued.
    One message at a time where a send cannot be repeated, so that a killed sender leaves at most one in doubt.
    Units: the database's clock.
    """
    next_send_at = channels.hold_channel(session, channel)
    clock = database_now(session)
    if next_send_at and clock < next_send_at <= clock + timedelta(hours=1):  # further ahead: a clock was wrong
        return Claim("", (), (next_send_at - clock).total_seconds())
    size = max(1, min(20, int(limits.per_second))) if limits.is_idempotent else 1
    rows = session.execute(_CLAIMABLE, {"channel": channel, "size": size} | _by(clock))
    found = tuple(OutboxMessage(*row) for row in rows)
    if found and limits.per_day is not None:
        used = segments_gone(session, channel, clock - quota.WINDOW)
        weights = [(one.priority, count_segments(one.text)) for one in found]
        if not (fitting := quota.count_fitting(weights, used, limits.per_day)) and not found[0].priority:
            channels.keep_quiet(session, channel, clock + quota.LOOK_AGAIN)
        found = found[:fitting]
    if not found:
        return Claim("", ())
    token = secrets.token_hex(16)
    lease = {"lease_token": token, "lease_until": clock + timedelta(seconds=limits.lease_seconds)}
    session.execute(_TAKE, {"ids": [message.id for message in found]} | lease)
    channels.keep_pace(session, channel, clock, len(found), limits.per_second)
    return Claim(token, found)


def segments_gone(session: Session, channel: str, since: datetime, *, with_queued: bool = False) -> int:
    """Return the segments of what went out by a channel since an instant, or may have, or (`with_queued`) is to go."""
    state, sent_at = outbox.c.state, outbox.c.sent_at
    kinds = (
        (sent_at >= since,),
        (_open,) if with_queued else (_open, state == OutboxState.SENDING),
        (state == written(OutboxState.UNSURE), sent_at.is_(None), outbox.c.created_at >= since),
    )
    # the channel is no condition: SQLite would then go through all that it ever sent, and not through the time
    segments = func.sum(case((outbox.c.channel == channel, func.coalesce(outbox.c.segments, 1)), else_=0))
    found = union_all(*(select(segments.label("segments")).where(*kind) for kind in kinds)).subquery("found")
    return int(session.execute(select(func.sum(found.c.segments))).scalar_one() or 0)


def record_sent(session: Session, message_id: int, token: str, sent: SentSms, now: datetime) -> bool:
    """Write down that the provider took the message; False when this sender's lease had been taken away and settled."""
    values: dict[str, object] = {
        "state": OutboxState.DELIVERED if sent.is_delivered else OutboxState.SENT,
        "provider_id": sent.provider_id or None,
        "segments": sent.segments,
        "sent_at": now,
        "delivered_at": now if sent.is_delivered else None,
        "fault": None,
        "fault_code": None,
    }
    if _settle(session, message_id, token, values):
        return True
    # the network was quicker than the provider's own answer: the state stands, the provider's id is worth keeping
    overtaken = update(outbox).where(outbox.c.id == message_id, outbox.c.lease_token == token)
    kept = {"provider_id": sent.provider_id or outbox.c.provider_id, "segments": sent.segments}
    return bool(session.execute(overtaken.values(kept)).rowcount)


def record_refusal(session: Session, message_id: int, token: str, wait_seconds: float, fault: str, code: str) -> bool:
    """Write down that nothing was sent, for certain, and when to try again. A refusal is no attempt."""
    next_try_at = database_now(session) + timedelta(seconds=wait_seconds)
    values = {"state": OutboxState.QUEUED, "next_try_at": next_try_at, "fault": fault, "fault_code": code}
    counts = {"attempts": outbox.c.attempts - 1, "refusals": outbox.c.refusals + 1}
    return _settle(session, message_id, token, values | counts)


def record_failure(session: Session, message_id: int, token: str, fault: str, code: str) -> bool:
    """Write down that this message will never go out, and why; staff see it."""
    return _settle(session, message_id, token, {"state": OutboxState.FAILED, "fault": fault, "fault_code": code})


def record_unsure(session: Session, message_id: int, token: str, fault: str) -> bool:
    """Write down that nobody can tell whether this message went out; it is not sent again unless staff say so."""
    return _settle(session, message_id, token, {"state": OutboxState.UNSURE, "fault": fault})


def _settle(session: Session, message_id: int, token: str, values: dict[str, object]) -> bool:
    """Change a message only while this sender's token stands on it (fencing)."""
    counts = {name: value for name, value in values.items() if isinstance(value, ColumnElement)}
    plain = {name: value for name, value in values.items() if name not in counts}
    settle = _SETTLE.values(counts) if counts else _SETTLE
    return bool(session.execute(settle, plain | {"message_id": message_id, "token": token}).rowcount)


def _by(clock: datetime) -> dict[str, object]:
    """Return the instants that `_is_due` goes by."""
    return {"clock": clock, "far": clock + LONGEST_WAIT}


def record_status(session: Session, channel: str, status: DeliveryStatus, now: datetime) -> bool:
    """Move a message forward by what its provider says later; False when nothing changed. A state never goes back."""
    if status.state is None:
        return False
    if status.ref:
        which: ColumnElement[bool] = outbox.c.ref == status.ref
    elif status.provider_id:
        which = outbox.c.provider_id == status.provider_id
    else:
        return False
    forward = [state for state, moves in OUTBOX_MOVES.items() if status.state in moves and state != OutboxState.QUEUED]
    values: dict[str, object] = {"state": status.state, "lease_until": None}
    at = min(status.at or now, now)  # a stamp from the future would stay in a quota's window until then
    if status.provider_id:
        values["provider_id"] = status.provider_id
    if status.state is OutboxState.DELIVERED:
        values["delivered_at"] = at
    if status.state is not OutboxState.FAILED:
        values["sent_at"] = func.coalesce(outbox.c.sent_at, at, type_=UtcDateTime)
    if status.code or status.words:
        values |= {"fault_code": status.code or None, "fault": status.words or None}
    statement = update(outbox).where(outbox.c.channel == channel, which, outbox.c.state.in_(forward)).values(values)
    return bool(session.execute(statement).rowcount)


def send_again(session: Session, message_id: int) -> OutboxMessage | None:
    """Queue one message that failed, or of which nobody knows, because staff say so; None when it is neither."""
    again = outbox.c.state.in_((OutboxState.UNSURE, OutboxState.FAILED)) & (outbox.c.text != "")  # else it was erased
    values = {"state": OutboxState.QUEUED, "next_try_at": None, "lease_token": None, "fault": None, "fault_code": None}
    statement = update(outbox).where(outbox.c.id == message_id, again).values(values)
    if not session.execute(statement).rowcount:
        return None
    return OutboxMessage(*session.execute(select(*COLUMNS).where(outbox.c.id == message_id)).one())


def channels_with_work(session: Session) -> tuple[str, ...]:
    """Return the channels that hold messages which are due, or which a dead sender may have left behind."""
    late = outbox.c.state == OutboxState.SENDING
    statement = select(outbox.c.channel).where(_open, or_(_queued & _is_due, late)).distinct()
    return tuple(session.execute(statement, _by(database_now(session))).scalars())


def has_due(session: Session, channel: str) -> bool:
    """Return whether a channel holds messages that may go now."""
    return session.execute(_HAS_DUE, {"channel": channel} | _by(database_now(session))).first() is not None


def latest_to(
    session: Session,
    recipients: Collection[str] | None = None,
    *,
    channel: str | None = None,
    states: Collection[str] | None = None,
    limit: int = 50,
) -> tuple[OutboxMessage, ...]:
    """Return the newest messages, newest first: all there are, or only to these, by this channel, of these states."""
    statement = select(*COLUMNS).order_by(outbox.c.id.desc()).limit(limit)
    if recipients is not None:
        statement = statement.where(outbox.c.recipient.in_(recipients))
    if channel is not None:
        statement = statement.where(outbox.c.channel == channel)
    if states is not None:
        statement = statement.where(outbox.c.state.in_([written(state) for state in states]))
    return tuple(OutboxMessage(*row) for row in session.execute(statement))


def find_answer(session: Session, inbox_id: int) -> OutboxMessage | None:
    """Return the newest answer to a received message, or None."""
    about = outbox.c.inbox_id == inbox_id, outbox.c.kind.startswith(ANSWER)
    statement = select(*COLUMNS).where(*about).order_by(outbox.c.id.desc())
    row = session.execute(statement).first()
    return OutboxMessage(*row) if row else None


def count_by_state(session: Session) -> dict[str, int]:
    """Return how many messages stand in each state."""
    statement = select(outbox.c.state, func.count()).group_by(outbox.c.state)
    return {row.state: row[1] for row in session.execute(statement)}
