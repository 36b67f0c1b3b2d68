"""The migrations: what they make is what the code believes, and rows live through every step of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Table, insert, inspect, select, text

from gateway.errors import Retryable
from gateway.store import schema
from gateway.store.base import Database, Session, metadata

VERSIONS = tuple(f"{number:04}" for number in range(1, 30))
NOON = datetime(2025, 10, 3, 5, 0, tzinfo=UTC)
SAMPLES: Mapping[type[Any], Any] = {
    str: "x",
    int: 1,
    bool: True,
    bytes: b"x",
    object: {"a": 1},
    datetime: NOON,
    date: NOON.date(),
}


def test_the_migrated_schema_is_the_one_the_code_believes_in(database: Database) -> None:
    with database.session() as session:
        context = MigrationContext.configure(session, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_rows_live_through_every_step_down_and_up(
    empty_database_url: str, version: str, open_database: Callable[[str], Database]
) -> None:
    schema.upgrade(empty_database_url, version)
    database = open_database(empty_database_url)
    written = _fill(database)
    schema.upgrade(empty_database_url)
    schema.downgrade(empty_database_url, version)
    schema.upgrade(empty_database_url)
    assert written
    assert _read(database, written) == written


def test_a_database_goes_down_to_nothing_and_comes_back(
    empty_database_url: str, open_database: Callable[[str], Database]
) -> None:
    schema.upgrade(empty_database_url)
    schema.downgrade(empty_database_url, "base")
    database = open_database(empty_database_url)
    with database.session() as session:
        assert set(inspect(session).get_table_names()) <= {"alembic_version"}
    schema.upgrade(empty_database_url)
    with database.session() as session:
        assert schema.version_of(session) == schema.newest_version() == VERSIONS[-1]


def test_migrating_twice_changes_nothing(database_url: str, database: Database) -> None:
    schema.upgrade(database_url)
    with database.session() as session:
        assert session.execute(text("SELECT count(*) FROM lanes")).scalar_one() == 64


@pytest.mark.parametrize("empty_database_url", ["postgresql"], indirect=True)
def test_indexes_that_are_made_anew_wait_for_no_backup_with_everybody_behind_them(
    empty_database_url: str, open_database: Callable[[str], Database]
) -> None:
    schema.upgrade(empty_database_url, "0027")
    database = open_database(empty_database_url)
    with database.session() as backup:
        backup.execute(text("SELECT count(*) FROM reports"))
        with pytest.raises(Retryable, match=r"cadangan.* / .*backup.*run \./kabar migrate once more"):
            schema.upgrade(empty_database_url)
        assert schema.version_of(backup) == "0027"
    schema.upgrade(empty_database_url)


def _fill(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Put one row into every table that is there, and return what they hold."""
    with database.session() as session:
        there = set(inspect(session).get_table_names())
        tables = [table for table in metadata.sorted_tables if table.name in there and table.name != "lanes"]
        columns = {table.name: _columns_there(session, table) for table in tables}
        for table in tables:
            row = {
                column.name: None if column.nullable else SAMPLES[column.type.python_type]
                for column in columns[table.name]
                if not (column.primary_key and column.autoincrement is True)
            }
            session.execute(insert(table).values(row))
        session.commit()
        return {name: [tuple(row) for row in session.execute(select(*these))] for name, these in columns.items()}


def _columns_there(session: Session, table: Table) -> list[Column[Any]]:
    """Return the columns that a table has at this version; later ones add more."""
    there = {column["name"] for column in inspect(session).get_columns(table.name)}
    return [column for column in table.columns if column.name in there]


def _read(database: Database, written: Mapping[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """Return what the tables hold now, of the columns that were there when it was written."""
    with database.session(read_only=True) as session:
        return {
            name: [tuple(row)[: len(rows[0])] for row in session.execute(select(metadata.tables[name]))]
            for name, rows in written.items()
        }
