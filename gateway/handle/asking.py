"""Keep what a sender was asked: one question is open, others wait for their turn, and an answer finds its own."""

from __future__ import annotations

from datetime import timedelta

from gateway.handle.facts import Desk
from gateway.handle.reading_json import from_json, to_json
from gateway.store import outbox, questions
from gateway.store.base import Session
from gateway.store.inbox import InboxMessage
from gateway.store.questions import ANSWERED, NEXT, OPEN, REPLACED, Question
from parsers.reading import OpenQuestion, ReadReport, RepairCode

TIME_ON_SCREEN = timedelta(minutes=5)  # a question that a USSD screen shows goes by SMS then: the session may be cut


def reopen(question: Question) -> OpenQuestion:
    """Return an open question as the reader and the merger know it."""
    report = from_json(question.reading)
    return OpenQuestion(report, tuple(problem.code for problem in report.problems))


def is_same_subject(asked: ReadReport, report: ReadReport) -> bool:
    """Return whether a report is the one that was asked about, sent again: same form, and nothing says otherwise.

    A month that was asked about, or not written now, and a place that was not told, say nothing otherwise.
    """
    month_asked = any(problem.code.startswith("period") for problem in asked.problems)
    month_assumed = any(repair.code is RepairCode.PERIOD_ASSUMED for repair in report.repairs)
    place_asked = any(problem.code.startswith("facility") for problem in asked.problems)
    return (
        asked.form == report.form
        and (asked.period in (None, report.period) or month_asked or month_assumed)
        and (place_asked or None in (asked.facility, report.facility) or asked.facility == report.facility)
    )


def keep(
    session: Session,
    message: InboxMessage,
    reporter_id: int,
    report: ReadReport,
    report_id: int | None,
    text: str,
    desk: Desk,
) -> None:
    """Open a question about a report, or let it wait where another is open."""
    is_free = message.sender not in desk.asked
    question = questions.ask(
        session,
        sender=message.sender,
        reporter_id=reporter_id,
        inbox_id=message.id,
        report_id=report_id,
        reading=to_json(report),
        text=text,
        asked_at=desk.now,
        state=OPEN if is_free else NEXT,
    )
    if is_free:
        desk.asked[message.sender] = question
    else:
        desk.in_line.add(message.sender)


def close(session: Session, sender: str, desk: Desk, state: str = ANSWERED) -> None:
    """Close the open question of a sender, if there is one."""
    question = desk.asked.pop(sender, None)
    if question is not None:
        questions.close(session, question.id, state, desk.now)
        if question.asked_at + TIME_ON_SCREEN > desk.now:
            outbox.withhold_shown(session, sender)


def drop_same(session: Session, sender: str, report: ReadReport, desk: Desk) -> None:
    """Close the questions waiting for their turn that a report sent now makes idle."""
    if sender not in desk.in_line:
        return
    for waiting in questions.next_questions(session, sender):
        if is_same_subject(from_json(waiting.reading), report):
            questions.close(session, waiting.id, REPLACED, desk.now)


def open_next(session: Session, sender: str, desk: Desk) -> Question | None:
    """Open the next question of a sender who has answered hers, and return it."""
    if sender in desk.asked or sender not in desk.in_line:
        return None
    question = questions.open_next(session, sender, desk.now)
    if question is not None:
        desk.asked[sender] = question
    return question
