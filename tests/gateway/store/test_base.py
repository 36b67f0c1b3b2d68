"""The ground of the store: commits that last, forgotten commits that do not, and clocks that agree."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text

from gateway.errors import Raced, Unavailable
from gateway.store import areas, base, sqlite
from gateway.store.areas import Area
from gateway.store.base import Database

RIAU = Area("14", None, "province", "Riau", "Asia/Jakarta")


def test_a_forgotten_commit_loses_the_row(database: Database) -> None:
    with database.session() as session:
        areas.add_areas(session, [RIAU])
    assert _count(database) == 0


def test_a_forgotten_commit_loses_rows_written_inside_a_savepoint_too(database: Database) -> None:
    with database.session() as session:
        with base.savepoint(session):
            areas.add_areas(session, [RIAU])
        assert session.in_transaction()
    assert _count(database) == 0


def test_a_savepoint_that_fails_takes_only_its_own_rows_along(database: Database) -> None:
    with database.session() as session:
        areas.add_areas(session, [RIAU])
        with suppress(ZeroDivisionError), base.savepoint(session):
            areas.add_areas(session, [Area("72", None, "province", "Sulawesi Tengah", "Asia/Makassar")])
            raise ZeroDivisionError
        session.commit()
    assert _count(database) == 1


def test_a_second_row_in_a_unique_place_is_a_race_not_a_crash(database: Database) -> None:
    with database.session() as session:
        areas.add_areas(session, [RIAU])
        with pytest.raises(Raced), base.savepoint(session):
            areas.add_areas(session, [RIAU])
        session.commit()
    with pytest.raises(Raced), database.session() as session:
        areas.add_areas(session, [RIAU])


def test_commits_are_durable_on_every_connection(database: Database) -> None:
    with database.session() as first, database.session(read_only=True) as second:
        found = [base.durability(first), base.durability(second)]
    if database.engine.dialect.name == "sqlite":
        assert found == [{"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}] * 2
    else:
        assert [one["synchronous_commit"] for one in found] == ["on", "on"]


def test_a_naive_instant_is_refused_and_an_aware_one_comes_back_in_utc(database: Database) -> None:
    from_palu = datetime(2025, 10, 3, 8, 0, 0, 123456).astimezone()
    with database.session() as session:
        session.execute(insert(base.metadata.tables["ticks"]), {"name": "clock", "ticked_at": from_palu})
        session.commit()
        kept = session.execute(base.metadata.tables["ticks"].select()).one().ticked_at
    assert kept == from_palu
    assert kept.utcoffset() == timedelta(0)
    naive = datetime(2025, 10, 3)  # noqa: DTZ001
    with pytest.raises(Exception, match="naive"), database.session() as session:
        session.execute(insert(base.metadata.tables["ticks"]), {"name": "other", "ticked_at": naive})


def test_the_database_tells_its_own_clock_in_utc(database: Database) -> None:
    with database.session() as session:
        told = base.database_now(session)
    assert told.utcoffset() == timedelta(0)
    assert abs(told - datetime.now(UTC)) < timedelta(minutes=5)


def test_a_database_that_is_away_is_unavailable_and_says_so(open_database: Callable[[str], Database]) -> None:
    for url in ("postgresql://nobody@127.0.0.1:1/kabar", "sqlite:////proc/nowhere/kabar.db"):
        with pytest.raises(Unavailable, match="not available"), open_database(url).session() as session:
            session.execute(text("SELECT 1"))


def test_writers_on_sqlite_take_turns_and_all_get_one(
    sqlite_url: str, open_database: Callable[[str], Database]
) -> None:
    database = open_database(sqlite_url)

    def write(number: int) -> None:
        for step in range(20):
            with database.session() as session:
                areas.add_areas(session, [Area(f"{number}.{step}", None, "province", "x", "Asia/Jakarta")])
                session.commit()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert _count(database) == 160


def test_a_reader_on_sqlite_waits_for_no_writer(sqlite_url: str, open_database: Callable[[str], Database]) -> None:
    database = open_database(sqlite_url)
    with database.session() as writer:
        areas.add_areas(writer, [RIAU])
        assert _count(database) == 0  # would wait, and fail, if it took the writers' turn
        writer.commit()
    assert _count(database) == 1


def _count(database: Database) -> int:
    with database.session(read_only=True) as session:
        return areas.count_areas(session)


def test_a_commit_that_fails_on_sqlite_lets_the_next_writer_have_its_turn(
    sqlite_url: str, open_database: Callable[[str], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.05)
    first, second = open_database(sqlite_url), open_database(sqlite_url)
    with suppress(Raced), first.session() as session:
        session.execute(text("PRAGMA defer_foreign_keys = ON"))
        session.execute(text("INSERT INTO reporter_phones (phone, reporter_id) VALUES ('+62812', 99)"))
        session.commit()  # finds out only now that there is no such reporter
        pytest.fail("it was committed")
    for database in (second, first):
        with database.session() as session:
            session.execute(text("DELETE FROM reporter_phones"))
            session.commit()


def test_a_savepoint_that_finds_the_database_locked_says_that_it_is_unavailable(
    sqlite_url: str, open_database: Callable[[str], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.05)
    database = open_database(sqlite_url)
    with database.session() as writer, open_database(sqlite_url).session() as session:
        writer.begin()
        with pytest.raises(Unavailable), base.savepoint(session):
            pytest.fail("it has no transaction to be in")


def test_a_transaction_that_sqlite_has_rolled_back_by_itself_is_unavailable(
    sqlite_url: str, open_database: Callable[[str], Database]
) -> None:
    """After a full disk SQLite may have done so; what stands inside a savepoint cannot be undone alone then."""
    with open_database(sqlite_url).session() as session:
        session.begin()
        with pytest.raises(Unavailable), base.savepoint(session):
            session.exec_driver_sql("ROLLBACK")


def test_before_a_pooler_postgresql_is_asked_for_nothing_that_lasts_longer_than_a_transaction(
    postgresql_url: str, open_database: Callable[[str], Database]
) -> None:
    shown = {}
    for ending in ("", "&pooled=1"):
        with open_database(postgresql_url + ending).session() as session:
            told = [session.execute(text(f"SHOW {name}")).scalar_one() for name in ("statement_timeout", "jit")]
            raw: Any = session.connection.driver_connection
            shown[ending] = (*told, raw.prepare_threshold is not None)
    assert shown == {"": ("4s", "off", True), "&pooled=1": ("0", "on", False)}


def test_a_database_that_is_behind_the_code_is_unavailable_and_the_way_out_is_named(
    database_url: str, open_database: Callable[[str], Database]
) -> None:
    with open_database(database_url).session() as session:
        session.execute(text("ALTER TABLE inbox RENAME TO inbox_of_the_day_before"))
        session.commit()
    with pytest.raises(Unavailable, match="kabar migrate"), open_database(database_url).session() as session:
        session.execute(text("SELECT id FROM inbox"))
    with open_database(database_url).session() as session:
        session.begin()
        with pytest.raises(Unavailable, match="kabar migrate"), base.savepoint(session):
            session.execute(text("SELECT id FROM inbox"))
