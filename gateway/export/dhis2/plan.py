"""What a push would send: facility by facility, what is new, changed or taken back, and what is refused and why."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, replace
from itertools import islice

from gateway.calendar import month_days
from gateway.export.dhis2.payload import Draft, Parcel, Target, draft, find_org_unit, make_parcel
from gateway.export.dhis2.reasons import Reason
from gateway.export.dhis2.telling import say_faults
from gateway.mapping import Cell, Destination, Mapping
from gateway.settling import Choices
from gateway.store import export_choices, pushed, settled
from gateway.store.base import Session
from gateway.store.pushed import YES, Month, Spot
from gateway.store.pushes import NewTurn
from gateway.store.settled import Reach, Selection, Settled
from gateway.values import Scope

PIECE = 200  # facilities that are looked at together


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to send: a month of an area; `is_whole` sends what is there already too."""

    period: str
    area: str
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """A cell that would be sent: what is there as far as we know, and what would be. None is no value."""

    keys: tuple[str, ...]
    cell: Cell
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Planned:
    """A facility's month as it would be sent. `at_fault` says for each reason what of ours cannot be placed.

    `is_needed` is false where what is there is what we have; `changes` are kept of those only that are to be shown.
    """

    facility_id: int
    code: str
    name: str
    report_id: int | None
    org_unit: str
    new: int = 0
    changed: int = 0
    gone: int = 0
    is_needed: bool = True
    faults: MappingOf[Reason, tuple[str, ...]] | None = None
    changes: tuple[Change, ...] = ()

    @property
    def is_sendable(self) -> bool:
        """Tell whether it would be sent."""
        return self.is_needed and not self.faults

    def as_turn(self) -> NewTurn:
        """Return it as a turn of a push."""
        if not self.faults:
            return NewTurn(self.facility_id, self.report_id, self.org_unit)
        refused = Draft(self.org_unit, {}, {}, self.faults)
        reason = next(iter(self.faults)).value
        return NewTurn(self.facility_id, self.report_id, self.org_unit, reason, say_faults(refused))


@dataclass(frozen=True, slots=True)
class Plan:
    """What a push would send. `seal` tells whether it is still what somebody has looked at."""

    reach: Reach
    planned: tuple[Planned, ...]
    seal: str

    @property
    def sendable(self) -> tuple[Planned, ...]:
        """Return what would be sent."""
        return tuple(one for one in self.planned if one.is_sendable)

    @property
    def refused(self) -> tuple[Planned, ...]:
        """Return what cannot be sent."""
        return tuple(one for one in self.planned if one.faults)


def make_plan(
    session: Session,
    destination: Destination,
    mapping: Mapping,
    wish: Wish,
    *,
    scope: Scope,
    shown: tuple[int, int] = (0, 0),
) -> Plan:
    """Return what a push would send; ask within one snapshot.

    Shape: `shown` is from which facility on, and of how many, the changes are told.
    """
    choices = export_choices.choices_around(session, wish.area, scope=scope)
    selection = Selection(mapping.form, (wish.period,), wish.area, choices.settles_at.states)
    planner = _Planner(session, destination, mapping, wish, choices, _count_units(session, mapping, wish, scope))
    found: list[Planned] = []
    seal, sendable = hashlib.sha256(), 0
    for one, changes in planner.plan(settled.stream_settled(session, selection, scope=scope)):
        is_shown = one.is_sendable and shown[0] <= sendable < shown[0] + shown[1]
        sendable += one.is_sendable
        found.append(replace(one, changes=changes) if is_shown else one)
        seal.update(
            f"{one.code}|{one.report_id}|{one.org_unit}|{one.new},{one.changed},{one.gone}|{one.faults}\n".encode()
        )
    found += (one for one, _changes in planner.plan_gone(selection, scope))
    for one in found[-1:]:
        seal.update(f"{len(found)}|{one.code}".encode())
    reach = settled.find_reach(session, selection, scope=scope)[wish.period]
    return Plan(reach, tuple(found), seal.hexdigest())


def _count_units(session: Session, mapping: Mapping, wish: Wish, scope: Scope) -> Counter[str]:
    places = settled.list_places(session, wish.area, month_days(wish.period), scope=scope)
    return Counter(unit for place in places if (unit := find_org_unit(mapping, place)))


@dataclass(frozen=True, slots=True)
class _Planner:
    session: Session
    destination: Destination
    mapping: Mapping
    wish: Wish
    choices: Choices
    units: Counter[str]

    def plan(self, reports: Iterator[Settled]) -> Iterator[tuple[Planned, tuple[Change, ...]]]:
        while piece := list(islice(reports, PIECE)):
            drafts = [draft(one.values, one.place, self.mapping, self.choices) for one in piece]
            spots = [self._spot(one.org_unit) for one in drafts]
            known = pushed.find_cells_of(self.session, spots)
            months = self._months([one.place.id for one in piece])
            for report, drafted, spot in zip(piece, drafts, spots, strict=True):
                mine = months.get(report.place.id, ())
                yield self._plan_one(report, drafted, known.get(spot, {}), spot, mine)

    def plan_gone(self, selection: Selection, scope: Scope) -> Iterator[tuple[Planned, tuple[Change, ...]]]:
        """Yield what is there of facilities whose report is settled no more: it would be taken back."""
        about = self.destination.id, selection.form, self.wish.period, selection.states
        for month, code, name in pushed.months_without_report(self.session, *about, self.wish.area, scope=scope):
            if month.spot.data_set != self.mapping.data_set:
                continue
            count = len(pushed.find_cells(self.session, month.spot))
            yield Planned(month.facility_id, code, name, None, month.spot.org_unit, gone=count), ()

    def _plan_one(
        self, report: Settled, drafted: Draft, known: MappingOf[Cell, str | None], spot: Spot, months: Sequence[Month]
    ) -> tuple[Planned, tuple[Change, ...]]:
        place, faults = report.place, dict(drafted.faults)
        if self.units[drafted.org_unit] > 1:
            faults[Reason.SHARED_UNIT] = (drafted.org_unit,)
        target = Target(self.mapping.data_set, drafted.org_unit, self.wish.period)
        parcel = make_parcel(target, drafted.values, known, whole=self.wish.is_whole)
        changes = tuple(_list_changes(parcel, drafted, known))
        here = [one for one in months if one.spot == spot]
        is_settled_there = len(months) == len(here) == 1 and here[0].complete == YES and here[0].is_equal
        planned = Planned(
            place.id,
            place.code,
            place.name,
            report.report_id,
            drafted.org_unit,
            new=sum(one.before is None and one.after is not None for one in changes),
            changed=sum(one.before is not None and one.after is not None for one in changes),
            gone=sum(one.after is None for one in changes),
            is_needed=bool(parcel.cells) or not is_settled_there,
            faults=faults or None,
        )
        return planned, changes

    def _spot(self, org_unit: str) -> Spot:
        return Spot(self.destination.id, self.mapping.data_set, self.wish.period, org_unit)

    def _months(self, facility_ids: Sequence[int]) -> MappingOf[int, tuple[Month, ...]]:
        return pushed.months_of(self.session, self.destination.id, self.mapping.form, self.wish.period, facility_ids)


def _list_changes(parcel: Parcel, drafted: Draft, known: MappingOf[Cell, str | None]) -> Iterator[Change]:
    for cell, value in parcel.values.items():
        yield Change(drafted.keys[cell], cell, known.get(cell), value)
    for cell in parcel.gone:
        yield Change((), cell, known.get(cell), None)
