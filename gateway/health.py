"""Whether this process is alive (`/healthz`), and whether the house can do its work (`/readyz`)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, current_app, jsonify

from gateway.errors import Unavailable
from gateway.runtime import Runtime
from gateway.store import channels, inbox, schema

OLDEST_WAITING_SECONDS = 60  # a message that waits longer says that no worker handles
OLDEST_TICK_SECONDS = 30  # a clock that is silent longer says that nothing sweeps

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
    ages: dict[str, float | None] = {"oldest_waiting_seconds": None, "last_tick_seconds": None}
    try:
        with runtime.database.session(read_only=True) as session:
            at, needed = schema.version_of(session), schema.newest_version()
            parts["database"] = "ok"
            parts["migrations"] = "ok" if at == needed else f"at {at or 'nothing'}, needs {needed}: run ./kabar migrate"
            if at == needed:
                ages["oldest_waiting_seconds"] = _age(inbox.oldest_waiting(session), now)
                ages["last_tick_seconds"] = _age(channels.last_tick(session, "clock"), now)
    except Unavailable:
        parts["database"] = "cannot be reached"
    if (ages["oldest_waiting_seconds"] or 0) > OLDEST_WAITING_SECONDS:
        parts["inbound"] = "messages wait: is an inbound worker running?"
    if ages["last_tick_seconds"] is None or ages["last_tick_seconds"] > OLDEST_TICK_SECONDS:
        parts["clock"] = "is silent: is the clock running?"
    if words := _look_at_spool(runtime, now):
        parts["spool"] = words
    return {"ready": set(parts.values()) == {"ok"}, "parts": parts, **ages}


def _look_at_spool(runtime: Runtime, now: datetime) -> str:
    """Return what is wrong with this machine's spool; nothing where what lies in it will be gone in a moment."""
    found = runtime.spool.look()
    if found.fault:
        return f"cannot be read: {found.fault}"
    if found.corrupt or found.refused:
        return f"{found.corrupt} broken and {found.refused} refused deliveries: run ./kabar doctor"
    if (_age(found.oldest_at, now) or 0) > OLDEST_WAITING_SECONDS:
        return f"{found.waiting} deliveries wait: is the database away or full, or no clock running on this machine?"
    return ""


def _age(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else round(max(0.0, (now - at).total_seconds()), 3)
