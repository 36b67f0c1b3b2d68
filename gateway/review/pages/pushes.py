"""Months sent to other systems: looked at first, tried out, confirmed, then followed facility by facility."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Response, request, url_for

from gateway import jobs
from gateway.calendar import report_month, shift
from gateway.errors import Raced
from gateway.export.dhis2 import plan as planning
from gateway.export.dhis2.plan import Plan, Wish
from gateway.mapping import Destination, Mapping
from gateway.review.pages import frame, show
from gateway.review.pages.language import mark, translate
from gateway.review.pages.push_words import DRY_STATES, PUSH_STATES, STATES, say_reason
from gateway.review.pages.reporters import today
from gateway.review.permit import Action
from gateway.store import destinations, export_choices, figures, mappings, pushes
from gateway.store.base import Session
from gateway.store.pushes import NewPush
from gateway.values import Scope

PUSHES = "pushes"  # the errand
ROWS = 50
SHOWN = 25  # facilities of a preview whose cells are shown
MONTHS = 12
LOOK_AGAIN = 3  # seconds
LATE = timedelta(minutes=2)
TROUBLED = (pushes.PARTLY, pushes.REFUSED, pushes.UNSURE, pushes.FAILED)
_PERIOD = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])", re.ASCII)

routes = frame.make_routes("pushes")


@dataclass(frozen=True, slots=True)
class Choice:
    """A destination and the mapping of one form that is in use there."""

    destination: Destination
    mapping: Mapping

    @property
    def code(self) -> str:
        """What stands for it in an address."""
        return f"{self.destination.id}-{self.mapping.form}"

    @property
    def host(self) -> str:
        """The host that would be called."""
        return urlsplit(self.destination.address).hostname or self.destination.address


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to look at before sending it."""

    choice: Choice
    wish: Wish


@routes.get("/pushes")
def show_pushes() -> Response:
    """Show what can be sent where, and what was."""
    frame.demand(Action.PUSH)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    before = request.args.get("before", None, int)
    with runtime.database.session(read_only=True) as session:
        choices = list_choices(session, scope)
        found = pushes.list_pushes(session, scope=scope, before=before, limit=ROWS + 1)
        counts = pushes.count_states(session, [one.id for one in found], scope=scope)
    return frame.answer(
        "pushes.html",
        choices=[(one.code, _name_choice(one)) for one in choices],
        months=[(period, show.show_month(period)) for period in _months()],
        chosen=request.args.get("to", ""),
        found=found[:ROWS],
        counts=counts,
        states=PUSH_STATES,
        troubled=TROUBLED,
        older=url_for("pushes.show_pushes", before=found[ROWS - 1].id) if len(found) > ROWS else None,
    )


@routes.get("/pushes/new")
def show_new() -> Response:
    """Show what a push would send, with what is different from what was sent last; nothing is sent."""
    frame.demand(Action.PUSH)
    return _show_plan()


@routes.post("/pushes/new")
def ask() -> Response:
    """Send the month, or try it out, if it is still what was looked at."""
    frame.demand(Action.PUSH)
    runtime, user = frame.runtime_of_request(), frame.visitor()
    is_dry_run = request.form.get("what") == "try"
    with runtime.database.session(snapshot=True) as session:
        wanted = _find_wanted(session)
        if wanted is None:
            return frame.absent()
        made = _make_plan(session, wanted)
    if made.seal != request.form.get("seen"):
        return _show_plan(
            translate(mark("Something has changed since you looked. This is what would be sent now.")), 409
        )
    if not made.sendable or not wanted.choice.destination.is_on:
        return _show_plan("", 422)
    new = _name_push(wanted, made, is_dry_run=is_dry_run)
    turns = [one.as_turn() for one in made.planned if one.is_sendable or one.faults]
    try:
        with runtime.database.session() as session:
            push = pushes.ask(session, new, (user.id, user.name), runtime.now(), scope=user.scope)
            if push is None:
                return frame.absent()
            pushes.add_turns(session, push, turns, runtime.now(), scope=user.scope)
            about = {"host": new.host, "period": new.period, "reports": len(made.sendable), "dry_run": is_dry_run}
            frame.audit(session, "push", "push", push.id, push.area, **about, mapping=new.mapping_version)
            session.commit()
    except Raced:
        words = translate(mark("This month is being sent there right now. Wait until that has ended."))
        return _show_plan(words, 409)
    runtime.bells.ring(jobs.ERRANDS, PUSHES)
    return frame.go("pushes.show_push", push_id=push.id)


@routes.get("/pushes/<int:push_id>")
def show_push(push_id: int) -> Response:
    """Show how far a push is, and what came of each facility's month."""
    frame.demand(Action.PUSH)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    only = request.args.get("only", "")
    after = request.args.get("after", "")[:20]
    with runtime.database.session(read_only=True) as session:
        push = pushes.find_push(session, push_id, scope=scope)
        if push is None:
            return frame.absent()
        counts = pushes.count_states(session, [push.id], scope=scope)[push.id]
        settled = export_choices.choices_around(session, push.area, scope=scope).settles_at.states
        states = TROUBLED if only == "trouble" else ()
        turns = pushes.list_turns(session, push, settled, scope=scope, states=states, after=after, limit=ROWS + 1)
    is_running = push.state == pushes.RUNNING
    response = frame.answer(
        "push.html",
        push=push,
        counts=counts,
        total=sum(counts.values()),
        turns=turns[:ROWS],
        states=DRY_STATES if push.is_dry_run else STATES,
        push_states=PUSH_STATES,
        troubles=sum(counts.get(state, 0) for state in TROUBLED),
        only=only,
        say_reason=say_reason,
        is_late=is_running and runtime.now() - push.asked_at > LATE and not counts.get(pushes.SENDING),
        older=url_for("pushes.show_push", push_id=push.id, only=only or None, after=turns[ROWS - 1].code)
        if len(turns) > ROWS
        else None,
    )
    if is_running and counts.get(pushes.QUEUED, 0) + counts.get(pushes.SENDING, 0):
        response.headers["Refresh"] = str(LOOK_AGAIN)
    return response


@routes.get("/pushes/<int:push_id>/facilities/<int:turn_id>")
def show_turn(push_id: int, turn_id: int) -> Response:
    """Show one facility's month beside what is there, cell by cell, and the calls that were made."""
    frame.demand(Action.PUSH)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session(read_only=True) as session:
        push = pushes.find_push(session, push_id, scope=scope)
        if push is None:
            return frame.absent()
        settled = export_choices.choices_around(session, push.area, scope=scope).settles_at.states
        shown = pushes.find_turn(session, push, turn_id, settled, scope=scope)
        if shown is None:
            return frame.absent()
        calls = pushes.list_calls(session, shown.turn, scope=scope)
    return frame.answer(
        "push_turn.html",
        push=push,
        shown=shown,
        lines=shown.turn.lines or [],
        calls=calls,
        states=DRY_STATES if push.is_dry_run else STATES,
        say_reason=say_reason,
        name_keys=lambda keys: _name_keys(push.form, keys),
    )


def list_choices(session: Session, scope: Scope) -> tuple[Choice, ...]:
    """Return where a visitor's months can be sent: destinations of their area, for each form that has a mapping."""
    found = []
    for kept in destinations.list_destinations(session, scope=scope):
        for form in frame.runtime_of_request().forms:
            mapping = mappings.find_mapping(session, kept.destination.id, form.code, scope=scope)
            if mapping is not None:
                found.append(Choice(kept.destination, mapping))
    return tuple(found)


def _find_wanted(session: Session) -> Wanted | None:
    destination_id, _, form = request.values.get("to", "").partition("-")
    period, scope = request.values.get("period", ""), frame.visitor().scope
    if (
        not (destination_id.isascii() and destination_id.isdecimal())
        or len(destination_id) > 9
        or not _PERIOD.fullmatch(period)
    ):
        return None
    kept = destinations.find_destination(session, int(destination_id), scope=scope)
    mapping = mappings.find_mapping(session, int(destination_id), form, scope=scope)
    if kept is None or mapping is None or period > report_month(today()):
        return None
    is_whole = request.values.get("whole") == "1"
    return Wanted(Choice(kept.destination, mapping), Wish(period, kept.destination.area, is_whole))


def _make_plan(session: Session, wanted: Wanted, shown: tuple[int, int] = (0, 0)) -> Plan:
    choice, scope = wanted.choice, frame.visitor().scope
    return planning.make_plan(session, choice.destination, choice.mapping, wanted.wish, scope=scope, shown=shown)


def _show_plan(fault: str = "", status: int = 200) -> Response:
    skip = min(max(request.values.get("skip", 0, int), 0), 100_000)
    with frame.runtime_of_request().database.session(snapshot=True) as session:
        wanted = _find_wanted(session)
        if wanted is None:
            return frame.absent()
        made = _make_plan(session, wanted, (skip, SHOWN))
        area = figures.find_area(session, wanted.wish.area, scope=frame.visitor().scope)
        choice, wish = wanted.choice, wanted.wish
        running = pushes.find_running(
            session, choice.destination.id, choice.mapping.form, wish.period, scope=frame.visitor().scope
        )
    sendable = made.sendable
    about: dict[str, Any] = {"to": choice.code, "period": wish.period, "whole": "1" if wish.is_whole else None}
    return frame.answer(
        "push_new.html",
        status,
        fault=fault,
        choice=choice,
        wish=wish,
        area=area,
        reach=made.reach,
        seal=made.seal,
        sendable=sendable[skip : skip + SHOWN],
        count=len(sendable),
        same=sum(not one.is_needed and not one.faults for one in made.planned),
        refused=made.refused[:ROWS],
        refused_count=len(made.refused),
        running=running,
        about=about,
        older=url_for("pushes.show_new", **about, skip=skip + SHOWN) if len(sendable) > skip + SHOWN else None,
        newer=url_for("pushes.show_new", **about, skip=max(0, skip - SHOWN) or None) if skip else None,
        name_keys=lambda keys: _name_keys(choice.mapping.form, keys),
        say_reason=say_reason,
    )


def _name_push(wanted: Wanted, made: Plan, *, is_dry_run: bool) -> NewPush:
    choice, wish, reach = wanted.choice, wanted.wish, made.reach
    return NewPush(
        destination_id=choice.destination.id,
        destination_name=choice.destination.name,
        host=choice.host[:255],
        mapping_id=choice.mapping.id,
        mapping_version=choice.mapping.version,
        data_set=choice.mapping.data_set,
        form=choice.mapping.form,
        period=wish.period,
        area=wish.area,
        is_whole=wish.is_whole,
        is_dry_run=is_dry_run,
        about={"there": reach.there, "reported": reach.reported, "settled": reach.settled},
    )


def _name_choice(choice: Choice) -> str:
    form = next((one for one in frame.runtime_of_request().forms if one.code == choice.mapping.form), None)
    name = form.name(frame.visitor().language) if form else choice.mapping.form
    return f"{choice.destination.name} · {name}"


def _name_keys(form_code: str, keys: list[str]) -> str:
    form = next((one for one in frame.runtime_of_request().forms if one.code == form_code), None)
    return " + ".join(show.name_key(form, key) for key in keys)


def _months() -> list[str]:
    newest = report_month(today())
    return [shift(newest, -back) for back in range(MONTHS)]
