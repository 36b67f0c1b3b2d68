"""What SQLite needs to keep its promises: durable commits, real transactions, and writers that wait in line."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import Connection

try:  # a newer SQLite than the system's, where a wheel exists (docs/operators: the WAL-reset bug)
    from pysqlite3 import dbapi2 as driver
except ImportError:
    import sqlite3 as driver

__all__ = ["QueuedConnection", "driver", "has_lost_transaction", "library_version", "prepare_engine"]

BUSY_SECONDS = 4.0  # how long a writer waits for its turn before the database counts as unavailable
FIRST_SOUND_VERSION = (
    3,
    51,
    3,
)  # SQLite release notes: the WAL-reset bug of 3.7.0 to 3.51.2 is mended
READ_ONLY = "kabar_read_only"  # execution option: begin without taking the writers' turn
WAIT = "kabar_wait"  # execution option: how many seconds a writer waits for its turn
library_version: tuple[int, ...] = driver.sqlite_version_info

_turns: dict[str, threading.Lock] = {}
_turns_guard = threading.Lock()


class QueuedConnection(driver.Connection):  # type: ignore[misc]  # the driver has no types
    """A connection whose write transactions take turns on a lock file, between threads and between processes.

    SQLite's own busy handler sleeps and tries again, so that under load a writer may starve; in a queue none does.
    """

    def __init__(self, path: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(path, *args, **kwargs)
        self._lock_path = f"{path}.lock"
        self._lock_file: int | None = None
        with _turns_guard:
            self._turn = _turns.setdefault(self._lock_path, threading.Lock())

    def take_turn(self, seconds: float) -> None:
        """Wait so long for this writer's turn. Errors: OperationalError when it did not come."""
        deadline = time.monotonic() + seconds
        if not self._turn.acquire(timeout=seconds):
            raise driver.OperationalError("database is locked: no turn to write")
        try:
            self._lock_file = self._open_lock_file()
            while not self._has_locked_file():
                if time.monotonic() > deadline:
                    raise driver.OperationalError("database is locked: another process holds the turn to write")
                time.sleep(0.0005)
        except BaseException:
            self._close_lock_file()
            self._turn.release()
            raise

    def _open_lock_file(self) -> int:
        try:
            return os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:  # a disk that is full or has become read-only
            raise driver.OperationalError(f"no turn to write: {error.strerror}") from error

    def _has_locked_file(self) -> bool:
        assert self._lock_file is not None
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _close_lock_file(self) -> None:
        if self._lock_file is not None:
            os.close(self._lock_file)  # closing the only descriptor lets go of the lock
            self._lock_file = None

    def _end_turn(self) -> None:
        if self._lock_file is not None:
            self._close_lock_file()
            self._turn.release()

    def commit(self) -> None:
        """Commit. The turn ends when the commit is on disk, and as well when it fails and is rolled back.

        SQLAlchemy gives a connection whose commit failed back to its pool as it is.
        """
        try:
            super().commit()
        except BaseException:
            self.rollback()
            raise
        self._end_turn()

    def rollback(self) -> None:
        """Roll back and end the turn, whatever happens."""
        try:
            super().rollback()
        finally:
            self._end_turn()

    def close(self) -> None:
        """Close and end the turn, whatever happens."""
        try:
            super().close()
        finally:
            self._end_turn()


def _prepare(connection: Any, _record: Any) -> None:
    """Set what SQLite keeps per connection and not per file; without this a power cut may undo a commit."""
    connection.isolation_level = None  # the driver must not begin or commit by itself: `_begin` does
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={int(BUSY_SECONDS * 1000)}",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    """Begin for real. A write takes its turn and the write lock at once, so that no transaction fails half way."""
    options = connection.get_execution_options()
    if options.get(READ_ONLY):
        connection.exec_driver_sql("BEGIN")
        return
    connection.connection.driver_connection.take_turn(options.get(WAIT, BUSY_SECONDS))  # type: ignore[union-attr]
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def has_lost_transaction(connection: Connection) -> bool:
    """Tell whether SQLite has rolled back the whole transaction by itself, as it may when a disk is full."""
    own = connection.connection.driver_connection
    return isinstance(own, QueuedConnection) and not own.in_transaction


def prepare_engine(engine: Engine) -> None:
    """Make every connection of the engine durable and every transaction explicit.

    Source: SQLAlchemy, SQLite dialect, "Serializable isolation / Savepoints / Transactional DDL".
    """
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
