"""Retention: how long this office keeps what, over the defaults of the inventory; and what is old by that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    String,
    Table,
    and_,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from gateway.redact import hide_in_key
from gateway.store.audit import audit
from gateway.store.base import Session, UtcDateTime, metadata
from gateway.store.broadcasts import in_place_of_numbers
from gateway.store.dialogues import dialogues
from gateway.store.imports import imports
from gateway.store.inbox import WAITING, inbox
from gateway.store.inventory import kinds
from gateway.store.invitations import invitations
from gateway.store.klikkb import klikkb_midwives
from gateway.store.outbox import outbox
from gateway.store.parts import parts
from gateway.store.push_queue import KEPT as CALLS_KEPT
from gateway.store.pushes import push_calls
from gateway.store.questions import NEXT, OPEN, questions
from gateway.store.registrations import registrations
from gateway.store.reporters import reporter_facilities, reporter_phones, reporters
from gateway.store.reports import reports
from gateway.store.users import users
from gateway.store.visits import login_failures, user_sessions
from gateway.values import InboxState, OutboxState, Scope

ROWS = 500  # of one statement
AUDIT_KEPT = timedelta(days=1827)  # the database refuses to delete what is younger than five years (migration 0025)
NOBODY = "erased:unknown"  # in the place of numbers that were never anybody's here

retention = Table(
    "retention",
    metadata,
    Column("kind", String(20), primary_key=True),
    Column("days", Integer, nullable=False),
    Column("chosen_by", String(100), nullable=False),
    Column("chosen_at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """How long an office keeps one kind of data."""

    kind: str
    days: int
    chosen_by: str
    chosen_at: datetime


def chosen(session: Session) -> dict[str, Chosen]:
    """Return what was chosen over the defaults, by kind."""
    return {row.kind: Chosen(*row) for row in session.execute(select(retention))}


def choose(session: Session, new: Chosen, *, scope: Scope) -> bool:
    """Keep one kind so long from now on; False for who may not choose for the whole house, or no such number."""
    kind = kinds().get(new.kind)
    if scope.area or kind is None or kind.fixed or not kind.least <= new.days <= kind.most:
        return False
    session.execute(delete(retention).where(retention.c.kind == new.kind))
    row = {name: getattr(new, name) for name in Chosen.__slots__}
    session.execute(insert(retention), row)
    return True


def spans(session: Session) -> dict[str, timedelta]:
    """Return how long each kind is kept here that there is a rule for."""
    own = chosen(session)
    found = {code: kind.span for code, kind in kinds().items() if not kind.fixed}
    return found | {code: timedelta(days=one.days) for code, one in own.items() if code in found} | _FIXED


@dataclass(frozen=True, slots=True)
class Rule:
    """What becomes of old rows of one table: `values` are written over them, or without any they are deleted."""

    kind: str
    table: Table
    is_old: Callable[[datetime], ColumnElement[bool]]
    values: Mapping[str, Any] | None = None


_has_report = exists(select(reports.c.id).where(reports.c.inbox_id == inbox.c.id))
_is_asked = exists(
    select(questions.c.id).where(questions.c.inbox_id == inbox.c.id, questions.c.state.in_((OPEN, NEXT)))
)
_is_other = and_(inbox.c.state != InboxState.RECEIVED, ~_has_report, ~_is_asked)  # settled, and no report came of it
_has_gone = outbox.c.state.not_in((OutboxState.QUEUED, OutboxState.SENDING))
_NO_WORDS = {"text": "", "raw": None, "fault": None}


def _is_registered(phone: Column[str]) -> ColumnElement[bool]:
    return exists(select(reporter_phones.c.phone).where(reporter_phones.c.phone == phone))


def _is_known(phone: Column[str]) -> ColumnElement[bool]:
    return _is_registered(phone) | exists(select(users.c.id).where(users.c.phone == phone))


def _is_malformed(before: datetime) -> ColumnElement[bool]:
    return and_(inbox.c.received_at < before, inbox.c.raw.is_not(None), inbox.c.state != InboxState.RECEIVED)


def _is_chatter(before: datetime) -> ColumnElement[bool]:
    return and_(inbox.c.received_at < before, inbox.c.text != "", _is_other, _is_registered(inbox.c.sender))


def _is_of_strangers(before: datetime) -> ColumnElement[bool]:
    is_number = inbox.c.sender.startswith("+")
    return and_(inbox.c.received_at < before, is_number, _is_other, ~_is_known(inbox.c.sender))


def _is_to_strangers(before: datetime) -> ColumnElement[bool]:
    """Tell what was sent to numbers that nobody has, once their own messages have gone."""
    is_number = outbox.c.recipient.startswith("+")
    writes = select(inbox.c.id).where(inbox.c.sender == outbox.c.recipient)
    return and_(outbox.c.created_at < before, _has_gone, is_number, ~_is_known(outbox.c.recipient), ~exists(writes))


def _is_part_of_strangers(before: datetime) -> ColumnElement[bool]:
    is_over = parts.c.inbox_id.is_not(None)  # nobody waits for the rest of it
    return and_(parts.c.received_at < before, is_over, parts.c.sender.startswith("+"), ~_is_known(parts.c.sender))


def _is_old_answer(before: datetime) -> ColumnElement[bool]:
    return and_(outbox.c.created_at < before, _has_gone, outbox.c.text != "")


def _is_decided(before: datetime) -> ColumnElement[bool]:
    return and_(registrations.c.decided_at < before, registrations.c.words != "")


def _is_decided_of(phone: Column[Any]) -> Callable[[datetime], ColumnElement[bool]]:
    """Return what tells which decided requests hold a number that nobody has: it was refused, or given back."""

    def is_old(before: datetime) -> ColumnElement[bool]:
        return and_(registrations.c.decided_at < before, phone.startswith("+"), ~_is_known(phone))

    return is_old


def _is_settled_question(before: datetime) -> ColumnElement[bool]:
    return and_(questions.c.closed_at < before, questions.c.text != "", questions.c.state.not_in((OPEN, NEXT)))


def _is_cut_part(before: datetime) -> ColumnElement[bool]:
    return and_(parts.c.received_at < before, parts.c.inbox_id.is_not(None), parts.c.text != "")


def _has_left_directory(before: datetime) -> ColumnElement[bool]:
    is_nobody_here = klikkb_midwives.c.reporter_id.is_(None)
    return and_(klikkb_midwives.c.gone_at < before, is_nobody_here, klikkb_midwives.c.name != NOBODY)


def _has_left_staff(before: datetime) -> ColumnElement[bool]:
    worked = exists(select(audit.c.id).where(audit.c.user_id == users.c.id, audit.c.at >= before))
    return and_(~users.c.is_active, users.c.phone.is_not(None), users.c.created_at < before, ~worked)


RULES = (
    Rule("malformed", inbox, _is_malformed, _NO_WORDS),
    Rule("chatter", inbox, _is_chatter, _NO_WORDS),
    Rule("strangers", inbox, _is_of_strangers, _NO_WORDS | {"sender": NOBODY}),
    Rule("strangers", outbox, _is_to_strangers, {"text": "", "recipient": in_place_of_numbers(NOBODY)}),
    Rule("strangers", parts, _is_part_of_strangers, {"text": "", "sender": NOBODY}),
    Rule("answers", outbox, _is_old_answer, {"text": ""}),
    Rule("questions", questions, _is_settled_question, {"text": "", "reading": {}}),
    Rule("dialogues", dialogues, lambda before: dialogues.c.changed_at < before),
    Rule("parts", parts, _is_cut_part, {"text": ""}),
    Rule("registrations", registrations, _is_decided, {"words": "", "reason": None}),
    Rule("registrations", registrations, _is_decided_of(registrations.c.phone), {"phone": NOBODY}),
    Rule("registrations", registrations, _is_decided_of(registrations.c.old_phone), {"old_phone": None}),
    Rule("sessions", user_sessions, lambda before: user_sessions.c.created_at < before),
    Rule("sessions", login_failures, lambda before: login_failures.c.at < before),
    Rule("sessions", invitations, lambda before: invitations.c.expires_at < before),
    Rule("left", klikkb_midwives, _has_left_directory, {"name": NOBODY, "phone": None}),
    Rule("left", users, _has_left_staff, {"phone": None}),
    Rule("imports", imports, lambda before: imports.c.expires_at < before),
    Rule("pushes", push_calls, lambda before: push_calls.c.called_at < before),
    Rule("audit", audit, lambda before: audit.c.at < before),
)
_FIXED = {"imports": timedelta(0), "pushes": CALLS_KEPT, "audit": AUDIT_KEPT}


def find_old(session: Session, rule: Rule, now: datetime, span: timedelta, after: int = 0) -> tuple[int, ...]:
    """Return the ids of rows that are kept too long, some at a time: the next behind an id."""
    key = rule.table.c.id
    statement = select(key).where(rule.is_old(now - span), key > after).order_by(key).limit(ROWS)
    return tuple(session.execute(statement).scalars())


def count_old(session: Session, rule: Rule, now: datetime, span: timedelta) -> int:
    """Return how many rows are kept too long."""
    statement = select(func.count()).select_from(rule.table).where(rule.is_old(now - span))
    return int(session.execute(statement).scalar_one())


def let_go(session: Session, rule: Rule, ids: tuple[int, ...], now: datetime, span: timedelta) -> None:
    """Write over rows, or delete them, but for those that somebody has taken up again since they were found.

    What waited for staff is done: there is nothing to read any more.
    """
    mine = rule.table.c.id.in_(ids), rule.is_old(now - span)
    if rule.values is None:
        session.execute(delete(rule.table).where(*mine))
        return
    values = dict(rule.values)
    if "recipient" in values:
        _hide_in_keys(session, mine)
    if rule.table is inbox:
        values["state"] = case((inbox.c.state.in_(WAITING), InboxState.DONE), else_=inbox.c.state)
    session.execute(update(rule.table).where(*mine).values(values))


def _hide_in_keys(session: Session, mine: tuple[ColumnElement[bool], ...]) -> None:
    """Take numbers out of the providers' keys of what was sent; what comes in is kept without (`receive.keep`)."""
    keyed = select(outbox.c.id, outbox.c.provider_id, outbox.c.recipient).where(
        *mine, outbox.c.provider_id.is_not(None)
    )
    for row in session.execute(keyed).all():
        key = hide_in_key(row.provider_id, row.recipient)
        if key != row.provider_id:
            session.execute(update(outbox).where(outbox.c.id == row.id).values(provider_id=key))


def find_left(session: Session, now: datetime, span: timedelta) -> tuple[int, ...]:
    """Return reporters who were suspended, or have no place any more, and of whom nothing was heard for so long."""
    before = now - span
    written = select(inbox.c.id).join(reporter_phones, reporter_phones.c.phone == inbox.c.sender)
    written = written.where(reporter_phones.c.reporter_id == reporters.c.id, inbox.c.received_at >= before)
    has_place = exists(
        select(reporter_facilities.c.facility_id).where(
            reporter_facilities.c.reporter_id == reporters.c.id,
            or_(
                reporter_facilities.c.until_period.is_(None),
                reporter_facilities.c.until_period >= before.strftime("%Y-%m"),
            ),
        )
    )
    about = audit.c.noun == "reporter", audit.c.at >= before, audit.c.subject == cast(reporters.c.id, String)
    gone = (
        or_(~reporters.c.is_active, ~has_place),
        reporters.c.merged_into.is_(None),
        ~reporters.c.name.startswith("erased:"),
        ~exists(written),
        ~exists(select(reports.c.id).where(reports.c.reporter_id == reporters.c.id, reports.c.created_at >= before)),
        ~exists(select(audit.c.id).where(*about)),
        exists(select(reports.c.id).where(reports.c.reporter_id == reporters.c.id)) | ~reporters.c.is_active,
    )
    return tuple(session.execute(select(reporters.c.id).where(*gone).order_by(reporters.c.id).limit(200)).scalars())
