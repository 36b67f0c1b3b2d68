"""A district is backed up while it lives, destroyed, and comes back whole: on both databases."""

from __future__ import annotations

import json
import os
import resource
import secrets
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Row, select, text
from sqlalchemy.engine import make_url

from gateway import archive, backup
from gateway.backup import Source
from gateway.channels import simulator
from gateway.errors import KabarError, Malformed, Permanent, SomebodyElse
from gateway.receive import keep
from gateway.store import dumps, inbox, schema
from gateway.store.base import Database, metadata
from tests.district import NOON, District, make_runtime
from tests.gateway.test_cli import run
from tests.servers import PostgresServer

REPORT = "KB 0925 BARU 12 AKTIF 40 PIL 30"


@pytest.fixture
def source(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Source:
    """What is backed up: a database, and a key in `var`."""
    (tmp_path / "var").mkdir(mode=0o700)
    (tmp_path / "var" / "secret.key").write_text("k" * 64)
    environ = dict(os.environ)
    if dumps.kind_of(database_url) == dumps.POSTGRESQL:
        environ["PATH"] = f"{request.getfixturevalue('postgresql').programs}:{environ.get('PATH', '')}"
    places = {"secret.key": tmp_path / "var" / "secret.key"}
    return Source(database_url, places, tmp_path / "var", "0.1.0", environ)


@pytest.fixture
def small(sqlite_url: str, tmp_path: Path) -> Source:
    """What is backed up where the kind of database makes no difference."""
    (tmp_path / "var").mkdir(mode=0o700)
    (tmp_path / "var" / "secret.key").write_text("k" * 64)
    return Source(sqlite_url, {"secret.key": tmp_path / "var" / "secret.key"}, tmp_path / "var", "0.1.0", {})


@pytest.fixture
def district(source: Source, tmp_path: Path) -> Iterator[District]:
    """A district with a history: reports, a repair, a question that is open, a stranger, a closed month."""
    database = Database(source.database_url)
    made = District(make_runtime(database, tmp_path / "sim"))
    made.say("ani", REPORT, provider_id="ani-1")
    made.say("wati", "KB 0925 PMB02 BRU 3 AKTF 9")
    made.say("eve", "KB 0925 BARU 900")
    made.say("stranger", "halo")
    made.send()
    made.close_month("kb", "2025-08")
    yield made
    database.dispose()


Everything = dict[str, list[Row[*tuple[object, ...]]]]


def everything(url: str) -> Everything:
    """Return every row of every table."""
    database = Database(url)
    try:
        with database.session(read_only=True) as session:
            tables = metadata.sorted_tables
            return {
                table.name: list(session.execute(select(table).order_by(*table.primary_key.columns)))
                for table in tables
            }
    finally:
        database.dispose()


def destroy(source: Source, request: pytest.FixtureRequest) -> None:
    """Take a database away, as a dead disk would, and put an empty place where it was."""
    url = make_url(source.database_url)
    if dumps.kind_of(source.database_url) == dumps.SQLITE:
        for path in Path(str(url.database)).parent.glob("kabar.db*"):
            path.unlink()
        return
    server: PostgresServer = request.getfixturevalue("postgresql")
    server.execute(f'DROP DATABASE "{url.database}" WITH (FORCE)')
    server.execute(f'CREATE DATABASE "{url.database}"')


def back_up(source: Source, tmp_path: Path, **how: object) -> backup.Made:
    return backup.make_backup(source, tmp_path / "backups", (), NOON, **how)  # type: ignore[arg-type]


def bring_back(source: Source, path: Path, *, may_replace: bool = False, **how: object) -> archive.Manifest:
    options = {"repeatable": ("simulator",), "may_replace": may_replace, "now": NOON} | how
    return backup.restore(source, path, "", **options)[0]  # type: ignore[arg-type]


def test_a_destroyed_district_comes_back_as_it_was(
    source: Source, district: District, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    before = everything(source.database_url)
    made = back_up(source, tmp_path)
    district.database.dispose()
    destroy(source, request)
    manifest = bring_back(source, made.path)
    assert everything(source.database_url) == before
    assert manifest.rows["inbox"] == 4
    assert manifest.newest_message_at == max(row.received_at for row in before["inbox"])  # type: ignore[attr-defined]


def test_its_messages_go_on_where_they_were(
    source: Source, district: District, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    made = back_up(source, tmp_path)
    district.database.dispose()
    destroy(source, request)
    bring_back(source, made.path)
    assert shown_answer(district, "ani-1")["text"].startswith("KB Sep 25 PMB Ani: BARU 12"), (
        "the answer's page is not what it was"
    )
    district.keep("ani", REPORT, provider_id="ani-1")  # the provider comes again
    assert district.handle() == 0
    assert "50" in district.say("ani", "KB 0925 BARU 12 AKTIF 50")
    assert len(everything(source.database_url)["inbox"]) == 5


def shown_answer(district: District, provider_id: str) -> dict[str, str]:
    channel = district.runtime.channels["simulator"]
    secret = simulator.read_secret(district.runtime.settings.var)
    question = simulator.write_question(secret, provider_id)
    answer = keep.show_answer(district.database, channel, question, provider_id, NOON)
    found: dict[str, str] = json.loads(answer.body)
    return found


def test_a_backup_made_while_somebody_writes_holds_whole_commits(
    source: Source, district: District, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with writing_pairs(district.database) as begun:
        begun.wait(30)
        made = back_up(source, tmp_path)
    district.database.dispose()
    destroy(source, request)
    bring_back(source, made.path)
    pairs = [row.provider_id for row in everything(source.database_url)["inbox"] if row.sender == "pairs"]  # type: ignore[attr-defined]
    assert pairs, "nothing was being written"
    assert pairs == [f"{number}{half}" for number in range(len(pairs) // 2) for half in "ab"]


@contextmanager
def writing_pairs(database: Database) -> Iterator[threading.Event]:
    """Commit two messages at a time, for as long as the block goes on."""
    begun, over = threading.Event(), threading.Event()

    def write() -> None:
        number = 0
        while not over.is_set():
            with database.session() as session:
                for half in "ab":
                    inbox.keep(session, pair(f"{number}{half}"))
                session.commit()
            begun.set()
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield begun
    finally:
        over.set()
        writer.join()


def pair(provider_id: str) -> inbox.NewInboxMessage:
    return inbox.NewInboxMessage(
        "simulator", provider_id, "pairs", "", "halo", NOON, NOON, lane=1, trace_id=secrets.token_hex(8)
    )


def test_what_had_not_gone_out_is_unsure_where_a_second_send_would_be_a_second_sms(
    source: Source, district: District, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    district.say("ani", "STATUS")  # answered, and not yet sent
    made = back_up(source, tmp_path)
    district.database.dispose()
    for repeatable, state in (((), "unsure"), (("simulator",), "queued")):
        destroy(source, request)
        bring_back(source, made.path, repeatable=repeatable)
        assert everything(source.database_url)["outbox"][-1].state == state  # type: ignore[attr-defined]


def test_nothing_is_restored_over_what_is_there_unasked(source: Source, district: District, tmp_path: Path) -> None:
    made = back_up(source, tmp_path)
    district.say("ani", "KB 0925 BARU 12 AKTIF 50")
    later = everything(source.database_url)
    district.database.dispose()
    with pytest.raises(Permanent, match="--replace"):
        bring_back(source, made.path)
    assert everything(source.database_url) == later
    bring_back(source, made.path, may_replace=True)
    assert len(everything(source.database_url)["inbox"]) == 4


def test_nothing_is_restored_while_a_process_has_the_database_open(
    source: Source, district: District, tmp_path: Path
) -> None:
    made = back_up(source, tmp_path)
    with district.database.session(read_only=True) as session:
        session.execute(text("SELECT 1"))
        with pytest.raises(SomebodyElse, match="stop every process"):
            bring_back(source, made.path, may_replace=True)
    assert district.say("ani", "STATUS")


def test_tables_of_others_are_never_dropped(source: Source, tmp_path: Path) -> None:
    made = back_up(source, tmp_path)
    database = Database(source.database_url)
    with database.session() as session:
        session.execute(text("CREATE TABLE payroll (id INTEGER)"))
        session.commit()
    database.dispose()
    with pytest.raises(Permanent, match="not Kabar's"):
        bring_back(source, made.path, may_replace=True)


def test_a_broken_backup_is_refused_and_nothing_is_touched(source: Source, district: District, tmp_path: Path) -> None:
    made = back_up(source, tmp_path)
    there = everything(source.database_url)
    district.database.dispose()
    octets = made.path.read_bytes()
    for name, wrong in (
        ("cut", octets[:-9]),
        ("flipped", octets[:5000] + bytes([octets[5000] ^ 4]) + octets[5001:]),
        ("empty", b""),
    ):
        (tmp_path / name).write_bytes(wrong)
        with pytest.raises(Malformed):
            bring_back(source, tmp_path / name, may_replace=True)
        with pytest.raises(Malformed):
            backup.check_backup(tmp_path / name, source.var)
    assert everything(source.database_url) == there
    assert backup.check_backup(made.path, source.var).rows["inbox"] == 4


def test_a_backup_of_a_later_version_is_refused_and_one_of_another_kind(source: Source, tmp_path: Path) -> None:
    made = back_up(source, tmp_path)
    manifest = archive.unpack(made.path, tmp_path / "found")
    there = everything(source.database_url)
    other = {"sqlite": "postgresql", "postgresql": "sqlite"}[manifest.kind]
    for name, said, words in (
        ("later", replace(manifest, migration="9999"), "update it first"),
        ("other", replace(manifest, kind=other), f"is of {other}"),
    ):
        archive.pack(tmp_path / name, said, {archive.DATABASE: tmp_path / "found" / "database"})
        with pytest.raises(KabarError, match=words):
            bring_back(source, tmp_path / name, may_replace=True)
    assert everything(source.database_url) == there


def test_a_backup_of_an_earlier_version_is_brought_up(
    empty_database_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    schema.upgrade(empty_database_url, "0020")
    programs = request.getfixturevalue("postgresql").programs
    environ = dict(os.environ) | {"PATH": f"{programs}:{os.environ.get('PATH', '')}"}
    source = Source(empty_database_url, {}, tmp_path / "var", "0.0.9", environ)
    made = back_up(source, tmp_path)
    assert made.manifest.migration == "0020"
    bring_back(source, made.path)
    assert everything(empty_database_url)["inbox"] == []
    database = Database(empty_database_url)
    with database.session(read_only=True) as session:
        assert schema.version_of(session) == schema.newest_version()
    database.dispose()


def test_secrets_travel_in_a_locked_backup_alone(small: Source, tmp_path: Path) -> None:
    key = archive.pyrage.x25519.Identity.generate()
    plain = back_up(small, tmp_path)
    locked = backup.make_backup(small, tmp_path / "backups", [str(key.to_public())], NOON)
    assert list(plain.manifest.files) == ["database"]
    assert sorted(locked.manifest.files) == ["database", "secrets/secret.key"]
    place = small.secrets["secret.key"]
    place.write_text("another")
    options = {"repeatable": (), "may_replace": True, "now": NOON}
    with pytest.raises(Malformed, match="--identity"):
        backup.restore(small, locked.path, "", **options)  # type: ignore[arg-type]
    assert backup.restore(small, locked.path, str(key), **options)[1] == ("secret.key",)  # type: ignore[arg-type]
    assert place.read_text() == "k" * 64
    assert place.stat().st_mode & 0o777 == 0o600
    assert next(small.var.glob("secret.key.before-*")).read_text() == "another"


def test_the_newest_are_kept_and_nothing_that_is_not_ours_goes(small: Source, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    others = ("kabar-20200101T000000Z.tar.gz", "kabar-20250101T000000Z.sql", "notes.txt")  # the first is no backup
    for name in others:
        (folder / name).write_text("not ours")
    made = [backup.make_backup(small, folder, (), NOON + timedelta(days=day), keep=2).path for day in range(4)]
    assert set(folder.iterdir()) == {*made[2:], *(folder / name for name in others)}
    assert backup.newest_at(folder) == NOON + timedelta(days=3)
    behind = backup.make_backup(small, folder, (), NOON - timedelta(days=9), keep=1)  # the clock was put back
    assert behind.path.exists(), "the one that was just made went"
    assert set(folder.iterdir()) == {behind.path, *(folder / name for name in others)}


def test_two_of_one_second_stand_beside_each_other(small: Source, tmp_path: Path) -> None:
    first, second = back_up(small, tmp_path).path, back_up(small, tmp_path).path
    assert backup.backups_in(first.parent) == (second, first)
    with pytest.raises(Permanent, match="not overwritten"):
        backup.make_backup(small, first, (), NOON)


def test_a_full_disk_is_told_and_older_backups_stay(source: Source, district: District, tmp_path: Path) -> None:
    older = back_up(source, tmp_path).path
    octets = older.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(octets) // 2, hard))  # no file may grow beyond it
    try:
        with pytest.raises(KabarError):
            back_up(source, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(older.parent.iterdir()) == [older]
    assert older.read_bytes() == octets
    assert not list((source.var / "backup").iterdir())


def test_one_backup_at_a_time(small: Source, tmp_path: Path) -> None:
    with backup._workshop(small.var), pytest.raises(SomebodyElse, match="another backup"):
        back_up(small, tmp_path)


@pytest.mark.long
def test_killed_at_any_step_a_backup_leaves_the_older_ones_and_no_half_one(
    source: Source, district: District, tmp_path: Path
) -> None:
    older = back_up(source, tmp_path).path
    district.database.dispose()

    def work() -> object:
        return back_up(source, tmp_path, keep=5)

    for step in some_steps(tmp_path, work):
        die_at(step, tmp_path, work)
        for path in backup.backups_in(older.parent):
            assert backup.check_backup(path, source.var).rows["inbox"] == 4
        assert older.exists()
    back_up(source, tmp_path, keep=5)
    assert set(older.parent.iterdir()) == set(backup.backups_in(older.parent)), "something half is left"
    assert not list((source.var / "backup").iterdir())


@pytest.mark.long
def test_killed_at_any_step_a_restore_leaves_the_one_database_or_the_other(
    source: Source, district: District, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    made, before = back_up(source, tmp_path), everything(source.database_url)
    district.say("ani", "KB 0925 BARU 12 AKTIF 50")
    district.send()
    after = everything(source.database_url)
    district.database.dispose()
    present = back_up(source, tmp_path).path

    def work() -> object:
        return bring_back(source, made.path, may_replace=True)

    for step in some_steps(tmp_path, work):
        let_go(source, request)
        bring_back(source, present, may_replace=True)
        die_at(step, tmp_path, work)
        let_go(source, request)
        assert everything(source.database_url) in (before, after)
    bring_back(source, made.path, may_replace=True)
    assert everything(source.database_url) == before


def let_go(source: Source, request: pytest.FixtureRequest) -> None:
    """End what a killed restore left behind at PostgreSQL."""
    if dumps.kind_of(source.database_url) == dumps.POSTGRESQL:
        name = make_url(source.database_url).database
        server: PostgresServer = request.getfixturevalue("postgresql")
        server.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")


STEPS = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "sqlite3.connect", "shutil.rmtree"}


def some_steps(folder: Path, work: Callable[[], object]) -> list[int]:
    """Return some of the steps at which work can be killed: from its whole length, and its very last ones."""
    reads, writes = os.pipe()
    child = in_child(folder, work, lambda taken: None, lambda taken: os.write(writes, str(taken).encode()))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, "the work failed by itself"
    steps = int(os.read(reads, 20))
    os.close(reads)
    os.close(writes)
    assert steps > 10, f"only {steps} steps were seen"
    return [*range(0, steps - 3, steps // 4), steps - 3, steps - 2, steps - 1]


def die_at(step: int, folder: Path, work: Callable[[], object]) -> None:
    """Do work in a child that is killed before its nth touch of a file or a program."""

    def look(taken: int) -> None:
        if taken > step:
            os.kill(os.getpid(), signal.SIGKILL)

    os.waitpid(in_child(folder, work, look, lambda taken: None), 0)


def in_child(
    folder: Path, work: Callable[[], object], look: Callable[[int], object], end: Callable[[int], object]
) -> int:
    """Do work in a child, which looks at each step how many it has taken, and at its end; return its number."""
    child = os.fork()
    if child:
        return child
    taken = [0]

    def count(event: str, arguments: tuple[object, ...]) -> None:
        if event == "subprocess.Popen" or (event in STEPS and any(str(folder) in str(one) for one in arguments)):
            taken[0] += 1
            look(taken[0])

    try:
        sys.addaudithook(count)
        work()
        end(taken[0])
    except BaseException:  # noqa: BLE001  a child of pytest must never go on as pytest
        os._exit(1)
    os._exit(0)


@pytest.mark.long
def test_from_the_command_line_a_district_is_saved_destroyed_and_restored(
    sqlite_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    database = Database(sqlite_url)
    District(make_runtime(database, tmp_path / "sim")).say("ani", REPORT)
    database.dispose()
    settings = {
        "KABAR_VAR": str(tmp_path / "var"),
        "KABAR_DATABASE_URL": sqlite_url,
        "KABAR_BACKUPS": str(tmp_path / "backups"),
    }
    key = archive.pyrage.x25519.Identity.generate()
    (tmp_path / "key").write_text(f"{key}\n")
    made = run("backup", "--key", str(key.to_public()), "--keep", "14", **settings)
    assert made.returncode == 0, made.stderr
    path = made.stdout.strip()
    before = everything(sqlite_url)
    refused = run("restore", path, "--identity", str(tmp_path / "key"), **settings)
    assert (refused.returncode, "--replace" in refused.stderr) == (1, True)
    for file in tmp_path.glob("kabar.db*"):
        file.unlink()
    done = run("restore", path, "--identity", str(tmp_path / "key"), **settings)
    assert done.returncode == 0, done.stderr
    assert "./kabar reconcile" in done.stderr
    assert "2025-10-03 05:00:01 UTC" in done.stderr, "it does not say since when messages are missing"
    assert everything(sqlite_url) == before
    assert "backups" in run("doctor", **settings).stdout


def test_no_password_stands_in_what_programs_are_started_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = make_url("postgresql+psycopg://kabar:s3cret@127.0.0.1:1/kabar?sslmode=disable")
    address, environ = dumps.pg_programs._address(url, {"PATH": "/bin"})
    assert "s3cret" not in address
    assert address == "postgresql://kabar@127.0.0.1:1/kabar?sslmode=disable"
    assert environ == {"PATH": "/bin", "PGPASSWORD": "s3cret"}
    with pytest.raises(KabarError) as fault:
        dumps.dump(url.render_as_string(hide_password=False), tmp_path / "x", environ)
    assert "s3cret" not in str(fault.value)


def test_a_program_that_is_too_old_is_named_with_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="apt install postgresql-client-99"):
        dumps.pg_programs.find_program("pg_dump", 99, {"PATH": str(tmp_path)})


def test_a_broken_sqlite_database_is_not_backed_up_in_silence(sqlite_url: str, tmp_path: Path) -> None:
    path = tmp_path / "kabar.db"
    with closing(sqlite3.connect(path)) as connection:
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'lanes'").fetchone()[0]
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)
    source = Source(sqlite_url, {}, tmp_path / "var", "0.1.0", {})
    with pytest.raises(KabarError):
        backup.make_backup(source, tmp_path / "backups", (), NOON)
    assert not list((tmp_path / "backups").iterdir())


def test_where_there_is_no_database_that_is_said_and_none_is_made(tmp_path: Path) -> None:
    source = Source(f"sqlite:///{tmp_path / 'none.db'}", {}, tmp_path / "var", "0.1.0", {})
    with pytest.raises(Permanent, match="no database yet"):
        backup.make_backup(source, tmp_path / "backups", (), NOON)
    assert not (tmp_path / "none.db").exists()
