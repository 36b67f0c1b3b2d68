"""Handle a batch of a lane within one transaction: each message wholly or not at all, each sender's in their order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from gateway.errors import Raced, Unavailable
from gateway.handle import facts, message
from gateway.handle.facts import Desk, Outcome, Rules
from gateway.handle.ledger import GroupLedger
from gateway.redact import hide_rows
from gateway.store import inbox
from gateway.store.base import Session, savepoint
from gateway.store.inbox import InboxMessage

_NOWHERE = 0  # the facility of those who have none
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
    channels: set[str] = set()
    waiting: set[str] = set()
    for group in find_groups(batch, desk):
        able = [one for one in group if one.sender not in waiting]  # the others wait for hers before, in their order
        outcomes: Sequence[Outcome | None] = _handle_together(session, able, desk)
        outcomes = outcomes or [_handle_one(session, one, desk, tries) for one in able]
        waiting.update(one.sender for one, outcome in zip(able, outcomes, strict=True) if outcome is None)
        channels.update(outcome.channel for outcome in outcomes if outcome is not None and outcome.is_sent)
    return Handled(len(batch), frozenset(channels))


def find_groups(batch: Sequence[InboxMessage], desk: Desk) -> Iterator[tuple[InboxMessage, ...]]:
    """Cut a batch, in its order, into groups of messages that have neither a sender nor a facility in common.

    Senders without a facility have in common that answers to strangers are counted together: no two are in a group.
    """
    group: list[InboxMessage] = []
    seen: set[object] = set()
    for one in batch:
        about = {one.sender, *(_facilities_of(one, desk) or {_NOWHERE})}
        if about & seen:
            yield tuple(group)
            group, seen = [], set()
        group.append(one)
        seen |= about
    yield tuple(group)


def _facilities_of(message: InboxMessage, desk: Desk) -> set[int]:
    return {facility.id for person in desk.reporters_of(message) for facility in person.facilities}


def _handle_together(session: Session, group: Sequence[InboxMessage], desk: Desk) -> list[Outcome]:
    """Handle a group in few statements, wholly or not at all. None of its outcomes: each must be handled by itself.

    Errors: Unavailable when the database went away.
    """
    if len(group) < 2:
        return []
    facility_ids = {found for one in group for found in _facilities_of(one, desk)}
    ledger = GroupLedger(session, facility_ids, len(group), desk.now)
    together = replace(desk, ledger=ledger)
    try:
        with savepoint(session):
            outcomes = [_understand(session, one, together) for one in group]
            ledger.let_go()
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001  whatever it was falls on one message when each is handled by itself
        desk.restore(session, [one.sender for one in group])
        logger.info("group_undone", messages=len(group), why=type(error).__name__)
        return []
    for one, outcome in zip(group, outcomes, strict=True):
        _note_down(one, outcome, desk)
    return outcomes


def _understand(session: Session, one: InboxMessage, desk: Desk) -> Outcome:
    with _said_of(one):
        return message.handle(session, one, desk)


def _note_down(one: InboxMessage, outcome: Outcome, desk: Desk) -> None:
    desk.remember(outcome)
    with _said_of(one):
        logger.info("handled", state=outcome.state, answer=outcome.kind)


def _said_of(one: InboxMessage) -> AbstractContextManager[None]:
    """Name a message in whatever is logged inside."""
    return structlog.contextvars.bound_contextvars(trace_id=one.trace_id, message=one.id)


def handle_shown(
    session: Session, message: InboxMessage, rules: Rules, now: datetime, *, tries: int
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


def _handle_one(session: Session, one: InboxMessage, desk: Desk, tries: int) -> Outcome | None:
    """Handle one message wholly or not at all; None when it was not handled this time.

    Errors: Unavailable when the database went away: that is not the message's fault, and the whole batch is undone.
    """
    with _said_of(one):
        for _ in range(RACES):
            try:
                with savepoint(session):
                    outcome = message.handle(session, one, desk)
            except Raced as error:
                logger.info("raced", why=str(error))
                desk.restore(session, [one.sender])
                continue
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001  our bug: this message waits, the batch goes on
                desk.restore(session, [one.sender])
                _set_aside(session, one, error, tries, desk.now)
                return None
            _note_down(one, outcome, desk)
            return outcome
        inbox.postpone(session, one.id, desk.now + RACE_WAIT)
        return None


def _set_aside(session: Session, one: InboxMessage, error: Exception, tries: int, now: datetime) -> None:
    tried = one.attempts + 1
    wait = WAITS[min(one.attempts, len(WAITS) - 1)]
    next_try_at = now + timedelta(seconds=wait) if tried < tries else None
    logger.error("not_handled", tried=tried, is_dead=next_try_at is None, exc_info=error)
    inbox.set_aside(session, one, hide_rows(f"{type(error).__name__}: {error}")[:500], next_try_at)
