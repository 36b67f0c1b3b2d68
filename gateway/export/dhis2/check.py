"""Check a mapping against what its DHIS2 knows, before anything is sent: each fault by name. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from gateway.calendar import month_days, shift
from gateway.export.dhis2.knock import WRITE
from gateway.export.dhis2.metadata import MOST_UNITS, Metadata
from gateway.export.dhis2.payload import find_org_unit
from gateway.mapping import Mapping
from gateway.store.settled import Place

_WHOLE = {"INTEGER", "INTEGER_ZERO_OR_POSITIVE", "NUMBER"}  # value types that take every count, also zero
_DEFAULT = {"default", "HllvX50cXC0"}  # Source: DHIS2, the combo of what has no categories, by code and by UID
MOST_NAMED = 50  # of one kind of fault; how many there are is told too


class Flaw(StrEnum):
    """What a check finds. The page says each in words, with what to do."""

    NO_SET = "no_set"
    NOT_MONTHLY = "not_monthly"
    NO_RIGHT = "no_right"
    NO_ELEMENT = "no_element"
    NOT_IN_SET = "not_in_set"
    NO_COMBO = "no_combo"
    NO_ATTRIBUTE = "no_attribute"
    VALUE_TYPE = "value_type"
    UNMAPPED = "unmapped"
    NO_CODE = "no_code"
    NO_UNIT = "no_unit"
    UNASSIGNED = "unassigned"
    OUTSIDE = "outside"
    CLOSED = "closed"
    NOT_OPEN = "not_open"
    DROPS_ZERO = "drops_zero"
    UNCHECKED = "unchecked"


WARNINGS = frozenset({Flaw.CLOSED, Flaw.NOT_OPEN, Flaw.DROPS_ZERO, Flaw.UNCHECKED, Flaw.UNMAPPED})


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of fault. `named` are the first of what is at fault, of `count`."""

    flaw: Flaw
    named: tuple[str, ...] = ()
    count: int = 0


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found. Shape: `looked_at` says how many cells and how many facilities it went through."""

    findings: tuple[Finding, ...]
    cells: int
    facilities: int
    period: str

    @property
    def is_good(self) -> bool:
        """Tell whether nothing stands in the way of sending."""
        return all(one.flaw in WARNINGS for one in self.findings)


def check(
    mapping: Mapping,
    unmapped: Sequence[str],
    places: Sequence[Place],
    theirs: Metadata,
    period: str,
    today: date,
) -> Checked:
    """Return what stands in the way of sending a month by a mapping; `places` are the facilities it is for."""
    named: dict[Flaw, list[str]] = defaultdict(list)
    if unmapped:
        named[Flaw.UNMAPPED] += unmapped
    if theirs.rights is not None and not theirs.rights & {WRITE, "ALL"}:
        named[Flaw.NO_RIGHT] = []
    if theirs.set_uid is None:
        named[Flaw.NO_SET].append(mapping.data_set)
    else:
        for flaw, about in (
            *_check_set(theirs, period, today),
            *_check_cells(mapping, theirs),
            *_check_units(mapping, places[:MOST_UNITS], theirs),
        ):
            named[flaw].append(about)
    if len(places) > MOST_UNITS:
        named[Flaw.UNCHECKED] += [place.code for place in places[MOST_UNITS:]]
    findings = (Finding(flaw, tuple(all_of[:MOST_NAMED]), len(all_of)) for flaw, all_of in named.items())
    order = list(Flaw)
    return Checked(
        tuple(sorted(findings, key=lambda one: order.index(one.flaw))), len(mapping.cells), len(places), period
    )


def _check_set(theirs: Metadata, period: str, today: date) -> Iterator[tuple[Flaw, str]]:
    if theirs.period_type and theirs.period_type != "Monthly":
        yield Flaw.NOT_MONTHLY, theirs.period_type
    last_day = month_days(period)[1]
    # Source: dhis2-core, getFuturePeriod: with 0 the newest month that is open is the one before the running one.
    if period > shift(f"{today:%Y-%m}", theirs.open_future - 1):
        yield Flaw.NOT_OPEN, period
    if theirs.expiry_days and today > last_day + timedelta(days=theirs.expiry_days):
        yield Flaw.CLOSED, f"{last_day + timedelta(days=theirs.expiry_days):%Y-%m-%d}"


def _check_cells(mapping: Mapping, theirs: Metadata) -> Iterator[tuple[Flaw, str]]:
    told: set[tuple[Flaw, str]] = set()
    for key, cell in mapping.cells.items():
        element = theirs.elements.get(cell.data_element)
        found: list[tuple[Flaw, str]] = []
        if element is None:
            is_elsewhere = cell.data_element in theirs.others
            found.append((Flaw.NOT_IN_SET if is_elsewhere else Flaw.NO_ELEMENT, cell.data_element))
        else:
            if element.value_type not in _WHOLE:
                found.append((Flaw.VALUE_TYPE, f"{cell.data_element} ({element.value_type})"))
            if not element.keeps_zero:
                found.append((Flaw.DROPS_ZERO, cell.data_element))
            if not _has(element.combos, cell.category_option_combo):
                combo = cell.category_option_combo or "default"
                found.append((Flaw.NO_COMBO, f"{key}: {cell.data_element} · {combo}"))
        if not _has(theirs.attributes, cell.attribute_option_combo):
            found.append((Flaw.NO_ATTRIBUTE, cell.attribute_option_combo or "default"))
        yield from (one for one in found if one not in told)
        told.update(found)


def _has(combos: frozenset[str] | None, code: str) -> bool:
    if combos is None:
        return True  # they did not tell
    return code in combos if code else bool(combos & _DEFAULT) or len(combos) == 1


def _check_units(mapping: Mapping, places: Sequence[Place], theirs: Metadata) -> Iterator[tuple[Flaw, str]]:
    for place in places:
        code, named = find_org_unit(mapping, place), f"{place.name} ({place.code})"
        unit = theirs.units.get(code)
        if not code:
            yield Flaw.NO_CODE, named
        elif unit is None:
            yield Flaw.NO_UNIT, f"{named}: {code}"
        elif theirs.set_uid not in unit.sets:
            yield Flaw.UNASSIGNED, f"{named}: {code}"
        elif theirs.mine is not None and not _is_under(unit.path, theirs.mine):
            yield Flaw.OUTSIDE, f"{named}: {code}"


def _is_under(path: str, above: Sequence[str]) -> bool:
    return any(path == one or path.startswith(f"{one}/") for one in above)


def as_json(checked: Checked) -> dict[str, Any]:
    """Return what a check found as it is kept."""
    return asdict(checked) | {"findings": [asdict(one) | {"flaw": one.flaw.value} for one in checked.findings]}


def from_json(kept: MappingOf[str, Any]) -> Checked:
    """Return what a check found, as `as_json` wrote it."""
    findings = tuple(Finding(Flaw(one["flaw"]), tuple(one["named"]), one["count"]) for one in kept["findings"])
    return Checked(findings, kept["cells"], kept["facilities"], kept["period"])
