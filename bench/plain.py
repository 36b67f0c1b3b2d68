"""The plain design: one RQ job per message, in a worker that forks for each, with everything loaded beforehand.

Each job does for its message what Kabar does for a batch: the same reading, judging, storing and answering.
"""

from __future__ import annotations

from datetime import date

from flask import Flask
from redis import Redis
from rq import Queue, Worker
from rq.serializers import JSONSerializer

from bench.floor import make_app
from gateway import jobs
from gateway.handle import facts, message
from gateway.runtime import get_runtime, redis_address, start_logging
from gateway.store import inbox
from parsers.read import read_message

QUEUE = "plain"


def start_app() -> Flask:
    """Return the plain design's web application: insert, then enqueue a job for this very message."""
    runtime = get_runtime()
    queue = make_queue(jobs.connect(redis_address(runtime.settings)))
    return make_app(runtime, lambda _, message_id: enqueue(queue, message_id))


def make_queue(redis: Redis) -> Queue:
    """Return the queue of the plain jobs."""
    return Queue(QUEUE, connection=redis, serializer=JSONSerializer)


def enqueue(queue: Queue, message_id: int) -> None:
    """Enqueue one message."""
    queue.enqueue_call("bench.plain.handle_one", args=(message_id,), result_ttl=0, failure_ttl=86400)


def handle_one(message_id: int) -> None:
    """Handle one message in its own transaction."""
    runtime = get_runtime()
    now = runtime.now()
    with runtime.database.session() as session:
        one = inbox.find_by_id(session, message_id)
        if one is None or one.state != "received":
            return
        desk = facts.gather(session, [one], runtime.rules, now)
        message.handle(session, one, desk)
        session.commit()


def main() -> None:
    """Work on plain jobs until told to stop."""
    runtime = get_runtime()
    start_logging(runtime.settings, QUEUE)
    read_message("KB 0925 BARU 12 AKTIF 40 PIL 30", date(2025, 10, 3), runtime.forms)  # the reader's tables, made once
    redis = jobs.connect(redis_address(runtime.settings), for_worker=True)
    Worker([make_queue(redis)], connection=redis, serializer=JSONSerializer).work(logging_level="WARNING")


if __name__ == "__main__":
    main()
