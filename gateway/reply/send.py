"""Hand messages to a channel, each at most once: what is tried, what is tried again, and what is left to staff."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from gateway.channels.base import SmsChannel
from gateway.errors import Permanent, Retryable, Unsure
from gateway.segments import count_segments
from gateway.store import outbox
from gateway.store.base import Session
from gateway.values import OutboundSms, SentSms

FIRST_WAIT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 900.0
GIVE_UP_AFTER = timedelta(hours=24)  # an answer that is a day old only confuses

logger = structlog.get_logger(__name__)


class Result(StrEnum):
    """What became of one send."""

    SENT = "sent"
    REFUSED = "refused"
    FAILED = "failed"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Delivery:
    """The result of handing one message to its provider."""

    result: Result
    sent: SentSms | None = None
    fault: str = ""
    code: str = ""
    after_seconds: float | None = None


def deliver(channel: SmsChannel, message: outbox.OutboxMessage) -> Delivery:
    """Hand one message to its provider and return what became of it. Never raises: what is not understood is unsure."""
    sms = OutboundSms(ref=message.ref, to=message.recipient, text=message.text)
    try:
        return Delivery(Result.SENT, sent=channel.send(sms))
    except Retryable as error:
        return Delivery(Result.REFUSED, fault=str(error), code=error.code, after_seconds=error.after_seconds)
    except Permanent as error:
        return Delivery(Result.FAILED, fault=str(error), code=error.code)
    except Unsure as error:
        return Delivery(Result.UNSURE, fault=str(error))
    except Exception as error:  # a fault of the adapter's: the message may be on its way, so never again
        logger.exception("send_crashed", channel=channel.name, trace_id=message.trace_id)
        return Delivery(Result.UNSURE, fault=f"{type(error).__name__} while sending")


def record(session: Session, message: outbox.OutboxMessage, token: str, delivery: Delivery, now: datetime) -> bool:
    """Write down what became of a message; False when its lease had ended and it was settled without us."""
    if delivery.result is Result.SENT:
        assert delivery.sent is not None
        counted = delivery.sent.segments or count_segments(message.text)  # most providers do not tell
        return outbox.record_sent(session, message.id, token, replace(delivery.sent, segments=counted), now)
    if delivery.result is Result.UNSURE:
        return outbox.record_unsure(session, message.id, token, delivery.fault)
    is_too_old = now - message.created_at > GIVE_UP_AFTER
    if delivery.result is Result.FAILED or is_too_old:
        fault = f"{delivery.fault} (given up after 24 hours)" if is_too_old else delivery.fault
        return outbox.record_failure(session, message.id, token, fault, delivery.code)
    wait = delivery.after_seconds or wait_seconds(message.refusals)
    return outbox.record_refusal(session, message.id, token, wait, delivery.fault, delivery.code)


def wait_seconds(refusals: int) -> float:
    """Return how long to wait after so many refusals: twice as long each time, never the same for two messages.

    >>> 2.5 <= wait_seconds(0) <= 7.5 and 450 <= wait_seconds(50) <= 1350
    True
    """
    wait: float = min(FIRST_WAIT_SECONDS * 2 ** min(refusals, 20), LONGEST_WAIT_SECONDS)
    return wait * random.uniform(0.5, 1.5)
