"""One report: its text beside its reading, what to look at, the months before, its history, and what to do with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, request, url_for

from gateway.errors import Raced, SomebodyElse
from gateway.jobs import OUTBOUND
from gateway.reply import notices, own_words
from gateway.reply.chosen import find_wording
from gateway.reply.notices import About
from gateway.review import decide, undo
from gateway.review.deeds import DEEDS, CannotDo, Deed, Done, Office, Seen, read_seen
from gateway.review.pages import case as cases
from gateway.review.pages import frame, show
from gateway.review.pages.case import Case
from gateway.review.pages.deed_sayings import DONE, OWN_WORDS, WHY_NOT
from gateway.review.pages.language import mark, translate
from gateway.review.pages.queue import address_of, read_wished
from gateway.review.permit import Action
from gateway.store import export_changes, queue, whole_reports
from gateway.store.base import Session
from gateway.store.senders import Sender
from gateway.store.whole_reports import WholeReport
from gateway.values import COUNTING

LONGEST_REASON = 300
OWN = "own"  # the question in staff's own words

routes = frame.make_routes("report")


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed to decide about a report; shown again where it cannot be done."""

    deed: str = ""
    reason: str = ""
    tells: bool = True
    question: str = notices.ALL
    words: str = ""


@routes.get("/reports/<int:report_id>")
def show_report(report_id: int) -> Response:
    """Show one revision of a report."""
    return _show(report_id, Typed())


@routes.post("/reports/<int:report_id>/<deed>")
def decide_report(report_id: int, deed: str) -> Response:
    """Do what staff decide about a report; where it cannot be done, show it again with what was typed."""
    frame.demand(Action.DECIDE)
    if deed not in set(Deed) - {Deed.CORRECT}:
        return frame.absent()
    typed = Typed(
        deed=deed,
        reason=" ".join(request.form.get("reason", "").split())[:LONGEST_REASON],
        tells=request.form.get("tell") == "1",
        question=request.form.get("question", "")[:40],
        words=own_words.tidy_words(request.form.get("words", ""))[:LONGEST_REASON],
    )
    seen = read_seen(request.form.get("seen", ""))
    if seen is None or seen.report_id != report_id:
        return _show(report_id, typed, 409)
    try:
        return _decide(seen, Deed(deed), typed)
    except Raced:  # nothing was kept: what came in between is there now
        return _decide(seen, Deed(deed), typed)


@routes.post("/decisions/<int:decision_id>/undo")
def undo_decision(decision_id: int) -> Response:
    """Take a decision back, and say what could not be taken back with it."""
    frame.demand(Action.DECIDE)
    runtime = frame.runtime_of_request()
    with runtime.database.session() as session:
        try:
            undone = undo.undo(session, make_office(), decision_id)
        except CannotDo as error:
            session.rollback()
            found = cases.find_decision(session, decision_id, frame.visitor().scope)
            report_id = found.report_id if found else 0
            return frame.go("report.show_report", said=WHY_NOT[error.why], tone="look", report_id=report_id)
        if undone is None:
            return frame.absent()
        session.commit()
    said = mark("Undone. But the SMS about it has gone out to the midwife.") if undone.is_said else mark("Undone.")
    tone = "look" if undone.is_said else "good"
    return frame.go("report.show_report", said=said, tone=tone, report_id=undone.decision.report_id)


def make_office() -> Office:
    """Return the visitor as who decides now."""
    runtime = frame.runtime_of_request()
    forms = {form.code: form for form in runtime.forms}
    return Office(frame.visitor(), runtime.now(), forms, runtime.wordings, runtime.outgoing)


def _decide(seen: Seen, deed: Deed, typed: Typed) -> Response:
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    done, faults = None, {}
    with runtime.database.session() as session:
        report = whole_reports.find_whole(session, seen.report_id, scope=scope)
        if report is None:
            return frame.absent()
        sender = cases.find_sender(session, report, scope)
        questions = _questions(session, report, sender) if deed is Deed.SEND_BACK else {}
        faults = find_faults(deed, typed, questions, has_sender=sender is not None)
        if not faults:
            try:
                done = _do(session, seen, deed, typed, questions)
                session.commit()
            except SomebodyElse:
                session.rollback()
            except CannotDo as error:
                faults = {"deed": translate(WHY_NOT[error.why])}
    if done is None:
        return _show(seen.report_id, typed, 422 if faults else 409, faults)
    if done.channel:
        runtime.bells.ring(OUTBOUND, done.channel)
    return _go_on(done, deed, report.facility, report.period)


def _do(session: Session, seen: Seen, deed: Deed, typed: Typed, questions: Mapping[str, str]) -> Done:
    office = make_office()
    if deed is Deed.APPROVE:
        return decide.approve(session, office, seen)
    if deed is Deed.ACCEPT:
        return decide.accept(session, office, seen)
    if deed is Deed.REJECT:
        return decide.reject(session, office, seen, typed.reason, tell=typed.tells)
    if deed is Deed.WITHDRAW_APPROVAL:
        return decide.withdraw_approval(session, office, seen, typed.reason)
    return decide.send_back(session, office, seen, questions[typed.question])


def find_faults(deed: Deed, typed: Typed, questions: Mapping[str, str], *, has_sender: bool) -> dict[str, str]:
    """Return what is missing or cannot be sent, in words, by the field that it stands beside."""
    faults: dict[str, str] = {}
    if deed in (Deed.REJECT, Deed.WITHDRAW_APPROVAL) and not typed.reason:
        faults["reason"] = translate(mark("Please give the reason; it is kept with the decision."))
    elif deed is Deed.REJECT and typed.tells and has_sender:
        wrong = own_words.find_fault(own_words.tidy_words(typed.reason), notices.room_for_reason())
        if wrong is not None:
            words = translate(mark("She is told the reason by SMS: %(fault)s Or take the tick away."))
            faults["reason"] = words % {"fault": _say_fault(wrong)}
    elif deed is Deed.SEND_BACK and typed.question not in questions:
        faults["question"] = translate(mark("Please choose what to ask."))
    elif deed is Deed.SEND_BACK and typed.question == OWN:
        wrong = own_words.find_fault(typed.words) or own_words.find_fault(questions[OWN])
        if wrong is not None:
            faults["words"] = _say_fault(wrong)
    return faults


def _say_fault(wrong: own_words.FoundFault) -> str:
    return translate(OWN_WORDS[wrong.fault]) % {"about": wrong.about, "over": wrong.over}


def _questions(session: Session, report: WholeReport, sender: Sender | None) -> dict[str, str]:
    """Return the questions to choose from, each a whole SMS in the sender's language, with staff's own words last."""
    runtime = frame.runtime_of_request()
    form = next((form for form in runtime.forms if form.code == report.form), None)
    if sender is None or form is None:
        return {}
    values = cases.find_values(session, report)
    wording = find_wording(session, runtime.wordings, report.area, sender.language)
    about = About(form, report.facility, report.period)
    words = own_words.tidy_words(request.form.get("words", "")) if request.method == "POST" else ""
    return notices.list_questions(wording, about, values) | {OWN: notices.say_own_question(wording, about, words)}


def _go_on(done: Done, deed: Deed, facility: str, period: str) -> Response:
    """Go on to the next report of the queue that the visitor is working through; else back to this one."""
    words = DONE[deed]
    if done.waits_its_turn:
        words = mark("%(facility)s, %(month)s: she is asked as soon as she has answered another question.")
    elif done.channel and deed is Deed.REJECT:
        words = mark("%(facility)s, %(month)s: rejected; the midwife is told by SMS.")
    said = translate(words) % {"facility": facility, "month": show.show_month(period)}
    back = url_for("report.undo_decision", decision_id=done.decision_id)
    wished = read_wished(request.form) if request.form.get("queue") else None
    if wished is None:
        return frame.go("report.show_report", said=said, undo=back, report_id=done.report.id)
    with frame.runtime_of_request().database.session(read_only=True) as session:
        _, after = queue.find_beside(session, wished, done.report.id, scope=frame.visitor().scope)
    address = address_of(wished, "report.show_report", report_id=after) if after else address_of(wished)
    return frame.send_to(address, said, undo=back)


def _show(report_id: int, typed: Typed, status: int = 200, faults: Mapping[str, str] | None = None) -> Response:
    runtime, visitor = frame.runtime_of_request(), frame.visitor()
    given = request.form if request.method == "POST" else request.args
    wished = read_wished(given) if given.get("queue") else None
    with runtime.database.session(read_only=True) as session:
        case = cases.find_case(session, report_id, runtime, visitor.scope)
        if case is None:
            return frame.absent()
        before, after = queue.find_beside(session, wished, report_id, scope=visitor.scope) if wished else (None, None)
        questions = _questions(session, case.report, case.sender) if frame.may(Action.DECIDE) else {}
        outdated = _find_outdated(session, case)
    return frame.answer(
        "report.html",
        status,
        **_as_context(case, runtime.now()),
        wished=wished,
        back=address_of(wished) if wished else "",
        before=address_of(wished, "report.show_report", report_id=before) if wished and before else "",
        after=address_of(wished, "report.show_report", report_id=after) if wished and after else "",
        questions=questions,
        outdated=outdated,
        typed=typed,
        faults=faults or {},
        meanwhile=cases.say_meanwhile(case) if status == 409 else "",
        room=notices.room_for_reason(),
    )


def _find_outdated(session: Session, case: Case) -> str:
    """Return the last export with this report, if another revision counts now; else an empty string."""
    if not frame.may(Action.EXPORT):
        return ""
    about, scope = case.report.key, frame.visitor().scope
    found = export_changes.last_export_of(session, about.form, about.facility_id, about.period, scope=scope)
    counting = case.counting.report if case.counting else case.report
    is_same = found is not None and counting.state in COUNTING and found[1] == counting.id
    return found[0] if found and not is_same else ""


def _as_context(case: Case, now: Any) -> dict[str, Any]:
    state = case.report.state
    return {
        "case": case,
        "report": case.report,
        "form": case.form,
        "state": show.REPORT_STATES.get(state, show.UNKNOWN_STATE),
        "seen": str(Seen(case.report.id, state, case.cards[0].report.revision)),
        "deeds": [deed.value for deed in Deed if state in DEEDS[deed]],
        "history": cases.say_history(case, now),
        "short_month": cases.show_short_month,
    }
