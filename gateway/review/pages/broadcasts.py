"""Broadcasts: one text to a group of midwives, seen before it goes, confirmed once, followed, stopped if need be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask import Response, request, url_for

from gateway import jobs
from gateway.calendar import report_month, shift
from gateway.reply.own_words import tidy_words
from gateway.reply.weight import Weight, weigh
from gateway.review.pages import frame
from gateway.review.pages.broadcast_preview import Preview, make_preview
from gateway.review.pages.language import LANGUAGES, current_language, mark, translate
from gateway.review.pages.registry_words import name_type
from gateway.review.permit import Action
from gateway.store import areas, audience, broadcasts
from gateway.store.audience import Audience, Routes
from gateway.store.base import Session
from gateway.store.broadcasts import DRAFT, Broadcast
from gateway.values import OutboxState

MOST_SEGMENTS = 3
MONTHS = 12  # back from the one that is reported now
ROWS = 50
ABOUTS: Mapping[str, str] = {
    "": mark("All of them"),
    audience.MISSING: mark("Only who has not reported the month below"),
    audience.REPORTED: mark("Only who has reported the month below"),
}
STATES: Mapping[str, tuple[str, str]] = {
    broadcasts.DRAFT: (mark("draft"), "wait"),
    broadcasts.QUEUEING: (mark("being queued"), "wait"),
    broadcasts.QUEUED: (mark("going out"), "good"),
    broadcasts.STOPPED: (mark("stopped"), "past"),
}
PROGRESS: Mapping[str, tuple[str, str]] = {
    OutboxState.QUEUED: (mark("Waiting"), "wait"),
    OutboxState.SENDING: (mark("On the way"), "wait"),
    OutboxState.SENT: (mark("Sent"), "good"),
    OutboxState.DELIVERED: (mark("Delivered"), "good"),
    OutboxState.FAILED: (mark("Failed"), "bad"),
    OutboxState.UNSURE: (mark("Unsure"), "look"),
    OutboxState.WITHHELD: (mark("Withheld"), "past"),
}
NO_TEXT = mark("Write what they should read.")
TOO_LONG = mark("Too long: three SMS at most. Leave out %(count)s characters.")

routes = frame.make_routes("broadcasts")


@routes.get("/broadcasts")
def show_broadcasts() -> Response:
    """Show what was sent to many, and the drafts."""
    frame.demand(Action.BROADCAST)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    before = request.args.get("before", None, int)
    with runtime.database.session(read_only=True) as session:
        found = broadcasts.latest_broadcasts(session, scope=scope, before=before, limit=ROWS + 1)
        names = areas.names_of(session, {one.area for one in found})
    older = url_for("broadcasts.show_broadcasts", before=found[ROWS - 1].id) if len(found) > ROWS else None
    return frame.answer("broadcasts.html", found=found[:ROWS], names=names, states=STATES, older=older)


@routes.get("/broadcasts/new")
def show_new() -> Response:
    """Show the form of a new broadcast; an address may hold whom it is about."""
    return _show_form(request.args)


@routes.post("/broadcasts/new")
def add() -> Response:
    """Keep a draft, and show what it would mean."""
    frame.demand(Action.BROADCAST)
    runtime, user = frame.runtime_of_request(), frame.visitor()
    read = _read_form(request.form)
    if isinstance(read, dict):
        return _show_form(request.form, faults=read)
    whom, texts = read
    with runtime.database.session() as session:
        draft_id = broadcasts.add_draft(session, whom, texts, (user.id, user.name), runtime.now(), scope=user.scope)
        if draft_id is None:
            return frame.absent()
        frame.audit(session, "draft", "broadcast", draft_id, whom.area, texts=texts)
        session.commit()
    return frame.go("broadcasts.show_broadcast", broadcast_id=draft_id)


@routes.get("/broadcasts/<int:broadcast_id>/edit")
def show_edit(broadcast_id: int) -> Response:
    """Show a draft in its form again."""
    draft = _find(broadcast_id)
    if draft is None or draft.state != DRAFT:
        return frame.absent()
    texts = {f"text_{code}": text for code, text in draft.texts.items()}
    return _show_form(draft.audience.as_json() | texts, draft=draft)


@routes.post("/broadcasts/<int:broadcast_id>/edit")
def change(broadcast_id: int) -> Response:
    """Put a draft in other words, or to others."""
    draft, user = _find(broadcast_id), frame.visitor()
    if draft is None:
        return frame.absent()
    read = _read_form(request.form)
    if isinstance(read, dict):
        return _show_form(request.form, faults=read, draft=draft)
    whom, texts = read
    with frame.runtime_of_request().database.session() as session:
        if not broadcasts.change_draft(session, broadcast_id, whom, texts, scope=user.scope):
            return _go_too_late(broadcast_id)
        frame.audit(session, "change", "broadcast", broadcast_id, whom.area, texts=texts)
        session.commit()
    return frame.go("broadcasts.show_broadcast", broadcast_id=broadcast_id)


@routes.get("/broadcasts/<int:broadcast_id>")
def show_broadcast(broadcast_id: int) -> Response:
    """Show what a draft would mean, or how far a broadcast is."""
    return _show(broadcast_id)


@routes.post("/broadcasts/<int:broadcast_id>/confirm")
def confirm(broadcast_id: int) -> Response:
    """Let a draft go out, once, if the group is as it was seen."""
    frame.demand(Action.BROADCAST)
    runtime, user = frame.runtime_of_request(), frame.visitor()
    with runtime.database.session() as session:
        draft = broadcasts.find_broadcast(session, broadcast_id, scope=user.scope)
        if draft is None:
            return frame.absent()
        preview = _make_preview(session, draft)
        if draft.state == DRAFT and (preview.seal != request.form.get("seen") or not preview.count):
            session.rollback()
            return _show(broadcast_id, is_changed=True)
        if not broadcasts.confirm(session, broadcast_id, preview.count, runtime.now(), scope=user.scope):
            return _go_too_late(broadcast_id)
        confirmed = broadcasts.find_broadcast(session, broadcast_id, scope=user.scope)
        assert confirmed is not None
        broadcasts.queue_piece(session, confirmed, _find_routes(session), runtime.now())
        about = {"recipients": preview.count, "texts": dict(draft.texts)}
        frame.audit(session, "send", "broadcast", broadcast_id, draft.area, **about)
        session.commit()
    runtime.bells.ring(jobs.ERRANDS, "broadcasts")
    for name in {share.channel for share in preview.shares if share.channel}:
        runtime.bells.ring(jobs.OUTBOUND, name)
    return frame.go("broadcasts.show_broadcast", mark("The broadcast goes out now."), broadcast_id=broadcast_id)


@routes.post("/broadcasts/<int:broadcast_id>/stop")
def stop(broadcast_id: int) -> Response:
    """Send no more of a broadcast."""
    frame.demand(Action.BROADCAST)
    runtime, user = frame.runtime_of_request(), frame.visitor()
    with runtime.database.session() as session:
        found = broadcasts.find_broadcast(session, broadcast_id, scope=user.scope)
        if found is None:
            return frame.absent()
        count = broadcasts.stop(session, broadcast_id, runtime.now(), scope=user.scope)
        if count is not None:
            frame.audit(session, "stop", "broadcast", broadcast_id, found.area, withheld=count)
        session.commit()
    said = mark("The rest of the broadcast is not sent.") if count is not None else mark("It had ended already.")
    return frame.go("broadcasts.show_broadcast", said, "good" if count else "look", broadcast_id=broadcast_id)


@routes.post("/broadcasts/<int:broadcast_id>/drop")
def drop(broadcast_id: int) -> Response:
    """Throw a draft away."""
    frame.demand(Action.BROADCAST)
    user = frame.visitor()
    with frame.runtime_of_request().database.session() as session:
        draft = broadcasts.find_broadcast(session, broadcast_id, scope=user.scope)
        if draft is None:
            return frame.absent()
        if not broadcasts.drop_draft(session, broadcast_id, scope=user.scope):
            return _go_too_late(broadcast_id)
        frame.audit(session, "drop", "broadcast", broadcast_id, draft.area)
        session.commit()
    return frame.go("broadcasts.show_broadcasts", mark("The draft was thrown away."))


def _go_too_late(broadcast_id: int) -> Response:
    said = mark("This broadcast was sent already; it goes out once.")
    return frame.go("broadcasts.show_broadcast", said, "look", broadcast_id=broadcast_id)


def _find(broadcast_id: int) -> Broadcast | None:
    frame.demand(Action.BROADCAST)
    with frame.runtime_of_request().database.session(read_only=True) as session:
        return broadcasts.find_broadcast(session, broadcast_id, scope=frame.visitor().scope)


def _find_routes(session: Session) -> Routes:
    runtime = frame.runtime_of_request()
    return audience.find_routes(session, tuple(runtime.channels), runtime.only_bound, runtime.outgoing.routes)


def _make_preview(session: Session, draft: Broadcast) -> Preview:
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    paces = {name: channel.limits.per_second for name, channel in runtime.channels.items()}
    return make_preview(session, draft, _find_routes(session), paces, runtime.now(), scope=scope)


def _show(broadcast_id: int, *, is_changed: bool = False) -> Response:
    frame.demand(Action.BROADCAST)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session(read_only=True) as session:
        found = broadcasts.find_broadcast(session, broadcast_id, scope=scope)
        if found is None:
            return frame.absent()
        names = areas.names_of(session, {found.area})
        about = {"found": found, "area": names.get(found.area) or translate(mark("Whole country"))}
        about |= {
            "abouts": ABOUTS,
            "name_type": name_type,
            "languages_of": LANGUAGES,
            "zone": runtime.settings.timezone,
        }
        about |= {"form_names": {form.code: form.name(current_language()) for form in runtime.forms}}
        after = request.args.get("after", 0, int)
        if found.state == DRAFT:
            preview = _make_preview(session, found)
            people, further = audience.list_people(
                session, found.audience, _find_routes(session), scope=scope, after=after, limit=ROWS
            )
            about |= {"preview": preview, "people": people, "is_changed": is_changed}
            template = "broadcast_draft.html"
        else:
            counts = broadcasts.count_states(session, broadcast_id, scope=scope)
            unsent = broadcasts.unsent_of(session, broadcast_id, scope=scope, after=after, limit=ROWS + 1)
            further = unsent[ROWS - 1][0] if len(unsent) > ROWS else None
            waiting = sum(counts.get(state, 0) for state in (OutboxState.QUEUED, OutboxState.SENDING))
            is_over = found.state != broadcasts.QUEUEING and not waiting
            about |= {"counts": counts, "unsent": unsent[:ROWS], "progress": PROGRESS, "is_over": is_over}
            about |= {"states": STATES}
            template = "broadcast.html"
    older = url_for("broadcasts.show_broadcast", broadcast_id=broadcast_id, after=further) if further else None
    return frame.answer(template, 422 if is_changed else 200, older=older, **about)


def _show_form(
    typed: Mapping[str, Any], faults: Mapping[str, str] | None = None, draft: Broadcast | None = None
) -> Response:
    frame.demand(Action.BROADCAST)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session(read_only=True) as session:
        types = audience.facility_types(session, scope=scope)
        places = audience.area_choices(session, scope=scope)
    chosen = typed.getlist("types") if hasattr(typed, "getlist") else typed.get("types", [])
    return frame.answer(
        "broadcast_form.html",
        422 if faults else 200,
        typed=typed,
        chosen=chosen,
        faults=faults or {},
        draft=draft,
        types=[(code, name_type(code)) for code in types],
        places=places,
        months=_months(runtime.now()),
        forms=[(form.code, form.name(current_language())) for form in runtime.forms],
        abouts=[(code, translate(words)) for code, words in ABOUTS.items()],
        languages_of=LANGUAGES,
        weights=_weights(typed),
        main_form=runtime.settings.main_form,
    )


@routes.post("/broadcasts/weigh")
def show_weight() -> Response:
    """Show how the texts that are being typed would travel."""
    frame.demand(Action.BROADCAST)
    return frame.answer("broadcast_weights.html", weights=_weights(request.form), languages_of=LANGUAGES)


def _weights(typed: Mapping[str, Any]) -> dict[str, Weight]:
    texts = {code: tidy_words(str(typed.get(f"text_{code}", ""))) for code in LANGUAGES}
    return {code: weigh(text) for code, text in texts.items() if text}


def _months(now: datetime) -> tuple[str, ...]:
    reported = report_month((now + timedelta(hours=7)).date())
    return tuple(shift(reported, -step) for step in range(-1, MONTHS))


def _read_form(typed: Any) -> tuple[Audience, dict[str, str]] | dict[str, str]:
    """Return whom a form is for and what it says, or what is wrong with it by field."""
    runtime = frame.runtime_of_request()
    texts = {code: tidy_words(typed.get(f"text_{code}", "")) for code in LANGUAGES}
    faults: dict[str, str] = {}
    if not any(texts.values()):
        faults[f"text_{next(iter(LANGUAGES))}"] = translate(NO_TEXT)
    for code, text in texts.items():
        if text and (weight := weigh(text)).segments > MOST_SEGMENTS:
            most = MOST_SEGMENTS * (153 if weight.is_gsm else 67)
            faults[f"text_{code}"] = translate(TOO_LONG) % {"count": weight.length - most}
    about = typed.get("about", "")
    whom = Audience(
        area=typed.get("area", "")[:13],
        types=tuple(sorted({code[:20] for code in typed.getlist("types")})),
        language=typed.get("language", "") if typed.get("language") in LANGUAGES else "",
        about=about if about in ABOUTS else "",
        form=next((one.code for one in runtime.forms if one.code == typed.get("form")), runtime.settings.main_form),
        period=typed.get("period") if typed.get("period") in _months(runtime.now()) else _months(runtime.now())[1],
    )
    return faults or (whom, {code: text for code, text in texts.items() if text})
