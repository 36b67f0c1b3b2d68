"""The phone to try and practise with, and beside it the inbox and the reports as they arrive; also the start page."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, abort, make_response, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from gateway import sandbox
from gateway.review.pages import board, dialling, frame, nav, stage
from gateway.review.pages.board import Board, Phone
from gateway.review.pages.dialling import Call
from gateway.review.pages.language import mark
from gateway.review.pages.stage import Stage
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
DIALS = (("*123#", mark("Screen by screen")), ("*123*13*40#", mark("A whole report in one dial")))
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
def _keep_strangers_out() -> Response | BaseResponse | None:
    """Let nobody have a phone here who is neither signed in nor at this computer: it speaks as any midwife."""
    if request.endpoint == "phone.show_home" or stage.is_open_to_visitor():
        return None
    return redirect(url_for("login.show_login"), 303) if request.method == "GET" else frame.answer("refused.html", 403)


@routes.get("/")
def show_home() -> Response | BaseResponse:
    """Show the start page in a demonstration; else send the visitor to this month, or to the login."""
    if frame.find_visitor() is not None:
        return redirect(url_for("month.show_month" if nav.has_page("month.show_month") else "phone.show_start"), 303)
    return show_start() if frame.runtime_of_request().settings.demo else redirect(url_for("login.show_login"), 303)


@routes.get("/phone")
def show_start() -> Response:
    """Show the phone."""
    with stage.opened() as here:
        return _show(here, Draft(_find_example(EXAMPLES)))


@routes.get("/phone/ussd")
def show_ussd() -> Response:
    """Show the phone, ready to dial."""
    with stage.opened() as here:
        return _show(here, Draft(), call=Call(typed=_find_example(DIALS)))


@routes.get("/live")
def show_live() -> Response:
    """Show what may have changed since the page was made; 204 when nothing has."""
    with stage.opened() as here, here.database.session(read_only=True) as session:
        phones = _phones(session, here)
        phone = _choose(session, here, phones)
        found = _gather(session, here, phones, phone)
    if request.args.get("seen") == found.tag():
        return make_response("", 204)
    return frame.answer("live.html", phone=phone, board=found, tag=found.tag(), is_sandbox=here.is_sandbox)


@routes.post("/phone")
def send_sms() -> Response | BaseResponse:
    """Send what was typed, and go back to the conversation."""
    runtime = frame.runtime_of_request()
    text = request.form.get("text", "").replace("\r\n", "\n").strip()
    draft = Draft(text, request.form.get("number", "").strip())
    with stage.opened() as here:
        if not here.channel:
            abort(404)
        if here.is_sandbox:
            frame.demand_token()
        with here.database.session(read_only=True) as session:
            sender, fault = _find_sender(session, runtime, here.channel, draft)
        fault = fault or _find_fault(draft)
        if fault:
            return _show(here, fault, 422)
        provider_id = _provider_id(request.form.get("key", ""), sender, text)
        message_id = stage.send(here, runtime, sender, text, provider_id)
        if message_id is None:
            words = mark("Kabar could not keep the message. Nothing is lost: please send it again in a moment.")
            return _show(here, Draft(text, draft.number, words), 503)
    reporter = request.form.get("reporter", "")
    selection = {"reporter": reporter} if reporter else {"message": str(message_id)}
    return redirect(f"{url_for('phone.show_start', **selection)}#phone", 303)  # type: ignore[arg-type]


@routes.post("/phone/ussd")
def dial_code() -> Response:
    """Dial, or answer the screen, and show the next one: the session's own, so that a reload shows it again."""
    runtime = frame.runtime_of_request()
    typed = request.form.get("typed", "")
    draft = Draft(number=request.form.get("number", "").strip())
    with stage.opened() as here:
        if not here.channel:
            abort(404)
        if here.is_sandbox:
            frame.demand_token()
        with here.database.session(read_only=True) as session:
            sender, fault = _find_sender(session, runtime, here.channel, draft)
        if not fault and len(typed) > dialling.LONGEST:
            words = mark("This is too long: one USSD answer carries at most 182 characters.")
            fault = Draft(number=draft.number, fault=words)
        if fault:
            return _show(here, fault, 422, Call(request.form.get("session", ""), typed=typed))
        return _show(here, draft, call=dialling.dial(here, runtime, sender, request.form))


@routes.post("/phone/new")
def start_over() -> Response:
    """Make the visitor's sandbox anew."""
    runtime = frame.runtime_of_request()
    frame.demand_token()
    with stage.opened() as here:
        if not here.is_sandbox:
            abort(404)
    sandbox.start_over(runtime.settings.var, frame.visitor().id, runtime.now())
    return frame.go("phone.show_start", said=mark("The practice data is as new."))


def _show(here: Stage, draft: Draft, status: int = 200, call: Call | None = None) -> Response:
    with here.database.session(read_only=True) as session:
        phones = _phones(session, here)
        phone = _choose(session, here, phones)
        found = _gather(session, here, phones, phone)
        by_regency = board.group_by_regency(session, phones) if len(phones) > AT_HAND else {}
    response = frame.answer(
        "start.html",
        status,
        phone=phone,
        board=found,
        tag=found.tag(),
        draft=draft,
        key=secrets.token_hex(16),
        is_ussd=call is not None,
        call=call,
        code=dialling.CODE,
        longest=dialling.LONGEST,
        at_hand=phones[:AT_HAND],
        by_regency=by_regency,
        examples=EXAMPLES if call is None else DIALS,
        has_simulator=bool(here.channel),
        is_sandbox=here.is_sandbox,
        is_live=not here.is_sandbox and request.values.get("live") != "off",
        is_scripted=_is_scripted(),
    )
    if _is_scripted() and request.method == "GET":
        response.headers["HX-Replace-Url"] = request.full_path.rstrip("?")  # where the form's redirect led to
    return response


def _gather(session: Session, here: Stage, phones: Sequence[tuple[str, Reporter]], phone: Phone) -> Board:
    runtime = frame.runtime_of_request()
    forms = {form.code: form for form in runtime.forms}
    people = {reporter.id for _, reporter in phones}
    return board.gather(session, phone, forms, runtime.settings.timezone, here.channel, people)


def _is_scripted() -> bool:
    """Tell whether a script of the page asks, and not the browser by itself."""
    return request.headers.get("HX-Request") == "true"


def _find_example(examples: Sequence[tuple[str, str]]) -> str:
    """Return the example that was asked for, if any was."""
    wished = request.args.get("example", "")
    return examples[int(wished)][0] if wished in {str(index) for index in range(len(examples))} else ""


def _phones(session: Session, here: Stage) -> tuple[tuple[str, Reporter], ...]:
    return reporters.find_by_channel(session, here.channel) if here.channel else ()


def _choose(session: Session, here: Stage, phones: Sequence[tuple[str, Reporter]]) -> Phone:
    """Return the phone in hand: a midwife's by `reporter`, the sender's of a `message`, a new one, else the first.

    No number stands in an address: addresses are written into logs. Only messages of the phone's own channel are found.
    """
    timezone = frame.runtime_of_request().settings.timezone
    wished = request.values.get("reporter", "")
    for address, reporter in phones:
        if str(reporter.id) == wished:
            return Phone(address, board.zone_of((reporter,), timezone), reporter)
    message_id = request.values.get("message", "")
    if message_id.isdecimal() and len(message_id) < 16:
        message = inbox.find_by_id(session, int(message_id))
        if message and message.sender and message.channel == here.channel:
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
