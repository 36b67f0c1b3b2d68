"""The house as real processes that can be killed, and the district that reports to it. For the chaos tests."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Self
from urllib.parse import quote

from redis import Redis
from redis.exceptions import RedisError

from gateway.store import areas, facilities, reporters
from gateway.store.areas import Area
from gateway.store.base import Database
from gateway.store.facilities import NewFacility
from gateway.supervise import find_server_program, start_leashed
from tests.gateway.channels.provider import Provider

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 300.0  # then a test that waits in vain fails, and says for what
LOOK_SECONDS = 0.05
SECRET = "generic-secret-canary-5b8e1f"
_never = threading.Event()


def pause(seconds: float) -> None:
    """Let the other processes go on for a moment: load and faults have a pace. Nothing is awaited in this way."""
    _never.wait(seconds)


def wait_until(holds: Callable[[], bool], what: str, meanwhile: Callable[[], object] = lambda: None) -> None:
    """Look again and again until something holds, doing something meanwhile; fail when patience ends."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"waited {PATIENCE_SECONDS:.0f} seconds in vain: {what}"
        meanwhile()
        pause(LOOK_SECONDS)


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class House:
    """Every process of the house, each writing to a log of its own; what dies is started again by `tend`.

    Start them from the main thread: they die with the thread that started them.
    """

    def __init__(self, folder: Path, database_url: str, provider: Provider, **settings: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.redis_socket = folder / "v.sock"
        self.redis_url = f"unix://{quote(str(self.redis_socket))}"
        self.database_url = database_url
        given = {
            "var": str(folder),
            "database_url": database_url,
            "redis_url": self.redis_url,
            "port": str(self.port),
            "channels": "generic",
            "generic_secrets": SECRET,
            "generic_send_url": provider.url,
            "generic_send_token": provider.token,
            "generic_send_idempotent": "yes" if provider.is_idempotent else "no",
            "generic_per_second": "1000",
            "answers_per_hour": "100000",
            "log": "json",
        }
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        self.environ = kept | {f"KABAR_{name}".upper(): value for name, value in (given | settings).items()}
        self.commands: dict[str, tuple[str, ...]] = {"valkey": self._valkey()}
        for name, words in {
            "web": ("web",),
            "inbound1": ("work", "inbound"),
            "inbound2": ("work", "inbound"),
            "outbound": ("work", "outbound"),
            "errands": ("work", "errands"),
            "clock": ("clock",),
        }.items():
            self.commands[name] = (sys.executable, "-m", "gateway.cli", *words)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.restarts = 0

    def _valkey(self) -> tuple[str, ...]:
        """A queue server that keeps nothing: killed, it has forgotten everything."""
        program = find_server_program(self.environ.get("PATH", os.defpath))
        assert program, "there is no queue server to kill"
        options = {"--port": "0", "--unixsocket": str(self.redis_socket), "--save": "", "--appendonly": "no"}
        return (program, *(word for option in options.items() for word in option), "--dir", str(self.folder))

    def __enter__(self) -> Self:
        self.start("valkey")
        wait_until(self.hears_bells, "the queue server")
        for name in self.commands:
            if name != "valkey":
                self.start(name)
        wait_until(self.is_ready, "the house is ready", self.tend)
        return self

    def __exit__(self, *_fault: object) -> None:
        for name in list(self._running):
            self.kill(name)

    def start(self, name: str) -> None:
        """Start a process; what it writes is added to its log."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = start_leashed(self.commands[name], self.environ_of(name), ROOT, log)

    def environ_of(self, name: str) -> dict[str, str]:
        """Return what a process is started with."""
        return self.environ

    def send_signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a process and its children."""
        with suppress(ProcessLookupError):
            os.killpg(self._running[name].pid, number)

    def leader(self, name: str) -> int:
        """Return the number of a process that runs; its group has the same."""
        return self._running[name].pid

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """End a process and its children at once, as a power cut would, or ask it to stop."""
        process = self._running.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        process.wait(PATIENCE_SECONDS)

    def tend(self) -> None:
        """Start again what is not running."""
        for name in self.commands:
            process = self._running.get(name)
            if process is None or process.poll() is not None:
                self.restarts += 1
                self.start(name)

    def hears_bells(self) -> bool:
        """Return whether the queue server answers."""
        with Redis.from_url(self.redis_url, socket_timeout=1) as redis, suppress(RedisError):
            return bool(redis.ping())
        return False

    def is_ready(self) -> bool:
        """Return whether everything works, by the house's own word."""
        return self.call("GET", "/readyz") == 200

    def call(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> int:
        """Return the status of an answer, 0 where none came."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            response.read()
            return response.status
        except (OSError, HTTPException):
            return 0
        finally:
            connection.close()

    def logs(self) -> dict[str, str]:
        """Return what each process wrote."""
        return {path.stem: path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log"))}


def phone_of(number: int) -> str:
    """Return the number of one of the district's phones."""
    return f"+62812300{number:05d}"


def make_practices(database: Database, count: int) -> dict[int, int]:
    """Make a district of so many practices with two phones each, and return their ids by phone number.

    Phones 2n and 2n+1 belong to practice n.
    """
    with database.session() as session:
        areas.add_areas(session, [Area("14", None, "province", "Riau", "Asia/Jakarta")])
        places = [NewFacility(f"14030{n:04d}", f"PMB {n}", f"PMB{n}", "PMB", "14") for n in range(count)]
        ids = facilities.add_facilities(session, places)
        for n, facility_id in enumerate(ids):
            reporters.add_reporter(session, f"Bidan {n}", [phone_of(2 * n), phone_of(2 * n + 1)], [facility_id])
        session.commit()
    return {phone: ids[phone // 2] for phone in range(2 * count)}
