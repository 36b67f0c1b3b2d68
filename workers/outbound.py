"""Send what is due on one channel, at that channel's pace."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta

import structlog

from gateway import jobs
from gateway.channels.base import SmsChannel
from gateway.errors import Raced, Unavailable
from gateway.remind import last_look
from gateway.reply import send
from gateway.reply.send import Delivery
from gateway.runtime import Runtime, get_runtime
from gateway.store import claimed, outbox
from gateway.store.base import Session, savepoint
from gateway.store.outbox import OutboxMessage
from workers.pauses import pausing

LONGEST_NAP_SECONDS = 0.5  # a channel whose pace asks for a longer wait is rung again by the sweep
LOOK_AGAIN_AFTER = timedelta(minutes=15)  # at a reminder that a fault of ours kept from being looked at
RECORD_EVERY_SECONDS = 1.0  # at a provider who takes his time
ROUNDS = 50  # then other channels have their turn

logger = structlog.get_logger(__name__)


def send_lane(channel: str) -> int:
    """Send what is due on a channel and return how many messages were handed over."""
    runtime = get_runtime()
    return pausing(runtime.bells, jobs.OUTBOUND, channel, lambda: drain(runtime, channel))


def drain(runtime: Runtime, name: str) -> int:
    """Send what is due on a channel. Errors: Unavailable when the database goes away; the sweep rings again."""
    channel = runtime.channels.get(name)
    if channel is None:
        logger.warning("no_such_channel", channel=str(name)[:40])
        return 0
    runtime.bells.answer(jobs.OUTBOUND, name)
    if channel.has_own_sender:  # whoever rang need not know: its own process looks by itself
        return 0
    total = 0
    for _ in range(ROUNDS):
        try:
            taken, wait_seconds = send_claim(runtime, channel)
        except Raced:  # a reminder's question was answered this very moment: nothing was claimed
            continue
        total += taken
        if not taken:
            if not 0 < wait_seconds <= LONGEST_NAP_SECONDS:
                return total
            time.sleep(wait_seconds)
    runtime.bells.ring(jobs.OUTBOUND, name)
    return total


def send_claim(runtime: Runtime, channel: SmsChannel) -> tuple[int, float]:
    """Claim, send and record; return how many messages were claimed, and how long the channel's pace says to wait.

    The claim is committed before the first send: a sender that dies then leaves messages that are seen, not resent.
    """
    with runtime.database.session() as session:
        claim = outbox.claim(session, channel.name, channel.limits)
        going = _look_again(session, runtime, claim.messages)
        session.commit()
    waiting: list[tuple[OutboxMessage, Delivery]] = []
    recorded_at = time.monotonic()
    for message in going:
        waiting.append((message, send.deliver(channel, message)))
        if time.monotonic() - recorded_at > RECORD_EVERY_SECONDS:
            _record(runtime, channel, claim.token, waiting)
            recorded_at, waiting = time.monotonic(), []
    _record(runtime, channel, claim.token, waiting)
    return len(claim.messages), claim.wait_seconds


def _record(
    runtime: Runtime, channel: SmsChannel, token: str, deliveries: Sequence[tuple[OutboxMessage, Delivery]]
) -> None:
    """Write down what became of messages in one commit. Whoever dies before it has sent several only if again is safe.

    A claim holds more than one message only where a send may be repeated (`outbox.claim`).
    """
    if not deliveries:
        return
    now = runtime.now()
    with runtime.database.session() as session:
        are_ours = [send.record(session, message, token, delivery, now) for message, delivery in deliveries]
        session.commit()
    for (message, delivery), is_ours in zip(deliveries, are_ours, strict=True):
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


def _look_again(session: Session, runtime: Runtime, messages: tuple[OutboxMessage, ...]) -> tuple[OutboxMessage, ...]:
    """Return those of the claimed messages that are still to go. A fault of ours in a reminder holds up no other."""
    if not last_look.is_about(messages):
        return messages
    now = runtime.now()
    try:
        with savepoint(session):
            return last_look.look_again(session, messages, runtime.ways, now)
    except (Raced, Unavailable):
        raise
    except Exception:  # whatever it was: the one that it is about is found, and looked at again later
        logger.exception("last_look_failed", messages=[one.id for one in messages])
    reminders = [one for one in messages if last_look.is_about([one])]
    if len(reminders) == 1:
        claimed.put_off(session, [reminders[0].id], now + LOOK_AGAIN_AFTER)
    alone = [_look_again(session, runtime, (one,)) for one in reminders] if len(reminders) > 1 else []
    return (*(one for one in messages if one not in reminders), *(one for found in alone for one in found))
