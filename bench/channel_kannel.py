"""Messages through a real Kannel to Kabar's web server, beside Kannel to a server that only says yes; answers back."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from shutil import which
from urllib.request import urlopen

import structlog
from sqlalchemy import func, select

from bench import messages
from bench.channels import Row, send_queued
from bench.stage import ROOT
from gateway.runtime import Runtime, make_runtime
from gateway.settings import read_settings
from gateway.store import schema
from gateway.store.inbox import inbox
from gateway.supervise import is_port_free, start_leashed
from tests.gateway.channels.standin import Reply, Seen, StandIn
from tests.peers.kannel import PASSWORD, SECRET, Kannel, Line, line_of
from tests.servers import ValkeyServer

ADAPTER = "kannel"
STEP_SECONDS = 0.01


class Yes(StandIn):
    """A receiver that keeps nothing, at Kabar's place."""

    def __init__(self, kannel: Kannel) -> None:
        super().__init__(kannel.kabar_port)

    def answer(self, seen: Seen) -> Reply:
        """Say that it is kept."""
        return Reply(200, b"", {"Content-Type": "text/plain"})


def measure(count: int, tell: Callable[[str], None]) -> Iterator[Row]:
    """Measure the way in, then the way out, on SQLite; nobody handles what comes in."""
    if which("bearerbox") is None:
        tell("there is no Kannel: apt install kannel")
        return
    with tempfile.TemporaryDirectory(prefix="kabar-bench-") as written:
        folder = Path(written)
        tell("messages in, to a receiver that keeps nothing")
        with _kannel(folder / "bare") as (kannel, line), Yes(kannel) as yes:
            floor = _bring(line, count, lambda: len(yes.seen))
        tell("messages in")
        with _kannel(folder / "kannel") as (kannel, line), _web(folder, kannel) as runtime:
            mine = _bring(line, count, lambda: _count_kept(runtime))
            yield Row(ADAPTER, "in", "by get-url, kept and committed", mine, floor, "Kannel to a bare receiver")
            tell("answers out")
            alone = _send_bare(kannel, count)
            what = "answers handed over, receipts taken meanwhile"
            yield Row(
                ADAPTER, "out", what, send_queued(runtime, ADAPTER, count), alone, "one bare client of sendsms, in turn"
            )


@contextmanager
def _kannel(folder: Path) -> Iterator[tuple[Kannel, Line]]:
    folder.mkdir()
    with Kannel(folder) as kannel, line_of(kannel) as line:
        yield kannel, line


def _bring(line: Line, count: int, has_come: Callable[[], int]) -> float:
    """Return how many messages a second come through."""
    started = time.monotonic()
    for number in range(count):
        line.write(messages.phone_of(number % 1000), "text", f"KB 0925 AKTIF {number}")
    while has_come() < count:
        time.sleep(STEP_SECONDS)
    return count / (time.monotonic() - started)


@contextmanager
def _web(folder: Path, kannel: Kannel) -> Iterator[Runtime]:
    """Kabar's web server behind Kannel, as it runs."""
    valkey = ValkeyServer(folder)
    valkey.start()
    ours = {
        "KABAR_VAR": str(folder),
        "KABAR_REDIS_URL": valkey.url,
        "KABAR_PORT": str(kannel.kabar_port),
        "KABAR_LOG": "json",
        "KABAR_CHANNELS": ADAPTER,
    } | {f"KABAR_KANNEL_{name.upper()}": value for name, value in kannel.options.items()}
    settings = read_settings(ours)
    schema.upgrade(settings.database)
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # a line for each is written, to nowhere
    environ = {name: value for name, value in os.environ.items() if not name.startswith("KABAR_")} | ours
    with (folder / "web.log").open("ab") as log:
        server = start_leashed([sys.executable, "-m", "gateway.cli", "web"], environ, ROOT, log)
    try:
        while is_port_free("127.0.0.1", kannel.kabar_port):
            time.sleep(STEP_SECONDS)
        urlopen(f"http://127.0.0.1:{kannel.kabar_port}/healthz").close()  # it listens before it is loaded
        yield make_runtime(settings)
    finally:
        server.terminate()
        server.wait()
        valkey.kill()


def _count_kept(runtime: Runtime) -> int:
    with runtime.database.session(read_only=True) as session:
        return int(session.execute(select(func.count()).select_from(inbox)).scalar_one())


def _send_bare(kannel: Kannel, count: int) -> float:
    """Return how many messages a second smsbox takes from a client that does nothing else, receipts asked for."""
    line = HTTPConnection("127.0.0.1", kannel.send_port)
    headers = {
        "Content-Type": "text/plain; charset=UTF-8",
        "X-Kannel-Username": "kabar",
        "X-Kannel-Password": PASSWORD,
        "X-Kannel-To": "+6281230000001",
        "X-Kannel-Coding": "0",
        "X-Kannel-DLR-Mask": "31",
        "X-Kannel-DLR-Url": f"http://kabar:{SECRET}@127.0.0.1:{kannel.kabar_port}/in/kannel/status?ref=bare&status=%d",
    }
    started = time.monotonic()
    for _ in range(count):
        line.request("POST", "/cgi-bin/sendsms", "KB", headers)
        answer = line.getresponse()
        assert (answer.status, bool(answer.read())) == (202, True)
    return count / (time.monotonic() - started)
