"""Erasing: taking somebody out of every row that is hers by a key. Figures, months and keys of messages stay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, and_, delete, or_, select, update

from gateway.redact import hide_in_key
from gateway.store.aliases import aliases
from gateway.store.base import Session
from gateway.store.broadcasts import in_place_of_numbers
from gateway.store.dialogues import dialogues
from gateway.store.erasures import Person
from gateway.store.exports import forget_areas
from gateway.store.facilities import facilities
from gateway.store.imports import imports
from gateway.store.inbox import inbox
from gateway.store.klikkb import klikkb_midwives
from gateway.store.outbox import outbox
from gateway.store.parts import parts
from gateway.store.questions import NEXT, OPEN, REPLACED, questions
from gateway.store.registrations import registrations
from gateway.store.reporters import reporter_facilities, reporter_phones, reporters
from gateway.store.reports import reports, set_state
from gateway.store.users import users
from gateway.values import InboxState, OutboxState, ReportState, WithheldReason

ROWS = 500  # of one statement
Counts = Counter[str]


def erase_rows(session: Session, person: Person, pseudonym: str, now: datetime) -> Counts:
    """Take somebody out of every row that is hers, put a pseudonym in her place, and return how many rows by table."""
    report_ids, message_ids = _reports_of(session, person), _messages_of(session, person)
    counts: Counts = Counter()
    counts["exports"] = _drop_files(session, person, now)
    counts["imports"] = session.execute(delete(imports)).rowcount  # each is kept for an hour; their rows name people
    counts["questions"] = _erase_questions(session, person, pseudonym, now)
    counts["reports"] = _erase_reports(session, report_ids)
    counts["outbox"] = _erase_outbox(session, person, message_ids, pseudonym)
    counts["parts"] = _erase_keyed(session, parts, parts.c.sender.in_(person.phones), person, pseudonym)
    counts["inbox"] = _erase_inbox(session, person, message_ids, pseudonym, now)
    counts["dialogues"] = session.execute(delete(dialogues).where(dialogues.c.sender.in_(person.phones))).rowcount
    counts["registrations"] = _erase_registrations(session, person, pseudonym, now)
    counts["reporters"] = _erase_reporter(session, person, pseudonym)
    hers = or_(klikkb_midwives.c.reporter_id.in_(person.reporter_ids), klikkb_midwives.c.phone.in_(person.phones))
    nobody = {"name": pseudonym, "phone": None}
    counts["klikkb_midwives"] = session.execute(update(klikkb_midwives).where(hers).values(nobody)).rowcount
    staff = update(users).where(users.c.phone.in_(person.phones)).values(phone=None)
    counts["users"] = session.execute(staff).rowcount
    return counts


def hush(session: Session, person: Person, now: datetime) -> None:
    """Let nothing go out to somebody any more, though what she wrote is still to be read: as if she had sent STOP."""
    _withhold(session, person)
    goes_on = reporters.c.id.in_(person.reporter_ids), reporters.c.stopped_at.is_(None)
    session.execute(update(reporters).where(*goes_on).values(stopped_at=now))
    session.execute(update(users).where(users.c.phone.in_(person.phones)).values(phone=None))
    unread = inbox.c.sender.in_(person.phones), inbox.c.state == InboxState.RECEIVED
    session.execute(update(inbox).where(*unread).values(is_answered=True))


def scrub_reading(reading: Mapping[str, Any]) -> dict[str, Any]:
    """Return a reading without the words that it was read from.

    >>> scrub_reading({"form": "kb", "values": {"aktif": 4}, "repairs": [{"written": "aktiv"}], "remark": "sakit"})
    {'form': 'kb', 'values': {'aktif': 4}, 'repairs': [], 'problems': [], 'remark': ''}
    """
    kept = {name: reading[name] for name in ("form", "period", "facility", "values") if name in reading}
    by_hand = reading.get("by_hand")
    if isinstance(by_hand, Mapping):
        kept["by_hand"] = {name: by_hand[name] for name in ("source", "received_on", "by", "sure") if name in by_hand}
    return kept | {"repairs": [], "problems": [], "remark": ""}


def _reports_of(session: Session, person: Person) -> tuple[int, ...]:
    """Return her reports: what she sent, and what was typed in for her or came of messages from numbers of hers."""
    sent = select(inbox.c.id).where(inbox.c.sender.in_(person.phones))
    hers = or_(reports.c.reporter_id.in_(person.reporter_ids), reports.c.inbox_id.in_(sent))
    return tuple(session.execute(select(reports.c.id).where(hers).order_by(reports.c.id)).scalars())


def _messages_of(session: Session, person: Person) -> tuple[int, ...]:
    """Return the messages from numbers of hers, and from shared ones those that her reports came of."""
    sent = select(reports.c.inbox_id).where(reports.c.reporter_id.in_(person.reporter_ids), reports.c.inbox_id > 0)
    from_shared = inbox.c.sender.in_(person.shared) & inbox.c.id.in_(sent)
    hers = or_(inbox.c.sender.in_(person.phones), from_shared)
    return tuple(session.execute(select(inbox.c.id).where(hers).order_by(inbox.c.id)).scalars())


def _slices(ids: Collection[int]) -> list[list[int]]:
    ordered = sorted(ids)
    return [ordered[at : at + ROWS] for at in range(0, len(ordered), ROWS)]


def _drop_files(session: Session, person: Person, now: datetime) -> int:
    """Drop the files of exports over an area of hers: a workbook cannot be searched, and is made again by a click."""
    mine = select(facilities.c.area).join(reporter_facilities)
    codes = session.execute(mine.where(reporter_facilities.c.reporter_id.in_(person.reporter_ids)).distinct()).scalars()
    around = {""} | {code[:at] for code in codes for at in (2, 5, 8, 13)}
    return forget_areas(session, around, now)


def _erase_questions(session: Session, person: Person, pseudonym: str, now: datetime) -> int:
    hers = or_(questions.c.sender.in_(person.phones), questions.c.reporter_id.in_(person.reporter_ids))
    columns = questions.c.id, questions.c.sender, questions.c.reading, questions.c.state, questions.c.report_id
    rows = session.execute(select(*columns).where(hers)).all()
    for row in rows:
        sender = pseudonym if row.sender in person.phones else row.sender
        words = {"text": "", "reading": scrub_reading(row.reading), "sender": sender}
        session.execute(update(questions).where(questions.c.id == row.id).values(words))
        if row.report_id and row.state in (OPEN, NEXT):  # nobody answers any more: staff decide
            set_state(session, row.report_id, ReportState.FLAGGED, was=ReportState.WAITING)
    waits = questions.c.id.in_([row.id for row in rows]), questions.c.state.in_((OPEN, NEXT))
    session.execute(update(questions).where(*waits).values(state=REPLACED, closed_at=now))
    return len(rows)


def _erase_reports(session: Session, report_ids: Collection[int]) -> int:
    """Drop the words of reports. Their state, figures and flags stay, so that no total changes."""
    for ids in _slices(report_ids):
        rows = session.execute(select(reports.c.id, reports.c.reading).where(reports.c.id.in_(ids))).all()
        for row in rows:
            words = {"text": "", "reading": scrub_reading(row.reading)}
            session.execute(update(reports).where(reports.c.id == row.id).values(words))
    return len(report_ids)


def _erase_outbox(session: Session, person: Person, message_ids: Collection[int], pseudonym: str) -> int:
    """Drop the words of what was sent to her; what has not gone yet goes no more."""
    _withhold(session, person)
    to_her = outbox.c.recipient.in_(person.phones)
    for ids in _slices(message_ids):
        of_hers = outbox.c.inbox_id.in_(ids)
        shared = of_hers, outbox.c.recipient.in_(person.shared), outbox.c.state == OutboxState.QUEUED
        session.execute(update(outbox).where(*shared).values(state=OutboxState.WITHHELD, reason=WithheldReason.STOPPED))
        is_over = outbox.c.state.not_in((OutboxState.QUEUED, OutboxState.SENDING))  # else it would go without words
        session.execute(update(outbox).where(of_hers, is_over).values(text="", fault=None))
    for row in session.execute(select(outbox.c.id, outbox.c.recipient, outbox.c.provider_id).where(to_her)).all():
        key = row.provider_id and hide_in_key(row.provider_id, row.recipient)
        session.execute(update(outbox).where(outbox.c.id == row.id).values(provider_id=key))
    gone = update(outbox).where(to_her).values(recipient=in_place_of_numbers(pseudonym), text="", fault=None)
    return session.execute(gone).rowcount


def _withhold(session: Session, person: Person) -> None:
    queued = update(outbox).where(outbox.c.recipient.in_(person.phones), outbox.c.state == OutboxState.QUEUED)
    session.execute(queued.values(state=OutboxState.WITHHELD, reason=WithheldReason.STOPPED))


def _erase_inbox(session: Session, person: Person, message_ids: Collection[int], pseudonym: str, now: datetime) -> int:
    waiting = (InboxState.HELD, InboxState.DEAD, InboxState.FOR_STAFF, InboxState.RECEIVED)
    for ids in _slices(message_ids):
        mine = inbox.c.id.in_(ids)
        handled = {"state": InboxState.DONE, "handled_at": now, "next_try_at": None}
        session.execute(update(inbox).where(mine, inbox.c.state.in_(waiting)).values(handled))
        session.execute(update(inbox).where(mine).values(text="", raw=None, fault=None, is_answered=True))
        session.execute(update(aliases).where(aliases.c.inbox_id.in_(ids)).values(inbox_id=None))
        hers = inbox.c.sender.in_(person.phones)  # what has come since is a stranger's
        _erase_keyed(session, inbox, and_(mine, hers), person, pseudonym)
    return len(message_ids)


def _erase_keyed(session: Session, table: Table, hers: ColumnElement[bool], person: Person, pseudonym: str) -> int:
    """Put the pseudonym in a sender's place; the key of each message stays, hashed where her number stands in it."""
    rows = session.execute(select(table.c.id, table.c.provider_id, table.c.sender).where(hers)).all()
    for row in rows:
        values = {"sender": pseudonym, "text": "", "provider_id": hide_in_key(row.provider_id, row.sender)}
        session.execute(update(table).where(table.c.id == row.id).values(values))
        if table is inbox and values["provider_id"] != row.provider_id:
            same = reports.c.inbox_id == row.id, reports.c.sent_key == row.provider_id
            session.execute(update(reports).where(*same).values(sent_key=values["provider_id"]))
    return len(rows)


def _erase_registrations(session: Session, person: Person, pseudonym: str, now: datetime) -> int:
    count = 0
    columns: tuple[Column[Any], ...] = (registrations.c.phone, registrations.c.old_phone)
    for column in columns:
        hers = column.in_(person.phones)
        waits = update(registrations).where(hers, registrations.c.state == "waiting")
        session.execute(waits.values(state="refused", decided_at=now))
        gone = update(registrations).where(hers).values({"words": "", "reason": None, column.name: pseudonym})
        count += session.execute(gone).rowcount
    return count


def _erase_reporter(session: Session, person: Person, pseudonym: str) -> int:
    ids = person.reporter_ids
    session.execute(
        delete(reporter_phones).where(
            or_(reporter_phones.c.reporter_id.in_(ids), reporter_phones.c.phone.in_(person.phones))
        )
    )
    nobody = {"name": pseudonym, "is_active": False, "version": reporters.c.version + 1}
    return session.execute(update(reporters).where(reporters.c.id.in_(ids)).values(nobody)).rowcount
