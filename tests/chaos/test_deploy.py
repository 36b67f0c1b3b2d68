"""A deploy while messages come: no connection is refused, none is cut off, and nothing acknowledged is lost."""

from __future__ import annotations

import os
import random
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from gateway.store.base import Database
from tests.chaos.brownout import MoodyProvider
from tests.chaos.checker import find_faults
from tests.chaos.deploy import restart_everything
from tests.chaos.harness import ROOT, make_practices, wait_until
from tests.chaos.run import traffic
from tests.chaos.traffic import PRACTICES, Ledger
from tests.chaos.world import World, read_evidence

AFTERWARDS = 20  # messages that are acknowledged after a restart

# Does what systemd does for a service with a socket: the listening socket is descriptor 3, and the process is told so.
# Source: sd_listen_fds(3).
_HAND_OVER = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
parent, door, *command = sys.argv[1:]
os.dup2(int(door), 3)
os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
if os.getppid() == int(parent):
    os.execvp(command[0], command)
"""


class SocketWorld(World):
    """A world whose web server is given its socket, and may be stopped and started while others hold it."""

    def listen(self) -> None:
        """Open the door; it stays open until the test ends."""
        self.door = socket.create_server(("127.0.0.1", self.port), backlog=512)

    def start(self, name: str) -> None:
        """Start a process, the web server with the open door in its hand."""
        if name != "web":
            super().start(name)
            return
        file = self.door.fileno()
        command = [sys.executable, "-c", _HAND_OVER, str(os.getpid()), str(file), *self.commands[name]]
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                command,
                env=self.environ_of(name),
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(file,),
                process_group=0,
            )


@contextmanager
def opened(world: type[World], database: Database, folder: Path) -> Iterator[tuple[World, Ledger, Callable[[], None]]]:
    """Open a world with messages coming in; at the end everything is checked."""
    seed, ledger = secrets.token_hex(4), Ledger()
    url = database.engine.url.render_as_string(hide_password=False)
    with ExitStack() as stack:
        places = make_practices(database, PRACTICES)
        provider = stack.enter_context(MoodyProvider(random.Random(seed)))
        house = world(folder, url, provider)
        if isinstance(house, SocketWorld):
            house.listen()
            stack.callback(house.door.close)
        stack.enter_context(house)

        def go_on() -> None:
            goal = len(ledger.acknowledged) + AFTERWARDS
            wait_until(lambda: len(ledger.acknowledged) >= goal, "messages are acknowledged", house.tend)

        with traffic(house, ledger, seed, house.tend):
            yield house, ledger, go_on
        house.settle(database)
        print(f"seed {seed}: {len(ledger.acknowledged)} acknowledged, answers {dict(ledger.answers)}")
        assert set(ledger.answers) == {"200"}, f"seed {seed}: somebody had to come again: {ledger.answers}"
        faults = find_faults(read_evidence(house, database, ledger, places))
        assert not faults, f"seed {seed}: {len(faults)} faults, the first: {faults[:10]}"


@pytest.mark.long
def test_a_rolling_restart_refuses_nobody_and_loses_nothing(
    database_url: str, open_database: Callable[[str], Database], tmp_path: Path
) -> None:
    with opened(World, open_database(database_url), tmp_path) as (world, _, go_on):
        restart_everything(world)
        go_on()


@pytest.mark.long
def test_a_web_server_whose_socket_others_hold_may_be_stopped_and_started(
    sqlite_url: str, open_database: Callable[[str], Database], tmp_path: Path
) -> None:
    with opened(SocketWorld, open_database(sqlite_url), tmp_path) as (world, _, go_on):
        world.signal_leader("web", signal.SIGTERM)
        world._running.pop("web").wait()
        world.start("web")
        go_on()
