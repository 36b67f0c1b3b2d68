"""What is timed: receiving, handling, and the whole journey from webhook to the answer in the outbox."""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, func, select

from bench import plain
from bench.messages import Text, write_texts
from bench.stage import Stage
from gateway import jobs
from gateway.receive import keep
from gateway.runtime import utc_now
from gateway.store.inbox import inbox
from gateway.store.outbox import outbox
from gateway.values import LANES, InboundSms, read_sender

LOOK_SECONDS = 0.004  # how often the outbox is looked at while answers are timed
PATIENCE_SECONDS = 60.0
WINDOW = 2000  # answers of two workers are committed out of their order: look so far back
WARM_UP = 0.15  # of what was received at first does not count: connections open, caches fill


@dataclass(frozen=True, slots=True)
class Pace:
    """Messages a second, and how long each took (milliseconds), of all that were timed."""

    per_second: float
    p50: float = 0.0
    p99: float = 0.0


def receive(stage: Stage, app: str, seconds: float, seed: int) -> Pace:
    """Time the webhook alone, as fast as 16 connections can ask; nobody handles what comes in."""
    stage.start_web(app)
    texts = write_texts(int(1500 * seconds), utc_now(), seed)
    done = _finish(stage.send(texts, seconds=seconds))
    _check(len({one["id"] for one in done}), _count(stage, inbox.c.id), "acknowledged", "kept")
    done.sort(key=lambda one: one["answered_at"])
    counted = done[int(len(done) * WARM_UP) :]
    span = counted[-1]["answered_at"] - counted[0]["answered_at"]
    return _pace(len(counted) / span, [one["answered_at"] - one["sent_at"] for one in counted])


def handle(stage: Stage, design: str, workers: int, count: int, seed: int) -> Pace:
    """Time how fast workers handle what lies in the inbox when they are rung for."""
    start_workers(stage, design, workers)
    ids = _fill_inbox(stage, write_texts(count, utc_now(), seed, repeats=False))
    started = time.monotonic()
    if design == "kabar":
        bells = jobs.Bells(stage.redis)
        for lane in range(LANES):
            bells.ring(jobs.INBOUND, lane)
    else:
        queue = plain.make_queue(stage.redis)
        for message_id in ids:
            plain.enqueue(queue, message_id)
    _wait_until(lambda: _count_received(stage) == 0, "everything to be handled")
    span = time.monotonic() - started
    _check(count, _count(stage, outbox.c.id), "received", "answered")
    return Pace(count / span)


def travel(
    stage: Stage, design: str, workers: int, count: int, seed: int, per_second: float | None = None
) -> tuple[Pace, list[float]]:
    """Time whole journeys at a pace, or as fast as they go: from the request until its answer stands in the outbox."""
    start_workers(stage, design, workers)
    stage.start_web("bench.plain:start_app()" if design == "plain" else "")
    if design == "kabar":
        stage.start("-m", "gateway.cli", "clock")
    warm = write_texts(20, utc_now(), seed + 1000, repeats=False)
    _watch(stage, stage.send(warm, seconds=PATIENCE_SECONDS, per_second=20), len(warm))
    texts = write_texts(count, utc_now(), seed)
    expected = len({one.provider_id for one in texts})
    provider = stage.send(texts, seconds=PATIENCE_SECONDS, per_second=per_second)
    answered = _watch(stage, provider, expected)
    sent: dict[str, float] = {}
    for one in _finish(provider):
        sent[one["id"]] = min(one["sent_at"], sent.get(one["id"], one["sent_at"]))
    _check(expected, len(answered.keys() & sent.keys()), "sent", "answered")
    spans = [answered[key] - sent[key] for key in sent]
    whole = max(answered[key] for key in sent) - min(sent.values())
    return _pace(expected / whole, spans), spans


def start_workers(stage: Stage, design: str, workers: int) -> None:
    """Start the workers of a design; Kabar's are rung for nothing once, so that they are as warm as the plain ones."""
    if design == "plain":
        stage.start_workers(workers, plain.QUEUE, "-m", "bench.plain")
        return
    stage.start_workers(workers, jobs.INBOUND, "-m", "gateway.cli", "work", jobs.INBOUND)
    bells = jobs.Bells(stage.redis)
    for lane in range(LANES):
        bells.ring(jobs.INBOUND, lane)
    _wait_until(lambda: not stage.redis.keys("kabar:bell:*") and not _is_at_work(stage), "the workers to warm up")


def percentile(values: Sequence[float], part: float) -> float:
    """Return the value below which this part of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def _pace(per_second: float, spans: Sequence[float]) -> Pace:
    return Pace(per_second, statistics.median(spans) * 1000, percentile(spans, 0.99) * 1000)


def _is_at_work(stage: Stage) -> bool:
    return bool(stage.redis.llen(f"rq:queue:{jobs.INBOUND}") or stage.redis.zcard(f"rq:wip:{jobs.INBOUND}"))


def _watch(stage: Stage, provider: subprocess.Popen[str], expected: int) -> dict[str, float]:
    """Look at the outbox until so many answers stand in it; return when each was seen first, by its message's key."""
    seen: dict[str, float] = {}
    last = _count(stage, outbox.c.id)
    before = last
    statement = select(outbox.c.id, inbox.c.provider_id).join(inbox, inbox.c.id == outbox.c.inbox_id)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(seen) < expected:
        with stage.database.session(read_only=True) as session:
            floor = max(before, last - WINDOW)
            rows = session.execute(statement.where(outbox.c.id > floor).order_by(outbox.c.id)).all()
        now = time.monotonic()
        for row in rows:
            seen.setdefault(row.provider_id, now)
            last = max(last, row.id)
        if now > deadline:
            provider.kill()
            raise RuntimeError(f"{len(seen)} of {expected} messages were answered in {PATIENCE_SECONDS:.0f} s")
        time.sleep(LOOK_SECONDS)
    return seen


def _finish(provider: subprocess.Popen[str]) -> list[dict[str, Any]]:
    out, _ = provider.communicate()
    if provider.returncode:
        raise RuntimeError("the provider's process failed")
    done: list[dict[str, Any]] = json.loads(out)
    refused = [one for one in done if one["status"] != 200]
    if refused:
        raise RuntimeError(f"{len(refused)} of {len(done)} requests were refused, the first with {refused[0]}")
    return done


def _fill_inbox(stage: Stage, texts: Sequence[Text]) -> list[int]:
    now = utc_now()
    with stage.database.session() as session:
        for one in texts:
            sms = InboundSms(one.provider_id, read_sender(one.sender), one.text, sent_at=now)
            keep.keep_sms(session, "simulator", sms, now)
        session.commit()
        return list(session.execute(select(inbox.c.id).order_by(inbox.c.id)).scalars())


def _count_received(stage: Stage) -> int:
    with stage.database.session(read_only=True) as session:
        return session.execute(select(func.count()).where(inbox.c.state == "received")).scalar_one()


def _count(stage: Stage, column: Column[int]) -> int:
    with stage.database.session(read_only=True) as session:
        return session.execute(select(func.count(column))).scalar_one()


def _check(one: int, other: int, what: str, also: str) -> None:
    if one != other:
        raise RuntimeError(f"{one} messages were {what}, but {other} were {also}")


def _wait_until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {PATIENCE_SECONDS:.0f} s for {what}")
        time.sleep(LOOK_SECONDS)
