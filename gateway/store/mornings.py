"""Mornings: what was not sent by the evening waits for the next one, by the hours of each reader's own area."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from sqlalchemy import Select, func, literal_column, select, update

from gateway.calendar import DAY, Hours, waking_hours
from gateway.ladder import find_manners
from gateway.store.areas import areas
from gateway.store.base import Session
from gateway.store.facilities import facilities
from gateway.store.ladders import all_manners
from gateway.store.outbox import outbox
from gateway.store.reminders import reminder_messages, reminders
from gateway.store.reporters import reporter_facilities, reporter_phones
from gateway.store.users import users
from gateway.values import OutboxState

PIECE = 5000  # messages that one statement names: a database takes so many values at once
_is_open = outbox.c.state.in_((literal_column("'queued'"), literal_column("'sending'")))  # as its partial index says
_waits = _is_open, outbox.c.priority > 0, outbox.c.state == OutboxState.QUEUED

Waking = tuple[datetime, datetime]  # from when until when somebody may be written to unasked


def wait_for_morning(session: Session, clock: datetime) -> int:
    """Let what nobody waits for, and was not sent by the evening, wait for the next morning; return how many that is.

    Its morning is that of its reader's area, as people there choose now; of one in no area, that of the usual hours.
    """
    is_late = outbox.c.send_until <= clock
    statement = select(outbox.c.id, outbox.c.recipient, outbox.c.send_until).where(*_waits, is_late)
    late = session.execute(statement).all()
    if not late:
        return 0
    of_message, of_phone = _areas_of_reminders(session, clock), _areas_of_phones(session, clock)
    zones = {row.code: row.timezone for row in session.execute(select(areas.c.code, areas.c.timezone))}
    chosen = all_manners(session)
    waking: dict[str, Waking] = {}
    moved: dict[Waking, list[int]] = defaultdict(list)
    for message_id, recipient, until in late:
        area = of_message.get(message_id) or of_phone.get(recipient, "")
        if area not in zones:
            moved[_usual_hours(until, clock)].append(message_id)
            continue
        if area not in waking:
            waking[area] = waking_hours(clock, zones[area], find_manners(chosen, area).hours)
        moved[waking[area]].append(message_id)
    return sum(_move(session, ids, when) for when, ids in moved.items())


def _usual_hours(evening: datetime, clock: datetime) -> Waking:
    """Return the next usual hours of a place of which only an evening is known."""
    until = evening + DAY * ((clock - evening) // DAY + 1)
    return until - (Hours().last - Hours().first) * DAY / 24, until


def _areas_of_reminders(session: Session, clock: datetime) -> dict[int, str]:
    """Return the areas that those of the late messages are about which are reminders."""
    statement = (
        select(reminder_messages.c.outbox_id, func.min(reminders.c.area).label("area"))
        .join(reminders, reminders.c.id == reminder_messages.c.reminder_id)
        .join(outbox, outbox.c.id == reminder_messages.c.outbox_id)
        .where(*_waits, outbox.c.send_until <= clock)
        .group_by(reminder_messages.c.outbox_id)
    )
    return {row.outbox_id: row.area for row in session.execute(statement)}


def _areas_of_phones(session: Session, clock: datetime) -> dict[str, str]:
    """Return the areas in which the readers of the late messages work."""
    late = select(outbox.c.recipient).where(*_waits, outbox.c.send_until <= clock)
    pair = reporter_facilities.c.reporter_id == reporter_phones.c.reporter_id
    of_reporters: Select[tuple[str, str]] = (
        select(reporter_phones.c.phone, func.min(facilities.c.area))
        .join(reporter_facilities, pair)
        .join(facilities, facilities.c.id == reporter_facilities.c.facility_id)
        .where(reporter_phones.c.phone.in_(late))
        .group_by(reporter_phones.c.phone)
    )
    of_staff = select(users.c.phone, func.min(users.c.area)).where(users.c.phone.in_(late)).group_by(users.c.phone)
    return {phone: area for part in (of_staff, of_reporters) for phone, area in session.execute(part)}


def _move(session: Session, ids: list[int], waking: Waking) -> int:
    from_at, until = waking
    total = 0
    for start in range(0, len(ids), PIECE):
        these = outbox.c.id.in_(ids[start : start + PIECE]), outbox.c.state == OutboxState.QUEUED
        statement = update(outbox).where(*these).values(next_try_at=from_at, send_until=until)
        total += int(session.execute(statement).rowcount)
    return total
