"""Ask a DHIS2 what it knows of a mapping's codes: its data set, its elements, and only the org units that are ours."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.export.dhis2.knock import Get, read_answer

UNITS_AT_ONCE = 100  # codes in one address, which must not grow too long
MOST_UNITS = 3000  # that are asked for at one press of a button; the rest is told to be unchecked
_SETTINGS = "id,code,periodType,openFuturePeriods,expiryDays"


@dataclass(frozen=True, slots=True)
class Element:
    """A data element of the data set. `combos` are the codes of its category option combos there, None if not told."""

    value_type: str
    keeps_zero: bool
    combos: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Unit:
    """An org unit. `sets` are the UIDs of the data sets that it is assigned to."""

    path: str
    sets: frozenset[str]


@dataclass
class Metadata:
    """What a DHIS2 knows, by the codes of a mapping's scheme. `set_uid` is None where the data set is not there.

    Shape: `elements` are those of the data set; `others` the codes of elements that are there, and not in it; `mine`
    the paths of the org units under which this user may write, None if not told.
    """

    set_uid: str | None = None
    period_type: str = ""
    open_future: int = 0
    expiry_days: int = 0
    attributes: frozenset[str] | None = None
    elements: dict[str, Element] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    units: dict[str, Unit] = field(default_factory=dict)
    rights: frozenset[str] | None = None
    mine: tuple[str, ...] | None = None


def read_metadata(get: Get, data_set: str, scheme: str, elements: Collection[str], units: Sequence[str]) -> Metadata:
    """Return what a DHIS2 knows of these codes. Errors: knock.Unread."""
    found = Metadata()
    named = _named(scheme)
    combo = f"categoryOptionCombos[{named}]"
    inner = f"dataElement[{named},valueType,zeroIsSignificant,categoryCombo[{combo}]],categoryCombo[{combo}]"
    fields = f"{_SETTINGS},categoryCombo[{combo}],dataSetElements[{inner}]"
    one = next(iter(_look_up(get, "dataSets", scheme, [data_set], fields)), None)
    me = read_answer(get, "/api/me", {"fields": "authorities,organisationUnits[path]"})
    found.rights = frozenset(map(str, me["authorities"])) if isinstance(me.get("authorities"), list) else None
    if isinstance(me.get("organisationUnits"), list):
        found.mine = tuple(str(unit.get("path")) for unit in _objects(me["organisationUnits"]) if unit.get("path"))
    if one is None:
        return found
    found.set_uid = str(one.get("id"))
    found.period_type = str(one.get("periodType") or "")
    found.open_future, found.expiry_days = _number(one.get("openFuturePeriods")), _number(one.get("expiryDays"))
    found.attributes = _combos(one.get("categoryCombo"), scheme)
    for member in _objects(one.get("dataSetElements")):
        element = member.get("dataElement")
        if isinstance(element, dict) and (code := _code(element, scheme)):
            combos = _combos(member.get("categoryCombo"), scheme) or _combos(element.get("categoryCombo"), scheme)
            kind, keeps = str(element.get("valueType") or ""), element.get("zeroIsSignificant") is not False
            found.elements[code] = Element(kind, keeps, combos)
    strangers = sorted(set(elements) - set(found.elements))
    found.others = {_code(one, scheme) for one in _look_up(get, "dataElements", scheme, strangers, named)}
    for unit in _look_up(get, "organisationUnits", scheme, units[:MOST_UNITS], f"{named},path,dataSets[id]"):
        sets = frozenset(str(one.get("id")) for one in _objects(unit.get("dataSets")))
        found.units[_code(unit, scheme)] = Unit(str(unit.get("path") or ""), sets)
    return found


def _look_up(get: Get, kind: str, scheme: str, codes: Sequence[str], fields: str) -> list[dict[str, Any]]:
    """Return the objects of a kind that have these codes, asked for a few at a time."""
    by = {"CODE": "code", "UID": "id"}.get(scheme, scheme.removeprefix("attribute:"))
    found = []
    for at in range(0, len(codes), UNITS_AT_ONCE):
        some = codes[at : at + UNITS_AT_ONCE]
        wanted = f"{by}:eq:{some[0]}" if len(some) == 1 else f"{by}:in:[{','.join(some)}]"
        answer = read_answer(get, f"/api/{kind}.json", {"filter": wanted, "fields": fields, "paging": "false"})
        found += _objects(answer.get(kind))
    return found


def _named(scheme: str) -> str:
    """Return the fields that say what an object is called in a scheme."""
    return {"CODE": "id,code", "UID": "id"}.get(scheme, "id,attributeValues[attribute[id],value]")


def _code(one: Mapping[str, Any], scheme: str) -> str:
    if scheme in {"CODE", "UID"}:
        return str(one.get("code" if scheme == "CODE" else "id") or "")
    wanted = scheme.removeprefix("attribute:")
    for value in _objects(one.get("attributeValues")):
        about = value.get("attribute")
        if isinstance(about, dict) and about.get("id") == wanted:
            return str(value.get("value") or "")
    return ""


def _combos(combo: object, scheme: str) -> frozenset[str] | None:
    if not isinstance(combo, dict) or not isinstance(combo.get("categoryOptionCombos"), list):
        return None
    return frozenset(_code(one, scheme) for one in _objects(combo["categoryOptionCombos"]))


def _number(found: object) -> int:
    return int(found) if isinstance(found, int | float) else 0


def _objects(found: object) -> list[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
