"""Look what lies in a provider's own store, keep it, and only then tell the provider so."""

from __future__ import annotations

import structlog

from gateway import jobs
from gateway.channels.base import PollingChannel
from gateway.errors import Retryable
from gateway.receive import keep
from gateway.runtime import Runtime

ROUNDS = 20  # then others in the queue have their turn
REST_SECONDS = 30  # after a store was away: a look may wait some seconds for it, and midwives wait behind

logger = structlog.get_logger(__name__)


def drain(runtime: Runtime, name: str) -> int:
    """Keep what a polling channel has got and return how many messages that was, repeats among them.

    Whoever dies before the provider was told leaves it to be read again: a repeat is kept once. A store that is away is
    looked at again later. Errors: Unavailable when our own database goes away; nothing was told to the provider then.
    """
    channel = runtime.channels.get(name)
    if not isinstance(channel, PollingChannel):
        logger.warning("no_such_channel", channel=name[:40])
        return 0
    runtime.bells.answer(jobs.INBOUND, name)
    total = 0
    for _ in range(ROUNDS):
        try:
            polled = channel.poll(runtime.now())
            keep.receive_polled(runtime.database, runtime.bells, name, polled, runtime.now())
            channel.confirm(polled)
        except Retryable as fault:
            logger.warning("not_polled", channel=name, why=str(fault), code=fault.code)
            runtime.bells.muffle(jobs.INBOUND, name, REST_SECONDS)
            return total
        total += len(polled.messages)
        if not polled.has_more:
            return total
    runtime.bells.ring(jobs.INBOUND, name)
    return total
