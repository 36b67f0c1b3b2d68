"""Who stands at the door: the browser's token, whose visit it is, and the mark that a form comes from our own page."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import structlog
from flask import Request, Response, g

from gateway.errors import Unavailable
from gateway.runtime import Runtime
from gateway.store import visits
from gateway.store.base import Session
from gateway.store.visits import Limits, NewVisit, Visit
from gateway.values import clean_text

COOKIE = "kabar_session"
NOTICE = "kabar_notice"
NOTICE_SECONDS = 60
TOUCH = timedelta(minutes=2)  # so often at most a visit's last sign of life is written down
LONGEST_NOTICE = 1000  # characters of the cookie

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Notice:
    """What the next page says once: the words, their tone (`good`, `look`, `bad`), and where it can be undone."""

    words: str
    tone: str = "good"
    undo: str = ""


def new_token() -> str:
    """Return a new visit's token: 256 random bits."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """Return what the database keeps of a token: who reads the database cannot sign in with it."""
    return hashlib.sha256(token.encode()).hexdigest()


def cookie_name(request: Request, runtime: Runtime) -> str:
    """Return the name of the visit's cookie; over https one that no other host and no plain http can have set."""
    return f"__Host-{COOKIE}" if is_secure(request, runtime) else COOKIE


def is_secure(request: Request, runtime: Runtime) -> bool:
    """Tell whether the browser reaches us over https."""
    return request.is_secure or runtime.settings.public_url.startswith("https://")


def limits_of(runtime: Runtime) -> Limits:
    """Return how long somebody stays signed in."""
    return Limits(timedelta(minutes=runtime.settings.idle_minutes), timedelta(hours=runtime.settings.session_hours))


def let_in(session: Session, request: Request, now: datetime, user_id: int, *, awaits_code: bool = False) -> str:
    """Begin a visit and return its new token; the one that the browser had has ended, so that none can be planted."""
    if g.get("token"):
        visits.end_by_token(session, hash_token(g.token))
    token = new_token()
    address, browser = request.remote_addr or "", request.headers.get("User-Agent", "")
    visits.begin_visit(session, NewVisit(hash_token(token), user_id, now, address, clean_text(browser), awaits_code))
    return token


def renew(session: Session, visit: Visit, now: datetime) -> str:
    """Give this browser's visit a new token: after a right is gained the old one opens nothing."""
    token = new_token()
    visits.renew_visit(session, visit.id, hash_token(token), now)
    return token


def hand_over(response: Response, request: Request, runtime: Runtime, token: str) -> Response:
    """Have the browser keep a visit's token, and what this request still says be sealed with it."""
    g.token = token
    response.set_cookie(
        cookie_name(request, runtime), token, httponly=True, samesite="Lax", secure=is_secure(request, runtime)
    )
    return response


def take_back(response: Response, request: Request, runtime: Runtime) -> Response:
    """Have the browser forget its visit's token, and everything of us that it kept for itself."""
    secure = is_secure(request, runtime)
    response.delete_cookie(cookie_name(request, runtime), httponly=True, samesite="Lax", secure=secure)
    response.delete_cookie(NOTICE, httponly=True, samesite="Lax", secure=secure)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def find_visit(request: Request, runtime: Runtime) -> Visit | None:
    """Return whose visit this request belongs to, and note now and then that they are still there."""
    token = request.cookies.get(cookie_name(request, runtime), "")
    g.token = token if 0 < len(token) < 100 else ""
    if not g.token:
        return None
    now = runtime.now()
    with runtime.database.session(read_only=True) as session:
        visit = visits.find_visit(session, hash_token(g.token), now, limits_of(runtime))
    if visit is None:
        g.token = ""
    elif now - visit.seen_at > TOUCH:
        _touch(runtime, visit)
    return visit


def _touch(runtime: Runtime, visit: Visit) -> None:
    try:
        with runtime.database.session() as session:
            visits.touch_visit(session, visit.id, runtime.now())
            session.commit()
    except Unavailable:
        logger.warning("visit_not_touched")  # the page itself may still be read


def csrf_token() -> str:
    """Return what a form of this visit must bring along; empty for who is not signed in."""
    return seal(g.token, "form") if g.get("token") else ""


def has_token(request: Request) -> bool:
    """Tell whether an unsafe request brings its visit's own token, in the form or in a header."""
    sent = request.headers.get("X-CSRF-Token") or request.form.get("csrf", "")
    return bool(g.get("token")) and hmac.compare_digest(sent.encode(), csrf_token().encode())


def write_notice(response: Response, notice: Notice, *, secure: bool) -> None:
    """Let the next page of this visit say something once."""
    words = notice.words[:LONGEST_NOTICE]
    body = base64.urlsafe_b64encode(json.dumps([words, notice.tone, notice.undo]).encode()).decode()
    response.set_cookie(
        NOTICE,
        f"{body}.{seal(g.token, body)}",
        max_age=NOTICE_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=secure,
    )


def read_notice(request: Request) -> Notice | None:
    """Return what the page before left to be said; None unless this very visit left it."""
    body, _, given = request.cookies.get(NOTICE, "").partition(".")
    if not body or not g.get("token") or not hmac.compare_digest(given.encode(), seal(g.token, body).encode()):
        return None
    words, tone, undo = json.loads(base64.urlsafe_b64decode(body))
    return Notice(words, tone, undo)


def is_our_path(path: str) -> bool:
    """Tell whether an address that somebody handed us leads to one of our own pages.

    >>> is_our_path("/month?of=2025-09"), is_our_path("//evil.example"), is_our_path("/\\\\evil.example")
    (True, False, False)
    """
    if not path.startswith("/") or path.startswith("//") or "\\" in path or not path.isprintable():
        return False
    try:
        parts = urlsplit(path)
    except ValueError:
        return False
    return not parts.scheme and not parts.netloc


def seal(token: str, words: str) -> str:
    """Return a mark on words that only who holds the visit's token can make."""
    return hmac.new(token.encode(), words.encode(), hashlib.sha256).hexdigest()
