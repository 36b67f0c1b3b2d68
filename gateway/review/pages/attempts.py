"""Attempts to sign in: who must wait before the next one. Nobody is locked out, and nobody can lock out another.

Failures count against the login and against the address they come from. A browser that has signed in with this login
before carries a mark of it and is counted for itself: who guesses from elsewhere does not make its user wait.
Source: OWASP, "Slow Down Online Guessing Attacks with Device Cookies".
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from flask import Request, Response

from gateway import keybox
from gateway.redact import Secret
from gateway.review.pages import entrance
from gateway.runtime import Runtime
from gateway.store import visits
from gateway.store.users import clean_login

COOKIE = "kabar_browser"
COOKIE_SECONDS = 180 * 24 * 3600


def keys_of(request: Request, runtime: Runtime, login: str) -> tuple[str, ...]:
    """Return what an attempt is counted against."""
    nonce, _, mark = request.cookies.get(COOKIE, "").partition(".")
    if nonce and Secret(_mark(runtime, nonce, login)).matches(mark):
        return (_key("browser", nonce),)
    return _key("login", clean_login(login)), _key("address", request.remote_addr or "")


def keys_of_user(user_id: int) -> tuple[str, ...]:
    """Return what an attempt is counted against that only who knows the password, or is signed in, can make."""
    return (_key("user", str(user_id)),)


def begin(runtime: Runtime, keys: tuple[str, ...]) -> timedelta:
    """Count an attempt and return no time, or return how long it must wait and do not look at it."""
    now = runtime.now()
    with runtime.database.session() as session:
        wait = visits.find_wait(session, keys, now)
        if not wait:
            visits.note_failure(session, keys, now)
            session.commit()
    return wait


def remember_browser(response: Response, request: Request, runtime: Runtime, login: str) -> None:
    """Mark a browser as one that this login was used in."""
    nonce = secrets.token_hex(16)
    response.set_cookie(
        COOKIE,
        f"{nonce}.{_mark(runtime, nonce, login)}",
        max_age=COOKIE_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=entrance.is_secure(request, runtime),
    )


def _mark(runtime: Runtime, nonce: str, login: str) -> str:
    key = keybox.read_key(runtime.settings.secret_key, runtime.settings.var)
    return entrance.seal(key.reveal(), f"browser:{nonce}:{clean_login(login)}")


def _key(kind: str, what: str) -> str:
    return hashlib.sha256(f"{kind}:{what}".encode("utf-8", "replace")).hexdigest()
