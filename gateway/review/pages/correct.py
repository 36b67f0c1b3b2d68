"""Correct a report by hand: what was typed, what it changes, and that it was seen before it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flask import Response, request, url_for

from gateway.calendar import shift
from gateway.errors import SomebodyElse
from gateway.handle import by_hand
from gateway.handle.accept import ByHand
from gateway.jobs import OUTBOUND
from gateway.reply import notices, own_words
from gateway.review import decide, enter
from gateway.review.deeds import Office, Seen, read_seen
from gateway.review.enter import Checked
from gateway.review.pages import desk as desks
from gateway.review.pages import frame, sheet, show
from gateway.review.pages.deed_sayings import OWN_WORDS
from gateway.review.pages.desk import LONGEST_WORDS, Desk
from gateway.review.pages.language import mark, translate
from gateway.store import decisions, senders
from gateway.store.base import Session
from gateway.store.reports import Report
from gateway.store.senders import Sender

CORRECTED = mark("Corrected.")
NO_KEY = "0" * 32


@dataclass(frozen=True, slots=True)
class Typed:
    """A correction as it was typed. `looked` is the mark of the changes that were shown before it is kept."""

    fields: Mapping[str, str]
    reason: str = ""
    tells: bool = False
    ticked: Sequence[str] = ()
    seen: str = ""
    looked: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A report that is to be corrected. `is_over`: it is not what stands for its month, or the month is closed."""

    desk: Desk
    report: Report

    @property
    def seen(self) -> Seen:
        """Return the report as it is seen now."""
        return Seen(self.report.id, self.report.state, self.desk.beside.revisions[-1].revision)

    @property
    def sent(self) -> Report | None:
        """Return the newest revision that came by message, if one did."""
        return next((one for one in reversed(self.desk.beside.revisions) if one.inbox_id), None)

    @property
    def is_over(self) -> bool:
        """Tell whether it cannot be corrected any more."""
        return self.report.state not in by_hand.LIVE or self.desk.beside.is_closed


def show_what_is_there(report_id: int) -> Response:
    """Show the report that stands now beside what was typed; where that is what was typed here, all is well."""
    typed = _read_correction()
    with frame.runtime_of_request().database.session(read_only=True) as session:
        case = open_case(session, report_id)
        if case is None:
            return frame.absent()
        key = sheet.sent_key(typed.key, enter.read_fields(typed.fields, case.desk.form, case.desk.period).values)
        mine = next((one for one in case.desk.beside.revisions if one.sent_key == key), None)
        if mine is not None:  # the same page, sent twice
            return frame.go("report.show_report", said=CORRECTED, report_id=mine.id)
        live = case.desk.beside.live
        return show_case(session, replace(case, report=live) if live else case, typed, is_late=True)


def correct(report_id: int) -> Response:
    """Store a correction whose changes were seen; else show what it changes and what is wrong with it.

    Errors: SomebodyElse where the report is not as it was when the page was opened; nothing was kept.
    """
    runtime, typed = frame.runtime_of_request(), _read_correction()
    with runtime.database.session() as session:
        case = open_case(session, report_id)
        if case is None:
            return frame.absent()
        report = enter.read_fields(typed.fields, case.desk.form, case.desk.period)
        checked = enter.check(report, case.desk.form, case.desk.beside.facts, typed.ticked)
        told = read_seen(typed.seen)
        if case.report.state not in by_hand.LIVE or (told and told != case.seen):
            raise SomebodyElse(f"report {report_id} was {typed.seen} and is {case.seen}")
        looked = f"{sheet.sent_key(NO_KEY, report.values)}:{case.seen}"
        is_same = report.values == case.report.values
        fault = _find_reason_fault(typed, case, session)
        if case.is_over or is_same or not checked.is_taken or fault or typed.looked != looked:
            return show_case(session, case, typed, checked=checked, looked=looked, reason_fault=fault)
        made = ByHand(
            key=sheet.sent_key(typed.key, report.values),
            reading=desks.as_reading(checked, {}),
            values=report.values,
            form_version=case.desk.form.version,
            seen_id=None,
            made_by=frame.visitor().id,
            flags=sheet.as_kept_all(checked.flags),
        )
        done = decide.correct(session, _office(), case.seen, made, typed.reason, tell=typed.tells)
        decision = decisions.find(session, done.decision_id, scope=frame.visitor().scope)
        session.commit()
    if done.channel:
        runtime.bells.ring(OUTBOUND, done.channel)
    added = decision.changes["added"] if decision else report_id
    words = mark("Corrected; the midwife is told by SMS.") if done.channel else CORRECTED
    undo = url_for("report.undo_decision", decision_id=done.decision_id)
    return frame.go("report.show_report", said=words, undo=undo, report_id=added)


def open_case(session: Session, report_id: int) -> Case | None:
    """Return a report of the visitor's area to be corrected; None where there is none, or its form is gone."""
    desk = desks.find_desk(session, report_id)
    report = next((one for one in desk.beside.revisions if one.id == report_id), None) if desk else None
    return Case(desk, report) if desk and report else None


def _read_correction() -> Typed:
    given = request.form
    return Typed(
        fields=sheet.read_typed(given),
        reason=" ".join(given.get("reason", "").split())[:LONGEST_WORDS],
        tells=given.get("tell") == "1",
        ticked=given.getlist("sure"),
        seen=given.get("seen", "")[:60],
        looked=given.get("looked", "")[:200],
        key=given.get("key", ""),
    )


def show_case(
    session: Session,
    case: Case,
    given: Typed | None,
    *,
    checked: Checked | None = None,
    looked: str = "",
    reason_fault: str = "",
    is_late: bool = False,
) -> Response:
    """Show a report to be corrected: as it is, or what was typed with what it changes."""
    desk, report = case.desk, case.report
    typed = given or Typed(sheet.as_typed(report.values), tells=report.inbox_id is not None)
    if is_late:
        values = enter.read_fields(typed.fields, desk.form, desk.period).values
        changes = sheet.name_changes(report.values, values, desk.form)
    else:
        changes = sheet.name_changes(report.values, checked.report.values, desk.form) if checked else ()
    has_looked = checked is not None and not checked.refusals and bool(changes)
    faults = {}
    if checked is not None and not checked.refusals and not changes:
        faults["sheet"] = translate(mark("Nothing is different yet. Change a number first."))
    elif reason_fault:
        faults["reason"] = reason_fault
    last = desk.beside.facts.history.get(shift(desk.period, -1), {})
    is_wrong = bool(faults) or (checked is not None and not checked.is_taken)
    return frame.answer(
        "correct.html",
        409 if is_late else 422 if is_wrong else 200,
        case=case,
        desk=desk,
        report=report,
        live=desk.beside.live,
        state=show.REPORT_STATES.get(report.state, show.UNKNOWN_STATE),
        sent=case.sent,
        sender=_find_sender(session, case),
        view=sheet.lay_out(desk.form, typed.fields, last, checked, typed.ticked),
        last_month=shift(desk.period, -1) if last else "",
        changes=changes,
        typed=typed,
        faults=faults,
        seen=case.seen,
        looked=looked if has_looked else "",
        key=sheet.new_key(typed.key),
        is_late=is_late,
    )


def _find_reason_fault(typed: Typed, case: Case, session: Session) -> str:
    """Return what is wrong with the reason: it must be there, and where it goes out by SMS, arrive."""
    if not typed.reason:
        return translate(mark("Please give the reason; it is kept with the correction."))
    if not typed.tells or _find_sender(session, case) is None:
        return ""
    wrong = own_words.find_fault(own_words.tidy_words(typed.reason), notices.room_for_reason())
    if wrong is None:
        return ""
    said = translate(OWN_WORDS[wrong.fault]) % {"about": wrong.about, "over": wrong.over}
    return translate(mark("She is told the reason by SMS: %(fault)s Or take the tick away.")) % {"fault": said}


def _find_sender(session: Session, case: Case) -> Sender | None:
    return senders.find_sender(session, case.sent.id, scope=frame.visitor().scope) if case.sent else None


def _office() -> Office:
    runtime = frame.runtime_of_request()
    forms = {form.code: form for form in runtime.forms}
    return Office(frame.visitor(), runtime.now(), forms, runtime.wordings, runtime.outgoing)
