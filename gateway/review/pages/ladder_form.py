"""What is typed about a ladder and about manners: read into values, or what is wrong with it by field. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway import ladder
from gateway.calendar import Hours
from gateway.ladder import FARTHEST, MOST_RUNGS, WORDINGS, Audience, Ladder, Manners, OffDays, Rung
from gateway.review.pages.language import mark

NEW = "new"  # the code of the step at the foot of the form, which counts only if its box is ticked
BEFORE, AFTER = "before", "after"
EARLIEST, LATEST = 5, 22  # hours between which somebody may be written to unasked, whatever an area chooses
MOST_SPREAD = 600  # minutes
FAULTS: Mapping[str, tuple[str, str]] = {  # what `ladder.find_fault` finds: beside which field, in which words
    "code": ("days", mark("This step has a name that Kabar does not know. Remove it and add another.")),
    "twice": ("days", mark("This step stands in the list twice. Remove one.")),
    "days": ("days", mark("A number of days from 0 to 27.")),
    "hour": ("hour", mark("Nobody is written to at this hour. Choose another, or change the hours below.")),
    "wording": ("wording", mark("This sentence is not for them. Choose another.")),
    "same_day": ("days", mark("Another step for the same people stands on this day. Choose another day.")),
    "too_many": ("days", mark("A ladder has 12 steps at most. Remove one.")),
}
NO_NUMBER = mark("A number of days from 0 to 27.")
NO_CHOICE = mark("Please choose one.")
NO_HOURS = mark("Hours from 5 to 22, the first before the last.")
NO_SPREAD = mark("Minutes from 0 to 600.")


@dataclass(frozen=True, slots=True)
class TypedRung:
    """One step as it was typed; `faults` says by field what is wrong with it."""

    code: str
    days: str
    when: str
    hour: str
    audience: str
    wording: str
    is_on: bool
    faults: Mapping[str, str]


def show_rung(rung: Rung) -> TypedRung:
    """Return a step as it stands in its form."""
    when = BEFORE if rung.days < 0 else AFTER
    days, hour = str(abs(rung.days)), str(rung.hour)
    return TypedRung(rung.code, days, when, hour, str(rung.audience), rung.wording, rung.is_on, {})


def show_new() -> TypedRung:
    """Return the empty step at the foot of the form."""
    return TypedRung(NEW, "", AFTER, "8", str(Audience.RESPONSIBLE), "remind_late", is_on=True, faults={})


def read_ladder(
    typed: Any, area: str, form: str, types: Sequence[str], hours: Hours
) -> tuple[Ladder | None, list[TypedRung]]:
    """Return the ladder that was typed, and its steps as they were typed; None where something is wrong with one.

    Shape: `typed` is a form with one `code`, `days`, `when`, `hour`, `audience` and `wording` for each step, and the
    codes of those that are on and of those to be removed.
    """
    steps = _read_steps(typed)
    rungs = [_read_rung(step, steps) for step in steps]
    if all(isinstance(one, Rung) for one in rungs):
        found = tuple(one for one in rungs if isinstance(one, Rung))
        fault = ladder.find_fault(found, hours)
        if fault is None:
            chosen = frozenset(code for code in typed.getlist("types") if code in types)
            is_on = bool(typed.get("is_asked"))
            return Ladder(area, form, is_on, chosen, tuple(sorted(found, key=lambda one: (one.days, one.code)))), steps
        field, words = FAULTS[fault[1]]
        place = next((at for at, one in enumerate(found) if one.code == fault[0]), 0)
        if fault[1] in ("twice", "same_day"):  # of two the later one is told off
            place = max(at for at, one in enumerate(found) if one.code == fault[0])
        steps[place] = replace(steps[place], faults={field: words})
        return None, steps
    return None, [
        replace(step, faults=one) if isinstance(one, dict) else step for step, one in zip(steps, rungs, strict=True)
    ]


def _read_steps(typed: Any) -> list[TypedRung]:
    columns = [
        typed.getlist(name)[: MOST_RUNGS + 2] for name in ("code", "days", "when", "hour", "audience", "wording")
    ]
    is_on, removed = set(typed.getlist("is_on")), set(typed.getlist("remove"))
    found = []
    for code, *values in zip(*columns, strict=False):
        days, when, hour, audience, wording = (str(value).strip()[:20] for value in values)
        is_wanted = bool(typed.get("add")) if code == NEW else code not in removed
        if is_wanted:
            found.append(TypedRung(str(code)[:20], days, when, hour, audience, wording, code in is_on, {}))
    return found


def _read_rung(step: TypedRung, steps: Sequence[TypedRung]) -> Rung | dict[str, str]:
    """Return the rung of a step, or what is wrong with it by field."""
    faults = {}
    if not _is_number(step.days, 0, FARTHEST):
        faults["days"] = NO_NUMBER
    if not _is_number(step.hour, 0, 23):
        faults["hour"] = NO_CHOICE
    if step.audience not in set(Audience):
        return faults | {"audience": NO_CHOICE}
    if faults:
        return faults
    audience = Audience(step.audience)
    wording = step.wording if len(WORDINGS[audience]) > 1 else WORDINGS[audience][0]
    days = int(step.days) * (-1 if step.when == BEFORE else 1)
    code = _new_code(steps) if step.code == NEW else step.code
    return Rung(code, days, int(step.hour), audience, wording, step.is_on)


def _new_code(steps: Sequence[TypedRung]) -> str:
    """Return a code that no step of the form has."""
    taken = {one.code for one in steps}
    return next(code for number in range(1, MOST_RUNGS + 3) if (code := f"step{number}") not in taken)


def read_manners(typed: Mapping[str, str], area: str) -> Manners | dict[str, str]:
    """Return the manners that were typed, or what is wrong with them by field."""
    first, last, spread = (typed.get(name, "").strip()[:4] for name in ("first", "last", "spread"))
    faults = {}
    has_hours = _is_number(first, EARLIEST, LATEST) and _is_number(last, EARLIEST, LATEST)
    if not has_hours or int(first) >= int(last):
        faults["first"] = NO_HOURS
    if not _is_number(spread, 0, MOST_SPREAD):
        faults["spread"] = NO_SPREAD
    if typed.get("off_days", "") not in set(OffDays):
        faults["off_days"] = NO_CHOICE
    if faults:
        return faults
    hours = Hours(int(first), int(last))
    return Manners(area, hours, OffDays(typed["off_days"]), int(spread), bool(typed.get("score")))


def _is_number(written: str, low: int, high: int) -> bool:
    return written.isascii() and written.isdigit() and low <= int(written) <= high
