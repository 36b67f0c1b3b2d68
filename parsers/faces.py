"""What each screen of a USSD session shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from parsers.form import Check, Form, Item, Measure, Shape
from parsers.problems import ProblemCode
from parsers.rules import Fault, find_faults, find_missing
from parsers.screens import Page, Screen, Words, cut, cut_pages, in_words, show
from parsers.session import Month
from parsers.steps import Standing, Step, keys_of_part, parts_of, sequence_of, step_before

_LONGEST_KEYWORD, _LONGEST_PLACE, _LONGEST_LABEL, _LONGEST_WORD = 10, 20, 24, 16


def pages_of(standing: Standing, words: Words) -> list[Page]:
    """Return the pages of the screen that waits."""
    return cut_pages(show_step(standing, words), words)


def is_dead_end(standing: Standing) -> bool:
    """Whether there is nothing to choose and nothing to go back to: the session ends."""
    choices = {Step.FORM: standing.ground.forms, Step.PLACE: standing.ground.places, Step.PERIOD: standing.months}
    return standing.step in choices and not choices[Step(standing.step)] and step_before(standing) is None


def show_step(standing: Standing, words: Words) -> Screen:
    """Return the screen of a session's step."""
    step, form = standing.step, standing.form
    foot = [words.say("keys", "back")] * (step_before(standing) is not None)
    if step == Step.ANSWER:
        last = (words.say("keys", "yes"), words.say("keys", "no"))
        return Screen("", in_words(standing.dialogue.answer), last)
    if step == Step.PLACE:
        labels = [_place_label(place.code, place.name) for place in standing.ground.places]
        return _menu(words.say("screens", "place"), labels, words.say("screens", "no_place"), foot)
    if step == Step.FORM or form is None:
        labels = [label_of(form, words) for form in standing.forms]
        return _menu(words.say("screens", "form"), labels, words.say("screens", "no_form"), foot)
    if step == Step.PERIOD:
        slots = {"form": _keyword(form), "place": _place(standing)}
        labels = [_month_label(month, words) for month in standing.months]
        head, without = (words.say("screens", name, **slots) for name in ("period", "no_month"))
        return _menu(head, labels, without, foot)
    if step == Step.NUMBER:
        return _ask_number(standing, form, words, foot)
    if step in {Step.PARTS, Step.PART}:
        return _show_parts(standing, form, words, foot)
    return _sum_up(standing, form, words, foot)


def _menu(head: str, labels: Sequence[str], without: str, foot: Sequence[str]) -> Screen:
    if not labels:
        return Screen("", in_words(without), foot=foot)
    return Screen(head, [f"\n{number} {label}" for number, label in enumerate(labels, start=1)], foot=foot)


def label_of(part: Form | Measure | Item, words: Words) -> str:
    """Return what screens call a form, a measure or an item."""
    language = str(words.table["language"])
    label = part.ussd.get(language) or part.names.get(language) or part.ussd.get("id") or part.names["id"]
    return cut(label, _LONGEST_LABEL)


def _keyword(form: Form) -> str:
    return cut(form.keywords[0].upper(), _LONGEST_KEYWORD)


def _place(standing: Standing) -> str:
    return cut(standing.place.name, _LONGEST_PLACE) if standing.place else ""


def _place_label(code: str, name: str) -> str:
    """Return a place's name; with its code in front where the name alone may be cut too short to tell it."""
    return name if len(name) <= _LONGEST_LABEL else cut(f"{code} {name}", _LONGEST_LABEL)


def _month_label(month: Month, words: Words) -> str:
    name = words.month(month.period)
    if month.is_closed:
        return words.say("screens", "closed", month=name)
    return words.say("screens", "reported", month=name) if month.is_reported else name


def _slots(standing: Standing, form: Form, words: Words) -> dict[str, str]:
    month = words.month(standing.dialogue.period)
    return {"form": _keyword(form), "month": month, "place": _place(standing)}


def _ask_number(standing: Standing, form: Form, words: Words, foot: Sequence[str]) -> Screen:
    key = standing.about
    measure, _, item = key.partition(".")
    labels = [label_of(form.measures[measure], words)]
    if item:
        labels.append(label_of(form.items[item], words))
    if form.shape is Shape.ITEM_FIRST:
        labels.reverse()
    sentences = [words.say("screens", "question", label=", ".join(labels)), *_known_before(standing, form, words)]
    if key in standing.dialogue.values:
        sentences.append(words.say("screens", "now", count=standing.dialogue.values[key]))
    head = words.say("screens", "head", **_slots(standing, form, words))
    return Screen(head, in_words(" ".join(sentences)), foot=foot, takes_number=True)


def _known_before(standing: Standing, form: Form, words: Words) -> list[str]:
    """Say the number of the month before; of an opening stock, the closing one that it must be."""
    measure, dot, item = standing.about.partition(".")
    before: Mapping[str, int] = standing.month.before if standing.month else {}
    others = [rule.other[0] for rule in form.rules if rule.check is Check.OPENING and measure in rule.keys]
    for other in others:
        if f"{other}{dot}{item}" in before:
            word = cut(form.measures[other].word, _LONGEST_WORD)
            return [words.say("screens", "before_other", word=word, count=before[f"{other}{dot}{item}"])]
    return [words.say("screens", "before", count=before[standing.about])] if standing.about in before else []


def _show_parts(standing: Standing, form: Form, words: Words, foot: Sequence[str]) -> Screen:
    """Show what may be changed or added, with what was typed so far."""
    slots, values = _slots(standing, form, words), standing.dialogue.values
    if standing.step == Step.PARTS:
        is_item_first = form.shape is Shape.ITEM_FIRST
        parts: Mapping[str, Measure | Item] = form.items if is_item_first else form.measures
        head = words.say("screens", "items" if is_item_first else "parts", **slots)
        counts = {part: _counts_of(form, part, values) for part in parts_of(form)}
        lines = [_line(label_of(parts[part], words), count) for part, count in counts.items()]
    else:
        head = words.say("screens", "part", **slots, word=_part_word(form, standing.about))
        keys = keys_of_part(form, standing.about)
        lines = [_line(_key_label(form, key, words), _shown(values, key)) for key in keys]
    if values:
        done = words.say("keys", "done")
        foot = [done] if standing.step == Step.PARTS else [done, *foot]  # from the first menu, back leads there too
    return _menu(head, lines, "", foot)


def _line(label: str, count: str) -> str:
    return f"{label}: {count}" if count else label


def _part_word(form: Form, part: str) -> str:
    word = form.items[part].word if form.shape is Shape.ITEM_FIRST else form.measures[part].word
    return cut(word, _LONGEST_WORD)


def _key_label(form: Form, key: str, words: Words) -> str:
    measure, _, item = key.partition(".")
    if form.shape is Shape.ITEM_FIRST:
        return label_of(form.measures[measure], words)
    return label_of(form.items[item], words) if item else words.say("screens", "total")


def _shown(values: Mapping[str, int], key: str) -> str:
    return show(values[key]) if key in values else ""


def _counts_of(form: Form, part: str, values: Mapping[str, int]) -> str:
    """Return a measure's total, or `+` where only items stand for it; an item's usual movements as 100/50/30/120."""
    if form.shape is Shape.MEASURE_FIRST:
        has_items = any(key in values for key in keys_of_part(form, part))
        return _shown(values, part) or "+" * has_items
    counts = [_shown(values, key) or "-" for key in sequence_of(form, part)]
    return "" if set(counts) <= {"-"} else "/".join(counts)


def _sum_up(standing: Standing, form: Form, words: Words, foot: Sequence[str]) -> Screen:
    """Show everything that was typed, what does not agree, and the offer to send it where nothing is wrong."""
    head = words.say("screens", "head", **_slots(standing, form, words))
    pieces = list_values(form, standing.dialogue.values)
    change = words.say("keys", "change")
    if fault := say_fault(standing, form, words):
        return Screen(head, [*pieces, f"\n{fault}"], [change], foot, repeats_word=True)
    if standing.month and standing.month.is_closed:
        pieces.append(f"\n{words.say('screens', 'is_closed')}")
    elif standing.month and standing.month.is_reported:
        pieces.append(f"\n{words.say('screens', 'is_reported')}")
    return Screen(head, pieces, [words.say("keys", "send"), change], foot, repeats_word=True)


def list_values(form: Form, values: Mapping[str, int]) -> list[str]:
    """Return a report's numbers as pieces of a screen, a measure or an item-first form's item on each line."""
    pieces: list[str] = []
    for part in parts_of(form):
        keys = [key for key in keys_of_part(form, part) if key in values]
        if not keys:
            continue
        if form.shape is Shape.ITEM_FIRST:
            pieces.append(f"\n{cut(form.items[part].word, _LONGEST_WORD)}")
            usual = list(sequence_of(form, part))
            if set(usual) <= set(keys) and len(usual) > 1:
                pieces.append(" " + "/".join(show(values[key]) for key in usual))
                keys = [key for key in keys if key not in usual]
            pieces += [f" {form.measures[key.partition('.')[0]].word} {show(values[key])}" for key in keys]
        else:
            word = cut(form.measures[part].word, _LONGEST_WORD)
            pieces.append(f"\n{word} {_shown(values, part)}".rstrip(" "))
            pieces += [f" {form.items[key.partition('.')[2]].word} {show(values[key])}" for key in keys if key != part]
    return pieces


def say_fault(standing: Standing, form: Form, words: Words) -> str:
    """Say the first thing that keeps a report from being sent, and how many there are beside it; empty without any."""
    values = standing.dialogue.values
    if not values:
        return words.say("problems", "values_missing")
    faults = [*find_faults(values, form), *find_missing(values, form)]
    if not faults:
        return ""
    more = [words.say("faults", "more", count=len(faults) - 1)] if len(faults) > 1 else []
    return " ".join([_say_problem(faults[0], form, words), *more])


def _say_problem(fault: Fault, form: Form, words: Words) -> str:
    slots: dict[str, str | int] = dict(fault.about)
    if "key" in slots:
        slots["key"] = form.word_for(str(slots["key"]))
    if fault.code is ProblemCode.PARTS_EXCEED_WHOLE:
        for slot in ("parts", "whole"):
            slots[slot] = "+".join(form.measures[measure].word for measure in str(slots[slot]).split("+"))
        if "item" in slots:
            slots["parts"] = f"{form.items[str(slots['item'])].word} {slots['parts']}"
    name = str(fault.code) if str(fault.code) in words.table["problems"] else "other"
    return words.say("problems", name, **slots)
