"""The register: facilities as staff see and change them, within an area."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, func, insert, or_, select, tuple_, update

from gateway.errors import Raced
from gateway.store.areas import Area, areas
from gateway.store.base import Session, within
from gateway.store.facilities import NewFacility, add_facilities, facilities
from gateway.store.reporters import reporter_facilities, reporters
from gateway.values import Scope

BATCH = 500  # rows of one statement: PostgreSQL must be done with it within the time limit of statements


@dataclass(frozen=True, slots=True)
class KnownFacility:
    """A facility with all that is known about it. `version` grows with each change: who saw an older one is told."""

    id: int
    code: str
    name: str
    short_name: str
    type: str
    ownership: str | None
    area: str
    area_name: str
    timezone: str
    kemenkes_code: str | None
    dhis2_uid: str | None
    latitude: float | None
    longitude: float | None
    opened_on: date | None
    closed_on: date | None
    reopened_on: date | None
    is_active: bool
    merged_into: int | None
    version: int


@dataclass(frozen=True, slots=True)
class AreaCount:
    """An area with how many active facilities are in it, and how many closed ones."""

    area: Area
    active: int
    closed: int


@dataclass(frozen=True, slots=True)
class WishedFacilities:
    """Which facilities somebody wants to see: all words must be found in a name or code; empty means any."""

    words: str = ""
    type: str = ""
    area: str = ""
    state: str = ""  # active, closed, or silent: nobody reports for it


_THERE: Mapping[str, ColumnElement[Any]] = {"area_name": areas.c.name.label("area_name"), "timezone": areas.c.timezone}
_COLUMNS = tuple(_THERE[name] if name in _THERE else facilities.c[name] for name in KnownFacility.__slots__)


def _known() -> Select[Any]:
    return select(*_COLUMNS).join(areas, areas.c.code == facilities.c.area)


def list_facilities(
    session: Session,
    *,
    scope: Scope,
    wished: WishedFacilities = WishedFacilities(),
    after: int | None = None,
    before: int | None = None,
    limit: int = 50,
) -> tuple[KnownFacility, ...]:
    """Return facilities by name, from behind or before the one of an id."""
    statement = _known().where(within(facilities.c.area, scope), *_wishes(wished))
    return page_by_name(session, statement, facilities, after, before, limit, KnownFacility)


def page_by_name(
    session: Session, statement: Select[Any], table: Any, after: int | None, before: int | None, limit: int, made: Any
) -> tuple[Any, ...]:
    """Return one page of rows by (name, id), from behind or before the row of an id; rows are `made` of their columns.

    Shape: `table` is facilities or reporters; `made` is called with a row's columns.
    """
    place = (table.c.name, table.c.id)
    edge_id = before if before is not None else after
    if edge_id is not None:
        edge = session.execute(select(*place).where(table.c.id == edge_id)).first()
        if edge is not None:
            beside = tuple_(*place) < tuple(edge) if before is not None else tuple_(*place) > tuple(edge)
            statement = statement.where(beside)
    if before is None:
        rows: Sequence[Row[Any]] = session.execute(statement.order_by(*place).limit(limit)).all()
        return tuple(made(*row) for row in rows)
    rows = session.execute(statement.order_by(table.c.name.desc(), table.c.id.desc()).limit(limit)).all()
    return tuple(made(*row) for row in reversed(rows))


def find_facility(session: Session, facility_id: int, *, scope: Scope) -> KnownFacility | None:
    """Return the facility of an id, or None where it is not there or not in the area."""
    statement = _known().where(facilities.c.id == facility_id, within(facilities.c.area, scope))
    row = session.execute(statement).first()
    return KnownFacility(*row) if row else None


def find_facilities(session: Session, ids: Collection[int], *, scope: Scope) -> dict[int, KnownFacility]:
    """Return those of these facilities that lie in the area, by id."""
    statement = _known().where(facilities.c.id.in_(ids), within(facilities.c.area, scope))
    return {row.id: KnownFacility(*row) for row in session.execute(statement)}


def find_by_codes(session: Session, codes: Collection[str], *, scope: Scope) -> dict[str, KnownFacility]:
    """Return those facilities of these register codes that lie in the area, by code."""
    found: dict[str, KnownFacility] = {}
    wanted = sorted(set(codes))
    for at in range(0, len(wanted), BATCH):
        part = facilities.c.code.in_(wanted[at : at + BATCH])
        statement = _known().where(part, within(facilities.c.area, scope))
        found |= {row.code: KnownFacility(*row) for row in session.execute(statement)}
    return found


def taken_codes(session: Session, codes: Collection[str], *, scope: Scope) -> set[str]:
    """Return those of these codes that facilities outside the area have: no other can be given one of them."""
    found: set[str] = set()
    wanted = sorted(set(codes))
    for at in range(0, len(wanted), BATCH):
        part = facilities.c.code.in_(wanted[at : at + BATCH])
        statement = select(facilities.c.code).where(part, ~within(facilities.c.area, scope))
        found |= set(session.execute(statement).scalars()) if scope.area else set()
    return found


def stream_facilities(
    session: Session, *, scope: Scope, wished: WishedFacilities = WishedFacilities()
) -> Iterator[KnownFacility]:
    """Yield every facility of the area by its code, a few at a time."""
    last = ""
    while True:
        found = list_by_code(session, scope=scope, wished=wished, after=last, limit=BATCH)
        yield from found
        if len(found) < BATCH:
            return
        last = found[-1].code


def list_by_code(
    session: Session,
    *,
    scope: Scope,
    wished: WishedFacilities = WishedFacilities(),
    after: str = "",
    limit: int = BATCH,
) -> tuple[KnownFacility, ...]:
    """Return facilities of the area by their code, from behind one on."""
    behind = within(facilities.c.area, scope), facilities.c.code > after, *_wishes(wished)
    rows = session.execute(_known().where(*behind).order_by(facilities.c.code).limit(limit))
    return tuple(KnownFacility(*row) for row in rows)


def suggest_facilities(session: Session, words: str, *, scope: Scope, limit: int = 8) -> tuple[KnownFacility, ...]:
    """Return active facilities that somebody may mean by these words: those in which most of them are found."""
    wanted = [word for word in words.lower().split() if len(word) > 2][:12]
    if not wanted:
        return ()
    found = or_(*(_holds(word) for word in wanted))
    there = within(facilities.c.area, scope), facilities.c.is_active
    rows = session.execute(_known().where(found, *there).order_by(facilities.c.name).limit(200))

    def hits(one: KnownFacility) -> int:
        return sum(word in f"{one.name} {one.short_name} {one.code} {one.area_name}".lower() for word in wanted)

    return tuple(sorted((KnownFacility(*row) for row in rows), key=hits, reverse=True)[:limit])


def add_facility(session: Session, new: NewFacility, *, scope: Scope) -> int | None:
    """Add a facility and return its id; None where its area is not this one. Errors: Raced where its code is taken."""
    if not scope.covers(new.area):
        return None
    row = {name: getattr(new, name) for name in NewFacility.__slots__}
    return int(session.execute(insert(facilities).returning(facilities.c.id), row).scalar_one())


def change_facility(
    session: Session, facility_id: int, values: Mapping[str, Any], *, scope: Scope, version: int
) -> bool:
    """Change a facility of the area; False where somebody else changed it first, or it lies or would lie elsewhere."""
    if "area" in values and not scope.covers(str(values["area"])):
        return False
    seen = facilities.c.id == facility_id, facilities.c.version == version, within(facilities.c.area, scope)
    changed = session.execute(update(facilities).where(*seen).values(dict(values) | {"version": version + 1}))
    return bool(changed.rowcount)


def find_short_name_clash(session: Session, facility_id: int, short_name: str, *, scope: Scope) -> str | None:
    """Return the name of a reporter who has another facility of this short name beside this one, or None.

    She could not tell them apart in a message.
    """
    hers = reporter_facilities.alias("hers")
    statement = (
        select(reporters.c.name)
        .join(reporter_facilities, reporter_facilities.c.reporter_id == reporters.c.id)
        .join(hers, and_(hers.c.reporter_id == reporters.c.id, hers.c.facility_id == facility_id))
        .join(facilities, facilities.c.id == reporter_facilities.c.facility_id)
        .where(facilities.c.id != facility_id, func.lower(facilities.c.short_name) == short_name.lower())
        .where(facilities.c.is_active, within(facilities.c.area, scope))
        .limit(1)
    )
    return session.execute(statement).scalar_one_or_none()


def count_below(session: Session, parent: str | None, *, scope: Scope) -> tuple[AreaCount, ...]:
    """Return the areas directly below one that lie in the scope or around it, with the facilities counted in each."""
    below = areas.c.parent == parent if parent else areas.c.parent.is_(None)
    rows = session.execute(select(areas).where(below).order_by(areas.c.code)).mappings()
    found = [Area(**row) for row in rows if _touches(row["code"], scope)]
    if not found:
        return ()
    start = func.substr(facilities.c.area, 1, len(found[0].code))
    counted = select(start, facilities.c.is_active, func.count()).where(
        start.in_([area.code for area in found]), within(facilities.c.area, scope)
    )
    counts = {(row[0], row[1]): row[2] for row in session.execute(counted.group_by(start, facilities.c.is_active))}
    return tuple(AreaCount(area, counts.get((area.code, True), 0), counts.get((area.code, False), 0)) for area in found)


def _touches(code: str, scope: Scope) -> bool:
    return scope.covers(code) or scope.area.startswith(f"{code}.")


def _wishes(wished: WishedFacilities) -> list[ColumnElement[bool]]:
    found = [_holds(word) for word in wished.words.lower().split()[:6]]
    if wished.type:
        found.append(facilities.c.type == wished.type)
    if wished.area:
        found.append(within(facilities.c.area, Scope(wished.area)))
    if wished.state == "active":
        found.append(facilities.c.is_active)
    elif wished.state == "closed":
        found.append(~facilities.c.is_active)
    elif wished.state == "silent":
        reported = select(reporter_facilities.c.facility_id).join(reporters).where(reporters.c.is_active)
        found += [facilities.c.is_active, facilities.c.id.not_in(reported)]
    return found


def _holds(word: str) -> ColumnElement[bool]:
    """Return the condition that a word is found in what a facility is called."""
    names = (facilities.c.name, facilities.c.short_name, facilities.c.code, facilities.c.kemenkes_code)
    return or_(*(func.lower(name).contains(word, autoescape=True) for name in names))


def add_all(session: Session, new: Sequence[NewFacility], *, scope: Scope) -> None:
    """Add facilities of the area, many at a time. Errors: Raced where a code is taken; ValueError for another area."""
    if any(not scope.covers(one.area) for one in new):
        raise ValueError("a facility lies outside the area")
    for at in range(0, len(new), BATCH):
        add_facilities(session, new[at : at + BATCH])


def change_all(session: Session, changes: Sequence[tuple[int, int, Mapping[str, Any]]], *, scope: Scope) -> None:
    """Change facilities of the area, many at a time. Shape: id, version seen, values.

    Errors: Raced where one was changed meanwhile, or lies elsewhere by now.
    """
    if any(not scope.covers(str(values["area"])) for _, _, values in changes if "area" in values):
        raise ValueError("a facility would lie outside the area")
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for facility_id, version, values in changes:
        row = {"its_id": facility_id, "seen": version, **{f"new_{name}": value for name, value in values.items()}}
        alike.setdefault(tuple(values), []).append(row)
    for names, rows in alike.items():
        seen = facilities.c.id == bindparam("its_id"), facilities.c.version == bindparam("seen")
        values = {name: bindparam(f"new_{name}") for name in names} | {"version": facilities.c.version + 1}
        statement = update(facilities).where(*seen, within(facilities.c.area, scope)).values(values)
        for at in range(0, len(rows), BATCH):
            part = rows[at : at + BATCH]
            if session.execute(statement, part).rowcount != len(part):
                raise Raced("a facility was changed meanwhile")
