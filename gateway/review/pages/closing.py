"""Closing a month and opening it again: what is still open is shown first, and whoever does it says why."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Response, request

from gateway.errors import Raced
from gateway.review.pages import frame
from gateway.review.pages.calendar import Place, find_place, may_close
from gateway.review.pages.language import current_language, mark, translate
from gateway.review.permit import Action
from gateway.store import areas, missing, months, unsettled
from gateway.store.base import Session, savepoint
from gateway.store.unsettled import Unsettled

LONGEST_REASON = 500
NO_REASON = mark("Say why, so that whoever asks later knows.")
LONG_REASON = mark("Too long: 500 characters at most.")

routes = frame.make_routes("closing")


@routes.get("/calendar/close")
def show_close() -> Response:
    """Show what is still open in a month before it is closed."""
    return _show_close(request.args)


@routes.post("/calendar/close")
def close_month() -> Response:
    """Close a month; with a reason where something is still open."""
    frame.demand(Action.CLOSE)
    runtime, user, typed = frame.runtime_of_request(), frame.visitor(), request.form
    reason = " ".join(typed.get("reason", "").split())
    with runtime.database.session() as session:
        place = find_place(session, typed)
        period = _read_period(typed)
        if place is None or period is None or not may_close(place, period):
            return frame.absent()
        months.take_turn(session)
        stands = _count(session, place, period)
        fault = ""
        if len(reason) > LONGEST_REASON:
            fault = LONG_REASON
        elif not stands.is_settled and not reason:
            fault = NO_REASON
        if fault or typed.get("seen") != _seal(stands):
            session.rollback()
            return _show_close(typed, fault=fault, is_changed=not fault)
        try:
            with savepoint(session):
                closing_id = months.close_month(
                    session, place.form.code, period, place.area, user.name, runtime.now(), reason, scope=user.scope
                )
        except Raced:
            return frame.go(
                "calendar.show_calendar",
                mark("Somebody else has closed this month already."),
                "look",
                area=place.area,
                form=place.form.code,
            )
        about = {"form": place.form.code, "period": period, "reason": reason}
        still_open = {"missing": stands.missing, "waiting": stands.waiting, "flagged": stands.flagged}
        frame.audit(session, "close", "month", closing_id, place.area, **about, **still_open)
        session.commit()
    return frame.go("calendar.show_calendar", mark("The month was closed."), area=place.area, form=place.form.code)


@routes.get("/calendar/closings/<int:closing_id>/reopen")
def show_reopen(closing_id: int) -> Response:
    """Ask for the reason to open a month again."""
    return _show_reopen(closing_id)


@routes.post("/calendar/closings/<int:closing_id>/reopen")
def reopen_month(closing_id: int) -> Response:
    """Open a closed month again."""
    frame.demand(Action.CLOSE)
    runtime, user = frame.runtime_of_request(), frame.visitor()
    reason = " ".join(request.form.get("reason", "").split())
    if not reason or len(reason) > LONGEST_REASON:
        return _show_reopen(closing_id, NO_REASON if not reason else LONG_REASON, reason)
    with runtime.database.session() as session:
        known = months.find_closing(session, closing_id, scope=user.scope)
        if known is None:
            return frame.absent()
        found = months.reopen_month(session, closing_id, user.name, runtime.now(), reason, scope=user.scope)
        if found is not None:
            about = {"form": found.form, "period": found.period, "reason": reason}
            frame.audit(session, "reopen", "month", closing_id, found.area, **about)
        session.commit()
    said = mark("The month is open again.") if found else mark("Somebody else has opened this month again already.")
    tone = "good" if found else "look"
    return frame.go("calendar.show_calendar", said, tone, area=known.area, form=known.form)


def _show_close(typed: Mapping[str, str], fault: str = "", *, is_changed: bool = False) -> Response:
    frame.demand(Action.CLOSE)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session(read_only=True) as session:
        place = find_place(session, typed)
        period = _read_period(typed)
        if place is None or period is None or not may_close(place, period):
            return frame.absent()
        stands = _count(session, place, period)
        waiting = unsettled.open_reports(session, place.form.code, period, place.area, scope=scope)
        owing = missing.list_missing(session, place.form.code, period, _edges(period), place.area, scope=scope)
    return frame.answer(
        "calendar_close.html",
        422 if fault or is_changed else 200,
        place=place,
        period=period,
        stands=stands,
        seen=_seal(stands),
        waiting=waiting,
        owing=owing,
        reason=typed.get("reason", ""),
        fault=translate(fault) if fault else "",
        is_changed=is_changed,
        form_name=place.form.name(current_language()),
    )


def _show_reopen(closing_id: int, fault: str = "", reason: str = "") -> Response:
    frame.demand(Action.CLOSE)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session(read_only=True) as session:
        closing = months.find_closing(session, closing_id, scope=scope)
        if closing is None:
            return frame.absent()
        place = areas.find_area_within(session, closing.area, scope=scope)
        requests = unsettled.closed_requests(session, closing.area, scope=scope, limit=51)
    assert place is not None
    form = next((one for one in runtime.forms if one.code == closing.form), None)
    return frame.answer(
        "calendar_reopen.html",
        422 if fault else 200,
        closing=closing,
        place=place,
        requests=[one for one in requests if (one.form, one.period) == (closing.form, closing.period)],
        form_name=form.name(current_language()) if form else closing.form,
        fault=translate(fault) if fault else "",
        reason=reason,
    )


def _count(session: Session, place: Place, period: str) -> Unsettled:
    scope = frame.visitor().scope
    return unsettled.count_unsettled(session, place.form.code, period, _edges(period), place.area, scope=scope)


def _seal(stands: Unsettled) -> str:
    """Return what of a month was open, as the page that closes it has shown it."""
    return f"{stands.missing}.{stands.waiting}.{stands.flagged}"


def _edges(period: str) -> tuple[date, date]:
    year, month = int(period[:4]), int(period[5:7])
    return date(year, month, 1), date(year, month, monthrange(year, month)[1])


def _read_period(wished: Mapping[str, Any]) -> str | None:
    """Return the month that is to be closed, or None where nobody wrote one."""
    written = str(wished.get("period", ""))
    year, _, month = written.partition("-")
    is_month = len(written) == 7 and year.isascii() and year.isdigit() and month.isascii() and month.isdigit()
    return written if is_month and year.startswith("20") and 1 <= int(month) <= 12 else None
