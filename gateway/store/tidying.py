"""Tidying: what was deleted is no longer in the file either."""

from __future__ import annotations

from sqlalchemy import text

from gateway.store import erasures
from gateway.store.base import Database, Session, is_postgresql
from gateway.store.patience import have_patience

SECONDS = 120  # for a search through everything; no sender waits for it
_WAIT_SECONDS = 4.0  # for the turn to write


def erase_deleted(session: Session) -> None:
    """Have SQLite overwrite what this session deletes. Source: SQLite, "PRAGMA secure_delete"."""
    if not is_postgresql(session):
        session.execute(text("PRAGMA secure_delete=ON"))


def allow_long(session: Session) -> None:
    """Let this transaction take its time: PostgreSQL else ends a statement after four seconds."""
    have_patience(session)
    if is_postgresql(session):
        session.execute(text("SELECT set_config('statement_timeout', :wait, true)"), {"wait": f"{SECONDS}s"})


def tidy(database: Database) -> bool:
    """Write SQLite's file anew, so that no page of it holds what was erased; False while somebody reads it.

    Messages wait meanwhile: a second for a hundred megabytes. PostgreSQL cleans up by itself (autovacuum).
    """
    if database.engine.dialect.name == "sqlite" and not _rewrite(database):
        return False
    with database.session() as session:
        erasures.set_tidy(session)
        session.commit()
    return True


def _rewrite(database: Database) -> bool:
    connection = database.engine.raw_connection()
    try:
        driver = connection.driver_connection
        assert driver is not None
        driver.take_turn(_WAIT_SECONDS)
        driver.execute("VACUUM").close()
        busy, *_ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        driver.rollback()  # ends the turn
        return not busy
    finally:
        connection.close()
