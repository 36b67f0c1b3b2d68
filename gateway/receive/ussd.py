"""The door for USSD gateways: `/in/<name>/ussd`."""

from __future__ import annotations

from flask import Blueprint, Response, abort, current_app

from gateway.receive import hops
from gateway.receive.webhook import as_response, as_values
from gateway.runtime import Runtime

routes = Blueprint("ussd", __name__, url_prefix="/in")


@routes.route("/<name>/ussd", methods=["GET", "POST", "PUT"])
@routes.route("/<name>/ussd/<path:rest>", methods=["GET", "POST", "PUT"])
def take_hop(name: str, rest: str = "") -> Response:
    """Take a hop; some gateways write the session and what happens behind the address."""
    runtime: Runtime = current_app.extensions["kabar"]
    channel = runtime.ussd.get(name)
    if channel is None:
        abort(404)
    answer = hops.receive_hop(
        runtime.database,
        runtime.bells,
        channel,
        as_values(),
        runtime.rules,
        runtime.now(),
        tries=runtime.settings.tries,
    )
    return as_response(runtime, name, answer)
