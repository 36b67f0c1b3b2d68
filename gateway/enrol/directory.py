"""Plan what a file of Klik-KB's midwives would do to the directory, and do it: who is new, changed, gone.

Nobody comes to report by it, and nobody ceases to: that is the roster's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.enrol.checking import Country, find_missing, read_area, read_code, read_phone, split_cell
from gateway.enrol.columns import Kind, plain, recognise
from gateway.enrol.faults import Fault, FaultCode
from gateway.enrol.plan import Act, Plan, PlannedRow, as_plan, rows_of
from gateway.enrol.reading_files import Limits, Sheet
from gateway.store import areas, klikkb, register
from gateway.store.base import Session
from gateway.store.klikkb import AppliedImport, ChosenColumns, Listed
from gateway.store.register import KnownFacility
from gateway.values import Scope

LIMITS = Limits(bytes=10 << 20, rows=60_000, unpacked=200 << 20, megabytes=1024)  # the nation's 33,014 take a third
FIELDS = ("name", "phone", "area", "facility", "facility_id")  # of a midwife, beside her id
_LONGEST = {"klikkb_id": 40, "name": 100}
_FEW = 10  # who may be gone without being asked about


@dataclass(frozen=True, slots=True)
class KnownDirectory:
    """What a file is held against: who stands in the directory of its area, and the facilities there.

    Shape: `elsewhere` are ids of other areas' directories (see `klikkb.find_elsewhere`), `by_name` the facilities of
    each kecamatan by what they are called; `seen` is the last file that was taken over.
    """

    area: str
    listed: Mapping[str, Listed]
    elsewhere: Mapping[str, Listed | None]
    by_code: Mapping[str, tuple[int, str]]
    by_name: Mapping[tuple[str, str], tuple[int, ...]]
    country: Country
    region: str = "ID"
    seen: int | None = None


def propose_columns(headings: Sequence[str], chosen: ChosenColumns | None) -> tuple[tuple[str, ...], bool]:
    """Return the field of each column, and whether it was chosen for these very headings.

    Of other headings it proposes what was chosen for the same name before, else what the name says. Pure.
    """
    names = tuple(plain(heading) for heading in headings)
    if chosen and names == chosen.headings:
        return chosen.fields, True
    before = dict(zip(chosen.headings, chosen.fields, strict=True)) if chosen else {}
    said = recognise(Kind.DIRECTORY, headings)
    found: list[str] = []
    for name, field in zip(names, said, strict=True):
        wanted = before.get(name, field)
        found.append("" if wanted in found and wanted != "phones" else wanted)
    return tuple(found), False


def keep_needed(sheet: Sheet, fields: Sequence[str]) -> Sheet:
    """Return a file without the cells of the columns that are taken for nothing: what is not needed is not kept."""
    rows = tuple(
        (number, tuple(cell if field else "" for cell, field in zip(row, fields, strict=True)))
        for number, row in sheet.rows
    )
    return Sheet(sheet.columns, rows)


def find_known(
    session: Session, sheet: Sheet, fields: Sequence[str], area: str, *, scope: Scope, region: str
) -> KnownDirectory:
    """Return what a file of an area of the scope is held against."""
    inside = Scope(area) if scope.covers(area) else scope
    ids = {row.get("klikkb_id", "") for _, row in rows_of(sheet, fields)} - {""}
    by_code: dict[str, tuple[int, str]] = {}
    by_name: dict[tuple[str, str], list[int]] = defaultdict(list)
    for one in register.stream_facilities(session, scope=inside):
        if one.merged_into is None:
            by_code[one.code] = (one.id, one.area)
            for name in _names_of(one):
                by_name[one.area, name].append(one.id)
    return KnownDirectory(
        area,
        klikkb.list_all(session, area, scope=scope),
        klikkb.find_elsewhere(session, ids, area, scope=scope),
        by_code,
        {place: tuple(these) for place, these in by_name.items()},
        Country.of(inside, areas.list_named(session, scope=inside)),
        region,
        klikkb.last_import_id(session, scope=Scope("")),
    )


def _names_of(one: KnownFacility) -> set[str]:
    return {plain(one.name), plain(one.short_name)}


def plan_directory(sheet: Sheet, fields: Sequence[str], known: KnownDirectory) -> Plan:
    """Return what a file would do. A row that is wrong changes nothing of hers; she is not gone for that. Pure."""
    first_rows: dict[str, int] = {}
    planned: list[PlannedRow] = []
    for number, written in rows_of(sheet, fields):
        values, faults = _read_midwife(written, known)
        klikkb_id = str(values.get("klikkb_id", ""))
        if klikkb_id in first_rows:
            faults.append(Fault(FaultCode.REPEATED, "klikkb_id", {"row": str(first_rows[klikkb_id])}))
        elif klikkb_id:
            first_rows[klikkb_id] = number
        before = known.listed.get(klikkb_id) or known.elsewhere.get(klikkb_id)
        if before is None and klikkb_id in known.elsewhere:
            faults.append(Fault(FaultCode.ID_ELSEWHERE, "klikkb_id"))
        planned.append(_settle(number, written, values, before, tuple(faults)))
    planned += [
        PlannedRow(0, Act.GONE, one.name, one.klikkb_id, {}, {}, one.id, area=one.area)
        for one in known.listed.values()
        if one.gone_at is None and one.klikkb_id not in first_rows
    ]
    return as_plan(planned)


def is_strange(plan: Plan, known: KnownDirectory) -> bool:
    """Tell whether so many would be gone that it may be the wrong file."""
    there = sum(one.gone_at is None for one in known.listed.values())
    return plan.count()[Act.GONE] > max(_FEW, there // 10)


def _read_midwife(written: Mapping[str, str], known: KnownDirectory) -> tuple[dict[str, Any], list[Fault]]:
    values: dict[str, Any] = {"phone": None, "facility_id": None, "area": known.area}
    faults: list[Fault] = []
    for field, longest in _LONGEST.items():
        text = " ".join(written.get(field, "").split())
        if len(text) > longest:
            faults.append(Fault(FaultCode.TOO_LONG, field, {"longest": str(longest)}))
        values[field] = text[:longest]
    faults += find_missing(values, tuple(_LONGEST), tuple(faults))
    phones = [read_phone(part, "phones", known.region) for part in split_cell(written.get("phones", ""))]
    good = [phone for phone in phones if isinstance(phone, str)]
    if good:
        values["phone"] = good[0]  # one is enough to know her by
    else:
        faults += [phone for phone in phones if isinstance(phone, Fault)][:1]
    code = read_code(written.get("facility_code", ""), "facility_code")
    if isinstance(code, str) and code in known.by_code:
        values["facility_id"], values["area"] = known.by_code[code]
    if area := " ".join(written.get("area", "").split()):
        found = read_area(area, code if isinstance(code, str) else "", known.country)
        if isinstance(found, Fault):
            faults.append(found)
        else:
            values["area"] = found
    name = written.get("facility_name", "")
    called = known.by_name.get((values["area"], plain(name)), ()) if name else ()
    if values["facility_id"] is None and len(called) == 1:
        values["facility_id"] = called[0]
    values["facility"] = (name or written.get("facility_code", ""))[:120]
    return values, faults


def _settle(
    number: int,
    written: Mapping[str, str],
    values: Mapping[str, Any],
    before: Listed | None,
    faults: tuple[Fault, ...],
) -> PlannedRow:
    name, key = str(values["name"]), str(values["klikkb_id"]) or written.get("klikkb_id", "")[:40]
    known_id = before.id if before else None
    if faults:
        return PlannedRow(number, Act.WRONG, name, key, {}, {}, known_id, faults=faults)
    if before is None:
        return PlannedRow(number, Act.NEW, name, key, values, {}, area=values["area"])
    changed = {field: values[field] for field in FIELDS if values[field] != getattr(before, field)}
    was = {field: getattr(before, field) for field in changed}
    if before.gone_at is not None:
        changed, was = changed | {"is_listed": True}, was | {"is_listed": False}
    act = Act.CHANGED if changed else Act.SAME
    return PlannedRow(number, act, name, key, changed, was, before.id, area=values["area"])


def apply_directory(
    session: Session,
    plan: Plan,
    known: KnownDirectory,
    kept: tuple[str, str],
    by: tuple[int | None, str],
    now: datetime,
    *,
    scope: Scope,
) -> AppliedImport:
    """Take a file over as it was planned, but for the rows that are wrong.

    Shape: `kept` is the file's name and digest, `by` the user's id and name. Errors: Raced where another file was taken
    over since the plan was made: nothing was done.
    """
    counts = {act.value: count for act, count in plan.count().items()}
    row = {"area": known.area, "file_name": kept[0], "digest": kept[1], "applied_at": now, "counts": counts}
    row |= {"user_id": by[0], "user_name": by[1]}
    import_id = klikkb.begin_import(session, row, scope=scope, seen=known.seen)
    klikkb.add_all(session, [row.values for row in plan.of(Act.NEW)], import_id, now)
    changes = [
        (row.known_id or 0, {name: value for name, value in row.values.items() if name in FIELDS})
        for row in plan.of(Act.CHANGED)
    ]
    klikkb.change_all(session, changes)
    held = [row.known_id for row in plan.of(Act.CHANGED, Act.SAME, Act.WRONG) if row.known_id is not None]
    klikkb.mark_seen(session, held, import_id, now)
    klikkb.mark_gone(session, [row.known_id or 0 for row in plan.of(Act.GONE)], now)
    return AppliedImport(import_id, known.area, kept[0], kept[1], now, by[0], by[1], counts)
