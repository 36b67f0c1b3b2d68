"""The bells: Redis says that there is work in a lane, never what it is. Losing Redis whole loses nothing.

A ring is a bell (`SET NX`) and, when it was silent, one job: a name from an allow-list and the lane. The job takes the
bell off before it drains the lane, so that no wake-up is lost.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError
from redis.retry import Retry
from rq import Queue, SimpleWorker
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
COUNTS = "kabar:counts"  # of what leaves no row behind; who loses Redis counts from nothing again
MOST_WAITING = 256  # jobs in a queue, four for each lane; beyond it nobody works, and the sweep will ring again
_GUARDS = ("bind", "port", "requirepass", "protected-mode")  # of redis.conf
_LOCAL = re.compile(r"-?(127\.[0-9.]+|::1)", re.ASCII)

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
class Crew:
    """Who works on one queue: how many processes, when the last of them gave a sign of life, and how many jobs wait.

    A worker says that it lives at least every 45 seconds; one that was killed is counted for two minutes more.
    """

    workers: int = 0
    seen_at: datetime | None = None
    waiting: int = 0
    hosts: frozenset[str] = frozenset()


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

    def count(self, name: str) -> None:
        """Count one of what leaves no row behind. Never raises; without Redis it is not counted."""
        with suppress(RedisError):
            self.redis.hincrby(COUNTS, name, 1)

    def counts(self) -> Mapping[str, int]:
        """Return what was counted, by name. Never raises."""
        try:
            return {name.decode(): int(number) for name, number in self.redis.hgetall(COUNTS).items()}  # type: ignore[union-attr]
        except RedisError:
            return {}

    def find_crews(self) -> Mapping[str, Crew] | None:
        """Return who works on each queue, on all machines together; None when Redis does not answer."""
        try:
            return {name: self._find_crew(name) for name in QUEUES}
        except RedisError:
            return None

    def _find_crew(self, name: str) -> Crew:
        queue = rq_queue(self.redis, name)
        found = SimpleWorker.all(queue=queue, job_class=NamedJob, serializer=JSONSerializer)
        seen = [one.last_heartbeat for one in found if one.last_heartbeat]
        hosts = frozenset(one.hostname for one in found if one.hostname)
        return Crew(len(found), max(seen).astimezone(UTC) if seen else None, queue.count, hosts)

    def is_heard(self) -> bool:
        """Return whether Redis answers at all."""
        return not self.find_fault()

    def find_fault(self) -> str:
        """Return why Redis does not answer: "away", "password" (a wrong one, or none), or nothing where it does."""
        try:
            self.redis.ping()
        except AuthenticationError:
            return "password"
        except RedisError:
            return "away"
        return ""

    def is_open_to_all(self) -> bool:
        """Return whether Redis says of itself that it answers anybody on its network without a password."""
        try:
            said = {name: str(self.redis.config_get(name).get(name, "")) for name in _GUARDS}
        except RedisError:  # a hosted one does not tell
            return False
        is_local = said["bind"] and all(_LOCAL.fullmatch(word) for word in said["bind"].split())
        is_guarded = said["requirepass"] or said["protected-mode"] != "no" or said["port"] == "0"
        return not (is_local or is_guarded)


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


def obeys_strangers(url: str) -> bool:
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
