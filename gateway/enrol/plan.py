"""Plan an import: what each row of a register file would do, said before anything is done. Pure.

Nothing is ever taken away by an import: an empty cell, a missing column and a missing row change nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from gateway.enrol.checking import (
    Country,
    check_facility,
    find_missing,
    make_short_name,
    read_phone,
    split_cell,
    values_when_switched,
)
from gateway.enrol.faults import Fault, FaultCode
from gateway.enrol.reading_files import Sheet
from gateway.store.register import KnownFacility
from gateway.store.roster import KnownReporter

_FEW_DIGITS = re.compile(r"[0-9]{9}", re.ASCII)
_LANGUAGES: Mapping[str, str] = {
    **dict.fromkeys(("id", "indonesia", "bahasa indonesia", "indonesian"), "id"),
    **dict.fromkeys(("en", "inggris", "bahasa inggris", "english"), "en"),
}


class Act(StrEnum):
    """What becomes of a row."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    WRONG = "wrong"
    GONE = "gone"  # of the directory only: it stood there, and not in this file


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """One row of the file: what becomes of it, and why not.

    Shape: `values` are what will be stored, `before` what stands there now of those that change; `known_id` is whose.
    """

    number: int
    act: Act
    name: str
    key: str
    values: Mapping[str, Any]
    before: Mapping[str, Any]
    known_id: int | None = None
    version: int = 0
    area: str = ""
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """All rows of a file, and a mark that is another one as soon as any of them would do something else."""

    rows: tuple[PlannedRow, ...]
    digest: str

    def of(self, *acts: Act) -> tuple[PlannedRow, ...]:
        """Return the rows of which this becomes."""
        return tuple(row for row in self.rows if row.act in acts)

    def count(self) -> Mapping[Act, int]:
        """Return of how many rows what becomes."""
        counted = Counter(row.act for row in self.rows)
        return {act: counted[act] for act in Act}


def codes_of(sheet: Sheet, fields: Sequence[str], field: str) -> set[str]:
    """Return the facility codes that a file names in a column, as far as they are codes."""
    found: set[str] = set()
    for _, row in rows_of(sheet, fields):
        for part in split_cell(row.get(field, "")):
            plain = "".join(mark for mark in part if mark not in " .-")
            if _FEW_DIGITS.fullmatch(plain):
                found.add(plain)
    return found


def phones_of(sheet: Sheet, fields: Sequence[str], region: str) -> set[str]:
    """Return the phones that a file names, as far as they are phones."""
    found = (
        read_phone(part, "phones", region) for _, row in rows_of(sheet, fields) for part in split_cell(row["phones"])
    )
    return {phone for phone in found if isinstance(phone, str)}


def plan_facilities(
    sheet: Sheet,
    fields: Sequence[str],
    known: Mapping[str, KnownFacility],
    taken: Collection[str],
    country: Country,
    today: date,
) -> Plan:
    """Return what an import of facilities would do.

    Shape: `known` are the facilities of the area by code, `taken` the codes that others have.
    """
    first_rows: dict[str, int] = {}
    planned: list[PlannedRow] = []
    for number, written in rows_of(sheet, fields):
        checked = check_facility(written, country, today)
        values, faults = dict(checked.values), list(checked.faults)
        code = str(values.get("code", ""))
        before = known.get(code)
        if code in first_rows:
            faults.append(Fault(FaultCode.REPEATED, "code", {"row": str(first_rows[code])}))
        elif code in taken:
            faults.append(Fault(FaultCode.CODE_TAKEN, "code", {"code": code}))
        elif code:
            first_rows[code] = number
        wanted = ("code",) if before else ("code", "name", "type", "area")
        faults += find_missing(values, wanted, tuple(faults))
        if not before and not faults:
            values.setdefault("short_name", make_short_name(values["name"]))
        planned.append(_settle_facility(number, written, values, before, tuple(faults), today))
    return as_plan(planned)


def _settle_facility(
    number: int,
    written: Mapping[str, str],
    values: dict[str, Any],
    before: KnownFacility | None,
    faults: tuple[Fault, ...],
    today: date,
) -> PlannedRow:
    name = str(values.get("name") or (before.name if before else "") or written.get("name", ""))[:100]
    code = str(values.get("code", "")) or written.get("code", "")[:40]
    if faults:
        return PlannedRow(number, Act.WRONG, name, code, {}, {}, faults=faults)
    if before is None:
        if not values.get("is_active", True):
            values |= values_when_switched(is_active=False, closed_on=None, today=today)
        return PlannedRow(number, Act.NEW, name, code, values, {}, area=values["area"])
    if values.get("is_active", before.is_active) != before.is_active:
        values |= values_when_switched(is_active=values["is_active"], closed_on=before.closed_on, today=today)
    changed = {field: value for field, value in values.items() if value != getattr(before, field)}
    was = {field: getattr(before, field) for field in changed}
    act = Act.CHANGED if changed else Act.SAME
    return PlannedRow(number, act, name, code, changed, was, before.id, before.version, before.area)


@dataclass(frozen=True, slots=True)
class KnownPeople:
    """Who is known to an import of reporters: by phone, and which facilities they may be given, by code.

    `taken` are the phones of others, outside the area.
    """

    by_phone: Mapping[str, Sequence[KnownReporter]]
    facilities: Mapping[str, KnownFacility]
    taken: Collection[str]
    region: str = "ID"


def plan_reporters(sheet: Sheet, fields: Sequence[str], known: KnownPeople) -> Plan:
    """Return what an import of reporters would do. A row is hers whose phone it names; by name if shared."""
    claimed: dict[int, int] = {}
    new_phones: dict[str, int] = {}
    rows = list(rows_of(sheet, fields))
    names_of_phone = _names_by_phone(rows, known.region)
    planned: list[PlannedRow] = []
    for number, written in rows:
        values, faults = _read_reporter(written, known)
        phones = values.get("phones", ())
        owner = _find_owner(values.get("name", ""), phones, known, names_of_phone)
        if isinstance(owner, Fault):
            faults.append(owner)
            owner = None
        elif owner is not None and owner.id in claimed:
            faults.append(Fault(FaultCode.REPEATED, "phones", {"row": str(claimed[owner.id])}))
        elif owner is None:
            earlier = next((new_phones[phone] for phone in phones if phone in new_phones), None)
            if earlier is not None:
                faults.append(Fault(FaultCode.REPEATED, "phones", {"row": str(earlier)}))
        if any(phone in known.taken for phone in phones):
            faults.append(Fault(FaultCode.PHONE_TAKEN, "phones"))
        if owner is None:
            faults += find_missing(values, ("name", "phones", "facilities"), tuple(faults))
            new_phones |= {phone: number for phone in phones if phone not in new_phones}
        else:
            claimed.setdefault(owner.id, number)
        planned.append(_settle_reporter(number, written, values, owner, tuple(faults), known))
    return as_plan(planned)


def _read_reporter(written: Mapping[str, str], known: KnownPeople) -> tuple[dict[str, Any], list[Fault]]:
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    if name := " ".join(written.get("name", "").split()):
        if len(name) > 100:
            faults.append(Fault(FaultCode.TOO_LONG, "name", {"longest": "100"}))
        else:
            values["name"] = name
    phones = [read_phone(part, "phones", known.region) for part in split_cell(written.get("phones", ""))]
    faults += [phone for phone in phones if isinstance(phone, Fault)]
    values["phones"] = tuple(dict.fromkeys(phone for phone in phones if isinstance(phone, str)))
    codes = ["".join(mark for mark in part if mark not in " .-") for part in split_cell(written.get("facilities", ""))]
    for code in dict.fromkeys(codes):
        facility = known.facilities.get(code)
        if facility is None or facility.merged_into:
            faults.append(Fault(FaultCode.FACILITY_UNKNOWN, "facilities", {"written": code[:40]}))
        elif not facility.is_active:
            faults.append(Fault(FaultCode.FACILITY_CLOSED, "facilities", {"written": f"{facility.name} ({code})"}))
    values["facilities"] = tuple(code for code in dict.fromkeys(codes) if code in known.facilities)
    faults += _find_same_names([known.facilities[code] for code in values["facilities"]], values.get("name", ""))
    if language := written.get("language", "").strip():
        if language.casefold() in _LANGUAGES:
            values["language"] = _LANGUAGES[language.casefold()]
        else:
            faults.append(Fault(FaultCode.LANGUAGE_UNKNOWN, "language", {"written": language[:40]}))
    return values, faults


def _find_same_names(places: Sequence[KnownFacility], name: str) -> list[Fault]:
    counted = Counter(place.short_name.casefold() for place in places)
    is_shared = any(count > 1 for count in counted.values())
    return [Fault(FaultCode.SHORT_NAME_TAKEN, "facilities", {"reporter": name})] if is_shared else []


def _names_by_phone(rows: Sequence[tuple[int, Mapping[str, str]]], region: str) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for _, written in rows:
        for part in split_cell(written.get("phones", "")):
            phone = read_phone(part, "phones", region)
            if isinstance(phone, str):
                found[phone].add(_same(written.get("name", "")))
    return found


def _find_owner(
    name: str, phones: Sequence[str], known: KnownPeople, names_of_phone: Mapping[str, set[str]]
) -> KnownReporter | Fault | None:
    """Return who is meant: by name among those of these phones; else the only one, unless another row names her."""
    found = {one.id: one for phone in phones for one in known.by_phone.get(phone, ())}
    same = [one for one in found.values() if _same(one.name) == _same(name)]
    if len(same) == 1:
        return same[0]
    named = {_same(one.name) for one in found.values()}
    in_file = {other for phone in phones for other in names_of_phone.get(phone, ())}
    if len(found) == 1 and not named & in_file:
        return next(iter(found.values()))  # her name is written differently now
    return Fault(FaultCode.PHONE_SHARED if len(found) > 1 else FaultCode.PHONE_TAKEN, "phones") if found else None


def _settle_reporter(
    number: int,
    written: Mapping[str, str],
    values: Mapping[str, Any],
    owner: KnownReporter | None,
    faults: tuple[Fault, ...],
    known: KnownPeople,
) -> PlannedRow:
    name, key = str(values.get("name", "") or written.get("name", ""))[:100], written.get("phones", "")[:60]
    if faults:
        return PlannedRow(number, Act.WRONG, name, key, {}, {}, faults=faults)
    if owner is None:
        first = known.facilities[values["facilities"][0]]
        return PlannedRow(number, Act.NEW, name, key, {"language": "id"} | dict(values), {}, area=first.area)
    hers = {one.code for one in owner.assignments if one.until_period is None and one.leave_id is None}
    after: dict[str, Any] = {
        "name": values.get("name") or owner.name,
        "language": values.get("language") or owner.language,
        "phones": (*owner.phones, *(one for one in values["phones"] if one not in owner.phones)),
        "facilities": (*sorted(hers), *(code for code in values["facilities"] if code not in hers)),
    }
    was: dict[str, Any] = {
        "name": owner.name,
        "language": owner.language,
        "phones": owner.phones,
        "facilities": tuple(sorted(hers)),
    }
    changed = {field: value for field, value in after.items() if value != was[field]}
    before = {field: was[field] for field in changed}
    act = Act.CHANGED if changed else Act.SAME
    return PlannedRow(number, act, name, key, changed, before, owner.id, owner.version, owner.area)


def rows_of(sheet: Sheet, fields: Sequence[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield each row's number and its cells by field. Several columns may hold phones: they are put together."""
    for number, row in sheet.rows:
        written: dict[str, str] = {}
        for field, cell in zip(fields, row, strict=True):
            if field and cell:
                written[field] = f"{written[field]} / {cell}" if field in written else cell
        written.setdefault("phones", "")
        yield number, written


def _same(name: str) -> str:
    return "".join(mark for mark in name.casefold() if mark.isalnum())


def as_plan(rows: Sequence[PlannedRow]) -> Plan:
    """Return a plan of these rows, with its mark."""
    said = [[row.number, row.act, row.known_id, row.version, _as_json(row.values)] for row in rows]
    written = json.dumps(said, sort_keys=True, default=str).encode()
    return Plan(tuple(rows), hashlib.sha256(written).hexdigest())


def _as_json(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
