"""Proof: digits that only the registered phone can have read, for a sender's number can be forged on the network."""

from __future__ import annotations

import secrets
from dataclasses import replace

from gateway.handle import asking
from gateway.handle.facts import Desk
from gateway.handle.reading_json import from_json, to_json
from gateway.store import questions
from gateway.store.base import Session
from gateway.store.inbox import InboxMessage
from gateway.store.questions import Question
from parsers.commands import COMMAND_OF
from parsers.problems import ProblemCode
from parsers.reading import CommandName, Problem

DIGITS = 3  # answers hold no four digits in a row: local routes drop them
TRIES = 3
_AROUND = " \t\r\n.,:;!-#"


def demand(problem: Problem) -> Problem:
    """Return a problem as it is asked: one about changed figures with digits that its answer must bring."""
    if problem.code != ProblemCode.FIGURES_CHANGED:
        return problem
    return replace(problem, about={**problem.about, "proof": f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"})


def find_due(message: InboxMessage, question: Question | None, desk: Desk) -> str:
    """Return the digits that a YA to a question must bring; empty where none are due, as on the screen of a session."""
    if question is None or message.id == desk.shown_id:
        return ""
    problems = from_json(question.reading).problems
    return next((str(problem.about["proof"]) for problem in problems if "proof" in problem.about), "")


def find_given(text: str, due: str) -> str | None:
    """Return the digits behind a YA, empty where it has none; None for what is no YA. The right digits alone are one.

    >>> find_given("Ya 482.", "482"), find_given("YA", "482"), find_given("482", "482"), find_given("KB 0925", "482")
    ('482', '', '482', None)
    """
    bare = text.strip(_AROUND)
    if bare == due:
        return bare
    has_digits = bare[-DIGITS:].isascii() and bare[-DIGITS:].isdecimal()
    said, given = (bare[:-DIGITS], bare[-DIGITS:]) if has_digits else (bare, "")
    return given if COMMAND_OF.get(said.strip(_AROUND).lower()) is CommandName.YES else None


def note_wrong(session: Session, question: Question, desk: Desk) -> bool:
    """Count wrong digits; True when there were too many: whoever guesses does not know what the phone was told."""
    report = from_json(question.reading)
    tried = 1 + max(int(problem.about.get("tried", 0)) for problem in report.problems)
    if tried >= TRIES:
        asking.close(session, question.sender, desk, questions.EXPIRED)
        return True
    counted = (replace(problem, about={**problem.about, "tried": tried}) for problem in report.problems)
    reading = to_json(replace(report, problems=tuple(counted)))
    questions.reword(session, question.id, reading)
    desk.asked[question.sender] = replace(question, reading=reading)
    return False
