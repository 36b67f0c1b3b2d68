"""A group of messages comes to the very same rows as one message after the other, whatever they are."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Table, event, select, update
from structlog.testing import capture_logs

from gateway.handle import batch
from gateway.handle import message as handling
from gateway.handle.notice import KIND
from gateway.reply.compose import ref_of
from gateway.store import inbox, outbox, questions, registrations, reporters, reports, thresholds
from gateway.store.base import Database
from gateway.store.thresholds import Threshold
from parsers.read import read_message
from tests.district import PHONES, District, make_runtime
from workers import inbound

LANE = 0
POISON = "KB 0925 BARU 6 AKTIF 66"
TABLES: tuple[Table, ...] = (
    *(inbox.inbox, outbox.outbox, reports.reports, reports.report_values, questions.questions),
    *(registrations.registrations, reporters.reporters),
)
OWN = {"ref", "trace_id", "changed_at"}  # made up anew each time, or told by the database's own clock
REPORT_IDS = {"reports": ("replaces_id",), "report_values": ("report_id",), "questions": ("report_id",)}
TEXTS = (
    *("KB 0925 BARU 5 AKTIF 40", "KB 0925 BARU 6 AKTIF 41 PIL 12", "KB 0925 BARU 5", "AKTIF 40", "KB BARU 5 AKTIF 44"),
    *("KB 0925 BARU 900 AKTIF 9000", "KB 1025 BARU 4 AKTIF 40", "KB 0125 BARU 5 AKTIF 38", "KB 0724 BARU 1 AKTIF 30"),
    *("KB 0825 BARU 5 AKTIF 40 KB 0925 BARU 5 AKTIF 40", "KB 0925 BARU 5 AKTIF 40 ALOKON 0925 PIL AWAL 10 SISA 5"),
    *(
        "ALOKON 0925 PIL AWAL 10 TERIMA 5 KELUAR 3 SISA 12",
        "KB PMB02 0925 BARU 7 AKTIF 47",
        "KB PTK 0925 BARU 1 AKTIF 9",
    ),
    *("YA", "TIDAK", "BATAL", "RALAT BARU 7", "RALAT AKTIF 12", "STATUS", "STATUS 0925", "BANTUAN", "STOP", "MULAI"),
    *("BAHASA EN", "halo bu", "DAFTAR Bidan Lina Bengkalis", "DAFTAR GANTI 081230000001", POISON),
)


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One text that our reader cannot bear; what is logged of it is shown to nobody."""

    def break_at_poison(words: str, *others: Any) -> Any:
        if words == POISON:
            raise ZeroDivisionError("a fault of ours")
        return read_message(words, *others)

    monkeypatch.setattr(handling, "read_message", break_at_poison)
    with capture_logs():
        yield


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Path:
    """A district in which months were reported, and a clerk has moved who left a question open where she was before."""
    path = tmp_path_factory.mktemp("filled") / "kabar.db"
    shutil.copy(migrated_sqlite, path)
    database = Database(f"sqlite:///{path}")
    prepare(District(make_runtime(database, path.parent)))
    database.dispose()
    return path


def prepare(district: District) -> None:
    """Let the district report some months; the clerk's last report was for a midwife's practice."""
    for month in ("0625", "0725", "0825"):
        for phone, place in (("ani", ""), ("wati", "PMB02 "), ("eve", ""), ("clinic", "PMB04 ")):
            district.say(phone, f"KB {place}{month} BARU 5 AKTIF 40")
    _move_clerk(district, "DAMON", "PMB01")
    district.say("budi", "KB 0825 BARU 800 AKTIF 8000")
    _move_clerk(district, "PMB01", "DAMON")


def _move_clerk(district: District, old: str, new: str) -> None:
    with district.database.session() as session:
        works_at = reporters.reporter_facilities
        hers = select(reporters.reporters.c.id).where(reporters.reporters.c.name == "Budi").scalar_subquery()
        statement = update(works_at).where(works_at.c.reporter_id == hers, works_at.c.facility_id == district.ids[old])
        session.execute(statement.values(facility_id=district.ids[new]))
        session.commit()


def handle(district: District, evening: Sequence[Sequence[tuple[str, str]]]) -> None:
    """Let the messages of each batch come by one lane, and handle them."""
    for messages in evening:
        for sender, words in messages:
            district.pass_time(seconds=1)
            district.keep(sender, words)
        with district.database.session() as session:
            session.execute(update(inbox.inbox).values(lane=LANE))
            session.commit()
        while inbound.handle_batch(district.runtime, LANE):
            pass
        district.pass_time(minutes=10)


def read_rows(database: Database) -> dict[str, list[dict[str, Any]]]:
    """Return what is in the tables, the rows of each numbered from one."""
    with database.session(read_only=True) as session:
        found = {
            table.name: [dict(row._mapping) for row in session.execute(select(table).order_by(*table.primary_key))]
            for table in TABLES
        }
    number_of = {row["id"]: number for number, row in enumerate(found["reports"], start=1)}
    refs = {ref_of(report_id): str(number) for report_id, number in number_of.items()}
    told = re.compile(rf"\b(?:{'|'.join(refs)})\b")
    for name, rows in found.items():
        for number, row in enumerate(rows, start=1):
            row.update({"id": number} if "id" in row else {})  # what was undone may have taken some
            row.update({column: number_of.get(row[column]) for column in REPORT_IDS.get(name, ())})
            row.update({"text": told.sub(lambda it: refs[it.group()], row["text"])} if "text" in row else {})
            if told_of := re.fullmatch(rf"{KIND}(\d+)", str(row.get("kind"))):
                row["kind"] = f"{KIND}{number_of[int(told_of[1])]}"
            for column in OWN & row.keys():
                del row[column]
    return found


def copy_district(filled: Path, folder: Path, name: str) -> District:
    """Return the filled district on a copy of its own, its clock an hour after the last report."""
    path = shutil.copy(filled, folder / f"{name}.db")
    district = District.__new__(District)  # it is filled already
    district.runtime = make_runtime(Database(f"sqlite:///{path}"), folder, answers_per_hour=1000)
    district.database, district._count = district.runtime.database, 1000
    district.pass_time(hours=1)
    return district


def one_by_one(messages: Sequence[inbox.InboxMessage], _desk: object) -> Iterator[tuple[inbox.InboxMessage, ...]]:
    """Put each message into a group of its own."""
    return ((one,) for one in messages)


evenings = st.lists(
    st.lists(st.tuples(st.sampled_from(sorted(PHONES)), st.sampled_from(TEXTS)), min_size=1, max_size=9),
    min_size=1,
    max_size=3,
)


@pytest.mark.usefixtures("poison")
@given(evening=evenings)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_groups_come_to_the_rows_of_one_message_after_the_other(
    evening: list[list[tuple[str, str]]], filled: Path, tmp_path: Path
) -> None:
    together, alone = (copy_district(filled, tmp_path, name) for name in ("together", "alone"))
    handle(together, evening)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "find_groups", one_by_one)
        handle(alone, evening)
    rows = read_rows(together.database), read_rows(alone.database)
    for district in (together, alone):
        district.database.dispose()
    assert rows[0] == rows[1]


@pytest.mark.usefixtures("poison")
def test_groups_on_postgresql_come_to_the_rows_of_one_message_after_the_other_on_sqlite(
    postgresql_url: str, filled: Path, tmp_path: Path, open_database: Callable[[str], Database]
) -> None:
    everything = [
        [(phone, TEXTS[(number * len(PHONES) + index) % len(TEXTS)]) for index, phone in enumerate(PHONES)]
        for number in range(4)
    ]
    together = District(make_runtime(open_database(postgresql_url), tmp_path, answers_per_hour=1000))
    prepare(together)
    together.pass_time(hours=1)
    together._count = 1000
    alone = copy_district(filled, tmp_path, "alone")
    alone.set_clock(together.runtime.now())
    handle(together, everything)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "find_groups", one_by_one)
        handle(alone, everything)
    rows = read_rows(together.database), read_rows(alone.database)
    alone.database.dispose()
    assert rows[0] == rows[1]


def test_what_a_wrong_proof_gives_to_staff_is_seen_by_who_reports_there_now(database: Database, tmp_path: Path) -> None:
    district = District(make_runtime(database, tmp_path, answers_per_hour=1000))
    with database.session() as session:
        thresholds.choose(session, Threshold("14.03", "", "kb", "confirm_changes", 1))
        session.commit()
    district.say("ani", "KB 0925 BARU 5 AKTIF 40")
    _move_clerk(district, "DAMON", "PMB01")
    asked = district.say("budi", "KB 0925 BARU 5 AKTIF 55")
    _move_clerk(district, "PMB01", "DAMON")
    wrong = "YA 111" if "YA 111" not in asked else "YA 222"
    assert district.say("budi", wrong) == district.say("budi", wrong) == asked
    same = "KB 0925 BARU 5 AKTIF 40"
    handle(district, [[("wati", f"KB PMB02 {same[3:]}"), ("budi", wrong), ("ani", same)]])
    hers = [one for one in read_rows(database)["reports"] if one["facility_id"] == district.ids["PMB01"]]
    assert [one["state"] for one in hers] == ["replaced", "replaced", "accepted"]


def test_a_batch_of_messages_that_have_nothing_in_common_asks_the_database_no_more_than_a_small_one(
    database: Database, tmp_path: Path
) -> None:
    district = District(make_runtime(database, tmp_path))
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda _c, _u, statement, *_: asked.append(statement))
    counts = []
    named = {"clinic": "PMB04 ", "wati": "PMB02 "}
    few, many = ("ani", "budi"), ("eve", "clinic", "wati")
    for phones, month in (((*few, *many), "0825"), (few, "0925"), (many, "0925")):
        asked.clear()
        handle(district, [[(phone, f"KB {named.get(phone, '')}{month} BARU 5 AKTIF 40") for phone in phones]])
        counts.append(len([one for one in asked if not one.startswith(("INSERT INTO inbox", "BEGIN"))]))
    assert counts[1] == counts[2]
    assert {answer["kind"] for answer in read_rows(database)["outbox"]} == {"answer"}
    assert [report["state"] for report in read_rows(database)["reports"]] == ["accepted"] * 10


def test_a_report_of_another_lane_for_the_same_facility_is_waited_for_and_seen(
    postgresql_url: str, tmp_path: Path, open_database: Callable[[str], Database]
) -> None:
    district = District(make_runtime(open_database(postgresql_url), tmp_path))
    first, second = district.keep("ani", "KB 0925 BARU 5 AKTIF 40"), district.keep("ani2", "KB 0925 BARU 9 AKTIF 44")
    others = [district.keep(phone, "KB 0925 BARU 5 AKTIF 40") for phone in ("budi", "eve")]
    with district.database.session() as session:
        for lane, keys in enumerate(((first, others[0]), (second, others[1]))):
            mine = inbox.inbox.c.provider_id.in_(keys)
            session.execute(update(inbox.inbox).where(mine).values(lane=lane))
        session.commit()
    runtime = district.runtime
    with district.database.session() as session:
        batch.handle_batch(session, 0, runtime.rules, runtime.now(), size=100, tries=5)
        worker = threading.Thread(target=inbound.handle_batch, args=(runtime, 1))
        worker.start()
        worker.join(0.2)
        is_waiting = worker.is_alive()
        session.commit()
        worker.join()
    assert is_waiting
    hers = [one for one in read_rows(district.database)["reports"] if one["facility_id"] == district.ids["PMB01"]]
    assert sorted((one["revision"], one["state"]) for one in hers) == [(1, "replaced"), (2, "accepted")]
