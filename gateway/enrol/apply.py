"""Do what an import was planned to do, all of it or none: a few statements for thousands of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from gateway.enrol.checking import Country
from gateway.enrol.columns import Kind
from gateway.enrol.plan import (
    Act,
    KnownPeople,
    Plan,
    PlannedRow,
    codes_of,
    phones_of,
    plan_facilities,
    plan_reporters,
)
from gateway.enrol.reading_files import Sheet
from gateway.redact import mask_phone
from gateway.store import areas, audit, register, roster, totals
from gateway.store.audit import NewAudit
from gateway.store.base import Session
from gateway.store.facilities import NewFacility
from gateway.values import Scope


def make_plan(
    session: Session, kind: Kind, sheet: Sheet, fields: Sequence[str], *, scope: Scope, today: date, region: str
) -> Plan:
    """Return what an import of a file would do to the registry as it stands now."""
    if kind is Kind.FACILITIES:
        codes = codes_of(sheet, fields, "code")
        found = register.find_by_codes(session, codes, scope=scope)
        known = {code: one for code, one in found.items() if one.merged_into is None}
        taken = register.taken_codes(session, codes, scope=scope) | (found.keys() - known.keys())
        country = Country.of(scope, areas.list_named(session, scope=scope))
        return plan_facilities(sheet, fields, known, taken, country, today)
    phones = phones_of(sheet, fields, region)
    people = KnownPeople(
        roster.find_by_phones(session, phones, scope=scope, today=today),
        register.find_by_codes(session, codes_of(sheet, fields, "facilities"), scope=scope),
        roster.taken_phones(session, phones, scope=scope),
        region,
    )
    return plan_reporters(sheet, fields, people)


def apply_plan(session: Session, kind: Kind, plan: Plan, *, scope: Scope) -> None:
    """Do what was planned, but for the rows that are wrong. Errors: Raced where a row was changed meanwhile."""
    if kind is Kind.FACILITIES:
        register.add_all(session, [NewFacility(**row.values) for row in plan.of(Act.NEW)], scope=scope)
        changes = [(row.known_id or 0, row.version, row.values) for row in plan.of(Act.CHANGED)]
        register.change_all(session, changes, scope=scope)
        moved = [row for row in plan.of(Act.CHANGED) if {"area", "type", "ownership"} & row.values.keys()]
        codes = {row.area for row in moved} | {str(row.values["area"]) for row in moved if "area" in row.values}
        if codes:
            totals.refresh_areas(session, codes)
        return
    codes = {code for row in plan.of(Act.NEW, Act.CHANGED) for code in row.values.get("facilities", ())}
    ids = {code: one.id for code, one in register.find_by_codes(session, codes, scope=scope).items()}
    new = [_with_ids(row, ids) for row in plan.of(Act.NEW)]
    roster.enlist_all(session, new, scope=scope)
    changes = [(row.known_id or 0, row.version, _with_ids(row, ids)) for row in plan.of(Act.CHANGED)]
    roster.change_all(session, changes, scope=scope)


def write_down(
    session: Session,
    kind: Kind,
    plan: Plan,
    details: Mapping[str, Any],
    *,
    by: tuple[int | None, str, str],
    now: datetime,
) -> None:
    """Write down an import and each row that it adds or changes. Shape: `by` is the user's id, name and area."""
    noun = "facility" if kind is Kind.FACILITIES else "reporter"
    user_id, user_name, area = by
    done = [NewAudit(now, user_id, user_name, "import", "file", kind.value, area, details)]
    for row in plan.of(Act.NEW, Act.CHANGED):
        about = {"row": row.number, "before": as_details(row.before), "after": as_details(row.values)}
        subject = str(row.known_id or (row.key if kind is Kind.FACILITIES else row.name))[:100]
        done.append(NewAudit(now, user_id, user_name, f"import_{row.act}", noun, subject, row.area, about))
    for at in range(0, len(done), register.BATCH):
        audit.record_all(session, done[at : at + register.BATCH])


def as_details(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as the audit keeps them: days in words, phones masked."""
    return {name: _as_detail(name, value) for name, value in values.items()}


def _as_detail(name: str, value: Any) -> Any:
    if name == "phones":
        return [mask_phone(phone) for phone in value]
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _with_ids(row: PlannedRow, ids: Mapping[str, int]) -> dict[str, Any]:
    values = dict(row.values)
    if "facilities" in values:
        values["facilities"] = [ids[code] for code in values["facilities"] if code in ids]
    return values
