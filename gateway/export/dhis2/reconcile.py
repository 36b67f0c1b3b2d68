"""What we have beside what is there, cell by cell. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from gateway.export.dhis2.payload import Target
from gateway.export.dhis2.reasons import Reason
from gateway.mapping import Cell

DEFAULTS = frozenset({"", "default", "HllvX50cXC0"})  # Source: dhis2-core, the combo of who has none


@dataclass(frozen=True, slots=True)
class Line:
    """A cell: ours and theirs. None is no value; `reason` says what the difference is, None where there is none."""

    cell: Cell
    ours: str | None
    theirs: str | None
    reason: Reason | None

    @property
    def is_equal(self) -> bool:
        """Tell whether what is there is what we have; a zero that is not kept there is."""
        return self.reason in (None, Reason.ZERO)

    @property
    def difference(self) -> str:
        """Return theirs less ours, `selisih`; nothing where one of them is no number."""
        mine, yours = _number(self.ours or "0"), _number(self.theirs or "0")
        return "" if mine is None or yours is None else f"{(yours - mine).normalize():+f}" if yours != mine else "0"


def read_values(found: Mapping[str, Any], target: Target, cells: Sequence[Cell]) -> dict[Cell, str]:
    """Return the values of our cells that are there, from what `GET /api/dataValueSets` answered.

    Month, org unit and attribute combo may stand at each value or once for all, and deleted values may be listed.
    """
    there: dict[Cell, str] = {}
    for value in found.get("dataValues") or ():
        if not isinstance(value, dict) or value.get("deleted") in (True, "true"):
            continue
        period = str(value.get("period") or found.get("period") or target.their_period).replace("-", "")
        org_unit = value.get("orgUnit") or found.get("orgUnit") or target.org_unit
        if period != target.their_period or org_unit != target.org_unit or value.get("value") in (None, ""):
            continue
        attribute = value.get("attributeOptionCombo") or found.get("attributeOptionCombo")
        cell = Cell(str(value.get("dataElement")), _plain(value.get("categoryOptionCombo")), _plain(attribute))
        there[cell] = str(value["value"])
    return {cell: there[found_at] for cell in cells if (found_at := _find(cell, there, cells)) is not None}


def compare(
    ours: Mapping[Cell, str], gone: Sequence[Cell], theirs: Mapping[Cell, str], *, keeps_zero: bool = False
) -> tuple[Line, ...]:
    """Return every cell that we have or had, with what is there: ours first, then what is to be there no more.

    A zero that is not there is one that they do not keep, unless they are known to keep it, or to have refused.
    """
    lines = [
        Line(cell, mine, theirs.get(cell), _judge(mine, theirs.get(cell), keeps_zero)) for cell, mine in ours.items()
    ]
    late = (cell for cell in gone if cell not in ours)
    return (*lines, *(Line(cell, None, theirs.get(cell), _judge_gone(theirs.get(cell))) for cell in late))


def is_same(mine: str, yours: str) -> bool:
    """Tell whether two values are the same number.

    >>> is_same("12", "12.0"), is_same("12", "1.2"), is_same("12", "twelve")
    (True, False, False)
    """
    if mine == yours:
        return True
    left, right = _number(mine), _number(yours)
    return left is not None and left == right


def _judge(mine: str, theirs: str | None, keeps_zero: bool) -> Reason | None:
    if theirs is None:
        return Reason.ZERO if _number(mine) == 0 and not keeps_zero else Reason.ABSENT
    return None if is_same(mine, theirs) else Reason.DIFFERENT


def _judge_gone(theirs: str | None) -> Reason | None:
    return None if theirs is None else Reason.STAYS


def _find(cell: Cell, there: Mapping[Cell, str], cells: Sequence[Cell]) -> Cell | None:
    """Return where a cell of ours is among theirs: without a combo it is their default, whatever its name is."""
    plain = Cell(cell.data_element, _plain(cell.category_option_combo), _plain(cell.attribute_option_combo))
    if plain in there or plain.category_option_combo:
        return plain if plain in there else None
    claimed = {other.category_option_combo for other in cells if other.data_element == cell.data_element}
    left = [
        one
        for one in there
        if one.data_element == cell.data_element
        and one.attribute_option_combo == plain.attribute_option_combo
        and one.category_option_combo not in claimed
    ]
    return left[0] if len(left) == 1 else None


def _plain(combo: object) -> str:
    return "" if combo is None or combo in DEFAULTS else str(combo)


def _number(written: str) -> Decimal | None:
    try:
        return Decimal(written.strip())
    except InvalidOperation:
        return None
