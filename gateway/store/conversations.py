"""Conversations: what was received from a number and sent to it, as staff of an area see them."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, insert, or_, select, true, union, union_all

from gateway.errors import Raced
from gateway.store import outbox as outbox_store
from gateway.store.areas import areas
from gateway.store.base import Session, savepoint, within, written
from gateway.store.channels import channels
from gateway.store.facilities import facilities
from gateway.store.inbox import COLUMNS as RECEIVED
from gateway.store.inbox import InboxMessage, inbox
from gateway.store.outbox import COLUMNS as TO_SEND
from gateway.store.outbox import OutboxMessage, outbox
from gateway.store.questions import NEXT, OPEN, questions
from gateway.store.reporters import reporter_facilities, reporter_phones, reporters
from gateway.store.reports import reports
from gateway.values import InboxState, OutboxState, Scope, WithheldReason

PAGE = 50  # rows of a list
THREAD = 25  # received messages of a page of a conversation
BY_HAND = "staff"  # the kind of what somebody of the staff wrote
MOST_SENT = 200  # messages to a number that a page of its conversation shows at most


@dataclass(frozen=True, slots=True)
class Party:
    """Who has a number: the reporters who share it and the facilities they report for. An unknown one has nobody.

    Shape: `reporters` are (id, name), `places` are (id, name), those to answer for first.
    """

    reporters: tuple[tuple[int, str], ...] = ()
    places: tuple[tuple[int, str], ...] = ()
    area: str = ""
    timezone: str = ""


@dataclass(frozen=True, slots=True)
class CameOf:
    """A report that came of a message. `is_reread`: the message was read again since, and another one came of it."""

    id: int
    form: str
    period: str
    state: str
    facility: str
    is_reread: bool


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question to a number that has no answer yet. Shape: `reading` as in `store.questions`."""

    id: int
    inbox_id: int
    text: str
    state: str
    asked_at: datetime
    reading: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a conversation, oldest first on both sides; `older` is the message to go on from, if any."""

    received: tuple[InboxMessage, ...]
    to_send: tuple[OutboxMessage, ...]
    older: int | None


def concerns(phone: ColumnElement[str], channel: ColumnElement[str], scope: Scope) -> ColumnElement[bool]:
    """Return the condition that a number's messages are a scope's affair.

    They are where one of the number's facilities lies in it; those of a number without any, where the area of the
    channel lies in it.
    """
    if not scope.area:
        return true()
    mine = select(channels.c.name).where(within(channels.c.area, scope))
    return or_(_is_known(phone, scope), and_(channel.in_(mine), ~_has_place(phone)))


def _is_known(phone: ColumnElement[str], scope: Scope) -> ColumnElement[bool]:
    """Tell whether a number reports for a facility in scope; those numbers are looked up once, not for every row."""
    theirs = reporter_phones.alias()  # `phone` may be a column of the table itself
    known = (
        select(theirs.c.phone)
        .join(reporter_facilities, reporter_facilities.c.reporter_id == theirs.c.reporter_id)
        .join(facilities, facilities.c.id == reporter_facilities.c.facility_id)
        .where(within(facilities.c.area, scope))
    )
    return phone.in_(known)


def _has_place(phone: ColumnElement[str]) -> ColumnElement[bool]:
    theirs = reporter_phones.alias()
    found = (
        select(reporter_facilities.c.reporter_id)
        .join(theirs, theirs.c.reporter_id == reporter_facilities.c.reporter_id)
        .where(theirs.c.phone == phone)
    )
    return exists(found)


def waiting(
    session: Session, states: Sequence[InboxState], *, scope: Scope, before: int | None = None, limit: int = PAGE + 1
) -> tuple[InboxMessage, ...]:
    """Return the newest received messages in some states, newest first."""
    branches = []
    for state in states:
        branch = select(inbox.c.id).where(
            inbox.c.state == written(state), concerns(inbox.c.sender, inbox.c.channel, scope)
        )
        if before is not None:
            branch = branch.where(inbox.c.id < before)
        branches.append(branch.order_by(inbox.c.id.desc()).limit(limit).subquery().select())
    statement = select(*RECEIVED).where(inbox.c.id.in_(union_all(*branches))).order_by(inbox.c.id.desc()).limit(limit)
    return tuple(InboxMessage(*row) for row in session.execute(statement))


def undelivered(
    session: Session, *, scope: Scope, before: int | None = None, limit: int = PAGE + 1
) -> tuple[OutboxMessage, ...]:
    """Return the newest messages that did not go out, or of which nobody knows; newest first.

    Left out is what staff themselves did not want sent, what was read on a screen, and what was never to say anything.
    """
    is_known = outbox.c.reason.in_((WithheldReason.QUIET, WithheldReason.SHOWN))
    is_missed = outbox.c.text != "", func.coalesce(~is_known, true())
    branches = []
    for state in (OutboxState.FAILED, OutboxState.UNSURE, OutboxState.WITHHELD):
        branch = select(outbox.c.id).where(
            outbox.c.state == written(state), *is_missed, concerns(outbox.c.recipient, outbox.c.channel, scope)
        )
        if before is not None:
            branch = branch.where(outbox.c.id < before)
        branches.append(branch.order_by(outbox.c.id.desc()).limit(limit).subquery().select())
    statement = select(*TO_SEND).where(outbox.c.id.in_(union_all(*branches))).order_by(outbox.c.id.desc()).limit(limit)
    return tuple(OutboxMessage(*row) for row in session.execute(statement))


def latest(
    session: Session, *, scope: Scope, before: int | None = None, limit: int = PAGE + 1
) -> tuple[InboxMessage, ...]:
    """Return the last message of each number that wrote, newest first: one row a conversation."""
    statement = _last_of_each(scope) if scope.area else _last_of_all()
    if before is not None:
        statement = statement.where(inbox.c.id < before)
    rows = session.execute(statement.order_by(inbox.c.id.desc()).limit(limit))
    return tuple(InboxMessage(*row) for row in rows)


def _last_of_all() -> Select[Any]:
    """Walk the inbox from its end; what is followed by another message of its sender is passed over."""
    newer = inbox.alias("newer")
    follows = exists(select(newer.c.id).where(newer.c.sender == inbox.c.sender, newer.c.id > inbox.c.id))
    return select(*RECEIVED).where(~follows)


def _last_of_each(scope: Scope) -> Select[Any]:
    """Look up the last message of every number of an area: they are few beside all messages."""
    known = (
        select(reporter_phones.c.phone.label("phone"))
        .join(reporter_facilities, reporter_facilities.c.reporter_id == reporter_phones.c.reporter_id)
        .join(facilities, facilities.c.id == reporter_facilities.c.facility_id)
        .where(within(facilities.c.area, scope))
    )
    mine = select(channels.c.name).where(within(channels.c.area, scope))
    unknown = select(inbox.c.sender).where(
        inbox.c.state == written(InboxState.HELD), inbox.c.channel.in_(mine), ~_has_place(inbox.c.sender)
    )
    phones = union(known, unknown).subquery("phones")
    one = inbox.alias("one")
    last = select(func.max(one.c.id)).where(one.c.sender == phones.c.phone).scalar_subquery()
    lasts = select(last.label("id")).select_from(phones).subquery("lasts")
    return select(*RECEIVED).join(lasts, lasts.c.id == inbox.c.id)


def find_received(session: Session, message_id: int, *, scope: Scope) -> InboxMessage | None:
    """Return a received message, or None."""
    return next(iter(find_all_received(session, [message_id], scope=scope)), None)


def find_all_received(session: Session, ids: Collection[int], *, scope: Scope) -> tuple[InboxMessage, ...]:
    """Return these of the received messages that are a scope's affair, oldest first."""
    mine = inbox.c.id.in_(ids), concerns(inbox.c.sender, inbox.c.channel, scope)
    statement = select(*RECEIVED).where(*mine).order_by(inbox.c.id)
    return tuple(InboxMessage(*row) for row in session.execute(statement))


def find_to_send(session: Session, message_id: int, *, scope: Scope) -> OutboxMessage | None:
    """Return a message that was or is to be sent, or None."""
    mine = outbox.c.id == message_id, concerns(outbox.c.recipient, outbox.c.channel, scope)
    row = session.execute(select(*TO_SEND).where(*mine)).first()
    return OutboxMessage(*row) if row else None


def find_last_of(session: Session, phones: Collection[str], *, scope: Scope) -> InboxMessage | None:
    """Return the last message received from one of these numbers, or None."""
    mine = inbox.c.sender.in_(phones), concerns(inbox.c.sender, inbox.c.channel, scope)
    row = session.execute(select(*RECEIVED).where(*mine).order_by(inbox.c.id.desc()).limit(1)).first()
    return InboxMessage(*row) if row else None


def find_phones(session: Session, reporter_id: int, *, scope: Scope) -> tuple[str, ...]:
    """Return the numbers of a reporter who reports for a facility in scope."""
    own = select(reporter_phones.c.phone).where(reporter_phones.c.reporter_id == reporter_id)
    if scope.area:
        own = own.where(_is_known(reporter_phones.c.phone, scope))
    return tuple(session.execute(own.order_by(reporter_phones.c.phone)).scalars())


def phones_by_name(session: Session, name: str, *, scope: Scope, limit: int = PAGE) -> tuple[str, ...]:
    """Return the numbers of those whose name, or whose facility's name, holds these words."""
    is_named = or_(
        reporters.c.name.icontains(name, autoescape=True), facilities.c.name.icontains(name, autoescape=True)
    )
    statement = (
        select(reporter_phones.c.phone)
        .join(reporters, reporters.c.id == reporter_phones.c.reporter_id)
        .join(reporter_facilities, reporter_facilities.c.reporter_id == reporters.c.id)
        .join(facilities, facilities.c.id == reporter_facilities.c.facility_id)
        .where(is_named, within(facilities.c.area, scope))
        .distinct()
        .order_by(reporter_phones.c.phone)
        .limit(limit)
    )
    return tuple(session.execute(statement).scalars())


def last_of_phones(session: Session, phones: Collection[str], *, scope: Scope) -> tuple[InboxMessage, ...]:
    """Return the last message of each of these numbers, newest first."""
    if not phones:
        return ()
    of_each = select(func.max(inbox.c.id)).where(inbox.c.sender.in_(phones)).group_by(inbox.c.sender)
    mine = inbox.c.id.in_(of_each), concerns(inbox.c.sender, inbox.c.channel, scope)
    return tuple(
        InboxMessage(*row) for row in session.execute(select(*RECEIVED).where(*mine).order_by(inbox.c.id.desc()))
    )


def stretch(session: Session, phone: str, *, scope: Scope, before: InboxMessage | None = None) -> Stretch:
    """Return the newest stretch of a number's conversation, or the one that goes before a message of it."""
    received = select(*RECEIVED).where(inbox.c.sender == phone, concerns(inbox.c.sender, inbox.c.channel, scope))
    if before is not None:
        received = received.where(inbox.c.id < before.id)
    rows = session.execute(received.order_by(inbox.c.id.desc()).limit(THREAD + 1)).all()
    found = tuple(InboxMessage(*row) for row in rows[:THREAD])[::-1]
    older = found[0].id if len(rows) > THREAD else None
    sends = select(*TO_SEND).where(outbox.c.recipient == phone, concerns(outbox.c.recipient, outbox.c.channel, scope))
    if older is not None:
        sends = sends.where(outbox.c.created_at >= found[0].received_at)
    if before is not None:
        sends = sends.where(outbox.c.created_at < before.received_at)
    sent = session.execute(sends.order_by(outbox.c.created_at.desc(), outbox.c.id.desc()).limit(MOST_SENT)).all()
    return Stretch(found, tuple(OutboxMessage(*row) for row in sent)[::-1], older)


def came_of(session: Session, message_ids: Collection[int], *, scope: Scope) -> dict[int, tuple[CameOf, ...]]:
    """Return the reports that came of these messages, by message, oldest first."""
    if not message_ids:
        return {}
    source = func.coalesce(reports.c.inbox_id, reports.c.reread_id)
    columns = (reports.c.id, reports.c.form, reports.c.period, reports.c.state, facilities.c.name)
    statement = (
        select(source.label("source"), *columns, reports.c.inbox_id.is_(None).label("is_reread"))
        .join(facilities, facilities.c.id == reports.c.facility_id)
        .where(or_(reports.c.inbox_id.in_(message_ids), reports.c.reread_id.in_(message_ids)))
        .where(within(facilities.c.area, scope))
        .order_by(reports.c.id)
    )
    found: dict[int, list[CameOf]] = defaultdict(list)
    for message_id, *report in session.execute(statement):
        found[message_id].append(CameOf(*report))
    return {message_id: tuple(these) for message_id, these in found.items()}


def open_questions(session: Session, phones: Collection[str], *, scope: Scope) -> dict[str, tuple[AskedQuestion, ...]]:
    """Return the questions to these numbers that have no answer yet, by number: the open one first."""
    if not phones:
        return {}
    columns = (questions.c[name] for name in AskedQuestion.__slots__)
    mine = questions.c.sender.in_(phones), questions.c.state.in_((OPEN, NEXT))
    statement = select(questions.c.sender, *columns).where(*mine).order_by(questions.c.state.desc(), questions.c.id)
    if scope.area:
        statement = statement.where(_is_known(questions.c.sender, scope))
    found: dict[str, list[AskedQuestion]] = defaultdict(list)
    for sender, *question in session.execute(statement):
        found[sender].append(AskedQuestion(*question))
    return {sender: tuple(these) for sender, these in found.items()}


def parties(session: Session, phones: Collection[str], *, scope: Scope) -> dict[str, Party]:
    """Return who has each of these numbers, with their facilities in scope; a number that nobody has is left out."""
    if not phones:
        return {}
    columns = (reporter_phones.c.phone, reporters.c.id, reporters.c.name)
    place = (facilities.c.id, facilities.c.name, facilities.c.area, areas.c.timezone)
    statement = (
        select(*columns, *(column.label(f"place_{column.name}") for column in place))
        .join(reporters, reporters.c.id == reporter_phones.c.reporter_id)
        .outerjoin(reporter_facilities, reporter_facilities.c.reporter_id == reporters.c.id)
        .outerjoin(
            facilities,
            and_(facilities.c.id == reporter_facilities.c.facility_id, within(facilities.c.area, scope)),
        )
        .outerjoin(areas, areas.c.code == facilities.c.area)
        .where(reporter_phones.c.phone.in_(phones))
        .order_by(reporters.c.is_active.desc(), reporters.c.id, reporter_facilities.c.is_responsible.desc())
    )
    rows: dict[str, list[Any]] = defaultdict(list)
    for row in session.execute(statement):
        rows[row.phone].append(row)
    return {phone: _as_party(these) for phone, these in rows.items()}


def _as_party(rows: Sequence[Any]) -> Party:
    here = [row for row in rows if row.place_id is not None]
    return Party(
        reporters=tuple(dict.fromkeys((row.id, row.name) for row in rows)),
        places=tuple(dict.fromkeys((row.place_id, row.place_name) for row in here)),
        area=here[0].place_area if here else "",
        timezone=here[0].place_timezone if here else "",
    )


def area_of_channel(session: Session, channel: str, *, scope: Scope) -> str:
    """Return the area that a channel belongs to, empty where it belongs to none within a scope."""
    mine = channels.c.name == channel, within(channels.c.area, scope)
    return session.execute(select(channels.c.area).where(*mine)).scalar_one_or_none() or ""


def write_by_hand(
    session: Session,
    message: InboxMessage,
    text: str,
    *,
    scope: Scope,
    by: tuple[int, str],
    key: str,
    now: datetime,
    channel: str,
) -> int | None:
    """Queue what somebody of the staff wrote to a message's sender, on a channel; return its id.

    None where the same form was sent before: `key` is the form's own. Shape: `by` is the writer's id and name.
    Errors: ValueError for a sender outside the scope, or one that no SMS can be sent to.
    """
    if find_received(session, message.id, scope=scope) is None or not message.sender.startswith("+"):
        raise ValueError(f"nothing can be written to the sender of message {message.id}")
    row: dict[str, Any] = {"inbox_id": None, "kind": BY_HAND, "channel": channel, "recipient": message.sender}
    row |= {"text": text, "state": OutboxState.QUEUED, "attempts": 0, "refusals": 0, "created_at": now}
    row |= {"ref": _ref_of(by[0], key), "trace_id": message.trace_id, "user_id": by[0], "user_name": by[1][:100]}
    if session.execute(select(outbox.c.id).where(outbox.c.ref == row["ref"])).first():
        return None
    try:
        with savepoint(session):
            return int(session.execute(insert(outbox).returning(outbox.c.id), row).scalar_one())
    except Raced:
        return None


def _ref_of(user_id: int, key: str) -> str:
    return hashlib.blake2b(f"{user_id}:{key}".encode(), digest_size=8).hexdigest()


def send_again(session: Session, message_id: int, *, scope: Scope) -> OutboxMessage | None:
    """Queue a message that failed, or of which nobody knows, once more; None when it is neither, or out of scope."""
    if find_to_send(session, message_id, scope=scope) is None:
        return None
    return outbox_store.send_again(session, message_id)
