"""Handle a batch of a lane within one transaction: each message wholly or not at all, each sender's in their order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from gateway.errors import Raced, Unavailable
from gateway.handle import facts, message
from gateway.handle.facts import Desk, Outcome, Rules
from gateway.store import inbox
from gateway.store.base import Session, savepoint

RACES = 3  # times that a message which lost a race is done again at once
RACE_WAIT = timedelta(seconds=1)
WAITS = (1, 5, 30, 120)  # seconds before each further try of a message that cannot be handled; the last goes on

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Handled:
    """What was done in one batch: how many messages were taken up, and the channels that have answers to send."""

    count: int = 0
    channels: frozenset[str] = frozenset()


def handle_batch(session: Session, lane: int, rules: Rules, now: datetime, *, size: int, tries: int) -> Handled:
    """Handle what is due in a lane, at most `size` messages; whoever opened the session commits.

    Nothing is done while somebody else holds the lane: they look once more before they let go. A message that fails is
    set aside, after `tries` for good. Errors: Unavailable when the database goes away, and the whole batch is undone.
    """
    if not inbox.hold_lane(session, lane):
        return Handled()
    batch = inbox.next_batch(session, lane, now, size)
    if not batch:
        return Handled()
    desk = facts.gather(session, batch, rules, now)
    channels, waiting = set(), set()
    for one in batch:
        if one.sender in waiting:
            continue  # her messages keep their order: this one waits for the one before it
        outcome = _handle_one(session, one, desk, tries)
        if outcome is None:
            waiting.add(one.sender)
        elif outcome.is_sent:
            channels.add(outcome.channel)
    return Handled(len(batch), frozenset(channels))


def handle_shown(
    session: Session, message: inbox.InboxMessage, rules: Rules, now: datetime, *, tries: int
) -> tuple[Outcome | None, frozenset[str]]:
    """Handle a message whose sender waits with a USSD screen, after what came from her before; whoever opened commits.

    Return what became of it, and the channels that have answers to send. None: somebody else holds the lane for longer
    than the session waits, or it could not be handled; then it waits for the worker as any message does.
    Errors: Unavailable when the database goes away.
    """
    channels = set()
    try:
        with savepoint(session):
            inbox.wait_for_lane(session, message.lane)
            batch = inbox.next_of_sender(session, message.lane, message.sender, now)
            desk = replace(facts.gather(session, batch, rules, now), shown_id=message.id)
    except Raced:
        return None, frozenset()
    outcome = None
    for one in batch:
        outcome = _handle_one(session, one, desk, tries)
        if outcome is None:
            break
        if outcome.is_sent:
            channels.add(outcome.channel)
        if one.id == message.id:
            return outcome, frozenset(channels)
    return None, frozenset(channels)


def _handle_one(session: Session, one: inbox.InboxMessage, desk: Desk, tries: int) -> Outcome | None:
    """Handle one message wholly or not at all; None when it was not handled this time.

    Errors: Unavailable when the database went away: that is not the message's fault, and the whole batch is undone.
    """
    with structlog.contextvars.bound_contextvars(trace_id=one.trace_id, message=one.id):
        for _ in range(RACES):
            try:
                with savepoint(session):
                    outcome = message.handle(session, one, desk)
            except Raced as error:
                logger.info("raced", why=str(error))
                desk.restore(session, one.sender)
                continue
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001  our bug: this message waits, the batch goes on
                desk.restore(session, one.sender)
                _set_aside(session, one, error, tries, desk.now)
                return None
            desk.remember(outcome)
            logger.info("handled", state=outcome.state, answer=outcome.kind)
            return outcome
        inbox.postpone(session, one.id, desk.now + RACE_WAIT)
        return None


def _set_aside(session: Session, one: inbox.InboxMessage, error: Exception, tries: int, now: datetime) -> None:
    tried = one.attempts + 1
    wait = WAITS[min(one.attempts, len(WAITS) - 1)]
    next_try_at = now + timedelta(seconds=wait) if tried < tries else None
    logger.error("not_handled", tried=tried, is_dead=next_try_at is None, exc_info=error)
    inbox.set_aside(session, one, f"{type(error).__name__}: {error}"[:500], next_try_at)
