"""What a message would be read as now: the real handling, done and undone again, beside what came of it before."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import structlog

from gateway.errors import Raced, Unavailable
from gateway.handle import facts
from gateway.handle import message as step
from gateway.handle.facts import Desk, Rules
from gateway.store import rereading
from gateway.store.base import Session, savepoint
from gateway.store.inbox import InboxMessage
from gateway.store.rereading import Standing
from gateway.values import ReportState, Scope

_PAST = (ReportState.REPLACED,)

logger = structlog.get_logger(__name__)


class Obstacle(StrEnum):
    """Why a message is not read again, although it would be read differently."""

    LESS = "less"  # read by itself it says less: it was the answer to a question
    MOVED = "moved"  # it would become a report of another month or facility, and the first one would stand too
    ASKED = "asked"  # its sender is being asked about another message, which would be mixed up with this one
    FAILS = "fails"  # it still cannot be handled
    SETTLED = "settled"  # approved, taken back, of a closed month, or dealt with meanwhile


@dataclass(frozen=True, slots=True)
class Difference:
    """What came of a message, and what would come of it now; `asks` the question that its sender would get."""

    message: InboxMessage
    then: Standing
    now: Standing
    asks: str = ""
    obstacle: Obstacle | None = None

    @property
    def is_same(self) -> bool:
        """Whether reading it again would change nothing."""
        return self.obstacle is None and not self.asks and _gist(self.then) == _gist(self.now)

    @property
    def may_be_applied(self) -> bool:
        """Whether reading it again changes something, and nothing stands in the way."""
        return self.obstacle is None and not self.is_same

    @property
    def tag(self) -> str:
        """A mark of what is seen here, so that nothing else is applied than what somebody saw."""
        seen = (self.message.id, self.message.rounds, _gist(self.then), _gist(self.now), self.asks, self.obstacle)
        return hashlib.blake2b(repr(seen).encode(), digest_size=8).hexdigest()


def _gist(standing: Standing) -> tuple[object, ...]:
    figures = tuple((one.key, one.state, one.values) for one in standing.figures if one.state not in _PAST)
    return standing.state, figures, bool(standing.asked)


class _Undone(Exception):
    """Ends a savepoint, so that what was tried in it is undone."""


def compare(
    session: Session, messages: Sequence[InboxMessage], rules: Rules, now: datetime, *, scope: Scope
) -> tuple[Difference, ...]:
    """Return what would come of each message if it were handled now, each by itself. Nothing is left changed.

    Errors: Unavailable when the database goes away.
    """
    if not messages:
        return ()
    ids = [message.id for message in messages]
    then = rereading.standings(session, ids, scope=scope)
    allowed = rereading.may_be_read_again(session, ids, scope=scope)
    desk = facts.gather(session, messages, rules, now)
    found = []
    for message in messages:
        if message.id not in then:
            continue
        if message.id not in allowed:
            found.append(Difference(message, then[message.id], then[message.id], obstacle=Obstacle.SETTLED))
        elif _is_asked_about_another(message, desk):
            found.append(Difference(message, then[message.id], then[message.id], obstacle=Obstacle.ASKED))
        else:
            found.append(_try(session, message, then[message.id], desk, scope))
    return tuple(found)


def _is_asked_about_another(message: InboxMessage, desk: Desk) -> bool:
    question = desk.asked.get(message.sender)
    return question is not None and question.inbox_id != message.id


def _try(session: Session, message: InboxMessage, then: Standing, desk: Desk, scope: Scope) -> Difference:
    """Handle a message within a savepoint that is rolled back whatever happens, and look what came of it."""
    found = Difference(message, then, then, obstacle=Obstacle.FAILS)
    try:
        with savepoint(session):
            anew = rereading.put_back(session, message.id, seen_rounds=message.rounds, is_quiet=False, scope=scope)
            if anew is None:
                found = Difference(message, then, then, obstacle=Obstacle.SETTLED)
                raise _Undone
            outcome = step.handle(session, anew, desk)
            now = rereading.standings(session, [message.id], scope=scope)[message.id]
            asks = outcome.text if outcome.asks else ""
            found = Difference(message, then, now, asks, _find_obstacle(then, now, asks))
            raise _Undone
    except _Undone:
        pass
    except Unavailable:
        raise
    except Raced:
        found = Difference(message, then, then, obstacle=Obstacle.SETTLED)
    except Exception:
        logger.info("reading_again_fails", message=message.id, exc_info=True)
    desk.restore(session, message.sender)
    return found


def _find_obstacle(then: Standing, now: Standing, asks: str) -> Obstacle | None:
    """Return what speaks against applying a reading: what was reported must not vanish or stand twice."""
    before = {one.key for one in then.figures if one.state not in _PAST}
    known = {one.id for one in then.figures}
    after = {one.key for one in now.figures if one.id not in known}
    if not before or asks:
        return None
    if not after:
        return Obstacle.LESS
    return None if before <= after else Obstacle.MOVED


def apply(
    session: Session, differences: Sequence[Difference], *, tags: dict[int, str], sends: bool, scope: Scope
) -> tuple[InboxMessage, ...]:
    """Put back the chosen messages that still compare as they were seen, and return them; a worker handles them.

    Shape: `tags` are those of the differences that were chosen, by message. A question goes out whether or not `sends`,
    so that a message which would ask is left alone unless answers are to be sent.
    """
    applied = []
    for one in differences:
        if not one.may_be_applied or tags.get(one.message.id) != one.tag or (one.asks and not sends):
            continue
        back = rereading.put_back(
            session, one.message.id, seen_rounds=one.message.rounds, is_quiet=not sends, scope=scope
        )
        if back is not None:
            applied.append(back)
    return tuple(applied)
