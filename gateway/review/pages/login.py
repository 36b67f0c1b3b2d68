"""Signing in and out: password, then a code where one is asked for."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import structlog
from flask import Response, abort, g, request, url_for

from gateway import keybox
from gateway.redact import mask_phones
from gateway.review import proofs
from gateway.review.pages import attempts, entrance, frame, language
from gateway.review.pages.language import mark, translate
from gateway.runtime import Runtime
from gateway.store import audit, factors, users, visits
from gateway.store.audit import NewAudit
from gateway.store.base import Session
from gateway.store.factors import Factors
from gateway.store.users import User

CODE_TIME = timedelta(minutes=10)  # so long the second factor is awaited
WRONG = mark("This login and password do not belong together. Nothing tells which of the two is wrong.")
WRONG_CODE = mark("This code is wrong, too old, or was used already.")

routes = frame.make_routes("login", is_open=True)
logger = structlog.get_logger(__name__)


@routes.get("/login")
def show_login() -> Response:
    """Show the form to sign in by, or go on where somebody is signed in already."""
    if frame.find_visitor() is not None:
        return frame.send_to(_next())
    return _show()


@routes.post("/login")
def sign_in() -> Response:
    """Let in who gives the right password; who guesses waits longer and longer."""
    runtime = frame.runtime_of_request()
    login, password = request.form.get("login", "")[:200], request.form.get("password", "")
    if not login.strip() or not password:
        return _show(422, login=login, fault=mark("Please write your login and your password."))
    keys = attempts.keys_of(request, runtime, login)
    if wait := attempts.begin(runtime, keys):
        return _tell_wait("login.html", wait, login=login)
    with runtime.database.session(read_only=True) as session:
        kept = factors.find_factors(session, login=login)
    is_known = kept is not None and kept.is_active
    checked = proofs.check_password(kept.password_hash if kept and is_known else None, password)
    if kept is None or not checked.is_right:
        logger.warning("login_refused", login=mask_phones(login), is_known=is_known)
        return _show(422, login=login, fault=WRONG)
    with runtime.database.session() as session:
        visits.forgive(session, keys)
        if checked.new_hash:
            factors.set_password(session, kept.user_id, checked.new_hash)
        token = _begin_visit(session, runtime, kept.user_id, awaits_code=kept.totp_secret is not None)
        user = users.find_user(session, kept.user_id)
        session.commit()
    if kept.totp_secret is not None:
        response = frame.send_to(url_for("login.show_code", next=_next()))
    else:
        response = _welcome(user)
    attempts.remember_browser(response, request, runtime, login)
    return entrance.hand_over(response, request, runtime, token)


@routes.get("/login/code")
def show_code() -> Response:
    """Ask who gave the right password for the second factor."""
    if _awaiting() is None:
        return frame.send_to(url_for("login.show_login", next=_next()))
    return frame.answer("code.html", next=_next(), fault="")


@routes.post("/login/code")
def check_code() -> Response:
    """Let in who gives the right code of the app, or a recovery code that was not used yet."""
    frame.demand_token()
    runtime, user = frame.runtime_of_request(), _awaiting()
    if user is None:
        return frame.send_to(url_for("login.show_login", next=_next()))
    keys = attempts.keys_of_user(user.id)
    if wait := attempts.begin(runtime, keys):
        return _tell_wait("code.html", wait)
    with runtime.database.session() as session:
        kept = factors.find_factors(session, user_id=user.id)
        if kept is None or not use_code(session, runtime, kept, request.form.get("code", "")):
            logger.warning("code_refused", user_id=user.id)
            return frame.answer("code.html", 422, next=_next(), fault=WRONG_CODE)
        visits.forgive(session, keys)
        token = entrance.renew(session, g.visit, runtime.now())
        _record_sign_in(session, runtime, user)
        session.commit()
    return entrance.hand_over(_welcome(user), request, runtime, token)


@routes.post("/login/demo")
def sign_in_for_demo() -> Response:
    """Let in as one of the sample users, in a demonstration and nowhere else."""
    runtime = frame.runtime_of_request()
    if not runtime.settings.demo:
        abort(404)
    with runtime.database.session() as session:
        wished = request.form.get("login", "")
        user = next((one for one in users.find_demo_users(session) if one.login == wished), None)
        if user is None:
            abort(404)
        token = _begin_visit(session, runtime, user.id)
        session.commit()
    return entrance.hand_over(_welcome(user), request, runtime, token)


@routes.post("/logout")
def sign_out() -> Response:
    """Sign this browser out."""
    frame.demand_token()
    runtime = frame.runtime_of_request()
    with runtime.database.session() as session:
        visits.end_by_token(session, entrance.hash_token(g.token))
        session.commit()
    return entrance.take_back(frame.send_to(url_for("login.show_login")), request, runtime)


def use_code(session: Session, runtime: Runtime, kept: Factors, code: str) -> bool:
    """Use up a code of the app or a recovery code; False when it is neither."""
    now = runtime.now()
    key = keybox.read_key(runtime.settings.secret_key, runtime.settings.var)
    secret = keybox.unlock(key, kept.totp_secret) if kept.totp_secret else None
    if secret is not None:
        step = proofs.find_totp_step(secret, code, now, kept.totp_step)
        if step is not None:
            return factors.use_totp_step(session, kept.user_id, step)
    return factors.use_recovery_code(session, kept.user_id, proofs.hash_code(code), now)


def _begin_visit(session: Session, runtime: Runtime, user_id: int, *, awaits_code: bool = False) -> str:
    now = runtime.now()
    visits.drop_old(session, now, entrance.limits_of(runtime))
    user = users.find_user(session, user_id)
    if user is not None and not awaits_code:
        _record_sign_in(session, runtime, user)
    return entrance.let_in(session, request, now, user_id, awaits_code=awaits_code)


def _record_sign_in(session: Session, runtime: Runtime, user: User) -> None:
    audit.record(session, NewAudit(runtime.now(), user.id, user.name, "sign_in", "user", str(user.id), user.area, {}))


def _welcome(user: User | None) -> Response:
    response = frame.send_to(_next())
    if user is not None:
        language.keep_language(response, user.language)
    return response


def _awaiting() -> User | None:
    """Return who gave the right password in this browser a moment ago, and still owes the code."""
    visit, now = g.get("visit"), frame.runtime_of_request().now()
    return visit.user if visit and visit.awaits_code and now - visit.created_at < CODE_TIME else None


def _next() -> str:
    wished = request.values.get("next", "")
    return wished if entrance.is_our_path(wished) else url_for("phone.show_home")


def _show(status: int = 200, login: str = "", fault: str = "") -> Response:
    runtime = frame.runtime_of_request()
    samples: tuple[User, ...] = ()
    if runtime.settings.demo:
        with runtime.database.session(read_only=True) as session:
            samples = users.find_demo_users(session)
    return frame.answer("login.html", status, login=login, fault=fault, next=_next(), samples=samples)


def say_wait(wait: timedelta) -> str:
    """Return how long somebody must wait before the next attempt, in words of this request's language."""
    seconds = math.ceil(wait.total_seconds())
    return translate("Too many attempts. Please try again in %(seconds)s seconds.") % {"seconds": seconds}


def _tell_wait(template: str, wait: timedelta, **context: Any) -> Response:
    context |= {"samples": ()} if template == "login.html" else {}
    response = frame.answer(template, 429, fault=say_wait(wait), next=_next(), **context)
    response.headers["Retry-After"] = str(math.ceil(wait.total_seconds()))
    return response
