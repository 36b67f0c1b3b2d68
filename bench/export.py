"""What handing a nation's year on takes: `python -m bench.export`.

Every facility's report of every month, 60 figures each, out of the database through a format into a file, as the
worker does it; beside it the same number of rows by the format's library alone, made up on the spot, in the same run.
Then one month of a large district in every format there is. Each measurement is a process of its own, so that the
memory is its own too.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import xlsxwriter
from sqlalchemy import text

from bench.nation import DISTRICT, NATION, Size, fill_places, write_rows
from bench.processes import forget_peak, peak_mb
from gateway.calendar import report_month, shift
from gateway.export import run
from gateway.export.gather import EVERYWHERE, gather
from gateway.forms import load_forms
from gateway.runtime import utc_now
from gateway.store import exports, schema
from gateway.store.base import Database, is_postgresql
from gateway.store.exports import Wanted
from gateway.store.patience import have_patience
from gateway.store.reports import reports
from gateway.values import Scope
from parsers.form import Form
from tests.servers import PostgresServer

FIGURES = 60
MONTHS = 12
LARGE_DISTRICT = 1_000
GOAL_SECONDS = 5.0  # for a district's month
YEARLY = {"csv_machine": "csv", "flat_xlsx": "xlsxwriter"}  # formats for a whole year, and what each is written with


@dataclass(frozen=True, slots=True)
class Took:
    """What one file took. Units: seconds, `cpu_seconds` of this process; megabytes above what it had before."""

    name: str
    rows: int
    seconds: float
    cpu_seconds: float
    peak_mb: float
    file_mb: float


def prepare(url: str, size: Size, form: Form, figures: int) -> None:
    """Fill an empty database with facilities, and approved reports of one form with so many figures each."""
    schema.upgrade(url)
    database = Database(url)
    with database.session() as session:
        if is_postgresql(session):
            have_patience(session)
            session.execute(text("SET statement_timeout = 0; SET session_replication_role = replica"))
            session.commit()
        fill_places(session, size)
        write_rows(session, reports, _reports(size, form))
        keys = [(measure.code, item) for measure in form.measures.values() for item in ("", *measure.items)]
        listed = ", ".join(f"('{measure}', '{item}', {at})" for at, (measure, item) in enumerate(keys[:figures]))
        made_up = (
            f"WITH keys(measure, item, place) AS (VALUES {listed}) "
            "INSERT INTO report_values (report_id, measure, item, quantity) "
            "SELECT reports.id, measure, item, CASE item WHEN '' THEN 2000 ELSE (reports.id * 7 + place * 13) % 60 END "
            "FROM reports CROSS JOIN keys"
        )
        session.execute(text(made_up))
        session.commit()
        session.execute(text("ANALYZE"))
        session.commit()
    database.dispose()


def _reports(size: Size, form: Form) -> Iterator[dict[str, Any]]:
    """Yield a report of every facility and month; of each only what an export reads has a meaning."""
    now = utc_now()
    newest = report_month(now.date())
    for number in range(size.facilities * size.months):
        facility, back = 1 + number // size.months, number % size.months
        yield {
            "id": number + 1,
            "form": form.code,
            "facility_id": facility,
            "period": shift(newest, -back),
            "revision": 1,
            "state": "approved",
            "sent_at": now,
            "sent_key": f"bench-{number}",
            "text": "",
            "reading": {},
            "flags": [],
            "form_version": 1,
            "reader_version": 1,
            "created_at": now,
            "is_summed": True,
        }


def measure(url: str, name: str, wanted: Wanted, folder: Path, figures: int) -> Took:
    """Measure one format in the process that this is called in, from the question to the whole file on disk."""
    database = Database(url)
    with database.session() as session:
        export = exports.ask(session, wanted, (None, "bench"), utc_now(), scope=Scope(""))
        session.commit()
    assert export
    forms, path, chosen = load_forms(), folder / name, run.formats()[name]
    form = next(one for one in forms if one.code == wanted.form)
    before, busy, started = forget_peak(), time.process_time(), time.perf_counter()
    with path.open("w+b") as target, database.session(snapshot=True) as session:
        source = gather(session, export, form, utc_now(), scope=EVERYWHERE)
        chosen.write(source, target)  # as `run.write_export`, but without asking how much the format lets through
    took = time.perf_counter() - started, time.process_time() - busy, peak_mb() - before
    return _took(name, source.digest.reports * figures, took, path)


def measure_alone(name: str, rows: int, folder: Path, figures: int) -> Took:
    """Measure what a library takes to write so many figures in the same shape that nobody had to look up."""
    path = folder / f"{name}-alone"
    before, busy, started = forget_peak(), time.process_time(), time.perf_counter()
    if name == "csv":
        with path.open("wb") as target:
            _write_csv(rows, target)
    else:
        _write_xlsx(rows // figures, figures, path)
    took = time.perf_counter() - started, time.process_time() - busy, peak_mb() - before
    return _took(f"{name} alone", rows, took, path)


def _row(number: int) -> tuple[str | int, ...]:
    """Return a made-up row of the shape of a figure's."""
    place = "14.03.01", "Bengkalis", "140300101", "PMB 00001", "PMB"
    return ("kb", "2025-09", *place, "approved", 1, "ulang", "suntik3", number % 60)


def _write_csv(rows: int, target: Any) -> None:
    part = io.StringIO()
    writer = csv.writer(part, lineterminator="\n")
    for number in range(rows):
        writer.writerow(_row(number))
        if number % 24_000 == 0:
            target.write(part.getvalue().encode())
            part.seek(0)
            part.truncate()
    target.write(part.getvalue().encode())


def _write_xlsx(rows: int, figures: int, path: Path) -> None:
    """Write a row for each report and a column for each figure, as the flat workbook does."""
    book = xlsxwriter.Workbook(path, {"constant_memory": True})
    page = book.add_worksheet()
    for number in range(rows):
        texts = [value for value in _row(number)[1:8] if isinstance(value, str)]
        for column, value in enumerate(texts):
            page.write_string(number, column, value)
        for column in range(len(texts), len(texts) + figures):
            page.write_number(number, column, (number + column) % 60)
    book.close()


def _took(name: str, rows: int, took: tuple[float, float, float], path: Path) -> Took:
    size = path.stat().st_size / 1024 / 1024
    path.unlink()
    return Took(name, rows, *took, size)


def look(folder: Path, **given: Any) -> Took:
    """Measure in a process of its own."""
    command = [sys.executable, "-m", "bench.export", "--one", json.dumps(given | {"folder": str(folder)})]
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Took(**json.loads(found.stdout.splitlines()[-1]))


def measure_one(given: dict[str, Any]) -> Took:
    """Measure what was asked for in this process."""
    folder = Path(given["folder"])
    if "rows" in given:
        return measure_alone(given["name"], given["rows"], folder, given["figures"])
    return measure(given["url"], given["name"], Wanted(**given["wanted"]), folder, given["figures"])


def compare_year(url: str, folder: Path, names: list[str], figures: int) -> list[tuple[Took, Took | None]]:
    """Return what a year of everybody took in each format, beside the library alone."""
    newest = report_month(utc_now().date())
    found: list[tuple[Took, Took | None]] = []
    for name in names:
        wanted = Wanted(name, "kb", shift(newest, 1 - MONTHS), newest, "")
        took = look(folder, url=url, name=name, wanted=_as_json(wanted), figures=figures)
        library = YEARLY.get(name)
        alone = look(folder, name=library, rows=took.rows, figures=figures) if library else None
        found.append((took, alone))
    return found


def look_at_district(url: str, folder: Path, form: str, figures: int) -> list[Took]:
    """Return what a month of a district took in every format for a form."""
    newest = report_month(utc_now().date())
    found = []
    for name, chosen in run.formats().items():
        is_for_all = not (chosen.FORMAT.needs_mapping or chosen.FORMAT.partner)
        if not is_for_all or (chosen.FORMAT.forms and form not in chosen.FORMAT.forms):
            continue
        wanted = Wanted(name, form, newest, newest, DISTRICT)
        found.append(look(folder, url=url, name=name, wanted=_as_json(wanted), figures=figures))
    return found


def _as_json(wanted: Wanted) -> dict[str, str]:
    return {name: getattr(wanted, name) for name in Wanted.__slots__}


def report_year(title: str, found: list[tuple[Took, Took | None]]) -> None:
    """Print a table: each format, and under it its library alone."""
    heads = ("figures", "s", "figures/s", "CPU s", "x the library's CPU", "memory MB", "file MB")
    print(f"\n| {title} | {' | '.join(heads)} |\n|---|{'---:|' * len(heads)}")
    for one, alone in found:
        for took in filter(None, (one, alone)):
            ratio = f"{took.cpu_seconds / alone.cpu_seconds:.1f}" if alone and took is one else ""
            cells = (
                *(took.name, f"{took.rows:,}", f"{took.seconds:.1f}", f"{took.rows / took.seconds:,.0f}"),
                *(f"{took.cpu_seconds:.1f}", ratio, f"{took.peak_mb:.0f}", f"{took.file_mb:.0f}"),
            )
            print(f"| {' | '.join(cells)} |", flush=True)


def report_district(title: str, found: list[Took]) -> None:
    """Print a table of a district's month, with whether it took too long."""
    heads = f"figures | s | under {GOAL_SECONDS:.0f} s | CPU s | memory MB"
    print(f"\n| {title} | {heads} |\n|---|---:|---:|---|---:|---:|")
    for took in found:
        is_quick = "yes" if took.seconds < GOAL_SECONDS else "NO"
        cells = f"{took.rows:,}", f"{took.seconds:.2f}", is_quick, f"{took.cpu_seconds:.2f}", f"{took.peak_mb:.0f}"
        print(f"| {took.name} | {' | '.join(cells)} |", flush=True)


def measure_all(given: argparse.Namespace, kind: str, new_database: Any, folder: Path) -> None:
    """Fill the databases of one kind and print its tables."""
    forms = {form.code: form for form in load_forms()}
    names = [name for name in given.formats if name in run.formats()]
    if names:
        url = new_database("year")
        prepare(url, Size(given.facilities, is_national=True, months=MONTHS, is_dense=True), forms["kb"], given.figures)
        found = compare_year(url, folder, names, given.figures)
        report_year(f"{kind}: a year of {given.facilities:,} facilities", found)
    for code, form in forms.items():
        url = new_database(code)
        prepare(url, Size(LARGE_DISTRICT, is_national=False, months=6), form, given.figures)
        title = f"{kind}: a month of {LARGE_DISTRICT:,} facilities, {code}"
        report_district(title, look_at_district(url, folder, code, given.figures))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--facilities", type=int, default=NATION, help="of the year; the nation's by default")
    parser.add_argument("--figures", type=int, default=FIGURES, help="of one report")
    parser.add_argument("--formats", nargs="*", default=list(YEARLY), help="of the year; none leaves it out")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], help="only this one")
    parser.add_argument("--one", help="measure one thing (the bench calls itself so)")
    given = parser.parse_args()
    if given.one:
        print(json.dumps(asdict(measure_one(json.loads(given.one)))))
        return
    with tempfile.TemporaryDirectory(prefix="kabar-bench-") as name:
        folder = Path(name)
        if given.database != "postgresql":
            measure_all(given, "SQLite", lambda what: f"sqlite:///{folder / what}.db", folder)
        if given.database != "sqlite":
            server = PostgresServer(is_durable=True)
            server.start()
            try:
                measure_all(given, "PostgreSQL", lambda what: _new_database(server, what), folder)
            finally:
                server.remove()


def _new_database(server: PostgresServer, what: str) -> str:
    server.execute(f'CREATE DATABASE "{what}"')
    return server.url(what)


if __name__ == "__main__":
    main()
