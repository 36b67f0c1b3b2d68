"""Migrated PostgreSQL databases, given out again and again: to empty one costs a tenth of what making one costs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import psycopg
from psycopg.sql import SQL, Identifier

from tests.servers import Connection, PostgresServer

# Whatever changes a table, a trigger, a function, a setting or what the planner knows writes or removes a row of these.
SCHEMA = """
    SELECT count(*), max(xmin::text::bigint) FROM (
        SELECT xmin FROM pg_class WHERE relnamespace = 'public'::regnamespace
        UNION ALL SELECT xmin FROM pg_attribute WHERE attrelid >= 16384
        UNION ALL SELECT xmin FROM pg_attrdef
        UNION ALL SELECT xmin FROM pg_index WHERE indexrelid >= 16384
        UNION ALL SELECT xmin FROM pg_constraint
        UNION ALL SELECT xmin FROM pg_trigger
        UNION ALL SELECT xmin FROM pg_proc WHERE oid >= 16384
        UNION ALL SELECT xmin FROM pg_type WHERE oid >= 16384
        UNION ALL SELECT xmin FROM pg_sequence
        UNION ALL SELECT xmin FROM pg_statistic_ext
        UNION ALL SELECT xmin FROM pg_extension
        UNION ALL SELECT xmin FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_'
        UNION ALL SELECT xmin FROM pg_statistic WHERE starelid >= 16384
        UNION ALL SELECT xmin FROM pg_db_role_setting WHERE setdatabase = (
            SELECT oid FROM pg_database WHERE datname = current_database()
        )
    ) AS made"""  # 16384: the first number that is not PostgreSQL's own
WRITTEN_TO = """
    SELECT relname FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0"""
CUT_OFF = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
COUNT_FROM_ONE = """
    SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) FROM pg_sequences
    WHERE last_value IS NOT NULL"""


class Pristine(NamedTuple):
    """What a database is like that was migrated and not yet used."""

    schema: object
    rows: dict[str, bytes]  # by table, as COPY has them


class MigratedDatabases:
    """Copies of one migrated database; each goes by a new name, so that nobody from an earlier test finds it."""

    def __init__(self, server: PostgresServer, template: str) -> None:
        self._server = server
        self._template = template
        self._free: list[str] = []
        with server.connect(template) as connection:
            written_to = _written_to(connection)
            self._pristine = Pristine(_schema(connection), {table: _read(connection, table) for table in written_to})

    @contextmanager
    def lend(self) -> Iterator[str]:
        """Hand out the address of a fresh, migrated database, and take it back with whoever is still connected."""
        if self._free:
            name = self._free.pop()
        else:
            name = self._server.new_name()
            self._server.make_database(name, self._template)
        try:
            yield self._server.url(name)
        finally:
            later = self._server.new_name()
            if self._rename(name, later) and self._empty(later):
                self._free.append(later)
            else:
                self._server.drop_database(name)
                self._server.drop_database(later)

    def _rename(self, name: str, later: str) -> bool:
        """Cut off whoever is connected and rename it, so that nobody comes back; return whether that could be done."""
        with self._server.connect() as connection:
            connection.execute(CUT_OFF, [name])
            try:
                connection.execute(SQL("ALTER DATABASE {} RENAME TO {}").format(Identifier(name), Identifier(later)))
            except (psycopg.errors.InvalidCatalogName, psycopg.errors.ObjectInUse):
                return False  # the test dropped it, or somebody came back at once
        return True

    def _empty(self, name: str) -> bool:
        """Make it as it was, and return whether that could be done: its schema must be the one that it came with."""
        try:
            connection = self._server.connect(name)
        except psycopg.OperationalError:
            return False  # the test closed it
        with connection:
            if _schema(connection) != self._pristine.schema:
                return False
            connection.execute("SET session_replication_role = replica")  # neither triggers nor references have a say
            tables = [Identifier(one) for one in _written_to(connection)]
            for each in tables:
                connection.execute(SQL("DELETE FROM {}").format(each))
            # what is emptied shrinks to nothing, and new rows lie in the order in which they come
            connection.execute(SQL("VACUUM (INDEX_CLEANUP ON) {}").format(SQL(", ").join(tables)))
            for table, rows in self._pristine.rows.items():
                _write(connection, table, rows)
            connection.execute(COUNT_FROM_ONE)
        return True


def _schema(connection: Connection) -> object:
    return connection.execute(SCHEMA).fetchone()


def _written_to(connection: Connection) -> list[str]:
    return [str(table) for (table,) in connection.execute(WRITTEN_TO)]


def _read(connection: Connection, table: str) -> bytes:
    with connection.cursor().copy(SQL("COPY {} TO STDOUT").format(Identifier(table))) as rows:
        return b"".join(bytes(part) for part in rows)


def _write(connection: Connection, table: str, rows: bytes) -> None:
    with connection.cursor().copy(SQL("COPY {} FROM STDIN").format(Identifier(table))) as target:
        target.write(rows)
