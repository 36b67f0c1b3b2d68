"""Take the reports of one message: each is stored as a revision, or asked about; together they get one answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from gateway.handle import accept, places
from gateway.handle.accept import Accepted, Decision
from gateway.handle.facts import Desk
from gateway.handle.places import Place
from gateway.handle.reading_json import from_json, to_json
from gateway.handle.replies import Reply, example_for
from gateway.reply import compose
from gateway.reply.compose import Stored
from gateway.reply.segments import fits_one_sms
from gateway.reply.wordings import Wording
from gateway.store import questions, reports
from gateway.store.base import Session
from gateway.store.inbox import InboxMessage
from gateway.store.questions import Question
from gateway.store.reporters import Reporter
from gateway.store.reports import ReportKey
from gateway.values import InboxState
from parsers.form import Form
from parsers.judge import Facts, judge
from parsers.merge import OpenQuestion, merge
from parsers.period import assumed_period
from parsers.problems import ProblemCode
from parsers.reading import Kind, Problem, Reading, ReadReport, RepairCode, Span

NOWHERE = Span(0, 0)  # where a problem speaks of nothing that was written


@dataclass(frozen=True, slots=True)
class Taken:
    """One report of a message: stored, with what that decided, or open, with its problems."""

    form: Form
    report: ReadReport
    place: Place | None
    accepted: Accepted | None = None


def reopen(question: Question) -> OpenQuestion:
    """Return an open question as the reader and the merger know it."""
    report = from_json(question.reading)
    return OpenQuestion(report, tuple(problem.code for problem in report.problems))


def take(
    session: Session,
    message: InboxMessage,
    reading: Reading,
    asked: OpenQuestion | None,
    people: Sequence[Reporter],
    day: date,
    desk: Desk,
) -> Reply:
    """Store what is clean, ask about what is not, and return the one answer to both."""
    found = list(reading.reports)
    if reading.kind is Kind.FRAGMENT and asked:
        found = [merge(asked, reading)]
    answers_question = asked is not None and any(report.form == asked.report.form for report in found)
    taken = [_take_one(session, message, report, people, day, desk) for report in found]
    open_ones = [one for one in taken if one.accepted is None]
    if answers_question or (asked and open_ones):
        questions.close(session, message.sender, "answered" if answers_question else "replaced", desk.now)
        desk.asked.pop(message.sender, None)
    person = next((one.place.reporter for one in taken if one.place), people[0])
    wording = desk.rules.wordings[person.language]
    if not open_ones:
        return Reply(_confirm(wording, taken), InboxState.DONE, "confirmed")
    text = _ask(wording, open_ones[0], taken, people, day, desk)
    _keep_question(session, message, person, open_ones[0], text, desk)
    return Reply(text, InboxState.DONE, "asked")


def _take_one(
    session: Session, message: InboxMessage, report: ReadReport, people: Sequence[Reporter], day: date, desk: Desk
) -> Taken:
    """Store one report if nothing about it needs asking."""
    form = desk.rules.form(report.form)
    place, problems = places.choose(report, people)
    problems = [*report.problems, *problems]
    if place and not problems:
        problems += _judge(session, report, form, place, day)
        problems += _repairs_that_do_not_fit(desk.rules.wordings[place.reporter.language], form, place, report)
    if place is None or problems:
        return Taken(form, replace(report, problems=tuple(problems)), place)
    accepted = accept.accept(session, message, report, form, place.facility.id, place.reporter.id, desk.now)
    return Taken(form, report, place, accepted)


def _judge(session: Session, report: ReadReport, form: Form, place: Place, day: date) -> list[Problem]:
    """Return what is implausible or impossible about a report, beside what is known of its facility."""
    verdict = judge(report, form, Facts(sent_on=day, facility_type=place.facility.type))
    problems = [Problem(one.code, one.words, NOWHERE, one.about) for one in verdict.findings if one.is_asked]
    assumed = any(repair.code is RepairCode.PERIOD_ASSUMED for repair in report.repairs)
    if assumed and not problems and report.period:
        current = reports.find_current(session, ReportKey(form.code, place.facility.id, report.period))
        if current and current.values != report.values:
            problems.append(Problem(ProblemCode.PERIOD_TAKEN, "", NOWHERE, {"period": report.period}))
    return problems


def _repairs_that_do_not_fit(wording: Wording, form: Form, place: Place, report: ReadReport) -> list[Problem]:
    """Return a problem where the confirmation could not name every repair: nothing is repaired in silence."""
    if compose.confirm(wording, Stored(form, place.facility.name, report, 0)) is not None:
        return []
    first = compose.say_repair(wording, form, report.repairs[0])
    about = {"count": len(report.repairs), "repair": first}
    return [Problem(ProblemCode.REPAIRS_TOO_MANY, report.repairs[0].written, NOWHERE, about)]


def _keep_question(
    session: Session, message: InboxMessage, person: Reporter, taken: Taken, text: str, desk: Desk
) -> None:
    questions.ask(
        session,
        sender=message.sender,
        reporter_id=person.id,
        inbox_id=message.id,
        reading=to_json(taken.report),
        text=text,
        asked_at=desk.now,
    )
    desk.asked.update(questions.open_questions(session, [message.sender]))


def _ask(
    wording: Wording, open_one: Taken, taken: Sequence[Taken], people: Sequence[Reporter], day: date, desk: Desk
) -> str:
    """Return the question about the first open report, after what was received of the others, where that fits."""
    report, form = open_one.report, open_one.form
    due = report.period or assumed_period(day)
    about = {
        "due_month": compose.typed_month(wording, due),
        "example": example_for(desk.rules, wording.code, day, form),
        "choices": "/".join(facility.short_name for person in people for facility in person.facilities),
        "facility_type": open_one.place.facility.type if open_one.place else "",
    }
    question = compose.ask(wording, form, report.period, report.problems, about)
    received = [
        wording.fill(
            wording.parts["received"], form=one.form.keywords[0].upper(), month=wording.month(one.report.period)
        )
        for one in taken
        if one.accepted and one.report.period
    ]
    both = " ".join([*received, question])
    return both if fits_one_sms(both) else question


def _confirm(wording: Wording, taken: Sequence[Taken]) -> str:
    """Return the answer to reports that were all stored."""
    stored = [_as_stored(one) for one in taken]
    if all(one.accepted and one.accepted.decision is Decision.COUNTS for one in taken):
        text = compose.confirm(wording, stored[0]) if len(stored) == 1 else compose.confirm_several(wording, stored)
        if text is not None:
            return text
    said = [_say_decision(wording, one) for one in taken]
    both = " ".join(said)
    return both if fits_one_sms(both) else said[0]


def _as_stored(taken: Taken) -> Stored:
    assert taken.accepted is not None
    assert taken.place is not None
    before = taken.accepted.before if taken.accepted.decision is Decision.COUNTS else None
    return Stored(taken.form, taken.place.facility.name, taken.report, taken.accepted.report_id, before)


def _say_decision(wording: Wording, taken: Taken) -> str:
    """Return what became of one report, for the one that does not simply count."""
    stored = _as_stored(taken)
    assert taken.accepted is not None
    assert taken.report.period is not None
    if taken.accepted.decision is Decision.COUNTS:
        return compose.confirm(wording, stored) or ""
    return wording.fill(
        wording.answers[taken.accepted.decision.value],
        form=stored.form.keywords[0].upper(),
        month=wording.month(taken.report.period),
        facility=stored.facility,
        **({"ref": compose.ref_of(stored.report_id)} if taken.accepted.decision is Decision.PROPOSED else {}),
    )
