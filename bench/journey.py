"""The main job, timed on real processes: receiving, handling, the whole journey, beside a floor and a plain design.

Run it as `python -m bench.journey`. Every number of the table is the median of rounds in which the contenders take
turns, and every ratio is the median of the ratios of the rounds, so that what else the machine does hits them alike.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from bench import measure
from bench.measure import Pace, percentile
from bench.stage import KINDS, Databases, Stage, prepare_databases, set_stage, start_queue_server
from gateway.store import sqlite
from tests.servers import ValkeyServer

KABAR, FLOOR, PLAIN = "kabar", "floor", "plain"
APPS = {KABAR: "", FLOOR: "bench.floor:start_app()"}
RECEIVING_SECONDS = 2.5
AIM_RECEIVING, AIM_HANDLING = 0.8, 15.0


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that is measured: how, and what it is held against."""

    name: str
    words: str
    time: Callable[[Stage, int], Pace]
    against: str = ""
    aim: float = 0.0


@dataclass(frozen=True, slots=True)
class Spans:
    """The times of single messages of all rounds together: a round alone has too few for a 99th percentile."""

    by_row: dict[str, list[float]]

    def travel(self, name: str, design: str, workers: int, count: int, per_second: float | None) -> Callable[..., Pace]:
        """Return a measurement of journeys that also collects their times."""

        def time_journeys(stage: Stage, seed: int) -> Pace:
            pace, spans = measure.travel(stage, design, workers, count, seed, per_second)
            self.by_row[name] += spans
            return pace

        return time_journeys


def list_rows(spans: Spans, scale: float) -> tuple[Row, ...]:
    """Return what is measured, in the order of the table; `scale` makes every part longer or shorter."""

    def receive(app: str) -> Callable[[Stage, int], Pace]:
        return lambda stage, seed: measure.receive(stage, APPS[app], RECEIVING_SECONDS * scale, seed)

    def handle(design: str, workers: int, count: int) -> Callable[[Stage, int], Pace]:
        return lambda stage, seed: measure.handle(stage, design, workers, int(count * scale), seed)

    def travel(name: str, design: str, count: int, per_second: float | None = None) -> Callable[[Stage, int], Pace]:
        return spans.travel(name, design, 2, int(count * scale), per_second)

    return (
        Row("receive floor", "receive: floor (insert and ring only)", receive(FLOOR)),
        Row("receive kabar", "receive: Kabar", receive(KABAR), "receive floor", AIM_RECEIVING),
        Row("handle plain", "handle: plain, 2 workers", handle(PLAIN, 2, 60)),
        Row("handle kabar 1", "handle: Kabar, 1 worker", handle(KABAR, 1, 2500), "handle plain", AIM_HANDLING),
        Row("handle kabar 2", "handle: Kabar, 2 workers", handle(KABAR, 2, 2500), "handle plain", AIM_HANDLING),
        Row("travel plain", "journey, all at once: plain", travel("travel plain", PLAIN, 60)),
        Row("travel kabar", "journey, all at once: Kabar", travel("travel kabar", KABAR, 800), "travel plain"),
        Row("travel plain 5", "journey, 5 a second: plain", travel("travel plain 5", PLAIN, 25, 5)),
        Row("travel kabar 5", "journey, 5 a second: Kabar", travel("travel kabar 5", KABAR, 25, 5), "travel plain 5"),
        Row("travel kabar 50", "journey, 50 a second: Kabar", travel("travel kabar 50", KABAR, 250, 50)),
    )


def time_rounds(
    databases: Databases, rows: Sequence[Row], rounds: int, folder: Path, valkey: ValkeyServer
) -> Mapping[str, list[Pace]]:
    """Time every row once a round, on a fresh database each."""
    found: dict[str, list[Pace]] = defaultdict(list)
    for number in range(rounds):
        for row in rows:
            click.echo(f"{databases.name}, round {number + 1} of {rounds}: {row.words}", err=True)
            with set_stage(folder, valkey, databases) as stage:
                found[row.name].append(row.time(stage, number))
    return found


def write_table(rows: Sequence[Row], found: Mapping[str, list[Pace]], spans: Spans) -> Iterator[str]:
    """Return the lines of a table in Markdown."""
    yield "| what | messages/s | p50 ms | p99 ms | ratio | aim |"
    yield "|---|---:|---:|---:|---:|---:|"
    for row in rows:
        paces = found[row.name]
        p50, p99 = (statistics.median(pace.p50 for pace in paces), statistics.median(pace.p99 for pace in paces))
        if row.name in spans.by_row:
            p50, p99 = (percentile(spans.by_row[row.name], part) * 1000 for part in (0.5, 0.99))
        ratio = aim = ""
        if row.against in found:
            pairs = zip(paces, found[row.against], strict=True)
            ratio = f"{statistics.median(one.per_second / other.per_second for one, other in pairs):.2f}"
            aim = f">= {row.aim:g}" if row.aim else ""
        speed = f"{statistics.median(pace.per_second for pace in paces):.0f}"
        times = [f"{value:.0f}" if value else "" for value in (p50, p99)]
        yield f"| {row.words} | {speed} | {times[0]} | {times[1]} | {ratio} | {aim} |"


def describe_machine() -> str:
    """Return what the numbers were made on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    version = ".".join(map(str, sqlite.library_version))
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} CPUs ({platform.machine()}), {memory:.0f} GiB, Python {platform.python_version()}, "
        f"SQLite {version}; load before: {load:.1f}"
    )


@click.command()
@click.option("--rounds", default=3, show_default=True, help="How often each contender takes its turn.")
@click.option("--scale", default=1.0, show_default=True, help="Makes every part so many times as long.")
@click.option("--database", "only", type=click.Choice(list(KINDS)), help="Only on this one.")
@click.option("--rows", "chosen", default="", help="Only what begins so: receive, handle or travel.")
def main(rounds: int, scale: float, only: str | None, chosen: str) -> None:
    """Time receiving, handling and the whole journey, and print a table for each database."""
    started = time.monotonic()
    click.echo(describe_machine())
    with start_queue_server() as (folder, valkey):
        for kind in [only] if only else KINDS:
            spans = Spans(defaultdict(list))
            rows = [row for row in list_rows(spans, scale) if row.name.startswith(chosen)]
            with prepare_databases(kind, folder) as databases:
                found = time_rounds(databases, rows, rounds, folder, valkey)
            click.echo("\n".join(["", f"## {databases.name}", "", *write_table(rows, found, spans)]))
    click.echo(f"\n{rounds} rounds, {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
