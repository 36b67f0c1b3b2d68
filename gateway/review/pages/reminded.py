"""The history of reminders: who was reminded when and of what, what came of it, and what each step is good for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, request, url_for

from gateway.calendar import report_month, shift
from gateway.ladder import Rung, find_ladder
from gateway.remind.effect import Effect, add_up, find_effect
from gateway.review.pages import frame, paging, reminder_words, show
from gateway.review.pages.calendar import Place, find_place
from gateway.review.pages.language import current_language, mark, translate
from gateway.review.pages.show import StateWords
from gateway.store import ladders, reminded, reminders, unsettled
from gateway.store.base import Session
from gateway.store.reminded import Message, Reached, Reminded, WishedReminders

MONTHS = 13  # that can be chosen: a year, and the month that is running
EFFECTS: Mapping[Effect, tuple[str, str]] = {
    Effect.SOON: (mark("reported within 48 hours"), "good"),
    Effect.LATER: (mark("reported later"), "wait"),
    Effect.WAITING: (mark("48 hours are not over"), "past"),
    Effect.NEVER: (mark("has not reported since"), "look"),
}

routes = frame.make_routes("reminded")


@dataclass(frozen=True, slots=True)
class Row:
    """One reminder as the page shows it: its step, its SMS with their states, and what came of it."""

    one: Reminded
    rung: str
    messages: tuple[tuple[Message, StateWords, str], ...]
    effect: tuple[str, str] | None
    came_at: datetime | None


@routes.get("/reminders/history")
def show_history() -> Response:
    """Show the reminders of a form's month in an area, the newest first, and what each step is good for."""
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    now = runtime.now()
    with runtime.database.session(read_only=True) as session:
        place = find_place(session, request.args)
        if place is None:
            return frame.absent()
        months = tuple(shift(report_month(place.today), 1 - step) for step in range(MONTHS))
        period = request.args.get("period", "")
        period = period if period in months else months[1]
        rung = request.args.get("rung", "")[:20]
        facility = request.args.get("facility", None, int)
        facility = facility if facility is not None and 0 < facility < 2**31 else None
        wished = WishedReminders(place.form.code, period, place.area, rung, facility)
        before = paging.asked()["before"]
        found = reminded.list_reminded(session, wished, scope=scope, before=before, limit=paging.ROWS + 1)
        rungs = _rungs(session, place)
        reached: tuple[Reached, ...] = ()
        if len(place.area) >= len("14.03"):
            reached = reminded.list_reached(session, place.form.code, period, place.area, scope=scope)
        choices = unsettled.regencies_with_facilities(session, scope=scope) if len(scope.area) < len("14.03") else ()
    effects = add_up(reached, now)
    about = {"area": place.area, "form": place.form.code, "period": period}
    narrowed: dict[str, Any] = about | {"rung": rung or None, "facility": facility}
    older = None
    if len(found) > paging.ROWS:
        older = url_for("reminded.show_history", before=found[paging.ROWS - 1].id, **narrowed)
    return frame.answer(
        "reminded.html",
        place=place,
        period=period,
        months=months,
        wished=wished,
        choices=choices,
        forms=[(one.code, one.name(current_language())) for one in runtime.forms],
        steps=_step_choices(rungs, effects),
        rows=[_make_row(one, rungs, now) for one in found[: paging.ROWS]],
        effects=[(one, reminder_words.say_rung(one.rung, rungs)) for one in effects.values()],
        about=about,
        older=older,
        newer=url_for("reminded.show_history", **narrowed) if before else None,
    )


def _rungs(session: Session, place: Place) -> Mapping[str, Rung]:
    chosen = ladders.ladders_around(session, place.area, scope=frame.visitor().scope)
    ladder = find_ladder((*frame.runtime_of_request().rules.ladders, *chosen), place.area, place.form.code)
    return {rung.code: rung for rung in ladder.rungs}


def _step_choices(rungs: Mapping[str, Rung], effects: Mapping[str, object]) -> list[tuple[str, str]]:
    codes = dict.fromkeys((*rungs, *effects, "hand"))
    return [(code, reminder_words.say_rung(code, rungs)) for code in codes]


def _make_row(one: Reminded, rungs: Mapping[str, Rung], now: datetime) -> Row:
    reached = [message for message in one.messages if message.state in reminded.REACHED]
    sent_at = min((message.sent_at for message in reached if message.sent_at), default=None)
    came_at = one.came_at[0] if one.came_at else None
    is_asking = any(message.kind == reminders.REMINDER for message in one.messages)
    effect = find_effect(sent_at, came_at, now) if sent_at and one.facility_id and is_asking else None
    return Row(
        one,
        reminder_words.say_rung(one.rung, rungs),
        tuple((message, *_say_state(message)) for message in one.messages),
        EFFECTS[effect] if effect else None,
        came_at if effect else None,
    )


def _say_state(message: Message) -> tuple[StateWords, str]:
    """Return where an SMS stands, and why it was not sent, in words."""
    state = show.OUTBOX_STATES.get(message.state, show.UNKNOWN_STATE)
    reason = show.WITHHELD_REASONS.get(message.reason or "", "")
    return state, translate(reason) if reason else ""
