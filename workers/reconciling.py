"""Ask every provider that can be asked, every ten minutes, for what never came here."""

from __future__ import annotations

from datetime import timedelta

import structlog

from gateway import jobs
from gateway.channels.base import SmsChannel
from gateway.errors import Unavailable
from gateway.receive import reconcile
from gateway.runtime import Runtime
from gateway.store import channels

NAME = "reconciling"
EVERY = timedelta(minutes=10)

logger = structlog.get_logger(__name__)


def drain(runtime: Runtime) -> int:
    """Reconcile the channels that are due and return how many were asked. Errors: Unavailable; the next turn asks."""
    runtime.bells.answer(jobs.ERRANDS, NAME)
    if not _is_our_turn(runtime):
        return 0
    return sum(_ask(runtime, one) for one in runtime.channels.values() if one.looks_back_every is not None)


def _is_our_turn(runtime: Runtime) -> bool:
    """Take the turn, which comes every ten minutes whether what was asked answered or not; one process has it."""
    now = runtime.now()
    with runtime.database.session() as session:
        last = channels.last_tick(session, NAME)
        if last is not None and timedelta(0) <= now - last < EVERY:
            return False
        is_ours = channels.tick_after(session, NAME, last, now) if last is not None else True
        if last is None:
            channels.tick(session, NAME, now)
        session.commit()
    return is_ours


def _ask(runtime: Runtime, channel: SmsChannel) -> bool:
    now = runtime.now()
    with runtime.database.session() as session:
        since = reconcile.since_when(session, channel, now)
        if since is None and channels.last_tick(session, reconcile.tick_of(channel.name)) is None:
            channels.tick(session, reconcile.tick_of(channel.name), now)  # what was there before Kabar is not ours
            session.commit()
    if since is None:
        return False
    try:
        reconcile.reconcile(runtime.database, runtime.bells, channel, since, now)
    except Unavailable:
        raise
    except Exception:  # a fault in one adapter: the other channels are asked all the same
        logger.exception("reconciling_failed", channel=channel.name)
    return True
