"""Outages noted by staff: a time in which messages could not come in, so that nobody is late because of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Response, request

from gateway.calendar import Outage
from gateway.review.pages import calendar, frame
from gateway.review.pages.calendar import Place, find_place
from gateway.review.pages.language import mark, translate
from gateway.review.permit import Action
from gateway.store import outages, totals
from gateway.store.base import Session

LONGEST_REASON = 500
OLDEST = timedelta(days=400)
NO_TIME = mark("Write the day and the time.")
TO_COME = mark("That is still to come: note an outage once it has begun.")
TO_COME_END = mark("That is still to come; it is over only once it is.")
TOO_OLD = mark("That is more than a year ago.")
TURNED = mark("It cannot end before it began.")
NO_REASON = mark("Say what was down, so that whoever asks later knows.")
LONG_REASON = mark("Too long: 500 characters at most.")
GONE = mark("Somebody else has changed this outage already.")

routes = frame.make_routes("outages")


@routes.post("/calendar/outages")
def note_outage() -> Response:
    """Note an outage of an area."""
    frame.demand(Action.SET)
    runtime, user = frame.runtime_of_request(), frame.visitor()
    typed = {name: request.form.get(name, "").strip()[:1000] for name in ("from", "until", "reason")}
    reason = " ".join(typed["reason"].split())
    with runtime.database.session() as session:
        place = find_place(session, request.form)
        if place is None or not user.scope.covers(place.area):
            return frame.absent()
        from_at, until_at = _read_time(typed["from"], place), _read_time(typed["until"], place)
        now = runtime.now()
        wrong_start = _find_fault(from_at, now)
        faults = {
            "from": wrong_start,
            "until": _find_end_fault(None if wrong_start else from_at, until_at, now) if typed["until"] else "",
            "reason": NO_REASON if not reason else LONG_REASON if len(reason) > LONGEST_REASON else "",
        }
        if from_at is None or any(faults.values()):
            wrong = {name: translate(fault) for name, fault in faults.items() if fault}
            session.rollback()
            return calendar.show(faults=wrong, outage=typed)
        noted = Outage(place.area, from_at, until_at)
        outage_id = outages.add_outage(session, noted, reason, user.name, now, scope=user.scope)
        totals.recount_outage(session, noted)
        _audit(session, "note", outage_id, noted, place.zone, reason)
        session.commit()
    return _go_back(place, mark("The outage was noted. Figures follow in a moment."))


@routes.post("/calendar/outages/<int:outage_id>/end")
def end_outage(outage_id: int) -> Response:
    """Say since when an outage is over."""
    frame.demand(Action.SET)
    runtime, user = frame.runtime_of_request(), frame.visitor()
    typed = request.form.get("ended", "").strip()[:40]
    with runtime.database.session() as session:
        place = find_place(session, request.form)
        found = outages.find_outage(session, outage_id, scope=user.scope)
        if place is None or found is None:
            return frame.absent()
        until_at = _read_time(typed, place)
        fault = _find_end_fault(found.from_at, until_at, runtime.now())
        if until_at is None or fault:
            session.rollback()
            wrong = {f"ended-{outage_id}": translate(fault)}
            return calendar.show(faults=wrong, outage={f"ended-{outage_id}": typed})
        if not outages.end_outage(session, outage_id, until_at, scope=user.scope):
            return _go_back(place, GONE, "look")
        totals.recount_outage(session, found.span)  # as it was, without an end: it touches no fewer months
        _audit(session, "end_outage", outage_id, Outage(found.area, found.from_at, until_at), place.zone)
        session.commit()
    return _go_back(place, mark("The outage is over. Figures follow in a moment."))


@routes.post("/calendar/outages/<int:outage_id>/drop")
def drop_outage(outage_id: int) -> Response:
    """Take an outage back, whoever noted it."""
    frame.demand(Action.SET)
    runtime, user = frame.runtime_of_request(), frame.visitor()
    with runtime.database.session() as session:
        place = find_place(session, request.form)
        if place is None:
            return frame.absent()
        found = outages.drop_outage(session, outage_id, scope=user.scope)
        if found is None:
            return _go_back(place, GONE, "look")
        totals.recount_outage(session, found.span)
        _audit(session, "drop", outage_id, found.span, place.zone, found.reason)
        session.commit()
    return _go_back(place, mark("The outage was taken back. It excuses nothing any more."))


def _go_back(place: Place, said: str, tone: str = "good") -> Response:
    return frame.go("calendar.show_calendar", said, tone, area=place.area, form=place.form.code)


def _audit(session: Session, action: str, outage_id: int | None, span: Outage, zone: str, reason: str = "") -> None:
    ends = (span.from_at, span.until_at)
    first, last = (at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M %Z") if at else None for at in ends)
    about = {"from": first, "until": last} | ({"reason": reason} if reason else {})
    frame.audit(session, action, "outage", outage_id, span.area, **about)


def _read_time(typed: str, place: Place) -> datetime | None:
    """Return what was typed on the clock of a place, as an instant; None where it is no time."""
    try:
        read = datetime.fromisoformat(typed)
    except ValueError:
        return None
    if read.tzinfo is not None or not 2000 <= read.year < 2100:
        return None
    return read.replace(tzinfo=ZoneInfo(place.zone)).astimezone(UTC)


def _find_fault(at: datetime | None, now: datetime) -> str:
    if at is None:
        return NO_TIME
    if at > now:
        return TO_COME
    return TOO_OLD if at < now - OLDEST else ""


def _find_end_fault(from_at: datetime | None, until_at: datetime | None, now: datetime) -> str:
    if until_at is None or until_at > now:
        return NO_TIME if until_at is None else TO_COME_END
    return TURNED if from_at is not None and until_at < from_at else ""
