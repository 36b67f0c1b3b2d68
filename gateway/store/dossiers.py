"""Dossiers: everything that is kept of somebody, as she may ask for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, String, Table, cast, or_, select

from gateway.store.audit import audit
from gateway.store.base import Session, metadata
from gateway.store.erasures import Person
from gateway.store.inbox import inbox
from gateway.store.outbox import outbox
from gateway.store.reminders import reminder_messages
from gateway.store.reports import reports

INNER = {"lane", "lease_token", "lease_until", "is_summed", "version", "next_try_at", "attempts", "refusals", "rounds"}
Row = dict[str, Any]


def collect(session: Session, person: Person) -> dict[str, list[Row]]:
    """Return every row that is somebody's, by table. What only this machine needs is left out.

    Of a number that others report from too, it is only what is hers: her reports, and the messages that these came of.
    """
    found = {name: list(_rows(session, metadata.tables[name], hers)) for name, hers in _hers(person).items()}
    ids = [row["id"] for row in found["reports"]]
    values = metadata.tables["report_values"]
    found["report_values"] = list(_rows(session, values, values.c.report_id.in_(ids)))
    decisions = metadata.tables["decisions"]
    found["decisions"] = list(_rows(session, decisions, decisions.c.report_id.in_(ids)))
    places = metadata.tables["facilities"]
    known = {row["facility_id"] for name in ("reports", "reporter_facilities") for row in found[name]}
    found["facilities"] = list(_rows(session, places, places.c.id.in_(known)))
    sent = [row["id"] for row in found["outbox"]]
    found["reminder_messages"] = list(_rows(session, reminder_messages, reminder_messages.c.outbox_id.in_(sent)))
    found["audit"] = list(_rows(session, audit, _audit_of(session, person, ids)))
    return {name: rows for name, rows in found.items() if rows}


def _hers(person: Person) -> Mapping[str, ColumnElement[bool]]:
    """Return by table which rows are somebody's."""
    tables, ids = metadata.tables, person.reporter_ids
    phones: Sequence[str] = person.phones
    of_reports = select(reports.c.inbox_id).where(reports.c.reporter_id.in_(ids), reports.c.inbox_id > 0)
    messages = or_(inbox.c.sender.in_(phones), inbox.c.id.in_(of_reports))
    sent = select(inbox.c.id).where(messages)
    doors = tables["registrations"].c
    listed = tables["klikkb_midwives"].c
    leaves = tables["reporter_leaves"].c
    own = {name: tables[name].c.reporter_id.in_(ids) for name in ("reporter_phones", "reporter_facilities")}
    return own | {
        "reporters": tables["reporters"].c.id.in_(ids),
        "reporter_leaves": or_(leaves.reporter_id.in_(ids), leaves.stand_in_id.in_(ids)),
        "registrations": or_(doors.phone.in_(phones), doors.old_phone.in_(phones)),
        "klikkb_midwives": or_(listed.reporter_id.in_(ids), listed.phone.in_(phones)),
        "inbox": messages,
        "parts": tables["parts"].c.sender.in_(phones),
        "outbox": or_(outbox.c.recipient.in_(phones), outbox.c.inbox_id.in_(sent)),
        "reports": or_(reports.c.reporter_id.in_(ids), reports.c.inbox_id.in_(sent)),
        "questions": or_(tables["questions"].c.reporter_id.in_(ids), tables["questions"].c.sender.in_(phones)),
        "dialogues": tables["dialogues"].c.sender.in_(phones),
    }


def _audit_of(session: Session, person: Person, report_ids: Sequence[int]) -> ColumnElement[bool]:
    """Return which audited deeds were about somebody: who looked at, changed or took out what is hers."""
    doors = metadata.tables["registrations"].c
    asked = select(cast(doors.id, String)).where(
        or_(doors.phone.in_(person.phones), doors.old_phone.in_(person.phones))
    )
    return or_(
        (audit.c.noun == "reporter") & audit.c.subject.in_([*map(str, person.reporter_ids), *person.names]),
        (audit.c.noun == "report") & audit.c.subject.in_([str(one) for one in report_ids]),
        (audit.c.noun == "registration") & audit.c.subject.in_(asked),
    )


def _rows(session: Session, table: Table, hers: ColumnElement[bool]) -> Iterator[Row]:
    columns = [column for column in table.columns if column.name not in INNER]
    statement = select(*columns).where(hers).order_by(*table.primary_key.columns)
    for row in session.execute(statement).mappings():
        yield {name: value for name, value in row.items() if value is not None}
