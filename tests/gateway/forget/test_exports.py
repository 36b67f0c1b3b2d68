"""An export that is being made while somebody is erased: no file with her in it is left, however the two meet."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import event, func, select
from structlog.testing import capture_logs

from gateway import cli_export
from gateway.errors import Permanent, Raced, Unavailable
from gateway.export import run
from gateway.forget import erase
from gateway.forget.erase import Asked
from gateway.redact import Secret
from gateway.runtime import Runtime
from gateway.settling import SettlesAt
from gateway.store import erasures, exports
from gateway.store.exports import DONE, FAILED, MAKING, QUEUED, Export, Wanted, export_parts
from tests.district import PHONES, District, TestRuntime
from tests.gateway.export.making import SEPTEMBER, ask, choose, find, read
from tests.klikkb import fill_directory, make_agreement

KEY = Secret("k" * 40)
WANTED = Wanted("klikkb", "kb", SEPTEMBER, SEPTEMBER, "14.03")
HERS = PHONES["ani"].removeprefix("+").encode()


@pytest.fixture
def reported(district: District) -> District:
    """A district whose September is in, and whose exports for Klik-KB hold names and numbers."""
    with district.database.session() as session:
        fill_directory(session)
        make_agreement(session, may_name=True, may_phone=True)
        session.commit()
    choose(district, SettlesAt.ACCEPTED)
    district.say("ani", "KB 0925 BARU 3 AKTIF 40 PIL 12")
    district.say("wati", "KB PMB02 0925 BARU 2 AKTIF 30 PIL 10")
    return district


def forget_ani(district: District) -> None:
    """Erase Ani, as the command does."""
    with district.database.session() as session:
        asked = Asked("permintaan sendiri", (None, "cli"), district.runtime.now())
        erase.erase(session, erasures.find_by_phone(session, PHONES["ani"]), KEY, asked)
        session.commit()


def claim(district: District) -> tuple[Export, str]:
    """Take up the export that waits, as its maker does."""
    with district.database.session() as session:
        claimed = exports.claim(session)
        session.commit()
    assert claimed
    return claimed


def interrupted(district: District) -> Runtime:
    """Return the gateway with a maker who looks at the clock twice: in between, its file written, she is erased."""
    runtime = district.runtime
    looks: list[datetime] = []

    class Interrupted(TestRuntime):
        def now(self) -> datetime:
            looks.append(runtime.now())
            if len(looks) == 2:
                forget_ani(district)
            return looks[-1]

    return Interrupted(**{one.name: getattr(runtime, one.name) for one in fields(runtime)})


def make(district: District, now: Callable[[], datetime]) -> None:
    """Make the next export that waits."""
    run.make_next(district.database, district.runtime.forms, now)


def pieces(district: District) -> int:
    """Return how many pieces of files are kept, of whatever export."""
    with district.database.session(read_only=True) as session:
        return int(session.execute(select(func.count()).select_from(export_parts)).scalar_one())


def test_a_file_that_was_written_as_she_was_erased_is_made_anew_without_her(reported: District) -> None:
    before = ask(reported, WANTED)
    make(reported, reported.runtime.now)
    assert HERS in read(reported, find(reported, before.ref))
    asked = ask(reported, WANTED)
    with capture_logs() as logs:
        make(reported, interrupted(reported).now)
    assert "export_made" not in [line["event"] for line in logs]
    left = find(reported, asked.ref)
    assert (left.state, left.tries) == (QUEUED, 0)
    assert pieces(reported) == 0
    with capture_logs() as logs:
        make(reported, reported.runtime.now)
    assert "export_made" in [line["event"] for line in logs]
    made = find(reported, asked.ref)
    assert (made.state, made.reports) == (DONE, 2)
    assert read(reported, made)
    assert HERS not in read(reported, made)


def test_pieces_that_were_kept_already_go_with_her_and_their_maker_keeps_no_more(reported: District) -> None:
    asked = ask(reported, WANTED)
    with reported.database.session() as session:
        claimed = exports.claim(session)
        assert claimed
        exports.keep_part(session, asked.id, 0, HERS)
        session.commit()
    forget_ani(reported)
    assert pieces(reported) == 0
    with reported.database.session() as session:
        assert not exports.is_mine(session, *claimed)
    make(reported, reported.runtime.now)
    assert find(reported, asked.ref).state == DONE


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_made_of_another_area_is_left_alone(reported: District) -> None:
    elsewhere = ask(reported, Wanted("klikkb", "kb", SEPTEMBER, SEPTEMBER, "72.71"))
    with reported.database.session() as session:
        exports.claim(session)
        exports.keep_part(session, elsewhere.id, 0, b"of others")
        session.commit()
    forget_ani(reported)
    assert (find(reported, elsewhere.ref).state, pieces(reported)) == (MAKING, 1)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_export_that_was_given_up_leaves_no_pieces(reported: District) -> None:
    asked = ask(reported, WANTED)
    with reported.database.session() as session:
        claimed = exports.claim(session)
        assert claimed
        exports.keep_part(session, asked.id, 0, HERS)
        assert exports.give_up(session, *claimed, "the disk is full", again=False)
        session.commit()
    assert (find(reported, asked.ref).state, pieces(reported)) == (FAILED, 0)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_nobody_begins_a_file_in_the_middle_of_an_erasure(reported: District) -> None:
    came: list[str] = []

    def ask_and_make() -> None:
        try:
            ask(reported, WANTED)
            came.append("asked")
        except (Raced, Unavailable):
            came.append("refused")

    def begin(_: object, __: object, statement: str, *___: object) -> None:
        if "UPDATE reporters" in statement and not threads:
            threads.append(threading.Thread(target=ask_and_make))
            threads[0].start()
            threads[0].join(timeout=0.2)
            assert came == []  # who asks waits until she is gone

    threads: list[threading.Thread] = []
    event.listen(reported.database.engine, "before_cursor_execute", begin)
    forget_ani(reported)
    event.remove(reported.database.engine, "before_cursor_execute", begin)
    threads[0].join()
    assert came == ["asked"]
    make(reported, reported.runtime.now)
    with reported.database.session(read_only=True) as session:
        assert HERS not in b"".join(session.execute(select(export_parts.c.content)).scalars())


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_file_on_the_disk_is_taken_away_and_whoever_asked_for_it_is_told(reported: District, tmp_path: Path) -> None:
    asked = ask(reported, WANTED)
    claimed = claim(reported)
    path = tmp_path / "klikkb.csv"
    with pytest.raises(Permanent, match="Jalankan sekali lagi"):
        cli_export.write(interrupted(reported), *claimed, path)
    assert not path.exists()
    assert find(reported, asked.ref).state == FAILED, "it would be made and kept, though nobody waits for it"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_file_on_the_disk_is_taken_away_when_the_database_goes_away(
    reported: District, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(reported, WANTED)
    claimed = claim(reported)

    def go_away(*_: object) -> bool:
        raise Unavailable("the database is away")

    monkeypatch.setattr(exports, "is_mine", go_away)
    path = tmp_path / "klikkb.csv"
    with pytest.raises(Unavailable):
        cli_export.write(reported.runtime, *claimed, path)
    assert not path.exists()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_file_that_cannot_be_written_is_called_off(reported: District, tmp_path: Path) -> None:
    asked = ask(reported, WANTED)
    claimed = claim(reported)
    (tmp_path / "file").touch()
    with pytest.raises(Permanent, match="Not a directory"):
        cli_export.write(reported.runtime, *claimed, tmp_path / "file" / "klikkb.csv")
    assert find(reported, asked.ref).state == FAILED
