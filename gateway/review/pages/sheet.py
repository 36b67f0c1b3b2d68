"""A form as a table of fields: what was typed, last month's number beside it, and what is wrong under its row."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict

from gateway.review import enter
from gateway.review.enter import ALL, Checked
from gateway.review.pages import show
from gateway.review.pages.language import mark, translate
from gateway.review.pages.sayings import say_problem
from parsers.form import Form, Shape
from parsers.judge import Finding

FIELD = "n-"  # before a key, so that no key is mistaken for another field of the page
LONGEST = 40  # characters of a field that are looked at
TOTAL = mark("Total")
_KEY = re.compile(r"[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cell:
    """One field. `last` is the number of the month before, None where it gave none."""

    key: str
    column: str
    value: str
    last: int | None
    is_wrong: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One row of fields, None where the form counts nothing. Shape: `faults` are (key, what is wrong with it)."""

    name: str
    cells: tuple[Cell | None, ...]
    faults: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Doubt:
    """What must be asked before a report is taken: its sign, the words, its field if it has one."""

    sign: str
    words: str
    key: str
    is_ticked: bool


@dataclass(frozen=True, slots=True)
class SheetView:
    """A form laid out. `others` is what is wrong and belongs to no field."""

    corner: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    others: tuple[str, ...]
    doubts: tuple[Doubt, ...]
    has_faults: bool


def read_typed(fields: MultiDict[str, str]) -> dict[str, str]:
    """Return what was typed into a form's fields, by key."""
    return {
        name.removeprefix(FIELD): value.strip()[:LONGEST] for name, value in fields.items() if name.startswith(FIELD)
    }


def as_typed(values: Mapping[str, int]) -> dict[str, str]:
    """Return values as they would be typed."""
    return {key: str(value) for key, value in values.items()}


def lay_out(
    form: Form,
    typed: Mapping[str, str],
    last: Mapping[str, int],
    checked: Checked | None = None,
    ticked: Sequence[str] = (),
) -> SheetView:
    """Return a form's table with what was typed and what was found in it."""
    plan = enter.lay_out(form)
    found = checked.refusals if checked else ()
    places = [(problem, enter.find_keys(problem, form)) for problem in found]
    wrong = {key for _, keys in places for key in keys}
    wrong |= {key for doubt in (checked.unsure if checked else ()) for key in enter.find_keys(doubt, form)}
    said: dict[str, list[tuple[str, str]]] = defaultdict(list)
    others = []
    for problem, keys in places:
        words = say_problem(problem, form)
        if keys:
            said[keys[0]].append((keys[0], words))
        else:
            others.append(words)
    is_item_first = form.shape is Shape.ITEM_FIRST
    name_row = show.name_item if is_item_first else show.name_measure
    rows = []
    for row in plan.rows:
        places_in_row = [plan.keys.get((row, column)) for column in plan.columns]
        cells = tuple(
            Cell(key, name_column(form, column), typed.get(key, ""), last.get(key), key in wrong) if key else None
            for key, column in zip(places_in_row, plan.columns, strict=True)
        )
        faults = tuple(fault for key in places_in_row if key for fault in said.get(key, ()))
        rows.append(Row(name_row(form, row), cells, faults))
    return SheetView(
        corner=translate(mark("Item")) if is_item_first else translate(mark("Measure")),
        columns=tuple(name_column(form, column) for column in plan.columns),
        rows=tuple(rows),
        others=tuple(others),
        doubts=_doubts(form, checked, ticked),
        has_faults=bool(found),
    )


def name_column(form: Form, code: str) -> str:
    """Return what stands over a column: an item, a movement of stock, or the total."""
    if code == ALL:
        return translate(TOTAL)
    return show.name_measure(form, code) if code in form.measures else show.name_item(form, code)


def new_key(given: str = "") -> str:
    """Return the key of a page that is typed on: the one that it brought back, else a new one."""
    return given if _KEY.fullmatch(given) else secrets.token_hex(16)


def sent_key(key: str, values: Mapping[str, int]) -> str:
    """Return what a revision is known by: the same page sent twice is one, unless other numbers were typed."""
    typed = hashlib.blake2b(json.dumps(values, sort_keys=True).encode(), digest_size=6).hexdigest()
    return f"page:{new_key(key)}:{typed}"


def as_kept_all(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return findings as they are kept beside a revision."""
    return [{"code": str(one.code), "about": dict(one.about)} for one in findings]


def name_changes(
    before: Mapping[str, int], after: Mapping[str, int], form: Form | None
) -> tuple[tuple[str, int | None, int | None], ...]:
    """Return what differs between two reports, in words: (name, before, after), None where not given."""
    return tuple((show.name_key(form, key), was, now) for key, was, now in enter.find_changes(before, after, form))


def _doubts(form: Form, checked: Checked | None, ticked: Sequence[str]) -> tuple[Doubt, ...]:
    """Return what must be asked; nothing while something is refused, for it may go with that."""
    if checked is None or checked.refusals:
        return ()
    return tuple(
        Doubt(
            enter.sign(doubt),
            say_problem(doubt, form),
            next(iter(enter.find_keys(doubt, form)), ""),
            enter.sign(doubt) in ticked,
        )
        for doubt in checked.asks
    )
