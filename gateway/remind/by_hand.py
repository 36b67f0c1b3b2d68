"""Remind one facility of one report because staff said so: one SMS to whoever is responsible, or why there is none."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from gateway.calendar import areas_around, month_days, waking_hours
from gateway.reply import compose
from gateway.reply.wordings import Wording, put_over
from gateway.store import missing, months, outbox, wordings
from gateway.store.audience import Routes
from gateway.store.base import Session
from gateway.store.missing import Contact, Owing
from gateway.store.outbox import NewOutboxMessage
from gateway.values import Scope
from parsers.form import Form


class Outcome(StrEnum):
    """What became of a reminder."""

    QUEUED = "queued"
    NOT_OWED = "not_owed"  # there is a report by now, or no such facility here
    CLOSED = "closed"  # staff have closed that month
    NOBODY = "nobody"  # nobody is responsible, or no channel may write to her
    STOPPED = "stopped"  # she sent STOP
    TODAY = "today"  # this number was reminded today
    QUIET = "quiet"  # it is not between 08:00 and 20:00 there; staff may say that it goes all the same


@dataclass(frozen=True, slots=True)
class Reminded:
    """What became of a reminder, and of whom: where something went out, the channel to ring and the message's ref."""

    outcome: Outcome
    owing: Owing | None = None
    contact: Contact | None = None
    channel: str = ""
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Sayings:
    """In which words and by which channels reminders go out."""

    wordings: Mapping[str, Wording]
    routes: Routes


def midnight_before(now: datetime, zone: str) -> datetime:
    """Return the last midnight on a place's clock: what was sent since was sent today."""
    return now.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)


def remind(
    session: Session,
    form: Form,
    period: str,
    facility_id: int,
    sayings: Sayings,
    now: datetime,
    *,
    scope: Scope,
    is_urgent: bool = False,
) -> Reminded:
    """Queue one reminder to whoever is responsible for a facility's report; `is_urgent` goes out at night too.

    Two at once queue one: a number is not reminded twice a day.
    """
    owing = missing.find_missing(session, form.code, period, month_days(period), facility_id, scope=scope)
    if owing is None:
        return Reminded(Outcome.NOT_OWED)
    if months.is_closed(session, form.code, period, owing.area):
        return Reminded(Outcome.CLOSED, owing)
    today = now.astimezone(ZoneInfo(owing.timezone)).date()
    contact = missing.contacts_of(session, [facility_id], period, today, scope=scope).get(facility_id)
    if contact is None:
        return Reminded(Outcome.NOBODY, owing)
    channel = sayings.routes.choose(contact.only_channel, contact.last_channel, owing.area)
    outcome = _find_obstacle(session, owing, contact, channel, now, scope=scope, is_urgent=is_urgent)
    if outcome is not None or channel is None:
        return Reminded(outcome or Outcome.NOBODY, owing, contact)
    notice = NewOutboxMessage(
        inbox_id=None,
        kind=missing.REMINDER,
        channel=channel,
        recipient=contact.phone,
        text=write(_wording_for(session, sayings, owing, contact), form, period, owing, contact),
        trace_id=secrets.token_hex(8),
        created_at=now,
    )
    return Reminded(Outcome.QUEUED, owing, contact, channel, outbox.add(session, notice))


def _find_obstacle(
    session: Session,
    owing: Owing,
    contact: Contact,
    channel: str | None,
    now: datetime,
    *,
    scope: Scope,
    is_urgent: bool,
) -> Outcome | None:
    """Return why nothing may go to this number now, or None."""
    if channel is None:
        return Outcome.NOBODY
    if contact.stopped_at is not None:
        return Outcome.STOPPED
    missing.hold_phone(session, contact.phone)
    if missing.reminded_at(session, [contact.phone], midnight_before(now, owing.timezone), scope=scope):
        return Outcome.TODAY
    opening, closing = waking_hours(now, owing.timezone)
    return None if is_urgent or opening <= now < closing else Outcome.QUIET


def _wording_for(session: Session, sayings: Sayings, owing: Owing, contact: Contact) -> Wording:
    """Return her language, with the sentences that her area chose."""
    around = areas_around(owing.area)
    holding = sorted(
        (one for one in wordings.sentences_around(session, [owing.area]) if one.area in around),
        key=lambda one: len(one.area),
    )
    chosen = {(one.language, one.name): one.sentence for one in holding}  # of the smallest area
    return put_over(sayings.wordings, chosen)[contact.language]


def write(wording: Wording, form: Form, period: str, owing: Owing, contact: Contact) -> str:
    """Return the reminder's words: the form, the month, the facility and an example, in one SMS."""
    return wording.fill(
        wording.answers["reminder"],
        reporter=contact.name,
        form=compose.keyword(form),
        month=wording.month(period),
        facility=owing.name,
        example=compose.example(form, wording, period),
    )
