"""A PostgreSQL of its own for a chaos run, which may be killed and stopped."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gateway.store import schema
from tests.chaos.harness import pause
from tests.servers import PostgresServer


class Postgres:
    """A server that writes to the disk as it must, with one migrated database."""

    def __init__(self) -> None:
        self._server = PostgresServer(is_durable=True)
        self._server.start()
        self._server.execute('CREATE DATABASE "kabar"')
        self.url = self._server.url("kabar")
        schema.upgrade(self.url)

    def strike(self) -> None:
        """Kill the postmaster: its backends notice, and the one that is started again recovers."""
        self._server.kill()
        self._server.start()

    def strike_backend(self, chance: random.Random) -> None:
        """Kill one backend; the postmaster then ends all others, and recovers."""
        if backends := [one for one in self._processes() if b"postgres: kabar kabar" in _command(one)]:
            with suppress(ProcessLookupError):
                os.kill(chance.choice(backends), signal.SIGKILL)

    def freeze_all(self, seconds: float) -> None:
        """Let the whole server hang."""
        frozen = self._processes()
        for one in frozen:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGSTOP)
        pause(seconds)
        for one in frozen:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGCONT)

    def remove(self) -> None:
        """Stop it and take it away."""
        self._server.remove()

    def _processes(self) -> list[int]:
        assert self._server._process is not None
        leader = self._server._process.pid
        with suppress(OSError):
            listed = Path(f"/proc/{leader}/task/{leader}/children").read_text()
            return [leader, *(int(number) for number in listed.split())]
        return []


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Start one, and take it away at the end."""
    server = Postgres()
    try:
        yield server
    finally:
        server.remove()


def _command(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""
