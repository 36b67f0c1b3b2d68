"""Destinations: other systems that figures are sent to: added, changed, switched off, and tried with one press."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

from flask import Response, request, url_for

from gateway import keybox
from gateway.channels.http import HttpClient
from gateway.channels.reach import ADDRESS, guard_address
from gateway.errors import Raced
from gateway.export.dhis2.client import Client
from gateway.export.dhis2.knock import GOOD, try_destination
from gateway.mapping import Destination
from gateway.redact import Secret
from gateway.review.pages import frame
from gateway.review.pages.destination_words import ADDRESS_FAULTS, KNOCKS
from gateway.review.pages.language import mark, translate
from gateway.review.permit import Action
from gateway.runtime import Runtime
from gateway.store import destinations, figures, mappings, report_list
from gateway.store.base import Session
from gateway.store.destinations import BASIC, TOKEN, KeptDestination, LockedSecret, NewDestination

READ_SECONDS = 15.0
LOST_KEY = mark("The kept token cannot be read any more: KABAR_SECRET_KEY has changed. Type it again under Change.")
AUTHS: Mapping[str, str] = {
    TOKEN: mark("Personal access token (recommended)"),
    BASIC: mark("User and password"),
}
_TAIL = re.compile(r"/(api|dhis-web-[a-z-]+|login)(/.*)?$")
_VISIBLE = re.compile(r"[!-~]{1,500}")

routes = frame.make_routes("destinations")


@dataclass(frozen=True, slots=True)
class Wished:
    """A destination as it was typed, with what is wrong with it. The secret is never shown again."""

    area: str = ""
    name: str = ""
    address: str = ""
    auth: str = TOKEN
    login: str = ""
    faults: Mapping[str, str] = field(default_factory=dict)


@routes.get("/destinations")
def show_destinations() -> Response:
    """Show where figures of one's area are sent."""
    frame.demand(Action.PUSH)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session(read_only=True) as session:
        found = destinations.list_destinations(session, scope=scope)
        places = {one.destination.area: _name_area(session, one.destination.area) for one in found}
    return frame.answer("destinations.html", found=found, places=places, good=GOOD)


@routes.get("/destinations/new")
def show_new() -> Response:
    """Show the form to add a destination by."""
    frame.demand(Action.PUSH)
    frame.demand_fresh(url_for("destinations.show_new"))
    return _show_form(Wished(area=frame.visitor().scope.area))


@routes.post("/destinations/new")
def add() -> Response:
    """Add a destination; it is in use from then on."""
    frame.demand(Action.PUSH)
    frame.demand_fresh(url_for("destinations.show_new"))
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session() as session:
        wished, secret = _read(session, None)
        if wished.faults or secret is None:
            session.rollback()
            return _show_form(wished, status=422)
        try:
            made = destinations.add_destination(session, _as_new(wished), secret, runtime.now(), scope=scope)
        except Raced:
            session.rollback()
            return _show_form(_with_taken_name(wished), status=422)
        if made is None:
            return frame.absent()
        frame.audit(session, "add", "destination", made, wished.area, name=wished.name, address=wished.address)
        session.commit()
    return frame.go(
        "destinations.show_destination", mark("Kept. Now press Try it, then fill in the mapping."), destination_id=made
    )


@routes.get("/destinations/<int:destination_id>")
def show_destination(destination_id: int) -> Response:
    """Show a destination, what came of trying it, and its mappings."""
    frame.demand(Action.PUSH)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session(read_only=True) as session:
        kept = destinations.find_destination(session, destination_id, scope=scope)
        if kept is None:
            return frame.absent()
        area = figures.find_area(session, kept.destination.area, scope=scope)
        versions = mappings.list_versions(session, destination_id, scope=scope)
    newest = {one.form: one for one in reversed(versions)}
    outcome = kept.tried["outcome"] if kept.tried else ""
    return frame.answer(
        "destination.html",
        kept=kept,
        there=kept.destination,
        place=area.name if area else kept.destination.area,
        zone=area.timezone if area else runtime.settings.timezone,
        auths=AUTHS,
        told=translate(KNOCKS[outcome]) if outcome else "",
        good=GOOD,
        forms=[(form, newest.get(form.code)) for form in runtime.forms],
    )


@routes.get("/destinations/<int:destination_id>/edit")
def show_edit(destination_id: int) -> Response:
    """Show the form to change a destination by; its secret is not in it."""
    frame.demand(Action.PUSH)
    frame.demand_fresh(url_for("destinations.show_edit", destination_id=destination_id))
    kept = _find(destination_id)
    if kept is None:
        return frame.absent()
    one = kept.destination
    return _show_form(Wished(one.area, one.name, one.address, one.auth, one.login), kept)


@routes.post("/destinations/<int:destination_id>/edit")
def change(destination_id: int) -> Response:
    """Change a destination. To another server its secret goes only when it was typed anew."""
    frame.demand(Action.PUSH)
    frame.demand_fresh(url_for("destinations.show_edit", destination_id=destination_id))
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    kept = _find(destination_id)
    if kept is None:
        return frame.absent()
    with runtime.database.session() as session:
        wished, secret = _read(session, kept)
        if wished.faults:
            session.rollback()
            return _show_form(wished, kept, 422)
        try:
            is_done = destinations.change_destination(session, destination_id, _as_new(wished), secret, scope=scope)
        except Raced:
            session.rollback()
            return _show_form(_with_taken_name(wished), kept, 422)
        if not is_done:
            return frame.absent()
        was = kept.destination
        changed = {name: [getattr(was, name), getattr(wished, name)] for name in NewDestination.__slots__}
        told: dict[str, Any] = {name: both for name, both in changed.items() if both[0] != both[1]}
        told |= {"renewed": [kept.secret_end, secret.end]} if secret else {}
        frame.audit(session, "change", "destination", destination_id, wished.area, **told)
        session.commit()
    return frame.go("destinations.show_destination", mark("Kept. Now press Try it."), destination_id=destination_id)


@routes.post("/destinations/<int:destination_id>/off")
def switch_off(destination_id: int) -> Response:
    """Send nothing more to a destination."""
    return _switch(destination_id, is_on=False)


@routes.post("/destinations/<int:destination_id>/on")
def switch_on(destination_id: int) -> Response:
    """Send to a destination again."""
    return _switch(destination_id, is_on=True)


@routes.post("/destinations/<int:destination_id>/try")
def try_it(destination_id: int) -> Response:
    """Ask a destination who it is and what we may do there; nothing is sent."""
    frame.demand(Action.PUSH)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    kept = _find(destination_id)
    if kept is None:
        return frame.absent()
    client = open_client(runtime, kept.destination)
    if client is None:
        return frame.go("destinations.show_destination", LOST_KEY, "bad", destination_id=destination_id)
    found = try_destination(client.get)
    with runtime.database.session() as session:
        destinations.keep_try(session, destination_id, asdict(found), runtime.now(), scope=scope)
        area, name = kept.destination.area, kept.destination.name
        frame.audit(session, "try", "destination", destination_id, area, name=name, outcome=found.outcome)
        session.commit()
    tone = "good" if found.outcome == GOOD else "bad"
    return frame.go("destinations.show_destination", KNOCKS[found.outcome], tone, destination_id=destination_id)


def open_client(runtime: Runtime, destination: Destination) -> Client | None:
    """Return what calls a destination; None where its secret cannot be read with the key of today."""
    key = keybox.read_key(runtime.settings.secret_key, runtime.settings.var)
    secret = keybox.unlock(key, destination.secret_locked)
    if secret is None:
        return None
    http = HttpClient(read_seconds=READ_SECONDS, guard=runtime.settings.hosts_allowed)
    return Client(http, destination, Secret(secret))


def _switch(destination_id: int, *, is_on: bool) -> Response:
    frame.demand(Action.PUSH)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    kept = _find(destination_id)
    if kept is None:
        return frame.absent()
    with runtime.database.session() as session:
        destinations.set_on(session, destination_id, is_on=is_on, scope=scope)
        verb, one = "switch_on" if is_on else "switch_off", kept.destination
        frame.audit(session, verb, "destination", destination_id, one.area, name=one.name)
        session.commit()
    said = mark("Figures can be sent there again.") if is_on else mark("Nothing is sent there any more.")
    undo = None if is_on else url_for("destinations.switch_on", destination_id=destination_id)
    return frame.go("destinations.show_destination", said, undo=undo, destination_id=destination_id)


def _find(destination_id: int) -> KeptDestination | None:
    with frame.runtime_of_request().database.session(read_only=True) as session:
        return destinations.find_destination(session, destination_id, scope=frame.visitor().scope)


def _read(session: Session, kept: KeptDestination | None) -> tuple[Wished, LockedSecret | None]:
    """Return what was typed, with its faults, and the secret locked, if one was typed."""
    runtime, scope, typed = frame.runtime_of_request(), frame.visitor().scope, request.form
    name, login = (" ".join(typed.get(part, "").split())[:100] for part in ("name", "login"))
    address = _TAIL.sub("", typed.get("address", "").strip()[:300].rstrip("/")).rstrip("/")
    auth = typed.get("auth", "") if typed.get("auth") in AUTHS else TOKEN
    secret, area, faults = typed.get("secret", "").strip(), typed.get("area", ""), {}
    if not name:
        faults["name"] = mark("Give it a name that your colleagues understand.")
    if figures.find_area(session, area, scope=scope) is None:
        faults["area"] = mark("Choose an area of yours.")
    if wrong := _find_address_fault(address, runtime):
        faults["address"] = ADDRESS_FAULTS[wrong]
    if auth == BASIC and (not login or ":" in login):
        faults["login"] = mark("Write the user's name; it cannot hold a colon.")
    if fault := _find_secret_fault(secret, auth, kept, address):
        faults["secret"] = fault
    wished = Wished(area, name, address, auth, login if auth == BASIC else "", faults)
    if faults or not secret:
        return wished, None
    key = keybox.read_key(runtime.settings.secret_key, runtime.settings.var)
    return wished, LockedSecret(keybox.lock(key, secret), secret[-4:] if len(secret) >= 12 else "", runtime.now())


def _find_address_fault(address: str, runtime: Runtime) -> str | None:
    wrong = guard_address(address, runtime.settings.hosts_allowed)
    return ADDRESS if wrong is None and ("?" in address or "#" in address) else wrong


def _find_secret_fault(secret: str, auth: str, kept: KeptDestination | None, address: str) -> str:
    if not secret:
        if kept is None:
            return mark("The token or the password is missing.")
        was = kept.destination
        if was.auth != auth or urlsplit(was.address)[:2] != urlsplit(address)[:2]:
            return mark("For another server or another way to sign in, type the token or password again.")
        return ""
    if not _VISIBLE.fullmatch(secret) and auth == TOKEN:
        return mark("A token holds no blanks and no special letters. Copy it whole.")
    if auth == TOKEN and not secret.startswith(("d2pat_", "d2p_")):
        return mark("A token of a DHIS2 begins with d2pat_ or d2p_. Copy it whole.")
    return mark("Too long: 500 characters at most.") if len(secret) > 500 else ""


def _as_new(wished: Wished) -> NewDestination:
    return NewDestination(wished.area, wished.name, wished.address, wished.auth, wished.login)


def _with_taken_name(wished: Wished) -> Wished:
    taken = {"name": mark("There is a destination of this name already.")}
    return Wished(wished.area, wished.name, wished.address, wished.auth, wished.login, taken)


def _name_area(session: Session, code: str) -> str:
    area = figures.find_area(session, code, scope=frame.visitor().scope)
    return area.name if area and code else translate(mark("Whole country"))


def _show_form(wished: Wished, kept: KeptDestination | None = None, status: int = 200) -> Response:
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session(read_only=True) as session:
        top = (scope.area, _name_area(session, scope.area))
        below = report_list.list_areas(session, wished.area, scope=scope)
    places = dict([top, *((one.code, one.name) for one in below)])
    return frame.answer(
        "destination_form.html",
        status,
        wished=wished,
        kept=kept,
        places=list(places.items()),
        auths=[(name, translate(words)) for name, words in AUTHS.items()],
        faults={name: translate(words) for name, words in wished.faults.items()},
    )
