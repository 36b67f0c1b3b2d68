"""Do a report's values agree with each other? The rules that need neither the facility nor its history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from parsers.form import Check, Form, Rule, Shape
from parsers.problems import ProblemCode


class Fault(NamedTuple):
    """One rule that the values break: the code, the key that it is about, and what the question must name."""

    code: ProblemCode
    key: str
    about: Mapping[str, str | int]


def find_faults(values: Mapping[str, int], form: Form) -> Iterator[Fault]:
    """Find every rule of level H that the values break by themselves."""
    yield from _items_over_total(values, form)
    given = {key.partition(".")[0] for key in values}
    for rule in form.rules:
        if given.isdisjoint(rule.keys):
            continue
        if rule.check is Check.PARTS:
            yield from _parts_over_whole(values, rule, form)
        elif rule.check is Check.EQUATION:
            yield from _equation_failures(values, rule)


def find_missing(values: Mapping[str, int], form: Form) -> Iterator[Fault]:
    """Find the required measures that neither their total nor any item stands for."""
    given = {key.partition(".")[0] for key in values}
    for measure in form.required:
        if measure not in given:
            yield Fault(ProblemCode.MEASURE_MISSING, measure, {"key": measure})


def find_flags(values: Mapping[str, int], form: Form) -> Iterator[Fault]:
    """Find what staff are shown: a full list of items beside another total, an item and its kind both given."""
    if form.shape is not Shape.MEASURE_FIRST:
        return
    for measure in form.measures:
        items = items_of(values, measure)
        wholes = {form.items[item].kind_of or item for item in items}
        due = {item.code for item in form.items.values() if item.in_total and not item.kind_of}
        due &= form.measures[measure].items
        total = values.get(measure)
        added = total_of_items(values, measure, form)
        if total is not None and items and due <= wholes and added < total:
            yield Fault(ProblemCode.SUM_DIFFERS, measure, {"key": measure, "sum": added, "total": total})
        for item in items:
            whole = form.items[item].kind_of
            if whole in items:
                key = f"{measure}.{whole}"
                yield Fault(ProblemCode.KINDS_AND_WHOLE, key, {"key": key, "kind": item})


def items_of(values: Mapping[str, int], measure: str) -> dict[str, int]:
    """Take a measure's items from a report's values.

    >>> items_of({"baru": 12, "baru.pil": 5, "aktif.pil": 30}, "baru")
    {'pil': 5}
    """
    start = f"{measure}."
    return {key[len(start) :]: value for key, value in values.items() if key.startswith(start)}


def total_of_items(values: Mapping[str, int], measure: str, form: Form) -> int:
    """Add up those of a measure's items that are counted in its total."""
    return sum(value for item, value in items_of(values, measure).items() if form.items[item].in_total)


def _items_over_total(values: Mapping[str, int], form: Form) -> Iterator[Fault]:
    if form.shape is not Shape.MEASURE_FIRST:
        return  # item-first forms have no totals
    for measure, total in values.items():
        if measure not in form.measures:
            continue
        added = total_of_items(values, measure, form)
        items = items_of(values, measure)
        if not items or added <= total:
            continue
        misfits = [item for item, value in items.items() if value > total and form.items[item].in_total]
        other = _other_home(values, form, measure, misfits[0]) if len(misfits) == 1 else None
        if other is not None:
            key = f"{measure}.{misfits[0]}"
            about: dict[str, str | int] = {"key": key, "item": misfits[0], "total": total, "other": other}
            yield Fault(ProblemCode.ITEM_MISPLACED, key, about)
        else:
            yield Fault(ProblemCode.SUM_EXCEEDS_TOTAL, measure, {"key": measure, "sum": added, "total": total})


def _other_home(values: Mapping[str, int], form: Form, measure: str, item: str) -> str | None:
    """Find the only other measure whose total an item would fit: `AKTIF 40 BARU 12 PIL 30`."""
    value = values[f"{measure}.{item}"]
    homes = [
        other
        for other, definition in form.measures.items()
        if other != measure
        and item in definition.items
        and f"{other}.{item}" not in values
        and value + total_of_items(values, other, form) <= values.get(other, -1)
    ]
    return homes[0] if len(homes) == 1 else None


def _parts_over_whole(values: Mapping[str, int], rule: Rule, form: Form) -> Iterator[Fault]:
    """In total, and for each item; a whole that is not given is not compared."""
    is_item_over = False
    for suffix in reversed(_suffixes(values)):  # items first: a total made of them says nothing new
        parts = {part: value_of(values, part, suffix, form) for part in rule.keys}
        wholes = {whole: value_of(values, whole, suffix, form) for whole in rule.other}
        given = {part: value for part, value in parts.items() if value is not None}
        # the first of the wholes must be there; the others may be left out (awal without terima)
        if not given or wholes[rule.other[0]] is None:
            continue
        added, total = sum(given.values()), sum(value or 0 for value in wholes.values())
        is_total_given = any(part in values for part in rule.keys)
        if added > total and (suffix or is_total_given or not is_item_over):
            is_item_over = True
            about: dict[str, str | int] = {
                "parts": "+".join(given),
                "whole": "+".join(rule.other),
                "sum": added,
                "total": total,
            }
            if suffix:
                about["item"] = suffix[1:]
            yield Fault(ProblemCode.PARTS_EXCEED_WHOLE, next(iter(given)) + suffix, about)


def value_of(values: Mapping[str, int], measure: str, suffix: str, form: Form) -> int | None:
    """Take a measure's number for an item, or its total; where only items are given, they are the total."""
    value = values.get(measure + suffix)
    if value is None and not suffix and form.shape is Shape.MEASURE_FIRST and items_of(values, measure):
        return total_of_items(values, measure, form)
    return value


def _equation_failures(values: Mapping[str, int], rule: Rule) -> Iterator[Fault]:
    """For each item whose result and first term are given; other terms left out count as nothing."""
    result, first = rule.keys[0], rule.other[0]
    for suffix in _suffixes(values):
        if result + suffix not in values or first + suffix not in values:
            continue
        added = sum(values.get(term + suffix, 0) for term in rule.other)
        expected = added - sum(values.get(term + suffix, 0) for term in rule.less)
        written = values[result + suffix]
        if written != expected:
            key = result + suffix
            yield Fault(
                ProblemCode.EQUATION_FAILS,
                key,
                {"key": key, "item": suffix[1:], "written": written, "expected": expected},
            )


def _suffixes(values: Mapping[str, int]) -> list[str]:
    """List what stands behind the measures: nothing for totals, and each item once, in the order given."""
    return list(dict.fromkeys(["", *(dot + item for _, dot, item in (key.partition(".") for key in values))]))
