"""Where a USSD session stands, and which screen is before and behind it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from parsers.form import Form, Shape
from parsers.numbers import MOST
from parsers.session import Dialogue, Ground, Month, Place

T = TypeVar("T")
_PERIOD = re.compile(r"20[0-9]{2}-(?:0[1-9]|1[0-2])", re.ASCII)


class Step(StrEnum):
    """The kinds of screens. NUMBER is followed by the key that it asks for, PART by a code of a measure or an item."""

    FORM = "form"
    PLACE = "place"
    PERIOD = "period"
    NUMBER = "number"
    PARTS = "parts"  # what may be changed or added: measures, or the items of an item-first form
    PART = "part"  # one of these: its total and items, or its movements
    SUMMARY = "summary"
    ANSWER = "answer"  # the question that the sent report was answered with


@dataclass(frozen=True, slots=True)
class Standing:
    """A session beside what it stands on. What was chosen and is offered no more is not chosen."""

    dialogue: Dialogue
    ground: Ground
    form: Form | None
    place: Place | None
    months: tuple[Month, ...]
    month: Month | None

    @property
    def step(self) -> str:
        """The kind of screen that waits."""
        return self.dialogue.step.partition(" ")[0]

    @property
    def about(self) -> str:
        """What the screen is about: a key, or the code of a measure or an item."""
        return self.dialogue.step.partition(" ")[2]

    @property
    def forms(self) -> list[Form]:
        """The forms to choose from: first those with numbers that must be there, which take the fewest screens."""
        return sorted(self.ground.forms, key=lambda form: not form.required)


def stand(dialogue: Dialogue, ground: Ground) -> Standing:
    """Place a session on its ground: what leaves no choice is chosen, and a step that leads nowhere is mended."""
    form = _only(ground.forms) or next((form for form in ground.forms if form.code == dialogue.form), None)
    place = _only(ground.places) or next((place for place in ground.places if place.code == dialogue.place), None)
    if place and dialogue.place and place.code != dialogue.place:  # hers no more: its figures are not the other one's
        dialogue = replace(dialogue, period="", values={})
    months = ground.months.get((form.code, place.code), ()) if form and place else ()
    month = next((month for month in months if month.period == dialogue.period), None)
    # a month may be typed before there is a form or a place to ask which are offered
    is_period_kept = month is not None or (not (form and place) and _PERIOD.fullmatch(dialogue.period) is not None)
    values = {key: value for key, value in dialogue.values.items() if form and is_count_of(form, key, value)}
    settled = replace(
        dialogue,
        form=form.code if form else "",
        place=place.code if place else "",
        period=dialogue.period if is_period_kept else "",
        values=values,
        page=max(dialogue.page, 0),
    )
    standing = Standing(settled, ground, form, place, months, month)
    if _leads_somewhere(standing):
        return standing
    return replace(standing, dialogue=replace(settled, step=str(due_step(standing)), page=0, answer=""))


def _only(choices: Sequence[T]) -> T | None:
    return choices[0] if len(choices) == 1 else None


def is_count_of(form: Form, key: str, value: int) -> bool:
    """Whether a value may stand in a report of a form."""
    measure, _, item = key.partition(".")
    if measure not in form.measures or not 0 <= value <= MOST:
        return False
    return item in form.measures[measure].items if "." in key else form.shape is Shape.MEASURE_FIRST


def _leads_somewhere(standing: Standing) -> bool:
    step, about, form = standing.step, standing.about, standing.form
    if step == Step.ANSWER:
        return bool(standing.dialogue.answer)
    if not standing.ground.places:
        return False
    if step == Step.FORM:
        return len(standing.ground.forms) > 1
    if step == Step.PLACE:
        return form is not None and len(standing.ground.places) > 1
    if form is None or standing.place is None:
        return False
    if step == Step.PERIOD or standing.month is None:
        return step == Step.PERIOD
    if step == Step.NUMBER:
        return is_count_of(form, about, 0)
    return step in {Step.PARTS, Step.SUMMARY} or (step == Step.PART and about in parts_of(form))


def due_step(standing: Standing) -> str:
    """Name the first screen that still has something to ask; the summary where there is none."""
    form = standing.form
    if form is None and standing.ground.places:
        return Step.FORM
    if form is None or standing.place is None:
        return Step.PLACE
    if standing.month is None:
        return Step.PERIOD
    if form.shape is Shape.MEASURE_FIRST:
        missing = next_missing(form.required, standing.dialogue.values)
        if missing:
            return f"{Step.NUMBER} {missing}"
    return Step.SUMMARY if standing.dialogue.values else Step.PARTS


def next_missing(sequence: Sequence[str], values: Mapping[str, int]) -> str | None:
    """Find the first key that nothing stands for yet: neither its own number nor, for a measure, one of its items."""
    given = {*values, *(key.partition(".")[0] for key in values)}
    return next((key for key in sequence if key not in given), None)


def sequence_of(form: Form, key: str) -> Sequence[str]:
    """List the keys that are asked one after the other: what is required, or the usual movements of a key's item."""
    if form.shape is Shape.MEASURE_FIRST:
        return form.required
    item = key.rpartition(".")[2]
    asked = form.shorthand or form.required or tuple(form.measures)
    return [f"{measure}.{item}" for measure in asked if item in form.measures[measure].items]


def parts_of(form: Form) -> list[str]:
    """List the codes that the menu of parts shows."""
    if form.shape is Shape.MEASURE_FIRST:
        return list(form.measures)
    return [item for item in form.items if any(item in measure.items for measure in form.measures.values())]


def keys_of_part(form: Form, part: str) -> list[str]:
    """List the keys that one part shows: a measure's total and items, or an item's movements."""
    if form.shape is Shape.MEASURE_FIRST:
        return [part, *(f"{part}.{item}" for item in form.items if item in form.measures[part].items)]
    return [f"{measure.code}.{part}" for measure in form.measures.values() if part in measure.items]


def part_of(form: Form, key: str) -> str:
    """Name the part that shows a key."""
    return key.partition(".")[0] if form.shape is Shape.MEASURE_FIRST else key.partition(".")[2]


def step_into(form: Form, part: str, values: Mapping[str, int]) -> str:
    """Name the screen behind a part: its usual numbers, one after the other, while some are missing; else its menu."""
    if form.shape is Shape.ITEM_FIRST:
        missing = next((key for key in sequence_of(form, part) if key not in values), None)
        return f"{Step.NUMBER} {missing}" if missing else f"{Step.PART} {part}"
    return f"{Step.PART} {part}" if form.measures[part].items else f"{Step.NUMBER} {part}"


def step_after(form: Form, key: str, values: Mapping[str, int]) -> str:
    """Name the screen behind a number."""
    sequence = sequence_of(form, key)
    if key in sequence:
        missing = next_missing(sequence, values)
        if missing:
            return f"{Step.NUMBER} {missing}"
        return Step.SUMMARY if form.shape is Shape.MEASURE_FIRST else Step.PARTS
    return _menu_of(form, key)


def step_before(standing: Standing) -> str | None:
    """Name the screen that `back` leads to; None on the first."""
    step, form, key = standing.step, standing.form, standing.about
    has_forms, has_places = len(standing.ground.forms) > 1, len(standing.ground.places) > 1
    if step == Step.FORM or form is None or not standing.ground.places:
        return None
    if step == Step.PLACE:
        return Step.FORM if has_forms else None
    if step == Step.PERIOD:
        return Step.PLACE if has_places else Step.FORM if has_forms else None
    if step == Step.NUMBER:
        sequence = list(sequence_of(form, key))
        if key not in sequence:
            return _menu_of(form, key)
        if at := sequence.index(key):
            return f"{Step.NUMBER} {sequence[at - 1]}"
        return Step.PERIOD if form.shape is Shape.MEASURE_FIRST else Step.PARTS
    if step == Step.PARTS:
        return Step.SUMMARY if standing.dialogue.values else Step.PERIOD
    if step == Step.PART:
        return Step.PARTS
    if step == Step.SUMMARY and form.shape is Shape.MEASURE_FIRST and form.required:
        return f"{Step.NUMBER} {form.required[-1]}"
    return Step.SUMMARY if step == Step.ANSWER else Step.PARTS


def _menu_of(form: Form, key: str) -> str:
    """Name the menu that a number was chosen from."""
    part = part_of(form, key)
    return f"{Step.PART} {part}" if len(keys_of_part(form, part)) > 1 else Step.PARTS
