"""What came of a turn, as it is kept: its cells, its state, and what is to be told first. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.export.dhis2.payload import Draft, Parcel, fingerprint, write_body, write_document
from gateway.export.dhis2.reasons import Reason
from gateway.export.dhis2.reconcile import Line
from gateway.export.dhis2.results import Heard, Trouble
from gateway.mapping import Cell
from gateway.store import pushes


def say_faults(drafted: Draft) -> list[Mapping[str, Any]]:
    """Return a refused draft's faults as lines of a turn."""
    return [
        {"keys": [key], "reason": reason.value, "is_equal": False}
        for reason, keys in drafted.faults.items()
        for key in keys
    ]


def first_trouble(heard: Heard | None, lines: Sequence[Mapping[str, Any]]) -> Trouble | None:
    """Return what is to be told first: what is wrong with all of it, else with a cell, else what was read back."""
    troubles = (*heard.whole, *heard.cells.values()) if heard else ()
    told = [one for one in troubles if one.reason is not Reason.WITH_OTHERS] or list(troubles)
    if told:
        return told[0]
    shown = next((line["reason"] for line in lines if not line["is_equal"]), None)
    return Trouble(Reason(shown)) if shown else None


def name_state(is_delivered: bool, lines: Sequence[Line], parcel: Parcel) -> str:
    """Return delivered, partly, or refused where nothing of what was sent is there."""
    if is_delivered:
        return pushes.DELIVERED
    sent = set(parcel.cells)
    mine = [line for line in lines if line.cell in sent] or lines
    is_any_there = any(line.is_equal and line.reason is None for line in mine)
    return pushes.PARTLY if is_any_there else pushes.REFUSED


def write_lines(
    lines: Sequence[Line], parcel: Parcel, heard: Heard | None, keys: Mapping[Cell, tuple[str, ...]]
) -> list[Mapping[str, Any]]:
    """Return the cells as a turn keeps them; what was answered of a cell goes before what reading it back showed."""
    told = {parcel.cells[at]: trouble for at, trouble in heard.cells.items()} if heard else {}
    return [_write_line(line, told.get(line.cell), keys.get(line.cell, ())) for line in lines]


def _write_line(line: Line, trouble: Trouble | None, keys: tuple[str, ...]) -> Mapping[str, Any]:
    reason = trouble.reason if trouble else line.reason
    return {
        "keys": list(keys),
        "data_element": line.cell.data_element,
        "combo": line.cell.category_option_combo,
        "ours": line.ours,
        "theirs": line.theirs,
        "difference": line.difference,
        "reason": reason.value if reason else None,
        "code": trouble.code if trouble else "",
        "said": trouble.said if trouble else "",
        "is_equal": line.is_equal and trouble is None,
    }


def digest_of(parcel: Parcel) -> str:
    """Return the fingerprint of what is sent."""
    return fingerprint(write_body(write_document(parcel)))
