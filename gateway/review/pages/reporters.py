"""The reporters of an area: the list, each one with her phones, her facilities and her leave, and what staff change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, request

from gateway.enrol.checking import read_phone, split_cell
from gateway.enrol.faults import Fault, FaultCode
from gateway.redact import mask_phone
from gateway.review.pages import frame, paging
from gateway.review.pages.language import LANGUAGES, mark
from gateway.review.pages.registry_words import say_faults
from gateway.review.permit import Action
from gateway.store import leaves, register, registrations, roster
from gateway.store.base import Session
from gateway.store.roster import KnownReporter, WishedReporters
from gateway.values import find_phone
from parsers.period import period_of

MOST_PHONES = 5
MOST_FACILITIES = 12

routes = frame.make_routes("reporters")


@routes.get("/reporters")
def show_reporters() -> Response:
    """Show the reporters of the visitor's area, those that were asked for; names and numbers are searched by POST."""
    wished = WishedReporters(
        area=request.args.get("area", "")[:13],
        facility_id=request.args.get("facility", None, int),
        state=request.args.get("state", "")[:20],
    )
    return _show_list(wished)


@routes.post("/reporters/search")
def search() -> Response:
    """Show the reporters with a name or a number, which no address may hold."""
    words = request.form.get("words", "").strip()[:80]
    phone = find_phone(words, frame.runtime_of_request().settings.region)
    if phone is None and words.startswith("8"):
        phone = find_phone(f"0{words}", frame.runtime_of_request().settings.region)
    wished = WishedReporters(phone=phone) if phone and frame.may(Action.SEE_PHONES) else WishedReporters(words=words)
    return _show_list(wished, typed=words)


@routes.get("/reporters/<int:reporter_id>")
def show_reporter(reporter_id: int) -> Response:
    """Show one reporter."""
    return show(reporter_id)


@routes.get("/reporters/new")
def show_new() -> Response:
    """Show the form of a new reporter, for the facility that its page was opened from."""
    frame.demand(Action.REGISTER)
    return _show_form({"facility": request.args.get("facility", "")[:10], "language": "id"})


@routes.post("/reporters/new")
def add() -> Response:
    """Add a reporter who never asked by SMS."""
    frame.demand(Action.REGISTER)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    typed = {name: request.form.get(name, "")[:400] for name in ("name", "phones", "language", "facility")}
    facility_id = request.form.get("facility", 0, int)
    with runtime.database.session() as session:
        name, phones, faults = _read(session, typed, owner_id=None)
        facility = register.find_facility(session, facility_id, scope=scope)
        if facility is None:
            faults.append(Fault(FaultCode.MISSING, "facility"))
        elif not facility.is_active:
            faults.append(Fault(FaultCode.FACILITY_CLOSED, "facility", {"written": facility.name}))
        if faults or facility is None:
            return _show_form(typed, faults=say_faults(faults), status=422)
        language = typed["language"] if typed["language"] in LANGUAGES else "id"
        reporter_id = roster.enlist(session, name, phones, [facility.id], language, scope=scope)
        if reporter_id is None:
            return frame.absent()
        after = {"name": name, "phones": [mask_phone(one) for one in phones], "facility": facility.code}
        frame.audit(session, "add", "reporter", reporter_id, facility.area, after=after)
        session.commit()
    return frame.go("reporters.show_reporter", said=mark("The midwife was added."), reporter_id=reporter_id)


@routes.get("/reporters/<int:reporter_id>/edit")
def show_edit(reporter_id: int) -> Response:
    """Show the form of a reporter who is there."""
    frame.demand(Action.REGISTER)
    reporter = find(reporter_id)
    if reporter is None or reporter.merged_into:
        return frame.absent()
    return _show_form(asdict(reporter) | {"phones": "\n".join(reporter.phones)}, reporter)


@routes.post("/reporters/<int:reporter_id>/edit")
def change(reporter_id: int) -> Response:
    """Change a reporter's name, language and phones, unless somebody else did so meanwhile."""
    frame.demand(Action.REGISTER)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    typed = {name: request.form.get(name, "")[:400] for name in ("name", "phones", "language")}
    with runtime.database.session() as session:
        before = roster.find_reporter(session, reporter_id, scope=scope, today=today())
        if before is None or before.merged_into:
            return frame.absent()
        name, phones, faults = _read(session, typed, owner_id=reporter_id)
        if faults:
            return _show_form(typed, before, faults=say_faults(faults), status=422)
        language = typed["language"] if typed["language"] in LANGUAGES else before.language
        if not take_turn(session, before, {"name": name, "language": language}):
            return _show_form(typed, before, is_late=True, status=409)
        roster.set_phones(session, reporter_id, phones, scope=scope)
        write_down(
            session,
            "change",
            before,
            {"name": before.name, "language": before.language, "phones": _masked(before.phones)},
            {"name": name, "language": language, "phones": _masked(phones)},
        )
        session.commit()
    return frame.go("reporters.show_reporter", said=mark("The midwife was changed."), reporter_id=reporter_id)


@routes.post("/reporters/<int:reporter_id>/<any(suspend, reactivate):what>")
def switch(reporter_id: int, what: str) -> Response:
    """Suspend a reporter: what comes from her phones is held like a stranger's; or let her report again."""
    frame.demand(Action.REGISTER)
    is_active = what == "reactivate"
    said = mark("She may report again.") if is_active else mark("She is suspended; what she sends is held.")
    return change_one(reporter_id, what, {"is_active": is_active}, said)


def change_one(reporter_id: int, action: str, values: Mapping[str, Any], said: str) -> Response:
    """Change a reporter by the values of a button, write it down, and show her again."""
    with frame.runtime_of_request().database.session() as session:
        before = roster.find_reporter(session, reporter_id, scope=frame.visitor().scope, today=today())
        if before is None or before.merged_into:
            return frame.absent()
        if not take_turn(session, before, values):
            return show(reporter_id, is_late=True, status=409)
        write_down(session, action, before, {name: getattr(before, name) for name in values}, values)
        session.commit()
    return frame.go("reporters.show_reporter", said=said, reporter_id=reporter_id)


def take_turn(session: Session, seen: KnownReporter, values: Mapping[str, Any] | None = None) -> bool:
    """Change a reporter as the form saw her; False where somebody else was first, or she belongs to another area."""
    version = request.form.get("version", -1, int)
    month = today().strftime("%Y-%m")
    scope = frame.visitor().scope
    return roster.change_reporter(session, seen.id, values or {}, scope=scope, version=version, month=month)


def write_down(
    session: Session, action: str, reporter: KnownReporter, before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    """Write down what was changed of a reporter, for those who look after her area."""
    frame.audit(session, action, "reporter", reporter.id, reporter.area, before=dict(before), after=dict(after))


def find(reporter_id: int) -> KnownReporter | None:
    """Return a reporter of the visitor's area, or None."""
    with frame.runtime_of_request().database.session(read_only=True) as session:
        return roster.find_reporter(session, reporter_id, scope=frame.visitor().scope, today=today())


def today() -> date:
    """Return the day that it is where the house stands: leave and moves are counted in days and months."""
    runtime = frame.runtime_of_request()
    return runtime.now().astimezone(ZoneInfo(runtime.settings.timezone)).date()


def show(reporter_id: int, status: int = 200, **more: Any) -> Response:
    """Show one reporter, with what was typed on her page and what is wrong with it."""
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    day = today()
    wanted = request.values.get("wanted", "").strip()[:80]
    with runtime.database.session(read_only=True) as session:
        reporter = roster.find_reporter(session, reporter_id, scope=scope, today=day)
        if reporter is None:
            return frame.absent()
        away = leaves.leaves_of(session, reporter_id, scope=scope)
        wished = WishedReporters(area=reporter.area, state="active")
        others = roster.list_reporters(session, scope=scope, today=day, wished=wished, limit=200)
        last = roster.find_last_message(session, reporter, scope=scope)
        found = register.suggest_facilities(session, wanted, scope=scope)
    winner = find(reporter.merged_into) if reporter.merged_into else None
    return frame.answer(
        "reporter.html",
        status,
        reporter=reporter,
        leaves=away,
        stand_ins=[(one.id, one.name) for one in others if one.id != reporter_id],
        last=last,
        winner=winner,
        wanted=wanted,
        found=found,
        zone=runtime.settings.timezone,
        today=day,
        **{"faults": {}, "typed": {}} | more,
    )


def _show_list(wished: WishedReporters, typed: str = "") -> Response:
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    is_searched = bool(typed)
    limit, edges = paging.ROWS + 1, {} if is_searched else paging.asked()
    with runtime.database.session(read_only=True) as session:
        found = roster.list_reporters(session, scope=scope, today=today(), wished=wished, limit=limit, **edges)
        waiting = registrations.list_waiting(session, scope=scope, limit=21)
    kept = {"area": wished.area, "facility": wished.facility_id, "state": wished.state}
    rows, newer, older = paging.turn("reporters.show_reporters", found, kept)
    return frame.answer(
        "reporters.html",
        reporters=rows,
        wished=replace(wished, phone=""),
        typed=typed,
        newer=None if is_searched else newer,
        older=None if is_searched else older,
        is_cut=is_searched and len(found) > paging.ROWS,
        waiting=len(waiting),
        month=period_of(today()),
    )


def _show_form(
    typed: Mapping[str, Any],
    reporter: KnownReporter | None = None,
    faults: Mapping[str, str] | None = None,
    status: int = 200,
    *,
    is_late: bool = False,
) -> Response:
    facility_id = str(typed.get("facility", ""))
    facility = None
    if facility_id.isdecimal() and len(facility_id) < 10:
        with frame.runtime_of_request().database.session(read_only=True) as session:
            facility = register.find_facility(session, int(facility_id), scope=frame.visitor().scope)
    return frame.answer(
        "reporter_form.html",
        status,
        typed=typed,
        reporter=reporter,
        facility=facility,
        faults=faults or {},
        is_late=is_late,
    )


def _read(session: Session, typed: Mapping[str, str], owner_id: int | None) -> tuple[str, tuple[str, ...], list[Fault]]:
    """Return a reporter's name and phones as they were typed, with what is wrong with them."""
    scope, region = frame.visitor().scope, frame.runtime_of_request().settings.region
    faults: list[Fault] = []
    name = " ".join(typed["name"].split())
    if not name:
        faults.append(Fault(FaultCode.MISSING, "name"))
    elif len(name) > 100:
        faults.append(Fault(FaultCode.TOO_LONG, "name", {"longest": "100"}))
    lines = split_cell(typed["phones"].replace("\r", ""))
    read = [read_phone(line, "phones", region) for line in lines[:MOST_PHONES]]
    faults += [one for one in read if isinstance(one, Fault)]
    phones = tuple(dict.fromkeys(one for one in read if not isinstance(one, Fault)))
    if not lines:
        faults.append(Fault(FaultCode.MISSING, "phones"))
    owners = roster.find_by_phones(session, phones, scope=scope, today=today())
    is_taken = any(one.id != owner_id for these in owners.values() for one in these)
    if is_taken or roster.taken_phones(session, phones, scope=scope):
        is_shared = request.form.get("is_shared") == "1"  # one phone of a clinic, several midwives
        if not is_shared or roster.taken_phones(session, phones, scope=scope):
            faults.append(Fault(FaultCode.PHONE_TAKEN, "phones"))
    return name, phones, faults


def _masked(phones: Sequence[str]) -> list[str]:
    return [mask_phone(phone) for phone in phones]
