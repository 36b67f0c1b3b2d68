"""Send what is due on one channel, at that channel's pace."""

from __future__ import annotations

import time

import structlog

from gateway import jobs
from gateway.channels.base import SmsChannel
from gateway.reply import send
from gateway.runtime import Runtime, get_runtime
from gateway.store import outbox

LONGEST_NAP_SECONDS = 0.5  # a channel whose pace asks for a longer wait is rung again by the sweep
ROUNDS = 50  # then other channels have their turn

logger = structlog.get_logger(__name__)


def send_lane(channel: str) -> int:
    """Send what is due on a channel and return how many messages were handed over."""
    return drain(get_runtime(), channel)


def drain(runtime: Runtime, name: str) -> int:
    """Send what is due on a channel. Errors: Unavailable when the database goes away; the sweep rings again."""
    channel = runtime.channels.get(name)
    if channel is None:
        logger.warning("no_such_channel", channel=str(name)[:40])
        return 0
    runtime.bells.answer(jobs.OUTBOUND, name)
    total = 0
    for _ in range(ROUNDS):
        sent, wait_seconds = send_claim(runtime, channel)
        total += sent
        if not sent:
            if not 0 < wait_seconds <= LONGEST_NAP_SECONDS:
                return total
            time.sleep(wait_seconds)
    runtime.bells.ring(jobs.OUTBOUND, name)
    return total


def send_claim(runtime: Runtime, channel: SmsChannel) -> tuple[int, float]:
    """Claim, send and record; return how many messages that were, and how long the channel's pace says to wait.

    The claim is committed before the first send: a sender that dies then leaves messages that are seen, not resent.
    """
    with runtime.database.session() as session:
        claim = outbox.claim(session, channel.name, channel.limits)
        session.commit()
    for message in claim.messages:
        delivery = send.deliver(channel, message)
        with runtime.database.session() as session:
            is_ours = send.record(session, message, claim.token, delivery, runtime.now())
            session.commit()
        logger.info(
            "sent" if delivery.result is send.Result.SENT else "not_sent",
            channel=channel.name,
            recipient=message.recipient,
            result=delivery.result,
            code=delivery.code,
            fault=delivery.fault,
            trace_id=message.trace_id,
            is_ours=is_ours,
        )
    return len(claim.messages), claim.wait_seconds
