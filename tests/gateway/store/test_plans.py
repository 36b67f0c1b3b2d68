"""What is asked for every message and every second finds its rows by an index: the cost stays with years behind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event

from gateway.receive import keep
from gateway.store import outbox
from gateway.store.base import Database, Session, is_postgresql
from gateway.values import InboundSms, SmsPart, read_sender
from tests.district import PHONES, District, make_runtime
from workers import outbound, sweep

GROWING = (
    "inbox",
    "outbox",
    "reports",
    "report_values",
    "questions",
    "parts",
    "events",
    "dialogues",
    "hook_deliveries",
)
NAMES = "|".join(GROWING)
# SQLite says SCAN where it goes through a whole table or index; through a partial index is what those are for.
SCANS = {
    "sqlite": re.compile(rf"SCAN (?:{NAMES})\b(?! USING (?:COVERING )?INDEX (?:{{partial}}))"),
    "postgresql": re.compile(rf"Seq Scan on (?:{NAMES})\b"),
}
# SQLite's plan of an INSERT names the tables that point at its own, too: looked through only if one pointed at nothing.
PLANNED = {"sqlite": ("SELECT", "UPDATE", "DELETE"), "postgresql": ("SELECT", "UPDATE", "DELETE", "INSERT")}
EVENING = (
    *(
        ("ani", "KB 0925 BARU 5 AKTIF 40"),
        ("budi", "KB 0925 BARU 5"),
        ("eve", "STATUS"),
        ("stranger", "DAFTAR Bidan X"),
    ),
    *(
        ("budi", "AKTIF 44"),
        ("ani", "KB 0925 BARU 6 AKTIF 41"),
        ("ani2", "KB 0925 BARU 900 AKTIF 9000"),
        ("ani2", "YA"),
    ),
    *(("wati", "KB PMB02 0724 BARU 1 AKTIF 30"), ("ani", "RALAT BARU 7"), ("ani", "BATAL"), ("eve", "halo bu")),
    *(("clinic", "ALOKON PMB04 0925 PIL AWAL 10 TERIMA 5 KELUAR 3 SISA 12"), ("eve", "STOP"), ("eve", "BAHASA EN")),
)


@contextmanager
def collecting(database: Database) -> Iterator[dict[str, Any]]:
    """Collect every statement that is sent to a database, with the parameters of one of its uses."""
    found: dict[str, Any] = {}

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, is_many: bool) -> None:
        found.setdefault(statement, parameters[0] if is_many else parameters)

    event.listen(database.engine, "before_cursor_execute", note)
    yield found
    event.remove(database.engine, "before_cursor_execute", note)


def find_scans(session: Session, statements: dict[str, Any]) -> dict[str, str]:
    """Return the statements that go through a whole table that grows, with their plans."""
    if is_postgresql(session):
        session.exec_driver_sql("SET enable_seqscan = off")  # its tables are small here: what it would do if need be
        explain, pattern = "EXPLAIN", SCANS["postgresql"]
    else:
        partial = session.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %'"
        ).scalars()
        explain = "EXPLAIN QUERY PLAN"
        pattern = re.compile(SCANS["sqlite"].pattern.replace("{partial}", "|".join(partial)))
    found = {}
    for statement, parameters in statements.items():
        if statement.startswith(PLANNED[session.dialect.name]):
            plan = "\n".join(str(row[-1]) for row in session.exec_driver_sql(f"{explain} {statement}", parameters))
            if pattern.search(plan):
                found[statement] = plan
    return found


def test_no_statement_of_a_messages_way_or_of_the_sweep_goes_through_a_table_that_grows(
    database: Database, tmp_path: Path
) -> None:
    district = District(make_runtime(database, tmp_path))
    runtime = district.runtime
    with collecting(database) as statements:
        for sender, words in EVENING:
            district.keep(sender, words)
        for number in (1, 2):
            _keep_part(district, number)
        district.handle()
        while outbound.send_claim(runtime, runtime.channels["simulator"])[1]:
            district.pass_time(seconds=1)
        sweep.sweep(runtime)
    assert len(statements) > 60
    with database.session() as session:
        scans = find_scans(session, statements)
    assert not scans, "\n\n".join(f"{statement}\n{plan}" for statement, plan in scans.items())


def _keep_part(district: District, number: int) -> None:
    part = SmsPart("7", 2, number)
    words = ("KB 0925 BARU 5 ", "AKTIF 40")[number - 1]
    sms = InboundSms(f"part{number}", read_sender(PHONES["budi"]), words, sent_at=district.runtime.now(), part=part)
    with district.database.session() as session:
        keep.keep_sms(session, "simulator", sms, district.runtime.now())
        session.commit()


def test_whether_a_channel_has_something_to_send_is_asked_of_what_waits_and_not_of_all_it_ever_sent(
    database: Database,
) -> None:
    with database.session() as session, collecting(database) as statements:
        assert not outbox.has_due(session, "simulator")
        [(asked, parameters)] = [one for one in statements.items() if "FROM outbox" in one[0]]
        explain = "EXPLAIN QUERY PLAN"
        if is_postgresql(session):
            session.exec_driver_sql("SET enable_seqscan = off")  # its table is empty here
            explain = "EXPLAIN"
        plan = [str(row[-1]) for row in session.exec_driver_sql(f"{explain} {asked}", parameters)]
    assert any("ix_outbox_channel_open" in line for line in plan)
