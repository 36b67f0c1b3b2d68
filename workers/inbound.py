"""Handle the received messages of one lane, batch by batch, each batch in one transaction."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from gateway import jobs
from gateway.errors import Raced, Unavailable
from gateway.handle import facts, message
from gateway.runtime import Runtime, get_runtime
from gateway.store import inbox
from gateway.store.base import Session, savepoint
from gateway.values import LANES

RACES = 3  # times that a message which lost a race is done again at once
RACE_WAIT = timedelta(seconds=1)
WAITS = (1, 5, 30, 120)  # seconds before each further try of a message that cannot be handled; the last goes on
BATCHES = 200  # a job that went on for ever would run into its time limit; the lane is rung again instead

logger = structlog.get_logger(__name__)


def handle_lane(lane: object) -> int:
    """Handle everything that is due in a lane and return how many messages that was. Errors: ValueError for no lane."""
    if not isinstance(lane, int) or not 0 <= lane < LANES:  # it comes out of Redis
        raise ValueError(f"there is no lane {lane!r}")
    return drain(get_runtime(), lane)


def drain(runtime: Runtime, lane: int) -> int:
    """Handle what is due in a lane. Errors: Unavailable when the database goes away; the sweep rings again."""
    runtime.bells.answer(jobs.INBOUND, lane)
    total = 0
    for _ in range(BATCHES):
        handled = handle_batch(runtime, lane)
        total += handled
        if not handled:  # only now: whoever was rung for in the meantime found the lane held, and went away
            return total
    runtime.bells.ring(jobs.INBOUND, lane)
    return total


def handle_batch(runtime: Runtime, lane: int) -> int:
    """Handle one batch of a lane: reports, answers and the messages' states in one commit. Return how many messages."""
    now = runtime.now()
    with runtime.database.session() as session:
        if not inbox.hold_lane(session, lane):
            return 0  # another worker has this lane, and looks once more before it lets go
        batch = inbox.next_batch(session, lane, now, runtime.settings.batch_size)
        if not batch:
            return 0
        desk = facts.gather(session, batch, runtime.rules, now)
        channels, waiting = set(), set()
        for one in batch:
            if one.sender in waiting:
                continue  # her messages keep their order: this one waits for the one before it
            outcome = _handle_one(session, one, desk, runtime, now)
            if outcome is None:
                waiting.add(one.sender)
            elif outcome.is_sent:
                channels.add(one.channel)
        session.commit()
    for channel in channels:
        runtime.bells.ring(jobs.OUTBOUND, channel)
    return len(batch)


def _handle_one(
    session: Session, one: inbox.InboxMessage, desk: facts.Desk, runtime: Runtime, now: datetime
) -> facts.Outcome | None:
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
                _set_aside(session, one, error, runtime.settings.tries, now)
                return None
            desk.remember(outcome)
            logger.info("handled", state=outcome.state, answer=outcome.kind)
            return outcome
        inbox.postpone(session, one.id, now + RACE_WAIT)
        return None


def _set_aside(session: Session, one: inbox.InboxMessage, error: Exception, tries: int, now: datetime) -> None:
    tried = one.attempts + 1
    wait = WAITS[min(one.attempts, len(WAITS) - 1)]
    next_try_at = now + timedelta(seconds=wait) if tried < tries else None
    logger.error("not_handled", tried=tried, is_dead=next_try_at is None, exc_info=error)
    inbox.set_aside(session, one, f"{type(error).__name__}: {error}"[:500], next_try_at)
