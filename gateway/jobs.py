"""The bells: Redis says that there is work in a lane, never what it is. Losing Redis whole loses nothing.

A ring is a bell (`SET NX`) and, when it was silent, one job: a name from an allow-list and the lane. The job takes the
bell off before it drains the lane, so that no wake-up is lost.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

INBOUND = "inbound"
OUTBOUND = "outbound"
ERRANDS = "errands"
QUEUES = {  # queue: the one job that it may hold
    INBOUND: "workers.inbound.handle_lane",
    OUTBOUND: "workers.outbound.send_lane",
    ERRANDS: "workers.errands.run_errand",
}
BELL_SECONDS = 5  # a bell whose job was lost (a worker killed at the wrong instant) may be rung again after so long
REDIS_SECONDS = 0.3  # a webhook must not wait for a Redis that is gone or hangs
JOB_SECONDS = 600  # a lane that takes longer goes on at the next ring
MOST_WAITING = 256  # jobs in a queue, four for each lane; beyond it nobody works, and the sweep will ring again

logger = structlog.get_logger(__name__)


class NamedJob(Job):
    """A job that runs only what is on the list: whoever can write to Redis must not be able to run code here.

    Source: docs/security.md, fact 3: RQ's JSON serializer alone runs any function whose name it is given.
    """

    @property
    def func(self) -> Any:
        """Return the function to run. Errors: PermissionError for anything but the one job of its queue."""
        if QUEUES.get(self.origin) != self.func_name:
            raise PermissionError(f"not a job of queue {self.origin}: {self.func_name}")
        return super().func

    @property
    def success_callback(self) -> None:
        """No job has a callback: its name in Redis would be one more way to run code here."""

    @property
    def failure_callback(self) -> None:
        """No job has a callback."""

    @property
    def stopped_callback(self) -> None:
        """No job has a callback."""

    def send_webhooks(self, *args: Any, **kwargs: Any) -> None:
        """No job calls an address that stands in Redis."""


@dataclass(frozen=True, slots=True)
class Bells:
    """The bells of one Redis."""

    redis: Redis

    def ring(self, queue: str, lane: str | int) -> bool:
        """Ring a lane's bell; False when Redis did not hear it: then the sweep will find the work. Never raises."""
        try:
            if self.redis.set(_bell(queue, lane), 1, nx=True, ex=BELL_SECONDS):
                waiting = rq_queue(self.redis, queue)
                if waiting.count < MOST_WAITING:
                    waiting.enqueue_call(
                        QUEUES[queue], args=(lane,), timeout=JOB_SECONDS, result_ttl=0, failure_ttl=86400
                    )
        except RedisError as error:
            logger.warning("bell_not_heard", queue=queue, lane=lane, error=type(error).__name__)
            return False
        return True

    def ring_every(self, queue: str, lane: str | int, seconds: float) -> bool:
        """Ring a lane unless some clock did within so many seconds; False when nobody rang now. Never raises."""
        try:
            is_due = self.redis.set(f"kabar:round:{queue}:{lane}", 1, nx=True, px=round(seconds * 1000))
        except RedisError:
            return False
        return bool(is_due) and self.ring(queue, lane)

    def muffle(self, queue: str, lane: str | int, seconds: int) -> None:
        """Let nobody ring for a lane for a while: what it needs is away, and others wait in the same queue."""
        with suppress(RedisError):
            self.redis.set(_bell(queue, lane), 1, ex=seconds)

    def answer(self, queue: str, lane: str | int) -> None:
        """Take the bell off before draining a lane: what comes from now on rings anew."""
        with suppress(RedisError):  # the bell runs out by itself
            self.redis.delete(_bell(queue, lane))

    def is_heard(self) -> bool:
        """Return whether Redis answers at all."""
        try:
            return bool(self.redis.ping())
        except RedisError:
            return False


def connect(url: str, *, for_worker: bool = False) -> Redis:
    """Return a client that never makes its caller wait: no retries, short time-outs.

    A worker blocks in Redis while it waits for work, so its own time-out is longer than that wait.
    Source: docs/security.md, facts 1 and 2: redis-py's defaults wait up to a minute for a Redis that hangs.
    """
    seconds = None if for_worker else REDIS_SECONDS
    return Redis.from_url(
        url,
        socket_timeout=seconds,
        socket_connect_timeout=REDIS_SECONDS if not for_worker else 5,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )


def is_open_to_all(url: str) -> bool:
    """Return whether a Redis at an address of the network obeys whoever reaches it: it asks for no password.

    One on this machine alone (a socket, the loopback) is reached by nobody else. Never raises: one that does not
    answer is open to nobody.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "unix" or host == "localhost" or _is_loopback(host):
        return False
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    with suppress(RedisError):
        return bool(connect(urlunsplit(bare)).ping())
    return False


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return False


def rq_queue(redis: Redis, name: str) -> Queue:
    """Return an RQ queue that speaks JSON and holds only jobs of the list."""
    return Queue(name, connection=redis, serializer=JSONSerializer, job_class=NamedJob)


def _bell(queue: str, lane: str | int) -> str:
    return f"kabar:bell:{queue}:{lane}"
