"""Put what has happened into words, each event once, and queue it for every hook that asked to hear of it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from gateway.export.webhooks import words
from gateway.store import events, hook_deliveries, hooks
from gateway.store.base import Session
from gateway.store.events import Event
from gateway.store.hooks import Hook
from gateway.values import Scope

BATCH = 200  # events of one transaction


def new_ref() -> str:
    """Return a new id for an event: it is the same in every try, so that a receiver can drop a repeat."""
    return f"evt_{secrets.token_hex(12)}"


def tell_events(session: Session, now: datetime) -> int:
    """Put the next events into words and queue them for who listens; return how many events that was."""
    found = events.take_untold(session, BATCH)
    if not found:
        return 0
    listening = hooks.list_listening(session)
    wanted: list[tuple[int, int]] = []
    for event, ref, body, area in _put_into_words(session, found):
        events.keep_words(session, event.id, ref, body)
        wanted += [(hook.id, event.id) for hook in listening if hears(hook, event.kind, area)]
    hook_deliveries.queue(session, wanted, now)
    return len(found)


def _put_into_words(session: Session, found: Sequence[Event]) -> list[tuple[Event, str, str, str]]:
    """Return each event with its id outside, its words and its area."""
    closed = events.find_closing_facts(session, {one.subject_id for one in found if one.kind == events.CLOSED})
    reported = events.find_report_facts(session, {one.subject_id for one in found if one.kind != events.CLOSED})
    said = []
    for event in found:
        ref = new_ref()
        if event.kind == events.CLOSED:
            closing = closed[event.subject_id]
            said.append((event, ref, words.say_closing(event, ref, closing), closing.area))
        else:
            report = reported[event.subject_id]
            said.append((event, ref, words.say_report(event, ref, report), report.area))
    return said


def hears(hook: Hook, kind: str, area: str) -> bool:
    """Tell whether a hook is to hear of such an event in an area.

    A month that is closed for a regency is closed for its kecamatan too, so that they hear of it.
    """
    is_around = kind == events.CLOSED and Scope(area).covers(hook.area)
    return kind in hook.kinds and (Scope(hook.area).covers(area) or is_around)


def queue_test(session: Session, hook: Hook, now: datetime) -> None:
    """Queue a test for one hook: it goes before all else and only once, also where the hook is paused."""
    ref = new_ref()
    event_id = events.add_test(session, hook.id, ref, words.say_test(ref, now))
    hook_deliveries.queue(session, [(hook.id, event_id)], now, is_test=True)
