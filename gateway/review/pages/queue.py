"""The review queue: what waits for staff, the most pressing first; one by one, or many approved at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from babel.dates import format_timedelta
from flask import Response, request, url_for

from gateway.errors import Raced
from gateway.review import decide, undo
from gateway.review.deeds import Many, Office, Seen, read_seen
from gateway.review.enter import find_changes
from gateway.review.pages import frame, show
from gateway.review.pages.language import current_language, mark, translate
from gateway.review.pages.reports import main_figures
from gateway.review.pages.sayings import say_flag, say_problem
from gateway.review.permit import Action
from gateway.store import questions, queue, report_list
from gateway.store.base import Session
from gateway.store.questions import Question
from gateway.store.queue import MOST_COUNTED, Tab, WishedQueue
from gateway.store.report_list import ListedReport
from gateway.values import ReportState, Scope
from parsers.form import Form

ROWS = 50
MOST_CHANGES = 3  # named in a row; the report's own page has all
_PERIOD = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])", re.ASCII)
_AREA = re.compile(r"[0-9]{2}(\.[0-9]{2,4}){0,3}", re.ASCII)
_BATCH = re.compile(r"[0-9a-f]{16}", re.ASCII)

TABS: Mapping[Tab, str] = {
    Tab.CHANGED: mark("Changed after approval"),
    Tab.FLAGGED: mark("For you to decide"),
    Tab.WAITING: mark("Asked"),
    Tab.NOTED: mark("Something to look at"),
    Tab.PLAIN: mark("To approve"),
}
LEADS: Mapping[Tab, str] = {
    Tab.CHANGED: mark("Each would change a report that is approved. Approving it replaces the old figures."),
    Tab.FLAGGED: mark("These do not count: their question was not answered in time, or their month is closed."),
    Tab.WAITING: mark("Their senders were asked. They count as soon as the answer is there, or when you decide."),
    Tab.NOTED: mark("These count already. The rules found something that a person should look at."),
    Tab.PLAIN: mark("These count already, and the rules found nothing. Approve them, many at once if you like."),
}

routes = frame.make_routes("queue")


@dataclass(frozen=True, slots=True)
class Line:
    """One report of the queue: its figures, why it is here, and since when. `seen` is what a decision names."""

    report: ListedReport
    form: str
    figures: tuple[tuple[str, int], ...]
    reasons: tuple[str, ...]
    quote: str
    age: str
    seen: str
    url: str


@routes.get("/queue")
def show_queue() -> Response:
    """Show a part of the queue."""
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    wished = read_wished(request.args)
    edges = {name: _read_number(name) for name in ("after", "before")}
    with runtime.database.session(read_only=True) as session:
        counts = queue.count_tabs(session, wished, scope=scope)
        if "tab" not in request.args:  # the most pressing part that has something in it
            tab = next((tab for tab in Tab if counts[tab]), Tab.PLAIN)
            wished = WishedQueue(tab, wished.area, wished.form, wished.period)
        ids = queue.list_ids(session, wished, scope=scope, limit=ROWS + 1, **edges)
        is_backward = edges["before"] is not None
        page = ids[-ROWS:] if is_backward else ids[:ROWS]
        lines = _lines(session, wished, page, scope, runtime.now())
        areas = report_list.list_areas(session, wished.area, scope=scope)
    has_more = len(ids) > ROWS
    has_older = has_more if is_backward else edges["after"] is not None
    has_newer = bool(page) and (is_backward or has_more)
    return frame.answer(
        "queue.html",
        lines=lines,
        wished=wished,
        tabs=[(_tab_address(wished, tab), translate(TABS[tab]), tab == wished.tab, _tally(counts[tab])) for tab in Tab],
        lead=translate(LEADS[wished.tab]),
        has_any=any(counts.values()),
        can_tick=wished.tab in (Tab.NOTED, Tab.PLAIN) and frame.may(Action.DECIDE),
        areas=[(area.code, area.name) for area in areas],
        forms=[(form.code, form.name(current_language())) for form in runtime.forms],
        older=address_of(wished, before=page[0]) if page and has_older else None,
        newer=address_of(wished, after=page[-1]) if has_newer else None,
    )


@routes.post("/queue/approve")
def approve_ticked() -> Response:
    """Approve what was ticked, but for what somebody else was quicker with."""
    frame.demand(Action.DECIDE)
    wished = read_wished(request.form)
    ticked = [seen for seen in map(read_seen, request.form.getlist("seen")[: 2 * ROWS]) if seen]
    if not ticked:
        return frame.send_to(address_of(wished), mark("Nothing was ticked, so nothing was approved."), "look")
    try:
        many = _approve(ticked)
    except Raced:  # nothing was kept: what came in between is there now
        many = _approve(ticked)
    said = _say_many(many, mark("Reports approved: %(count)s."))
    address = url_for("queue.undo_ticked", batch=many.batch, **_as_query(wished)) if many.done else None
    return frame.send_to(address_of(wished), said, "look" if many.left else "good", address)


@routes.post("/queue/undo/<batch>")
def undo_ticked(batch: str) -> Response:
    """Take back what was approved at once."""
    frame.demand(Action.DECIDE)
    if not _BATCH.fullmatch(batch):
        return frame.absent()
    with frame.runtime_of_request().database.session() as session:
        many = undo.undo_many(session, _office(), batch)
        session.commit()
    if not many.done and not many.left:
        return frame.absent()
    said = _say_many(many, mark("Approvals undone: %(count)s."))
    return frame.send_to(address_of(read_wished(request.args)), said, "look" if many.left else "good")


def read_wished(given: Mapping[str, str]) -> WishedQueue:
    """Return which part of the queue is meant, as an address or a form says it; what cannot be is left out."""
    tab, area, period, form = (given.get(name, "") for name in ("tab", "area", "period", "form"))
    return WishedQueue(
        tab=Tab(tab) if tab in set(Tab) else Tab.CHANGED,
        area=area if _AREA.fullmatch(area) else "",
        form=form if form in {one.code for one in frame.runtime_of_request().forms} else "",
        period=period if _PERIOD.fullmatch(period) else "",
    )


def address_of(wished: WishedQueue, endpoint: str = "queue.show_queue", **others: Any) -> str:
    """Return the address of a part of the queue, or of a page that knows in which part it is shown."""
    is_elsewhere = endpoint != "queue.show_queue"
    return url_for(endpoint, **_as_query(wished) | ({"queue": 1} if is_elsewhere else {}) | others)


def _as_query(wished: WishedQueue) -> dict[str, Any]:
    query = {"tab": wished.tab.value, "area": wished.area, "form": wished.form, "period": wished.period}
    return {name: value for name, value in query.items() if value}


def _tab_address(wished: WishedQueue, tab: Tab) -> str:
    return address_of(WishedQueue(tab, wished.area, wished.form, wished.period))


def _tally(count: int) -> str | int:
    return f"{show.show_count(MOST_COUNTED - 1)}+" if count >= MOST_COUNTED else count


def _office() -> Office:
    runtime = frame.runtime_of_request()
    forms = {form.code: form for form in runtime.forms}
    return Office(frame.visitor(), runtime.now(), forms, runtime.wordings, runtime.outgoing)


def _approve(ticked: Sequence[Seen]) -> Many:
    with frame.runtime_of_request().database.session() as session:
        many = decide.approve_many(session, _office(), ticked)
        session.commit()
    return many


def _say_many(many: Many, words: str) -> str:
    said = translate(words) % {"count": show.show_count(len(many.done))}
    if not many.left:
        return said
    left = translate(mark("Left as they are, because somebody else was first or something has come in: %(count)s."))
    return f"{said} {left % {'count': show.show_count(len(many.left))}}"


def _lines(
    session: Session, wished: WishedQueue, ids: tuple[int, ...], scope: Scope, now: datetime
) -> tuple[Line, ...]:
    """Return the reports of a page with why they are here, asked for all of them at once."""
    approved = queue.find_approved(session, ids, scope=scope) if wished.tab is Tab.CHANGED else {}
    found = report_list.find_listed(session, [*ids, *approved.values()], scope=scope)
    asked = questions.latest_of_reports(session, ids) if wished.tab in (Tab.FLAGGED, Tab.WAITING) else {}
    newest = queue.find_newest(session, ids, scope=scope)
    forms = {form.code: form for form in frame.runtime_of_request().forms}
    lines = []
    for report_id in ids:
        report = found[report_id]
        form = forms.get(report.form)
        question = asked[report_id][0] if report_id in asked else None
        before = found.get(approved.get(report_id, 0))
        lines.append(
            Line(
                report=report,
                form=form.name(current_language()) if form else report.form,
                figures=main_figures(report.values, form),
                reasons=_reasons(report, form, question, before),
                quote=question.text if question else "",
                age=say_age(now, question.asked_at if question else report.sent_at),
                seen=str(Seen(report.id, report.state, newest[report_id])),
                url=address_of(wished, "report.show_report", report_id=report.id),
            )
        )
    return tuple(lines)


def _reasons(
    report: ListedReport, form: Form | None, question: Question | None, before: ListedReport | None
) -> tuple[str, ...]:
    """Return in words why a report is in the queue."""
    said = [say_flag(flag, form) for flag in report.flags]
    if before is not None:
        changes = find_changes(before.values, report.values, form)
        said = [_say_change(form, *change) for change in changes[:MOST_CHANGES]] + said
        if len(changes) > MOST_CHANGES:
            said.append(translate(mark("and %(count)s more changes")) % {"count": len(changes) - MOST_CHANGES})
    if question is not None:
        said += [say_problem(problem, form) for problem in question.reading.get("problems", ())]
        if report.state == ReportState.FLAGGED:
            said.append(translate(mark("She was asked, and has not answered.")))
    return tuple(dict.fromkeys(said))


def _say_change(form: Form | None, key: str, before: int | None, after: int | None) -> str:
    was, now = (show.show_count(value) if value is not None else "–" for value in (before, after))
    return f"{show.name_key(form, key)} {was} → {now}"


def say_age(now: datetime, then: datetime) -> str:
    """Return how long ago something was, roughly."""
    if now - then < timedelta(minutes=1):
        return translate(mark("just now"))
    words: str = format_timedelta(then - now, granularity="minute", add_direction=True, locale=current_language())
    return words


def _read_number(name: str) -> int | None:
    written = request.args.get(name, "")
    return int(written) if written.isascii() and written.isdecimal() and len(written) < 10 else None
