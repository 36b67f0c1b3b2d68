"""Pauses: nobody of an area is reminded for a time, or one facility is left out; and the end of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from zoneinfo import ZoneInfo

from flask import Response, request, url_for

from gateway.review.pages import frame, paging, reminder_words
from gateway.review.pages.calendar import find_place, show_day
from gateway.review.pages.language import mark, translate
from gateway.review.permit import Action
from gateway.store import pauses, register
from gateway.store.base import Session
from gateway.store.register import KnownFacility

LONGEST_REASON = 200  # characters
LATEST = date(2100, 1, 1)
NO_REASON = mark("Please write why, in at most 200 characters.")
NO_DAY = mark("This is no day. Write it as 2025-10-31.")
PAST_DAY = mark("This day has passed already.")

routes = frame.make_routes("pauses")


@routes.get("/reminders/pauses")
def show_pauses() -> Response:
    """Show which reminders are paused in an area, and the form to pause all of them."""
    return _show(request.args)


@routes.post("/reminders/pauses")
def pause() -> Response:
    """Remind nobody of an area until a day, or until somebody ends it."""
    frame.demand(Action.SET)
    runtime, user, typed = frame.runtime_of_request(), frame.visitor(), request.form
    with runtime.database.session() as session:
        place = find_place(session, typed)
        if place is None:
            return frame.absent()
        reason = typed.get("reason", "").strip()
        until, faults = _read_until(typed.get("until", ""), place.today)
        if not reason or len(reason) > LONGEST_REASON:
            faults["reason"] = NO_REASON
        if faults:
            session.rollback()
            return _show(typed, faults)
        days = place.today, until
        pause_id = pauses.add_pause(session, place.area, None, days, reason, user.name, runtime.now(), scope=user.scope)
        if pause_id is None:
            return frame.absent()
        frame.audit(session, "pause", "reminders", "", place.area, reason=reason, until=_as_words(until))
        session.commit()
    said = mark("Reminders of this area are paused. What is queued already is held back too.")
    return frame.go("pauses.show_pauses", said, area=place.area)


@routes.get("/reminders/facilities/<int:facility_id>/skip")
def show_skip(facility_id: int) -> Response:
    """Show the form to leave one facility out."""
    frame.demand(Action.REMIND)
    with frame.runtime_of_request().database.session(read_only=True) as session:
        facility = _find(session, facility_id)
    return _show_skip(facility, {}, {}) if facility else frame.absent()


@routes.post("/reminders/facilities/<int:facility_id>/skip")
def skip(facility_id: int) -> Response:
    """Remind nobody of one facility until a day, or until somebody ends it."""
    frame.demand(Action.REMIND)
    runtime, user, typed = frame.runtime_of_request(), frame.visitor(), request.form
    with runtime.database.session() as session:
        facility = _find(session, facility_id)
        if facility is None:
            return frame.absent()
        today = runtime.now().astimezone(ZoneInfo(facility.timezone)).date()
        until, faults = _read_until(typed.get("until", ""), today)
        why, own = typed.get("why", ""), typed.get("reason", "").strip()
        if why not in (*reminder_words.REASONS, reminder_words.OTHER):
            faults["why"] = mark("Please choose one.")
        if why == reminder_words.OTHER and (not own or len(own) > LONGEST_REASON):
            faults["reason"] = NO_REASON
        if faults:
            session.rollback()
            return _show_skip(facility, typed, faults)
        reason = own if why == reminder_words.OTHER else why
        pauses.add_pause(
            session, facility.area, facility_id, (today, until), reason, user.name, runtime.now(), scope=user.scope
        )
        frame.audit(session, "skip", "facility", facility_id, facility.area, reason=reason, until=_as_words(until))
        session.commit()
    said = mark("This facility is not reminded for now.")
    if typed.get("back") == "facility":
        return frame.go("facilities.show_facility", said, facility_id=facility_id)
    return frame.go("pauses.show_pauses", said, area=facility.area[:5])


@routes.post("/reminders/pauses/<int:pause_id>/end")
def end(pause_id: int) -> Response:
    """Remind again."""
    runtime, user = frame.runtime_of_request(), frame.visitor()
    if pause_id >= 2**31:
        return frame.absent()
    with runtime.database.session() as session:
        found = pauses.find_pause(session, pause_id, scope=user.scope)
        frame.demand(Action.REMIND if found is None or found.facility_id is not None else Action.SET)
        if found is None or not pauses.end_pause(session, pause_id, user.name, runtime.now(), scope=user.scope):
            return frame.absent()
        noun, subject = ("reminders", "") if found.facility_id is None else ("facility", str(found.facility_id))
        frame.audit(session, "end_pause", noun, subject, found.area, reason=found.reason)
        session.commit()
    said = mark("Reminders go out again.")
    if request.form.get("back") == "facility" and found.facility_id is not None:
        return frame.go("facilities.show_facility", said, facility_id=found.facility_id)
    return frame.go("pauses.show_pauses", said, area=found.area[:5])


def _show(typed: Mapping[str, str], faults: Mapping[str, str] | None = None) -> Response:
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session(read_only=True) as session:
        place = find_place(session, typed)
        if place is None:
            return frame.absent()
        before = paging.asked()["before"]
        found = pauses.list_pauses(session, place.area, place.today, scope=scope, before=before, limit=paging.ROWS + 1)
    rows = found[: paging.ROWS]
    older = None
    if len(found) > paging.ROWS:
        older = url_for("pauses.show_pauses", area=place.area, before=rows[-1].pause.id)
    return frame.answer(
        "pauses.html",
        422 if faults else 200,
        place=place,
        rows=[(one, _may_end(one.pause)) for one in rows],
        older=older,
        typed=typed if faults else {},
        faults=faults or {},
        words=reminder_words,
        show_day=show_day,
    )


def _may_end(one: pauses.Pause) -> bool:
    action = Action.SET if one.facility_id is None else Action.REMIND
    return frame.may(action) and frame.visitor().scope.covers(one.area)


def _show_skip(facility: KnownFacility, typed: Mapping[str, str], faults: Mapping[str, str]) -> Response:
    choices = [(code, translate(words)) for code, words in reminder_words.REASONS.items()]
    choices.append((reminder_words.OTHER, translate(mark("another reason"))))
    back = request.values.get("back", "")
    return frame.answer(
        "skip.html", 422 if faults else 200, facility=facility, typed=typed, faults=faults, choices=choices, back=back
    )


def _find(session: Session, facility_id: int) -> KnownFacility | None:
    if facility_id >= 2**31:
        return None
    return register.find_facility(session, facility_id, scope=frame.visitor().scope)


def _read_until(written: str, today: date) -> tuple[date | None, dict[str, str]]:
    """Return the last day that was typed, None where it is open, and what is wrong with it."""
    written = written.strip()
    if not written:
        return None, {}
    try:
        day = date.fromisoformat(written)
    except ValueError:
        return None, {"until": NO_DAY}
    if day > LATEST:
        return None, {"until": NO_DAY}
    return day, {"until": PAST_DAY} if day < today else {}


def _as_words(until: date | None) -> str:
    return until.isoformat() if until else ""
