"""The ground of the store: the engine, sessions, column types, and the database's own clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    DateTime,
    Engine,
    MetaData,
    String,
    create_engine,
    event,
    func,
    literal,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import (
    DatabaseError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    InternalError,
    InvalidatePoolError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from gateway.errors import Raced, Unavailable
from gateway.store import patience, sqlite
from gateway.values import Scope

__all__ = [
    "POOLED",
    "Database",
    "Session",
    "UtcDateTime",
    "clock_now",
    "database_now",
    "durability",
    "is_postgresql",
    "make_engine",
    "metadata",
    "savepoint",
    "within",
    "written",
]

Session = Connection  # nothing here is mapped to objects; an ORM session would only cost time

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# PostgreSQL: a stuck statement or lock must end before a provider gives up on its webhook (15 s), and the connection
# of a lost machine must let go of its locks. Compiling a statement takes longer than any of ours takes to run.
_POSTGRESQL_OPTIONS = (
    "-c statement_timeout=4000 -c lock_timeout=3000 -c idle_in_transaction_session_timeout=60000 -c jit=off"
)
_POSTGRESQL_ARGUMENTS = {
    "options": _POSTGRESQL_OPTIONS,
    "connect_timeout": 2,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}


_IDLE_SECONDS = 1.0  # after so long without use a connection is asked whether it still stands
_USED_AT = "kabar_used_at"
# A pooler that lends a connection for one transaction (PgBouncer, pool_mode=transaction) passes no options on, so that
# the role must have them, and the next transaction finds the statements of another client prepared.
POOLED = "pooled"  # in the query of an address
_POOLED_ARGUMENTS = {name: value for name, value in _POSTGRESQL_ARGUMENTS.items() if name != "options"} | {
    "prepare_threshold": None
}

# PostgreSQL, appendix A.
_RACES = {"40001", "40P01", "55P03"}  # serialization failure, deadlock, lock not available
_AWAY = {"08", "53", "57", "58"}  # classes: connection, resources, operator intervention and time-out, system
_DENIED = {"25006", "42501"}  # a server that only reads, a user without the right: who runs it must mend that
# SQLite, "Result codes": BUSY, LOCKED, NOMEM, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB. After some of these
# SQLite has rolled back the whole transaction by itself, so that nothing may be done in it any more.
_SQLITE_AWAY = {5, 6, 7, 8, 10, 11, 13, 14, 26}

# What the code asks for is not there: the database was not brought up yet. Nothing is lost by waiting for that.
_BEHIND = {"42P01", "42703"}  # undefined table, undefined column
_SQLITE_BEHIND = ("no such table", "no such column")

_CLOCK = select(func.clock_timestamp())
_SQLITE_CLOCK = text("SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')")
_LOCK_TIMEOUT = text("SELECT set_config('lock_timeout', :wait, true)")  # until the transaction ends


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware and in UTC on this side, whatever the database keeps. Errors: ValueError if naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """Say what values are on this side."""
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive instant; SQLite keeps UTC without its zone, always with microseconds, so that text sorts."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive instant cannot be kept: {value!r}")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the instant its zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def make_engine(url: str) -> Engine:
    """Return an engine for SQLite or PostgreSQL whose commits are durable and whose transactions are explicit.

    Shape: `?pooled=1` in an address says that a pooler stands before PostgreSQL (docs/scale.md).
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(
            parsed.set(drivername="sqlite"),
            module=sqlite.driver,
            connect_args={
                "factory": sqlite.QueuedConnection,
                "check_same_thread": False,
            },
            hide_parameters=True,  # what a person wrote, and from which number, is for no error message
        )
        sqlite.prepare_engine(engine)
        return engine
    engine = create_engine(
        parsed.set(drivername="postgresql+psycopg").difference_update_query([POOLED]),
        connect_args=_POOLED_ARGUMENTS if POOLED in parsed.query else _POSTGRESQL_ARGUMENTS,
        hide_parameters=True,
        pool_size=8,
        max_overflow=8,
        pool_timeout=3,
    )
    watch = _IdleWatch(engine)
    event.listen(engine, "checkin", watch.note_use)
    event.listen(engine, "checkout", watch.ping)
    return engine


class _IdleWatch:
    """Pings a connection that nobody has used for a while before its use; a busy one shows that it is gone."""

    def __init__(self, engine: Engine) -> None:
        self._dialect = engine.dialect

    def note_use(self, _connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        """Note when a connection was last used."""
        record.info[_USED_AT] = time.monotonic()

    def ping(self, connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
        """Ask. Errors: InvalidatePoolError, upon which the pool opens new connections."""
        used_at = record.info.get(_USED_AT)
        if used_at is None or time.monotonic() - used_at < _IDLE_SECONDS:  # it is new, or was used just now
            return
        try:
            self._dialect.do_ping(connection)
        except self._dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error


class Database:
    """One database, and the sessions on it."""

    def __init__(self, url: str) -> None:
        self.engine = make_engine(url)
        if self.engine.dialect.name == "postgresql":
            patience.prepare_engine(self.engine)

    @contextmanager
    def session(
        self, *, read_only: bool = False, snapshot: bool = False, wait_seconds: float | None = None
    ) -> Iterator[Session]:
        """Open a session. What is not committed when the block ends is rolled back.

        A `snapshot` only reads, and every question in it is answered as of its first one. `wait_seconds`: no longer
        than that is waited for what another session holds, because somebody waits for the answer.

        Errors: Unavailable when the database cannot be reached, is locked, full or shutting down; nothing was kept.
        Raced when another session took the same unique place first; rolled back, to be done again at once.
        """
        options: dict[str, Any] = {sqlite.READ_ONLY: True} if read_only or snapshot else {}
        if snapshot and self.engine.dialect.name == "postgresql":  # on SQLite every transaction is one
            options["isolation_level"] = "REPEATABLE READ"
        if wait_seconds is not None:
            options[sqlite.WAIT] = wait_seconds
        engine = self.engine.execution_options(**options) if options else self.engine
        with translating_errors(), engine.connect() as session:
            if wait_seconds is not None and is_postgresql(session):
                session.execute(_LOCK_TIMEOUT, {"wait": f"{int(wait_seconds * 1000)}ms"})
            yield session

    def dispose(self) -> None:
        """Close every connection; the next session opens new ones. A child process calls this first."""
        self.engine.dispose()


@contextmanager
def savepoint(session: Session) -> Iterator[None]:
    """Do what is inside wholly or not at all, within the session's transaction.

    Errors: Raced when another session was in the way (a unique place, a deadlock): only what is inside was undone.
    Unavailable when the database went away: the transaction is lost with it.
    """
    try:
        with session.begin_nested():
            yield
    except IntegrityError as error:
        raise Raced(str(error.orig)) from error
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in _RACES:
            raise Raced(str(error.orig)) from error
        if _is_away(error) or sqlite.has_lost_transaction(session):
            raise Unavailable(_say(error)) from error
        raise
    except sqlite.driver.OperationalError as error:  # it is the first of its transaction, which could not begin
        raise Unavailable(f"the database is not available: {error}") from error


@contextmanager
def translating_errors() -> Iterator[None]:
    """Say in the house's words what the database says in its own."""
    try:
        yield
    except IntegrityError as error:
        raise Raced(str(error.orig)) from error
    except (OperationalError, InterfaceError, InternalError, PoolTimeout, sqlite.driver.OperationalError) as error:
        said = _say(error) if isinstance(error, DBAPIError) else f"the database is not available: {error}"
        raise Unavailable(said) from error
    except DatabaseError as error:
        if not _is_away(error):
            raise
        raise Unavailable(_say(error)) from error


def _is_away(error: DBAPIError) -> bool:
    """Tell whether the database itself is at fault, and not what it was asked."""
    if error.connection_invalidated or _is_behind(error):
        return True
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return state[:2] in _AWAY or state in _DENIED
    return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in _SQLITE_AWAY  # the low byte is the primary code


def _is_behind(error: DBAPIError) -> bool:
    """Tell whether the database lacks what this code asks for."""
    return getattr(error.orig, "sqlstate", None) in _BEHIND or str(error.orig).startswith(_SQLITE_BEHIND)


def _say(error: DBAPIError) -> str:
    if _is_behind(error):
        return f"the database is not at the version of this code: run ./kabar migrate ({error.orig})"
    return f"the database is not available: {error.orig}"


def within(area: ColumnElement[str], scope: Scope) -> ColumnElement[bool]:
    """Return the condition that an area's code lies in a scope: what a page asks for is asked with it."""
    if not scope.area:
        return true()
    return or_(area == scope.area, area.startswith(f"{scope.area}.", autoescape=True))


def written(state: str) -> ColumnElement[str]:
    """Return a state written out in a statement: PostgreSQL may not see that a partial index holds a bound one."""
    return literal(state, String, literal_execute=True)


def is_postgresql(session: Session) -> bool:
    """Return whether the session speaks to PostgreSQL."""
    return session.dialect.name == "postgresql"


def database_now(session: Session) -> datetime:
    """Return the database's own clock, the one that leases are taken and run out by.

    Several machines share it, so that a worker whose clock is wrong can neither steal a lease nor keep one for ever.
    """
    if is_postgresql(session):
        found: datetime = session.execute(_CLOCK).scalar_one()
        return found.astimezone(UTC)
    written = session.execute(_SQLITE_CLOCK).scalar_one()
    return datetime.fromisoformat(written)


class clock_now(FunctionElement[datetime]):  # noqa: N801  it is called like a function of the database
    """The database's own clock inside a statement: when a row changed, told by no caller."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(clock_now, "postgresql")
def _clock_of_postgresql(_element: clock_now, _compiler: SQLCompiler, **_how: Any) -> str:
    return "clock_timestamp()"


@compiles(clock_now, "sqlite")
def _clock_of_sqlite(_element: clock_now, _compiler: SQLCompiler, **_how: Any) -> str:
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"  # as UtcDateTime keeps it: with microseconds


def durability(session: Session) -> dict[str, Any]:
    """Return what decides whether a commit survives a power cut, as the database itself says it; `doctor` shows it."""
    if is_postgresql(session):
        names = ("fsync", "synchronous_commit", "full_page_writes")
        return {name: session.execute(text(f"SHOW {name}")).scalar_one() for name in names}
    names = ("journal_mode", "synchronous", "foreign_keys")
    return {name: session.execute(text(f"PRAGMA {name}")).scalar_one() for name in names}
