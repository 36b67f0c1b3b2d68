"""A database as a whole: looked at, destroyed, backed up and brought back."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Row, select
from sqlalchemy.engine import make_url

from gateway import archive, backup
from gateway.backup import Source
from gateway.store import dumps
from gateway.store.base import Database, metadata
from tests.district import NOON
from tests.servers import PostgresServer

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


def let_go(source: Source, request: pytest.FixtureRequest) -> None:
    """End what a killed restore left behind at PostgreSQL."""
    if dumps.kind_of(source.database_url) == dumps.POSTGRESQL:
        name = make_url(source.database_url).database
        server: PostgresServer = request.getfixturevalue("postgresql")
        server.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")
