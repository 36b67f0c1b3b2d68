"""Approve who asked to be registered: from then on she may report, and what she had sent is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.errors import Malformed
from gateway.reply import compose
from gateway.reply.wordings import Wording
from gateway.store import facilities, inbox, outbox, reporters
from gateway.store.base import Session
from gateway.store.outbox import NewOutboxMessage
from gateway.values import InboxState
from parsers.form import Form
from parsers.period import period_of


def approve(
    session: Session,
    phone: str,
    name: str,
    codes: Sequence[str],
    language: str,
    now: datetime,
    form: Form,
    wordings: Mapping[str, Wording],
) -> int:
    """Register a phone for facilities, tell it so, and put back what was held from it; return how many messages.

    They keep the day they were sent. Errors: Malformed names the facility code that is not known.
    """
    found = facilities.find_ids(session, codes)
    for code in codes:
        if code not in found:
            raise Malformed(f"{code} bukan kode faskes yang dikenal / is no facility code that is known", "facility")
    waiting = {one.phone: one for one in reporters.waiting_registrations(session)}
    reporters.add_reporter(session, name, [phone], [found[code] for code in codes], language=language)
    reporters.settle_registration(session, phone, "approved", now)
    if phone in waiting:
        wording = wordings[language]
        facility = facilities.get_facilities(session, [found[codes[0]]])[found[codes[0]]]
        text = wording.fill(
            wording.answers["registered"],
            reporter=name,
            facility=facility.name,
            example=compose.example(form, wording, period_of(now.date(), 1)),
        )
        answer = NewOutboxMessage(
            inbox_id=None,
            kind="registered",
            channel=waiting[phone].channel,
            recipient=phone,
            text=text,
            trace_id="",
            created_at=now,
        )
        outbox.add(session, answer)
    return inbox.put_back(session, phone, InboxState.HELD)
