"""Batches of contraceptives that staff noted down, for reports by SMS carry no batch numbers and no expiry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Date,
    ForeignKey,
    Index,
    Integer,
    Select,
    String,
    Table,
    UniqueConstraint,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)

from gateway.stock import LEFT
from gateway.store.areas import areas
from gateway.store.base import Session, UtcDateTime, metadata, within
from gateway.store.facilities import facilities
from gateway.values import Scope
from parsers.form import Form

batches = Table(
    "batches",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("facility_id", ForeignKey("facilities.id"), nullable=False),
    Column("item", String(20), nullable=False),
    Column("source", String(10), nullable=False),
    Column("number", String(40), nullable=False),
    Column("expires_on", Date, nullable=True),
    Column("quantity", Integer, nullable=False),
    Column("state", String(10), nullable=False),
    Column("noted_by", String(100), nullable=False),
    Column("noted_at", UtcDateTime, nullable=False),
    Column("version", Integer, nullable=False),
    UniqueConstraint("facility_id", "item", "source", "number", name="uq_batches_number"),
)
Index("ix_batches_expires_on", batches.c.state, batches.c.expires_on)

FACILITIES = 500  # of one statement: PostgreSQL must be done with it within the time limit of statements
MOST = 100  # counting stops there: "99+" is all that a page says
_NEVER = date(9999, 12, 31)  # what nobody knows the expiry of comes last


class Source(StrEnum):
    """Who paid for a batch. Source: the national stock card (R/II/KB)."""

    APBN = "apbn"  # the state's budget
    APBD = "apbd"  # the province's or the regency's
    OWN = "mandiri"  # the facility's own purchase


class BatchState(StrEnum):
    """What became of a batch. Only what is in stock counts."""

    IN_STOCK = "in_stock"
    USED_UP = "used_up"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class NewBatch:
    """A batch as it is noted. Units: `quantity` as the form counts its item; condoms by the dozen."""

    facility_id: int
    item: str
    source: Source
    number: str
    expires_on: date | None
    quantity: int
    state: BatchState = BatchState.IN_STOCK


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch that was noted, and by whom last. `version` grows with each change: who saw an older one is told."""

    id: int
    facility_id: int
    item: str
    source: str
    number: str
    expires_on: date | None
    quantity: int
    state: str
    noted_by: str
    noted_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class ListedBatch:
    """A batch with the facility that holds it."""

    batch: Batch
    facility: str
    area: str
    area_name: str
    timezone: str

    @property
    def id(self) -> int:
        """The batch's id."""
        return self.batch.id


@dataclass(frozen=True, slots=True)
class WishedBatches:
    """Which batches somebody wants to see; empty means any.

    Shape: `expires_from` and `expires_before` are days, the first included, the second not.
    """

    area: str = ""
    facility_id: int | None = None
    item: str = ""
    state: str = ""
    expires_from: date | None = None
    expires_before: date | None = None


_COLUMNS = tuple(batches.c[name] for name in Batch.__slots__)
_IN_STOCK = batches.c.state == BatchState.IN_STOCK


def _listed() -> Select[Any]:
    place = facilities.c.name, facilities.c.area, areas.c.name, areas.c.timezone
    there = select(*_COLUMNS, *place).join(facilities, facilities.c.id == batches.c.facility_id)
    return there.join(areas, areas.c.code == facilities.c.area)


def _as_listed(row: Sequence[Any]) -> ListedBatch:
    return ListedBatch(Batch(*row[: len(_COLUMNS)]), *row[len(_COLUMNS) :])


def list_batches(
    session: Session,
    *,
    scope: Scope,
    wished: WishedBatches = WishedBatches(),
    after: int | None = None,
    before: int | None = None,
    limit: int = 50,
) -> tuple[ListedBatch, ...]:
    """Return batches by their expiry, what nobody knows it of last; from behind or before the one of an id."""
    place = (func.coalesce(batches.c.expires_on, _NEVER), batches.c.id)
    statement = _listed().where(within(facilities.c.area, scope), *_wishes(wished))
    edge_id = before if before is not None else after
    if edge_id is not None:
        edge = select(*place).where(batches.c.id == edge_id).subquery()
        other = tuple_(edge.c[0], edge.c[1])
        statement = statement.join(edge, tuple_(*place) < other if before is not None else tuple_(*place) > other)
    if before is None:
        return tuple(map(_as_listed, session.execute(statement.order_by(*place).limit(limit)).all()))
    rows = session.execute(statement.order_by(*(one.desc() for one in place)).limit(limit)).all()
    return tuple(map(_as_listed, reversed(rows)))


def find_batch(session: Session, batch_id: int, *, scope: Scope) -> ListedBatch | None:
    """Return the batch of an id, or None where it is not there or not in the area."""
    row = session.execute(_listed().where(batches.c.id == batch_id, within(facilities.c.area, scope))).first()
    return _as_listed(row) if row else None


def add_batch(session: Session, new: NewBatch, by: str, now: datetime, *, scope: Scope) -> int | None:
    """Note a batch and return its id; None where its facility is not in the area.

    Errors: Raced where the facility has this number of this item and source already.
    """
    inside = select(facilities.c.id).where(facilities.c.id == new.facility_id, within(facilities.c.area, scope))
    if session.execute(inside).first() is None:
        return None
    row = asdict(new) | {"noted_by": by, "noted_at": now, "version": 0}
    return int(session.execute(insert(batches).returning(batches.c.id), row).scalar_one())


def change_batch(
    session: Session, batch_id: int, values: Mapping[str, Any], by: str, now: datetime, *, scope: Scope, version: int
) -> bool:
    """Change a batch of the area; False where somebody else changed it first, or it lies elsewhere.

    Errors: Raced as with `add_batch`.
    """
    seen = batches.c.id == batch_id, batches.c.version == version, _lies_in(scope)
    changed = dict(values) | {"noted_by": by, "noted_at": now, "version": version + 1}
    return bool(session.execute(update(batches).where(*seen).values(changed)).rowcount)


def remove_batch(session: Session, batch_id: int, *, scope: Scope, version: int) -> bool:
    """Take away a batch that was noted by mistake; False as with `change_batch`."""
    seen = batches.c.id == batch_id, batches.c.version == version, _lies_in(scope)
    return bool(session.execute(delete(batches).where(*seen)).rowcount)


def count_expiring(session: Session, days: tuple[date, date], *, scope: Scope) -> tuple[int, int]:
    """Return how many batches in stock have expired, and how many expire soon: so far only as anybody wants to know.

    Shape: `days` are today, and the day before which expiry is soon.
    """

    def count(first: date | None, last: date) -> int:
        wished = WishedBatches(state=BatchState.IN_STOCK, expires_from=first, expires_before=last)
        found = select(batches.c.id).where(*_wishes(wished), _lies_in(scope)).limit(MOST).subquery()
        return int(session.execute(select(func.count()).select_from(found)).scalar_one())

    today, soon = days
    return count(None, today), count(today, soon)


def batches_within(session: Session, area: str, *, scope: Scope) -> dict[int, tuple[Batch, ...]]:
    """Return every batch in stock of an area's facilities, by facility id; each by item, source, expiry and number."""
    found: dict[int, list[Batch]] = defaultdict(list)
    last = 0
    while True:
        inside = within(facilities.c.area, Scope(area)), within(facilities.c.area, scope)
        holding = select(batches.c.id).where(batches.c.facility_id == facilities.c.id, _IN_STOCK).exists()
        ids = select(facilities.c.id).where(*inside, facilities.c.id > last, holding).order_by(facilities.c.id)
        part = session.execute(ids.limit(FACILITIES)).scalars().all()
        for batch in _in_stock(session, part):
            found[batch.facility_id].append(batch)
        if len(part) < FACILITIES:
            return {facility_id: tuple(these) for facility_id, these in found.items()}
        last = part[-1]


def sum_in_stock(session: Session, facility_ids: Collection[int], *, scope: Scope) -> dict[tuple[int, str], int]:
    """Return what the batches in stock of facilities of the area come to, by facility and item."""
    statement = (
        select(batches.c.facility_id, batches.c.item, func.sum(batches.c.quantity))
        .where(batches.c.facility_id.in_(facility_ids), _IN_STOCK, _lies_in(scope))
        .group_by(batches.c.facility_id, batches.c.item)
    )
    return {(facility_id, item): int(total) for facility_id, item, total in session.execute(statement)}


def tells_stock(form: Form) -> bool:
    """Tell whether a form reports stock at all: where it does not, nothing can expire."""
    return LEFT in form.measures


def expiries_for(session: Session, form: Form, facility_id: int) -> Mapping[str, date]:
    """Return on which day the stock of each item of a facility expires first, as far as a form reports stock at all."""
    return first_expiries(session, [facility_id]).get(facility_id, {}) if tells_stock(form) else {}


def first_expiries(session: Session, facility_ids: Collection[int]) -> Mapping[int, Mapping[str, date]]:
    """Return on which day the stock of each item expires first, by facility."""
    in_stock = _IN_STOCK, batches.c.quantity > 0, batches.c.expires_on.is_not(None)
    statement = (
        select(batches.c.facility_id, batches.c.item, func.min(batches.c.expires_on))
        .where(batches.c.facility_id.in_(facility_ids), *in_stock)
        .group_by(batches.c.facility_id, batches.c.item)
    )
    found: dict[int, dict[str, date]] = defaultdict(dict)
    for facility_id, item, day in session.execute(statement):
        found[facility_id][item] = day
    return found


def give_batches(session: Session, winner_id: int, loser_id: int) -> None:
    """Give the batches of one facility to another; of a batch that both hold, what one has is added to the other's."""
    theirs = session.execute(select(*_COLUMNS).where(batches.c.facility_id == loser_id)).all()
    for one in (Batch(*row) for row in theirs):
        mine = (
            *(batches.c.facility_id == winner_id, batches.c.item == one.item),
            *(batches.c.source == one.source, batches.c.number == one.number),
        )
        same = session.execute(select(*_COLUMNS).where(*mine)).first()
        if same is None:
            session.execute(update(batches).where(batches.c.id == one.id).values(facility_id=winner_id))
            continue
        known = Batch(*same)
        both = [it for it in (known, one) if it.state == BatchState.IN_STOCK] or [known]
        together = {
            "quantity": sum(it.quantity for it in both),
            "state": both[0].state,
            "expires_on": min((it.expires_on for it in both if it.expires_on), default=None),
            "version": known.version + 1,
        }
        session.execute(update(batches).where(batches.c.id == known.id).values(together))
        session.execute(delete(batches).where(batches.c.id == one.id))


def _in_stock(session: Session, facility_ids: Collection[int]) -> list[Batch]:
    order = batches.c.facility_id, batches.c.item, batches.c.source, func.coalesce(batches.c.expires_on, _NEVER)
    statement = select(*_COLUMNS).where(batches.c.facility_id.in_(facility_ids), _IN_STOCK)
    return [Batch(*row) for row in session.execute(statement.order_by(*order, batches.c.number, batches.c.id))]


def _lies_in(scope: Scope) -> ColumnElement[bool]:
    return batches.c.facility_id.in_(select(facilities.c.id).where(within(facilities.c.area, scope)))


def _wishes(wished: WishedBatches) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wished.area:
        found.append(_lies_in(Scope(wished.area)))
    if wished.facility_id is not None:
        found.append(batches.c.facility_id == wished.facility_id)
    if wished.item:
        found.append(batches.c.item == wished.item)
    if wished.state:
        found.append(batches.c.state == wished.state)
    if wished.expires_from:
        found.append(batches.c.expires_on >= wished.expires_from)
    if wished.expires_before:
        found.append(batches.c.expires_on < wished.expires_before)
    return found
