"""The numbers that the rules go by for one facility: those of the form's file, over them what its district chose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

from gateway.store.facilities import Facility
from gateway.store.thresholds import Threshold
from parsers.form import Form
from parsers.judge import Thresholds

CAP = "cap."
NAMES = frozenset(field.name for field in fields(Thresholds) if field.name != "caps")


def limits_for(chosen: Sequence[Threshold], form: Form, facility: Facility) -> Thresholds:
    """Return the thresholds for a report of this form from this facility. Pure.

    Of two numbers for one name the one for the smaller area counts, then the one for this very type of facility.
    """
    holding = [one for one in chosen if _holds(one, form, facility)]
    holding.sort(key=lambda one: (len(one.area), bool(one.facility_type)))  # what comes later wins
    numbers = {one.name: one.value for one in holding if one.name in NAMES}
    caps = {one.name.removeprefix(CAP): one.value for one in holding if one.name.startswith(CAP)}
    plain: Thresholds = replace(Thresholds(), **numbers)  # type: ignore[arg-type]  # the names are those of NAMES
    if not caps:
        return plain
    own = {facility.type: {**form.caps.get(facility.type, {}), **caps}}
    return replace(plain, caps={**form.caps, **own})


def find_fault(threshold: Threshold, forms: Sequence[Form]) -> str:
    """Return what is wrong with a number that staff want to choose, in both languages; empty when nothing is."""
    form = next((form for form in forms if form.code == threshold.form), None)
    if form is None:
        return f"formulir/form: {', '.join(form.code for form in forms)}"
    countable = {f"{CAP}{code}" for code in (*form.measures, *form.items)}
    if threshold.name not in NAMES | countable:
        return f"nama/name: {', '.join(sorted(NAMES))}, {', '.join(sorted(countable))}"
    return "" if 0 <= threshold.value <= 99_999 else "angka/value: 0 - 99999"


def _holds(one: Threshold, form: Form, facility: Facility) -> bool:
    in_area = not one.area or facility.area == one.area or facility.area.startswith(f"{one.area}.")
    return one.form == form.code and in_area and one.facility_type in ("", facility.type)
