"""Tell one event to one receiver, and write down what follows from the answer."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

import structlog

from gateway import keybox
from gateway.channels.bodies import JSON
from gateway.channels.http import Answer, HttpClient
from gateway.errors import Permanent, Retryable, Unsure
from gateway.export.webhooks.sign import sign
from gateway.redact import Secret
from gateway.store import hook_deliveries, hooks
from gateway.store.base import Session
from gateway.store.hook_deliveries import Claimed, Try
from gateway.store.hooks import Hook
from gateway.values import Scope

# Standard Webhooks, "Deliverability and reliability": the example schedule.
WAITS = tuple(timedelta(seconds=5 * one) for one in (1, 60, 360, 1440, 3600, 7200, 10080, 14400, 17280))
JITTER = 0.2  # of a wait: those who failed together do not come back together
REFUSALS = {400, 413, 415, 422}  # they read this event and do not want it: others may be welcome
MOST_REFUSALS = 4  # tries, half an hour: then the next event has its turn
PAUSED_AFTER = timedelta(hours=72)  # without anything heard
GONE = 410
BUSY = {429, 503}  # who says when to come again
ANYWHERE = Scope("")  # of a hook that was claimed

logger = structlog.get_logger(__name__)


class Result(StrEnum):
    """What became of one try."""

    HEARD = "heard"
    AGAIN = "again"
    REFUSED = "refused"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of telling one event. `fault` is a word that pages explain; `after` how long they ask us to wait."""

    result: Result
    status: int | None = None
    fault: str = ""
    after: timedelta | None = None


def unlock_secrets(key: Secret, hook: Hook, now: datetime) -> tuple[Secret, ...]:
    """Return the secrets to sign with; none where they were locked with another key."""
    opened = [keybox.unlock(key, locked) for locked in hook.locked_secrets(now)]
    return tuple(Secret(one) for one in opened if one) if opened[0] else ()


def deliver(client: HttpClient, claimed: Claimed, signing: Sequence[Secret], now: datetime) -> Outcome:
    """Tell one event and return what came of it. Never raises: whatever is not heard is told again."""
    if not signing:
        return Outcome(Result.AGAIN, fault=hooks.NO_KEY)
    headers = {"Content-Type": JSON, "User-Agent": "Kabar"} | sign(claimed.ref, claimed.body, signing, now)
    try:
        answer = client.call("POST", claimed.hook.address, headers, claimed.body.encode())
    except Retryable as error:
        return Outcome(Result.AGAIN, fault=error.code or "connect")
    except Permanent as error:
        return Outcome(Result.AGAIN, fault=error.code or "address")
    except Unsure:
        return Outcome(Result.AGAIN, fault="no_answer")
    except Exception:
        logger.exception("hook_crashed", hook=claimed.hook.id, event_ref=claimed.ref)
        return Outcome(Result.AGAIN, fault="crashed")
    return judge(answer, now)


def judge(answer: Answer, now: datetime) -> Outcome:
    """Return what an answer means: any 2xx is heard, a redirect is not followed, 410 wants to hear no more."""
    status = answer.status
    if 200 <= status < 300:
        return Outcome(Result.HEARD, status)
    if status == GONE:
        return Outcome(Result.GONE, status, "gone")
    if status in REFUSALS:
        return Outcome(Result.REFUSED, status, "refused")
    fault = "redirect" if 300 <= status < 400 else "answer"
    after = find_after(answer.headers.get("retry-after", ""), now) if status in BUSY else None
    return Outcome(Result.AGAIN, status, fault, after)


def find_after(written: str, now: datetime) -> timedelta | None:
    """Return how long a `Retry-After` asks us to wait, in seconds or until a date; a day at most, None if unreadable.

    >>> find_after("120", datetime(2025, 10, 3, tzinfo=UTC)), find_after("soon", datetime(2025, 10, 3, tzinfo=UTC))
    (datetime.timedelta(seconds=120), None)
    """
    try:
        if written.isdecimal():
            wait = timedelta(seconds=min(int(written[:10]), 10**6))
        else:
            wait = parsedate_to_datetime(written).replace(tzinfo=UTC) - now
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait, timedelta()), WAITS[-1])


def find_wait(tries: int, after: timedelta | None = None) -> timedelta:
    """Return how long to wait after so many tries that were not heard: longer each time, never shorter than asked for.

    >>> timedelta(seconds=4) <= find_wait(0) <= timedelta(seconds=6)
    True
    """
    wait = WAITS[min(tries, len(WAITS) - 1)] * random.uniform(1 - JITTER, 1 + JITTER)
    return max(wait, after or timedelta())


def record(session: Session, claimed: Claimed, outcome: Outcome, millis: int, now: datetime) -> bool:
    """Write down what came of a try; False when our lease had ended and somebody else tells this hook."""
    tried = Try(now, outcome.status, millis, outcome.fault)
    if outcome.result is Result.HEARD:
        return hook_deliveries.record_heard(session, claimed, tried)
    is_refused = outcome.result is Result.REFUSED and claimed.tries + 1 >= MOST_REFUSALS
    is_last = claimed.is_test or is_refused
    again = None if is_last else now + find_wait(claimed.tries, outcome.after)
    if not hook_deliveries.record_unheard(session, claimed, tried, again):
        return False
    if outcome.result is Result.GONE:
        hooks.set_state(session, claimed.hook.id, hooks.OFF, hooks.GONE, now, scope=ANYWHERE)
    elif outcome.fault == hooks.NO_KEY:
        hooks.set_state(session, claimed.hook.id, hooks.PAUSED, hooks.NO_KEY, now, scope=ANYWHERE)
    elif not claimed.is_test and now - (claimed.hook.failing_since or now) >= PAUSED_AFTER:
        hooks.set_state(session, claimed.hook.id, hooks.PAUSED, hooks.FAILING, now, scope=ANYWHERE)
    return True
