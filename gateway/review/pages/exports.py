"""Exports: what is handed on as a file; asked for, made by a worker, taken, and held against what is settled now."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, request, stream_with_context, url_for

from gateway import jobs
from gateway.calendar import report_month, shift
from gateway.export import gather, run
from gateway.export.base import MADE, ExportFormat
from gateway.review.pages import frame, show
from gateway.review.pages.language import current_language, mark, translate
from gateway.review.permit import Action
from gateway.runtime import Runtime
from gateway.settling import SettlesAt
from gateway.store import agreements, export_changes, export_choices, exports, figures, report_list, settled
from gateway.store.agreements import Agreement
from gateway.store.areas import Area
from gateway.store.base import Session
from gateway.store.export_changes import Change
from gateway.store.exports import DONE, FAILED, Export, Wanted
from gateway.store.settled import Reach
from parsers.form import Form

routes = frame.make_routes("exports")

EXPORTS = "exports"  # the errand
ROWS = 25
FIRST = "siga_kb"  # the format that is offered first
OLDEST_MONTHS = 36
LOOK_AGAIN = 2  # seconds after which a page of an export that is being made is asked for again
MANY = 20_000  # reports; whether one of so many has changed is looked up on the export's own page
FEW = timedelta(minutes=2)  # somebody who waits longer is told that nobody works
_PERIOD = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])", re.ASCII)
CHANGES: Mapping[Change, str] = {
    Change.NEW: mark("New"),
    Change.CHANGED: mark("Changed"),
    Change.GONE: mark("Settled no more"),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody is about to have made."""

    format: str
    form: Form
    first: str
    last: str
    area: Area


@dataclass(frozen=True, slots=True)
class Line:
    """An export in the list: what it is called, and whether something has changed since; None where nobody looked."""

    export: Export
    title: str
    months: str
    area: str
    zone: str
    has_changed: bool | None


@routes.get("/exports")
def show_exports() -> Response:
    """Show what can be handed on, and what was."""
    frame.demand(Action.EXPORT)
    return _show()


@routes.post("/exports")
def ask() -> Response:
    """Have an export made."""
    frame.demand(Action.EXPORT)
    runtime, user = frame.runtime_of_request(), frame.visitor()
    with runtime.database.session() as session:
        wish = find_wish(session, runtime)
        if wish is None:
            return frame.absent()
        if fault := find_fault(wish):
            session.rollback()
            return _show(fault, 422)
        wanted = Wanted(wish.format, wish.form.code, wish.first, wish.last, wish.area.code)
        export = exports.ask(session, wanted, (user.id, user.name), runtime.now(), scope=user.scope)
        if export is None:
            return frame.absent()
        about = {"format": export.format, "form": export.form, "period": f"{wish.first} {wish.last}"}
        frame.audit(session, "export", "file", export.ref, export.area, **about)
        session.commit()
    runtime.bells.ring(jobs.ERRANDS, EXPORTS)
    return frame.go("exports.show_export", ref=export.ref)


@routes.get("/exports/<ref>")
def show_export(ref: str) -> Response:
    """Show one export: whether it is made, what it holds, and what has changed since."""
    frame.demand(Action.EXPORT)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session(read_only=True) as session:
        export = exports.find_export(session, ref, scope=scope)
        if export is None:
            return frame.absent()
        earlier = exports.find_last_like(session, export, scope=scope) if export.state == DONE else None
        since = (
            export_changes.changes_since(session, export, selection_of(export), scope=scope)
            if is_made(export)
            else None
        )
        between = export_changes.changes_between(session, earlier, export, scope=scope) if earlier else None
        line = describe(session, export)
    form = next((one for one in runtime.forms if one.code == export.form), None)
    response = frame.answer(
        "export.html",
        export=export,
        line=line,
        since=since,
        between=between,
        earlier=earlier,
        changes=CHANGES,
        name_key=lambda key: show.name_key(form, key) if form else key,
        is_waiting=export.state not in {DONE, FAILED},
        is_late=export.state not in {DONE, FAILED} and runtime.now() - export.asked_at > FEW,
        made=MADE,
    )
    if export.state not in {DONE, FAILED}:
        response.headers["Refresh"] = str(LOOK_AGAIN)
    return response


@routes.get("/exports/<ref>/file")
def download(ref: str) -> Response:
    """Hand out an export's file; the audit keeps who took it."""
    frame.demand(Action.EXPORT)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session() as session:
        export = exports.find_export(session, ref, scope=scope)
        if export is None:
            return frame.absent()
        if export.state != DONE or export.dropped_at is not None:
            words = mark("This file is there no more, or not yet. Have it made again.")
            return frame.go("exports.show_export", words, tone="look", ref=ref)
        partner = run.formats()[export.format].FORMAT.partner if export.format in run.formats() else ""
        if partner and not _is_agreed(session, export, partner):
            words = mark("The agreement under which this file was made is not in force any more: it is not handed out.")
            return frame.go("exports.show_export", words, tone="look", ref=ref)
        frame.audit(session, "download", "file", export.ref, export.area, sha256=export.file_digest)
        session.commit()

    def parts() -> Iterator[bytes]:
        with runtime.database.session(read_only=True) as session:
            yield from exports.read_parts(session, export, scope=scope)

    headers = {
        "Content-Disposition": f'attachment; filename="{export.file_name}"',
        "Content-Length": str(export.bytes),
        "Cache-Control": "no-store",
    }
    return Response(stream_with_context(parts()), headers=headers, content_type=export.media_type or "")


def _is_agreed(session: Session, export: Export, partner: str) -> bool:
    """Tell whether a partner may be given this export still, by the clock of its area."""
    scope = frame.visitor().scope
    area = figures.find_area(session, export.area, scope=scope)
    if area is None:
        return False
    today = frame.runtime_of_request().now().astimezone(ZoneInfo(area.timezone)).date()
    found = agreements.find_in_force(session, partner, area.code, today, export.form, scope=scope)
    return isinstance(found, Agreement)


def is_made(export: Export) -> bool:
    """Tell whether an export holds reports that can be held against what is settled now."""
    return export.state == DONE and export.about is not None


def selection_of(export: Export) -> settled.Selection:
    """Return what an export was made of, by what held then."""
    settles_at = SettlesAt((export.about or {}).get("settles_at", SettlesAt.APPROVED))
    periods = gather.months_between(export.period_from, export.period_to)
    return settled.Selection(export.form, periods, export.area, settles_at.states)


def describe(session: Session, export: Export) -> Line:
    """Return an export as the list shows it."""
    scope = frame.visitor().scope
    area = figures.find_area(session, export.area, scope=scope)
    changed = None
    if is_made(export) and (export.reports or 0) <= MANY:
        changed = export_changes.has_changed(session, export, selection_of(export), scope=scope)
    chosen = run.formats().get(export.format)
    months = show.show_month(export.period_from)
    if export.period_to != export.period_from:
        months += f" – {show.show_month(export.period_to)}"
    name, zone = (area.name, area.timezone) if area else (export.area, "Asia/Jakarta")
    return Line(export, name_format(chosen, export.format), months, name, zone, changed)


def name_format(chosen: ExportFormat | None, name: str) -> str:
    """Return what a format is called in the visitor's language."""
    return chosen.FORMAT.names[current_language()] if chosen else name


def find_wish(session: Session, runtime: Runtime) -> Wish | None:
    """Return what is asked for; what is not said, or said wrongly, is the due month of the visitor's own area."""
    scope, asked = frame.visitor().scope, request.values
    area = figures.find_area(session, asked.get("area", scope.area), scope=scope)
    if area is None:
        return None
    forms = {form.code: form for form in runtime.forms}
    known = _formats()
    name = asked.get("format", "")
    name = name if name in known else FIRST
    wished = forms.get(asked.get("form", ""), forms[runtime.settings.main_form])
    only = known[name].FORMAT.forms
    form = wished if not only or wished.code in only else forms[only[0]]
    due = report_month(runtime.now().astimezone(ZoneInfo(area.timezone)).date())
    first, last = (asked.get(one, "") for one in ("first", "last"))
    first = first if _PERIOD.fullmatch(first) else due
    return Wish(name, form, first, last if _PERIOD.fullmatch(last) else first, area)


def _formats() -> Mapping[str, ExportFormat]:
    """Return the formats that the visitor may have made: those for a partner are for who hands on to other systems."""
    may_push = frame.may(Action.PUSH)
    return {name: one for name, one in run.formats().items() if may_push or not one.FORMAT.partner}


def find_fault(wish: Wish) -> str:
    """Return in words why this cannot be made, or an empty string."""
    if wish.last < wish.first:
        return translate(mark("The last month lies before the first one."))
    most = run.formats()[wish.format].FORMAT.most_months
    if len(gather.months_between(wish.first, wish.last)) > most:
        words = mark("One such file holds at most %(most)s months. Choose fewer, or another format.")
        return translate(words) % {"most": most}
    return ""


def _show(fault: str = "", status: int = 200) -> Response:
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    before = request.args.get("before", type=int)
    with runtime.database.session(read_only=True) as session:
        wish = find_wish(session, runtime)
        if wish is None:
            return frame.absent()
        reach, settles_at = find_reach(session, wish)
        found = exports.list_exports(session, scope=scope, before=before, limit=ROWS + 1)
        lines = [describe(session, export) for export in found[:ROWS]]
        places = report_list.list_areas(session, wish.area.code, scope=scope)
        own = figures.find_area(session, scope.area, scope=scope)
    older = url_for("exports.show_exports", before=found[ROWS - 1].id) if len(found) > ROWS else None
    due = report_month(runtime.now().astimezone(ZoneInfo(wish.area.timezone)).date())
    months = [shift(due, step) for step in range(1, -OLDEST_MONTHS, -1)]
    context: dict[str, Any] = {
        "formats": [(name, name_format(one, name)) for name, one in _formats().items()],
        "hints": [(name_format(one, name), one.FORMAT.hints[current_language()]) for name, one in _formats().items()],
        "forms": [(form.code, form.name(current_language())) for form in runtime.forms],
        "months": [(month, show.show_month(month)) for month in months],
        "places": list({area.code: area.name for area in ((own,) if own else ()) + places}.items()),
        "zone": wish.area.timezone,
    }
    return frame.answer(
        "exports.html",
        status,
        wish=wish,
        reach=reach,
        settles_at=settles_at,
        lines=lines,
        older=older,
        fault=fault,
        **context,
    )


def find_reach(session: Session, wish: Wish) -> tuple[Mapping[str, Reach], SettlesAt]:
    """Return how far what is wished for reaches, month by month, and from when on a report is settled there."""
    scope = frame.visitor().scope
    choices = export_choices.choices_around(session, wish.area.code, scope=scope)
    periods = gather.months_between(wish.first, wish.last)[:12]
    selection = gather.select_settled(choices, wish.form.code, periods, wish.area.code)
    return settled.find_reach(session, selection, scope=scope), choices.settles_at
