"""How long a PostgreSQL that hangs is waited for: unlike one that is only busy it cannot end a statement itself."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.errors import _WaitTimeout  # what `wait` is documented to raise; no public name is
from sqlalchemy import Connection, Engine, event

PING_SECONDS = 2.0  # for an idle connection to show that it is alive
ANSWER_SECONDS = 8.0  # for a statement: longer than the server's own limit, so that a busy one speaks first


class PatientConnection(psycopg.Connection[Any]):
    """A connection that is given up, and closed, when its server does not answer; what was asked may have been done."""

    patience: float | None = PING_SECONDS

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for the server's answer. Errors: OperationalError after so many seconds of silence."""
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except _WaitTimeout:
            self.close()
            raise psycopg.OperationalError("the server does not answer") from None


def _connect(_dialect: Any, _record: Any, arguments: Any, options: Any) -> PatientConnection:
    return PatientConnection.connect(*arguments, **options)


def _lend(connection: PatientConnection, _record: Any, _proxy: Any) -> None:
    connection.patience = ANSWER_SECONDS


def _take_back(connection: PatientConnection | None, _record: Any) -> None:
    if connection is not None:
        connection.patience = PING_SECONDS


def have_patience(session: Connection) -> None:
    """Wait for the answers to this session as long as they take: for maintenance, where nobody else waits."""
    connection = session.connection.driver_connection
    if isinstance(connection, PatientConnection):
        connection.patience = None


def prepare_engine(engine: Engine) -> None:
    """Have every connection of an engine wait only so long."""
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "checkout", _lend)
    event.listen(engine, "checkin", _take_back)
