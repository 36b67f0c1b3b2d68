"""Data-sharing agreements: what may be handed to whom, of which area, until when; recorded once, and revoked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from flask import Response, request

from gateway.enrol.checking import read_date
from gateway.review.pages import frame, show
from gateway.review.pages.klikkb import Corner, find_corner
from gateway.review.pages.language import current_language, mark
from gateway.review.permit import Action
from gateway.store import agreements, areas
from gateway.store.agreements import KLIKKB, NewAgreement

LONGEST: Mapping[str, int] = {"number": 100, "title": 200, "other": 100, "legal_basis": 2000}
FILL_IN = mark("This must be filled in.")

routes = frame.make_routes("agreements")


@routes.get("/klikkb/agreements")
def show_agreements() -> Response:
    """Show the agreements of an area, of its parts and of the areas around it."""
    frame.demand(Action.PUSH)
    scope = frame.visitor().scope
    with frame.runtime_of_request().database.session(read_only=True) as session:
        corner = find_corner(session, request.args.get("area", ""))
        if corner is None:
            return frame.absent()
        found = agreements.list_agreements(session, corner.area.code, scope=scope)
        names = areas.names_of(session, {one.area for one in found})
    forms = {form.code: form for form in frame.runtime_of_request().forms}
    return frame.answer(
        "agreements.html",
        corner=corner,
        rows=[
            (
                one,
                [
                    (name_form(form), [show.name_measure(forms.get(form), code) for code in codes])
                    for form, codes in one.measures.items()
                    if codes
                ],
                scope.covers(one.area) and one.revoked_at is None and one.ends_on >= corner.today,
            )
            for one in found
        ],
        names=names,
        klikkb=KLIKKB,
    )


@routes.get("/klikkb/agreements/new")
def show_new() -> Response:
    """Show the form of a new agreement."""
    frame.demand(Action.ADMINISTER)
    return _show_form(request.args.get("area", ""), {}, {})


@routes.post("/klikkb/agreements/new")
def record() -> Response:
    """Record an agreement that was signed."""
    frame.demand(Action.ADMINISTER)
    runtime, user, typed = frame.runtime_of_request(), frame.visitor(), request.form
    with runtime.database.session() as session:
        corner = find_corner(session, typed.get("area", ""))
        if corner is None:
            return frame.absent()
        new, faults = _read(corner, runtime.now())
        if new is None:
            session.rollback()
            return _show_form(corner.area.code, typed, faults, 422)
        agreement_id = agreements.record(session, new, scope=user.scope)
        if agreement_id is None:
            return frame.absent()
        days = [new.starts_on.isoformat(), new.ends_on.isoformat()]
        measures = {form: list(codes) for form, codes in new.measures.items()}
        about = {"name": new.number, "of": new.partner, "days": days, "values": measures}
        personal = [one for one, may in (("name", new.may_name), ("phone", new.may_phone)) if may]
        frame.audit(session, "record", "agreement", agreement_id, new.area, **about, type=", ".join(personal))
        session.commit()
    return frame.go("agreements.show_agreements", mark("The agreement was recorded."), area=corner.area.code or None)


@routes.post("/klikkb/agreements/<int:agreement_id>/revoke")
def revoke(agreement_id: int) -> Response:
    """End an agreement at once, for ever: nothing is handed over by it any more."""
    frame.demand(Action.ADMINISTER)
    runtime, user = frame.runtime_of_request(), frame.visitor()
    area, why = request.form.get("area", "")[:13] or None, request.form.get("why", "").strip()[:500]
    if agreement_id >= 2**31:
        return frame.absent()
    if not why:
        words = mark("Write why the agreement is revoked. Nothing was changed.")
        return frame.go("agreements.show_agreements", words, tone="look", area=area)
    with runtime.database.session() as session:
        found = agreements.revoke(session, agreement_id, user.name, why, runtime.now(), scope=user.scope)
        if found is None:
            return frame.absent()
        frame.audit(session, "revoke", "agreement", agreement_id, found.area, name=found.number, reason=why)
        session.commit()
    said = mark("The agreement was revoked. Nothing is handed over by it any more.")
    return frame.go("agreements.show_agreements", said, area=area)


def name_form(code: str) -> str:
    """Return what a form is called; one that is there no more by its code."""
    forms = {form.code: form for form in frame.runtime_of_request().forms}
    return forms[code].name(current_language()) if code in forms else code


def _read(corner: Corner, now: datetime) -> tuple[NewAgreement | None, dict[str, str]]:
    """Return what was typed as an agreement, or what is wrong with it by field."""
    words = {name: request.form.get(name, "").strip() for name in LONGEST}
    partner = KLIKKB if request.form.get("partner") == KLIKKB else words["other"]
    wanted = ("number", "title", "legal_basis") if partner == KLIKKB else tuple(LONGEST)
    faults = {name: FILL_IN for name in wanted if not words[name]}
    faults |= {name: mark("This is too long.") for name, longest in LONGEST.items() if len(words[name]) > longest}
    if partner.casefold().replace("-", "") == KLIKKB and partner != KLIKKB:
        faults["other"] = mark("Choose Klik-KB above.")
    days: dict[str, date] = {}
    for name in ("starts_on", "ends_on"):
        day = read_date(request.form.get(name, "").strip()[:20], name)
        if isinstance(day, date):
            days[name] = day
        else:
            faults[name] = mark("Write a day, such as 30/9/2025.")
    if len(days) == 2 and days["ends_on"] < days["starts_on"]:
        faults["ends_on"] = mark("The last day lies before the first.")
    measures = {
        form.code: tuple(one for one in form.measures if request.form.get(f"{form.code}.{one}") == "1")
        for form in frame.runtime_of_request().forms
    }
    if not any(measures.values()):
        faults["measures"] = mark("Tick at least one measure that may be handed over.")
    if faults:
        return None, faults
    new = NewAgreement(
        partner=partner,
        number=words["number"],
        title=words["title"],
        area=corner.area.code,
        measures={form: codes for form, codes in measures.items() if codes},
        may_name=request.form.get("may_name") == "1",
        may_phone=request.form.get("may_phone") == "1",
        legal_basis=words["legal_basis"],
        starts_on=days["starts_on"],
        ends_on=days["ends_on"],
        recorded_by=frame.visitor().name,
        recorded_at=now,
    )
    return new, {}


def _show_form(code: str, typed: Mapping[str, str], faults: Mapping[str, str], status: int = 200) -> Response:
    with frame.runtime_of_request().database.session(read_only=True) as session:
        corner = find_corner(session, code)
    if corner is None:
        return frame.absent()
    forms = [
        (form.code, name_form(form.code), [(one, show.name_measure(form, one)) for one in form.measures])
        for form in frame.runtime_of_request().forms
    ]
    return frame.answer(
        "agreement_new.html", status, corner=corner, typed=typed, faults=faults, forms=forms, klikkb=KLIKKB
    )
