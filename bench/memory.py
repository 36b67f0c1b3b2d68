"""How much memory the whole of Kabar takes on one small machine, at rest and at work, as `kabar demo` runs it.

Run it as `python -m bench.memory`. Every process has its share of what several have in common, so that the shares add
up to what the machine gives.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import click
from sqlalchemy import func, select

from bench.messages import Text, write_texts
from bench.processes import Memory, family_of, memory_of, name_of
from bench.stage import FOREIGN, HOST, PORT, ROOT, is_listening, start_load
from gateway.channels import simulator
from gateway.runtime import utc_now
from gateway.store import users
from gateway.store.base import Database
from gateway.store.inbox import inbox
from gateway.store.reporters import reporter_phones
from gateway.supervise import start_leashed

AIM_MB = 300
REST_SECONDS = 20.0  # the demo's own first work is done by then
PATIENCE_SECONDS = 300.0
STEP_SECONDS = 0.1
PER_SECOND = 25
SCREENS = ("/", "/month", "/queue", "/reports", "/messages", "/calendar", "/facilities", "/reporters", "/channels")
ROUNDS = 10  # through the screens, while messages come in


@contextmanager
def running(folder: Path) -> Iterator[int]:
    """Run the demo in a folder, and hand out its first process when it serves."""
    ours = {"KABAR_VAR": str(folder), "KABAR_PORT": str(PORT), "KABAR_LOG": "json"}
    ours |= {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "131072"}  # as the launcher does
    environ = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)} | ours
    with (folder / "demo.log").open("wb") as log:
        process = start_leashed([sys.executable, "-m", "gateway.cli", "demo"], environ, ROOT, log)
    try:
        while not is_listening():
            if process.poll() is not None:
                raise RuntimeError((folder / "demo.log").read_text(errors="replace")[-2000:])
            time.sleep(STEP_SECONDS)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def look(pid: int) -> dict[str, Memory]:
    """Return the memory of each process by its name, that of the supervisor first."""
    found: dict[str, Memory] = {}
    for one in family_of(pid):
        name = "supervisor" if one == pid else name_of(one).removeprefix("kabar ")
        found[name] = found.get(name, Memory()) + memory_of([one])
    return found


def work(folder: Path, count: int) -> None:
    """Send messages and walk through the screens meanwhile, until all is handled."""
    database = Database(f"sqlite:///{folder / 'kabar.db'}")
    sender = _send(folder, database, count)
    _walk(database)
    sender.communicate()
    until = time.monotonic() + PATIENCE_SECONDS
    while _count_received(database):
        if time.monotonic() > until:
            raise RuntimeError("the messages were not handled in time")
        time.sleep(STEP_SECONDS)
    database.dispose()


def _send(folder: Path, database: Database, count: int) -> subprocess.Popen[str]:
    with database.session(read_only=True) as session:
        phones = list(session.execute(select(reporter_phones.c.phone).order_by(reporter_phones.c.phone)).scalars())
    secret = simulator.read_secret(folder)
    texts = write_texts(count, utc_now(), 1)
    given = [Text(one.provider_id, phones[place % len(phones)], one.text) for place, one in enumerate(texts)]
    requests = [simulator.write_request(secret, one.provider_id, one.sender, one.text) for one in given]
    return start_load(folder, zip((one.provider_id for one in given), requests, strict=True), PER_SECOND)


def _walk(database: Database) -> None:
    with database.session(read_only=True) as session:
        login = users.find_demo_users(session)[0].login
    line = HTTPConnection(HOST, PORT)
    line.request(
        "POST", "/login/demo", urlencode({"login": login}), {"Content-Type": "application/x-www-form-urlencoded"}
    )
    answer = line.getresponse()
    answer.read()
    cookie = "; ".join(value.partition(";")[0] for name, value in answer.getheaders() if name.lower() == "set-cookie")
    for _ in range(ROUNDS):
        for screen in SCREENS:
            line.request("GET", screen, headers={"Cookie": cookie})
            answer = line.getresponse()
            answer.read()
            if answer.status >= 400:
                raise RuntimeError(f"{screen} answered {answer.status}")
    line.close()


def _count_received(database: Database) -> int:
    with database.session(read_only=True) as session:
        return session.execute(select(func.count()).where(inbox.c.state == "received")).scalar_one()


def write_table(rest: dict[str, Memory], busy: dict[str, Memory]) -> Iterator[str]:
    """Return the lines of the table in Markdown."""
    yield "| process | at rest: share MB | own | resident | at work: share MB | own | resident |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for name, memory in busy.items():
        yield f"| {name} | {_cells(rest.get(name, Memory()))} | {_cells(memory)} |"
    whole = [sum(found.values(), Memory()) for found in (rest, busy)]
    yield f"| **together** (aim: < {AIM_MB} MB) | {_cells(whole[0])} | {_cells(whole[1])} |"


def _cells(memory: Memory) -> str:
    return f"{memory.share:.0f} | {memory.own:.0f} | {memory.resident:.0f}"


@click.command()
@click.option("--messages", "count", default=1000, show_default=True, help="Sent while it is at work.")
def main(count: int) -> None:
    """Measure the memory of the demo, process by process."""
    with tempfile.TemporaryDirectory(prefix="kabar-bench-") as name:
        with running(Path(name)):
            pass  # its sample data are made now, and are no part of what is measured
        with running(Path(name)) as pid:
            time.sleep(REST_SECONDS)
            rest = look(pid)
            work(Path(name), count)
            busy = look(pid)
    click.echo("\n".join(write_table(rest, busy)))


if __name__ == "__main__":
    sys.exit(main())
