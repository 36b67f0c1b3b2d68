"""Queue letters: each key is claimed once, and a letter goes with the lines whose keys it won, never without any."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.calendar import waking_hours
from gateway.ladder import find_manners
from gateway.remind.due import spread
from gateway.remind.ground import Ways
from gateway.remind.letters import area_of, kind_of, write_letters, zone_of
from gateway.remind.plan import Letter, Line, Owed, Verdict, group
from gateway.store import ladders, outbox, reminders
from gateway.store.base import Session
from gateway.store.outbox import NewOutboxMessage
from gateway.store.reminders import NewReminder

PRIORITY = 1  # behind every answer


@dataclass(frozen=True, slots=True)
class Round:
    """What came of a round: how many letters were queued, the channels to ring, and the messages' refs."""

    letters: int = 0
    channels: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()


def queue(
    session: Session,
    lines: Sequence[Line],
    ways: Ways,
    now: datetime,
    *,
    is_at_once: bool = False,
    is_urgent: bool = False,
) -> Round:
    """Claim the keys of what is to be reminded of and queue a letter to each number, with the lines whose keys it won.

    What goes `is_at_once` is not spread over the day, and waits for the morning where it could not go before night;
    what `is_urgent` goes at night too.
    """
    wanted = {id(line): as_reminder(line) for line in lines if line.verdict is Verdict.REMIND}
    won = reminders.claim_keys(session, list(wanted.values()), now)
    letters = group([line for line in lines if id(line) in wanted and wanted[id(line)].key in won])
    if not letters:
        return Round()
    texts = write_letters(session, letters, ways, now)
    times = {} if is_urgent else _find_times(session, letters, now, is_at_once=is_at_once)
    messages = [
        NewOutboxMessage(
            inbox_id=None,
            kind=kind_of(letter),
            channel=letter.person.channel or "",
            recipient=letter.person.phone,
            text=text,
            trace_id=secrets.token_hex(8),
            created_at=now,
            priority=PRIORITY,
            next_try_at=times.get(letter.person.phone, (None, None))[0],
            send_until=times.get(letter.person.phone, (None, None))[1],
        )
        for letter, text in zip(letters, texts, strict=True)
    ]
    queued = outbox.add_many(session, messages)
    pairs = [
        (won[wanted[id(line)].key], message_id)
        for letter, (message_id, _) in zip(letters, queued, strict=True)
        for line in letter.lines
    ]
    reminders.link(session, pairs)
    return Round(len(letters), tuple(dict.fromkeys(one.channel for one in messages)), tuple(ref for _, ref in queued))


def as_reminder(line: Line) -> NewReminder:
    """Return what of a line goes once."""
    assert line.window is not None
    about = line.about
    return NewReminder(
        form=about.form,
        period=about.period,
        subject=about.subject,
        rung=line.window.rung.code,
        opening=about.opening,
        area=area_of(line),
        facility_id=about.facility.id if isinstance(about, Owed) else None,
        closes_at=line.window.closes_at,
    )


def _find_times(
    session: Session, letters: Sequence[Letter], now: datetime, *, is_at_once: bool
) -> dict[str, tuple[datetime, datetime]]:
    """Return from when until when each letter may go today: spread over the hours after now, all before the evening."""
    chosen = ladders.all_manners(session)
    found = {}
    for letter in letters:
        zone, manners = zone_of(letter.lines[0]), find_manners(chosen, area_of(letter.lines[0]))
        evening = waking_hours(now, zone, manners.hours)[1]
        phone = letter.person.phone
        over = timedelta() if is_at_once else timedelta(minutes=manners.spread_minutes)
        found[phone] = spread(now, evening, over, [phone])[phone], evening
    return found
