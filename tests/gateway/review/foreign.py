"""A whole foreign district, planted into every table: whatever of it is seen or changed by strangers is a leak."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import JSON, Column, ColumnElement, Date, DateTime, String, Table, Text, false, insert, or_, select

from gateway.discover import discover
from gateway.handle.reading_json import to_json
from gateway.runtime import Runtime
from gateway.store.base import Session, metadata
from parsers.reading import ReadReport

discover("gateway.store", having=())  # so that the metadata knows every table

ID = 7001  # of every planted row, in every table
STRANGER = 7002  # of the message that came from an unknown number, by the foreign district's own channel
AREA, PLACE = "72.71", "72.71.01"
MARK = "Z!Q"  # in no secret or token that is made at random
PHONE, UNKNOWN = "+6281299887766", "+6281299887755"
CHANNEL = "foreign"
PERIOD = "2025-09"
AT = datetime(2025, 10, 3, 2, 0, tzinfo=UTC)

# What a column must hold for its row to be one that a page would show. All others hold the mark, or nothing.
BY_NAME: Mapping[str, Any] = {
    "area": AREA,
    "channel": CHANNEL,
    "form": "kb",
    "period": PERIOD,
    "language": "id",
    "timezone": "Asia/Makassar",
    "phone": PHONE,
    "sender": PHONE,
    "recipient": PHONE,
    "facility_type": "PMB",
    "measure": "aktif",
    "item": "pil",
    "level": "district",
    "lane": 7,
    "revision": 1,
    "is_active": True,
    "is_responsible": True,
}
BY_COLUMN: Mapping[str, Any] = {
    "erasures.ended_at": AT,
    "areas.code": PLACE,
    "areas.parent": AREA,
    "agreements.partner": "klikkb",
    "agreements.measures": {"kb": ["aktif"]},
    "aliases.kind": "item",
    "aliases.code": "pil",
    "aliases.state": "proposed",
    "broadcasts.state": "draft",
    "broadcasts.audience": {},
    "broadcasts.texts": {"id": MARK},
    "channels.name": CHANNEL,
    "closings.closed_by": MARK,
    "decisions.action": "approve",
    "decisions.state_before": "flagged",
    "decisions.state_after": "approved",
    "decisions.changes": {},
    "decisions.batch": "foreign",
    "destinations.auth": "token",
    "destinations.secret_end": "9999",
    "destinations.tried": {"outcome": "good", "version": MARK, "user": MARK, "units": [MARK]},
    "exports.ref": "foreign",
    "exports.format": "csv_machine",
    "exports.period_from": PERIOD,
    "exports.period_to": PERIOD,
    "exports.state": "done",
    "exports.about": {"said": [], "settles_at": "accepted"},
    "exports.bytes": 1,
    "exports.reports": 1,
    "exports.file_name": MARK,
    "export_choices.settles_at": "accepted",
    "facilities.type": "PMB",
    "facilities.code": "727199900",
    "facilities.area": PLACE,
    "facilities.short_name": MARK,
    "events.kind": "report.accepted",
    "hook_deliveries.state": "failed",
    "hooks.kinds": ["report.accepted"],
    "hooks.state": "paused",
    "hooks.why": "failing",
    "imports.kind": "facilities",
    "imports.sheet": [[MARK]],
    "imports.columns": {},
    "imports.expires_at": datetime(2035, 1, 1, tzinfo=UTC),
    "inbox.state": "for_staff",
    "klikkb_columns.headings": [MARK],
    "klikkb_columns.fields": ["name"],
    "klikkb_imports.counts": {"new": 1, "changed": 0, "gone": 0, "same": 0, "wrong": 0},
    "ladders.types": [],
    "ladders.rungs": [
        {"code": "due", "days": 0, "hour": 8, "audience": "responsible", "wording": "remind_due", "is_on": True}
    ],
    "manners.first_hour": 8,
    "manners.last_hour": 20,
    "manners.off_days": "none",
    "mappings.destination_id": ID,
    "mappings.version": 1,
    "mappings.scheme": "CODE",
    "mappings.org_unit_by": "code",
    "mappings.cells": {"aktif.pil": {"data_element": MARK, "category_option_combo": "", "attribute_option_combo": ""}},
    "mappings.org_units": {"727199900": MARK},
    "mappings.left_out": [],
    "mappings.checked": None,
    "month_counts.ownership": "",
    "month_totals.item": "",
    "open_areas.measures": ["baru", "aktif"],
    "open_areas.sites": [],
    "open_areas.first_period": PERIOD,
    "open_months.tables": {"aktif": {"": {"": 98765}}},
    "open_months.there": {"there": 9, "settled": 9},
    "outbox.kind": "answer",
    "outbox.state": "failed",
    "pauses.from_on": date(2025, 10, 1),
    "pauses.until_on": date(2035, 1, 1),
    "push_turns.state": "delivered",
    "push_turns.lines": [],
    "pushes.state": "done",
    "pushes.about": {"there": 1, "reported": 1, "settled": 1},
    "pushes.is_dry_run": False,
    "pushed_months.complete": "no",
    "questions.state": "open",
    "questions.reading": to_json(ReadReport("kb", PERIOD, {"aktif": 98765})),
    "registrations.phone": UNKNOWN,
    "registrations.state": "waiting",
    "reports.state": "flagged",
    "reports.reading": to_json(ReadReport("kb", PERIOD, {"aktif": 98765})),
    "reports.flags": [],
    "report_values.quantity": 98765,
    "thresholds.name": "cap.pil",
    "users.role": "officer",
    "users.password_hash": None,
    "user_invitations.expires_at": datetime(2035, 1, 1, tzinfo=UTC),
}
LINKS = {
    "import_id",
    "inbox_id",
    "reporter_id",
    "report_id",
    "facility_id",
    "user_id",
    "broadcast_id",
    "proposed_by",
    "reminder_id",
    "export_id",
    "hook_id",
    "event_id",
    *("inbox_id", "reporter_id", "report_id", "facility_id", "user_id", "broadcast_id", "proposed_by", "reminder_id"),
    *("export_id", "token_id"),
    "destination_id",
    "push_id",
    "turn_id",
}
NOT_PLANTED = {"lanes", "ticks", "login_failures", "retention"}  # they belong to nobody


def plant(runtime: Runtime) -> None:
    """Put a foreign row into every table."""
    with runtime.database.session() as session:
        session.execute(
            insert(metadata.tables["areas"]),
            [
                {
                    "code": "72",
                    "parent": None,
                    "level": "province",
                    "name": "Sulawesi Tengah",
                    "timezone": "Asia/Makassar",
                },
                {"code": AREA, "parent": "72", "level": "regency", "name": MARK, "timezone": "Asia/Makassar"},
            ],
        )
        for table in metadata.sorted_tables:
            if table.name not in NOT_PLANTED:
                session.execute(insert(table).values({column.name: _value(column) for column in table.columns}))
        unknown = {column.name: _value(column) for column in metadata.tables["inbox"].columns}
        unknown |= {"id": STRANGER, "provider_id": "stranger", "sender": UNKNOWN, "text": f"{MARK} siapa ini"}
        session.execute(insert(metadata.tables["inbox"]).values(unknown))
        session.commit()


def _value(column: Column[Any]) -> Any:
    where = f"{column.table.name}.{column.name}"
    if where in BY_COLUMN:
        return BY_COLUMN[where]
    if column.name in BY_NAME:
        return BY_NAME[column.name]
    if column.name in LINKS or (column.primary_key and column.type.python_type is int):
        return ID
    if column.name == "text":
        return f"KB 0925 {MARK} AKTIF 98765"
    if column.nullable:
        return None
    if isinstance(column.type, JSON):
        return {MARK: MARK}
    if isinstance(column.type, Date):
        return date(2025, 10, 1)
    if isinstance(column.type, DateTime) or column.type.python_type is datetime:
        return AT
    if isinstance(column.type, String | Text):
        return f"{MARK}{column.table.name}"[: column.type.length or 40]
    return column.type.python_type(1)


def remember(session: Session) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of the foreign district, by table."""
    return {
        table.name: sorted((tuple(row) for row in session.execute(select(table).where(_is_foreign(table)))), key=repr)
        for table in metadata.sorted_tables
        if table.name not in NOT_PLANTED
    }


def _is_foreign(table: Table) -> ColumnElement[bool]:
    found = [table.c[name] == ID for name in (*LINKS, "id") if name in table.c]
    found += [table.c.id == STRANGER] if table.name == "inbox" else []
    found += [table.c.area.startswith(AREA)] if "area" in table.c else []
    found += [table.c.code.startswith(AREA)] if table.name == "areas" else []
    # a user's own number is what they type about themself
    found += [table.c.phone.in_([PHONE, UNKNOWN])] if "phone" in table.c and table.name != "users" else []
    found += [table.c.name == CHANNEL] if table.name == "channels" else []
    found += [table.c.reporter_id == ID] if "reporter_id" in table.c else []
    return or_(false(), *found, *([table.c.first_id == ID] if "first_id" in table.c else []))


def find_leak(body: str) -> str:
    """Return what stands in a page of the foreign district, or an empty string."""
    if MARK in body:
        at = body.index(MARK)
        return re.sub(r"\s+", " ", body[max(0, at - 120) : at + 80])
    words = re.sub(r'(href|src|value|action)="[^"]*"', "", body)
    digits = re.sub(r"[ ().\-]", "", re.sub(r"<[^>]*>", " ", words).replace("\n", ";"))
    return next((number for number in ("81299887766", "81299887755", "98765") if number in digits), "")
