"""What a job does while the database is away or full: it leaves off, and is rung for again a little later."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from gateway import jobs
from gateway.errors import Unavailable

SECONDS = 5

logger = structlog.get_logger(__name__)


def pausing(bells: jobs.Bells, queue: str, lane: str | int, work: Callable[[], int]) -> int:
    """Do a lane's work and return how much that was; none while the database can take nothing.

    A job that failed instead would be kept by the queue server with its traceback: thousands, in an hour.
    """
    try:
        return work()
    except Unavailable as error:
        logger.warning("paused", queue=queue, lane=lane, seconds=SECONDS, why=str(error))
        bells.muffle(queue, lane, SECONDS)
        return 0
