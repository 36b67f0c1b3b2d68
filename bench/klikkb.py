"""The country's evening: 33,014 midwives report at once, beside a bare receiver and a job for each message.

Run it as `python -m bench.klikkb`; with `--messages 2000` the country is smaller, and it takes a minute or two. The
contenders take turns on databases of their own; every ratio is the median of the ratios of the rounds.
"""

from __future__ import annotations

import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import click

from bench import contenders, evening
from bench.contenders import Ground, Result
from bench.journey import describe_machine
from bench.nation import NATION
from bench.processes import Memory
from bench.provider import Provider, start_provider
from bench.stage import ROOT, Databases, PostgresqlDatabases, SqliteDatabases, Stage, set_stage
from gateway.runtime import utc_now
from tests.servers import ValkeyServer

KINDS: Mapping[str, type[Databases]] = {"postgresql": PostgresqlDatabases, "sqlite": SqliteDatabases}
MONTHS = 10  # of history behind every midwife: what is normal, and a tenth and ten times of it are whole months
PLAIN_MESSAGES = 100  # more of it would only take longer
BESIDE = (
    8,
    300,
    4000,
)  # with another history or number of workers, or at a pace: an eighth, at least and at most so many
PACE = 0.5  # of the rate that was reached just before
AIM_FLOOR, AIM_PLAIN, AIM_WEBHOOK_MS, AIM_FLAT = 0.4, 15.0, 50.0, 1.15


@dataclass
class Found:
    """What all rounds came to, by contender."""

    kabar: list[Result] = field(default_factory=list)
    floor: list[Result] = field(default_factory=list)
    plain: list[Result] = field(default_factory=list)
    paced: list[Result] = field(default_factory=list)
    histories: dict[int, Result] = field(default_factory=dict)
    workers: dict[int, Result] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evening:
    """One measurement's choices, and what it stands on."""

    count: int
    workers: int
    folder: Path
    valkey: ValkeyServer
    kind: str
    connections: int
    senders: int

    @contextmanager
    def country(self, months: int, today: datetime) -> Iterator[Ground]:
        """Make the country with so many months behind it, for as long as the block lasts."""
        tell(f"filling {self.kind} with {self.count:,} midwives and {months} months behind them")
        databases = KINDS[self.kind](
            self.folder, lambda session: evening.fill_country(session, self.count, months, today)
        )
        try:
            databases.prepare()
            yield Ground(databases, self.valkey, self.connections, self.senders)
        finally:
            databases.remove()

    @contextmanager
    def stage(self, ground: Ground) -> Iterator[tuple[Stage, Provider]]:
        """Set a stage with a provider beside it."""
        provider = start_provider({"PATH": "/usr/bin:/bin"}, ROOT)
        try:
            settings = evening.channel_settings(f"{provider.address}/send")
            with set_stage(self.folder, self.valkey, ground.databases, settings) as stage:
                yield stage, provider
        finally:
            provider.stop()

    def kabar(self, ground: Ground, seed: int, count: int, per_second: float | None = None, workers: int = 0) -> Result:
        """Let Kabar have an evening of so many messages."""
        messages = evening.write_messages(1, count, utc_now(), seed)
        with self.stage(ground) as (stage, provider):
            return contenders.time_kabar(stage, ground, provider, messages, workers or self.workers, seed, per_second)


def tell(words: str) -> None:
    """Say how far it is, to whoever waits."""
    click.echo(f"{time.strftime('%H:%M:%S')} {words}", err=True)


def measure(one: Evening, rounds: int, histories: Sequence[int], growth: Sequence[int], found: Found) -> None:
    """Measure everything that was asked for, on one kind of database."""
    today = utc_now()
    part, least, most = BESIDE
    beside = min(one.count, max(least, min(one.count // part, most)))
    with one.country(MONTHS, today) as ground:
        for seed in range(rounds):
            messages = evening.write_messages(1, one.count, today, seed)
            tell(f"round {seed + 1} of {rounds}: the floor")
            with one.stage(ground) as (stage, _):
                found.floor.append(contenders.time_floor(stage, ground, messages, seed))
            tell("Kabar, as fast as it goes")
            found.kabar.append(one.kabar(ground, seed, one.count))
            pace = found.kabar[-1].per_second * PACE
            tell(f"Kabar, at {pace:.0f} messages a second")
            found.paced.append(one.kabar(ground, seed, beside, pace))
            tell("the plain design")
            with one.stage(ground) as (stage, _):
                sample = messages[:PLAIN_MESSAGES]
                found.plain.append(contenders.time_plain(stage, ground, sample, one.workers))
        for workers in growth:
            tell(f"Kabar with {workers} workers")
            found.workers[workers] = one.kabar(ground, rounds, beside, workers=workers)
        if MONTHS in histories:
            tell(f"Kabar with {MONTHS} months behind it")
            found.histories[MONTHS] = one.kabar(ground, rounds, beside)
    for months in histories:
        if months != MONTHS:
            with one.country(months, today) as ground:
                tell(f"Kabar with {months} months behind it")
                found.histories[months] = one.kabar(ground, rounds, beside)


def write_rates(found: Found) -> Iterator[str]:
    """Return the table of rates, with the aims."""
    yield "| contender | messages/s | webhook p50 ms | p99 ms | answer p50 ms | p99 ms | CPU ms each | ratio | aim |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|---:|"
    yield _row("floor: receive and insert only", found.floor)
    yield _row("plain: a forked job each", found.plain)
    yield _row("Kabar / floor", found.kabar, _ratio(found.kabar, found.floor), f">= {AIM_FLOOR:g}")
    yield _row("Kabar / plain", found.kabar, _ratio(found.kabar, found.plain), f">= {AIM_PLAIN:g}")
    p99 = _median(one.webhook[1] for one in found.paced)
    yield _row("Kabar at half that pace", found.paced, f"webhook {p99:.0f} ms", f"< {AIM_WEBHOOK_MS:g} ms")


def write_flatness(found: Found) -> Iterator[str]:
    """Return the table of histories: a message must cost the same, however much lies behind it."""
    yield "| months behind every midwife | messages/s | answer p99 ms | CPU ms each | of it PostgreSQL | ratio | aim |"
    yield "|---:|---:|---:|---:|---:|---:|---:|"
    usual = found.histories.get(MONTHS)
    for months, one in sorted(found.histories.items()):
        ratio = f"{one.cpu_ms / usual.cpu_ms:.2f}" if usual else ""
        of_it = f"{one.cpu.get('postgresql', 0.0):.2f}"
        yield (
            f"| {months} | {one.per_second:.0f} | {one.answer[1]:.0f} | {one.cpu_ms:.2f} | {of_it} | {ratio} |"
            f" <= {AIM_FLAT:g} |"
        )


def write_growth(found: Found) -> Iterator[str]:
    """Return the table of workers."""
    yield "| workers | messages/s | CPU ms each |"
    yield "|---:|---:|---:|"
    for workers, one in sorted(found.workers.items()):
        yield f"| {workers} | {one.per_second:.0f} | {one.cpu_ms:.2f} |"


def write_processes(results: Sequence[Result]) -> Iterator[str]:
    """Return the table of processes."""
    yield "| process | CPU ms a message | memory MB (share) | resident MB |"
    yield "|---|---:|---:|---:|"
    whole = sum(results[-1].memory.values(), Memory())
    for name, memory in [*results[-1].memory.items(), ("together", whole)]:
        cpu = _median(one.cpu.get(name, one.cpu_ms) for one in results)
        yield f"| {name} | {cpu:.2f} | {memory.share:.0f} | {memory.resident:.0f} |"


def _row(words: str, results: Sequence[Result], ratio: str = "", aim: str = "") -> str:
    times = [_median(one.webhook[0] for one in results), _median(one.webhook[1] for one in results)]
    times += [_median(one.answer[0] for one in results), _median(one.answer[1] for one in results)]
    shown = " | ".join(f"{value:.0f}" if value else "" for value in times)
    rate, cpu = _median(one.per_second for one in results), _median(one.cpu_ms for one in results)
    return f"| {words} | {rate:.0f} | {shown} | {cpu:.2f} | {ratio} | {aim} |"


def _ratio(ours: Sequence[Result], theirs: Sequence[Result]) -> str:
    return f"{_median(one.per_second / other.per_second for one, other in zip(ours, theirs, strict=True)):.2f}"


def _median(values: Iterator[float]) -> float:
    return statistics.median(values)


@click.command()
@click.option(
    "--messages", "count", default=NATION, show_default=True, help="Midwives, each of whom sends one message."
)
@click.option("--history", default="1,10,100", show_default=True, help="Months behind them to compare; none without.")
@click.option("--growth", default="1,2,4", show_default=True, help="Numbers of workers to compare; none without.")
@click.option("--rounds", default=1, show_default=True, help="How often each contender takes its turn.")
@click.option(
    "--workers", default=2, show_default=True, help="Workers of the queue `inbound`, and of the plain design."
)
@click.option("--senders", default=2, show_default=True, help="Workers of the queue `outbound`.")
@click.option("--connections", default=8, show_default=True, help="Over which the messages come.")
@click.option("--database", "kind", type=click.Choice(list(KINDS)), default="postgresql", show_default=True)
def main(
    count: int, history: str, growth: str, rounds: int, workers: int, senders: int, connections: int, kind: str
) -> None:
    """Let a country report on one evening, and print what it took."""
    started = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is stopped, however this ends
    click.echo(f"{describe_machine()}; {kind}, {count:,} messages, {connections} connections")
    click.echo(f"workers: {workers} inbound, {senders} outbound")
    found = Found()
    with tempfile.TemporaryDirectory(prefix="kabar-bench-") as name:
        valkey = ValkeyServer(Path(name))
        valkey.start()
        try:
            one = Evening(count, workers, Path(name), valkey, kind, connections, senders)
            measure(one, rounds, _numbers(history), _numbers(growth), found)
        finally:
            valkey.stop()
    for table in (
        write_rates(found),
        write_processes(found.kabar),
        write_flatness(found) if found.histories else (),
        write_growth(found) if found.workers else (),
    ):
        click.echo("\n" + "\n".join(table))
    click.echo(f"\nbooks agree; {rounds} rounds, {time.monotonic() - started:.0f} s")


def _numbers(written: str) -> list[int]:
    return [int(part) for part in written.split(",") if part]


if __name__ == "__main__":
    sys.exit(main())
