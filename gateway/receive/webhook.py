"""The door for SMS providers: `/in/<channel>/sms` and `/in/<channel>/status`."""

from __future__ import annotations

from flask import Blueprint, Response, abort, current_app, request

from gateway.channels.base import SmsChannel
from gateway.receive import keep
from gateway.runtime import Runtime
from gateway.values import HttpRequest, HttpResponse

COUNTED = {403: "refused", 503: "unkept"}  # answers that leave no row behind
LARGEST_BODY = 64 * 1024  # bytes; ten times the largest request that any provider sends

routes = Blueprint("webhook", __name__, url_prefix="/in")


@routes.route("/<channel>/sms", methods=["GET", "POST"])
def take_sms(channel: str) -> Response:
    """Take a message."""
    runtime = _runtime()
    found = _find(runtime, channel)
    answer = keep.receive_sms(runtime.database, runtime.bells, found, as_values(), runtime.now(), runtime.spool)
    return as_response(runtime, channel, answer)


@routes.route("/<channel>/status", methods=["GET", "POST"])
def take_status(channel: str) -> Response:
    """Take news of a message that we sent."""
    runtime = _runtime()
    found = _find(runtime, channel)
    answer = keep.receive_status(runtime.database, runtime.bells, found, as_values(), runtime.now(), runtime.spool)
    return as_response(runtime, channel, answer)


@routes.get("/<channel>/answer")
def show_answer(channel: str) -> Response:
    """Tell a phone of our own what was answered to its message."""
    runtime = _runtime()
    found = _find(runtime, channel)
    if not found.shows_answers:
        abort(404)
    answer = keep.show_answer(runtime.database, found, as_values(), request.args.get("id", ""), runtime.now())
    return as_response(runtime, channel, answer)


def _runtime() -> Runtime:
    found: Runtime = current_app.extensions["kabar"]
    return found


def _find(runtime: Runtime, name: str) -> SmsChannel:
    found = runtime.channels.get(name)
    if found is None:
        abort(404)
    return found


def as_values() -> HttpRequest:
    """Return the request as an adapter sees it: the path as the peer wrote it, for a signature covers each byte."""
    request.max_content_length = LARGEST_BODY + 1  # one more: what comes in chunks is cut there, not refused
    body = request.get_data(cache=False)
    if len(body) > LARGEST_BODY:
        abort(413)
    raw_path = request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or request.full_path.rstrip("?")
    return HttpRequest(
        method=request.method,
        path=str(raw_path),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        peer=request.remote_addr or "",
    )


def as_response(runtime: Runtime, name: str, response: HttpResponse) -> Response:
    """Return a channel's answer as the web server gives it; what was not taken is counted."""
    if response.status in COUNTED:
        runtime.bells.count(f"{COUNTED[response.status]}:{name}")
    return Response(response.body, response.status, response.headers, content_type=response.content_type)
