"""Start processes that die with this one: another program, or this very one, forked with all that it has loaded."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, BinaryIO, NoReturn, Protocol

LETS_GO_OF_FILES_FROM = 3  # standard input, output and error stay
SET_DEATH_SIGNAL, SET_NAME = 1, 15  # prctl(2), PR_SET_PDEATHSIG and PR_SET_NAME; only Linux has it

# Runs before the program: asks the kernel to stop it when its parent dies, however the parent dies. Not a preexec_fn,
# which is unsafe in a process with threads.
_LEASH = """
import ctypes, os, signal, sys
parent, *command = sys.argv[1:]
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
try:
    if os.getppid() == int(parent):
        os.execvp(command[0], command)
except OSError as error:
    sys.exit(f"{command[0]}: {error.strerror}")
"""


class Running(Protocol):
    """What a supervisor needs to know of a running process: of a `subprocess.Popen`, or of a fork."""

    pid: int
    returncode: int | None

    @property
    def stdout(self) -> IO[bytes] | None:
        """What it writes."""

    def poll(self) -> int | None:
        """Return how it ended, None while it runs."""

    def terminate(self) -> None:
        """Ask it to stop."""

    def wait(self) -> int:
        """Return how it ended, when it has."""


def start_leashed(
    command: Sequence[str],
    environ: Mapping[str, str],
    folder: Path,
    output: int | BinaryIO | None = subprocess.PIPE,
) -> subprocess.Popen[bytes]:
    """Start a program in its own process group, so that Ctrl-C reaches us alone; on Linux it dies when we do."""
    leashed = list(command)
    if sys.platform == "linux":
        leashed = [sys.executable, "-I", "-S", "-c", _LEASH, str(os.getpid()), *command]
    return subprocess.Popen(
        leashed,
        env=dict(environ),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        process_group=0,
    )


class Fork:
    """A process that is a fork of this one. It ends as `subprocess.Popen` says: below zero is a signal's number."""

    def __init__(self, pid: int, stdout: BinaryIO) -> None:
        self.pid = pid
        self.stdout = stdout
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return how it ended, None while it runs."""
        return self._look(os.WNOHANG)

    def wait(self) -> int:
        """Return how it ended, when it has."""
        ended = self._look(0)
        assert ended is not None
        return ended

    def terminate(self) -> None:
        """Ask it to stop."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)

    def _look(self, options: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, options)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


def fork_leashed(run: Callable[[], object], name: str, folder: Path) -> Fork:
    """Fork this process, which must have one thread only, and call `run` in the fork: what both have loaded is in
    memory once. `ps` shows it by its name. Like a started program it has its own process group and dies when we do.

    Errors: whatever `run` raises is written out, and the fork ends with 1; SystemExit ends it as it says.
    """
    read, write = os.pipe()
    gc.collect()
    gc.freeze()  # a collection in the fork would write to what is shared. Source: gc, "freeze"
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    try:
        pid = os.fork()
    except OSError:  # it is tried again and again, and would hold every file open in the end
        os.close(read)
        os.close(write)
        raise
    if pid == 0:
        _live(run, name, folder, write, parent)
    os.close(write)
    return Fork(pid, os.fdopen(read, "rb", buffering=0))


def _live(run: Callable[[], object], name: str, folder: Path, output: int, parent: int) -> NoReturn:
    """Be the fork. Nothing of the caller's goes on in it: no `finally`, no `atexit`, no file of its."""
    status = 1
    try:
        os.setpgid(0, 0)
        system = ctypes.CDLL(None)
        system.prctl(SET_DEATH_SIGNAL, signal.SIGTERM)
        system.prctl(SET_NAME, f"kabar {name}".encode())
        if os.getppid() == parent:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.closerange(LETS_GO_OF_FILES_FROM, os.sysconf("SC_OPEN_MAX"))
            os.chdir(folder)
            run()
            status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001  there is nobody above who could catch it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
