"""Queue what staff have confirmed to go to many, a piece at a time, each in one transaction."""

from __future__ import annotations

import structlog

from gateway import jobs
from gateway.runtime import Runtime
from gateway.store import audience, broadcasts

NAME = "broadcasts"
PIECES = 200  # then the errand is rung again, so that others have their turn

logger = structlog.get_logger(__name__)


def drain(runtime: Runtime) -> int:
    """Queue every broadcast that was confirmed and return how many numbers that were.

    Errors: Unavailable when the database goes away; the sweep rings again. A piece is queued wholly or not at all.
    """
    runtime.bells.answer(jobs.ERRANDS, NAME)
    total = 0
    for _ in range(PIECES):
        with runtime.database.session() as session:
            found = broadcasts.next_to_queue(session)
            if found is None:
                return total
            routes = audience.find_routes(session, tuple(runtime.channels), runtime.only_bound, runtime.outgoing.routes)
            count = broadcasts.queue_piece(session, found, routes, runtime.now())
            session.commit()
        total += count
        logger.info("broadcast_queued", broadcast=found.id, numbers=count)
        for name in runtime.channels:
            runtime.bells.ring(jobs.OUTBOUND, name)
    runtime.bells.ring(jobs.ERRANDS, NAME)
    return total
