"""Approve who asked to be registered, or to report from a new phone; what was held from that phone is then read."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.errors import Malformed
from gateway.reply import compose
from gateway.reply.chosen import find_wording
from gateway.reply.wordings import Wording
from gateway.store import facilities, inbox, outbox, registrations, reporters
from gateway.store.base import Session
from gateway.store.outbox import NewOutboxMessage
from gateway.store.registrations import Registration
from gateway.store.reporters import Reporter
from gateway.store.way_back import Outgoing, find_way_back
from gateway.values import InboxState
from parsers.form import Form
from parsers.period import period_of


@dataclass(frozen=True, slots=True)
class Notices:
    """What is needed to tell people of a decision: the languages, the form of the example, the time, and who decides.

    `area` is that of the staff: where nobody knows yet where somebody works, she is told in their words.
    """

    wordings: Mapping[str, Wording]
    form: Form
    now: datetime
    area: str = ""
    outgoing: Outgoing = field(default_factory=Outgoing)


def approve(session: Session, phone: str, name: str, codes: Sequence[str], language: str, notices: Notices) -> int:
    """Register a phone for facilities, tell it so, and put back what was held from it; return how many messages.

    They keep the day they were sent. Errors: Malformed names the facility code that is not known.
    """
    found = facilities.find_ids(session, codes)
    for code in codes:
        if code not in found:
            raise Malformed(f"{code} bukan kode faskes yang dikenal / is no facility code that is known", "facility")
    reporters.add_reporter(session, name, [phone], [found[code] for code in codes], language=language)
    request = _settle(session, phone, notices.now)
    if request:
        place = facilities.get_facilities(session, [found[codes[0]]])[found[codes[0]]]
        wording = find_wording(session, notices.wordings, place.area, language)
        _tell(session, request.channel, phone, "registered", wording, notices, reporter=name, facility=place.name)
    return inbox.put_back(session, phone, InboxState.HELD)


def approve_phone(session: Session, phone: str, reporter_id: int, notices: Notices) -> int:
    """Let a reporter who is known report from this phone too, tell it so, and put back what was held from it.

    Return how many messages were. Errors: Malformed where she is not there, is not active or has no facility.
    """
    reporters.add_phone(session, reporter_id, phone)
    person = next(
        (one for one in reporters.find_by_phones(session, [phone]).get(phone, ()) if one.id == reporter_id), None
    )
    if person is None or not person.facilities:
        raise Malformed("bidan ini tidak aktif / this reporter is not active", "reporter")
    request = _settle(session, phone, notices.now)
    if request:
        slots = {"reporter": person.name, "facility": person.facilities[0].name}
        _tell(session, request.channel, phone, "registered", _wording_of(session, person, notices), notices, **slots)
    return inbox.put_back(session, phone, InboxState.HELD)


def refuse(session: Session, phone: str, reason: str, language: str, notices: Notices) -> None:
    """Refuse a phone's request, and tell it why. What was held from it stays held.

    Errors: Malformed when that phone has not asked.
    """
    request = _settle(session, phone, notices.now, "refused", reason)
    if request is None:
        raise Malformed(f"{phone} tidak meminta apa-apa / did not ask for anything", "phone")
    wording = find_wording(session, notices.wordings, notices.area, language)
    _tell(session, request.channel, phone, "refused", wording, notices, reason=reason)


def approve_move(session: Session, phone: str, notices: Notices) -> int:
    """Let a reporter report from the new phone that she asked for, and tell both phones; return how many messages wait.

    Errors: Malformed when that phone has not asked to take the place of a registered one.
    """
    request = _settle(session, phone, notices.now)
    if request is None or request.old_phone is None:
        raise Malformed(f"{phone} tidak meminta ganti HP / did not ask to take another phone's place", "phone")
    people = reporters.find_by_phones(session, [request.old_phone]).get(request.old_phone, ())
    if not people:
        raise Malformed(f"{request.old_phone} tidak lagi terdaftar / is not registered any more", "phone")
    reporters.move_phone(session, request.old_phone, phone)
    person = people[0]
    wording = _wording_of(session, person, notices)
    _tell(session, request.channel, phone, "moved", wording, notices, reporter=person.name)
    _tell(session, request.channel, request.old_phone, "moved_away", wording, notices, reporter=person.name)
    return inbox.put_back(session, phone, InboxState.HELD)


def _settle(
    session: Session, phone: str, now: datetime, state: str = "approved", reason: str = ""
) -> Registration | None:
    request = next((one for one in registrations.waiting_registrations(session) if one.phone == phone), None)
    registrations.settle_registration(session, phone, state, now, reason)
    return request


def _wording_of(session: Session, person: Reporter, notices: Notices) -> Wording:
    """Return a reporter's language as it is spoken where she works."""
    area = person.facilities[0].area if person.facilities else notices.area
    return find_wording(session, notices.wordings, area, person.language)


def _tell(
    session: Session, channel: str, phone: str, answer: str, wording: Wording, notices: Notices, **slots: str
) -> None:
    """Queue a notice to a phone."""
    example = compose.example(notices.form, wording, period_of(notices.now.date(), 1))
    notice = NewOutboxMessage(
        inbox_id=None,
        kind=answer,
        channel=find_way_back(session, notices.outgoing, channel, phone),
        recipient=phone,
        text=wording.fill(wording.answers[answer], example=example, **slots),
        trace_id=secrets.token_hex(8),
        created_at=notices.now,
    )
    outbox.add(session, notice)
