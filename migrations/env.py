"""Run the versions on one connection, in one transaction, one runner at a time."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, MetaData, text

ONE_RUNNER = 770145  # an arbitrary number: every runner on PostgreSQL asks for the same advisory lock


def run(connection: Connection, metadata: MetaData) -> None:
    """Run the versions that are asked for. SQLite's write transaction is a lock already; PostgreSQL is given one."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        transactional_ddl=True,
    )
    with connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": ONE_RUNNER})
        context.run_migrations()


run(context.config.attributes["connection"], context.config.attributes["metadata"])
