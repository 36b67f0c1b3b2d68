"""A trial of a channel: one SMS to a number of one's own, and its journey until the phone has it."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Response, request

from gateway import jobs
from gateway.redact import mask_phone
from gateway.review.pages import frame, messages, show
from gateway.review.pages.language import mark, translate
from gateway.review.permit import Action
from gateway.segments import count_segments
from gateway.store import channels, trials
from gateway.store.outbox import OutboxMessage
from gateway.values import OutboxState, find_phone

TEXT = mark("This is a test of Kabar on the channel %(channel)s. There is nothing to do.")
WRONG_NUMBER = mark("Write a mobile number that can receive SMS, such as 0812 3456 7890.")
LATE = timedelta(minutes=2)  # so long nothing may come of it before somebody should look at the channel
WATCHED = timedelta(hours=1)  # then its page asks no more by itself
_KEY = re.compile(r"[0-9a-f]{16}")
UNDER_WAY = (OutboxState.QUEUED, OutboxState.SENDING, OutboxState.SENT)

routes = frame.make_routes("trial")


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop of the journey: what happens there, and when it did, None while it has not."""

    words: str
    at: datetime | None


@routes.get("/channels/<name>/trial")
def show_form(name: str) -> Response:
    """Show where to send a trial from."""
    return _show_form(name)


@routes.post("/channels/<name>/trial")
def send(name: str) -> Response:
    """Send a trial, once for each form that was shown."""
    frame.demand(Action.ADMINISTER)
    runtime, visitor = frame.runtime_of_request(), frame.visitor()
    if name not in runtime.channels:
        return frame.absent()
    typed = request.form.get("number", "").strip()[:30]
    phone = find_phone(typed, runtime.settings.region)
    if phone is None:
        return _show_form(name, typed, translate(WRONG_NUMBER))
    key = request.form.get("key", "")
    with runtime.database.session() as session:
        trial_id = trials.write_trial(
            session,
            name,
            phone,
            translate(TEXT) % {"channel": name},
            scope=visitor.scope,
            ref=key if _KEY.fullmatch(key) else secrets.token_hex(8),
            by=(visitor.id, visitor.name),
            now=runtime.now(),
        )
        if trial_id is None:
            return frame.absent()
        frame.audit(session, "test", "channel", name, "", number=mask_phone(phone))
        session.commit()
    runtime.bells.ring(jobs.OUTBOUND, name)
    return frame.go("trial.show_journey", said=mark("The test message is on its way."), trial_id=trial_id)


@routes.get("/channels/trials/<int:trial_id>")
def show_journey(trial_id: int) -> Response:
    """Show how far a trial has come."""
    frame.demand(Action.ADMINISTER)
    runtime = frame.runtime_of_request()
    with runtime.database.session(read_only=True) as session:
        found = trials.find_trial(session, trial_id, tuple(runtime.channels), scope=frame.visitor().scope)
    if found is None:
        return frame.absent()
    age = runtime.now() - found.created_at
    return frame.answer(
        "trial.html",
        found=found,
        stops=_stops(found),
        state=show.OUTBOX_STATES.get(found.state, show.UNKNOWN_STATE),
        reason=messages.outbox_reason(found),
        segments=found.segments or count_segments(found.text),
        is_late=found.state in UNDER_WAY and age > LATE,
        is_watched=found.state in UNDER_WAY and age < WATCHED,
        zone=runtime.settings.timezone,
    )


def _show_form(name: str, typed: str = "", fault: str = "") -> Response:
    frame.demand(Action.ADMINISTER)
    runtime = frame.runtime_of_request()
    with runtime.database.session(read_only=True) as session:
        mine = channels.names_within(session, [one for one in runtime.channels if one == name], frame.visitor().scope)
    if not mine:
        return frame.absent()
    text = translate(TEXT) % {"channel": name}
    return frame.answer(
        "trial_form.html",
        422 if fault else 200,
        name=name,
        text=text,
        typed=typed,
        fault=fault,
        key=secrets.token_hex(8),
    )


def _stops(found: OutboxMessage) -> tuple[Stop, ...]:
    return (
        Stop(mark("Written and kept"), found.created_at),
        Stop(mark("Taken by the channel’s other side"), found.sent_at),
        Stop(mark("Received by the phone"), found.delivered_at),
    )
