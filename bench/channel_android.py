"""A phone's webhooks in, beside the same web server that only inserts; its REST API out, beside a bare client of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from datetime import datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path

import structlog

from bench import messages
from bench.channels import Row, send_queued
from bench.stage import ROOT
from gateway.runtime import make_runtime, utc_now
from gateway.settings import read_settings
from gateway.store import schema
from gateway.supervise import start_leashed
from tests.chaos.harness import free_port
from tests.gateway.channels.phone import DEVICE, PASSWORD, SIGNING_KEY, USER, Phone, received, sign
from tests.servers import ValkeyServer

ADAPTER = "android"
FLOOR = ("-m", "gunicorn", "bench.floor:start_app()", "--worker-class", "gthread", "--log-level", "warning")
STEP_SECONDS = 0.02


def measure(count: int, tell: Callable[[str], None]) -> Iterator[Row]:
    """Measure the way in, then the way out, on SQLite; nobody handles what comes in."""
    with tempfile.TemporaryDirectory(prefix="kabar-bench-") as written, Phone() as phone:
        folder = Path(written)
        valkey = ValkeyServer(folder)
        valkey.start()
        try:
            ours = _settings(folder, valkey.url, phone)
            tell("webhooks in, the floor")
            floor = _take(ours, FLOOR, [_plain(number) for number in range(count)])
            tell("webhooks in")
            mine = _take(ours, ("-m", "gateway.cli", "web"), [_signed(number, utc_now()) for number in range(count)])
            yield Row(ADAPTER, "in", "signed webhooks, kept and committed", mine, floor, "the same server, one insert")
            tell("messages out")
            alone = _send_bare(phone, count)
            yield Row(ADAPTER, "out", "answers handed over", _send(ours, count), alone, "one bare client, in turn")
        finally:
            valkey.kill()


def _settings(folder: Path, redis_url: str, phone: Phone) -> dict[str, str]:
    return {
        "KABAR_VAR": str(folder),
        "KABAR_REDIS_URL": redis_url,
        "KABAR_PORT": str(free_port()),
        "KABAR_LOG": "json",
        "KABAR_CHANNELS": "android",
        "KABAR_ANDROID_SIGNING_KEYS": SIGNING_KEY,
        "KABAR_ANDROID_USER": USER,
        "KABAR_ANDROID_PASSWORD": PASSWORD,
        "KABAR_ANDROID_API_URL": phone.api,
        "KABAR_ANDROID_PER_SECOND": "1000",
    }


def _take(ours: dict[str, str], command: Sequence[str], requests: list[tuple[str, dict[str, str], bytes]]) -> float:
    """Return how many requests a second a fresh server takes over some connections."""
    folder, port = Path(ours["KABAR_VAR"]), ours["KABAR_PORT"]
    settings = read_settings(ours)
    schema.upgrade(settings.database)
    workers = ["--workers", str(settings.web_processes), "--threads", str(settings.web_threads)]
    more = ["--bind", f"127.0.0.1:{port}", *workers, "--no-control-socket"] if command is FLOOR else []
    environ = {name: value for name, value in os.environ.items() if not name.startswith("KABAR_")} | ours
    with (folder / "web.log").open("ab") as log:
        server = start_leashed([sys.executable, *command, *more], environ, ROOT, log)
    try:
        while not _is_listening(int(port)):
            time.sleep(STEP_SECONDS)
        raw = [{"id": str(number), "raw": _as_text(port, *one)} for number, one in enumerate(requests)]
        plan = {"host": "127.0.0.1", "port": int(port), "connections": 16, "seconds": 60, "per_second": None}
        path = folder / "plan.json"
        path.write_text(json.dumps(plan | {"requests": raw}), encoding="utf-8")
        load = [sys.executable, "-m", "bench.load", str(path)]
        done: list[dict[str, float]] = json.loads(
            subprocess.run(load, cwd=ROOT, stdout=-1, text=True, check=True).stdout
        )
    finally:
        server.terminate()
        server.wait()
    assert [one["status"] for one in done] == [200] * len(requests), "not everything was taken"
    return len(done) / (max(one["answered_at"] for one in done) - min(one["sent_at"] for one in done))


def _signed(number: int, now: datetime) -> tuple[str, dict[str, str], bytes]:
    payload = received(messages.phone_of(number % 1000), f"KB 0925 AKTIF {number}", now - timedelta(seconds=number))
    event = {"id": f"e{number}", "webhookId": "w", "event": "sms:received", "deviceId": DEVICE, "payload": payload}
    body, stamp = json.dumps(event).encode(), str(int(now.timestamp()))
    headers = {"content-type": "application/json", "x-timestamp": stamp, "x-signature": sign(SIGNING_KEY, body, stamp)}
    return "/in/android/sms", headers, body


def _plain(number: int) -> tuple[str, dict[str, str], bytes]:
    sms = {"id": f"f{number}", "from": messages.phone_of(number % 1000), "text": f"KB 0925 AKTIF {number}"}
    return "/in/simulator/sms", {"content-type": "application/json"}, json.dumps(sms).encode()


def _as_text(port: str, path: str, headers: dict[str, str], body: bytes) -> str:
    all_headers = {"host": f"127.0.0.1:{port}", "content-length": str(len(body)), **headers}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in all_headers.items())]
    return "\r\n".join([*lines, "", body.decode()])


def _is_listening(port: int) -> bool:
    with suppress(OSError), closing(HTTPConnection("127.0.0.1", port, timeout=5)) as line:
        line.request("GET", "/healthz")
        return bool(line.getresponse().status)
    return False


def _send(ours: dict[str, str], count: int) -> float:
    """Return how many answers a second one worker hands over, each written down before and after."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # a line for each is written, to nowhere
    runtime = make_runtime(read_settings(ours))
    return send_queued(runtime, ADAPTER, count)


def _send_bare(phone: Phone, count: int) -> float:
    """Return how many messages a second the phone's API takes from a client that does nothing else."""
    line = HTTPConnection(phone.url.removeprefix("http://"))
    login = {"Authorization": "Basic cGV0dWdhczpwaG9uZS1wYXNzd29yZC0wMTIz", "Content-Type": "application/json"}
    started = time.monotonic()
    for number in range(count):
        message = {"id": f"bare{number}", "phoneNumbers": ["+628123"], "textMessage": {"text": "KB"}}
        line.request("POST", f"{phone.api_path}/messages", json.dumps(message), login)
        answer = line.getresponse()
        assert (answer.status, bool(answer.read())) == (202, True)
    return count / (time.monotonic() - started)
