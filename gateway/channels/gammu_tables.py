"""The database of Gammu's daemon (SMSD), as an adapter reads and writes it: its tables, and how it is opened."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    DateTime,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    func,
    select,
    text,
)
from sqlalchemy.engine import URL, Dialect, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool
from sqlalchemy.types import TypeDecorator

from gateway.errors import Retryable

SCHEMAS = (17, 18)  # Gammu 1.38 to 1.43, and from 1.44
USSD = 127  # inbox.Class of an answer to a USSD request, such as the credit; no message
WAIT_SECONDS = 3  # for a database that is away or locked: others are in the same queue
DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "sqlite": "sqlite",
}
WRITES = "kabar_writes"  # execution option: SQLite takes its write lock at once
UNSAFE_ENGINE = "MyISAM"


class Flag(TypeDecorator[bool]):
    """A yes or no: boolean in PostgreSQL, the words true and false elsewhere."""

    impl = String(5)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Return the column's own type."""
        return dialect.type_descriptor(Boolean() if dialect.name == "postgresql" else String(5))

    def process_bind_param(self, value: bool | None, dialect: Dialect) -> Any:
        """Write it as the database does."""
        return value if dialect.name == "postgresql" or value is None else str(value).lower()

    def process_result_value(self, value: Any, dialect: Dialect) -> bool:
        """Read it."""
        return value in {True, "true"}


class Stamp(TypeDecorator[datetime]):
    """A time without its zone, as SMSD writes it; None where what stands there is no time, such as 0000-00-00."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Return the column's own type: SQLite keeps a text."""
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Write it as SMSD does, to the second, so that texts compare."""
        return value.isoformat(" ", "seconds") if value and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Read it."""
        if isinstance(value, str):
            try:
                return datetime.fromisoformat(value)
            except ValueError:
                return None
        return value if isinstance(value, datetime) else None


# Only what is read or written here: SMSD fills in the rest by the defaults of its own tables, in 17 and in 18 alike.
# Source: Gammu SMSD 1.42, docs/sql/*.sql, and 1.44 for schema 18.
tables = MetaData()

gammu = Table("gammu", tables, Column("Version", Integer, primary_key=True))

inbox = Table(
    "inbox",
    tables,
    Column("ID", Integer, primary_key=True),
    Column("UpdatedInDB", Stamp),
    Column("ReceivingDateTime", Stamp),
    Column("Text", Text, nullable=False),
    Column("SenderNumber", String(20), nullable=False),
    Column("Coding", String(30), nullable=False, default="Default_No_Compression"),
    Column("UDH", Text, nullable=False, default=""),
    Column("Class", Integer, nullable=False, default=-1),
    Column("TextDecoded", Text, nullable=False, default=""),
    Column("RecipientID", Text, nullable=False),
    Column("Processed", Flag, nullable=False, default=False),
)

outbox = Table(
    "outbox",
    tables,
    Column("ID", Integer, primary_key=True),
    Column("DestinationNumber", String(20), nullable=False),
    Column("Coding", String(30), nullable=False),
    Column("UDH", Text),
    Column("TextDecoded", Text, nullable=False),
    Column("MultiPart", Flag, nullable=False),
    Column("SenderID", String(255)),
    Column("DeliveryReport", String(10)),
    Column("CreatorID", Text, nullable=False),
    sqlite_autoincrement=True,  # SMSD gives no number twice
)

outbox_multipart = Table(
    "outbox_multipart",
    tables,
    Column("ID", Integer, primary_key=True, autoincrement=False),
    Column("SequencePosition", Integer, primary_key=True, autoincrement=False),
    Column("Coding", String(30), nullable=False),
    Column("UDH", Text),
    Column("TextDecoded", Text),
)

sentitems = Table(
    "sentitems",
    tables,
    Column("ID", Integer, primary_key=True, autoincrement=False),
    Column("SequencePosition", Integer, primary_key=True, autoincrement=False),
    Column("UpdatedInDB", Stamp),
    Column("DestinationNumber", String(20), nullable=False, index=True),
    Column("UDH", Text, nullable=False, default=""),
    Column("SenderID", String(255), nullable=False),
    Column("Status", String(30), nullable=False),
    Column("StatusCode", Integer, nullable=False, default=-1),
    Column("CreatorID", Text, nullable=False),
)

phones = Table(
    "phones",
    tables,
    Column("ID", Text, nullable=False),
    Column("IMEI", String(35), primary_key=True),
    Column("IMSI", String(35), nullable=False),
    Column("TimeOut", Stamp),
    Column("NetName", String(35)),
    Column("Battery", Integer, nullable=False, default=-1),
    Column("Signal", Integer, nullable=False, default=-1),
)


def find_database_fault(value: str) -> str:
    """Return what is wrong with a database's address, never repeating it: it holds a password.

    >>> find_database_fault("sqlite:////var/lib/smsd/smsd.db"), find_database_fault("mysql://smsd:x@127.0.0.1/smsd")
    ('', '')
    """
    try:
        url = make_url(value)
    except (ArgumentError, ValueError):
        return "harus alamat seperti / must be an address such as postgresql://smsd:password@127.0.0.1/smsd"
    if url.get_backend_name() not in DRIVERS:
        return "harus diawali / must begin with postgresql://, mysql:// or sqlite://"
    return "" if url.database else "harus menyebut nama basis data / must name the database after the last slash"


def open_engine(written: str) -> Engine:
    """Return an engine whose transactions are explicit, that waits some seconds at most, and makes no new database."""
    given = make_url(written)
    url = given.set(drivername=DRIVERS[given.get_backend_name()])
    arguments: dict[str, Any] = {"connect_timeout": WAIT_SECONDS}
    if url.get_backend_name() == "sqlite":
        arguments = {"timeout": WAIT_SECONDS - 1}
        engine = create_engine(_existing_file(url), connect_args=arguments, hide_parameters=True, poolclass=NullPool)
        event.listen(engine, "connect", _leave_transactions_to_us)
        event.listen(engine, "begin", _begin)
        return engine
    if url.get_backend_name() == "postgresql":
        limit = WAIT_SECONDS * 1000
        arguments["options"] = f"-c statement_timeout={limit} -c lock_timeout={limit}"
    else:
        arguments |= {"read_timeout": WAIT_SECONDS, "write_timeout": WAIT_SECONDS, "charset": "utf8mb4"}
    return create_engine(
        url,
        connect_args=arguments,
        hide_parameters=True,
        poolclass=NullPool,  # a new connection for each look: none is left over from a database that was restarted
        isolation_level="READ COMMITTED",  # a look after waiting for the lock sees what its holder wrote
    )


class SmsdDatabase:
    """One SMSD's database, and the transactions on it. Nothing of its address is ever shown."""

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url)

    def __repr__(self) -> str:
        return "SmsdDatabase"

    @contextmanager
    def session(self, *, writes: bool = False, alone_for: str = "") -> Iterator[Connection]:
        """Open a transaction; it is committed at the end of the block.

        `alone_for`: two transactions for the same word come one after the other.
        Errors: Retryable, with the database's own first words, when it is away or locked.
        """
        try:
            with self._engine.execution_options(**{WRITES: writes}).connect() as connection:
                locks = _take_turn(connection, alone_for) if alone_for else False
                try:
                    yield connection
                    connection.commit()
                finally:
                    if locks:
                        connection.rollback()
                        connection.execute(select(func.release_lock(_lock_name(alone_for))))
        except SQLAlchemyError as fault:
            words = _first_words(fault)
        else:
            return
        raise Retryable(f"Gammu's database cannot be used now: {words}", "database")


def _take_turn(connection: Connection, word: str) -> bool:
    """Wait until nobody else is in a transaction for this word; tell whether the turn must be given back by hand."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(zlib.crc32(word.encode()))))
    if connection.dialect.name != "mysql":
        return False  # SQLite has one writer at a time
    if connection.execute(select(func.get_lock(_lock_name(word), WAIT_SECONDS - 1))).scalar_one() != 1:
        raise Retryable("another sender has this message in hand")
    return True


def _lock_name(word: str) -> str:
    return f"kabar:{word}"[:64]  # the longest name that MySQL takes


def find_schema_fault(connection: Connection) -> tuple[str, str] | None:
    """Return why this database cannot be worked with, in Indonesian and in English, or None."""
    version = connection.execute(select(gammu.c.Version)).scalar()
    if version not in SCHEMAS:
        known = ", ".join(map(str, SCHEMAS))
        return (
            f"skema SMSD versi {version} tidak dikenal (yang dikenal: {known}); sesuaikan versi Gammu",
            f"SMSD's schema {version} is not known (these are: {known}); use another Gammu",
        )
    if connection.dialect.name == "mysql":
        asked = text("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND engine = :e")
        unsafe = sorted(connection.execute(asked, {"e": UNSAFE_ENGINE}).scalars())
        if unsafe:
            remedy = "; ".join(f"ALTER TABLE {name} ENGINE=InnoDB" for name in unsafe)
            return (
                f"tabel {UNSAFE_ENGINE} tidak punya transaksi; jalankan: {remedy}",
                f"{UNSAFE_ENGINE} tables have no transactions; run: {remedy}",
            )
    return None


def _existing_file(url: URL) -> URL:
    """Return an address that opens a file and never makes one: an empty database would look like a silent modem."""
    return url.set(database=f"file:{url.database}", query={**url.query, "mode": "rw", "uri": "true"})


def _leave_transactions_to_us(connection: Any, _record: Any) -> None:
    connection.isolation_level = None


def _begin(connection: Connection) -> None:
    is_write = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_write else "BEGIN")


def _first_words(fault: SQLAlchemyError) -> str:
    """Return what the driver says, in one line; neither a statement nor an address stands in it."""
    cause = fault.orig if isinstance(fault, DBAPIError) else fault
    return " ".join(str(cause).split())[:160]
