"""A worker process: one queue, one job at a time, everything loaded once."""

from __future__ import annotations

import structlog
from redis.exceptions import RedisError
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from gateway import jobs
from gateway.runtime import Runtime, redis_address

logger = structlog.get_logger(__name__)


class Worker(SimpleWorker):
    """An RQ worker that works in its own process and runs only the jobs of the list.

    One queue per worker: with two, RQ pops without an intermediate list, and a job dies with its worker.
    """

    job_class = jobs.NamedJob
    max_connection_wait_time = 1.0  # seconds between two looks for a Redis that is away; RQ's own grow to a minute


def run(runtime: Runtime, queue: str) -> int:
    """Work on one queue until the process is told to stop; return the exit status.

    When Redis goes away an idle worker waits for it; one at work ends, and its supervisor starts it again. Either way
    the sweep rings for what was missed.
    """
    redis = jobs.connect(redis_address(runtime.settings), for_worker=True)
    try:
        worker = Worker(
            [jobs.rq_queue(redis, queue)],
            connection=redis,
            serializer=JSONSerializer,
            job_class=jobs.NamedJob,
            worker_ttl=60,
            maintenance_interval=60,
        )
        worker.work(logging_level="WARNING")
    except RedisError as error:
        logger.warning("redis_gone", queue=queue, error=type(error).__name__)
        return 1
    return 0
