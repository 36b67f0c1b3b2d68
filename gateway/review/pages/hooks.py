"""Webhooks: who is told over HTTP what has happened, whether they heard it, and with which secret they can tell."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flask import Response, request, url_for

from gateway import keybox
from gateway.channels import reach
from gateway.export.webhooks.sign import new_secret
from gateway.export.webhooks.tell import queue_test
from gateway.redact import Secret
from gateway.review.pages import frame, hook_words, paging
from gateway.review.pages.language import mark, translate
from gateway.review.permit import Action
from gateway.store import areas, hook_deliveries, hooks, unsettled
from gateway.store.base import Session
from gateway.store.events import KINDS
from gateway.store.hooks import Hook, WantedHook

GRACE = timedelta(hours=24)  # so long both secrets are good
LONGEST_NAME, LONGEST_ADDRESS = 100, 500  # characters
STATE_DEEDS = {"on": hooks.ON, "pause": hooks.PAUSED, "off": hooks.OFF}
STATE_SAYINGS = {
    hooks.ON: mark("It is told again, first of all what waited."),
    hooks.PAUSED: mark("It is paused. What happens meanwhile waits for it."),
    hooks.OFF: mark("It is off. What happens meanwhile it never hears."),
}

routes = frame.make_routes("hooks")


@routes.get("/hooks")
def show_hooks() -> Response:
    """Show who is told, and how that goes."""
    frame.demand(Action.ADMINISTER)
    scope = frame.visitor().scope
    with frame.runtime_of_request().database.session(read_only=True) as session:
        found = hooks.list_hooks(session, scope=scope)
        counts = hook_deliveries.count_deliveries(session, scope=scope)
        names = areas.names_of(session, {one.area for one in found})
    return frame.answer("hooks.html", found=found, counts=counts, names=names, words=hook_words)


@routes.get("/hooks/new")
def show_new() -> Response:
    """Show the form for one more."""
    frame.demand(Action.ADMINISTER)
    frame.demand_fresh(url_for("hooks.show_new"))
    return _show_form(None, WantedHook("", "", frame.visitor().area, KINDS))


@routes.post("/hooks/new")
def add() -> Response:
    """Tell somebody from now on; their secret is shown this once."""
    frame.demand(Action.ADMINISTER)
    frame.demand_fresh(url_for("hooks.show_new"))
    runtime, user = frame.runtime_of_request(), frame.visitor()
    wanted, faults = _read_wanted()
    if faults:
        return _show_form(None, wanted, faults)
    secret = new_secret()
    with runtime.database.session() as session:
        locked = keybox.lock(_key(), secret.reveal())
        hook_id = hooks.add_hook(session, wanted, locked, user.name, runtime.now(), scope=user.scope)
        if hook_id is None or not _is_there(session, wanted.area):
            return frame.absent()
        frame.audit(session, "add", "webhook", hook_id, wanted.area, **_about(wanted))
        session.commit()
    return _show_secret(hook_id, wanted.name, secret, is_new=True)


@routes.get("/hooks/<int:hook_id>")
def show_hook(hook_id: int) -> Response:
    """Show one of them, and what it was told or is to be told."""
    frame.demand(Action.ADMINISTER)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    wished = request.args.get("state", "")
    wished = wished if wished in hook_words.DELIVERY_STATES else ""
    with runtime.database.session(read_only=True) as session:
        hook = _find(session, hook_id)
        if hook is None:
            return frame.absent()
        before = paging.asked()["before"]
        rows = hook_deliveries.list_deliveries(
            session, hook_id, scope=scope, state=wished, before=before, limit=paging.ROWS + 1
        )
        counts = hook_deliveries.count_deliveries(session, scope=scope).get(hook_id, {})
        names = areas.names_of(session, {hook.area})
    shown, older = rows[: paging.ROWS], None
    if len(rows) > paging.ROWS:
        older = url_for("hooks.show_hook", hook_id=hook_id, before=shown[-1].id, state=wished or None)
    here = {"": url_for("hooks.show_hook", hook_id=hook_id)}
    here |= {one: url_for("hooks.show_hook", hook_id=hook_id, state=one) for one in hook_words.DELIVERY_STATES}
    said = {"": mark("All of them")} | {one: said for one, (said, _) in hook_words.DELIVERY_STATES.items()}
    return frame.answer(
        "hook.html",
        hook=hook,
        area=names.get(hook.area, ""),
        rows=shown,
        older=older,
        tabs_of_states=[(here[one], translate(said[one]), one == wished, counts.get(one)) for one in said],
        has_failed=bool(counts.get(hook_deliveries.FAILED)),
        has_two_secrets=len(hook.locked_secrets(runtime.now())) > 1,
        zone=runtime.settings.timezone,
        today=_today() - timedelta(days=7),
        words=hook_words,
    )


@routes.get("/hooks/<int:hook_id>/edit")
def show_edit(hook_id: int) -> Response:
    """Show what can be changed."""
    frame.demand(Action.ADMINISTER)
    frame.demand_fresh(url_for("hooks.show_edit", hook_id=hook_id))
    with frame.runtime_of_request().database.session(read_only=True) as session:
        hook = _find(session, hook_id)
    if hook is None:
        return frame.absent()
    return _show_form(hook_id, WantedHook(hook.name, hook.address, hook.area, tuple(hook.kinds)))


@routes.post("/hooks/<int:hook_id>/edit")
def change(hook_id: int) -> Response:
    """Tell them other things, or elsewhere."""
    frame.demand(Action.ADMINISTER)
    frame.demand_fresh(url_for("hooks.show_edit", hook_id=hook_id))
    wanted, faults = _read_wanted()
    with frame.runtime_of_request().database.session() as session:
        hook = _find(session, hook_id)
        if hook is None or not _is_there(session, wanted.area):
            return frame.absent()
        if faults:
            session.rollback()
            return _show_form(hook_id, wanted, faults)
        if not hooks.change_hook(session, hook_id, wanted, scope=frame.visitor().scope):
            return frame.absent()
        before = _about(WantedHook(hook.name, hook.address, hook.area, tuple(hook.kinds)))
        changed = {name: [before[name], now] for name, now in _about(wanted).items() if before[name] != now}
        frame.audit(session, "change", "webhook", hook_id, wanted.area, **changed)
        session.commit()
    return frame.go("hooks.show_hook", mark("Kept."), hook_id=hook_id)


@routes.post("/hooks/<int:hook_id>/secret")
def renew_secret(hook_id: int) -> Response:
    """Sign with a new secret, which is shown this once; the old one is good for a day, unless somebody else has it."""
    frame.demand(Action.ADMINISTER)
    frame.demand_fresh(url_for("hooks.show_hook", hook_id=hook_id))
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    is_leaked = request.form.get("leaked") == "1"
    secret = new_secret()
    with runtime.database.session() as session:
        hook = _find(session, hook_id)
        if hook is None:
            return frame.absent()
        until = None if is_leaked else runtime.now() + GRACE
        hooks.replace_secret(session, hook, keybox.lock(_key(), secret.reveal()), until, scope=scope)
        frame.audit(session, "renew_secret", "webhook", hook_id, hook.area, at_once=is_leaked)
        session.commit()
    return _show_secret(hook_id, hook.name, secret, is_new=False)


@routes.post("/hooks/<int:hook_id>/test")
def test(hook_id: int) -> Response:
    """Send a test message: it goes before all else, once."""
    frame.demand(Action.ADMINISTER)
    runtime = frame.runtime_of_request()
    with runtime.database.session() as session:
        hook = _find(session, hook_id)
        if hook is None:
            return frame.absent()
        queue_test(session, hook, runtime.now())
        frame.audit(session, "test", "webhook", hook_id, hook.area)
        session.commit()
    return frame.go("hooks.show_hook", mark("The test message is on its way. Look again in a moment."), hook_id=hook_id)


@routes.post("/hooks/<int:hook_id>/state")
def set_state(hook_id: int) -> Response:
    """Turn one on, pause it, or turn it off."""
    frame.demand(Action.ADMINISTER)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    state = STATE_DEEDS.get(request.form.get("what", ""))
    with runtime.database.session() as session:
        hook = _find(session, hook_id)
        if hook is None or state is None:
            return frame.absent()
        why = "" if state == hooks.ON else hooks.BY_STAFF
        hooks.set_state(session, hook_id, state, why, runtime.now(), scope=scope)
        if state == hooks.ON:
            hook_deliveries.begin_anew(session, hook_id, scope=scope)
        frame.audit(session, "change", "webhook", hook_id, hook.area, state=[hook.state, state])
        session.commit()
    return frame.go("hooks.show_hook", STATE_SAYINGS[state], hook_id=hook_id)


@routes.post("/hooks/<int:hook_id>/replay")
def replay(hook_id: int) -> Response:
    """Tell one event again, or every one since a day that failed."""
    frame.demand(Action.ADMINISTER)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    one, since = request.form.get("delivery", type=int), _read_day(request.form.get("since", ""))
    if not one and since is None:
        return frame.go("hooks.show_hook", mark("This is no day. Write it as 2025-10-31."), "bad", hook_id=hook_id)
    with runtime.database.session() as session:
        hook = _find(session, hook_id)
        if hook is None:
            return frame.absent()
        number = hook_deliveries.replay(session, hook_id, delivery_id=one, since=since, scope=scope)
        frame.audit(session, "replay", "webhook", hook_id, hook.area, deliveries=number)
        session.commit()
    said = translate(mark("%(number)s events are told again.")) % {"number": number}
    return frame.go("hooks.show_hook", said, hook_id=hook_id)


@routes.post("/hooks/<int:hook_id>/give-up")
def give_up(hook_id: int) -> Response:
    """Tell one event no more, so that the next ones go."""
    frame.demand(Action.ADMINISTER)
    delivery_id = request.form.get("delivery", 0, int)
    with frame.runtime_of_request().database.session() as session:
        hook, scope = _find(session, hook_id), frame.visitor().scope
        if hook is None or delivery_id < 1:
            return frame.absent()
        if not hook_deliveries.give_up(session, hook_id, delivery_id, scope=scope):
            return frame.go("hooks.show_hook", mark("It does not wait any more."), "look", hook_id=hook_id)
        frame.audit(session, "give_up", "webhook", hook_id, hook.area, delivery=delivery_id)
        session.commit()
    return frame.go("hooks.show_hook", mark("It is given up; the next ones go."), hook_id=hook_id)


def _find(session: Session, hook_id: int) -> Hook | None:
    return hooks.find_hook(session, hook_id, scope=frame.visitor().scope) if hook_id < 2**31 else None


def _is_there(session: Session, area: str) -> bool:
    return not area or areas.find_area_within(session, area, scope=frame.visitor().scope) is not None


def _key() -> Secret:
    chosen = frame.runtime_of_request().settings
    return keybox.read_key(chosen.secret_key, chosen.var)


def _about(wanted: WantedHook) -> dict[str, object]:
    """Return what the audit keeps: of the address its host alone, for what follows may hold a secret of theirs."""
    host = urlsplit(wanted.address).hostname
    return {"name": wanted.name, "host": host, "area": wanted.area, "kinds": ", ".join(wanted.kinds)}


def _read_wanted() -> tuple[WantedHook, dict[str, str]]:
    """Return what was typed, and what is wrong with it."""
    typed, faults = request.form, {}
    name = typed.get("name", "").strip()
    address = typed.get("address", "").strip()
    kinds = tuple(kind for kind in KINDS if kind in typed.getlist("kinds"))
    if not name or len(name) > LONGEST_NAME:
        faults["name"] = mark("Please write a name of at most 100 characters.")
    if fault := _find_address_fault(address):
        faults["address"] = fault
    if not kinds:
        faults["kinds"] = mark("Please choose at least one.")
    area = typed.get("area", "")[:13]
    if not frame.visitor().scope.covers(area):
        faults["area"] = mark("Please choose one.")
    return WantedHook(name, address, area, kinds), faults


def _find_address_fault(address: str) -> str:
    if len(address) > LONGEST_ADDRESS:
        return hook_words.ADDRESS_FAULTS[reach.ADDRESS]
    fault = reach.guard_address(address, frame.runtime_of_request().settings.hosts_allowed)
    return hook_words.ADDRESS_FAULTS[fault] if fault else ""


def _today() -> date:
    runtime = frame.runtime_of_request()
    return runtime.now().astimezone(ZoneInfo(runtime.settings.timezone)).date()


def _read_day(written: str) -> datetime | None:
    """Return the instant at which a day began here, or None."""
    try:
        day = date.fromisoformat(written.strip())
    except ValueError:
        return None
    zone = ZoneInfo(frame.runtime_of_request().settings.timezone)
    return datetime.combine(day, time(), zone) if 2000 < day.year < 2100 else None


def _show_form(hook_id: int | None, wanted: WantedHook, faults: Mapping[str, str] | None = None) -> Response:
    scope = frame.visitor().scope
    with frame.runtime_of_request().database.session(read_only=True) as session:
        places = list(unsettled.regencies_with_facilities(session, scope=scope))
        names = areas.names_of(session, {wanted.area, scope.area})
    for area in {scope.area, wanted.area} - {code for code, _ in places}:
        places.insert(0, (area, names.get(area) or translate(mark("Whole country"))))
    return frame.answer(
        "hook_form.html",
        422 if faults else 200,
        hook_id=hook_id,
        wanted=wanted,
        faults=faults or {},
        places=places,
        kinds=[(kind, translate(hook_words.KINDS[kind])) for kind in KINDS],
    )


def _show_secret(hook_id: int, name: str, secret: Secret, *, is_new: bool) -> Response:
    response = frame.answer("hook_secret.html", hook_id=hook_id, name=name, secret=secret.reveal(), is_new=is_new)
    response.headers["Cache-Control"] = "no-store"
    return response
