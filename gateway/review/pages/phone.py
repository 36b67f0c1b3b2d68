"""The start page: what Kabar is, a phone to try it with, and beside it the inbox and the reports as they arrive."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, abort, make_response, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from gateway.channels.base import SmsChannel
from gateway.channels.simulator import Simulator, read_secret, write_request
from gateway.receive import keep
from gateway.review.pages import board, frame, guard, nav
from gateway.review.pages.board import Phone
from gateway.review.pages.language import mark
from gateway.runtime import Runtime
from gateway.store import inbox, reporters
from gateway.store.base import Session
from gateway.store.reporters import Reporter
from gateway.values import LONGEST_TEXT, find_phone

AT_HAND = 3  # phones that are one click away; the others stand in a list
EXAMPLES = (
    ("KB 0925 BARU 12 AKTIF 40 PIL 30", mark("A report")),
    ("kb sep25 baru12 aktiff 4O,pil30", mark("In a hurry")),
    ("KB 0925 BARU 12", mark("Something is missing")),
    ("BANTU", mark("Help")),
)
_KEY = re.compile(r"[0-9a-f]{32}")

routes = frame.make_routes("phone", is_open=True)


@dataclass(frozen=True, slots=True)
class Draft:
    """What was typed and not sent, and why, in words to be translated."""

    text: str = ""
    number: str = ""
    fault: str = ""
    at: str = "text"  # the field at fault


@routes.before_request
def _keep_to_this_computer() -> Response | None:
    """Show the simulator to who sits at this computer, or to all in a demonstration: it speaks as any midwife."""
    if request.endpoint == "phone.show_home" or guard.may_see(request, frame.runtime_of_request().settings):
        return None
    return frame.answer("refused.html", 403)


@routes.get("/")
def show_home() -> Response | BaseResponse:
    """Show the start page in a demonstration; else send the visitor to this month, or to the login."""
    if frame.find_visitor() is not None:
        return redirect(url_for("month.show_month" if nav.has_page("month.show_month") else "phone.show_start"), 303)
    return show_start() if frame.runtime_of_request().settings.demo else redirect(url_for("login.show_login"), 303)


@routes.get("/phone")
def show_start() -> Response:
    """Show the start page."""
    example = request.args.get("example", "")
    text = EXAMPLES[int(example)][0] if example in {str(index) for index in range(len(EXAMPLES))} else ""
    return _show(Draft(text))


@routes.get("/live")
def show_live() -> Response:
    """Show what may have changed since the page was made; 204 when nothing has."""
    runtime = frame.runtime_of_request()
    with runtime.database.session(read_only=True) as session:
        phone = _choose(session, runtime, _phones(session, runtime))
        found = board.gather(session, phone, _forms(runtime), runtime.settings.timezone)
    if request.args.get("seen") == found.tag():
        return make_response("", 204)
    return frame.answer("live.html", phone=phone, board=found, tag=found.tag())


@routes.post("/phone")
def send_sms() -> Response | BaseResponse:
    """Send what was typed, by the same way as a provider's webhook, and go back to the conversation."""
    runtime = frame.runtime_of_request()
    channel = _find_simulator(runtime)
    if channel is None:
        abort(404)
    text = request.form.get("text", "").replace("\r\n", "\n").strip()
    draft = Draft(text, request.form.get("number", "").strip())
    with runtime.database.session(read_only=True) as session:
        sender, fault = _find_sender(session, runtime, channel.name, draft)
    fault = fault or _find_fault(draft)
    if fault:
        return _show(fault, 422)
    provider_id = _provider_id(request.form.get("key", ""), sender, text)
    message = write_request(
        read_secret(runtime.settings.var), provider_id, sender, text, runtime.now(), name=channel.name
    )
    answered = keep.receive_sms(runtime.database, runtime.bells, channel, message, runtime.now())
    if answered.status != 200:
        words = mark("Kabar could not keep the message. Nothing is lost: please send it again in a moment.")
        return _show(Draft(text, draft.number, words), 503)
    return redirect(f"{_conversation_of(runtime, channel.name, provider_id)}#phone", 303)


def _show(draft: Draft, status: int = 200) -> Response:
    runtime = frame.runtime_of_request()
    channel = _find_simulator(runtime)
    with runtime.database.session(read_only=True) as session:
        phones = _phones(session, runtime)
        phone = _choose(session, runtime, phones)
        found = board.gather(session, phone, _forms(runtime), runtime.settings.timezone)
        by_regency = board.group_by_regency(session, phones) if len(phones) > AT_HAND else {}
    response = frame.answer(
        "start.html",
        status,
        phone=phone,
        board=found,
        tag=found.tag(),
        draft=draft,
        key=secrets.token_hex(16),
        at_hand=phones[:AT_HAND],
        by_regency=by_regency,
        examples=EXAMPLES,
        has_simulator=channel is not None,
        is_live=request.values.get("live") != "off",
        is_scripted=_is_scripted(),
    )
    if _is_scripted() and request.method == "GET":
        response.headers["HX-Replace-Url"] = request.full_path.rstrip("?")  # where the form's redirect led to
    return response


def _is_scripted() -> bool:
    """Tell whether a script of the page asks, and not the browser by itself."""
    return request.headers.get("HX-Request") == "true"


def _find_simulator(runtime: Runtime) -> SmsChannel | None:
    return next((channel for channel in runtime.channels.values() if isinstance(channel, Simulator)), None)


def _forms(runtime: Runtime) -> dict[str, Any]:
    return {form.code: form for form in runtime.forms}


def _phones(session: Session, runtime: Runtime) -> tuple[tuple[str, Reporter], ...]:
    channel = _find_simulator(runtime)
    return reporters.find_by_channel(session, channel.name) if channel else ()


def _choose(session: Session, runtime: Runtime, phones: Sequence[tuple[str, Reporter]]) -> Phone:
    """Return the phone in hand: a midwife's by `reporter`, the sender's of a `message`, a new one, else the first.

    No number stands in an address: addresses are written into logs.
    """
    timezone = runtime.settings.timezone
    wished = request.values.get("reporter", "")
    if wished.isdecimal():
        for address, reporter in phones:
            if reporter.id == int(wished):
                return Phone(address, board.zone_of((reporter,), timezone), reporter)
    message_id = request.values.get("message", "")
    if message_id.isdecimal() and len(message_id) < 16:
        message = inbox.find_by_id(session, int(message_id))
        if message and message.sender:
            people = reporters.find_by_phones(session, {message.sender}).get(message.sender, ())
            mine = next((person for person in people if any(person.id == one.id for _, one in phones)), None)
            return Phone(message.sender, board.zone_of(people, timezone), mine, message.id)
    if not phones or "number" in request.values:
        return Phone("", timezone)
    address, reporter = phones[0]
    return Phone(address, board.zone_of((reporter,), timezone), reporter)


def _find_sender(session: Session, runtime: Runtime, channel: str, draft: Draft) -> tuple[str, Draft | None]:
    """Return the number that the message comes from, or the draft with what is wrong with it."""
    wished = request.form.get("reporter", "")
    if wished:
        for phone, reporter in reporters.find_by_channel(session, channel):
            if str(reporter.id) == wished:
                return phone, None
        return "", Draft(draft.text, fault=mark("This midwife is not there any more. Please choose one again."))
    found = find_phone(draft.number, runtime.settings.region)
    if found:
        return found, None
    words = mark("This is no mobile number. An Indonesian one begins with 08 and has 10 to 13 digits.")
    return "", Draft(draft.text, draft.number, words, at="number")


def _find_fault(draft: Draft) -> Draft | None:
    if not draft.text:
        return Draft(draft.text, draft.number, mark("Please write a message first."))
    if len(draft.text) > LONGEST_TEXT:
        return Draft(draft.text, draft.number, mark("This message is too long: at most 1,600 characters are read."))
    return None


def _provider_id(key: str, sender: str, text: str) -> str:
    """Return the message's own id: sent twice from one page it is the same one, unless something else was typed."""
    if not _KEY.fullmatch(key):
        key = secrets.token_hex(16)
    typed = hashlib.blake2b(f"{sender}\n{text}".encode("utf-8", "replace"), digest_size=6).hexdigest()
    return f"page:{key}:{typed}"


def _conversation_of(runtime: Runtime, channel: str, provider_id: str) -> str:
    wished = request.form.get("reporter", "")
    if wished:
        return url_for("phone.show_start", reporter=wished)
    with runtime.database.session(read_only=True) as session:
        message = inbox.find_message(session, channel, provider_id)
    return url_for("phone.show_start", message=message.id if message else None)
