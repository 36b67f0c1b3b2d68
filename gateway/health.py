"""Whether this process is alive (`/healthz`), and whether the house can do its work (`/readyz`)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, current_app, jsonify

from gateway.condition import seconds_since
from gateway.errors import Unavailable
from gateway.runtime import Runtime
from gateway.store import channels, inbox, schema
from gateway.store.vitals import OLDEST_TICK, OLDEST_WAITING

routes = Blueprint("health", __name__)


@routes.get("/healthz")
def show_alive() -> Response:
    """Answer that the process is alive."""
    return Response("ok\n", content_type="text/plain; charset=utf-8")


@routes.get("/readyz")
def show_ready() -> tuple[Response, int]:
    """Answer what works and what does not: 200 when all does, else 503."""
    runtime: Runtime = current_app.extensions["kabar"]
    found = check(runtime, runtime.now())
    return jsonify(found), 200 if found["ready"] else 503


def check(runtime: Runtime, now: datetime) -> dict[str, Any]:
    """Return what works: each part as "ok" or what is wrong with it.

    Units: `oldest_waiting_seconds` is the age of the oldest message that is not handled, None when there is none.
    """
    parts = {"redis": "ok" if runtime.bells.is_heard() else "does not answer"}
    waiting = ticked = None
    try:
        with runtime.database.session(read_only=True) as session:
            at, needed = schema.version_of(session), schema.newest_version()
            parts["database"] = "ok"
            parts["migrations"] = (
                "ok" if schema.fits(at) else f"at {at or 'nothing'}, needs {needed}: run ./kabar migrate"
            )
            if schema.fits(at):
                waiting = seconds_since(inbox.oldest_waiting(session), now)
                ticked = seconds_since(channels.last_tick(session, "clock"), now)
    except Unavailable:
        parts["database"] = "cannot be reached"
    if (waiting or 0) > OLDEST_WAITING.total_seconds():
        parts["inbound"] = "messages wait: is an inbound worker running?"
    if ticked is None or ticked > OLDEST_TICK.total_seconds():
        parts["clock"] = "is silent: is the clock running?"
    if words := _look_at_spool(runtime, now):
        parts["spool"] = words
    is_ready = set(parts.values()) == {"ok"}
    return {"ready": is_ready, "parts": parts, "oldest_waiting_seconds": waiting, "last_tick_seconds": ticked}


def _look_at_spool(runtime: Runtime, now: datetime) -> str:
    """Return what is wrong with this machine's spool; nothing where what lies in it will be gone in a moment."""
    found = runtime.spool.look()
    if found.fault:
        return f"cannot be read: {found.fault}"
    if found.corrupt or found.refused:
        return f"deliveries broken ({found.corrupt}) or refused ({found.refused}): run ./kabar doctor"
    if (seconds_since(found.oldest_at, now) or 0) > OLDEST_WAITING.total_seconds():
        return f"deliveries wait ({found.waiting}): is the database away or full, or no clock running on this machine?"
    return ""
