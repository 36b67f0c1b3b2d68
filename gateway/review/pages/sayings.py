"""What was found in a report, in words for staff: every problem and flag of the rules, every repair of the reader."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any

from babel.dates import format_date

from gateway.handle.by_hand import BY_SYSTEM
from gateway.handle.closing import MONTH_CLOSED
from gateway.review.enter import Source
from gateway.review.pages import show
from gateway.review.pages.language import current_language, mark, translate
from parsers.form import Form
from parsers.judge import Finding
from parsers.problems import ProblemCode
from parsers.reading import Problem, RepairCode

REPAIRS: Mapping[str, str] = {
    RepairCode.SPELLING: mark("“%(written)s” was read as %(read)s."),
    RepairCode.DIGITS: mark("“%(written)s” was read as the number %(read)s."),
    RepairCode.PERIOD_ASSUMED: mark("No month was written; %(read)s was taken."),
    RepairCode.FORM_INFERRED: mark("No keyword was written; it was read as %(read)s."),
}
PROBLEMS: Mapping[str, str] = {
    ProblemCode.MESSAGE_TOO_LONG: mark("The message is longer than %(most)s characters; only a person can read it."),
    ProblemCode.FORM_UNCLEAR: mark("The form is not named, and it fits more than one: %(forms)s."),
    ProblemCode.COMMAND_UNCLEAR: mark("“%(words)s” is a command inside a report: which of the two is meant?"),
    ProblemCode.WORD_UNKNOWN: mark("“%(words)s” is a word that no form knows."),
    ProblemCode.WORD_AMBIGUOUS: mark("“%(words)s” may mean several things: %(meanings)s."),
    ProblemCode.WORD_NEGATED: mark("“%(words)s”: there is a “not” before it. Is it zero, or not counted?"),
    ProblemCode.NUMBER_MISSING: mark("%(key)s has no number."),
    ProblemCode.NUMBER_STRAY: mark("The number “%(words)s” belongs to no word."),
    ProblemCode.NUMBER_NOT_WHOLE: mark("“%(words)s” is not a whole number."),
    ProblemCode.NUMBER_RANGE: mark("“%(words)s” is a range; one number is needed."),
    ProblemCode.NUMBER_SIGNED: mark("“%(words)s” has a plus or minus sign; a plain number is needed."),
    ProblemCode.NUMBER_GARBLED: mark("“%(words)s” cannot be read as a number."),
    ProblemCode.NUMBER_MONTH: mark("“%(words)s” is written as a month, not as a count."),
    ProblemCode.NUMBER_UNIT: mark("“%(words)s”: what is counted is not the unit of %(item)s."),
    ProblemCode.NUMBER_TOO_LARGE: mark("The number is too large; the most is %(most)s."),
    ProblemCode.NUMBERS_NOT_FOUR: mark("%(item)s has %(count)s numbers, but %(due)s are due."),
    ProblemCode.ORDER_UNCLEAR: mark("“%(words)s”: it is not clear which number belongs to which word."),
    ProblemCode.KEY_TWICE: mark("%(key)s stands there twice: %(first)s and %(second)s."),
    ProblemCode.ITEM_NOT_ALLOWED: mark("%(item)s is not counted under %(measure)s."),
    ProblemCode.ITEM_MISSING: mark("“%(words)s” stands there without the item it is about."),
    ProblemCode.MEASURE_MISSING: mark("%(key)s is missing. If there were none, enter 0."),
    ProblemCode.VALUES_MISSING: mark("There is no number in it yet."),
    ProblemCode.PERIOD_UNCLEAR: mark("It is not clear which month is meant."),
    ProblemCode.PERIOD_SWAPPED: mark("The month is not plain; is %(period)s meant?"),
    ProblemCode.PERIODS_DIFFER: mark("Two months are named: %(first)s and %(second)s."),
    ProblemCode.PERIOD_FUTURE: mark("%(period)s has not begun yet."),
    ProblemCode.PERIOD_OLD: mark("%(period)s is too long ago."),
    ProblemCode.PERIOD_RUNNING: mark("%(period)s is not over yet."),
    ProblemCode.PERIOD_TAKEN: mark("No month was written, and %(period)s already has other numbers."),
    ProblemCode.PERIOD_LATE: mark("This month lies %(months)s months back."),
    ProblemCode.FACILITY_MISSING: mark("She reports for several facilities and named none."),
    ProblemCode.FACILITY_UNKNOWN: mark("“%(facility)s” is not a facility that she reports for."),
    ProblemCode.REPAIRS_TOO_MANY: mark(
        "%(count)s words were read differently from what was written; too many to be sure."
    ),
    ProblemCode.SUM_EXCEEDS_TOTAL: mark("%(key)s: the methods add up to %(sum)s, more than the total of %(total)s."),
    ProblemCode.ITEM_MISPLACED: mark("%(key)s is more than the total of %(total)s. Does it belong to %(other)s?"),
    ProblemCode.PARTS_EXCEED_WHOLE: mark("%(parts)s make %(sum)s together, more than %(whole)s (%(total)s)."),
    ProblemCode.EQUATION_FAILS: mark("%(key)s says %(written)s, but the other numbers give %(expected)s."),
    ProblemCode.SUM_DIFFERS: mark("%(key)s: the methods add up to %(sum)s, but the total says %(total)s."),
    ProblemCode.KINDS_AND_WHOLE: mark("A method and one of its kinds were both given: %(key)s."),
    ProblemCode.FIGURES_CHANGED: mark(
        "%(key)s is %(value)s; %(previous)s counted until then. Did she change it herself?"
    ),
    ProblemCode.OPENING_DIFFERS: mark("%(key)s is %(value)s, but last month closed with %(previous)s."),
    ProblemCode.ACTIVE_BELOW_NEW: mark("%(key)s is %(value)s, fewer than the %(least)s new users of this month."),
    ProblemCode.VALUE_JUMPS: mark("%(key)s is %(value)s; usual here is about %(usual)s. Is it a slip of a digit?"),
    ProblemCode.VALUE_MOVES: mark("%(key)s is %(value)s; last month it was %(previous)s."),
    ProblemCode.ALL_ZERO: mark("Every number is zero; usual here is about %(usual)s in all."),
    ProblemCode.ITEM_UNUSUAL: mark("%(item)s is not usually offered by this type of facility (%(facility_type)s)."),
    ProblemCode.CAP_EXCEEDED: mark("%(key)s is %(value)s; more than %(most)s is unusual for this type of facility."),
    ProblemCode.UNIT_DOUBTFUL: mark("%(key)s is %(value)s: counted in pieces, perhaps, and not in dozens?"),
    ProblemCode.SAME_AS_LAST: mark("Every number equals the month before’s."),
    ProblemCode.STOCK_EXPIRED: mark("%(key)s: the stock expired on %(expires)s."),
    ProblemCode.STOCK_EXPIRING: mark("%(key)s: the stock expires on %(expires)s."),
    MONTH_CLOSED: mark("%(period)s was closed when this came. It does not count; open the month again to take it."),
}
SOURCES: Mapping[Source, str] = {
    Source.PAPER: mark("On paper"),
    Source.CALL: mark("By phone call"),
    Source.LETTER: mark("By letter or note"),
}
BY_HAND: Mapping[str, str] = {
    Source.PAPER: mark("Typed by %(by)s from paper, received from %(who)s on %(day)s."),
    Source.CALL: mark("Typed by %(by)s from a phone call by %(who)s on %(day)s."),
    Source.LETTER: mark("Typed by %(by)s from a letter, received from %(who)s on %(day)s."),
    BY_SYSTEM: mark("Sent by another system, “%(by)s”, through the API."),
}
BY_HAND_PLAIN = mark("Typed by %(by)s.")
UNKNOWN_PROBLEM = mark("Something that this page has no words for: %(code)s.")
UNKNOWN_REPAIR = mark("“%(written)s” was read as %(read)s.")
_MONTHS = {"period", "first", "second"}  # slots that hold a period, or a number where the code is about numbers
_CODES = {"key", "item", "measure", "other", "kind"}


def say_problem(problem: Problem | Finding | Mapping[str, Any], form: Form | None) -> str:
    """Return in words what is wrong with a report, what is doubtful about it, or what staff should look at.

    Shape: a reader's problem, a judge's finding, or either as it is kept: {"code", "about"} and perhaps {"words"}.
    """
    kept = problem if isinstance(problem, Mapping) else _as_kept(problem)
    about: Mapping[str, Any] = kept.get("about") or {}
    said = {name: _say_slot(name, value, form) for name, value in about.items()}
    said |= {"code": str(kept.get("code", "")), "words": str(kept.get("words") or about.get("value", ""))}
    return translate(PROBLEMS.get(said["code"], UNKNOWN_PROBLEM)) % defaultdict(str, said)


say_flag = say_problem


def say_by_hand(reading: Mapping[str, Any], form: Form | None) -> list[str]:
    """Return in words where a revision that staff typed comes from, and which doubts they have asked about.

    Shape: what is kept beside a revision (`reading_json`), with {"by_hand": {"source", "who", "received_on", "by",
    "sure": [{"code", "about"}]}}; nothing is said where that is missing.
    """
    told = reading.get("by_hand")
    if not isinstance(told, Mapping):
        return []
    slots = {name: str(told.get(name, "")) for name in ("by", "who")} | {"day": _show_day(str(told.get("received_on")))}
    words = BY_HAND.get(told.get("source", ""), BY_HAND_PLAIN)
    doubts = [say_problem(doubt, form) for doubt in told.get("sure", ())]
    asked = translate(mark("Asked about and confirmed: %(doubt)s"))
    return [translate(words) % slots, *(asked % {"doubt": doubt} for doubt in doubts)]


def say_repair(repair: Mapping[str, Any], form: Form | None) -> str:
    """Return in words what was read differently from what was written. Shape: one of `reading_json`'s repairs."""
    code, read = repair.get("code", ""), str(repair.get("read", ""))
    if code == RepairCode.SPELLING:
        read = show.name_key(form, read)
    elif code == RepairCode.PERIOD_ASSUMED:
        read = show.show_month(read)
    elif code == RepairCode.FORM_INFERRED and form:
        read = form.name(current_language())
    words = translate(REPAIRS.get(code, UNKNOWN_REPAIR))
    return words % {"written": repair.get("written", ""), "read": read}


def _as_kept(problem: Problem | Finding) -> dict[str, Any]:
    words = problem.words if isinstance(problem, Problem) else ""
    return {"code": str(problem.code), "words": words, "about": problem.about}


def _say_slot(name: str, value: object, form: Form | None) -> str:
    """Return what stands in a slot as people here write it."""
    if isinstance(value, int):
        return show.show_count(value)
    words = str(value)
    if name in _CODES:
        return show.name_key(form, words)
    if name in ("parts", "whole"):
        return " + ".join(show.name_key(form, part) for part in words.split("+"))
    if name in _MONTHS and _is_period(words):
        return show.show_month(words)
    if name == "expires":
        return _show_day(words)
    return words


def _is_period(words: str) -> bool:
    year, _, month = words.partition("-")
    return len(words) == 7 and year.isdecimal() and month.isdecimal() and 1 <= int(month) <= 12


def _show_day(words: str) -> str:
    try:
        return str(format_date(date.fromisoformat(words), "d MMMM y", locale=current_language()))
    except ValueError:
        return words
