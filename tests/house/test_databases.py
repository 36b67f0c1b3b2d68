"""A PostgreSQL database that tests share comes back as new, or not at all."""

from __future__ import annotations

import subprocess

import psycopg
import pytest
from sqlalchemy import make_url, text

from gateway.errors import Unavailable
from gateway.store.base import Database
from tests.databases import MigratedDatabases
from tests.district import make_district
from tests.servers import PostgresServer


def dump(postgresql: PostgresServer, url: str) -> list[str]:
    """Return all that is in a database, without the random word that newer versions of pg_dump write."""
    program = str(postgresql.programs / "pg_dump")
    said = subprocess.run([program, plain(url)], capture_output=True, text=True, check=True).stdout
    return [line for line in said.splitlines() if not line.startswith("\\")]


def plain(url: str) -> str:
    """Return an address as PostgreSQL's own programs take it."""
    return url.replace("postgresql+psycopg", "postgresql")


def find_number(postgresql: PostgresServer, url: str) -> object:
    """Return the number under which the server keeps a database, whatever its name is."""
    with postgresql.connect() as connection:
        name = make_url(url).database
        return connection.execute("SELECT oid FROM pg_database WHERE datname = %s", [name]).fetchone()


def test_a_database_that_was_only_written_to_comes_back_as_new(
    postgresql: PostgresServer, migrated_postgresql: MigratedDatabases
) -> None:
    with migrated_postgresql.lend() as url:
        new, number = dump(postgresql, url), find_number(postgresql, url)
        earlier = Database(url)
        make_district(earlier)
        with earlier.session() as session:
            session.execute(text("UPDATE lanes SET lane = lane + 1000"))
            session.commit()
        assert dump(postgresql, url) != new
        left_open = psycopg.connect(plain(url))
        left_open.execute("LOCK TABLE areas")
    with pytest.raises(psycopg.OperationalError):
        left_open.execute("SELECT 1")
    with migrated_postgresql.lend() as again:
        assert find_number(postgresql, again) == number, "it is another one"
        assert dump(postgresql, again) == new
        earlier.dispose()  # it would only find its line cut
        with pytest.raises(Unavailable, match="does not exist"), earlier.session() as session:
            session.execute(text("SELECT 1"))
        earlier.dispose()


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE audit DISABLE TRIGGER ALL",
        "ALTER TABLE reporters ALTER COLUMN name DROP NOT NULL",
        "ALTER TABLE reporters DROP COLUMN name CASCADE",
        "CREATE INDEX of_a_test ON reporters (name)",
        "DROP INDEX ix_audit_area",
        "CREATE TABLE of_a_test (id integer)",
        "CREATE SCHEMA of_a_test",
        "CREATE FUNCTION of_a_test() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "ALTER SEQUENCE audit_id_seq INCREMENT 2",
        "ANALYZE lanes",
        "ALTER DATABASE {name} SET timezone = 'UTC'",
        "ALTER DATABASE {name} ALLOW_CONNECTIONS false",
    ],
)
def test_a_database_whose_schema_was_changed_does_not_come_back(
    postgresql: PostgresServer, migrated_postgresql: MigratedDatabases, change: str
) -> None:
    with migrated_postgresql.lend() as url:
        number = find_number(postgresql, url)
    with migrated_postgresql.lend() as url:
        assert find_number(postgresql, url) == number
        name = make_url(url).database or ""
        with postgresql.connect("postgres" if "DATABASE" in change else name) as connection:
            connection.execute(change.replace("{name}", name).encode())
    with migrated_postgresql.lend() as url:
        assert find_number(postgresql, url) != number
