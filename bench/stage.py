"""The stage of a measurement: a queue server, a database with its midwives, and the processes that are measured."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis

from bench import messages
from bench.messages import Text
from gateway.channels import simulator
from gateway.runtime import utc_now
from gateway.settings import Settings, read_settings
from gateway.store import schema
from gateway.store.base import Database, Session
from gateway.supervise import start_leashed
from gateway.values import HttpRequest
from tests.servers import PostgresServer, ValkeyServer

ROOT = Path(__file__).resolve().parents[1]
HOST = "127.0.0.1"
FOREIGN = ("KABAR_", "DATABASE_URL", "REDIS_URL", "PORT")  # settings of whoever measures are not what is measured
STEP_SECONDS = 0.02
STOPPING_SECONDS = 10.0
PATIENCE_SECONDS = 120.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


PORT = _free_port()  # chosen once for a run: two measurements may stand side by side


def fill_district(session: Session) -> None:
    """Put a district and its midwives into an empty database."""
    messages.fill(session, utc_now())


class Databases(ABC):
    """One kind of database: a filled one as the template, and copies of it."""

    name: str

    def __init__(self, folder: Path, fill: Callable[[Session], None] = fill_district) -> None:
        self._folder = folder
        self._fill = fill

    def remove(self) -> None:  # noqa: B027  a file goes with its folder
        """Take everything away."""

    @abstractmethod
    def prepare(self) -> None:
        """Make the template."""

    @abstractmethod
    def new(self) -> AbstractContextManager[str]:
        """Hand out the address of a copy, as a context that takes it away again."""

    @property
    def pid(self) -> int | None:
        """The process that is the database, where it is one."""
        return None

    def _make(self, url: str) -> None:
        schema.upgrade(url)
        database = Database(url)
        with database.session() as session:
            self._fill(session)
            session.commit()
        database.dispose()


class SqliteDatabases(Databases):
    """SQLite files, as Kabar opens them: WAL, synchronous=FULL."""

    name = "SQLite"

    def prepare(self) -> None:
        """Make the template."""
        self._make(f"sqlite:///{self._folder / 'template.db'}")

    @contextmanager
    def new(self) -> Iterator[str]:
        """Hand out a copy of the template."""
        path = self._folder / "measured.db"
        shutil.copy(self._folder / "template.db", path)
        try:
            yield f"sqlite:///{path}"
        finally:
            for leftover in self._folder.glob("measured.db*"):
                leftover.unlink()


class PostgresqlDatabases(Databases):
    """A PostgreSQL server of our own with fsync, on a unix socket; as root it runs as an unprivileged user."""

    name = "PostgreSQL"

    def __init__(self, folder: Path, fill: Callable[[Session], None] = fill_district) -> None:
        super().__init__(folder, fill)
        self._server = PostgresServer(is_durable=True)

    def prepare(self) -> None:
        """Start the server and make the template."""
        self._server.start()
        self._server.execute('CREATE DATABASE "template_bench"')
        self._make(self._server.url("template_bench"))
        self._server.execute("CHECKPOINT")

    @property
    def pid(self) -> int | None:
        """The server's first process."""
        return self._server.pid

    def remove(self) -> None:
        """Stop the server and take its folder away."""
        self._server.remove()

    @contextmanager
    def new(self) -> Iterator[str]:
        """Hand out a copy of the template."""
        with self._server.new_database("template_bench") as url:
            yield url


KINDS: Mapping[str, type[Databases]] = {"sqlite": SqliteDatabases, "postgresql": PostgresqlDatabases}


@contextmanager
def start_queue_server() -> Iterator[tuple[Path, ValkeyServer]]:
    """Start a queue server, and hand it out with a folder for this measurement; both go, however it ends."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="kabar-bench-") as name:
        valkey = ValkeyServer(Path(name))
        valkey.start()
        try:
            yield Path(name), valkey
        finally:
            valkey.stop()


@contextmanager
def prepare_databases(kind: str, folder: Path) -> Iterator[Databases]:
    """Make the template of one of `KINDS`, and take all of it away at the end."""
    databases = KINDS[kind](folder)
    try:
        databases.prepare()
        yield databases
    finally:
        databases.remove()


@dataclass
class Stage:
    """What the processes of one measurement share. `database` is ours, to look at what theirs do."""

    folder: Path
    url: str
    redis: Redis
    database: Database
    environ: dict[str, str]
    settings: Settings
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    pids: dict[str, list[int]] = field(default_factory=dict)  # by what a process does

    def start_web(self, app: str = "") -> None:
        """Start the web server with Kabar's application, or with another on the very same server."""
        if app:
            settings = self.settings
            command = [
                *("-m", "gunicorn", app, "--worker-class", "gthread", "--bind", f"{HOST}:{PORT}"),
                *("--workers", str(settings.web_processes), "--threads", str(settings.web_threads)),
                *("--no-control-socket", "--limit-request-line", "8190", "--log-level", "warning"),
            ]
        else:
            command = ["-m", "gateway.cli", "web"]
        self._start("web", command)
        self._wait_until(is_listening, "the web server")

    def start_workers(self, count: int, queue: str, *command: str) -> None:
        """Start workers of a queue, and wait until they wait for jobs."""
        for _ in range(count):
            self._start(queue, command)
        self._wait_until(lambda: self.redis.scard(f"rq:workers:{queue}") == count, f"{count} workers of {queue}")

    def start(self, *command: str) -> None:
        """Start another process; nobody waits for it."""
        self._start(command[-1], command)

    def stop(self) -> None:
        """Stop every process."""
        for process in self.running:
            process.terminate()
        for process in self.running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOPPING_SECONDS)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.running.clear()
        self.pids.clear()

    def send(
        self,
        texts: Sequence[Text],
        *,
        seconds: float,
        per_second: float | None = None,
        connections: int = 16,
        write: Callable[[Text], HttpRequest] | None = None,
    ) -> subprocess.Popen[str]:
        """Let a provider's process send these texts, by the simulator unless told; its output is what `load` writes."""
        write = write or self._as_phone()
        requests = ((one.provider_id, write(one)) for one in texts)
        return start_load(self.folder, requests, per_second, connections, seconds)

    def check(self) -> None:
        """Raise RuntimeError with the last words when a process has ended."""
        if any(process.poll() is not None for process in self.running):
            words = (self.folder / "processes.log").read_text(errors="replace")[-2000:]
            raise RuntimeError(f"a process ended:\n{words}")

    def _as_phone(self) -> Callable[[Text], HttpRequest]:
        secret = simulator.read_secret(self.settings.var)
        return lambda one: simulator.write_request(secret, one.provider_id, one.sender, one.text)

    def _start(self, kind: str, command: Sequence[str]) -> None:
        with (self.folder / "processes.log").open("ab") as log:
            self.running.append(start_leashed([sys.executable, *command], self.environ, ROOT, log))
        self.pids.setdefault(kind, []).append(self.running[-1].pid)

    def _wait_until(self, is_so: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_so():
            if time.monotonic() > deadline or any(process.poll() is not None for process in self.running):
                words = (self.folder / "processes.log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{what} did not come up:\n{words}")
            time.sleep(STEP_SECONDS)


@contextmanager
def set_stage(
    folder: Path, valkey: ValkeyServer, databases: Databases, more: Mapping[str, str] | None = None
) -> Iterator[Stage]:
    """Hand out a fresh database, an empty queue server and nothing running; stop what was started at the end."""
    valkey.empty()
    with databases.new() as url, tempfile.TemporaryDirectory(dir=folder) as own:
        ours = {
            "KABAR_VAR": str(folder / "var"),
            "KABAR_DATABASE_URL": url,
            "KABAR_REDIS_URL": valkey.url,
            "KABAR_HOST": HOST,
            "KABAR_PORT": str(PORT),
            "KABAR_LOG": "json",
            **(more or {}),
        }
        environ = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)} | ours
        database = Database(url)
        stage = Stage(
            folder=Path(own),
            url=url,
            redis=Redis.from_url(valkey.url),
            database=database,
            environ=environ,
            settings=read_settings(ours),
        )
        try:
            yield stage
        finally:
            stage.stop()
            database.dispose()
            stage.redis.close()


def start_load(
    folder: Path,
    requests: Iterable[tuple[str, HttpRequest]],
    per_second: float | None,
    connections: int = 16,
    seconds: float = 3600.0,
) -> subprocess.Popen[str]:
    """Start a provider's process that sends these requests, each with its message's id, and stops after some time."""
    plan = {"host": HOST, "port": PORT, "connections": connections, "seconds": seconds, "per_second": per_second}
    path = folder / "plan.json"
    written = [{"id": key, "raw": _as_bytes(request)} for key, request in requests]
    path.write_text(json.dumps(plan | {"requests": written}), encoding="utf-8")
    return subprocess.Popen([sys.executable, "-m", "bench.load", str(path)], cwd=ROOT, stdout=-1, text=True)


def is_listening() -> bool:
    """Return whether the web server answers, whatever it says."""
    line = http.client.HTTPConnection(HOST, PORT, timeout=5)
    try:
        line.request("GET", "/healthz")
        line.getresponse().read()
    except OSError:
        return False
    finally:
        line.close()
    return True


def _as_bytes(request: HttpRequest) -> str:
    headers = {"host": f"{HOST}:{PORT}", "content-length": str(len(request.body)), **request.headers}
    lines = [f"{request.method} {request.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", request.body.decode()])
