"""What all pages share: who may see them, in which language, their files, and how a fault is told."""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, current_app, make_response, render_template, request, url_for
from werkzeug.exceptions import RequestEntityTooLarge

from gateway.errors import Unavailable
from gateway.review.pages import guard, language, show
from gateway.runtime import Runtime

FOLDER = Path(__file__).parents[1]
LARGEST_FORM = 64 * 1024  # bytes
_COMPRESSED = {"text/html", "text/css", "text/javascript", "application/javascript", "image/svg+xml"}
_CHOICES = ("reporter", "message", "number", "live", "example")  # what an address of the start page may hold
_YEAR = "public, max-age=31536000, immutable"


def make_routes(name: str) -> Blueprint:
    """Return a blueprint whose pages are seen by those who may, in their language, and told off in words."""
    routes = Blueprint(name, __name__)
    routes.before_request(_open)
    routes.after_request(language.remember_language)
    routes.after_request(_compress)
    routes.register_error_handler(Unavailable, _tell_unavailable)
    routes.register_error_handler(RequestEntityTooLarge, _tell_too_long)
    return routes


def register(app: Flask) -> None:
    """Give the application the pages' templates, files and ways of showing values."""
    files = Blueprint(
        "files",
        __name__,
        static_folder=FOLDER / "static",
        static_url_path="/static",
        template_folder=str(FOLDER / "templates"),
    )
    files.after_request(_keep_for_long)
    files.after_request(_compress)
    app.register_blueprint(files)
    language.teach(app)
    app.jinja_env.filters |= {
        "pieces": show.find_pieces,
        "count": show.show_count,
        "month": show.show_month,
        "instant": show.show_instant,
        "phone": show.show_phone,
    }
    app.jinja_env.globals |= {"file_tag": _file_tag}
    app.context_processor(_context)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def runtime_of_request() -> Runtime:
    """Return the runtime of the application that serves this request."""
    found: Runtime = current_app.extensions["kabar"]
    return found


def answer(template: str, status: int = 200, **context: Any) -> Response:
    """Return a page."""
    return make_response(render_template(template, **context), status)


def _open() -> Response | None:
    runtime = runtime_of_request()
    request.max_content_length = LARGEST_FORM
    language.choose_language(runtime.settings.language)
    if guard.may_see(request, runtime.settings):
        return None
    return answer("refused.html", 403)


def _tell_unavailable(_error: Unavailable) -> Response:
    typed = request.form.get("text", "") if request.method == "POST" else ""
    return answer("unavailable.html", 503, typed=typed)


def _tell_too_long(_error: RequestEntityTooLarge) -> Response:
    return answer("too_long.html", 413)


def _context() -> dict[str, Any]:
    runtime = runtime_of_request()
    now = runtime.now()
    return {
        "language": language.current_language(),
        "languages": language.LANGUAGES,
        "in_language": _in_language,
        "clock": lambda at, zone: show.show_time(at, zone, now),
    }


def _in_language(code: str) -> str:
    """Return the address of this page in another language; of the start page where this one cannot be asked for."""
    if request.method != "GET" or request.endpoint is None:
        return url_for("phone.show_start", lang=code)
    chosen: dict[str, Any] = {name: request.args[name] for name in _CHOICES if name in request.args}
    return url_for(request.endpoint, **chosen | (request.view_args or {}) | {"lang": code})


@cache
def _file_tag(name: str) -> str:
    """Return a mark of a file's content, so that a browser keeps the file until it changes."""
    return hashlib.blake2b((FOLDER / "static" / name).read_bytes(), digest_size=6).hexdigest()


def _keep_for_long(response: Response) -> Response:
    if "v" in request.args and response.status_code == 200:
        response.headers["Cache-Control"] = _YEAR
    return response


def _compress(response: Response) -> Response:
    """Compress what is worth it: the lines here are slow, and not every server has a proxy before it that would."""
    is_worth_it = response.status_code == 200 and response.mimetype in _COMPRESSED
    if not is_worth_it or "gzip" not in request.headers.get("Accept-Encoding", "").lower():
        return response
    response.direct_passthrough = False
    body = response.get_data()
    if len(body) < 1000:
        return response
    response.set_data(gzip.compress(body, compresslevel=6, mtime=0))
    response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    etag, _ = response.get_etag()
    if etag:
        response.set_etag(etag, weak=True)  # the bytes differ, what they say does not
    return response
