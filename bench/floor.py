"""The floor of receiving: the same web server, which does nothing but insert the same row and ring the same bell."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime

from flask import Flask, Response, request
from sqlalchemy.dialects import postgresql, sqlite

from gateway import jobs
from gateway.runtime import Runtime, make_runtime
from gateway.settings import read_settings
from gateway.store.base import Database
from gateway.store.inbox import inbox
from gateway.values import lane_of


def start_app() -> Flask:
    """Return the floor's application: what the web server loads."""
    runtime = make_runtime(read_settings())
    return make_app(runtime, lambda lane, _: runtime.bells.ring(jobs.INBOUND, lane))


def start_bare_app() -> Flask:
    """Return a floor that inserts only: nobody is rung for."""
    return make_app(make_runtime(read_settings()), lambda _lane, _id: None)


def make_app(runtime: Runtime, ring: Callable[[int, int], object]) -> Flask:
    """Return an application that keeps what it is sent as it stands, unverified, and rings: (lane, id of the row)."""
    app = Flask("floor", static_folder=None)

    @app.post("/in/<channel>/sms")
    def take_sms(channel: str) -> Response:
        given = request.get_json()
        lane = lane_of(given["from"])
        kept = _insert(runtime.database, channel, given, lane, runtime.now())
        if kept:
            ring(lane, kept)
        return Response("", 200)

    return app


def _insert(database: Database, channel: str, given: dict[str, str], lane: int, now: datetime) -> int:
    """Insert the row that Kabar would and return its id, 0 when it is there already."""
    dialect = postgresql if database.engine.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(inbox).on_conflict_do_nothing(index_elements=["channel", "provider_id"])
    row = {
        "channel": channel,
        "provider_id": given["id"],
        "sender": given["from"],
        "recipient": "",
        "text": given["text"],
        "sent_at": now,
        "received_at": now,
        "lane": lane,
        "trace_id": secrets.token_hex(8),
        "state": "received",
        "is_answered": False,
        "raw": None,
        "fault": None,
        "attempts": 0,
        "rounds": 0,
    }
    with database.engine.begin() as connection:
        return connection.execute(statement.returning(inbox.c.id), row).scalar() or 0
