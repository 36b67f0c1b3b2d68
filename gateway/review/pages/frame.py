"""What all pages share: who may see them, in which language, their files, and how a fault is told."""

from __future__ import annotations

import gzip
import hashlib
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.exceptions import RequestEntityTooLarge

from gateway.discover import discover
from gateway.errors import Unavailable
from gateway.redact import hide_ids, hide_mobiles, mask_phone
from gateway.review import permit
from gateway.review.pages import entrance, guard, language, nav, registry_words, show
from gateway.review.pages.entrance import Notice
from gateway.review.pages.language import mark
from gateway.review.permit import Action
from gateway.runtime import Runtime
from gateway.store import audit as audit_store
from gateway.store.audit import NewAudit
from gateway.store.base import Session
from gateway.store.users import User

FOLDER = Path(__file__).parents[1]
LARGEST_FORM = 64 * 1024  # bytes
_COMPRESSED = {"text/html", "text/css", "text/javascript", "application/javascript", "image/svg+xml"}
_YEAR = "public, max-age=31536000, immutable"
FRESH = timedelta(minutes=30)  # so long a password that was typed stands for who signs away rights
_SAFE = {"GET", "HEAD", "OPTIONS"}
_OF_NOBODY = {"phone"}  # pages of the simulator's own numbers, which nobody has


def make_routes(name: str, *, is_open: bool = False, largest: int = LARGEST_FORM) -> Blueprint:
    """Return a blueprint whose pages are seen by those who may, in their language, and told off in words.

    They are for whoever is signed in, and what changes something is refused without the visit's token. An open one
    is for everybody, and only refused to forms of foreign pages. `largest`: bytes of a form with what is uploaded.
    """
    routes = Blueprint(name, __name__)
    routes.before_request(lambda: _limit(largest))
    routes.before_request(_greet)
    routes.before_request(_admit_all if is_open else _admit)
    routes.after_request(language.remember_language)
    routes.after_request(_forget_notice)
    routes.after_request(_compress)
    routes.register_error_handler(Unavailable, _tell_unavailable)
    routes.register_error_handler(RequestEntityTooLarge, _tell_too_long)
    return routes


def register(app: Flask) -> None:
    """Give the application all its pages, their templates, files and ways of showing values."""
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
    nav.teach(app)
    app.jinja_env.filters |= {
        "pieces": _show_pieces,
        "count": show.show_count,
        "month": show.show_month,
        "short_month": show.show_short_month,
        "decimal": show.show_decimal,
        "day": show.show_date,
        "date": show.show_date,
        "instant": show.show_instant,
        "facility_type": registry_words.name_type,
        "phone": _show_phone,
        "dialled": show.show_phone,  # for the simulator's own numbers only: nobody has them
    }
    app.jinja_env.globals |= {"file_tag": _file_tag, "csrf_token": entrance.csrf_token}
    app.context_processor(_context)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    for module in discover("gateway.review.pages", having=("routes",)).values():
        app.register_blueprint(module.routes)


def runtime_of_request() -> Runtime:
    """Return the runtime of the application that serves this request."""
    found: Runtime = current_app.extensions["kabar"]
    return found


def answer(template: str, status: int = 200, **context: Any) -> Response:
    """Return a page."""
    return make_response(render_template(template, **context), status)


def visitor() -> User:
    """Return who is signed in; only for pages that are not open."""
    found = find_visitor()
    assert found is not None, "an open page asks find_visitor"
    return found


def find_visitor() -> User | None:
    """Return who is signed in, if anybody is."""
    visit = g.get("visit")
    return visit.user if visit and not visit.awaits_code else None


def may(action: Action | str) -> bool:
    """Tell whether the visitor may do something, in their own area."""
    user = find_visitor()
    return user is not None and permit.may(user.role, action)


def demand(action: Action) -> None:
    """Go on only if the visitor may do this; else the answer is a page that says so in words."""
    if not may(action):
        abort(answer("forbidden.html", 403))


def go(endpoint: str, said: str = "", tone: str = "good", undo: str | None = None, **values: Any) -> Response:
    """Send the visitor on after something was done, to a page that says once what that was.

    Shape: `said` is a marked sentence, or one that is translated already; `undo` is where it can be taken back (POST).
    """
    return send_to(url_for(endpoint, **values), said, tone, undo)


def send_to(address: str, said: str = "", tone: str = "good", undo: str | None = None) -> Response:
    """Send the visitor on to an address of ours; see `go`."""
    return say_next(make_response(redirect(address, 303)), said, tone, undo)


def say_next(response: Response, said: str, tone: str = "good", undo: str | None = None) -> Response:
    """Have the next page say something once; where a visit begins, after its token was handed over."""
    if said:
        secure = entrance.is_secure(request, runtime_of_request())
        entrance.write_notice(response, Notice(said, tone, undo or ""), secure=secure)
        g.has_new_notice = True
    return response


def demand_token() -> None:
    """Go on only if the form brings the visit's token: for what changes something on an open page."""
    if not entrance.has_token(request):
        abort(answer("refused.html", 403, is_foreign=True))


def absent() -> Response:
    """Return the page for what is not there, or lies outside the visitor's area: nobody can tell which."""
    return answer("absent.html", 404)


def tell_astray(status: int) -> Response:
    """Return the page for an address that is no page's, which nobody was greeted at; the database may be away too."""
    try:
        refused = _greet()
    except Unavailable:
        refused = None
    return refused or answer("absent.html", status)


def tell_crashed(ref: str) -> Response | None:
    """Return the page for a fault of ours on a page, by its number in the log; None where no page can be made."""
    if "language" not in g:  # no page of ours has greeted anybody: whoever asks is a machine
        return None
    runtime = runtime_of_request()
    try:
        return answer("crashed.html", 500, ref=ref, at=runtime.now(), zone=runtime.settings.timezone)
    except Exception:  # noqa: BLE001  what broke may be what every page is made of; it is in the log already
        return None


def audit(session: Session, action: str, noun: str, subject: object, area: str, /, **details: Any) -> None:
    """Write down what the visitor did, in the transaction in which it is done.

    Nobody does anything outside their area; what they only named of another one is written down in their own.
    """
    user, now = visitor(), runtime_of_request().now()
    where = area if user.scope.covers(area) else user.area
    audit_store.record(session, NewAudit(now, user.id, user.name, action, noun, str(subject), where, details))


def demand_fresh(going_to: str) -> None:
    """Go on only if the password was typed a short while ago; else ask for it, and go on to an address of ours then.

    Showing a form asks sooner than taking it does, so that nobody loses what they typed meanwhile.
    """
    since = runtime_of_request().now() - g.visit.confirmed_at
    if since > (FRESH / 2 if request.method in _SAFE else FRESH):
        abort(send_to(url_for("account.show_confirm", next=going_to)))


def _limit(largest: int) -> None:
    request.max_content_length = largest


def _greet() -> Response | None:
    """Find out who asks, and in which language to answer."""
    runtime = runtime_of_request()
    language.choose_language(runtime.settings.language)
    if not guard.is_our_host(request, runtime.settings):
        g.visit, g.token = None, ""
        return answer("elsewhere.html", 400)
    g.visit = entrance.find_visit(request, runtime)
    user = find_visitor()
    language.choose_language(user.language if user else runtime.settings.language)
    return None


def _admit() -> Response | None:
    runtime = runtime_of_request()
    user = find_visitor()
    if user is None:
        return make_response(redirect(_login_address(), 303))
    if user.role in runtime.settings.roles_with_code and not user.has_totp and request.blueprint != "account":
        return go(
            "account.show_code", said=mark("Your role asks for a second factor. Please set it up first."), tone="look"
        )
    if request.method in _SAFE:
        return None
    if guard.is_from_our_page(request, runtime.settings.public_url) and entrance.has_token(request):
        return None
    return answer("refused.html", 403, is_foreign=True)


def _admit_all() -> Response | None:
    runtime = runtime_of_request()
    if request.method in _SAFE or guard.is_from_our_page(request, runtime.settings.public_url):
        return None
    return answer("refused.html", 403, is_foreign=True)


def _login_address() -> str:
    """Return where to sign in, to come back to this page; to the page with the form, where one was sent too late."""
    wished = request.full_path.rstrip("?")
    if request.method not in _SAFE:
        host, slash, path = (request.referrer or "").partition("://")[2].partition("/")
        wished = f"{slash}{path.partition('#')[0]}" if host == request.host else ""
    return url_for("login.show_login", next=wished or None)


def _forget_notice(response: Response) -> Response:
    """Say a notice once: it is gone with the first page that showed it."""
    if g.get("has_shown_notice") and not g.get("has_new_notice"):
        response.delete_cookie(entrance.NOTICE)
    return response


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
        "visitor": find_visitor(),
        "may": may,
        "csrf": entrance.csrf_token(),
        "find_notice": _find_notice,
    }


def _find_notice() -> Notice | None:
    """Return what the page before left to be said, in this page's language; a piece of a page leaves it alone."""
    found = entrance.read_notice(request)
    if found is None:
        return None
    g.has_shown_notice = True
    return Notice(language.translate(found.words), found.tone, found.undo)


def _in_language(code: str) -> str:
    """Return the address of this page in another language; of the start page where this one cannot be asked for."""
    if request.method != "GET" or request.endpoint is None:
        return url_for("phone.show_start", lang=code)
    asked = request.args.to_dict(flat=False)  # a name that begins with _ would be url_for's own
    chosen: dict[str, Any] = {name: asked[name] for name in asked if not name.startswith("_")}
    return url_for(request.endpoint, **chosen | (request.view_args or {}) | {"lang": code})


def _show_phone(address: str) -> str:
    """Return a number as this visitor may see it: masked for who needs no whole numbers."""
    return show.show_phone(address) if may(Action.SEE_PHONES) else mask_phone(address)


def _show_pieces(text: str) -> tuple[show.Piece, ...]:
    """Return what somebody wrote as this visitor may see it: whose numbers stand in it is not everybody's to know."""
    if request.blueprint in _OF_NOBODY:
        return show.find_pieces(text)
    text = text if may(Action.ADMINISTER) else hide_ids(text)
    return show.find_pieces(text if may(Action.SEE_PHONES) else hide_mobiles(text))


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
