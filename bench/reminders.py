"""What the reminders of a nation take: `python -m bench.reminders`.

Every facility that owes last month's report is asked for it on one morning: each regency's round gathers, plans, claims
and queues. Then the rounds once more, when nothing is due; then sending, with the last look before each batch. At a
thousand facilities, ten thousand and the nation's 33,014, as dense as the nation is: what one facility takes must not
grow. Each measurement is a process of its own, so that the memory is its own too.
"""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import func, select, text

from bench.nation import NATION, Size, fill
from bench.processes import forget_peak, peak_mb
from gateway.calendar import Days, Hours, due_on, report_month
from gateway.ladder import Audience, Ladder, Manners, OffDays, Rung
from gateway.remind import last_look, run
from gateway.runtime import Runtime, make_runtime, start_logging
from gateway.settings import Settings
from gateway.store import ladders, schema
from gateway.store.base import is_postgresql
from gateway.store.facilities import facilities
from gateway.store.patience import have_patience
from gateway.values import Scope
from tests.servers import PostgresServer
from workers import outbound, reminders

SIZES = (1_000, 10_000, NATION)
SENT = 2_000  # letters that are handed over in the last part
MONTHS = 2  # of reports: the one that is missing in part, and one before it


@dataclass(frozen=True, slots=True)
class Took:
    """What one size took. Units: seconds, `cpu_seconds` of this process; megabytes above what it took before."""

    facilities: int
    regencies: int
    letters: int
    queue_seconds: float
    cpu_seconds: float
    slowest_seconds: float
    queue_mb: float
    idle_seconds: float
    look_seconds: float
    send_seconds: float
    sent: int


def measure(url: str, folder: Path) -> Took:
    """Measure one filled database, in the process that this is called in."""
    runtime = _open(url, folder)
    now, ways = runtime.now(), runtime.ways
    with runtime.database.session(read_only=True) as session:
        due = run.find_due(session, ways, now)
        count = session.execute(select(func.count()).select_from(facilities)).scalar_one()
    before, busy, spans, letters = forget_peak(), time.process_time(), [], 0
    for regency in due:
        started = time.perf_counter()
        with runtime.database.session() as session:
            letters += run.run_round(session, regency, ways, now).letters
            session.commit()
        spans.append(time.perf_counter() - started)
    queue_mb, cpu_seconds = peak_mb() - before, time.process_time() - busy
    started = time.perf_counter()
    reminders.drain(runtime)
    idle_seconds = time.perf_counter() - started
    with _timed(last_look, "look_again") as looked:
        started = time.perf_counter()
        sent = 0
        while sent < min(SENT, letters):
            sent += outbound.send_claim(runtime, runtime.channels["simulator"])[0]
        send_seconds = time.perf_counter() - started
    return Took(
        facilities=count,
        regencies=len(due),
        letters=letters,
        queue_seconds=sum(spans),
        cpu_seconds=cpu_seconds,
        slowest_seconds=max(spans),
        queue_mb=queue_mb,
        idle_seconds=idle_seconds,
        look_seconds=sum(looked),
        send_seconds=send_seconds,
        sent=sent,
    )


@contextmanager
def _timed(room: Any, name: str) -> Iterator[list[float]]:
    """Note how long each call of a function of a module takes."""
    spans: list[float] = []
    real = getattr(room, name)

    def timed(*given: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return real(*given, **named)
        finally:
            spans.append(time.perf_counter() - started)

    setattr(room, name, timed)
    try:
        yield spans
    finally:
        setattr(room, name, real)


def _open(url: str, folder: Path) -> Runtime:
    settings = Settings(var=folder, database_url=url, redis_url="redis://127.0.0.1:1")
    start_logging(settings, "bench")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    return make_runtime(settings)


def prepare(url: str, folder: Path, size: Size) -> None:
    """Fill a database with a nation of which last month's reports are due, at this very hour of every clock."""
    schema.upgrade(url)
    runtime = _open(url, folder)
    now, everywhere = runtime.now(), Scope("")
    with runtime.database.session() as session:
        if is_postgresql(session):
            have_patience(session)
            session.execute(text("SET statement_timeout = 0; SET session_replication_role = replica"))
            session.commit()
        fill(session, size, now)
        late = (now.date() - due_on(report_month(now.date()), Days())).days
        rungs = (Rung("bench", late - 1, 0, Audience.RESPONSIBLE, "remind_late"),)
        ladders.choose_ladder(session, Ladder("", "kb", True, frozenset(), rungs), scope=everywhere)
        ladders.choose_manners(session, Manners("", Hours(0, 24), OffDays.NONE, spread_minutes=0), scope=everywhere)
        session.commit()
    runtime.database.dispose()
    with runtime.database.session() as session:
        session.execute(text("ANALYZE"))
        session.commit()
    runtime.database.dispose()


def look(url: str, folder: Path, size: Size) -> Took:
    """Fill a database, and measure it in a process of its own."""
    prepare(url, folder, size)
    command = [sys.executable, "-m", "bench.reminders", "--url", url, "--folder", str(folder)]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    return Took(**json.loads(found.stdout))


def report(name: str, found: list[Took]) -> None:
    """Print a table, one line for each size."""
    heads = ("letters", "queued in s", "ms each", "of it CPU", "longest round ms", "memory MB", "idle ms", "last look")
    print(f"\n| {name} | {' | '.join(heads)} |")
    print(f"|---|{'---:|' * len(heads)}")
    for one in found:
        each, busy = (span / one.facilities * 1000 for span in (one.queue_seconds, one.cpu_seconds))
        cells = (
            *(f"{one.facilities:,} facilities", f"{one.letters:,}", f"{one.queue_seconds:.1f}"),
            *(f"{each:.2f}", f"{busy:.2f}", f"{one.slowest_seconds * 1000:.0f}", f"{one.queue_mb:.0f}"),
            *(f"{one.idle_seconds * 1000:.0f}", f"{one.look_seconds / one.send_seconds:.0%}"),
        )
        print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="how many facilities")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], help="only this one")
    parser.add_argument("--url", help="measure a filled database (the bench calls itself so)")
    parser.add_argument("--folder", type=Path, help="and where its files lie")
    given = parser.parse_args()
    if given.url:
        print(json.dumps(asdict(measure(given.url, given.folder))))
        return
    sizes = [Size(count, is_national=True, months=MONTHS, is_dense=True) for count in given.sizes]
    with tempfile.TemporaryDirectory(prefix="kabar-bench-") as name:
        folder = Path(name)
        if given.database != "postgresql":
            report("SQLite", [look(f"sqlite:///{folder / str(one.facilities)}", folder, one) for one in sizes])
        if given.database != "sqlite":
            server = PostgresServer(is_durable=True)
            server.start()
            try:
                for one in sizes:
                    server.execute(f'CREATE DATABASE "bench{one.facilities}"')
                report("PostgreSQL", [look(server.url(f"bench{one.facilities}"), folder, one) for one in sizes])
            finally:
                server.remove()


if __name__ == "__main__":
    main()
