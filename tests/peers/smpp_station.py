"""A district whose answers go out by SMPP, with the process's own threads here, or with the process itself."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from gateway.channels.smpp import Smpp
from gateway.runtime import Runtime
from gateway.store.base import Database
from gateway.store.outbox import outbox
from gateway.supervise import start_leashed
from gateway.values import lane_of
from tests.chaos.harness import ROOT, wait_until
from tests.district import NOON, PHONES, SILENT_REDIS, District, make_runtime
from tests.peers.smsc import Delivered, Smsc
from workers import inbound
from workers.smpp import Line

REPORT = "KB 0925 BARU 12 AKTIF 40 PIL 30"
ANI = PHONES["ani"].removeprefix("+")
BEGAN = time.monotonic()


class GoingRuntime(Runtime):
    """A gateway whose clock begins at the district's, and goes on: order is told by it."""

    def now(self) -> datetime:
        """Return the time in the district."""
        return NOON + timedelta(seconds=time.monotonic() - BEGAN)


class Station:
    """A district whose answers go out by SMPP, and the process's own threads for it, in this process."""

    def __init__(self, database: Database, folder: Path, smsc: Smsc, **options: str) -> None:
        given = make_runtime(
            database,
            folder,
            channels="smpp",
            channel_options={"smpp": smsc.options | options},
            answers_per_hour=1000,
        )
        self.district = District(given)
        self.smsc = smsc
        self.runtime = GoingRuntime(*(getattr(given, one.name) for one in fields(Runtime)))
        channel = self.runtime.channels["smpp"]
        assert isinstance(channel, Smpp)
        self.channel = channel
        self.stopped = threading.Event()

    def start(self) -> None:
        """Bind, and send what is due."""
        self.stopped = threading.Event()
        line = self.line = Line(self.runtime, self.channel, self.stopped)
        line.start()
        self.looker = threading.Thread(target=self._look)
        self.looker.start()

    def _look(self) -> None:
        while not self.stopped.wait(0.02):
            self.line.look()

    def stop(self) -> None:
        """Take leave."""
        if not self.stopped.is_set() and hasattr(self, "line"):
            self.stopped.set()
            self.line.join()
            self.looker.join()

    def ask(self, text: str = REPORT, number: str = ANI, **how: Any) -> Delivered:
        """Let a report come, be kept and be handled; its answer is queued."""
        message = self.smsc.deliver(number, text, **how)
        wait_until(message.done.is_set, "the report is acknowledged")
        self.handle()
        return message

    def handle(self) -> None:
        """Let what Ani sent be handled."""
        inbound.drain(self.district.runtime, lane_of(PHONES["ani"]))

    def rows(self, of: Any) -> list[Any]:
        """Return what is in the inbox or the outbox."""
        with self.district.database.session(read_only=True) as session:
            return list(session.execute(select(of).order_by(of.c.id)))

    def states(self) -> list[str]:
        """Return how the messages that are sent stand."""
        return [row.state for row in self.rows(outbox)]

    def await_states(self, *wanted: str) -> None:
        """Wait until they stand so."""
        wait_until(lambda: self.states() == list(wanted), f"{wanted}, and not {self.states()}")


@contextmanager
def process(station: Station, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run `./kabar smpp` itself."""
    settings = station.runtime.settings
    given = {f"smpp_{name}": value for name, value in settings.channel_options["smpp"].items()}
    given |= {"var": str(folder), "database_url": str(station.district.database.engine.url), "channels": "smpp"}
    given |= {"redis_url": SILENT_REDIS, "log": "json"}
    environ = {f"KABAR_{name}".upper(): value for name, value in given.items()} | {"PATH": os.environ["PATH"]}
    with (folder / "smpp.log").open("ab") as log:
        running = start_leashed((sys.executable, "-m", "gateway.cli", "smpp"), environ, ROOT, log)
    try:
        yield running
    finally:
        running.kill()
        running.wait()
