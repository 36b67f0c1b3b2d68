"""USSD: hops of whole report sessions a second, beside the same web server that does nothing but insert a row."""

from __future__ import annotations

import http.client
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench.channels import Row
from bench.messages import phone_of
from bench.stage import HOST, PORT, Databases, PostgresqlDatabases, SqliteDatabases, Stage, set_stage
from gateway.channels import simulator
from gateway.channels.ussd.simulator import write_hop
from gateway.redact import Secret
from gateway.store import inbox
from gateway.values import HttpRequest
from tests.servers import ValkeyServer

ADAPTER = "ussd"
PHONES = 8  # that dial at the same time
TYPED = ((), ("1",), ("1",), ("12",), ("40",), ("1",))  # form, month, two numbers, send


def measure(count: int, tell: Callable[[str], None]) -> Iterator[Row]:
    """Measure so many hops on each database."""
    sessions = max(PHONES, count // len(TYPED))
    with tempfile.TemporaryDirectory(prefix="kabar-") as folder:
        valkey = ValkeyServer(Path(folder))
        valkey.start()
        try:
            for databases in (SqliteDatabases(Path(folder)), PostgresqlDatabases(Path(folder))):
                yield from _measure_on(databases, Path(folder), valkey, sessions, tell)
        finally:
            valkey.stop()


def _measure_on(
    databases: Databases, folder: Path, valkey: ValkeyServer, sessions: int, tell: Callable[[str], None]
) -> Iterator[Row]:
    databases.prepare()
    try:
        with set_stage(folder, valkey, databases) as stage:
            secret = simulator.read_secret(stage.settings.var)
            stage.start_web()
            tell(f"{databases.name}: {sessions} sessions")
            ours, took = _run([_session(secret, number) for number in range(sessions)])
            assert _count_reports(stage) == sessions, "a report is missing"
        with set_stage(folder, valkey, databases) as stage:
            stage.start_web("bench.floor:start_app()")
            floor, _ = _run([_inserts(secret, number) for number in range(sessions)])
    finally:
        databases.remove()
    hops, reports = (statistics.quantiles(times, n=100) for times in (took, took[len(TYPED) - 1 :: len(TYPED)]))
    shown = f"{hops[49] * 1000:.0f} ms at p50, {hops[98] * 1000:.0f} at p99; the last one {reports[98] * 1000:.0f}"
    yield Row(ADAPTER, "in", f"hops, {databases.name} ({shown})", ours, floor, "inserts of one row")


def _run(sessions: Sequence[Sequence[HttpRequest]]) -> tuple[float, list[float]]:
    """Let the phones go through their sessions; return the requests a second, and how long each took, by session."""
    took: list[list[float]] = [[] for _ in sessions]

    def dial(first: int) -> None:
        line = http.client.HTTPConnection(HOST, PORT, timeout=30)
        for number in range(first, len(sessions), PHONES):
            for request in sessions[number]:
                began = time.perf_counter()
                line.request(request.method, request.path, request.body, dict(request.headers))
                answer = line.getresponse()
                body = answer.read()
                took[number].append(time.perf_counter() - began)
                assert answer.status == 200, body
        line.close()

    phones = [threading.Thread(target=dial, args=[first]) for first in range(PHONES)]
    began = time.perf_counter()
    for phone in phones:
        phone.start()
    for phone in phones:
        phone.join()
    passed = time.perf_counter() - began
    times = [one for session in took for one in session]
    return len(times) / passed, times


def _session(secret: Secret, number: int) -> list[HttpRequest]:
    """Return the hops of one midwife's report."""
    return [
        write_hop(secret, f"s{number}", phone_of(number), typed, is_first=not at, key=str(at))
        for at, typed in enumerate(TYPED)
    ]


def _inserts(secret: Secret, number: int) -> list[HttpRequest]:
    """Return as many requests, each of which inserts one row."""
    ids = [f"f{number}.{at}" for at in range(len(TYPED))]
    return [simulator.write_request(secret, one, phone_of(number), json.dumps(TYPED)) for one in ids]


def _count_reports(stage: Stage) -> int:
    with stage.database.session(read_only=True) as session:
        return inbox.count_by_state(session).get("done", 0)
