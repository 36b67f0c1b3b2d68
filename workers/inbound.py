"""Handle the received messages of one lane, batch by batch, each batch in one transaction; or look what came."""

from __future__ import annotations

from gateway import jobs
from gateway.handle import batch
from gateway.runtime import Runtime, get_runtime
from gateway.values import LANES
from workers import poll
from workers.pauses import pausing

BATCHES = 200  # a job that went on for ever would run into its time limit; the lane is rung again instead


def handle_lane(lane: object) -> int:
    """Handle everything that is due in a lane and return how many messages that was. Errors: ValueError for no lane.

    A channel's name instead of a number asks for a look at what that channel's provider has got.
    """
    runtime = get_runtime()
    if isinstance(lane, str):
        return pausing(runtime.bells, jobs.INBOUND, lane, lambda: poll.drain(runtime, lane))
    if not isinstance(lane, int) or not 0 <= lane < LANES:  # it comes out of Redis
        raise ValueError(f"there is no lane {lane!r}")
    return pausing(runtime.bells, jobs.INBOUND, lane, lambda: drain(runtime, lane))


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
    chosen = runtime.settings
    with runtime.database.session() as session:
        handled = batch.handle_batch(
            session, lane, runtime.rules, runtime.now(), size=chosen.batch_size, tries=chosen.tries
        )
        if handled.count:
            session.commit()
    for channel in handled.channels:
        runtime.bells.ring(jobs.OUTBOUND, channel)
    return handled.count
