"""Midwives of Klik-KB's directory and reporters of ours: who is whom, who is on one side only, whose report is whose.

A midwife is a reporter by her phone, where that tells, or because staff said so; a likeness alone never makes her one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select

from gateway.store.base import Session, within
from gateway.store.facilities import facilities
from gateway.store.klikkb import BATCH, LISTED, READ, Listed, klikkb_midwives, list_all
from gateway.store.register import page_by_name
from gateway.store.reporters import Months, reporter_facilities, reporter_phones, reporters
from gateway.store.reports import reports
from gateway.store.settled import Selection
from gateway.values import Scope


@dataclass(frozen=True, slots=True)
class Person:
    """A reporter as she is looked for: by her name, and by where her facility lies."""

    id: int
    name: str
    area: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """How directory and roster stand to each other in an area. `shared`: a phone of several, told apart by staff."""

    there: int
    gone: int
    unregistered: int
    unlisted: int


def link(midwives: Iterable[Listed], people: Mapping[str, Sequence[Person]]) -> dict[int, Listed]:
    """Return which midwife each reporter is, by the reporter's id. Pure.

    Whom staff named is who they said. Else a phone tells, if one midwife and one reporter have it; of several, those
    whose names are the same but for marks. Who would be two is nobody.

    Shape: `people` are the reporters of each phone.
    """
    there = [one for one in midwives if one.gone_at is None]
    found = {one.reporter_id: one for one in there if one.reporter_id is not None}
    named = set(found)
    by_phone: dict[str, list[Listed]] = defaultdict(list)
    for one in there:
        if one.reporter_id is None and one.phone:
            by_phone[one.phone].append(one)
    claims: dict[int, set[Listed]] = defaultdict(set)
    for phone, hers in by_phone.items():
        owners = [person for person in people.get(phone, ()) if person.id not in named]
        for midwife, person in _pair(hers, owners):
            claims[person.id].add(midwife)
    return found | {person_id: next(iter(these)) for person_id, these in claims.items() if len(these) == 1}


def _pair(midwives: Sequence[Listed], people: Sequence[Person]) -> list[tuple[Listed, Person]]:
    if len(midwives) == 1 and len(people) == 1:
        return [(midwives[0], people[0])]
    by_name: dict[str, list[Person]] = defaultdict(list)
    names: dict[str, list[Listed]] = defaultdict(list)
    for person in people:
        by_name[_plain(person.name)].append(person)
    for one in midwives:
        names[_plain(one.name)].append(one)
    return [
        (these[0], by_name[name][0])
        for name, these in names.items()
        if len(these) == 1 and len(by_name.get(name, ())) == 1
    ]


def _plain(name: str) -> str:
    return "".join(mark for mark in name.casefold() if mark.isalnum())


def find_links(session: Session, area: str, *, scope: Scope) -> dict[int, Listed]:
    """Return which midwife of an area's directory each reporter is, by the reporter's id; see `link`."""
    there = [one for one in list_all(session, area, scope=scope).values() if one.gone_at is None]
    people: dict[str, list[Person]] = defaultdict(list)
    phones = sorted({one.phone for one in there if one.phone})
    for at in range(0, len(phones), BATCH):
        statement = (
            select(reporter_phones.c.phone, reporters.c.id, reporters.c.name)
            .join(reporters, reporters.c.id == reporter_phones.c.reporter_id)
            .where(reporter_phones.c.phone.in_(phones[at : at + BATCH]), reporters.c.merged_into.is_(None))
        )
        for phone, reporter_id, name in session.execute(statement):
            people[phone].append(Person(reporter_id, name))
    return link(there, people)


def attribute(session: Session, selection: Selection, *, scope: Scope) -> dict[int, Listed]:
    """Return whose the reports of a selection are, by the report's id; whose it cannot be told is left out.

    A report is hers who sent it. What staff typed is hers who sent the revision before it; else hers who alone reports
    for that facility in that month.
    """
    links = find_links(session, selection.area, scope=scope)
    found: dict[int, Listed] = {}
    last = 0
    columns = (reports.c[name] for name in ("id", "facility_id", "period", "revision", "reporter_id"))
    inside = within(facilities.c.area, Scope(selection.area)), within(facilities.c.area, scope)
    chosen = reports.c.period.in_(selection.periods), reports.c.state.in_(sorted(selection.states))
    statement = (
        select(*columns)
        .join(facilities, facilities.c.id == reports.c.facility_id)
        .where(reports.c.form == selection.form, *chosen, *inside)
        .order_by(reports.c.id)
        .limit(READ)
    )
    while True:
        rows = session.execute(statement.where(reports.c.id > last)).all()
        senders = {row.id: row.reporter_id for row in rows}
        senders |= _senders_before(session, selection.form, [row for row in rows if row.reporter_id is None])
        found |= {one: links[sender] for one, sender in senders.items() if sender in links}
        if len(rows) < READ:
            return found
        last = rows[-1].id


def _senders_before(session: Session, form: str, rows: Sequence[Any]) -> dict[int, int | None]:
    """Return who sent what staff's own revisions took the place of, or who alone could have sent it."""
    found: dict[int, int | None] = {}
    for at in range(0, len(rows), BATCH):
        part = rows[at : at + BATCH]
        ids, periods = {row.facility_id for row in part}, {row.period for row in part}
        about = reports.c.form == form, reports.c.facility_id.in_(ids), reports.c.period.in_(periods)
        sent = select(reports.c.facility_id, reports.c.period, reports.c.revision, reports.c.reporter_id)
        statement = sent.where(*about, reports.c.reporter_id.is_not(None)).order_by(reports.c.revision)
        earlier: dict[tuple[int, str], list[tuple[int, int]]] = defaultdict(list)
        for facility_id, period, revision, reporter_id in session.execute(statement):
            earlier[facility_id, period].append((revision, reporter_id))
        alone = _alone(session, ids, periods)
        for row in part:
            before = [who for revision, who in earlier[row.facility_id, row.period] if revision < row.revision]
            found[row.id] = before[-1] if before else alone.get((row.facility_id, row.period))
    return found


def _alone(session: Session, facility_ids: Collection[int], periods: Collection[str]) -> dict[tuple[int, str], int]:
    """Return who alone reports for a facility in a month, by both."""
    columns = (reporter_facilities.c[name] for name in ("facility_id", "reporter_id", "from_period", "until_period"))
    statement = (
        select(*columns)
        .join(reporters, reporters.c.id == reporter_facilities.c.reporter_id)
        .where(reporter_facilities.c.facility_id.in_(facility_ids), reporters.c.is_active)
        .where(reporters.c.merged_into.is_(None))
    )
    found: dict[tuple[int, str], list[int]] = defaultdict(list)
    for facility_id, reporter_id, first, last in session.execute(statement):
        for period in periods:
            if Months(first, last).hold(period):
                found[facility_id, period].append(reporter_id)
    return {place: these[0] for place, these in found.items() if len(these) == 1}


def _has_phone(of: Any) -> ColumnElement[bool]:
    """Return the condition that a reporter of ours has a midwife's phone."""
    theirs = reporter_phones.c.reporter_id == reporters.c.id, reporter_phones.c.phone == of
    return exists().where(*theirs, reporters.c.merged_into.is_(None))


def _is_there(area: str, scope: Scope) -> ColumnElement[bool]:
    inside = within(klikkb_midwives.c.area, Scope(area)), within(klikkb_midwives.c.area, scope)
    return and_(klikkb_midwives.c.gone_at.is_(None), *inside)


_IS_NOBODY = and_(klikkb_midwives.c.reporter_id.is_(None), ~_has_phone(klikkb_midwives.c.phone))


def _unlisted(area: str, scope: Scope) -> Select[Any]:
    """Return the question for reporters of an area who are no midwife of its directory, with her first place."""
    inside = within(facilities.c.area, Scope(area)), within(facilities.c.area, scope)
    pairs = reporter_facilities.c.reporter_id == reporters.c.id, facilities.c.id == reporter_facilities.c.facility_id
    first = select(func.min(facilities.c.area)).where(*pairs, *inside).scalar_subquery()
    by_phone = (
        exists()
        .where(reporter_phones.c.reporter_id == reporters.c.id, reporter_phones.c.phone == klikkb_midwives.c.phone)
        .where(_is_there(area, scope))
    )
    by_staff = exists().where(klikkb_midwives.c.reporter_id == reporters.c.id, _is_there(area, scope))
    active = reporters.c.is_active, reporters.c.merged_into.is_(None)
    return select(reporters.c.id, reporters.c.name, first.label("area")).where(
        *active, exists().where(*pairs, *inside), ~by_phone, ~by_staff
    )


def find_standing(session: Session, area: str, *, scope: Scope) -> Standing:
    """Return how many midwives an area's directory holds, and how many are on one side only."""
    inside = within(klikkb_midwives.c.area, Scope(area)), within(klikkb_midwives.c.area, scope)
    there = _is_there(area, scope)
    counted = select(func.count()).select_from(klikkb_midwives)
    conditions = (there, and_(klikkb_midwives.c.gone_at.is_not(None), *inside), and_(there, _IS_NOBODY))
    questions = [counted.where(one) for one in conditions]
    questions.append(select(func.count()).select_from(_unlisted(area, scope).subquery()))
    return Standing(*(int(session.execute(question).scalar_one()) for question in questions))


def list_midwives(
    session: Session,
    area: str,
    state: str,
    *,
    scope: Scope,
    after: int | None = None,
    before: int | None = None,
    limit: int = 50,
) -> tuple[Listed, ...]:
    """Return midwives of an area's directory by name, from behind or before the one of an id.

    Shape: `state` is `new` for who does not report here yet, `registered` for who does, `gone` for who stands in it no
    more.
    """
    there = _is_there(area, scope)
    inside = within(klikkb_midwives.c.area, Scope(area)), within(klikkb_midwives.c.area, scope)
    conditions: Mapping[str, ColumnElement[bool]] = {
        "new": and_(there, _IS_NOBODY),
        "registered": and_(there, ~_IS_NOBODY),
        "gone": and_(klikkb_midwives.c.gone_at.is_not(None), *inside),
    }
    statement = select(*LISTED).where(conditions.get(state, false()))
    return page_by_name(session, statement, klikkb_midwives, after, before, limit, Listed)


def list_unlisted(
    session: Session,
    area: str,
    *,
    scope: Scope,
    after: int | None = None,
    before: int | None = None,
    limit: int = 50,
) -> tuple[Person, ...]:
    """Return the reporters of an area who stand in no directory of it, by name."""
    return page_by_name(session, _unlisted(area, scope), reporters, after, before, limit, Person)


def list_shared(session: Session, area: str, *, scope: Scope, limit: int = 200) -> tuple[tuple[Listed, Person], ...]:
    """Return midwives and reporters who have one phone, where the phone does not tell who is whom."""
    there = _is_there(area, scope)
    alike = select(klikkb_midwives.c.phone).where(there).group_by(klikkb_midwives.c.phone).having(func.count() > 1)
    shared = select(reporter_phones.c.phone).group_by(reporter_phones.c.phone).having(func.count() > 1)
    phone = klikkb_midwives.c.phone
    statement = (
        select(*LISTED, reporters.c.id.label("its_id"), reporters.c.name.label("its_name"))
        .join(reporter_phones, reporter_phones.c.phone == phone)
        .join(reporters, reporters.c.id == reporter_phones.c.reporter_id)
        .where(there, klikkb_midwives.c.reporter_id.is_(None), reporters.c.merged_into.is_(None))
        .where(or_(phone.in_(alike), phone.in_(shared)))
        .order_by(phone, klikkb_midwives.c.id, reporters.c.id)
        .limit(limit)
    )
    return tuple((Listed(*row[: len(LISTED)]), Person(*row[len(LISTED) :])) for row in session.execute(statement))
