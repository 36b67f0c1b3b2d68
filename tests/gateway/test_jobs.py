"""The bells: one job for many rings, none lost for long, and no code runs here because it stands in Redis."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis
from rq import Callback, Queue, SimpleWorker, Webhook
from rq.job import Job, JobStatus
from rq.registry import FailedJobRegistry, StartedJobRegistry
from rq.serializers import JSONSerializer

import workers.inbound
from gateway import jobs
from tests.chaos.harness import free_port, wait_until
from tests.gateway.channels.standin import Script
from tests.servers import ValkeyServer
from workers.process import Worker

PLANTED = """
from pathlib import Path
def run(*arguments, **named):
    with Path({marker!r}).open("a") as marker:
        marker.write("ran ")
"""


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    """A client of an empty queue server, as the house makes them."""
    with jobs.connect(redis_url) as client:
        yield client


@pytest.fixture
def bells(redis: Redis) -> jobs.Bells:
    """The bells of that server."""
    return jobs.Bells(redis)


@pytest.fixture
def marker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a planted function, `planted.run`, leaves its mark when anybody runs it."""
    (tmp_path / "planted.py").write_text(PLANTED.format(marker=str(tmp_path / "mark")))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "planted", raising=False)
    return tmp_path / "mark"


@pytest.fixture
def handled(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The lanes that the job of the inbound queue was run for."""
    lanes: list[object] = []
    monkeypatch.setattr(workers.inbound, "handle_lane", lanes.append)
    return lanes


@pytest.fixture
def work(redis_url: str) -> Iterator[Callable[..., None]]:
    """Lets a worker of ours, or a plain one of RQ's, do what waits in a queue."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def work_once(queue: str = jobs.INBOUND, *, is_ours: bool = True) -> None:
        with jobs.connect(redis_url, for_worker=True) as client:
            if is_ours:
                worker: SimpleWorker = Worker([jobs.rq_queue(client, queue)], connection=client)
            else:
                worker = SimpleWorker([Queue(queue, client, serializer=JSONSerializer)], connection=client)
            worker.serializer = JSONSerializer
            worker.work(burst=True, logging_level="CRITICAL")

    yield work_once
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_lane_that_is_rung_twice_has_one_job_and_it_carries_nothing_but_the_lane(bells: jobs.Bells) -> None:
    assert bells.ring(jobs.INBOUND, 7)
    assert bells.ring(jobs.INBOUND, 7)
    assert bells.ring(jobs.OUTBOUND, "twilio")
    [job] = jobs.rq_queue(bells.redis, jobs.INBOUND).jobs
    assert json.loads(job.data) == ["workers.inbound.handle_lane", None, [7], {}]
    [job] = jobs.rq_queue(bells.redis, jobs.OUTBOUND).jobs
    assert json.loads(job.data) == ["workers.outbound.send_lane", None, ["twilio"], {}]


def test_a_bell_that_was_answered_can_be_rung_again(bells: jobs.Bells) -> None:
    bells.ring(jobs.INBOUND, 7)
    bells.answer(jobs.INBOUND, 7)
    bells.ring(jobs.INBOUND, 7)
    assert jobs.rq_queue(bells.redis, jobs.INBOUND).count == 2


def test_a_ring_whose_job_was_lost_is_repeated_once_the_bell_has_run_out(
    bells: jobs.Bells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "BELL_SECONDS", 1)
    bells.ring(jobs.INBOUND, 7)
    queue = jobs.rq_queue(bells.redis, jobs.INBOUND)
    bells.redis.delete(queue.key)  # as a worker that was killed at the wrong instant would
    bells.ring(jobs.INBOUND, 7)
    assert queue.count == 0
    wait_until(lambda: bells.ring(jobs.INBOUND, 7) and queue.count == 1, "the bell runs out")


def test_a_queue_that_nobody_works_on_does_not_grow_without_end(bells: jobs.Bells) -> None:
    for _ in range(jobs.MOST_WAITING // 64 + 2):
        for lane in range(64):
            bells.answer(jobs.INBOUND, lane)
            assert bells.ring(jobs.INBOUND, lane)
    assert jobs.rq_queue(bells.redis, jobs.INBOUND).count == jobs.MOST_WAITING


def test_a_ring_that_nobody_hears_says_so_and_does_not_raise() -> None:
    with jobs.connect("redis://127.0.0.1:1/0") as nobody:
        bells = jobs.Bells(nobody)
        assert not bells.ring(jobs.INBOUND, 7)
        assert not bells.is_heard()
        bells.answer(jobs.INBOUND, 7)


def test_a_ring_at_a_server_that_hangs_comes_back_before_the_server_does(tmp_path: Path) -> None:
    server = ValkeyServer(tmp_path)
    server.start()
    with jobs.connect(server.url) as client:
        bells = jobs.Bells(client)
        assert bells.is_heard()
        server.freeze()
        assert not bells.ring(jobs.INBOUND, 7)
        assert not bells.is_heard()
        server.thaw()
        wait_until(bells.is_heard, "the server is back")
    server.stop()


def test_a_password_in_the_address_is_used(tmp_path: Path) -> None:
    server, port = ValkeyServer(tmp_path), free_port()
    server.start()
    with Redis.from_url(server.url) as admin:
        admin.config_set("port", port)
        admin.config_set("requirepass", "p@ss/word")
    with jobs.connect(f"redis://:p%40ss%2Fword@127.0.0.1:{port}/0") as client:
        assert jobs.Bells(client).ring(jobs.INBOUND, 7)
    with jobs.connect(f"{server.url}?password=p%40ss%2Fword") as client:
        assert jobs.Bells(client).is_heard()
    with jobs.connect(f"redis://:wrong@127.0.0.1:{port}/0") as client:
        assert not jobs.Bells(client).ring(jobs.INBOUND, 7)
    server.stop()


def test_our_worker_does_the_job_of_its_queue(
    bells: jobs.Bells, work: Callable[..., None], handled: list[object]
) -> None:
    bells.ring(jobs.INBOUND, 7)
    bells.ring(jobs.INBOUND, 8)
    work()
    assert handled == [7, 8]
    assert list(bells.redis.scan_iter("rq:job:*")) == [], "what is done leaves nothing behind"


@pytest.mark.parametrize("name", ["planted.run", "os.system", "builtins.eval", "workers.outbound.send_lane", "no.such"])
def test_a_job_that_is_not_on_the_list_does_not_run(
    redis: Redis, work: Callable[..., None], marker: Path, name: str
) -> None:
    queue = Queue(jobs.INBOUND, connection=redis, serializer=JSONSerializer)
    job = queue.enqueue_call(name, args=(f"touch {marker}",))
    work()
    assert not marker.exists()
    assert job.get_status(refresh=True) is JobStatus.FAILED
    assert job.id in FailedJobRegistry(queue=queue)


def test_the_planted_job_would_run_under_a_plain_worker(redis: Redis, work: Callable[..., None], marker: Path) -> None:
    Queue(jobs.INBOUND, connection=redis, serializer=JSONSerializer).enqueue_call("planted.run")
    work(is_ours=False)
    assert marker.read_text() == "ran "


def test_a_pickled_job_does_not_run(redis: Redis, work: Callable[..., None], marker: Path) -> None:
    Queue(jobs.INBOUND, connection=redis).enqueue_call("planted.run")
    work()
    assert not marker.exists()


@pytest.mark.parametrize("is_ours", [True, False])
def test_no_callback_of_a_job_runs(
    redis: Redis, work: Callable[..., None], handled: list[object], marker: Path, is_ours: bool
) -> None:
    queue = Queue(jobs.INBOUND, connection=redis, serializer=JSONSerializer)
    planted = Callback("planted.run")
    for name in ("workers.inbound.handle_lane", "planted.missing"):
        queue.enqueue_call(name, args=(7,), on_success=planted, on_failure=planted, on_stopped=planted)
    work(is_ours=is_ours)
    assert handled == [7]
    assert marker.exists() is not is_ours, "a plain worker runs them, ours does not"


@pytest.mark.parametrize("is_ours", [True, False])
def test_no_callback_runs_when_a_dead_workers_jobs_are_cleared_away(
    redis: Redis, work: Callable[..., None], marker: Path, is_ours: bool
) -> None:
    queue = Queue(jobs.INBOUND, connection=redis, serializer=JSONSerializer)
    job = Job.create(
        "workers.inbound.handle_lane",
        args=(7,),
        connection=redis,
        serializer=JSONSerializer,
        origin=jobs.INBOUND,
        on_failure=Callback("planted.run"),
    )
    job.save()
    job.set_status(JobStatus.STARTED)
    redis.zadd(StartedJobRegistry(queue=queue).key, {f"{job.id}:dead": datetime(2020, 1, 1, tzinfo=UTC).timestamp()})
    work(is_ours=is_ours)
    assert marker.exists() is not is_ours


def test_no_job_calls_an_address(redis: Redis, work: Callable[..., None], handled: list[object]) -> None:
    with Script([]) as attacker:
        queue = Queue(jobs.INBOUND, connection=redis, serializer=JSONSerializer)
        hooks = [Webhook(attacker.url, "finished"), Webhook(attacker.url, "failed")]
        queue.enqueue_call("workers.inbound.handle_lane", args=(7,), webhooks=hooks)
        queue.enqueue_call("planted.missing", webhooks=hooks)
        work()
        assert handled == [7]
        assert attacker.seen == []
