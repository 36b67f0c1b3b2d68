"""The facilities of an area: the list, each with who reports for it; adding, changing, closing and opening again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, request

from gateway.enrol.checking import (
    Checked,
    Country,
    check_facility,
    find_missing,
    make_short_name,
    read_date,
    values_when_switched,
)
from gateway.enrol.faults import Fault, FaultCode
from gateway.errors import Raced
from gateway.review.pages import frame, paging, reminder_words
from gateway.review.pages.language import mark
from gateway.review.pages.registry_words import name_type, ownership_choices, say_faults, type_choices
from gateway.review.permit import Action
from gateway.store import areas, pauses, register, roster, totals
from gateway.store.base import Session, savepoint
from gateway.store.facilities import NewFacility
from gateway.store.register import KnownFacility, WishedFacilities

FIELDS = (
    *("code", "name", "short_name", "type", "ownership", "area", "kemenkes_code", "dhis2_uid"),
    *("latitude", "longitude", "opened_on"),
)
WANTED = ("code", "name", "type", "area")
COUNTED_BY = {"area", "type", "ownership"}  # what the sums of a month are made by
MOST_CHOICES = 80  # kecamatan of the largest regency, and some; a wider area is typed by its code

routes = frame.make_routes("facilities")


@routes.get("/facilities")
def show_facilities() -> Response:
    """Show the facilities of the visitor's area, those that were asked for."""
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    names = ("type", "area", "state")
    wished = WishedFacilities(request.args.get("words", "")[:80], *(request.args.get(name, "")[:20] for name in names))
    with runtime.database.session(read_only=True) as session:
        found = register.list_facilities(session, scope=scope, wished=wished, limit=paging.ROWS + 1, **paging.asked())
        kecamatan = _area_choices(session)
    rows, newer, older = paging.turn("facilities.show_facilities", found, asdict(wished))
    return frame.answer(
        "facilities.html",
        facilities=rows,
        wished=wished,
        newer=newer,
        older=older,
        types=type_choices(),
        kecamatan=kecamatan,
        name_type=name_type,
    )


@routes.get("/facilities/<int:facility_id>")
def show_facility(facility_id: int) -> Response:
    """Show one facility, and who reports for it."""
    return _show(facility_id)


@routes.get("/facilities/new")
def show_new() -> Response:
    """Show the form of a new facility."""
    frame.demand(Action.REGISTER)
    return _show_form({"area": request.args.get("area", "")[:13]})


@routes.post("/facilities/new")
def add() -> Response:
    """Add a facility."""
    frame.demand(Action.REGISTER)
    runtime, scope, typed = frame.runtime_of_request(), frame.visitor().scope, _typed()
    with runtime.database.session() as session:
        checked = _check(session, typed)
        values = dict(checked.values)
        values.setdefault("short_name", make_short_name(str(values.get("name", ""))))
        faults = (*checked.faults, *find_missing(values, WANTED, checked.faults))
        if not faults:
            try:
                with savepoint(session):
                    facility_id = register.add_facility(session, NewFacility(**values), scope=scope)
                if facility_id is not None:
                    frame.audit(session, "add", "facility", facility_id, values["area"], after=_as_json(values))
                    session.commit()
                    return frame.go(
                        "facilities.show_facility", said=mark("The facility was added."), facility_id=facility_id
                    )
            except Raced:
                faults = (Fault(FaultCode.CODE_TAKEN, "code", {"code": values["code"]}),)
    return _show_form(typed, faults=say_faults(faults), status=422)


@routes.get("/facilities/<int:facility_id>/edit")
def show_edit(facility_id: int) -> Response:
    """Show the form of a facility that is there."""
    frame.demand(Action.REGISTER)
    facility = _find(facility_id)
    if facility is None or facility.merged_into:
        return frame.absent()
    return _show_form(_as_typed(facility), facility)


@routes.post("/facilities/<int:facility_id>/edit")
def change(facility_id: int) -> Response:
    """Change a facility, unless somebody else did so meanwhile."""
    frame.demand(Action.REGISTER)
    runtime, scope, typed = frame.runtime_of_request(), frame.visitor().scope, _typed()
    with runtime.database.session() as session:
        before = register.find_facility(session, facility_id, scope=scope)
        if before is None or before.merged_into:
            return frame.absent()
        checked = _check(session, typed | {"code": before.code})
        values = dict.fromkeys(FIELDS) | dict(checked.values)
        short_name = str(values["short_name"] or make_short_name(str(values["name"] or before.name)))
        values["short_name"] = short_name
        faults = [*checked.faults, *find_missing(values, WANTED, checked.faults)]
        who = register.find_short_name_clash(session, facility_id, short_name, scope=scope)
        if who:
            faults.append(Fault(FaultCode.SHORT_NAME_TAKEN, "short_name", {"reporter": who}))
        if faults:
            return _show_form(typed, before, faults=say_faults(faults), status=422)
        changed = {name: value for name, value in values.items() if value != getattr(before, name)}
        version = request.form.get("version", -1, int)
        if changed and not register.change_facility(session, facility_id, changed, scope=scope, version=version):
            return _show_form(typed, before, is_late=True, status=409)
        if changed:
            _write_down(session, "change", before, changed)
            if COUNTED_BY & changed.keys():
                totals.refresh_areas(session, {before.area, str(changed.get("area", before.area))})
            session.commit()
    return frame.go("facilities.show_facility", said=mark("The facility was changed."), facility_id=facility_id)


@routes.post("/facilities/<int:facility_id>/close")
def close(facility_id: int) -> Response:
    """Close a facility from a day on: it is no longer missed, and its reports stay."""
    frame.demand(Action.REGISTER)
    facility = _find(facility_id)
    if facility is None or facility.merged_into or not facility.is_active:
        return frame.absent()
    today = _today(facility)
    closed_on = read_date(request.form.get("closed_on", "").strip() or today.isoformat(), "closed_on")
    if not isinstance(closed_on, Fault) and closed_on > today:
        closed_on = Fault(FaultCode.DATE_AHEAD, "closed_on")
    if isinstance(closed_on, Fault):
        return _show(facility_id, faults=say_faults([closed_on]), status=422)
    values = values_when_switched(is_active=False, closed_on=None, today=closed_on)
    return _switch(facility, "close", values, mark("The facility was closed."))


@routes.post("/facilities/<int:facility_id>/reopen")
def reopen(facility_id: int) -> Response:
    """Open a facility again from today on."""
    frame.demand(Action.REGISTER)
    facility = _find(facility_id)
    if facility is None or facility.merged_into or facility.is_active:
        return frame.absent()
    values = values_when_switched(is_active=True, closed_on=facility.closed_on, today=_today(facility))
    return _switch(facility, "reopen", values, mark("The facility is open again."))


def _switch(facility: KnownFacility, action: str, values: Mapping[str, Any], said: str) -> Response:
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    version = request.form.get("version", -1, int)
    with runtime.database.session() as session:
        if not register.change_facility(session, facility.id, values, scope=scope, version=version):
            return _show(facility.id, is_late=True, status=409)
        _write_down(session, action, facility, values)
        session.commit()
    return frame.go("facilities.show_facility", said=said, facility_id=facility.id)


def _show(facility_id: int, faults: Mapping[str, str] | None = None, status: int = 200, **more: Any) -> Response:
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session(read_only=True) as session:
        facility = register.find_facility(session, facility_id, scope=scope)
        if facility is None:
            return frame.absent()
        today = _today(facility)
        wished = roster.WishedReporters(facility_id=facility_id)
        people = roster.list_reporters(session, scope=scope, today=today, wished=wished, limit=100)
        paused = pauses.pauses_of_facility(session, facility_id, today, scope=scope)
        winner = None
        if facility.merged_into:
            winner = register.find_facility(session, facility.merged_into, scope=scope)
    return frame.answer(
        "facility.html",
        status,
        facility=facility,
        people=people,
        paused=paused,
        say_reason=reminder_words.say_reason,
        winner=winner,
        today=today,
        faults=faults or {},
        name_type=name_type,
        **more,
    )


def _show_form(
    typed: Mapping[str, Any],
    facility: KnownFacility | None = None,
    faults: Mapping[str, str] | None = None,
    status: int = 200,
    *,
    is_late: bool = False,
) -> Response:
    with frame.runtime_of_request().database.session(read_only=True) as session:
        kecamatan = _area_choices(session)
    return frame.answer(
        "facility_form.html",
        status,
        typed=typed,
        facility=facility,
        faults=faults or {},
        is_late=is_late,
        types=type_choices(),
        ownerships=ownership_choices(),
        kecamatan=kecamatan,
    )


def _find(facility_id: int) -> KnownFacility | None:
    with frame.runtime_of_request().database.session(read_only=True) as session:
        return register.find_facility(session, facility_id, scope=frame.visitor().scope)


def _typed() -> dict[str, str]:
    return {name: request.form.get(name, "")[:200] for name in FIELDS}


def _check(session: Session, typed: Mapping[str, str]) -> Checked:
    scope = frame.visitor().scope
    country = Country.of(scope, areas.list_named(session, scope=scope))
    today = frame.runtime_of_request().now().date()
    return check_facility(typed, country, today)


def _as_typed(facility: KnownFacility) -> dict[str, Any]:
    return {name: getattr(facility, name) for name in FIELDS}


def _area_choices(session: Session) -> list[tuple[str, str]]:
    """Return the kecamatan to choose from; none where there are too many of them, and a code is typed."""
    scope = frame.visitor().scope
    if len(scope.area) < len("14.03"):
        return []
    found = areas.list_districts(session, scope=scope)
    return [(area.code, f"{area.name} ({area.code})") for area in found[:MOST_CHOICES]]


def _today(facility: KnownFacility) -> date:
    return frame.runtime_of_request().now().astimezone(ZoneInfo(facility.timezone)).date()


def _write_down(session: Session, action: str, before: KnownFacility, values: Mapping[str, Any]) -> None:
    was = {name: getattr(before, name) for name in values}
    frame.audit(session, action, "facility", before.id, before.area, before=_as_json(was), after=_as_json(values))


def _as_json(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}
