"""Where a reporter reports, and when not: her facilities, her moves from one to another, her leave and her stand-in."""

from __future__ import annotations

from datetime import date

from flask import Response, request

from gateway.calendar import shift
from gateway.enrol.checking import read_date, read_month
from gateway.enrol.faults import Fault, FaultCode
from gateway.review.pages import frame
from gateway.review.pages.language import mark
from gateway.review.pages.registry_words import say_faults
from gateway.review.pages.reporters import MOST_FACILITIES, find, show, take_turn, today, write_down
from gateway.review.permit import Action
from gateway.store import leaves, register, roster
from gateway.store.base import Session
from gateway.store.register import KnownFacility
from gateway.store.roster import KnownReporter
from parsers.period import period_of

routes = frame.make_routes("assignments")


@routes.post("/reporters/<int:reporter_id>/facilities")
def assign(reporter_id: int) -> Response:
    """Let a reporter report for one more facility from a month on, or for it instead of one of hers."""
    frame.demand(Action.REGISTER)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    reporter = find(reporter_id)
    if reporter is None or reporter.merged_into:
        return frame.absent()
    with runtime.database.session() as session:
        facility = register.find_facility(session, request.form.get("facility", 0, int), scope=scope)
        left_id = request.form.get("instead_of", 0, int)
        left = next((one for one in reporter.assignments if one.facility_id == left_id), None)
        month = read_month(request.form.get("from_period", "").strip() or period_of(today()), "from_period")
        faults = _find_faults(reporter, facility, left_id)
        if isinstance(month, Fault):
            faults.append(month)
        if faults or facility is None or isinstance(month, Fault):
            return show(reporter_id, faults=say_faults(faults), typed=request.form, status=422)
        if not take_turn(session, reporter):
            return show(reporter_id, is_late=True, typed=request.form, status=409)
        is_responsible = request.form.get("is_responsible") == "1"
        since = month if left or request.form.get("from_period") else None
        roster.assign(session, reporter_id, facility.id, scope=scope, is_responsible=is_responsible, from_period=since)
        after = {"facility": facility.code, "from": since, "is_responsible": is_responsible}
        if left:
            until = shift(month, -1)
            if not roster.end_assignment(session, reporter_id, left.facility_id, scope=scope, until_period=until):
                return frame.absent()
            after |= {"instead_of": left.code, "until": until}
        write_down(session, "move" if left else "assign", reporter, {}, after)
        if left and facility.area != left.area:  # the other area's staff see it too
            frame.audit(session, "move", "reporter", reporter_id, facility.area, after=after)
        session.commit()
    return frame.go("reporters.show_reporter", said=mark("Her facilities were changed."), reporter_id=reporter_id)


@routes.post("/reporters/<int:reporter_id>/facilities/<int:facility_id>/end")
def end(reporter_id: int, facility_id: int) -> Response:
    """Let a reporter report for a facility until a month, the running one unless it says."""
    frame.demand(Action.REGISTER)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    reporter = find(reporter_id)
    hers = next((one for one in reporter.assignments if one.facility_id == facility_id), None) if reporter else None
    if reporter is None or hers is None or reporter.merged_into:
        return frame.absent()
    until = read_month(request.form.get("until_period", "").strip() or period_of(today(), 1), "until_period")
    if isinstance(until, Fault):
        return show(reporter_id, faults=say_faults([until]), status=422)
    if not [one for one in reporter.assignments if one is not hers and one.until_period is None]:
        fault = mark("This is her only facility. Suspend her, or let her move to another.")
        return show(reporter_id, problem=fault, status=422)
    with runtime.database.session() as session:
        if not take_turn(session, reporter):
            return show(reporter_id, is_late=True, status=409)
        if not roster.end_assignment(session, reporter_id, facility_id, scope=scope, until_period=until):
            return frame.absent()
        write_down(session, "end", reporter, {"facility": hers.code}, {"facility": hers.code, "until": until})
        session.commit()
    return frame.go("reporters.show_reporter", said=mark("Her facilities were changed."), reporter_id=reporter_id)


@routes.post("/reporters/<int:reporter_id>/leaves")
def add_leave(reporter_id: int) -> Response:
    """Write down a leave: she is not reminded, and her stand-in may report for her facilities meanwhile."""
    frame.demand(Action.REGISTER)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    reporter = find(reporter_id)
    if reporter is None or reporter.merged_into:
        return frame.absent()
    from_on, until_on, faults = _read_days()
    stand_in_id = request.form.get("stand_in", 0, int) or None
    stand_in = find(stand_in_id) if stand_in_id else None
    if stand_in_id and (stand_in is None or stand_in.id == reporter_id or not stand_in.is_active):
        return frame.absent()
    if faults:
        return show(reporter_id, faults=say_faults(faults), typed=request.form, status=422)
    with runtime.database.session() as session:
        if not take_turn(session, reporter):
            return show(reporter_id, is_late=True, typed=request.form, status=409)
        leave_id = leaves.add_leave(session, reporter_id, from_on, until_on, stand_in_id, scope=scope)
        if leave_id is None:
            return frame.absent()
        if stand_in:
            _let_stand_in(session, reporter, stand_in, leave_id, from_on, until_on)
        after = {"from": from_on.isoformat(), "until": until_on.isoformat(), "stand_in": stand_in_id}
        write_down(session, "leave", reporter, {}, after)
        session.commit()
    return frame.go("reporters.show_reporter", said=mark("The leave was written down."), reporter_id=reporter_id)


@routes.post("/reporters/<int:reporter_id>/leaves/<int:leave_id>/drop")
def drop_leave(reporter_id: int, leave_id: int) -> Response:
    """Take back a leave, and its stand-in's right to report."""
    frame.demand(Action.REGISTER)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    reporter = find(reporter_id)
    if reporter is None or reporter.merged_into:
        return frame.absent()
    with runtime.database.session() as session:
        there = {one.id: one for one in leaves.leaves_of(session, reporter_id, scope=scope)}
        if leave_id not in there:
            return frame.absent()
        if not take_turn(session, reporter):
            return show(reporter_id, is_late=True, status=409)
        leaves.drop_leave(session, leave_id, scope=scope)
        was = there[leave_id]
        before = {"from": was.from_on.isoformat(), "until": was.until_on.isoformat(), "stand_in": was.stand_in_id}
        write_down(session, "end_leave", reporter, before, {})
        session.commit()
    return frame.go("reporters.show_reporter", said=mark("The leave was taken back."), reporter_id=reporter_id)


def _find_faults(reporter: KnownReporter, facility: KnownFacility | None, left_id: int) -> list[Fault]:
    """Return what speaks against a facility for a reporter."""
    if facility is None:
        return [Fault(FaultCode.MISSING, "facility")]
    if not facility.is_active:
        return [Fault(FaultCode.FACILITY_CLOSED, "facility", {"written": facility.name})]
    others = [one for one in reporter.assignments if one.facility_id not in (facility.id, left_id)]
    faults = [
        Fault(FaultCode.SHORT_NAME_TAKEN, "facility", {"reporter": reporter.name})
        for one in others
        if one.is_active and one.until_period is None and one.short_name.casefold() == facility.short_name.casefold()
    ]
    if len(others) >= MOST_FACILITIES:
        faults.append(Fault(FaultCode.TOO_LONG, "facility", {"longest": str(MOST_FACILITIES)}))
    return faults


def _read_days() -> tuple[date, date, list[Fault]]:
    """Return the days of a leave as they were typed; what is wrong with them makes the days themselves void."""
    read = [read_date(request.form.get(name, "").strip(), name) for name in ("from_on", "until_on")]
    faults = [one for one in read if isinstance(one, Fault)]
    first, last = (one if isinstance(one, date) else today() for one in read)
    if not faults and last < first:
        faults.append(Fault(FaultCode.DATE_ORDER, "until_on"))
    return first, last, faults


def _let_stand_in(
    session: Session, reporter: KnownReporter, stand_in: KnownReporter, leave_id: int, from_on: date, until_on: date
) -> None:
    """Let the stand-in report for whatever is due while the leave lasts: the month before its first day, and on."""
    scope = frame.visitor().scope
    for one in reporter.assignments:
        if one.leave_id is None and one.until_period is None and scope.covers(one.area):
            roster.assign(
                session,
                stand_in.id,
                one.facility_id,
                scope=scope,
                is_responsible=False,
                from_period=period_of(from_on, 1),
                until_period=period_of(until_on),
                leave_id=leave_id,
            )
