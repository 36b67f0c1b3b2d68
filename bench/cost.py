"""What one message costs: statements, commits and processor time, step by step, whatever else the machine does.

Run it as `python -m bench.cost`. Every step is taken in this one process, a hundred messages of a lane at a time, as a
busy evening brings them. Times are the processor's own, of this process and of the database's server beside it.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import click
import structlog
from sqlalchemy import Engine, event, select, text, update

from bench.messages import MIDWIVES, phone_of
from bench.provider import start_provider
from bench.stage import KINDS, ROOT, Databases, prepare_databases, start_queue_server
from gateway.app import create_app
from gateway.channels import generic, simulator
from gateway.channels.base import SmsChannel
from gateway.channels.options import Options
from gateway.receive import keep
from gateway.runtime import Runtime, make_runtime, surroundings_of
from gateway.settings import read_settings
from gateway.store.base import is_postgresql
from gateway.store.inbox import inbox
from gateway.store.outbox import outbox
from gateway.values import InboundSms, read_sender
from workers import inbound, outbound

BATCH = 100
LANE = 7
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Cost:
    """What some messages cost together. Units: seconds of the processor, ours and the database server's."""

    messages: int = 0
    statements: int = 0
    commits: int = 0
    ours: float = 0.0
    theirs: float = 0.0


@dataclass
class Meter:
    """Counts what is asked of a database, and what is spent meanwhile."""

    engine: Engine
    server: int | None  # the process id of its server, None where the database is a file
    costs: dict[str, Cost] = field(default_factory=dict)

    @contextmanager
    def measure(self, name: str, messages: int) -> Iterator[None]:
        """Count what is done inside as so many messages of this kind."""
        cost = self.costs.setdefault(name, Cost())

        def count(*_: object) -> None:
            cost.statements += 1

        def count_commit(*_: object) -> None:
            cost.commits += 1

        event.listen(self.engine, "before_cursor_execute", count)
        event.listen(self.engine, "commit", count_commit)
        theirs, ours = self._server_seconds(), time.process_time()
        try:
            yield
        finally:
            cost.ours += time.process_time() - ours
            cost.theirs += self._server_seconds() - theirs
            cost.messages += messages
            event.remove(self.engine, "before_cursor_execute", count)
            event.remove(self.engine, "commit", count_commit)

    def _server_seconds(self) -> float:
        """Return the time of the server's processes: those that serve a connection stay as long as it does."""
        if self.server is None:
            return 0.0
        return (
            sum(ticks for parent, ticks in map(read_stat, Path("/proc").glob("[0-9]*")) if parent == self.server)
            / TICKS
        )


def find_server(runtime: Runtime) -> int | None:
    """Return the process id of the database's server, None where the database is a file."""
    with runtime.database.session(read_only=True) as session:
        if not is_postgresql(session):
            return None
        backend = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
    return read_stat(Path(f"/proc/{backend}"))[0]


def read_stat(process: Path) -> tuple[int, int]:
    """Return a process's parent and its ticks; zeros where it has ended. Source: proc(5), /proc/[pid]/stat."""
    with suppress(OSError):
        words = (process / "stat").read_text().rpartition(")")[2].split()
        return int(words[1]), int(words[11]) + int(words[12])
    return 0, 0


class Evening:
    """Midwives who write, a hundred at a time, and are answered."""

    def __init__(self, runtime: Runtime, meter: Meter, gateway: SmsChannel) -> None:
        self._runtime, self._meter, self._gateway = runtime, meter, gateway
        self._client = create_app(runtime).test_client()
        self._secret = simulator.read_secret(runtime.settings.var)
        self._count = 0
        now = runtime.now()
        months = now.year * 12 + now.month - 2  # the month before this one
        self._code = f"{months % 12 + 1:02}{months // 12 % 100:02}"

    def run(self, rounds: int) -> None:
        """Let every kind of message come so many times a hundred times."""
        for index in range(rounds):
            numbers = [(index * BATCH + step) % MIDWIVES for step in range(BATCH)]
            self._receive("receive: kept", numbers, 0)
            self._receive("receive: a repeat", numbers, -BATCH)
            self._handle("handle: first reports", numbers, self._clean)
            self._handle("handle: corrections", numbers, lambda number: self._clean(number, 1))
            self._handle("handle: questions", numbers, lambda number: f"KB {self._code} BARU {5 + number % 5}")
            self._handle("handle: their answers", numbers, lambda number: f"AKTIF {40 + number % 60}")
            self._handle("handle: chat", numbers, lambda _: "Selamat pagi Bu")
            self._handle("handle: STATUS", numbers, lambda _: "STATUS")
            self._handle("handle: an evening's mix", numbers, self._mixed)
            self._give_to_gateway()
            self._send("send: over HTTP, one by one", self._gateway)
            self._send("send: an answer", self._runtime.channels["simulator"])

    def _clean(self, number: int, more: int = 0) -> str:
        users = 40 + number % 60 + more
        return (
            f"KB {self._code} BARU {5 + number % 5} AKTIF {users} PIL {users // 3} SUNTIK3 {users // 3} KONDOM 3 IUD 4"
        )

    def _mixed(self, number: int) -> str:
        chance = random.Random(number).random()
        if chance < 0.7:
            return self._clean(number, 2)
        if chance < 0.8:
            return self._clean(number, 2).replace("BARU", "BRU").replace("AKTIF", "AKTIP")
        if chance < 0.9:
            return f"KB {self._code} BARU {5 + number % 5}"
        return "terima kasih banyak ya bu" if chance < 0.95 else "STATUS"

    def _receive(self, name: str, numbers: Sequence[int], back: int) -> None:
        requests = []
        for number in numbers:
            self._count += 1
            key = f"cost-{self._count + back}"
            requests.append(simulator.write_request(self._secret, key, phone_of(number), "Selamat pagi Bu"))
        if back:
            self._count -= BATCH
        with self._meter.measure(name, len(requests)):
            for request in requests:
                headers = {**request.headers, "host": "127.0.0.1"}
                self._client.post(request.path, data=request.body, headers=headers).close()
        with self._runtime.database.session() as session:
            session.execute(update(inbox).where(inbox.c.state == "received").values(state="done"))
            session.commit()

    def _handle(self, name: str, numbers: Sequence[int], write: Callable[[int], str]) -> None:
        now = self._runtime.now()
        with self._runtime.database.session() as session:
            for number in numbers:
                self._count += 1
                sms = InboundSms(f"cost-{self._count}", read_sender(phone_of(number)), write(number), sent_at=now)
                keep.keep_sms(session, "simulator", sms, now)
            session.execute(update(inbox).where(inbox.c.state == "received").values(lane=LANE))
            session.commit()
        with self._meter.measure(name, len(numbers)):
            inbound.handle_batch(self._runtime, LANE)

    def _give_to_gateway(self) -> None:
        """Let a hundred of the answers that wait go by the gateway that speaks HTTP."""
        waiting = select(outbox.c.id).where(outbox.c.state == "queued").order_by(outbox.c.id).limit(BATCH)
        with self._runtime.database.session() as session:
            session.execute(update(outbox).where(outbox.c.id.in_(waiting)).values(channel=self._gateway.name))
            session.commit()

    def _send(self, name: str, channel: SmsChannel) -> None:
        taken = 1
        while taken:
            began = Cost(**vars(self._meter.costs[name])) if name in self._meter.costs else Cost()
            with self._meter.measure(name, 0):
                taken, wait = outbound.send_claim(self._runtime, channel)
            self._meter.costs[name].messages += taken
            if not taken:
                self._meter.costs[name] = began  # it only looked whether the pace allows another
                if wait:
                    time.sleep(wait)
                    taken = 1


def write_table(costs: dict[str, Cost]) -> Iterator[str]:
    """Return the lines of a table in Markdown, of what one message costs."""
    yield "| step | statements | commits | CPU ms | server's CPU ms |"
    yield "|---|---:|---:|---:|---:|"
    for name, cost in costs.items():
        each = cost.statements / cost.messages, cost.commits / cost.messages
        millis = [1000 * spent / cost.messages for spent in (cost.ours, cost.theirs)]
        theirs = f"{millis[1]:.2f}" if cost.theirs else ""
        yield f"| {name} | {each[0]:.2f} | {each[1]:.2f} | {millis[0]:.2f} | {theirs} |"


def measure(databases: Databases, folder: Path, redis_url: str, rounds: int) -> dict[str, Cost]:
    """Measure every step on a fresh copy of a database."""
    with databases.new() as url:
        environ = {"KABAR_VAR": str(folder / "var"), "KABAR_DATABASE_URL": url, "KABAR_REDIS_URL": redis_url}
        settings = read_settings({**environ, "KABAR_ANSWERS_PER_HOUR": "1000"})
        runtime = make_runtime(settings)
        provider = start_provider({"PATH": "/usr/bin:/bin"}, ROOT)
        options = {"secrets": "x" * 16, "send_url": f"{provider.address}/send", "per_second": "1000"}
        gateway = generic.make("gateway", Options(generic.SETTINGS, options), surroundings_of(settings))
        meter = Meter(runtime.database.engine, find_server(runtime))
        try:
            evening = Evening(runtime, meter, gateway)
            evening.run(1)  # connections open, caches fill
            meter.costs.clear()
            evening.run(rounds)
        finally:
            provider.stop()
            runtime.database.dispose()
        return meter.costs


@click.command()
@click.option("--rounds", default=3, show_default=True, help="How many hundreds of messages of each kind.")
@click.option("--database", "only", type=click.Choice(list(KINDS)), help="Only on this one.")
def main(rounds: int, only: str | None) -> None:
    """Measure what a message costs, and print a table for each database."""
    with start_queue_server() as (folder, valkey), open(os.devnull, "w") as nowhere:
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(nowhere))
        for kind in [only] if only else KINDS:
            with prepare_databases(kind, folder) as databases:
                costs = measure(databases, folder, valkey.url, rounds)
            click.echo("\n".join(["", f"## {databases.name}", "", *write_table(costs)]))


if __name__ == "__main__":
    main()
