"""A settled report as what goes to an org unit for a month; what has no place there is listed, never dropped. Pure."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from typing import Any

from gateway.export.dhis2.reasons import Reason
from gateway.mapping import Cell, Mapping
from gateway.settling import Choices
from gateway.store.settled import Place


@dataclass(frozen=True, slots=True)
class Target:
    """Where a facility's month goes. `period` is a month as we write it, such as 2025-09."""

    data_set: str
    org_unit: str
    period: str

    @property
    def their_period(self) -> str:
        """Return the month as a DHIS2 writes it."""
        return self.period.replace("-", "")


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is sent in one request: values to be there, and those to be there no more, with their last value."""

    target: Target
    values: MappingOf[Cell, str]
    gone: MappingOf[Cell, str]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Return the cells in the order in which they are sent: what an answer counts by."""
        return (*self.values, *self.gone)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a report comes to. `keys` tells which of our figures are in a cell; `faults` says why it may not be sent.

    Shape: `faults` maps a reason to the keys (or other codes) at fault.
    """

    org_unit: str
    values: MappingOf[Cell, str]
    keys: MappingOf[Cell, tuple[str, ...]]
    faults: MappingOf[Reason, tuple[str, ...]]


def find_org_unit(mapping: Mapping, place: Place) -> str:
    """Return the org unit that a facility's figures go to, or nothing."""
    if place.code in mapping.org_units:
        return mapping.org_units[place.code]
    own = {"code": place.code, "kemenkes_code": place.kemenkes_code, "dhis2_uid": place.dhis2_uid}
    return own.get(mapping.org_unit_by) or ""


def fold(values: MappingOf[str, int], mapping: Mapping, choices: Choices) -> dict[str, int]:
    """Return the values with `suntik` and `implan` put where their area said, unless the mapping has a cell for it."""
    folded: dict[str, int] = defaultdict(int)
    homes = {"suntik": choices.injectable_as, "implan": choices.implant_as}
    for key, number in values.items():
        measure, _, item = key.partition(".")
        home = homes.get(item, "")
        is_placed = key in mapping.cells or key in mapping.left_out
        folded[f"{measure}.{home}" if home and not is_placed else key] += number
    return dict(folded)


def draft(values: MappingOf[str, int], place: Place, mapping: Mapping, choices: Choices) -> Draft:
    """Return what a report comes to. Zero is a value like any other; what was left out is not there.

    Items that share a cell are added up; a total and its own items in one cell would count twice, and are a fault.
    """
    numbers: dict[Cell, int] = defaultdict(int)
    keys: dict[Cell, list[str]] = defaultdict(list)
    faults: dict[Reason, list[str]] = defaultdict(list)
    for key, number in sorted(fold(values, mapping, choices).items()):
        if key in mapping.cells:
            numbers[mapping.cells[key]] += number
            keys[mapping.cells[key]].append(key)
        elif key not in mapping.left_out:
            faults[Reason.UNMAPPED].append(key)
    for shared in keys.values():
        if len(shared) > 1 and not may_share(shared):
            faults[Reason.SHARED_CELL] += shared
    org_unit = find_org_unit(mapping, place)
    if not org_unit:
        faults[Reason.NO_UNIT].append(place.code)
    if not numbers and not faults:
        faults[Reason.NOTHING] = []
    return Draft(
        org_unit,
        {cell: str(number) for cell, number in numbers.items()},
        {cell: tuple(shared) for cell, shared in keys.items()},
        {reason: tuple(about) for reason, about in faults.items()},
    )


def may_share(keys: list[str]) -> bool:
    """Tell whether figures may be added up: items of one measure, none of them its total."""
    measures = {key.partition(".")[0] for key in keys}
    return len(measures) == 1 and all("." in key for key in keys)


def make_parcel(
    target: Target, values: MappingOf[Cell, str], there: MappingOf[Cell, str | None], *, whole: bool
) -> Parcel:
    """Return what must be sent so that what is there becomes what we have; all of it where `whole`.

    Shape: `there` holds every cell of ours that was ever sent to this org unit and month, with the value that it is
    known to have, or None where nobody knows.
    """
    sent = {cell: value for cell, value in values.items() if whole or there.get(cell) != value}
    gone = {cell: value or "0" for cell, value in there.items() if cell not in values}
    return Parcel(target, sent, gone)


def write_document(parcel: Parcel) -> dict[str, Any]:
    """Return the data value set: every value a string, data set, period and org unit once, and no completeDate."""
    target = parcel.target
    rows = [_write_cell(cell) | {"value": value} for cell, value in parcel.values.items()]
    rows += [_write_cell(cell) | {"value": value, "deleted": True} for cell, value in parcel.gone.items()]
    return {
        "dataSet": target.data_set,
        "period": target.their_period,
        "orgUnit": target.org_unit,
        "dataValues": rows,
    }


def _write_cell(cell: Cell) -> dict[str, Any]:
    named = {
        "dataElement": cell.data_element,
        "categoryOptionCombo": cell.category_option_combo,
        "attributeOptionCombo": cell.attribute_option_combo,
    }
    return {name: code for name, code in named.items() if code}


def write_body(document: object) -> bytes:
    """Return a document as bytes of ASCII only: the newest kind reads JSON in its machine's own character set."""
    return json.dumps(document, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def fingerprint(body: bytes) -> str:
    """Return the SHA-256 of a body."""
    return hashlib.sha256(body).hexdigest()
