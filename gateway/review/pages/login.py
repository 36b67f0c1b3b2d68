"""Signing in and out."""

from __future__ import annotations

from flask import Response, g, make_response, redirect, request, url_for

from gateway.review.pages import entrance, frame
from gateway.store import visits

routes = frame.make_routes("login", is_open=True)


@routes.get("/login")
def show_login() -> Response:
    """Show the form to sign in by."""
    return frame.answer("login.html")


@routes.post("/logout")
def sign_out() -> Response:
    """Sign this browser out."""
    frame.demand_token()
    runtime = frame.runtime_of_request()
    with runtime.database.session() as session:
        visits.end_visit(session, g.visit.id)
        session.commit()
    response = make_response(redirect(url_for("login.show_login"), 303))
    response.delete_cookie(entrance.cookie_name(request, runtime))
    return response
