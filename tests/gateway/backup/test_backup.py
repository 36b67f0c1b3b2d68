"""Backups are made while a district lives; older ones stay whatever happens."""

from __future__ import annotations

import os
import resource
import secrets
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from gateway import archive, backup, checkup
from gateway.backup import Source
from gateway.errors import KabarError, Permanent, SomebodyElse
from gateway.runtime import utc_now
from gateway.settings import Settings
from gateway.store import dumps, inbox, pg_programs, schema
from gateway.store.base import Database
from tests.district import NOON, District
from tests.gateway.backup.saved import back_up, bring_back, destroy, everything


def test_a_backup_made_while_somebody_writes_holds_whole_commits(
    source: Source, district: District, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with writing_pairs(district.database) as begun:
        begun.wait(30)
        made = back_up(source, tmp_path)
    district.database.dispose()
    destroy(source, request)
    bring_back(source, made.path)
    pairs = [row.provider_id for row in everything(source.database_url)["inbox"] if row.sender == "pairs"]
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


MANIFEST = archive.Manifest("postgresql", 15, schema.newest_version(), "0.1.0", NOON, None, {}, {})


def test_one_backup_at_a_time(small: Source, tmp_path: Path) -> None:
    with backup._workshop(small.var), pytest.raises(SomebodyElse, match="another backup"):
        back_up(small, tmp_path)


def test_no_password_stands_in_what_programs_are_started_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = make_url("postgresql+psycopg://kabar:s3cret@127.0.0.1:1/kabar?sslmode=disable")
    address, environ = pg_programs._address(url, {"PATH": "/bin"})
    assert "s3cret" not in address
    assert address == "postgresql://kabar@127.0.0.1:1/kabar?sslmode=disable"
    assert environ == {"PATH": "/bin", "PGPASSWORD": "s3cret"}
    with pytest.raises(KabarError) as fault:
        dumps.dump(url.render_as_string(hide_password=False), tmp_path / "x", environ)
    assert "s3cret" not in str(fault.value)


def test_programs_are_told_of_several_hosts_in_their_own_way() -> None:
    hosts = "host=127.0.0.1:1&host=localhost:2&target_session_attrs=read-write"
    address, _ = pg_programs._address(make_url(f"postgresql+psycopg://kabar@/kabar?{hosts}"), {})
    program = pg_programs.find_program("psql", 0, dict(os.environ))
    said = subprocess.run([program, "--no-password", address], capture_output=True, text=True, check=False).stderr
    assert 'server at "127.0.0.1", port 1 failed' in said
    assert "port 2 failed" in said


def test_nothing_is_backed_up_or_restored_through_a_pooler(tmp_path: Path) -> None:
    url = "postgresql://kabar@127.0.0.1:1/kabar?pooled=1"  # pg_dump would leave its settings in lent connections
    source = Source(url, {}, tmp_path / "var", "0.1.0", {})
    with pytest.raises(Permanent, match="not through a pooler"):
        backup.make_backup(source, tmp_path / "backups", (), NOON)
    with pytest.raises(Permanent, match="not through a pooler"):
        backup.find_hindrances(url, MANIFEST)


def test_a_program_that_is_too_old_is_named_with_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="apt install postgresql-client-99"):
        pg_programs.find_program("pg_dump", 99, {"PATH": str(tmp_path)})


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


def test_doctor_tells_of_no_backups_of_old_ones_and_of_a_folder_that_is_not_there(
    small: Source, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"

    def say(where: str) -> tuple[bool, str]:
        found = checkup._check_backups(Settings(backups=where))
        return found.is_well, found.words

    assert (say("")[0], "no backup is set up: KABAR_BACKUPS" in say("")[1]) == (True, True)
    assert (say(str(folder))[0], "No such file" in say(str(folder))[1]) == (False, True)
    folder.mkdir()
    assert (say(str(folder))[0], "not one backup yet" in say(str(folder))[1]) == (False, True)
    backup.make_backup(small, folder, (), utc_now() - timedelta(days=3))
    assert (say(str(folder))[0], "too long ago" in say(str(folder))[1]) == (False, True)
    backup.make_backup(small, folder, (), utc_now())
    assert say(str(folder))[0]
