"""Whole processes: killed at any step, and from the command line."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest

from gateway import backup
from gateway.backup import Source
from gateway.store.base import Database
from tests.district import District, make_runtime
from tests.gateway.backup.saved import back_up, bring_back, everything, let_go
from tests.gateway.test_cli import run

REPORT = "KB 0925 BARU 12 AKTIF 40 PIL 30"


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
    key = pyrage.x25519.Identity.generate()
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
