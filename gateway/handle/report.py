"""Take the reports of one message: each is stored as a revision, or asked about; together they get one answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from gateway.handle import accept, asking, closing, notice, places, proof
from gateway.handle.accept import Accepted, Decision
from gateway.handle.facts import Desk
from gateway.handle.limits import limits_for
from gateway.handle.places import Place
from gateway.handle.replies import Reply, example_for
from gateway.reply import compose
from gateway.reply.compose import Stored
from gateway.reply.wordings import Wording
from gateway.segments import fits_one_sms, join_fitting
from gateway.store import reports
from gateway.store.base import Session
from gateway.store.inbox import InboxMessage
from gateway.store.reporters import Reporter
from gateway.store.reports import ReportKey
from gateway.values import InboxState
from parsers.form import Form
from parsers.judge import Facts, Finding, judge
from parsers.merge import merge
from parsers.period import assumed_period
from parsers.problems import ProblemCode
from parsers.reading import NOWHERE, Kind, OpenQuestion, Problem, Reading, ReadReport, RepairCode


@dataclass(frozen=True, slots=True)
class Taken:
    """One report of a message: stored, or open. What its `problems` name is asked; one that waits has some too."""

    form: Form
    report: ReadReport
    place: Place | None
    accepted: Accepted | None = None

    @property
    def is_open(self) -> bool:
        """Whether its sender must be asked something."""
        return bool(self.report.problems)


def take(
    session: Session,
    message: InboxMessage,
    reading: Reading,
    people: Sequence[Reporter],
    day: date,
    desk: Desk,
) -> Reply:
    """Store what is clean, ask about what is not, and return the one answer to both."""
    question = desk.asked.get(message.sender)
    found = list(reading.reports)
    if question is not None:
        found = _put_answer_in(session, message, asking.reopen(question), reading, desk)
    taken = [_take_one(session, message, report, people, day, desk) for report in found]
    person = next((one.place.reporter for one in taken if one.place), people[0])
    wording = desk.rules.wordings[person.language]
    held = desk.asked.get(message.sender)  # a question about something else stays open, and new ones wait
    open_ones = [one for one in taken if one.is_open]
    asked = [_ask(wording, one, people, day, desk) for one in open_ones]
    for one, text in zip(open_ones, asked, strict=True):
        report_id = one.accepted.report_id if one.accepted else None
        asking.keep(session, message, person.id, one.report, report_id, text, desk)
    stored = [one for one in taken if not one.is_open]
    if held is not None and open_ones:
        waits = [_say_part(wording, "waits", one) for one in open_ones]
        return Reply(join_fitting([*_received(wording, stored), *waits], held.text), InboxState.DONE, "waits")
    following = asked[0] if asked else _next_text(session, message.sender, desk)
    if following is None:
        return Reply(_confirm(wording, stored), InboxState.DONE, "confirmed")
    return Reply(join_fitting(_received(wording, stored), following), InboxState.DONE, "asked")


def _put_answer_in(
    session: Session, message: InboxMessage, asked: OpenQuestion, reading: Reading, desk: Desk
) -> list[ReadReport]:
    """Return the reports of a message, the one that answers the open question merged with what was there."""
    same = [report for report in reading.reports if asking.is_same_subject(asked.report, report)]
    if reading.kind is not Kind.FRAGMENT and not same:
        return list(reading.reports)
    asking.close(session, message.sender, desk)
    merged = merge(asked, replace(reading, reports=tuple(same)), desk.rules.form(asked.report.form))
    return [merged, *(report for report in reading.reports if report not in same[:1])]


def _next_text(session: Session, sender: str, desk: Desk) -> str | None:
    question = asking.open_next(session, sender, desk)
    return question.text if question else None


def _received(wording: Wording, stored: Sequence[Taken]) -> list[str]:
    return [_say_part(wording, "kept" if _is_request(one) else "received", one) for one in stored]


def _is_request(taken: Taken) -> bool:
    return taken.accepted is not None and taken.accepted.decision is Decision.CLOSED


def _say_part(wording: Wording, part: str, taken: Taken) -> str:
    return say_part(wording, part, taken.form, taken.report.period)


def say_part(wording: Wording, part: str, form: Form, period: str | None) -> str:
    """Return in a few words what became of a report: `KB Sep 25 diterima.`"""
    month = wording.month(period) if period else ""
    return " ".join(wording.fill(wording.parts[part], form=compose.keyword(form), month=month).split())


def with_next(session: Session, sender: str, said: Reply, short: str, desk: Desk) -> Reply:
    """Return a reply; where a question waited behind the one that it settles, that question after the short words."""
    following = _next_text(session, sender, desk)
    return said if following is None else Reply(join_fitting([short], following), InboxState.DONE, "asked")


def _take_one(
    session: Session, message: InboxMessage, report: ReadReport, people: Sequence[Reporter], day: date, desk: Desk
) -> Taken:
    """Store one report if it can be told what it says; what is implausible waits for its sender's word."""
    form = desk.rules.form(report.form)
    asking.drop_same(session, message.sender, report, desk)
    place, problems = places.choose(report, people, assumed_period(day))
    problems = [*report.problems, *problems]
    if place is None or problems:
        return Taken(form, replace(report, problems=tuple(problems)), place)
    since = _year_before(report.period or assumed_period(day))  # the judge takes the last six that were reported
    history = desk.ledger.history(form.code, place.facility.id, since)
    is_again = _is_read_again(session, message, form, place, report)
    limits = limits_for(desk.chosen, form, place.facility)
    if is_again:
        limits = replace(limits, confirm_changes=0)  # staff have it read again, and know what they do
    known = Facts(
        sent_on=day,
        facility_type=place.facility.type,
        history=history,
        expires_on=desk.ledger.expiries(form, place.facility.id),
        thresholds=limits,
    )
    verdict = judge(report, form, known)
    problems = [*map(_as_problem, verdict.refusals)]
    if not is_again:
        problems += _find_taken_month(report, history)
    problems += _find_repairs_too_many(desk.rules.wordings[place.reporter.language], form, place, report)
    if problems:
        return Taken(form, replace(report, problems=tuple(problems)), place)
    is_closed = closing.is_closed(session, desk, form.code, str(report.period), place.facility.area)
    flags = [_as_flag(finding) for finding in verdict.flags]
    if is_closed:  # nobody is asked about a request: staff see what is doubtful in it
        flags = [closing.flag(str(report.period)), *map(_as_flag, verdict.asks), *flags]
    accepted = accept.accept(
        desk.ledger,
        message,
        report,
        form,
        (place.facility.id, place.reporter.id),
        desk.now,
        waits=bool(verdict.asks),
        is_closed=is_closed,
        flags=flags,
    )
    notice.tell_first_phone(session, message, form, place, accepted, str(report.period), desk)
    doubts = (proof.demand(_as_problem(one)) for one in verdict.asks) if accepted.decision is Decision.WAITS else ()
    return Taken(form, replace(report, problems=tuple(doubts)), place, accepted)


def _year_before(period: str) -> str:
    return f"{int(period[:4]) - 1:04}{period[4:]}"


def _as_problem(finding: Finding) -> Problem:
    return Problem(finding.code, "", NOWHERE, finding.about)


def _as_flag(finding: Finding) -> dict[str, Any]:
    return {"code": finding.code.value, "about": dict(finding.about)}


def _is_read_again(session: Session, message: InboxMessage, form: Form, place: Place, report: ReadReport) -> bool:
    """Return whether the figures of the month are an earlier reading of this very message."""
    if not message.rounds or report.period is None:
        return False
    return reports.is_from(session, ReportKey(form.code, place.facility.id, report.period), message.id)


def _find_taken_month(report: ReadReport, history: Mapping[str, Mapping[str, int]]) -> list[Problem]:
    """Return a problem where no month was written and the assumed one has other numbers already."""
    assumed = any(repair.code is RepairCode.PERIOD_ASSUMED for repair in report.repairs)
    if not assumed or report.period is None or history.get(report.period) in (None, report.values):
        return []
    return [Problem(ProblemCode.PERIOD_TAKEN, "", NOWHERE, {"period": report.period})]


def _find_repairs_too_many(wording: Wording, form: Form, place: Place, report: ReadReport) -> list[Problem]:
    """Return a problem where the confirmation could not name every repair: nothing is repaired in silence."""
    if not report.repairs or compose.confirm(wording, Stored(form, place.facility.name, report, 0)) is not None:
        return []
    first = compose.say_repair(wording, form, report.repairs[0])
    about: dict[str, str | int] = {"count": len(report.repairs), "repair": first}
    return [Problem(ProblemCode.REPAIRS_TOO_MANY, report.repairs[0].written, NOWHERE, about)]


def _ask(wording: Wording, open_one: Taken, people: Sequence[Reporter], day: date, desk: Desk) -> str:
    """Return the question about an open report."""
    report, form = open_one.report, open_one.form
    is_month_asked = any(problem.code.startswith("period") for problem in report.problems)
    month = assumed_period(day) if is_month_asked or not report.period else report.period
    about = {
        "due_month": compose.typed_month(wording, month),
        "example": example_for(desk.rules, wording.code, people, day, form),
        "choices": "/".join(facility.short_name for person in people for facility in person.facilities_in(month)),
        "facility_type": open_one.place.facility.type if open_one.place else "",
    }
    has_several = len({facility.id for person in people for facility in person.facilities}) > 1
    named = open_one.place.facility.name if open_one.place and has_several else ""
    return compose.ask(wording, form, report.period, report.problems, about, named)


def _confirm(wording: Wording, taken: Sequence[Taken]) -> str:
    """Return the answer to reports that were all stored."""
    stored = [as_stored(one.form, one.report, one.place, one.accepted) for one in taken]
    if all(one.accepted and one.accepted.decision is Decision.COUNTS for one in taken):
        text = compose.confirm(wording, stored[0]) if len(stored) == 1 else compose.confirm_several(wording, stored)
        if text is not None:
            return text
    said = [say_decision(wording, one, mine.accepted) for one, mine in zip(stored, taken, strict=True)]
    both = " ".join(said)
    return both if fits_one_sms(both) else said[0]


def as_stored(form: Form, report: ReadReport, place: Place | None, accepted: Accepted | None) -> Stored:
    """Return a stored report as its confirmation names it."""
    assert place is not None
    assert accepted is not None
    before = accepted.before if accepted.decision is Decision.COUNTS else None
    return Stored(form, place.facility.name, report, accepted.report_id, before)


def say_decision(wording: Wording, stored: Stored, accepted: Accepted | None) -> str:
    """Return what became of one report in a sentence: confirmed, or why it does not simply count."""
    assert accepted is not None
    assert stored.report.period is not None
    if accepted.decision is Decision.COUNTS:
        return compose.confirm(wording, stored) or ""
    slots = {
        "form": compose.keyword(stored.form),
        "month": wording.month(stored.report.period),
        "facility": stored.facility,
        "ref": compose.ref_of(stored.report_id),
    }
    is_missing = accepted.decision is Decision.OUTDATED and accepted.before is None  # the later one was taken back
    return wording.fill(wording.answers["outdated_missing" if is_missing else accepted.decision.value], **slots)


def say_with_next(
    session: Session, sender: str, wording: Wording, stored: Stored, accepted: Accepted, desk: Desk
) -> Reply:
    """Return what became of a report that YA has settled, and the question that waited behind it."""
    following = _next_text(session, sender, desk)
    if following is None:
        return Reply(say_decision(wording, stored, accepted), InboxState.DONE, "confirmed")
    one = Taken(stored.form, stored.report, None, accepted)
    return Reply(join_fitting(_received(wording, [one]), following), InboxState.DONE, "asked")


def find_current_values(session: Session, form: str, facility_id: int, period: str) -> Mapping[str, int] | None:
    """Return the numbers that count for a month, or None."""
    current = reports.find_current(session, ReportKey(form, facility_id, period))
    return current.values if current else None
