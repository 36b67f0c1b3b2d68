"""What stands on a report's page, gathered: the reading, what to look at, the months before, and what was decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from flask import url_for

from gateway.calendar import shift
from gateway.handle import by_hand
from gateway.handle.facts import teach
from gateway.reply.compose import is_known
from gateway.review import enter
from gateway.review.deeds import find_obstacle
from gateway.review.pages import board, frame, show, written
from gateway.review.pages.board import ReportCard
from gateway.review.pages.deed_sayings import VERBS
from gateway.review.pages.language import current_language, mark, translate
from gateway.review.pages.sayings import say_by_hand, say_flag, say_problem, say_repair
from gateway.review.pages.written import Part
from gateway.review.permit import Action
from gateway.runtime import Runtime
from gateway.store import aliases, decisions, questions, reports, senders, whole_reports
from gateway.store.base import Session
from gateway.store.decisions import Decision
from gateway.store.questions import Question
from gateway.store.senders import Sender
from gateway.store.whole_reports import WholeReport
from gateway.values import ReportState, Scope
from parsers.form import Form
from parsers.judge import Facts, Finding, judge
from parsers.reading import ReadReport

MONTHS = 6  # before the report's own


@dataclass(frozen=True, slots=True)
class Row:
    """A figure over the months. `jumps`: a rule finds it doubtful; `counting` counts now, if that is another."""

    name: str
    values: tuple[int | None, ...]
    now: int | None
    jumps: bool
    counting: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A report and everything that is needed to decide about it.

    Shape: `cards` are all revisions, newest first; `parts` is the text with the used words marked, None where nobody
    can tell; `changes` maps a revision to (name, before, after) of what it changed; `proposal` is the same for a report
    that would change the one that counts, `counting`.
    """

    report: WholeReport
    form: Form | None
    values: Mapping[str, int]
    cards: tuple[ReportCard, ...]
    parts: tuple[Part, ...] | None
    repairs: tuple[str, ...]
    findings: tuple[str, ...]
    months: tuple[str, ...]
    rows: tuple[Row, ...]
    changes: Mapping[int, Sequence[tuple[str, int | None, int | None]]]
    counting: ReportCard | None
    proposal: Sequence[tuple[str, int | None, int | None]]
    decisions: tuple[Decision, ...]
    sender: Sender | None
    question: Question | None
    question_state: str
    is_closed: bool

    @property
    def remark(self) -> str:
        """What the reader took for no part of the report."""
        return str(self.report.reading.get("remark") or "")

    @property
    def origin(self) -> list[str]:
        """Where a revision that staff typed comes from, and what they asked about, in words."""
        return say_by_hand(self.report.reading, self.form)


@dataclass(frozen=True, slots=True)
class Told:
    """One decision in words. `undo` is where it can be taken back, empty where it cannot."""

    name: str
    did: str
    at: datetime
    reason: str
    undone_by: str
    undone_at: datetime | None
    undo: str


def find_case(session: Session, report_id: int, runtime: Runtime, scope: Scope) -> Case | None:
    """Return a report with all that stands beside it, or None where there is none within the scope."""
    report = whole_reports.find_whole(session, report_id, scope=scope)
    if report is None:
        return None
    forms = {form.code: form for form in runtime.forms}
    form = forms.get(report.form)
    cards = board.make_cards(session, reports.revisions(session, report.key), forms)
    values = next(card.report.values for card in cards if card.report.id == report.id)
    question, state = questions.latest_of_reports(session, [report.id]).get(report.id, (None, ""))
    facts, is_closed = Facts(sent_on=report.sent_at.date()), False
    if form is not None:
        beside = by_hand.gather(session, form, report.facility_id, report.period, runtime.now())
        day = report.sent_at.astimezone(ZoneInfo(report.timezone)).date()
        facts, is_closed = replace(beside.facts, sent_on=day), beside.is_closed
    found = _judge(report, values, form, facts)
    before = tuple(shift(report.period, -back) for back in range(MONTHS, 0, -1))
    counting = next((card for card in cards if card.report.state in ("accepted", "approved")), None)
    others = {card.report.id: card.report.values for card in cards}
    replaced = {card.report.id: others.get(card.report.replaces_id or 0) for card in cards}
    return Case(
        report=report,
        form=form,
        values=values,
        cards=cards[::-1],
        parts=written.find_parts(report, values, teach(runtime.forms, aliases.approved(session), report.area)),
        repairs=tuple(say_repair(repair, form) for repair in report.reading.get("repairs", ())),
        findings=_say_findings(report, form, found, question),
        months=before,
        rows=_rows(form, values, [facts.history.get(period, {}) for period in before], found, counting),
        changes={one: _name_changes(old, others[one], form) for one, old in replaced.items() if old is not None},
        counting=counting if counting and counting.report.id != report.id else None,
        proposal=_name_changes(counting.report.values, values, form) if counting else (),
        decisions=decisions.history(session, report.key, scope=scope),
        sender=find_sender(session, report, scope),
        question=question,
        question_state=state,
        is_closed=is_closed,
    )


def find_values(session: Session, report: WholeReport) -> Mapping[str, int]:
    """Return the figures of a report."""
    return next(one.values for one in reports.revisions(session, report.key) if one.id == report.id)


def find_sender(session: Session, report: WholeReport, scope: Scope) -> Sender | None:
    """Return who sent the newest revision that came by message: who is told and asked."""
    known = reports.revisions(session, report.key)
    sent = next((one for one in reversed(known) if one.inbox_id and one.reporter_id), None)
    return senders.find_sender(session, sent.id, scope=scope) if sent else None


def find_decision(session: Session, decision_id: int, scope: Scope) -> Decision | None:
    """Return a decision, or None where there is none within the scope."""
    return decisions.find(session, decision_id, scope=scope)


def show_short_month(period: str) -> str:
    """Return a period as it stands over a column: Sep 25."""
    day = date(int(period[:4]), int(period[5:7]), 1)
    words: str = format_date(day, "MMM yy", locale=current_language())
    return words


def say_history(case: Case, now: datetime) -> list[Told]:
    """Return what was decided about a report, newest first; the last of it can be taken back for a day."""
    latest = next((one for one in case.decisions if one.undone_at is None), None)
    known = [card.report for card in reversed(case.cards)]
    told = []
    for one in case.decisions:
        can_be_undone = frame.may(Action.DECIDE) and find_obstacle(one, latest, known, now) is None
        address = url_for("report.undo_decision", decision_id=one.id) if can_be_undone else ""
        did = translate(VERBS.get(one.action, one.action))
        told.append(Told(one.user_name, did, one.at, one.reason, one.undone_by or "", one.undone_at, address))
    return told


def say_meanwhile(case: Case) -> str:
    """Return what somebody else did, or what came in, while a page was open; what they wanted was not done."""
    newest = case.cards[0].report
    last = next(iter(case.decisions), None)
    if last is not None and max(last.at, last.undone_at or last.at) >= newest.created_at:
        if last.undone_at is not None:
            words = translate(
                mark("Somebody else was first: %(name)s took a decision back. Nothing of yours was done.")
            )
            return words % {"name": last.undone_by}
        words = translate(mark("Somebody else was first: %(name)s %(did)s. Nothing of yours was done."))
        return words % {"name": last.user_name, "did": translate(VERBS.get(last.action, last.action))}
    words = translate(mark("Revision %(number)s has come in meanwhile. Nothing of yours was done."))
    return words % {"number": newest.revision}


def _judge(report: WholeReport, values: Mapping[str, int], form: Form | None, facts: Facts) -> tuple[Finding, ...]:
    if form is None or report.state in (ReportState.REPLACED, ReportState.WITHDRAWN):
        return ()
    known = {key: value for key, value in values.items() if is_known(form, key)}
    verdict = judge(ReadReport(report.form, report.period, known), form, facts)
    return (*verdict.asks, *verdict.flags)


def _say_findings(
    report: WholeReport, form: Form | None, found: Sequence[Finding], question: Question | None
) -> tuple[str, ...]:
    """Return what to look at, each once: what was found then, what the sender was asked, what the rules find now."""
    asked: Sequence[Mapping[str, Any]] = question.reading.get("problems", ()) if question else ()
    said = [
        *(say_flag(flag, form) for flag in report.flags),
        *(say_problem(problem, form) for problem in asked),
        *(say_problem(finding, form) for finding in found),
    ]
    return tuple(dict.fromkeys(said))


def _rows(
    form: Form | None,
    values: Mapping[str, int],
    before: Sequence[Mapping[str, int]],
    found: Sequence[Finding],
    counting: ReportCard | None,
) -> tuple[Row, ...]:
    now = counting.report.values if counting else {}
    known = {*values, *now, *(key for month in before for key in month)}
    order = [key for key in enter.lay_out(form).keys.values() if key in known] if form else []
    doubtful = {str(finding.about.get("key", "")) for finding in found}
    keys = [*order, *sorted(known.difference(order))]
    return tuple(
        Row(
            name=show.name_key(form, key),
            values=tuple(month.get(key) for month in before),
            now=values.get(key),
            jumps=key in doubtful,
            counting=now.get(key),
        )
        for key in keys
    )


def _name_changes(
    before: Mapping[str, int], after: Mapping[str, int], form: Form | None
) -> tuple[tuple[str, int | None, int | None], ...]:
    return tuple((show.name_key(form, key), old, new) for key, old, new in enter.find_changes(before, after, form))
