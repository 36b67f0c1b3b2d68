"""Tokens of the API: which other systems read and write, what each may do, until when, and when it last did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flask import Response, request, url_for

from gateway.redact import Secret
from gateway.review.pages import frame
from gateway.review.pages.language import mark, translate
from gateway.review.pages.users import NOT_THERE, SEVERAL, WHOLE
from gateway.review.permit import Action
from gateway.store import areas, tokens
from gateway.store.base import Session
from gateway.store.tokens import NewToken, Token, TokenScope

LARGEST_ID = 2**31
SCOPES: Mapping[TokenScope, str] = {
    TokenScope.READ_REPORTS: mark("Read reports and their numbers"),
    TokenScope.READ_FACILITIES: mark("Read facilities"),
    TokenScope.READ_REPORTERS: mark("Read who reports, with masked phone numbers"),
    TokenScope.READ_COVERAGE: mark("Read coverage"),
    TokenScope.READ_STOCK: mark("Read stock"),
    TokenScope.WRITE_REPORTS: mark("Send reports"),
    TokenScope.WRITE_MESSAGES: mark("Hand over messages of another gateway"),
}
DAYS: Mapping[str, str] = {
    "30": mark("30 days"),
    "90": mark("90 days"),
    "365": mark("One year"),
    "730": mark("Two years"),
}
USUAL_DAYS = "365"
NOT_KEPT = mark("This token is revoked, and opens nothing any more.")

routes = frame.make_routes("tokens")


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed about a token, what is wrong with it by field, and the areas that a name may mean."""

    name: str = ""
    area: str = ""
    days: str = USUAL_DAYS
    scopes: tuple[str, ...] = ()
    faults: Mapping[str, str] = field(default_factory=dict)
    options: tuple[tuple[str, str], ...] = ()


@routes.before_request
def _administrators_only() -> None:
    frame.demand(Action.ADMINISTER)


@routes.get("/tokens")
def show_tokens() -> Response:
    """Show the tokens of one's area."""
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session(read_only=True) as session:
        found = tokens.list_tokens(session, scope=scope)
        places = areas.names_of(session, {one.area for one in found})
    now = runtime.now()
    rows = [(one, *_state(one, now)) for one in found]
    return frame.answer("tokens.html", rows=rows, places=places, zone=runtime.settings.timezone)


@routes.get("/tokens/new")
def show_new() -> Response:
    """Show the form for a new token."""
    frame.demand_fresh(url_for("tokens.show_new"))
    return _show_form(Typed(area=frame.visitor().area))


@routes.post("/tokens/new")
def make() -> Response:
    """Make a token, and show its secret this once."""
    frame.demand_fresh(url_for("tokens.show_new"))
    runtime, me = frame.runtime_of_request(), frame.visitor()
    now = runtime.now()
    secret = tokens.make_secret()
    with runtime.database.session() as session:
        typed = _read_typed(session)
        if typed.faults:
            return _show_form(typed, 422)
        expires_at = now + timedelta(days=int(typed.days))
        new = NewToken(typed.name, frozenset(typed.scopes), typed.area, me.name, now, expires_at)
        token_id = tokens.add_token(session, new, secret, scope=me.scope)
        if token_id is None:
            return frame.absent()
        told = {"name": typed.name, "rights": " ".join(sorted(typed.scopes)), "until": f"{expires_at:%Y-%m-%d}"}
        frame.audit(session, "add", "token", token_id, typed.area, **told)
        session.commit()
    return _show_secret(token_id, typed.name, secret)


@routes.get("/tokens/<int:token_id>")
def show_token(token_id: int) -> Response:
    """Show one token."""
    runtime = frame.runtime_of_request()
    with runtime.database.session(read_only=True) as session:
        token = _find(session, token_id)
        if token is None:
            return frame.absent()
        place = areas.names_of(session, [token.area]).get(token.area, token.area)
    now = runtime.now()
    tone, words = _state(token, now)
    return frame.answer(
        "token.html",
        kept=token,
        place=place,
        tone=tone,
        words=words,
        is_rotating=token.old_until is not None and now < token.old_until,
        scopes=[(scope.value, translate(said)) for scope, said in SCOPES.items() if scope in token.scopes],
        days=_days(),
        usual=USUAL_DAYS,
        zone=runtime.settings.timezone,
    )


@routes.post("/tokens/<int:token_id>/rotate")
def rotate(token_id: int) -> Response:
    """Give a token a new secret, and show it this once; the one before stays valid for a while."""
    frame.demand_fresh(url_for("tokens.show_token", token_id=token_id))
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    now, days = runtime.now(), request.form.get("days", "")
    secret = tokens.make_secret()
    with runtime.database.session() as session:
        token = _find(session, token_id)
        if token is None:
            return frame.absent()
        expires_at = now + timedelta(days=int(days if days in DAYS else USUAL_DAYS))
        if not tokens.rotate(session, token, secret, expires_at, now, scope=scope):
            return frame.go("tokens.show_token", said=NOT_KEPT, tone="look", token_id=token_id)
        told = {"name": token.name, "until": f"{expires_at:%Y-%m-%d}"}
        frame.audit(session, "rotate", "token", token_id, token.area, **told)
        session.commit()
    return _show_secret(token_id, token.name, secret, is_rotated=True)


@routes.post("/tokens/<int:token_id>/revoke")
def revoke(token_id: int) -> Response:
    """Let a token open nothing any more."""
    frame.demand_fresh(url_for("tokens.show_token", token_id=token_id))
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session() as session:
        token = _find(session, token_id)
        if token is None:
            return frame.absent()
        if tokens.revoke(session, token_id, runtime.now(), scope=scope):
            frame.audit(session, "revoke", "token", token_id, token.area, name=token.name)
            session.commit()
    return frame.go("tokens.show_token", said=NOT_KEPT, token_id=token_id)


def _find(session: Session, token_id: int) -> Token | None:
    return tokens.find_token(session, token_id, scope=frame.visitor().scope) if token_id < LARGEST_ID else None


def _state(token: Token, now: datetime) -> tuple[str, str]:
    """Return the tone and the words of where a token stands."""
    if token.revoked_at is not None:
        return "past", mark("Revoked")
    if token.expires_at <= now:
        return "bad", mark("Has run out")
    return ("look", mark("Runs out soon")) if token.expires_at <= now + timedelta(days=14) else ("good", mark("Valid"))


def _days() -> list[tuple[str, str]]:
    return [(days, translate(words)) for days, words in DAYS.items()]


def _read_typed(session: Session) -> Typed:
    """Return what was typed, checked against the visitor's area."""
    me = frame.visitor()
    name = " ".join(request.form.get("name", "").split())
    days = request.form.get("days", "")
    scopes = tuple(scope.value for scope in TokenScope if scope.value in request.form.getlist("scopes"))
    words = request.form.get("area", "").strip()
    faults: dict[str, str] = {}
    if not name or len(name) > 100:
        faults["name"] = mark("Please write the name of the system, at most 100 characters.")
    if not scopes:
        faults["scopes"] = mark("Please tick what the system may do.")
    if days not in DAYS:
        faults["days"] = mark("Please choose for how long.")
    found = areas.find_called(session, words, scope=me.scope) if words else ()
    area = found[0].code if len(found) == 1 else words
    if not words and me.area:
        faults["area"] = WHOLE
    elif words and len(found) != 1:
        faults["area"] = SEVERAL if found else NOT_THERE
    options = tuple((one.code, f"{one.name} ({one.code})") for one in found) if len(found) > 1 else ()
    return Typed(name, area, days, scopes, faults, options)


def _show_form(typed: Typed, status: int = 200) -> Response:
    scopes = [(scope.value, translate(words)) for scope, words in SCOPES.items()]
    return frame.answer("token_new.html", status, typed=typed, scopes=scopes, days=_days())


def _show_secret(token_id: int, name: str, secret: Secret, *, is_rotated: bool = False) -> Response:
    """Show a secret: on this page alone, which nothing keeps."""
    address = frame.runtime_of_request().settings.public_url or request.host_url.rstrip("/")
    return frame.answer(
        "token_made.html",
        token_id=token_id,
        name=name,
        secret=secret.reveal(),
        is_rotated=is_rotated,
        grace=tokens.GRACE.days,
        address=address,
    )
