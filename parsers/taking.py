"""What one thing that was typed does to a USSD session. What is wrong moves nothing, and says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from parsers.faces import pages_of, say_fault
from parsers.form import Form
from parsers.period import assumed_period
from parsers.read import read_message
from parsers.reading import Kind, RepairCode
from parsers.screens import BACK, MORE, Words, cut
from parsers.session import Dialogue
from parsers.steps import Standing, Step, keys_of_part, parts_of, step_after, step_before, step_into
from parsers.typed import TypedMonth, read_count, read_month, read_option
from parsers.writing import write_message

YES, NO, DONE, SEND, CHANGE = "1", "2", "0", "1", "2"
FIRST_STEPS = frozenset({Step.FORM, Step.PLACE, Step.PERIOD})
_LONGEST_TYPED = 14


@dataclass(frozen=True, slots=True)
class Move:
    """What came of it: the session as it is now, a note that says what is wrong, or a message that was confirmed."""

    dialogue: Dialogue
    note: str = ""
    sends: str = ""


def take(standing: Standing, typed: str, words: Words, *, is_first: bool, is_at_once: bool) -> Move:
    """Take what was typed into the screen that waits.

    Shape: `is_first` says that nothing was typed before it in this hop: only then was the screen seen, and only what
    was seen can be sent. `is_at_once` says that it is one of several things typed in one go (`12*40*30`).
    """
    if typed == BACK and not (standing.step == Step.ANSWER and not standing.dialogue.page):
        return _go_back(standing, words)
    pages = pages_of(standing, words)
    is_last_page = standing.dialogue.page >= len(pages) - 1
    if typed == MORE and not is_last_page:
        return Move(replace(standing.dialogue, page=standing.dialogue.page + 1))
    if standing.step == Step.ANSWER:
        return _take_answer(standing, typed, words, is_last_page=is_last_page)
    if standing.step in FIRST_STEPS or standing.form is None:
        return _take_first(standing, typed, words)
    if standing.step == Step.NUMBER:
        return _take_number(standing, standing.form, standing.about, typed, words)
    if standing.step == Step.SUMMARY:
        key = _next_at_once(standing, standing.form) if is_at_once and not is_first else None
        if key:
            return _take_number(standing, standing.form, key, typed, words)
        return _take_summary(
            standing, standing.form, typed, words, is_seen=is_first and is_last_page and not is_at_once
        )
    return _take_part(standing, standing.form, typed, words)


def _fault(standing: Standing, words: Words, name: str, typed: str = "", month: str = "") -> Move:
    note = words.say("faults", name, typed=cut(typed, _LONGEST_TYPED), month=month)
    return Move(standing.dialogue, note)


def _typed_month(period: str) -> str:
    return f"{period[5:]}{period[2:4]}"


def _go(dialogue: Dialogue, step: str) -> Move:
    return Move(replace(dialogue, step=str(step), page=0, answer=""))


def _go_back(standing: Standing, words: Words) -> Move:
    if standing.dialogue.page:
        last = len(pages_of(standing, words)) - 1
        return Move(replace(standing.dialogue, page=min(standing.dialogue.page, last + 1) - 1))
    step = step_before(standing)
    return _fault(standing, words, "first") if step is None else _go(standing.dialogue, step)


def _take_first(standing: Standing, typed: str, words: Words) -> Move:
    """Take a choice of form, place or month; a month that is typed before its screen; or a whole message."""
    if not typed:
        return _fault(standing, words, "empty")
    dialogue, ground = standing.dialogue, standing.ground
    if standing.step == Step.PERIOD:
        at = read_option(typed, len(standing.months))
        if at is not None:
            return _go(replace(dialogue, period=standing.months[at].period), "")
    elif standing.step == Step.PLACE:
        places = [place.code for place in ground.places]
        at = read_option(typed, len(places))
        named = next((code for code in places if code.casefold() == typed.casefold()), None)
        code = named if at is None else places[at]
        if code is not None:
            return _choose_place(standing, code, words)
    else:
        at = read_option(typed, len(standing.forms))
        named_form = next((form for form in standing.forms if typed.lower() in form.keywords), None)
        form = named_form if at is None else standing.forms[at]
        if form is not None:
            return _choose_form(standing, form)
    month = read_month(typed, ground.today)
    if month is not None and (month.is_full or standing.step == Step.PERIOD):
        return _take_month(standing, month, typed, words)
    if any(mark.isalpha() for mark in typed):
        return take_message(standing, typed, words)
    return _fault(standing, words, "option", typed)


def _choose_form(standing: Standing, form: Form) -> Move:
    is_same = form.code == standing.dialogue.form
    return _go(standing.dialogue if is_same else replace(standing.dialogue, form=form.code, period="", values={}), "")


def _choose_place(standing: Standing, code: str, words: Words) -> Move:
    """Choose a place; where the month that was typed before is not offered for it, say so."""
    move = _go(replace(standing.dialogue, place=code), "")
    period = standing.dialogue.period
    offered = standing.ground.months.get((standing.dialogue.form, code), ())
    if period and all(month.period != period for month in offered):
        note = words.say("faults", "month", typed=words.month(period))
        return replace(move, dialogue=replace(move.dialogue, period=""), note=note)
    return move


def plain_form(standing: Standing) -> Form | None:
    """Return the form that was chosen, or the one that bare numbers can stand for: the only one that requires some."""
    with_required = [form for form in standing.forms if form.required]
    return standing.form or (with_required[0] if len(with_required) == 1 else None)


def _offered(standing: Standing, form: Form) -> set[str]:
    """Return the months offered for a form, at the place that was chosen or at any."""
    places = [standing.place] if standing.place else standing.ground.places
    return {month.period for place in places for month in standing.ground.months.get((form.code, place.code), ())}


def _take_month(standing: Standing, month: TypedMonth, typed: str, words: Words) -> Move:
    form = plain_form(standing)
    if form is None:
        return _fault(standing, words, "form_unclear")
    if month.is_swapped:
        return _fault(standing, words, "month_swapped", typed, _typed_month(month.period))
    if month.period not in _offered(standing, form):
        return _fault(standing, words, "month", typed)
    chosen = replace(standing.dialogue, form=form.code, period=month.period)
    return _go(chosen if form.code == standing.dialogue.form else replace(chosen, values={}), "")


def take_message(standing: Standing, typed: str, words: Words) -> Move:
    """Take a whole message (`KB 0925 BARU 12 AKTIF 40`) where it says one report without any doubt."""
    ground = standing.ground
    reading = read_message(typed, ground.today, ground.forms)
    report = reading.reports[0] if reading.kind is Kind.REPORT and len(reading.reports) == 1 else None
    form = next((form for form in ground.forms if report and form.code == report.form), None)
    if report is None or form is None or not report.is_clean or not reading.is_clean:
        return _fault(standing, words, "message")
    place = standing.place.code if standing.place else ""
    if report.facility:
        codes = {one.code.casefold(): one.code for one in ground.places}
        place = codes.get(report.facility.casefold(), "")
        if not place:
            return _fault(standing, words, "message")
    is_assumed = any(repair.code is RepairCode.PERIOD_ASSUMED for repair in report.repairs)
    period = "" if is_assumed else str(report.period)
    places = [place] if place else [one.code for one in ground.places]
    offered = {month.period for code in places for month in ground.months.get((form.code, code), ())}
    if period and period not in offered:
        return _fault(standing, words, "month", words.month(period))
    return Move(Dialogue("", form.code, place, period, dict(report.values)))


def take_numbers(standing: Standing, tokens: Sequence[str], words: Words) -> Move | None:
    """Take `12*40*30` at the first prompt: a whole report for the month that is due. None where it is something else.

    What may as well be walked from screen to screen is not guessed at: the sender writes the month first.
    """
    form = plain_form(standing)
    if standing.step not in FIRST_STEPS or form is None or not form.required:
        return None
    counts = [read_count(token) for token in tokens]
    first_month = read_month(tokens[0], standing.ground.today)
    if not len(form.required) <= len(tokens) <= len(form.at_once) or any(fault for _, fault in counts):
        return None
    if first_month and first_month.is_full:
        return None
    offered = _offered(standing, form)
    choices = {Step.FORM: standing.forms, Step.PLACE: standing.ground.places, Step.PERIOD: standing.months}
    is_option = read_option(tokens[0], len(choices[Step(standing.step)])) is not None
    if is_option or (first_month and first_month.period in offered):
        due = max(offered, default=assumed_period(standing.ground.today))
        return _fault(standing, words, "two_ways", "*".join(tokens), _typed_month(due))
    values = dict(zip(form.at_once, (count for count, _ in counts), strict=False))
    months = standing.ground.months.get((form.code, standing.place.code), ()) if standing.place else ()
    period = next((month.period for month in months[:1] if not (month.is_closed or month.is_reported)), "")
    return _go(replace(standing.dialogue, form=form.code, period=period, values=values), "")


def _take_number(standing: Standing, form: Form, key: str, typed: str, words: Words) -> Move:
    count, fault = read_count(typed)
    if fault:
        return _fault(standing, words, fault)
    values = {**standing.dialogue.values, key: count}
    step = Step.SUMMARY if standing.step == Step.SUMMARY else step_after(form, key, values)
    return _go(replace(standing.dialogue, values=values), step)


def _next_at_once(standing: Standing, form: Form) -> str | None:
    """Find the key of the next bare number behind those that are required; None where it is not its turn."""
    behind = form.at_once[len(form.required) :]
    return next((key for key in behind if key not in standing.dialogue.values), None)


def _take_part(standing: Standing, form: Form, typed: str, words: Words) -> Move:
    values = standing.dialogue.values
    if typed == DONE and values:
        return _go(standing.dialogue, Step.SUMMARY)
    codes = parts_of(form) if standing.step == Step.PARTS else keys_of_part(form, standing.about)
    at = read_option(typed, len(codes))
    if at is None:
        return _fault(standing, words, "option" if typed else "empty", typed)
    is_part = standing.step == Step.PARTS
    return _go(standing.dialogue, step_into(form, codes[at], values) if is_part else f"{Step.NUMBER} {codes[at]}")


def _take_summary(standing: Standing, form: Form, typed: str, words: Words, *, is_seen: bool) -> Move:
    if typed == CHANGE:
        return _go(standing.dialogue, Step.PARTS)
    if typed != SEND:
        return _fault(standing, words, "option" if typed else "empty", typed)
    if say_fault(standing, form, words):
        return _fault(standing, words, "mend_first")
    if not is_seen:
        return _fault(standing, words, "check_first" if len(pages_of(standing, words)) == 1 else "not_shown")
    text = _write(standing, form)
    if text is None:
        return _fault(standing, words, "unsendable")
    return replace(_go(standing.dialogue, ""), sends=text)


def _write(standing: Standing, form: Form) -> str | None:
    """Write the report as a message, and read it again: what would be read otherwise is not sent."""
    dialogue, ground = standing.dialogue, standing.ground
    facilities = [dialogue.place, *([""] if len(ground.places) == 1 else [])]
    for facility in facilities:
        text = write_message(form, facility, dialogue.period, dialogue.values)
        reading = read_message(text, ground.today, ground.forms)
        report = reading.reports[0] if len(reading.reports) == 1 else None
        if report is not None and reading.is_clean and not report.repairs and not report.remark:
            read = (report.form, (report.facility or "").casefold(), report.period, dict(report.values))
            if read == (form.code, facility.casefold(), dialogue.period, dict(dialogue.values)):
                return text
    return None


def _take_answer(standing: Standing, typed: str, words: Words, *, is_last_page: bool) -> Move:
    if not typed:
        return _fault(standing, words, "empty")
    if typed in {YES, NO} and not is_last_page:
        return _fault(standing, words, "not_shown")
    if typed in {NO, BACK}:
        return _go(standing.dialogue, Step.SUMMARY)
    return replace(_go(standing.dialogue, ""), sends="YA" if typed == YES else typed)
