"""One's own account: name and language, password, second factor, and where one is signed in."""

from __future__ import annotations

from flask import Response, g, request, url_for

from gateway import keybox
from gateway.redact import Secret, mask_phone
from gateway.review import proofs
from gateway.review.pages import attempts, entrance, frame, language, login, passwords, show
from gateway.review.pages.language import mark
from gateway.runtime import Runtime
from gateway.store import factors, users, visits
from gateway.values import find_phone

LONGEST_NAME = 100  # characters
NO_PHONE = mark("This is no mobile number. Write it as 0812-3456-7890, or leave it empty.")
WRONG_PASSWORD = mark("This is not your password.")

routes = frame.make_routes("account")


@routes.get("/account")
def show_account() -> Response:
    """Show the account."""
    return _show(200, frame.visitor().name, {})


@routes.post("/account")
def change_account() -> Response:
    """Keep the name and the language that were typed."""
    runtime, user = frame.runtime_of_request(), frame.visitor()
    name, chosen = request.form.get("name", "").strip(), request.form.get("language", "")
    if not name or len(name) > LONGEST_NAME or chosen not in language.LANGUAGES:
        return _show(422, name, {"name": mark("Please write a name of at most 100 characters.")})
    with runtime.database.session() as session:
        users.set_name(session, user.id, name)
        users.set_language(session, user.id, chosen)
        changed = {"name": [user.name, name], "language": [user.language, chosen]}
        changed = {key: pair for key, pair in changed.items() if pair[0] != pair[1]}
        if changed:
            frame.audit(session, "change", "account", user.id, user.area, **changed)
        session.commit()
    response = frame.go("account.show_account", said=mark("Kept."))
    language.keep_language(response, chosen)
    return response


@routes.post("/account/phone")
def change_phone() -> Response:
    """Keep the number that lists of who is missing go to; without one none are sent."""
    runtime, user = frame.runtime_of_request(), frame.visitor()
    written = request.form.get("phone", "").strip()[:30]
    phone = find_phone(written, runtime.settings.region) if written else None
    if written and phone is None:
        return _show(422, user.name, {"phone": NO_PHONE}, phone=written)
    with runtime.database.session() as session:
        users.set_phone(session, user.id, phone, scope=user.scope, is_by_themself=True)
        if phone != user.phone:
            changed = {"phone": [mask_phone(user.phone or ""), mask_phone(phone or "")]}
            frame.audit(session, "change", "account", user.id, user.area, **changed)
        session.commit()
    return frame.go("account.show_account", said=mark("Kept."))


@routes.post("/account/phone/again")
def take_stop_back() -> Response:
    """Send lists again to somebody who had sent STOP."""
    runtime, user = frame.runtime_of_request(), frame.visitor()
    with runtime.database.session() as session:
        if users.take_stop_back(session, user.id):
            frame.audit(session, "take_stop_back", "account", user.id, user.area)
        session.commit()
    return frame.go("account.show_account", said=mark("The lists come again."))


@routes.get("/account/password")
def show_password() -> Response:
    """Show the form to choose another password."""
    return frame.answer("password.html", faults={})


@routes.post("/account/password")
def change_password() -> Response:
    """Keep another password; every other browser is signed out."""
    runtime, user = frame.runtime_of_request(), frame.visitor()
    password, again = request.form.get("password", ""), request.form.get("again", "")
    if fault := _find_password_fault(runtime, user.id, request.form.get("old", "")):
        return frame.answer("password.html", 422, faults={"old": fault})
    if faults := passwords.find_faults(user, password, again):
        return frame.answer("password.html", 422, faults=faults)
    password_hash = proofs.hash_password(password)
    with runtime.database.session() as session:
        factors.set_password(session, user.id, password_hash)
        visits.end_visits(session, user.id, but=g.visit.id)
        token = entrance.renew(session, g.visit, runtime.now())
        frame.audit(session, "change_password", "account", user.id, user.area)
        session.commit()
    return _go_on_with(token, mark("Your new password is kept. Everywhere else you are signed out."))


@routes.get("/account/confirm")
def show_confirm() -> Response:
    """Ask for the password once more."""
    return frame.answer("confirm.html", next=_next(), fault="")


@routes.post("/account/confirm")
def confirm() -> Response:
    """Go on to what asked for the password, if it is right."""
    runtime, user = frame.runtime_of_request(), frame.visitor()
    if fault := _find_password_fault(runtime, user.id, request.form.get("password", "")):
        return frame.answer("confirm.html", 422, next=_next(), fault=fault)
    with runtime.database.session() as session:
        token = entrance.renew(session, g.visit, runtime.now())
        session.commit()
    return entrance.hand_over(frame.send_to(_next()), request, runtime, token)


@routes.get("/account/code")
def show_code() -> Response:
    """Show a new secret for an app, as a picture and in letters."""
    frame.demand_fresh(url_for("account.show_code"))
    return _show_secret(proofs.new_totp_secret())


@routes.post("/account/code")
def keep_code() -> Response:
    """Ask for the app's codes from now on, once it has shown a right one; the recovery codes are told this once."""
    frame.demand_fresh(url_for("account.show_code"))
    runtime, user = frame.runtime_of_request(), frame.visitor()
    locked = request.form.get("secret", "")
    owner, _, secret = (keybox.unlock(_key(runtime), locked) or "").partition(":")
    if owner != str(user.id) or not secret:
        return frame.go("account.show_code", said=mark("This page was too old. Please begin again."), tone="look")
    step = proofs.find_totp_step(secret, request.form.get("code", ""), runtime.now(), None)
    if step is None:
        return _show_secret(secret, 422, login.WRONG_CODE)
    codes = proofs.new_recovery_codes()
    with runtime.database.session() as session:
        factors.set_totp(session, user.id, keybox.lock(_key(runtime), secret), step)
        factors.replace_recovery_codes(session, user.id, map(proofs.hash_code, codes))
        visits.end_visits(session, user.id, but=g.visit.id)
        token = entrance.renew(session, g.visit, runtime.now())
        frame.audit(session, "add_code", "account", user.id, user.area)
        session.commit()
    g.token = token  # the forms on the page that follows are the new token's
    return entrance.hand_over(frame.answer("recovery.html", codes=codes), request, runtime, token)


@routes.post("/account/code/drop")
def drop_code() -> Response:
    """Ask for no codes any more, unless the role must have them."""
    frame.demand_fresh(url_for("account.show_account"))
    runtime, user = frame.runtime_of_request(), frame.visitor()
    if user.role in runtime.settings.roles_with_code:
        return frame.go("account.show_account", said=mark("Your role must have a second factor."), tone="bad")
    with runtime.database.session() as session:
        factors.set_totp(session, user.id, None, None)
        visits.end_visits(session, user.id, but=g.visit.id)
        token = entrance.renew(session, g.visit, runtime.now())
        frame.audit(session, "drop_code", "account", user.id, user.area)
        session.commit()
    return _go_on_with(token, mark("From now on your password alone signs you in."))


@routes.post("/account/recovery")
def renew_recovery_codes() -> Response:
    """Tell new recovery codes, this once; those from before open nothing any more."""
    frame.demand_fresh(url_for("account.show_account"))
    runtime, user = frame.runtime_of_request(), frame.visitor()
    if not user.has_totp:
        return frame.go("account.show_code")
    codes = proofs.new_recovery_codes()
    with runtime.database.session() as session:
        factors.replace_recovery_codes(session, user.id, map(proofs.hash_code, codes))
        frame.audit(session, "renew_recovery_codes", "account", user.id, user.area)
        session.commit()
    return frame.answer("recovery.html", codes=codes)


@routes.post("/account/visits/<int:visit_id>/end")
def end_visit(visit_id: int) -> Response:
    """Sign out one of one's own browsers."""
    runtime, user = frame.runtime_of_request(), frame.visitor()
    with runtime.database.session() as session:
        if visit_id >= 2**31 or not visits.end_one_of(session, user.id, visit_id):
            return frame.absent()
        frame.audit(session, "sign_out_elsewhere", "account", user.id, user.area)
        session.commit()
    return frame.go("account.show_account", said=mark("That browser is signed out."))


@routes.post("/account/elsewhere")
def end_elsewhere() -> Response:
    """Sign out everywhere but here."""
    runtime, user = frame.runtime_of_request(), frame.visitor()
    with runtime.database.session() as session:
        visits.end_visits(session, user.id, but=g.visit.id)
        frame.audit(session, "sign_out_elsewhere", "account", user.id, user.area)
        session.commit()
    return frame.go("account.show_account", said=mark("Everywhere else you are signed out."))


def find_browser(agent: str) -> str:
    """Return which browser a User-Agent speaks of, in two words.

    >>> find_browser("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36")
    'Chrome, Android'
    """
    names = ("Edg", "OPR", "SamsungBrowser", "Firefox", "Chrome", "Safari", "UCBrowser")
    systems = ("Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux")
    found = (next((name for name in known if name in agent), "") for known in (names, systems))
    said = {"Edg": "Edge", "OPR": "Opera", "SamsungBrowser": "Samsung Internet"}
    return ", ".join(said.get(name, name) for name in found if name)


def _show(status: int, name: str, faults: dict[str, str], phone: str | None = None) -> Response:
    runtime, user = frame.runtime_of_request(), frame.visitor()
    with runtime.database.session(read_only=True) as session:
        left = factors.count_recovery_codes(session, user.id)
        places = visits.visits_of(session, user.id, runtime.now(), entrance.limits_of(runtime))
    return frame.answer(
        "account.html",
        status,
        name=name,
        phone=show.show_phone(user.phone or "") if phone is None else phone,
        faults=faults,
        left=left,
        places=[(one, find_browser(one.browser), one.id == g.visit.id) for one in places],
        zone=runtime.settings.timezone,
        must_have_code=user.role in runtime.settings.roles_with_code,
    )


def _show_secret(secret: str, status: int = 200, fault: str = "") -> Response:
    runtime, user = frame.runtime_of_request(), frame.visitor()
    address = proofs.write_totp_address(secret, user.login)
    side, path = proofs.draw_qr(address)
    locked = keybox.lock(_key(runtime), f"{user.id}:{secret}")
    groups = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    context = {"address": address, "side": side, "path": path, "locked": locked, "spelled": groups}
    return frame.answer("totp.html", status, fault=fault, **context)


def _find_password_fault(runtime: Runtime, user_id: int, password: str) -> str:
    """Return why this is not the visitor's own password, in words; empty if it is. Guessing is slowed down here too."""
    keys = attempts.keys_of_user(user_id)
    if wait := attempts.begin(runtime, keys):
        return login.say_wait(wait)
    with runtime.database.session(read_only=True) as session:
        kept = factors.find_factors(session, user_id=user_id)
    if kept is None or not proofs.check_password(kept.password_hash, password).is_right:
        return WRONG_PASSWORD
    with runtime.database.session() as session:
        visits.forgive(session, keys)
        session.commit()
    return ""


def _go_on_with(token: str, said: str) -> Response:
    response = frame.go("account.show_account")
    entrance.hand_over(response, request, frame.runtime_of_request(), token)
    return frame.say_next(response, said)


def _next() -> str:
    wished = request.values.get("next", "")
    return wished if entrance.is_our_path(wished) else url_for("account.show_account")


def _key(runtime: Runtime) -> Secret:
    return keybox.read_key(runtime.settings.secret_key, runtime.settings.var)
