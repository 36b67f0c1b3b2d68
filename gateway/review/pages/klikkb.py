"""Klik-KB: how its directory of midwives stands to our roster, who is whom, and counts per midwife back to it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, request, url_for

from gateway import jobs
from gateway.calendar import report_month, shift
from gateway.enrol.columns import FIELDS, HEADINGS, Kind
from gateway.enrol.counterparts import find_counterparts
from gateway.enrol.writing_files import as_dialled
from gateway.export.midwife_counts import MOST_MONTHS
from gateway.review.pages import frame, nav, paging
from gateway.review.pages.imports import KEPT as KEPT_FOR
from gateway.review.pages.language import current_language, mark, translate
from gateway.review.pages.month import crumbs_of
from gateway.review.permit import Action
from gateway.store import agreements, areas, exports, figures, imports, klikkb, midwives, register, roster
from gateway.store.agreements import KLIKKB, Agreement, Lack
from gateway.store.areas import Area
from gateway.store.base import Session
from gateway.store.exports import Wanted
from gateway.store.imports import NewImport
from gateway.store.klikkb import Listed
from gateway.store.midwives import Person

REGENCY = len("14.03")
MOST_COMPARED = 3000  # midwives and reporters of a regency whose names are held against each other
MOST_HANDED = 5000  # midwives that are handed to registration at once
MONTHS = 12
FORMATS: Mapping[str, str] = {
    "klikkb": mark("CSV for Excel"),
    "klikkb_machine": mark("CSV for programs"),
    "klikkb_jsonl": mark("JSON lines"),
}
LACKS: Mapping[Lack, str] = {
    Lack.NONE: mark("There is no agreement with Klik-KB for this area, so nothing may be handed over."),
    Lack.NOT_YET: mark("The agreement with Klik-KB has not begun, so nothing may be handed over yet."),
    Lack.ENDED: mark("The agreement with Klik-KB has ended, so nothing may be handed over."),
    Lack.REVOKED: mark("The agreement with Klik-KB was revoked, so nothing may be handed over."),
    Lack.FORM: mark("The agreement with Klik-KB does not cover this form."),
}
TABS: Mapping[str, str] = {
    "new": mark("Not registered here"),
    "unlisted": mark("Not in the directory"),
    "decide": mark("Who is whom?"),
    "registered": mark("In both"),
    "gone": mark("Gone"),
}

routes = frame.make_routes("klikkb")


@dataclass(frozen=True, slots=True)
class Corner:
    """The area that the page is about, with those around and within it. `today` is the day there."""

    area: Area
    crumbs: tuple[Area, ...]
    children: tuple[Area, ...]
    today: date

    @property
    def can_compare(self) -> bool:
        """Whether it is small enough for names to be held against each other."""
        return len(self.area.code) >= REGENCY


def find_corner(session: Session, code: str) -> Corner | None:
    """Return the area of a code, the visitor's own for an empty one; None where it is not theirs."""
    scope = frame.visitor().scope
    code = code[:13] or scope.area
    area = figures.find_area(session, code, scope=scope)
    if area is None:
        return None
    today = frame.runtime_of_request().now().astimezone(ZoneInfo(area.timezone)).date()
    return Corner(area, crumbs_of(session, code, scope), figures.areas_within(session, code, scope=scope), today)


@routes.get("/klikkb")
def show_klikkb() -> Response:
    """Show how the directory of an area stands, who is on one side only, and whether counts may go back."""
    frame.demand(Action.PUSH)
    return _show(request.args.get("area", ""))


@routes.post("/klikkb/midwives/<int:midwife_id>/match")
def match(midwife_id: int) -> Response:
    """Take a midwife of the directory for a reporter from now on, or for nobody's any more."""
    frame.demand(Action.PUSH)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    reporter_id = request.form.get("reporter", 0, int)
    if not (0 < midwife_id < 2**31 and 0 <= reporter_id < 2**31):
        return frame.absent()
    with runtime.database.session() as session:
        midwife = klikkb.find_midwife(session, midwife_id, scope=scope)
        person = roster.find_reporter(session, reporter_id, scope=scope, today=date.min) if reporter_id else None
        if midwife is None or midwife.gone_at is not None or (reporter_id and (person is None or person.merged_into)):
            return frame.absent()
        klikkb.confirm(session, midwife_id, reporter_id or None, scope=scope)
        about: dict[str, Any] = {"of": [midwife.reporter_id, reporter_id or None]}
        frame.audit(session, "match", "directory", midwife.klikkb_id, midwife.area, **about)
        session.commit()
    said = mark("Kept: her reports count for this Klik-KB id.") if reporter_id else mark("They are apart again.")
    area = request.form.get("area", "")[:13] or None
    return frame.go("klikkb.show_klikkb", said, area=area, show=request.form.get("show", "")[:12] or "decide")


@routes.post("/klikkb/register")
def hand_to_registration() -> Response:
    """Put those who do not report here yet into an import of midwives, which is looked at before it does anything."""
    frame.demand(Action.PUSH)
    frame.demand(Action.REGISTER)
    runtime, user = frame.runtime_of_request(), frame.visitor()
    with runtime.database.session() as session:
        corner = find_corner(session, request.form.get("area", ""))
        if corner is None:
            return frame.absent()
        found = midwives.list_midwives(session, corner.area.code, "new", scope=user.scope, limit=MOST_HANDED)
        if not found:
            return frame.go("klikkb.show_klikkb", mark("Everybody in the directory reports here already."), tone="look")
        import_id = imports.keep_import(session, _as_import(session, found, user.id))
        about = {"area": corner.area.code, "rows": len(found)}
        frame.audit(session, "hand_over", "directory", "", corner.area.code, **about)
        session.commit()
    return frame.go("imports.show_preview", import_id=import_id)


def _as_import(session: Session, found: Sequence[Listed], user_id: int) -> NewImport:
    """Return midwives as a registry file of reporters would bring them."""
    codes: dict[int, str] = {}
    ids = sorted({one.facility_id for one in found if one.facility_id})
    for at in range(0, len(ids), register.BATCH):
        part = register.find_facilities(session, ids[at : at + register.BATCH], scope=frame.visitor().scope)
        codes |= {one.id: one.code for one in part.values()}
    fields = FIELDS[Kind.REPORTERS]
    rows = [
        [number, [one.name, as_dialled(one.phone or ""), codes.get(one.facility_id or 0, ""), "id"]]
        for number, one in enumerate(found, start=2)
    ]
    now = frame.runtime_of_request().now()
    return NewImport(
        user_id=user_id,
        kind=Kind.REPORTERS.value,
        file_name="Klik-KB",
        digest=hashlib.sha256(repr(rows).encode()).hexdigest(),
        sheet={"columns": [HEADINGS[Kind.REPORTERS][field] for field in fields], "rows": rows},
        columns=fields,
        kept_at=now,
        expires_at=now + KEPT_FOR,
    )


@routes.post("/klikkb/counts")
def ask_for_counts() -> Response:
    """Have counts per midwife made, if an agreement allows it."""
    frame.demand(Action.PUSH)
    runtime, user, typed = frame.runtime_of_request(), frame.visitor(), request.form
    with runtime.database.session() as session:
        corner = find_corner(session, typed.get("area", ""))
        if corner is None:
            return frame.absent()
        area, form = corner.area.code, typed.get("form", "")[:20]
        months, first, last = _months(corner.today), typed.get("from", "")[:7], typed.get("to", "")[:7]
        found = agreements.find_in_force(session, KLIKKB, area, corner.today, form, scope=user.scope)
        fault = _find_fault(found, months, first, last) or _unknown(typed.get("format", ""), form)
        if fault:
            session.rollback()
            return _show(area, fault=fault, typed=typed, status=422)
        wanted = Wanted(typed["format"], form, first, last, area)
        export = exports.ask(session, wanted, (user.id, user.name), runtime.now(), scope=user.scope)
        if export is None:
            return frame.absent()
        frame.audit(session, "export", "file", export.ref, area, form=form, period=[first, last])
        session.commit()
    runtime.bells.ring(jobs.ERRANDS, "exports")
    said = mark("The counts are being made. They stand among the exports in a moment.")
    if nav.has_page("exports.show_exports"):
        return frame.go("exports.show_exports", said)
    return frame.go("klikkb.show_klikkb", said, area=area or None)


def _find_fault(found: Agreement | Lack, months: Sequence[str], first: str, last: str) -> str:
    if isinstance(found, Lack):
        return translate(LACKS[found])
    if first not in months or last not in months or first > last:
        return translate(mark("Choose a first month and a last month that is not before it."))
    if last > shift(first, MOST_MONTHS - 1):
        return translate(mark("%(most)s months at most in one file.")) % {"most": MOST_MONTHS}
    return ""


def _unknown(chosen: str, form: str) -> str:
    forms = {one.code for one in frame.runtime_of_request().forms}
    return "" if chosen in FORMATS and form in forms else translate(mark("Please choose one."))


def _months(today: date) -> list[str]:
    newest = report_month(today)
    return [shift(newest, -back) for back in range(MONTHS)]


def _show(code: str, fault: str = "", typed: Mapping[str, str] | None = None, status: int = 200) -> Response:
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    show = request.args.get("show", "")
    show = show if show in TABS else "new"
    with runtime.database.session(read_only=True) as session:
        corner = find_corner(session, code)
        if corner is None:
            return frame.absent()
        area = corner.area.code
        standing = midwives.find_standing(session, area, scope=scope)
        rows, pairs, newer, older = _rows(session, corner, show)
        names = areas.names_of(session, {one.area for one in rows})
        context = {
            "standing": standing,
            "last": klikkb.last_import(session, area, scope=scope),
            "columns": klikkb.find_columns(session, area, scope=scope),
            "agreement": agreements.find_in_force(session, KLIKKB, area, corner.today, scope=scope),
        }
    tallies = {"new": standing.unregistered, "unlisted": standing.unlisted, "gone": standing.gone}
    agreement = context["agreement"]
    allowed = agreement.measures if isinstance(agreement, Agreement) else {}
    return frame.answer(
        "klikkb.html",
        status,
        corner=corner,
        show=show,
        rows=rows,
        pairs=pairs,
        names=names,
        newer=newer,
        older=older,
        parts=[
            (
                url_for("klikkb.show_klikkb", area=area or None, show=one),
                translate(words),
                one == show,
                tallies.get(one),
            )
            for one, words in TABS.items()
        ],
        forms=[(form.code, form.name(current_language())) for form in runtime.forms if allowed.get(form.code)],
        months=_months(corner.today),
        formats=[(one, translate(words)) for one, words in FORMATS.items()],
        lack=translate(LACKS[agreement]) if isinstance(agreement, Lack) else "",
        fault=fault,
        typed=typed or {},
        **context,
    )


def _rows(
    session: Session, corner: Corner, show: str
) -> tuple[Sequence[Any], Sequence[tuple[Listed, Person]], str | None, str | None]:
    """Return the rows of a tab, or its pairs, with the addresses of the pages before and after."""
    area, scope = corner.area.code, frame.visitor().scope
    if show == "decide":
        pairs = midwives.list_shared(session, area, scope=scope)
        if corner.can_compare:
            here = midwives.list_midwives(session, area, "new", scope=scope, limit=MOST_COMPARED)
            others = midwives.list_unlisted(session, area, scope=scope, limit=MOST_COMPARED)
            pairs += find_counterparts(here, others)
        return (), pairs, None, None
    limit, edges = paging.ROWS + 1, paging.asked()
    found: Sequence[Any]
    if show == "unlisted":
        found = midwives.list_unlisted(session, area, scope=scope, limit=limit, **edges)
    else:
        found = midwives.list_midwives(session, area, show, scope=scope, limit=limit, **edges)
    rows, newer, older = paging.turn("klikkb.show_klikkb", found, {"area": area, "show": show})
    return rows, (), newer, older
