"""A PostgreSQL that hangs is given up soon; maintenance, for which nobody waits, has all the time it takes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text

from gateway.errors import Unavailable
from gateway.store import patience, schema, tidying
from gateway.store.base import Database

WORK = text("SELECT count(*) FROM generate_series(1, 2000000)")  # some tenths of a second

DAWDLE = text(
    "CREATE FUNCTION dawdle() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'public.users') THEN"
    " PERFORM count(*) FROM generate_series(1, 4000000); END IF; END $$"
)
AT_USERS = text(  # one table takes as long to be made as one that is full
    "CREATE EVENT TRIGGER dawdle ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION dawdle()"
)


@pytest.fixture
def impatient(
    postgresql_url: str, open_database: Callable[[str], Database], monkeypatch: pytest.MonkeyPatch
) -> Database:
    """A database of which every ordinary statement must be answered at once."""
    monkeypatch.setattr(patience, "ANSWER_SECONDS", 0.02)
    return open_database(postgresql_url)


def test_an_ordinary_statement_is_given_up(impatient: Database) -> None:
    with pytest.raises(Unavailable), impatient.session() as session:
        session.execute(WORK)


def test_an_erasure_takes_its_time(impatient: Database) -> None:
    with impatient.session() as session:
        tidying.allow_long(session)
        assert session.execute(WORK).scalar_one() == 2_000_000


def test_a_migration_takes_its_time(impatient: Database, postgresql_url: str) -> None:
    with impatient.session() as session:
        tidying.allow_long(session)
        session.execute(text("DROP SCHEMA public CASCADE"))
        session.execute(text("CREATE SCHEMA public"))
        session.execute(DAWDLE)
        session.execute(AT_USERS)
        session.commit()
    schema.upgrade(postgresql_url)
    with impatient.session() as session:
        tidying.allow_long(session)
        assert schema.version_of(session) == schema.newest_version()
