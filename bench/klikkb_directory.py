"""How long Klik-KB's directory of the nation takes: `python -m bench.klikkb_directory`.

33,014 midwives as a workbook: read, planned and taken over into an empty directory, then a second file of which a
tenth is new, a tenth changed and a tenth gone, beside as many reporters; then whose the reports of a month are. On
SQLite and on PostgreSQL. The aim is under a minute for a file.
"""

from __future__ import annotations

import argparse
import io
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import xlsxwriter
from sqlalchemy import text

from bench.nation import NATION, Size, fill, phone_of
from gateway.enrol import directory
from gateway.enrol.plan import Act
from gateway.enrol.reading_files import read_sheet
from gateway.runtime import utc_now
from gateway.store import midwives, schema
from gateway.store.base import Database, is_postgresql
from gateway.store.facilities import facilities
from gateway.store.patience import have_patience
from gateway.store.settled import Selection
from gateway.values import COUNTING, Scope
from tests.servers import PostgresServer

FIELDS = ("klikkb_id", "name", "", "phones", "facility_code", "facility_name", "area")
HEADINGS = ("ID", "Nama", "NIK", "No HP", "Kode faskes", "Nama faskes", "Kecamatan")
EVERYWHERE = Scope("")
GOAL_SECONDS = 60.0


def write_file(places: list[tuple[str, str, str]], first: int, prefix: str) -> bytes:
    """Return a workbook of midwives, one for each facility, numbered from `first` on."""
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"constant_memory": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, HEADINGS)
    for at, (code, name, area) in enumerate(places):
        number = first + at
        changed = " Baru" if prefix and number % 10 == 0 else ""
        cells = (f"KK{number:06}", f"Bidan {number:05}{changed}", f"14030101{number:08}", phone_of(number))
        for column, cell in enumerate((*cells, code, name, area)):
            sheet.write_string(at + 1, column, cell)
    book.close()
    return content.getvalue()


def take_over(database: Database, content: bytes) -> dict[str, float]:
    """Read, plan and apply a file as the pages do; return the seconds of each step."""
    spans: dict[str, float] = {}
    with timed(spans, "read"):
        sheet = directory.keep_needed(read_sheet(content, directory.LIMITS), FIELDS)
    with timed(spans, "plan"):
        with database.session(read_only=True) as session:
            known = directory.find_known(session, sheet, FIELDS, "", scope=EVERYWHERE, region="ID")
        plan = directory.plan_directory(sheet, FIELDS, known)
    with timed(spans, "apply"), database.session() as session:
        directory.apply_directory(session, plan, known, ("bench", "0" * 64), (1, "bench"), utc_now(), scope=EVERYWHERE)
        session.commit()
    assert not plan.count()[Act.WRONG], plan.of(Act.WRONG)[:3]
    return spans


@contextmanager
def timed(spans: dict[str, float], name: str) -> Iterator[None]:
    """Keep how long what is inside took."""
    started = time.perf_counter()
    yield
    spans[name] = time.perf_counter() - started


def measure(url: str, count: int) -> None:
    """Fill a database with a nation and print what each step took."""
    schema.upgrade(url)
    database = Database(url)
    with database.session() as session:
        if is_postgresql(session):
            have_patience(session)
            session.execute(text("SET statement_timeout = 0; SET session_replication_role = replica"))
            session.commit()
        fill(session, Size(count, is_national=True, months=2), utc_now())
    database.dispose()  # with what was set on its connection
    with database.session() as session:
        session.execute(text("ANALYZE"))
        session.commit()
    with database.session(read_only=True) as session:
        places = [
            (row.code, row.name, row.area)
            for row in session.execute(facilities.select().order_by(facilities.c.id).limit(count))
        ]
        newest = session.exec_driver_sql("SELECT max(period) FROM reports").scalar_one()
    tenth = count // 10
    files = (("first file", 1, ""), ("second file", 1 + tenth, "second"))
    for name, first, prefix in files:
        spans = take_over(database, write_file(places, first, prefix))
        whole = sum(spans.values())
        told = " | ".join(f"{spans[step]:.1f}" for step in ("read", "plan", "apply"))
        print(
            f"| {database.engine.dialect.name} | {name}, {count:,} rows | {told} | {whole:.1f} | < {GOAL_SECONDS:.0f} |"
        )
    spans = {}
    with timed(spans, "whose"), database.session(snapshot=True) as session:
        found = midwives.attribute(session, Selection("kb", (newest,), "", COUNTING), scope=EVERYWHERE)
    print(f"| {database.engine.dialect.name} | whose {len(found):,} reports are |  |  |  | {spans['whose']:.1f} |  |")
    spans = {}
    with timed(spans, "page"), database.session(read_only=True) as session:
        midwives.find_standing(session, "", scope=EVERYWHERE)
        midwives.list_midwives(session, "", "new", scope=EVERYWHERE)
    print(f"| {database.engine.dialect.name} | the page of the nation |  |  |  | {spans['page']:.2f} |  |")
    database.dispose()


def main() -> None:
    """Measure both kinds of database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--midwives", type=int, default=NATION)
    parser.add_argument("--database", choices=("sqlite", "postgresql"))
    asked = parser.parse_args()
    print("| database | what | read s | plan s | apply s | whole s | aim |")
    print("|---|---|---:|---:|---:|---:|---:|")
    if asked.database != "postgresql":
        with tempfile.TemporaryDirectory() as folder:
            measure(f"sqlite:///{Path(folder) / 'bench.db'}", asked.midwives)
    if asked.database != "sqlite":
        server = PostgresServer(is_durable=True)
        server.start()
        try:
            with server.new_database() as url:
                measure(url, asked.midwives)
        finally:
            server.remove()
    print(f"Memory at its highest: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")


if __name__ == "__main__":
    main()
