"""Those who take part in the country's evening: Kabar as it ships, the floor, and the plain design."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from bench import books, evening, measure, plain
from bench.evening import WARM, Message
from bench.measure import percentile
from bench.messages import Text
from bench.processes import Memory, cpu_seconds, family_of, memory_of
from bench.provider import Provider
from bench.stage import Databases, Stage
from gateway import jobs
from gateway.runtime import utc_now
from gateway.store.inbox import inbox
from tests.servers import ValkeyServer

LOOK_SECONDS = 0.05
STILL_SECONDS = 60.0  # nothing more was answered for so long: it never will be
WARM_PER_SECOND = 10


@dataclass(frozen=True, slots=True)
class Result:
    """What one contender did. Units: messages a second, milliseconds, megabytes; `cpu` is ms a message by process."""

    per_second: float
    answer: tuple[float, float] = (0.0, 0.0)  # the median and the 99th percentile, as the next
    webhook: tuple[float, float] = (0.0, 0.0)
    cpu: dict[str, float] = field(default_factory=dict)
    memory: dict[str, Memory] = field(default_factory=dict)

    @property
    def cpu_ms(self) -> float:
        """The processor's time that a message took in all processes together."""
        return sum(self.cpu.values())


@dataclass(frozen=True, slots=True)
class Ground:
    """What all contenders stand on."""

    databases: Databases
    valkey: ValkeyServer
    connections: int
    senders: int  # workers of the queue `outbound`


def time_kabar(
    stage: Stage,
    ground: Ground,
    provider: Provider,
    messages: Sequence[Message],
    workers: int,
    seed: int,
    per_second: float | None = None,
) -> Result:
    """Let Kabar have its evening: everything is received, read, judged, stored, and answered to the provider."""
    measure.start_workers(stage, "kabar", workers)
    stage.start_workers(ground.senders, jobs.OUTBOUND, "-m", "gateway.cli", "work", jobs.OUTBOUND)
    stage.start_workers(1, jobs.ERRANDS, "-m", "gateway.cli", "work", jobs.ERRANDS)
    stage.start_web()
    stage.start("-m", "gateway.cli", "clock")
    first_warm = max(one.midwife for one in messages) + 1
    warm = [one.text for one in evening.write_messages(first_warm, WARM, utc_now(), seed)]
    finish(_send(stage, ground, warm, WARM_PER_SECOND))
    _wait_for_answers(stage, provider, WARM)
    before = _use(stage, ground)
    requests = evening.with_repeats(list(messages), seed)
    sender = _send(stage, ground, requests, per_second)
    _wait_for_answers(stage, provider, WARM + len(messages))
    done = finish(sender)
    used = {name: seconds - before.get(name, 0.0) for name, seconds in _use(stage, ground).items()}
    ledger = provider.ledger()
    everything = [*messages, *evening.write_messages(first_warm, WARM, utc_now(), seed)]
    acknowledged = {one["id"] for one in done} | {one.provider_id for one in warm}
    if faults := list(books.find_faults(stage.database, everything, acknowledged, ledger)):
        raise RuntimeError("the books do not agree:\n" + "\n".join(faults))
    answered = books.find_answers(stage.database, ledger)
    sent = _first_sent(done)
    spans = [answered[key] - sent[key] for key in sent]
    return Result(
        len(sent) / (max(answered[key] for key in sent) - min(sent.values())),
        _middle_and_tail(spans),
        _middle_and_tail([one["answered_at"] - one["sent_at"] for one in done]),
        {name: seconds * 1000 / len(sent) for name, seconds in used.items()},
        {name: memory_of(family_of_all(pids)) for name, pids in _pids(stage, ground).items()},
    )


def time_floor(stage: Stage, ground: Ground, messages: Sequence[Message], seed: int) -> Result:
    """Let the same web server only insert what comes."""
    stage.start_web("bench.floor:start_bare_app()")
    before = _use(stage, ground)
    done = finish(_send(stage, ground, evening.with_repeats(list(messages), seed), None))
    used = {name: seconds - before.get(name, 0.0) for name, seconds in _use(stage, ground).items()}
    sent = _first_sent(done)
    span = max(one["answered_at"] for one in done) - min(sent.values())
    return Result(
        len(sent) / span,
        webhook=_middle_and_tail([one["answered_at"] - one["sent_at"] for one in done]),
        cpu={name: seconds * 1000 / len(sent) for name, seconds in used.items()},
    )


def time_plain(stage: Stage, ground: Ground, messages: Sequence[Message], workers: int) -> Result:
    """Let a forked job handle each message. Its answers are stored and not even sent."""
    stage.start_workers(workers, plain.QUEUE, "-m", "bench.plain")
    stage.start_web("bench.plain:start_app()")
    before = _use(stage, ground)
    done = finish(_send(stage, ground, [one.text for one in messages], None))
    until = time.monotonic() + STILL_SECONDS + len(messages)
    while _count_received(stage):
        stage.check()
        if time.monotonic() > until:
            raise RuntimeError("the plain design did not come to an end")
        time.sleep(LOOK_SECONDS)
    ended = time.monotonic()
    used = {name: seconds - before.get(name, 0.0) for name, seconds in _use(stage, ground).items()}
    return Result(
        len(messages) / (ended - min(one["sent_at"] for one in done)),
        webhook=_middle_and_tail([one["answered_at"] - one["sent_at"] for one in done]),
        cpu={name: seconds * 1000 / len(messages) for name, seconds in used.items()},
    )


def finish(sender: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """Return what became of each request. Errors: RuntimeError when one was not acknowledged."""
    out, _ = sender.communicate()
    done: list[dict[str, Any]] = json.loads(out)
    if refused := [one for one in done if one["status"] != 200]:
        raise RuntimeError(f"{len(refused)} of {len(done)} requests were refused, the first with {refused[0]}")
    return done


def family_of_all(pids: Sequence[int]) -> list[int]:
    """Return processes and all that live below them."""
    return [one for pid in pids for one in family_of(pid)]


def _send(stage: Stage, ground: Ground, texts: Sequence[Text], per_second: float | None) -> subprocess.Popen[str]:
    return stage.send(
        texts,
        seconds=24 * 3600,
        per_second=per_second,
        connections=ground.connections,
        write=evening.write_request,
    )


def _wait_for_answers(stage: Stage, provider: Provider, count: int) -> None:
    """Wait until the provider was given so many. Errors: RuntimeError when no more come, or a process has ended."""
    seen, since = provider.count(), time.monotonic()
    while seen < count:
        time.sleep(LOOK_SECONDS)
        stage.check()
        now = provider.count()
        if now > seen:
            since = time.monotonic()
        elif time.monotonic() - since > STILL_SECONDS:
            raise RuntimeError(f"{seen} of {count} answers came, and then none for {STILL_SECONDS:.0f} s")
        seen = now


def _pids(stage: Stage, ground: Ground) -> dict[str, list[int]]:
    database = [ground.databases.pid] if ground.databases.pid else []
    return stage.pids | ({"postgresql": database} if database else {}) | {"valkey": [ground.valkey.pid]}


def _use(stage: Stage, ground: Ground) -> dict[str, float]:
    return {name: sum(map(cpu_seconds, pids)) for name, pids in _pids(stage, ground).items()}


def _first_sent(done: Sequence[dict[str, Any]]) -> dict[str, float]:
    sent: dict[str, float] = {}
    for one in done:
        sent[one["id"]] = min(one["sent_at"], sent.get(one["id"], one["sent_at"]))
    return sent


def _middle_and_tail(seconds: Sequence[float]) -> tuple[float, float]:
    return percentile(seconds, 0.5) * 1000, percentile(seconds, 0.99) * 1000


def _count_received(stage: Stage) -> int:
    with stage.database.session(read_only=True) as session:
        return session.execute(select(func.count()).where(inbox.c.state == "received")).scalar_one()
