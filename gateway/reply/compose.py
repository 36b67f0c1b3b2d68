"""Compose the one answer that a message gets: a confirmation that echoes each repair, or a question on the fault."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.reply.wordings import Wording, cut, in_twos, longest, show
from gateway.segments import GSM_SINGLE, count_septets
from parsers.form import Form, Shape
from parsers.problems import ProblemCode
from parsers.reading import Problem, ReadReport, Repair, RepairCode

REF_MARKS = "BCDFGHJKMNPQRSTVWXYZ23456789"  # no vowels, so that no reference is ever a word that routes drop


@dataclass(frozen=True, slots=True)
class Stored:
    """A report that was stored, as its confirmation must name it. `before` are the numbers that it replaced, if any."""

    form: Form
    facility: str
    report: ReadReport
    report_id: int
    before: Mapping[str, int] | None = None


def confirm(wording: Wording, stored: Stored) -> str | None:
    """Return the confirmation of one report, or None where not even its repairs fit: then it must be asked about.

    What does not fit falls out from the end: items first, then totals, and says how many; a repair never does.
    """
    start = [_head(wording, stored), *_repairs(wording, stored)]
    ref = ref_of(stored.report_id)
    endings = [wording.fill(wording.parts[name], ref=ref) for name in ("thanks", "thanks_short")]
    most, changes = len(stored.report.values), _changes(wording, stored)
    for told in range(len(changes), -1, -1):
        said = [*start, *say_changes(wording, changes, told)]
        for ending in endings:
            for shown in range(most, min(most, 1) - 1, -1):
                text = " ".join([*said, _say_counts(wording, stored, shown), ending])
                if _fits(text):
                    return text
    text = " ".join([*start, *say_changes(wording, changes, 0), _say_counts(wording, stored, 0), endings[-1]])
    return text if _fits(text) else None


def confirm_several(wording: Wording, several: Sequence[Stored]) -> str | None:
    """Return one confirmation of several reports, totals only; None where their repairs do not fit."""
    ending = wording.fill(wording.parts["thanks_short"], ref=ref_of(several[0].report_id))
    most = max(sum("." not in key for key in one.report.values) for one in several)
    for shown in range(most, -1, -1):
        said: list[str] = []
        for one in several:
            said += [_head(wording, one), *_repairs(wording, one), _say_counts(wording, one, shown, totals_only=True)]
        text = " ".join([*said, ending])
        if _fits(text):
            return text
    return None


def ask(
    wording: Wording,
    form: Form | None,
    period: str | None,
    problems: Sequence[Problem],
    extra: Mapping[str, str],
    place: str = "",
) -> str:
    """Return the question about the first problem, and how many more there are.

    Shape: `extra` holds what a problem does not know itself: `due_month`, `example`, `choices`, `facility_type`.
    `place` is named where it fits: who shares a phone must know whose report is asked about.
    """
    first, left = min(problems, key=lambda problem: problem.code in _LAST), len(problems) - 1
    said = wording.fill(wording.problems[first.code], **(_slots(wording, form, first) | dict(extra)))
    head = " ".join(part for part in (keyword(form), wording.month(period) if period else "", place) if part)
    parts = [f"{head}: {said}" if head else said[:1].upper() + said[1:]]
    if left:
        parts.append(wording.fill(wording.parts["left"], count=left))
    text = " ".join(parts)
    return text if not place or _fits(text) else ask(wording, form, period, problems, extra)


def say_repair(wording: Wording, form: Form, repair: Repair) -> str:
    """Return what was read differently from what was written, in words."""
    if repair.code is RepairCode.PERIOD_ASSUMED:
        return wording.fill(wording.parts["period_assumed"], read=wording.month(repair.read))
    if repair.code is RepairCode.FORM_INFERRED:
        return wording.fill(wording.parts["form_inferred"], read=keyword(form))
    return wording.fill(wording.parts["repaired"], written=repair.written, read=_read_as(form, repair.read))


def example(form: Form, wording: Wording, period: str, place: str = "") -> str:
    """Return a report as a sender may write it, for a period; the month in letters, so that no route drops it.

    `place` is the short name that a reporter of several facilities writes behind the keyword.
    """
    _keyword_there, _period_there, *rest = form.example.split()
    return " ".join(filter(None, [keyword(form), place, typed_month(wording, period), *rest]))


def typed_month(wording: Wording, period: str) -> str:
    """Return a period as a sender may type it: `SEP25`."""
    return wording.month(period).replace(" ", "").upper()


def ref_of(report_id: int) -> str:
    """Return the three marks by which a sender and staff speak about a report.

    >>> ref_of(1), ref_of(22000)
    ('BBC', 'BBZ')
    """
    base = len(REF_MARKS)
    rest = report_id % base**3
    return "".join(REF_MARKS[rest // base**place % base] for place in (2, 1, 0))


def _head(wording: Wording, stored: Stored) -> str:
    assert stored.report.period is not None
    facility = cut(show(stored.facility), longest("facility"))
    return f"{keyword(stored.form)} {wording.month(stored.report.period)} {facility}:"


def keyword(form: Form | None) -> str:
    """Return the word that a report of this form starts with."""
    return cut(form.keywords[0].upper(), longest("form")) if form else ""


def _repairs(wording: Wording, stored: Stored) -> list[str]:
    return [say_repair(wording, stored.form, repair) for repair in stored.report.repairs]


def _say_counts(wording: Wording, stored: Stored, most: int, *, totals_only: bool = False) -> str:
    """Return the first counts, totals before items, as `BARU 12 AKTIF 40 (PIL 30)`, and how many there are besides."""
    values, form = stored.report.values, stored.form
    ordered = in_order(form, values)
    by_rank = sorted(ordered, key=lambda key: "." in key)  # totals first
    shown = {key for key in by_rank[:most] if not (totals_only and "." in key)}
    groups: dict[str, list[str]] = {}
    for key in ordered:
        measure, _, item = key.partition(".")
        outer, inner = (item, measure) if form.shape is Shape.ITEM_FIRST else (measure, item)
        if key in shown:
            group = groups.setdefault(_read_as(form, outer), [""])
            if inner:
                group.append(f"{_read_as(form, inner)} {show(values[key])}")
            else:
                group[0] = show(values[key])
    said = [
        " ".join(filter(None, [name, total, f"({' '.join(items)})" if items else ""]))
        for name, (total, *items) in groups.items()
    ]
    if len(shown) < len(values):
        said.append(wording.fill(wording.parts["more"], count=len(values) - len(shown)))
    return f"{' '.join(said)}."


def in_order(form: Form, keys: Iterable[str]) -> list[str]:
    """Return the keys in the order of the form: a measure's total, then its items."""
    measures, items = list(form.measures), ["", *form.items]

    def place(key: str) -> tuple[int, int]:
        measure, _, item = key.partition(".")
        return measures.index(measure), items.index(item)

    return sorted(keys, key=place)


def _changes(wording: Wording, stored: Stored) -> list[str]:
    """Return what a new revision changed, each as `AKTIF 40 jadi 45`."""
    if stored.before is None:
        return []
    return list_changes(wording, stored.form, stored.before, stored.report.values)


def list_changes(wording: Wording, form: Form, before: Mapping[str, int], after: Mapping[str, int]) -> list[str]:
    """Return what differs between two reports of a form, each as `AKTIF 40 jadi 45`, in the order of the form."""
    changed = [key for key in {**before, **after} if before.get(key) != after.get(key) and is_known(form, key)]
    return [
        wording.fill(
            wording.parts["changed"],
            key=form.word_for(key),
            before=_or_dash(before.get(key)),
            after=_or_dash(after.get(key)),
        )
        for key in in_order(form, changed)
    ]


def is_known(form: Form, key: str) -> bool:
    """Return whether a form still has a key: what is stored may be older than the form."""
    measure, _, item = key.partition(".")
    return measure in form.measures and (not item or item in form.items)


def say_changes(wording: Wording, changes: Sequence[str], told: int) -> list[str]:
    """Return the first changes in a sentence, and how many there are besides: none is passed over in silence."""
    if not changes:
        return []
    left = len(changes) - told
    more = [wording.fill(wording.parts["changes_more"], count=left)] if left else []
    return [f"{', '.join([*changes[:told], *more])}."]


def _or_dash(count: int | None) -> str | int:
    return "-" if count is None else count


def _read_as(form: Form, read: str) -> str:
    measure = read.partition(".")[0]
    if measure in form.measures:
        return form.word_for(read)
    return form.items[read].word if read in form.items else read


def _slots(wording: Wording, form: Form | None, problem: Problem) -> dict[str, str | int]:
    """Return what a problem's sentence may name, each thing by the word that a sender may send back."""
    slots: dict[str, str | int] = {"words": _quote(problem), "form": keyword(form)}
    slots |= {"key": wording.word, "meanings": wording.several, "proof": "", "unit": ""}  # where it cannot tell
    for name, value in problem.about.items():
        if name in _PERIODS and isinstance(value, str) and _is_period(value):
            slots[name] = wording.month(value)
        elif name in _CODES and isinstance(value, str) and form is not None:
            slots[name] = _words_for(form, value)
        else:
            slots[name] = value
    if "key" not in problem.about:
        slots["key"] = slots.get("measure", slots.get("item", wording.word))
    if "measure" not in slots and isinstance(problem.about.get("key"), str) and form is not None:
        slots["measure"] = _words_for(form, str(problem.about["key"]).partition(".")[0])
    if form is not None and (item := form.items.get(str(problem.about.get("item")))):
        slots["unit"] = item.unit.get(wording.code, "")
    if "code" in problem.about:
        slots["key"] = slots["code"]
    return slots


def _quote(problem: Problem) -> str:
    """Return the sender's words without four digits in a row, which do not go out: 30/09/2025 as 30/09/25."""
    words = _DATE.sub(lambda date: _CENTURY.sub("", date.group()), problem.words)
    if not problem.code.startswith("period"):
        return words
    return in_twos(words if words.isdecimal() else _CENTURY.sub("", words))


_CENTURY = re.compile(r"(?<![0-9])20(?=[0-9]{2}(?![0-9]))")
_DATE = re.compile(r"(?<![-/.0-9])[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}(?![-/.0-9])")
# What is missing may be there under a word that was not understood: then that word is asked about first.
_LAST = {ProblemCode.VALUES_MISSING, ProblemCode.MEASURE_MISSING}
_PERIODS = {"period", "first", "second", "expires"}
_CODES = {"key", "kind", "item", "measure", "other", "parts", "whole", "code", "meanings"}


def _is_period(value: str) -> bool:
    return len(value) == 7 and value[4] == "-" and value.replace("-", "").isdigit()


def _words_for(form: Form, codes: str) -> str:
    """Return the words of one or more codes, such as `pasca+gugur` or `pil/iud`."""
    for mark in ("+", "/", ",", " "):
        if mark in codes:
            return mark.join(_words_for(form, code.strip()) for code in codes.split(mark) if code.strip())
    return _read_as(form, codes)


def _fits(text: str) -> bool:
    septets = count_septets(text)
    return septets is not None and septets <= GSM_SINGLE
