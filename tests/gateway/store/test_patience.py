"""A PostgreSQL that hangs is given up soon; maintenance, for which nobody waits, has all the time it takes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text

from gateway.errors import Unavailable
from gateway.store import patience, tidying
from gateway.store.base import Database

WORK = text("SELECT count(*) FROM generate_series(1, 2000000)")  # some tenths of a second


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
