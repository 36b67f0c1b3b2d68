"""What staff type into a form, from paper or a call: fields in, a report and what is wrong with it out. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from parsers.form import Form, Shape
from parsers.judge import Facts, Finding, judge
from parsers.numbers import MOST, read_numbers, to_count
from parsers.problems import ProblemCode
from parsers.reading import NOWHERE, Problem, ReadReport
from parsers.tidy import TokenKind, tidy
from parsers.words import ZEROS

ALL = ""  # the item of a measure's total


class Source(StrEnum):
    """How a report that staff type reached them."""

    PAPER = "paper"
    CALL = "call"
    LETTER = "letter"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A form laid out as a table: its rows and columns as codes, and the key of each field; None where there is none.

    Shape: the codes are measures in one direction, items in the other; ALL is the column of totals.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    keys: Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Checked:
    """A typed report and what was found: refused, doubtful, or to be looked at. `unsure` are the doubts not ticked."""

    report: ReadReport
    refusals: tuple[Problem | Finding, ...] = ()
    asks: tuple[Finding, ...] = ()
    flags: tuple[Finding, ...] = ()
    unsure: tuple[Finding, ...] = ()

    @property
    def is_taken(self) -> bool:
        """Whether the report can be stored: nothing refuses it, and every doubt was ticked."""
        return not self.refusals and not self.unsure


def lay_out(form: Form) -> Sheet:
    """Return a form as it stands on paper: measures by methods with their total, or items by movements of stock."""
    items = [code for code in form.items if any(code in measure.items for measure in form.measures.values())]
    if form.shape is Shape.ITEM_FIRST:
        pairs = {(item, measure): (measure, item) for item in items for measure in form.measures}
        rows, columns = tuple(items), tuple(form.measures)
    else:
        pairs = {(measure, item): (measure, item) for measure in form.measures for item in (ALL, *items)}
        rows, columns = tuple(form.measures), (ALL, *items)
    keys = {
        place: f"{measure}.{item}" if item else measure
        for place, (measure, item) in pairs.items()
        if item == ALL or item in form.measures[measure].items
    }
    return Sheet(rows, columns, keys)


def read_fields(typed: Mapping[str, str], form: Form, period: str, remark: str = "") -> ReadReport:
    """Return the report that was typed: a field left empty says nothing, 0 and a dash say that there was none.

    Shape: `typed` maps keys (`aktif.pil`) to what stands in their fields; others are left alone. A field that is no
    count is a problem that names its key.
    """
    values: dict[str, int] = {}
    problems: list[Problem] = []
    for key in lay_out(form).keys.values():
        written = " ".join(typed.get(key, "").split())
        if not written:
            continue
        count = read_count(written)
        if isinstance(count, ProblemCode):
            about: dict[str, str | int] = {"key": key}
            most = {"most": MOST} if count is ProblemCode.NUMBER_TOO_LARGE else {}
            problems.append(Problem(count, written[:40], NOWHERE, about | most))
        else:
            values[key] = count
    return ReadReport(form.code, period, values, problems=tuple(problems), remark=remark)


def read_count(written: str) -> int | ProblemCode:
    """Return the count that was typed, or why it is none. Nothing is repaired: whoever typed it is there to be asked.

    >>> read_count("1.500"), read_count("-"), read_count("nihil"), str(read_count("3O")), str(read_count("12,5"))
    (1500, 0, 0, 'number_garbled', 'number_not_whole')
    """
    if written.casefold() in (*ZEROS, "-"):
        return 0
    tokens = read_numbers(tidy(written))
    if len(tokens) == 1 and tokens[0].kind is TokenKind.NUMBER:
        [token] = tokens
        count = to_count(token)
        if count.fault is not None:
            return count.fault
        if token.written == written and not token.is_repaired:
            return count.value
    return ProblemCode.NUMBER_GARBLED


def check(report: ReadReport, form: Form, facts: Facts, ticked: Sequence[str] = ()) -> Checked:
    """Check a typed report by the rules that an SMS goes by. `ticked` are the signs of the doubts that are no mistake.

    Numbers that cannot be read come first, alone: what the rules say without them would change.
    """
    if report.problems:
        return Checked(report, report.problems)
    if not report.values:
        return Checked(report, (Finding(ProblemCode.VALUES_MISSING, {"form": form.code}),))
    verdict = judge(report, form, facts)
    unsure = tuple(doubt for doubt in verdict.asks if sign(doubt) not in ticked)
    return Checked(report, verdict.refusals, verdict.asks, verdict.flags, unsure)


def sign(doubt: Finding) -> str:
    """Return a doubt's sign: another number in it is another doubt, and must be ticked again."""
    told = f"{doubt.code}{sorted(doubt.about.items())}"
    return hashlib.blake2b(told.encode(), digest_size=8).hexdigest()


def find_keys(problem: Problem | Finding, form: Form) -> tuple[str, ...]:
    """Return the keys of the fields that a problem is about, the one beside which it is said first; none for no field.

    >>> from gateway.forms import load_forms
    >>> kb = next(form for form in load_forms() if form.code == "kb")
    >>> about = {"parts": "pasca+gugur", "whole": "baru", "sum": 3, "total": 2, "item": "pil"}
    >>> find_keys(Finding(ProblemCode.PARTS_EXCEED_WHOLE, about), kb)
    ('pasca.pil', 'gugur.pil', 'baru.pil')
    """
    known = set(lay_out(form).keys.values())
    if "parts" in problem.about:
        measures = [*str(problem.about["parts"]).split("+"), *str(problem.about["whole"]).split("+")]
        item = problem.about.get("item")
        named = [f"{measure}.{item}" if item else measure for measure in measures]
    else:
        named = [str(problem.about.get("key", ""))]
    return tuple(key for key in named if key in known)


def find_changes(
    before: Mapping[str, int], after: Mapping[str, int], form: Form | None
) -> tuple[tuple[str, int | None, int | None], ...]:
    """Return what differs between two reports, in the form's order: (key, before, after), None where not given."""
    order = [*(lay_out(form).keys.values() if form else ()), *before, *after]
    pairs = [(key, before.get(key), after.get(key)) for key in dict.fromkeys(order)]
    return tuple(pair for pair in pairs if pair[1] != pair[2])
