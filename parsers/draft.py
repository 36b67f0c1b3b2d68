"""A report while it is being read: values, repairs and problems as they are found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from parsers.form import Form
from parsers.marks import Mark
from parsers.numbers import MOST
from parsers.problems import ProblemCode
from parsers.reading import NOWHERE, Fragment, Problem, ReadReport, Repair, RepairCode, Span


class Message(NamedTuple):
    """What is being read: the text as it was given, the day it was sent, and the forms that it may be."""

    text: str
    sent_on: date
    forms: tuple[Form, ...]


@dataclass(slots=True)
class Draft:
    """One report or fragment while it is being read.

    Shape: `spans` says where each value's word and number stand, and under "period" the month. `keyword` is the form's
    keyword as it was written; it stands for what was left out.
    """

    text: str
    form: Form
    keyword: Mark | None = None
    period: str | None = None
    is_period_written: bool = False
    facility: str | None = None
    values: dict[str, int] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    repairs: list[Repair] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    remark: str = ""
    missing: set[str] = field(default_factory=set)  # keys that were named without a number
    has_unknown: bool = False  # whether a word stands in it that no form knows
    has_pair: bool = False  # whether a known word stands with a number, good or bad

    def ask(self, code: ProblemCode, span: Span, **about: str | int | None) -> None:
        """Put down a problem; what is None in `about` is not known and left out."""
        known = {key: value for key, value in about.items() if value is not None}
        self.problems.append(Problem(code, self.text[span.start : span.end], span, known))

    def ask_about(self, code: ProblemCode, marks: Sequence[Mark], **about: str | int | None) -> None:
        """Put down a problem with the words of some marks, which stand in the order of the text."""
        self.ask(code, span_of(marks), **about)

    def ask_about_number(self, code: ProblemCode, marks: Sequence[Mark], key: str) -> None:
        """Put down why the number of a key is none."""
        item = key.partition(".")[2] if code is ProblemCode.NUMBER_UNIT else None
        self.ask_about(code, marks, key=key, item=item, most=MOST if code is ProblemCode.NUMBER_TOO_LARGE else None)

    def note_repairs(self, marks: Sequence[Mark]) -> None:
        """Put down every misspelt word and every number with letters for digits."""
        for mark in marks:
            if mark.is_near:
                self.repairs.append(Repair(RepairCode.SPELLING, mark.tokens[0].written, mark.code, mark.tokens[0].span))
            for token in mark.tokens:
                if token.is_repaired and (token.fault is None or len(token.parts) > 1):
                    self.repairs.append(Repair(RepairCode.DIGITS, token.written, token.word, token.span))

    def to_report(self) -> ReadReport:
        """Make the report that comes out, with repairs and problems in the order of the text."""
        return ReadReport(
            form=self.form.code,
            period=self.period,
            values=self.values,
            facility=self.facility,
            repairs=tuple(sorted(self.repairs, key=_place_of_repair)),
            problems=tuple(sorted(self.problems, key=_place_of_problem)),
            remark=self.remark,
            spans=self.spans | ({"keyword": self.keyword.span} if self.keyword else {}),
        )

    def to_fragment(self) -> Fragment:
        """Make the fragment that comes out; its period only if one was written."""
        return Fragment(
            values=self.values,
            form=self.form.code,
            period=self.period if self.is_period_written else None,
            facility=self.facility,
            repairs=tuple(sorted(self.repairs, key=_place_of_repair)),
            problems=tuple(sorted(self.problems, key=_place_of_problem)),
            spans=self.spans,
        )


def span_of(marks: Sequence[Mark]) -> Span:
    """Say where some marks stand, from the first of them to the last."""
    return Span(marks[0].span.start, marks[-1].span.end)


def _place_of_repair(repair: Repair) -> tuple[bool, int]:
    return repair.span is None, repair.span.start if repair.span else 0


def _place_of_problem(problem: Problem) -> tuple[bool, int]:
    return problem.span == NOWHERE, problem.span.start
