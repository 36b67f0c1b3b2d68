"""A report by hand, from paper, a call or a letter: the form as it stands on paper, judged as an SMS is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from flask import Response, request

from gateway.calendar import shift
from gateway.errors import Raced, SomebodyElse
from gateway.handle import accept, by_hand
from gateway.handle.accept import Accepted, ByHand
from gateway.review import enter
from gateway.review.enter import Checked, Source
from gateway.review.pages import correct, frame, sheet, show
from gateway.review.pages import desk as desks
from gateway.review.pages.desk import LONGEST_WORDS, Desk
from gateway.review.pages.language import current_language, mark, translate
from gateway.review.pages.sayings import SOURCES
from gateway.review.permit import Action
from gateway.store import register, totals
from gateway.store.base import Session
from gateway.store.register import WishedFacilities
from gateway.store.reports import ReportKey

FOUND = 20  # facilities of one search
KEPT_BEFORE = mark("This page was kept before; here is what became of it.")

routes = frame.make_routes("enter")


@dataclass(frozen=True, slots=True)
class Paper:
    """What staff tell about a report besides its numbers: how and from whom they have it, and since when."""

    source: str = Source.PAPER
    who: str = ""
    received_on: str = ""
    remark: str = ""


@routes.get("/reports/new")
def show_enter() -> Response:
    """Show where a facility is chosen, then its form for the month that is due."""
    frame.demand(Action.ENTER)
    with frame.runtime_of_request().database.session(read_only=True) as session:
        if not request.args.get("facility"):
            return _show_search(session)
        desk = desks.open_desk(session, request.args)
    if desk is None:
        return frame.absent()
    return _show_form(desk, {}, Paper(received_on=desk.today.isoformat()))


@routes.post("/reports/new")
def keep_report() -> Response:
    """Store what was typed, or show it again with what is wrong or doubtful."""
    frame.demand(Action.ENTER)
    try:
        return _take()
    except Raced:  # nothing was kept: what came in between is there now
        return _take()


def _take() -> Response:
    typed = sheet.read_typed(request.form)
    ticked = request.form.getlist("sure")
    with frame.runtime_of_request().database.session() as session:
        desk = desks.open_desk(session, request.form)
        if desk is None:
            return frame.absent()
        paper, faults = _read_paper(desk.today)
        report = enter.read_fields(typed, desk.form, desk.period, paper.remark)
        checked = enter.check(report, desk.form, desk.beside.facts, ticked)
        if faults or not checked.is_taken or desk.beside.is_closed:
            return _show_form(desk, typed, paper, faults=faults, checked=checked, ticked=ticked, status=422)
        taken = _keep(session, desk, checked, paper)
        if taken is None:
            return _show_form(desk, typed, paper, checked=checked, ticked=ticked, status=409)
        session.commit()
    ended = any(one.id == taken.report_id and one.state not in by_hand.LIVE for one in desk.beside.revisions)
    if ended:  # the page was sent again after what it had brought was settled
        return frame.go("report.show_report", said=KEPT_BEFORE, tone="look", report_id=taken.report_id)
    said = translate(mark("The report of %(facility)s for %(month)s is kept. It counts from now on."))
    words = said % {"facility": desk.facility.name, "month": show.show_month(desk.period)}
    return frame.go("report.show_report", said=words, report_id=taken.report_id)


@routes.get("/reports/<int:report_id>/correct")
def show_correction(report_id: int) -> Response:
    """Show a report in the form that it was written for, to be corrected with a reason."""
    frame.demand(Action.DECIDE)
    with frame.runtime_of_request().database.session(read_only=True) as session:
        case = correct.open_case(session, report_id)
        return correct.show_case(session, case, None) if case else frame.absent()


@routes.post("/reports/<int:report_id>/correct")
def keep_correction(report_id: int) -> Response:
    """Show what a correction changes, and once that was seen, store it."""
    frame.demand(Action.DECIDE)
    try:
        return correct.correct(report_id)
    except (Raced, SomebodyElse):  # nothing was kept: show what is there now, and keep what was typed
        return correct.show_what_is_there(report_id)


def _keep(session: Session, desk: Desk, checked: Checked, paper: Paper) -> Accepted | None:
    """Store a report for a month that is missing; None where another one has come in meanwhile."""
    now = frame.runtime_of_request().now()
    report = checked.report
    told = {"source": paper.source, "who": paper.who, "received_on": paper.received_on}
    seen = request.form.get("seen", "")
    key = sheet.sent_key(request.form.get("key", ""), report.values)
    is_again = any(one.sent_key == key for one in desk.beside.revisions)
    if desk.beside.live is not None and not is_again:
        return None
    made = ByHand(
        key=key,
        reading=desks.as_reading(checked, told),
        values=report.values,
        form_version=desk.form.version,
        seen_id=int(seen) if seen.isdecimal() and len(seen) < 10 else None,
        made_by=frame.visitor().id,
        flags=sheet.as_kept_all(checked.flags),
    )
    about = ReportKey(desk.form.code, desk.facility.id, desk.period)
    taken = accept.enter(session, about, made, now)
    if taken is not None and not is_again:
        details = {"form": desk.form.code, "period": desk.period, "source": paper.source, "who": paper.who}
        frame.audit(session, "enter", "report", taken.report_id, desk.facility.area, **details, values=report.values)
        totals.refresh_reports(session, [taken.report_id])
    return taken


def _read_paper(today: date) -> tuple[Paper, dict[str, str]]:
    """Return what was told about the report, and what is wrong with it by field."""
    fields = {name: " ".join(request.form.get(name, "").split())[:LONGEST_WORDS] for name in Paper.__slots__}
    paper = Paper(**fields)
    faults: dict[str, str] = {}
    if paper.source not in set(Source):
        faults["source"] = mark("Please say how the report reached you.")
    if not paper.who:
        faults["who"] = mark("Please say who reported it.")
    try:
        if date.fromisoformat(paper.received_on) > today:
            faults["received_on"] = mark("This day has not come yet.")
    except ValueError:
        faults["received_on"] = mark("Please give the day, for example 2025-10-03.")
    return paper, faults


def _show_search(session: Session) -> Response:
    words = " ".join(request.args.get("q", "").split())[:60]
    wished = WishedFacilities(words=words, state="active")
    scope = frame.visitor().scope
    found = register.list_facilities(session, scope=scope, wished=wished, limit=FOUND + 1)
    return frame.answer("enter_search.html", words=words, found=found[:FOUND], has_more=len(found) > FOUND)


def _show_form(
    desk: Desk,
    typed: Mapping[str, str],
    paper: Paper,
    *,
    faults: Mapping[str, str] | None = None,
    checked: Checked | None = None,
    ticked: list[str] | None = None,
    status: int = 200,
) -> Response:
    beside = desk.beside
    last = beside.facts.history.get(shift(desk.period, -1), {})
    seen = request.form.get("seen", "") if status == 422 else beside.newest_id
    return frame.answer(
        "enter.html",
        status,
        desk=desk,
        forms=[(form.code, form.name(current_language())) for form in frame.runtime_of_request().forms],
        months=desks.list_months(desk),
        view=sheet.lay_out(desk.form, typed, last, checked, ticked or ()),
        last_month=shift(desk.period, -1) if last else "",
        paper=paper,
        sources=[(source.value, translate(words)) for source, words in SOURCES.items()],
        faults={name: translate(words) for name, words in (faults or {}).items()},
        key=sheet.new_key(request.form.get("key", "")),
        seen=seen if seen is not None else "",
        was_late=status == 409,
    )
