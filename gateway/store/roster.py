"""The roster: reporters as staff see and change them, within an area. A reporter is an area's by her facilities."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, exists, func, insert, or_, select, true, update

from gateway.errors import Raced
from gateway.store.areas import areas
from gateway.store.base import Session, within
from gateway.store.facilities import facilities
from gateway.store.inbox import inbox
from gateway.store.leaves import reporter_leaves
from gateway.store.register import BATCH, page_by_name
from gateway.store.reporters import add_reporter, reporter_facilities, reporter_phones, reporters
from gateway.values import Scope


@dataclass(frozen=True, slots=True)
class Assignment:
    """A facility that a reporter reports for: in which months, None without end; for a leave, as its stand-in."""

    facility_id: int
    code: str
    name: str
    short_name: str
    area: str
    area_name: str
    is_active: bool
    is_responsible: bool
    from_period: str | None
    until_period: str | None
    leave_id: int | None


@dataclass(frozen=True, slots=True)
class KnownReporter:
    """A reporter with her phones and facilities. `version` grows with each change: who saw an older one is told."""

    id: int
    name: str
    language: str
    is_active: bool
    only_channel: str | None
    stopped_at: datetime | None
    merged_into: int | None
    version: int
    phones: tuple[str, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    leave_until: date | None = None

    @property
    def area(self) -> str:
        """The area that she belongs to: her first facility's."""
        return self.assignments[0].area if self.assignments else ""


@dataclass(frozen=True, slots=True)
class WishedReporters:
    """Which reporters somebody wants to see. Empty means any."""

    words: str = ""
    phone: str = ""
    area: str = ""
    facility_id: int | None = None
    state: str = ""  # active, away, stopped, suspended


_OWN = ("id", "name", "language", "is_active", "only_channel", "stopped_at", "merged_into", "version")
_COLUMNS = tuple(reporters.c[name] for name in _OWN)


def list_reporters(
    session: Session,
    *,
    scope: Scope,
    today: date,
    wished: WishedReporters = WishedReporters(),
    after: int | None = None,
    before: int | None = None,
    limit: int = 50,
) -> tuple[KnownReporter, ...]:
    """Return reporters by name, from behind or before the one of an id."""
    statement = select(*_COLUMNS).where(is_of(scope), *_wishes(wished, today))
    found = page_by_name(session, statement, reporters, after, before, limit, KnownReporter)
    return _filled(session, found, today)


def find_reporter(session: Session, reporter_id: int, *, scope: Scope, today: date) -> KnownReporter | None:
    """Return the reporter of an id, or None where she is not there or has no facility in the area."""
    row = session.execute(select(*_COLUMNS).where(reporters.c.id == reporter_id, is_of(scope))).first()
    return _filled(session, (KnownReporter(*row),), today)[0] if row else None


def find_reporters(session: Session, ids: Collection[int], *, scope: Scope, today: date) -> tuple[KnownReporter, ...]:
    """Return those of these reporters who belong to the area."""
    rows = session.execute(select(*_COLUMNS).where(reporters.c.id.in_(ids), is_of(scope)).order_by(reporters.c.id))
    return _filled(session, tuple(KnownReporter(*row) for row in rows), today)


def find_by_phones(
    session: Session, phones: Collection[str], *, scope: Scope, today: date
) -> dict[str, tuple[KnownReporter, ...]]:
    """Return the reporters of these phones who belong to the area, the suspended too, by phone."""
    owners: dict[str, list[int]] = defaultdict(list)
    wanted = sorted(set(phones))
    for at in range(0, len(wanted), BATCH):
        statement = select(reporter_phones).where(reporter_phones.c.phone.in_(wanted[at : at + BATCH]))
        for phone, reporter_id in session.execute(statement):
            owners[phone].append(reporter_id)
    ids = sorted({reporter_id for these in owners.values() for reporter_id in these})
    known: dict[int, KnownReporter] = {}
    for at in range(0, len(ids), BATCH):
        found = find_reporters(session, ids[at : at + BATCH], scope=scope, today=today)
        known |= {one.id: one for one in found if one.merged_into is None}
    return {phone: tuple(known[one] for one in these if one in known) for phone, these in owners.items()}


def taken_phones(session: Session, phones: Collection[str], *, scope: Scope) -> set[str]:
    """Return those of these phones that somebody outside the area reports from."""
    found: set[str] = set()
    wanted = sorted(set(phones))
    for at in range(0, len(wanted) if scope.area else 0, BATCH):
        elsewhere = reporter_phones.c.phone.in_(wanted[at : at + BATCH]), ~is_of(scope)
        statement = select(reporter_phones.c.phone).join(reporters).where(*elsewhere, reporters.c.merged_into.is_(None))
        found |= set(session.execute(statement).scalars())
    return found


def stream_reporters(session: Session, *, scope: Scope, today: date) -> Iterator[KnownReporter]:
    """Yield every reporter of the area who is nobody's double, in the order of adding, a few at a time."""
    last = 0
    while True:
        behind = reporters.c.id > last, reporters.c.merged_into.is_(None), is_of(scope)
        rows = session.execute(select(*_COLUMNS).where(*behind).order_by(reporters.c.id).limit(BATCH)).all()
        yield from _filled(session, tuple(KnownReporter(*row) for row in rows), today)
        if len(rows) < BATCH:
            return
        last = rows[-1].id


def find_last_message(session: Session, reporter: KnownReporter, *, scope: Scope) -> tuple[int, datetime] | None:
    """Return the id of the last message from her phones and when it came; None where there is none to be seen."""
    if not reporter.phones or not any(scope.covers(one.area) for one in reporter.assignments):
        return None
    sent = select(inbox.c.id, inbox.c.received_at).where(inbox.c.sender.in_(reporter.phones))
    row = session.execute(sent.order_by(inbox.c.id.desc()).limit(1)).first()
    return (row.id, row.received_at) if row else None


def enlist(
    session: Session, name: str, phones: Sequence[str], facility_ids: Sequence[int], language: str, *, scope: Scope
) -> int | None:
    """Add a reporter for facilities of the area and return her id; None where one of them lies elsewhere."""
    if not facility_ids or not _all_within(session, facility_ids, scope):
        return None
    return add_reporter(session, name, phones, facility_ids, language=language)


def change_reporter(
    session: Session, reporter_id: int, values: Mapping[str, Any], *, scope: Scope, version: int, month: str
) -> bool:
    """Change a reporter who belongs to the area in this month; False where somebody else changed her first.

    With no values it only takes the turn: what else is changed of hers in this transaction belongs to it.
    """
    seen = reporters.c.id == reporter_id, reporters.c.version == version, reporters.c.merged_into.is_(None)
    statement = update(reporters).where(*seen, is_of(scope, month))
    return bool(session.execute(statement.values(dict(values) | {"version": version + 1})).rowcount)


def set_phones(session: Session, reporter_id: int, phones: Sequence[str], *, scope: Scope) -> bool:
    """Let a reporter of the area report from these phones and no others."""
    if not _may_touch(session, reporter_id, scope):
        return False
    session.execute(delete(reporter_phones).where(reporter_phones.c.reporter_id == reporter_id))
    session.execute(insert(reporter_phones), [{"phone": phone, "reporter_id": reporter_id} for phone in phones])
    return True


def assign(
    session: Session,
    reporter_id: int,
    facility_id: int,
    *,
    scope: Scope,
    is_responsible: bool = True,
    from_period: str | None = None,
    until_period: str | None = None,
    leave_id: int | None = None,
) -> bool:
    """Let a reporter report for a facility of the area; False where it lies elsewhere. What was agreed is renewed."""
    if not _all_within(session, [facility_id], scope):
        return False
    terms = {"is_responsible": is_responsible, "from_period": from_period, "until_period": until_period}
    pair = reporter_facilities.c.reporter_id == reporter_id, reporter_facilities.c.facility_id == facility_id
    if leave_id is not None and session.execute(select(reporter_facilities.c.facility_id).where(*pair)).first():
        return True  # she reports for it anyway
    terms_of_leave = terms | {"leave_id": leave_id}
    if not session.execute(update(reporter_facilities).where(*pair).values(terms_of_leave)).rowcount:
        row = {"reporter_id": reporter_id, "facility_id": facility_id} | terms_of_leave
        session.execute(insert(reporter_facilities), row)
    return True


def end_assignment(
    session: Session, reporter_id: int, facility_id: int, *, scope: Scope, until_period: str | None
) -> bool:
    """Let a reporter report for a facility of the area until a month, or never have done so with None."""
    if not _all_within(session, [facility_id], scope):
        return False
    pair = reporter_facilities.c.reporter_id == reporter_id, reporter_facilities.c.facility_id == facility_id
    if until_period is None:
        return bool(session.execute(delete(reporter_facilities).where(*pair)).rowcount)
    return bool(session.execute(update(reporter_facilities).where(*pair).values(until_period=until_period)).rowcount)


def _all_within(session: Session, facility_ids: Collection[int], scope: Scope) -> bool:
    inside = facilities.c.id.in_(facility_ids), within(facilities.c.area, scope)
    found = session.execute(select(func.count()).select_from(facilities).where(*inside)).scalar_one()
    return bool(found == len(set(facility_ids)))


def _may_touch(session: Session, reporter_id: int, scope: Scope) -> bool:
    return bool(session.execute(select(reporters.c.id).where(reporters.c.id == reporter_id, is_of(scope))).first())


def is_of(scope: Scope, month: str = "") -> ColumnElement[bool]:
    """Return the condition that a reporter belongs to an area: she has a facility there, in this month still.

    A stand-in of somebody's there belongs to it only to be seen.
    """
    if not scope.area:
        return true()
    hers = (reporter_facilities.c.reporter_id == reporters.c.id) & (
        reporter_facilities.c.facility_id == facilities.c.id
    )
    found = exists().where(hers, within(facilities.c.area, scope))
    if not month:
        return found
    until = reporter_facilities.c.until_period
    return found.where(reporter_facilities.c.leave_id.is_(None), or_(until.is_(None), until >= month))


def _wishes(wished: WishedReporters, today: date) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [
        func.lower(reporters.c.name).contains(word, autoescape=True) for word in wished.words.lower().split()[:6]
    ]
    if wished.area:
        found.append(is_of(Scope(wished.area)))
    if wished.phone:
        found.append(reporters.c.id.in_(_owners().where(reporter_phones.c.phone == wished.phone)))
    if wished.facility_id is not None:
        those = select(reporter_facilities.c.reporter_id)
        found.append(reporters.c.id.in_(those.where(reporter_facilities.c.facility_id == wished.facility_id)))
    away = select(reporter_leaves.c.reporter_id).where(
        reporter_leaves.c.from_on <= today, reporter_leaves.c.until_on >= today
    )
    states: Mapping[str, ColumnElement[bool]] = {
        "active": reporters.c.is_active,
        "suspended": ~reporters.c.is_active & reporters.c.merged_into.is_(None),
        "stopped": reporters.c.stopped_at.is_not(None) & reporters.c.is_active,
        "away": reporters.c.id.in_(away),
    }
    if wished.state in states:
        found.append(states[wished.state])
    return found


def _owners() -> Select[Any]:
    return select(reporter_phones.c.reporter_id)


def _filled(session: Session, found: Sequence[KnownReporter], today: date) -> tuple[KnownReporter, ...]:
    """Return reporters with their phones, facilities and leave, asked for in three questions for all of them."""
    ids = [one.id for one in found]
    if not ids:
        return ()
    phones: dict[int, list[str]] = defaultdict(list)
    for phone, reporter_id in session.execute(
        select(reporter_phones).where(reporter_phones.c.reporter_id.in_(ids)).order_by(reporter_phones.c.phone)
    ):
        phones[reporter_id].append(phone)
    places: dict[int, list[Assignment]] = defaultdict(list)
    for reporter_id, *place in session.execute(_ASSIGNMENTS.where(reporter_facilities.c.reporter_id.in_(ids))):
        places[reporter_id].append(Assignment(*place))
    running = reporter_leaves.c.from_on <= today, reporter_leaves.c.until_on >= today
    away = select(reporter_leaves.c.reporter_id, func.max(reporter_leaves.c.until_on))
    away = away.where(reporter_leaves.c.reporter_id.in_(ids), *running).group_by(reporter_leaves.c.reporter_id)
    until = {row[0]: row[1] for row in session.execute(away)}
    return tuple(
        KnownReporter(
            **{name: getattr(one, name) for name in _OWN},
            phones=tuple(phones[one.id]),
            assignments=tuple(places[one.id]),
            leave_until=until.get(one.id),
        )
        for one in found
    )


_ASSIGNMENTS = (
    select(
        reporter_facilities.c.reporter_id,
        facilities.c.id,
        facilities.c.code,
        facilities.c.name,
        facilities.c.short_name,
        facilities.c.area,
        areas.c.name.label("area_name"),
        facilities.c.is_active,
        reporter_facilities.c.is_responsible,
        reporter_facilities.c.from_period,
        reporter_facilities.c.until_period,
        reporter_facilities.c.leave_id,
    )
    .join(facilities, facilities.c.id == reporter_facilities.c.facility_id)
    .join(areas, areas.c.code == facilities.c.area)
    .order_by(
        reporter_facilities.c.leave_id.is_not(None),
        reporter_facilities.c.until_period.is_not(None),
        reporter_facilities.c.is_responsible.desc(),
        facilities.c.id,
    )
)


def enlist_all(session: Session, new: Sequence[Mapping[str, Any]], *, scope: Scope) -> None:
    """Add reporters for facilities of the area, many at a time.

    Shape: name, language, `phones`, and `facilities` by their ids. Errors: ValueError for a facility elsewhere.
    """
    for at in range(0, len(new), BATCH):
        part = new[at : at + BATCH]
        _demand_within(session, part, scope)
        rows = [{"name": one["name"], "language": one["language"], "is_active": True} for one in part]
        statement = insert(reporters).returning(reporters.c.id, sort_by_parameter_order=True)
        ids = session.execute(statement, rows).scalars().all()
        _add_pairs(session, [(reporter_id, one) for reporter_id, one in zip(ids, part, strict=True)], {})


def change_all(session: Session, changes: Sequence[tuple[int, int, Mapping[str, Any]]], *, scope: Scope) -> None:
    """Change reporters of the area, many at a time: their names and languages; what phones and facilities are new.

    Shape: id, version seen, values. Errors: Raced where one was changed meanwhile; ValueError for a facility elsewhere.
    """
    for at in range(0, len(changes), BATCH):
        part = changes[at : at + BATCH]
        _demand_within(session, [values for _, _, values in part], scope)
        for reporter_id, version, values in part:
            seen = reporters.c.id == reporter_id, reporters.c.version == version, is_of(scope)
            own = {name: values[name] for name in ("name", "language") if name in values} | {"version": version + 1}
            if session.execute(update(reporters).where(*seen).values(own)).rowcount != 1:
                raise Raced("a reporter was changed meanwhile")
        known = {one.id: one for one in find_reporters(session, [row[0] for row in part], scope=scope, today=date.min)}
        _add_pairs(session, [(reporter_id, values) for reporter_id, _, values in part], known)


def _add_pairs(
    session: Session, found: Sequence[tuple[int, Mapping[str, Any]]], known: Mapping[int, KnownReporter]
) -> None:
    """Add the phones and the facilities that reporters do not have yet; an assignment that had ended runs again."""
    phones, places, again = [], [], []
    for reporter_id, values in found:
        person = known.get(reporter_id)
        hers = set(person.phones) if person else set()
        there = {one.facility_id: one for one in person.assignments} if person else {}
        phones += [{"phone": one, "reporter_id": reporter_id} for one in values.get("phones", ()) if one not in hers]
        for facility_id in values.get("facilities", ()):
            pair = {"reporter_id": reporter_id, "facility_id": facility_id}
            if facility_id not in there:
                places.append(pair | {"is_responsible": True})
            elif there[facility_id].until_period or there[facility_id].leave_id:
                again.append(pair)
    if phones:
        session.execute(insert(reporter_phones), phones)
    if places:
        session.execute(insert(reporter_facilities), places)
    for pair in again:
        same = (reporter_facilities.c[name] == value for name, value in pair.items())
        session.execute(update(reporter_facilities).where(*same).values(until_period=None, leave_id=None))


def _demand_within(session: Session, rows: Sequence[Mapping[str, Any]], scope: Scope) -> None:
    ids = {facility_id for row in rows for facility_id in row.get("facilities", ())}
    if ids and not _all_within(session, ids, scope):
        raise ValueError("a facility lies outside the area")
