"""Who asks by SMS to report: read what they sent, and register them, give them to whom they belong, or refuse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, request

from gateway import jobs
from gateway.enrol import approve
from gateway.enrol.approve import Notices
from gateway.enrol.faults import Fault, FaultCode
from gateway.errors import Malformed
from gateway.redact import mask_phone
from gateway.review.pages import frame, paging
from gateway.review.pages.language import LANGUAGES, mark, translate
from gateway.review.pages.registry_words import say_faults
from gateway.review.pages.reporters import today
from gateway.review.permit import Action
from gateway.store import inbox, register, registrations, roster
from gateway.store.base import Session
from gateway.store.register import KnownFacility
from gateway.store.registrations import Registration
from gateway.store.roster import KnownReporter, WishedReporters
from gateway.values import InboxState, lane_of

MOST_HELD = 5  # messages shown of those that wait for the decision
REASONS: Mapping[str, Mapping[str, str]] = {  # as they go out by SMS, in the language that is chosen for her
    "unknown": {"id": "tempat praktik tidak kami kenal", "en": "we do not know this practice"},
    "outside": {"id": "tempat praktik di luar wilayah kami", "en": "this practice is outside our area"},
    "known": {"id": "Ibu sudah terdaftar dengan HP lain", "en": "you are registered with another phone"},
    "no_midwife": {"id": "HP ini bukan milik bidan pelapor", "en": "this is not a reporting midwife's phone"},
}
_LONGEST_REASON = 60  # septets that the sentence has room for

routes = frame.make_routes("registrations")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with all that helps to decide it."""

    registration: Registration
    held: tuple[inbox.InboxMessage, ...]
    owners: tuple[KnownReporter, ...]  # of the phone that it would take the place of
    guess: str


@routes.get("/registrations")
def show_registrations() -> Response:
    """Show who waits, the longest waiting first."""
    frame.demand(Action.REGISTER)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    after = paging.asked()["after"] or 0
    with runtime.database.session(read_only=True) as session:
        found = registrations.list_waiting(session, scope=scope, after=after, limit=paging.ROWS + 1)
    rows, _, older = paging.turn("registrations.show_registrations", found, {})
    return frame.answer("registrations.html", registrations=rows, older=older, zone=runtime.settings.timezone)


@routes.get("/registrations/<int:registration_id>")
def show_registration(registration_id: int) -> Response:
    """Show one request, and the form that decides it."""
    frame.demand(Action.REGISTER)
    return _show(registration_id, {})


@routes.post("/registrations/<int:registration_id>")
def decide(registration_id: int) -> Response:
    """Register who asks, unless only facilities were searched for."""
    frame.demand(Action.REGISTER)
    typed = {name: request.form.get(name, "")[:200] for name in ("name", "language", "wanted", "facility", "reporter")}
    if request.form.get("do") == "search":
        return _show(registration_id, typed)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session() as session:
        asked = registrations.find_waiting(session, registration_id, scope=scope)
        if asked is None:
            return _tell_gone(session, registration_id)
        facility = register.find_facility(session, request.form.get("facility", 0, int), scope=scope)
        faults = _find_faults(typed, facility)
        if faults or facility is None:
            return _show(registration_id, typed, faults=say_faults(faults), status=422)
        reporter_id = request.form.get("reporter", 0, int)
        people = _people_of(session, facility)
        notices = notices_now()
        try:
            if reporter_id:
                if reporter_id not in {one.id for one in people}:
                    return frame.absent()
                held = approve.approve_phone(session, asked.phone, reporter_id, notices)
            else:
                name, language = " ".join(typed["name"].split()), typed["language"]
                held = approve.approve(session, asked.phone, name, [facility.code], language, notices)
        except Malformed:
            return frame.absent()
        details = {"phone": mask_phone(asked.phone), "facility": facility.code, "reporter": reporter_id or None}
        frame.audit(session, "approve", "registration", registration_id, facility.area, **details)
        session.commit()
    return _go_on(asked.phone, held)


@routes.post("/registrations/<int:registration_id>/move")
def move(registration_id: int) -> Response:
    """Let a reporter report from the new phone that she asked for, instead of her old one."""
    frame.demand(Action.REGISTER)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session() as session:
        asked = registrations.find_waiting(session, registration_id, scope=scope)
        if asked is None or asked.old_phone is None:
            return _tell_gone(session, registration_id)
        owners = _owners_of(session, asked)
        if not owners:  # she belongs to another area, whose staff can call her
            return frame.absent()
        is_called = request.form.get("is_called") == "1"
        if not is_called:
            fault = translate(mark("Call the old number first, and tick that you have."))
            return _show(registration_id, {}, faults={"is_called": fault}, status=422)
        try:
            held = approve.approve_move(session, asked.phone, notices_now())
        except Malformed:
            return _tell_gone(session, registration_id)
        details = {"phone": mask_phone(asked.phone), "instead_of": mask_phone(asked.old_phone)}
        frame.audit(session, "move_phone", "registration", registration_id, owners[0].area, **details)
        session.commit()
    return _go_on(asked.phone, held)


@routes.post("/registrations/<int:registration_id>/refuse")
def refuse(registration_id: int) -> Response:
    """Refuse a request, and tell the phone why."""
    frame.demand(Action.REGISTER)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    language = request.form.get("language", "id")
    language = language if language in LANGUAGES else "id"
    chosen = request.form.get("reason", "")
    reason = REASONS[chosen][language] if chosen in REASONS else " ".join(request.form.get("other", "").split())
    if not reason or len(reason) > _LONGEST_REASON:
        words = translate(mark("Choose a reason, or write one of %(longest)s characters at most: she reads it by SMS."))
        typed = {"reason": chosen, "other": request.form.get("other", "")[:200], "language": language}
        return _show(registration_id, typed, faults={"reason": words % {"longest": _LONGEST_REASON}}, status=422)
    with runtime.database.session() as session:
        asked = registrations.find_waiting(session, registration_id, scope=scope)
        if asked is None:
            return _tell_gone(session, registration_id)
        approve.refuse(session, asked.phone, reason, language, notices_now())
        details = {"phone": mask_phone(asked.phone), "reason": reason}
        frame.audit(session, "refuse", "registration", registration_id, frame.visitor().area, **details)
        session.commit()
    runtime.bells.ring(jobs.OUTBOUND, asked.channel)
    return frame.go(
        "registrations.show_registrations", said=mark("The request was refused, and the phone was told why.")
    )


def notices_now() -> Notices:
    """Return what is needed to tell people by SMS what was decided."""
    runtime = frame.runtime_of_request()
    form = runtime.rules.form(runtime.settings.main_form)
    return Notices(runtime.wordings, form, runtime.now(), frame.visitor().area, runtime.outgoing)


def _go_on(phone: str, held: int) -> Response:
    runtime = frame.runtime_of_request()
    runtime.bells.ring(jobs.INBOUND, lane_of(phone))
    said = mark("Registered; she was told by SMS. What she had sent is read now.")
    return frame.go("registrations.show_registrations", said=said if held else mark("Registered; she was told by SMS."))


def _tell_gone(session: Session, registration_id: int) -> Response:
    session.rollback()
    words = mark("Somebody else was first: this request is decided already.")
    return frame.go("registrations.show_registrations", said=words, tone="look")


def _show(
    registration_id: int, typed: Mapping[str, Any], faults: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session(read_only=True) as session:
        registration = registrations.find_waiting(session, registration_id, scope=scope)
        if registration is None:
            return _tell_gone(session, registration_id)
        asked = _gather(session, registration)
        wanted = str(typed.get("wanted", "")) or asked.guess
        found = register.suggest_facilities(session, wanted, scope=scope)
        chosen_id = request.form.get("facility", 0, int)
        chosen = register.find_facility(session, chosen_id, scope=scope) if chosen_id else None
        if chosen and chosen not in found:
            found = (chosen, *found)
        people = _people_of(session, chosen) if chosen else ()
    return frame.answer(
        "registration.html",
        status,
        asked=asked,
        typed={"name": guess_name(registration.words), "language": "id"} | dict(typed),
        wanted=wanted,
        found=found,
        chosen=chosen,
        people=people,
        reasons=REASONS,
        faults=faults or {},
        zone=runtime.settings.timezone,
    )


def _gather(session: Session, registration: Registration) -> Asked:
    held = inbox.latest_messages(session, senders=[registration.phone], states=[InboxState.HELD], limit=MOST_HELD)
    return Asked(registration, held[::-1], _owners_of(session, registration), " ".join(_words(registration.words)))


def _owners_of(session: Session, registration: Registration) -> tuple[KnownReporter, ...]:
    if registration.old_phone is None:
        return ()
    scope = frame.visitor().scope
    found = roster.find_by_phones(session, [registration.old_phone], scope=scope, today=today())
    return found.get(registration.old_phone, ())


def _people_of(session: Session, facility: KnownFacility) -> tuple[KnownReporter, ...]:
    wished = WishedReporters(facility_id=facility.id, state="active")
    return roster.list_reporters(session, scope=frame.visitor().scope, today=today(), wished=wished, limit=20)


def _find_faults(typed: Mapping[str, str], facility: KnownFacility | None) -> list[Fault]:
    faults = []
    if facility is None:
        faults.append(Fault(FaultCode.MISSING, "facility"))
    elif not facility.is_active:
        faults.append(Fault(FaultCode.FACILITY_CLOSED, "facility", {"written": facility.name}))
    if not typed["reporter"].strip("0"):
        if not typed["name"].strip():
            faults.append(Fault(FaultCode.MISSING, "name"))
        elif len(typed["name"]) > 100:
            faults.append(Fault(FaultCode.TOO_LONG, "name", {"longest": "100"}))
        if typed["language"] not in LANGUAGES:
            faults.append(Fault(FaultCode.LANGUAGE_UNKNOWN, "language", {"written": typed["language"]}))
    return faults


def guess_name(words: str) -> str:
    """Return the name that a request probably gives: the first words after DAFTAR, up to what sounds like a place.

    >>> guess_name("DAFTAR Bidan Rina PMB Melati Bengkalis"), guess_name("daftar siti")
    ('Bidan Rina', 'Siti')
    """
    found: list[str] = []
    for word in _words(words)[:3]:
        if word.upper() in _PLACES:
            break
        found.append(word)
    return " ".join(found).title()


_PLACES = {
    "PMB",
    "TPMB",
    "BPM",
    "PUSTU",
    "POLINDES",
    "PUSKESMAS",
    "PKM",
    "RS",
    "RSUD",
    "KLINIK",
    "DI",
    "DARI",
    "PRAKTIK",
}


def _words(words: str) -> list[str]:
    return [word for word in words.replace(",", " ").split()[1:] if not any(mark.isdigit() for mark in word)]
