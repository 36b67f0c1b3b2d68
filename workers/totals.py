"""Sum up what was reported, a batch at a time, each in one transaction."""

from __future__ import annotations

import structlog

from gateway import jobs
from gateway.runtime import Runtime
from gateway.store import totals

NAME = "totals"
BATCHES = 200  # then the errand is rung again, so that others have their turn

logger = structlog.get_logger(__name__)


def drain(runtime: Runtime) -> int:
    """Sum up whatever waits and return how many reports that was.

    What comes meanwhile waits for the next ring, a second later: up to the country every area around is summed up anew
    each time, so that many reports at once cost hardly more than a few.
    Errors: Unavailable when the database goes away; the sweep rings again. A batch that was not committed waits still.
    """
    runtime.bells.answer(jobs.ERRANDS, NAME)
    total = 0
    for _ in range(BATCHES):
        with runtime.database.session() as session:
            done = totals.refresh(session)
            session.commit()
        total += done
        if done:
            logger.info("summed_up", reports=done)
        if done < totals.BATCH:
            return total
    runtime.bells.ring(jobs.ERRANDS, NAME)
    return total
