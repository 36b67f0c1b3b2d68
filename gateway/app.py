"""The web application: doors, pages and headers put together."""

from __future__ import annotations

import gc
import secrets
from collections.abc import Iterable
from typing import Any

import structlog
from flask import Flask, Request, Response, abort, request
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter, Map

from gateway import health
from gateway.discover import discover
from gateway.publish import problems
from gateway.receive import ussd, webhook
from gateway.review.pages import frame
from gateway.runtime import Runtime, make_runtime, start_logging
from gateway.settings import read_settings
from gateway.values import clean_text

# No page needs more than its own files; no script or style stands in a page.
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
UNUSED = ("accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "microphone", "payment", "usb")
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{name}=()" for name in UNUSED),
}
ASTRAY = {404, 405}  # who comes with a browser is shown a page and a way back; a machine reads a line
LARGEST_ROW = 2**31 - 1  # the largest number of a row that every table can hold
ONLY_HTTPS = "max-age=31536000; includeSubDomains"  # a year; OWASP ASVS 5.0, 3.4.1

logger = structlog.get_logger(__name__)


class RowNumber(IntegerConverter):
    """A row's number in an address. One that no database could hold is as absent as one that is not there."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=LARGEST_ROW)


class Fields(ImmutableMultiDict[str, Any]):
    """What an address asks and a form holds, as every database takes it; an adapter reads the octets as they came.

    Texts have no NUL, and a number that no table can hold is as absent as one that is not there.
    """

    def __init__(self, pairs: Iterable[tuple[str, Any]] = ()) -> None:
        super().__init__(
            [(clean_text(name), clean_text(value) if isinstance(value, str) else value) for name, value in pairs]
        )

    def get(self, key: str, default: Any = None, type: Any = None) -> Any:  # type: ignore[override]  # noqa: A002
        """Return a field as a type, or the default."""
        found = super().get(key, default, type)
        return default if isinstance(found, int) and not -LARGEST_ROW <= found <= LARGEST_ROW else found


class FieldsRequest(Request):
    """A request whose fields are `Fields`."""

    parameter_storage_class = Fields


def create_app(runtime: Runtime) -> Flask:
    """Return the application of a runtime."""
    app = Flask("gateway", static_folder=None)
    app.request_class = FieldsRequest
    app.url_map.converters["int"] = RowNumber
    app.extensions["kabar"] = runtime
    app.register_blueprint(webhook.routes)
    app.register_blueprint(ussd.routes)
    app.register_blueprint(health.routes)
    frame.register(app)
    for module in discover("gateway.publish", having=("routes",)).values():
        app.register_blueprint(module.routes)
    app.register_error_handler(Exception, _answer_error)
    app.before_request(_refuse_nul)
    app.after_request(_add_headers)
    if count := runtime.settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count)  # type: ignore[method-assign]
    return app


def start_app() -> Flask:
    """Return the application of this process's environment: what the web server loads."""
    settings = read_settings()
    start_logging(settings, "web")
    app = create_app(make_runtime(settings))
    gc.freeze()  # where the web server's processes are forks of this one: a collection would copy what they share
    return app


def _answer_error(error: Exception) -> Response:
    """Answer a fault in a sentence; what only we can mend goes to the log with its trace, never to a person."""
    if problems.is_ours(request.path):
        return problems.answer_error(error)
    if isinstance(error, HTTPException):
        if error.code in ASTRAY and _is_browser():
            return frame.tell_astray(error.code)
        return Response(f"{error.code} {error.name}\n", status=error.code, content_type="text/plain; charset=utf-8")
    ref = secrets.token_hex(4)
    logger.error("crashed", ref=ref, path=request.path, exc_info=error)
    if _is_browser() and (page := frame.tell_crashed(ref)):
        return page
    words = "500 Maaf, ada kesalahan pada kami; sudah dicatat. / Sorry, a fault of ours; it was written down."
    return Response(f"{words} ({ref})\n", status=500, content_type="text/plain; charset=utf-8")


def _is_browser() -> bool:
    return "text/html" in request.headers.get("Accept", "")


def _refuse_nul() -> None:
    if "\0" in request.path:  # there is nothing of that name, and PostgreSQL would not even look
        abort(404)


def _add_headers(response: Response) -> Response:
    says_who_may_frame_it = "frame-ancestors" in response.headers.get("Content-Security-Policy", "")
    for name, value in HEADERS.items():
        if name != "X-Frame-Options" or not says_who_may_frame_it:  # it knows no way to allow, and would forbid
            response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", ONLY_HTTPS)
    response.headers.setdefault("Cache-Control", "no-store")
    return response
