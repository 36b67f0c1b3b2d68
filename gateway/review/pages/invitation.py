"""Accepting an invitation: whoever has the link chooses a password, once, and is signed in."""

from __future__ import annotations

from flask import Response, request, url_for

from gateway.review import proofs
from gateway.review.pages import attempts, entrance, frame, passwords
from gateway.review.pages.language import mark
from gateway.store import audit, factors, invitations, visits
from gateway.store.audit import NewAudit

routes = frame.make_routes("invitation", is_open=True)


@routes.get("/invitation/<token>")
def show_invitation(token: str) -> Response:
    """Show the form to choose a password by; a link that was used or is too old says so."""
    runtime = frame.runtime_of_request()
    with runtime.database.session(read_only=True) as session:
        user = invitations.find_invited(session, proofs.hash_code(token), runtime.now())
    if user is None:
        return frame.answer("uninvited.html", 404)
    return frame.answer("invitation.html", user=user, token_in_link=token, faults={})


@routes.post("/invitation/<token>")
def accept(token: str) -> Response:
    """Keep the password that was chosen; whoever was signed in as this user is not any more."""
    runtime = frame.runtime_of_request()
    now, token_hash = runtime.now(), proofs.hash_code(token)
    password, again = request.form.get("password", ""), request.form.get("again", "")
    with runtime.database.session(read_only=True) as session:
        user = invitations.find_invited(session, token_hash, now)
    if user is None:
        return frame.answer("uninvited.html", 404)
    if faults := passwords.find_faults(user, password, again):
        return frame.answer("invitation.html", 422, user=user, token_in_link=token, faults=faults)
    password_hash = proofs.hash_password(password)
    with runtime.database.session() as session:
        if not invitations.use_invitation(session, token_hash, now):
            return frame.answer("uninvited.html", 404)
        factors.set_password(session, user.id, password_hash)
        visits.end_visits(session, user.id)
        audit.record(
            session, NewAudit(now, user.id, user.name, "accept_invitation", "user", str(user.id), user.area, {})
        )
        visit = entrance.let_in(session, request, now, user.id, awaits_code=user.has_totp)
        session.commit()
    response = frame.send_to(url_for("login.show_code" if user.has_totp else "phone.show_home"))
    attempts.remember_browser(response, request, runtime, user.login)
    entrance.hand_over(response, request, runtime, visit)
    return frame.say_next(response, mark("Your password is kept. From now on you sign in with it."))
