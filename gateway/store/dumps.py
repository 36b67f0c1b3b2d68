"""Whole databases: written out as one consistent copy while others write, and laid back in one step."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, String, Update, func, inspect, literal, select, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import URL, make_url

from gateway.errors import Permanent, SomebodyElse, Unavailable
from gateway.store import pg_programs, schema, sqlite
from gateway.store.base import POOLED, make_engine, metadata, translating_errors
from gateway.store.inbox import inbox
from gateway.store.outbox import outbox
from gateway.store.patience import have_patience
from gateway.values import OutboxState

SQLITE, POSTGRESQL = "sqlite", "postgresql"
SEEDED = {"alembic_version", "lanes", "ticks", "channels"}  # what migrations and idle processes write by themselves
_BROKEN = {11, 26}  # SQLite, "Result codes": CORRUPT, NOTADB
RESTORED = "dari cadangan: mungkin sudah terkirim sesudahnya / from a backup: it may have gone out after that was made"


@dataclass(frozen=True, slots=True)
class Dumped:
    """What a copy of a database holds: its schema's version, rows by table, and when its newest message came."""

    kind: str
    server: int
    migration: str
    rows: Mapping[str, int]
    newest_message_at: datetime | None


def kind_of(url: str) -> str:
    """Return which of the two kinds of database an address leads to."""
    return SQLITE if make_url(url).get_backend_name() == "sqlite" else POSTGRESQL


def dump(url: str, into: Path, environ: Mapping[str, str]) -> Dumped:
    """Write a database into a new file as it is at one instant; whoever writes goes on.

    Errors: Unavailable when it cannot be reached; Permanent when it is not migrated, broken, or a program is missing.
    """
    refuse_pooler(url)
    if kind_of(url) == SQLITE and not Path(str(make_url(url).database)).exists():
        raise Permanent(f"basis data belum ada / there is no database yet: {make_url(url).database}")
    return _dump_sqlite(url, into) if kind_of(url) == SQLITE else _dump_postgresql(url, into, environ)


def refuse_pooler(url: str) -> None:
    """Refuse an address of a pooler: programs like pg_dump leave their settings in connections that others are lent."""
    if POOLED in make_url(url).query:
        raise Permanent(
            "tidak lewat pooler: beri alamat langsung di KABAR_DATABASE_URL, tanpa pooled=1 / not through a pooler:"
            " give the direct address in KABAR_DATABASE_URL, without pooled=1"
        )


def _dump_sqlite(url: str, into: Path) -> Dumped:
    with translating_errors(), closing(sqlite.driver.connect(str(make_url(url).database))) as connection:
        connection.execute(f"PRAGMA busy_timeout={int(sqlite.BUSY_SECONDS * 1000)}")
        try:
            connection.execute("VACUUM INTO ?", (str(into),))  # a reader of its own: writers are not held up
        except sqlite.driver.OperationalError:
            raise
        except sqlite.driver.DatabaseError as fault:
            raise _broken(fault) from fault
    return look_into(into)


def look_into(path: Path) -> Dumped:
    """Return what a file of SQLite holds. Errors: Permanent when SQLite itself finds it broken."""
    engine = make_engine(f"sqlite:///{path}")
    try:
        with translating_errors(), engine.connect() as connection:
            found = connection.execute(text("PRAGMA quick_check(1)")).scalar_one()
            if found != "ok":
                raise _broken(found)
            return _look(connection, SQLITE, 0)
    except Unavailable as fault:
        raise _broken(fault) from fault
    finally:
        engine.dispose()


def _broken(said: object) -> Permanent:
    return Permanent(f"basis data SQLite rusak / the SQLite database is broken: {said}")


def _dump_postgresql(url: str, into: Path, environ: Mapping[str, str]) -> Dumped:
    engine = make_engine(url)
    try:
        with translating_errors(), engine.execution_options(isolation_level="REPEATABLE READ").connect() as connection:
            have_patience(connection)
            for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
                connection.execute(text(f"SET LOCAL {name} = 0"))  # the whole dump stands behind this snapshot
            snapshot = str(connection.execute(text("SELECT pg_export_snapshot()")).scalar_one())
            found = _look(connection, POSTGRESQL, server_of(connection))
            pg_programs.dump(make_url(url), into, snapshot, found.server, environ)
            return found
    finally:
        engine.dispose()


def server_of(connection: Connection) -> int:
    """Return PostgreSQL's major version."""
    return int(connection.execute(text("SHOW server_version_num")).scalar_one()) // 10_000


def _look(connection: Connection, kind: str, server: int) -> Dumped:
    migration = schema.version_of(connection)
    if migration is None:
        raise Permanent("basis data belum disiapkan: ./kabar migrate / the database is not migrated yet")
    newest: datetime | None = connection.execute(select(func.max(inbox.c.received_at))).scalar_one()
    return Dumped(kind, server, migration, count_rows(connection), newest and newest.astimezone(UTC))


def count_rows(connection: Connection) -> dict[str, int]:
    """Return how many rows each table has; of PostgreSQL's schemas, `public` is ours."""
    names = sorted(inspect(connection).get_table_names(schema="public" if kind_of_dialect(connection) else None))
    return {name: connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one() for name in names}  # noqa: S608


def kind_of_dialect(connection: Connection) -> bool:
    """Tell whether a connection is PostgreSQL's."""
    return connection.dialect.name == POSTGRESQL


def count_all(url: str) -> dict[str, int]:
    """Return how many rows each table of a database has; of one that is not there yet, none.

    Errors: Unavailable when it cannot be reached; Permanent when SQLite finds it broken.
    """
    if kind_of(url) == SQLITE and not Path(str(make_url(url).database)).exists():
        return {}
    engine = make_engine(url)
    try:
        with translating_errors(), engine.connect() as connection:
            have_patience(connection)
            if kind_of_dialect(connection):
                connection.execute(text("SET LOCAL statement_timeout = 0"))
            return count_rows(connection)
    except Unavailable as fault:
        if getattr(getattr(fault.__cause__, "orig", None), "sqlite_errorcode", 0) & 0xFF in _BROKEN:
            where = make_url(url).database
            raise Permanent(
                f"basis data di sini rusak: pindahkan dahulu, lalu ulangi / the database that is there is broken: move"
                f" it away first, then do this again ({where})"
            ) from fault
        raise
    finally:
        engine.dispose()


def find_foreign(rows: Mapping[str, int]) -> list[str]:
    """Return the tables that are none of Kabar's: they would go with what is replaced."""
    return sorted(set(rows) - set(metadata.tables) - SEEDED)


def load(url: str, file: Path, environ: Mapping[str, str], *, repeatable: Collection[str], server: int) -> None:
    """Put a copy in a database's place, all of it or nothing; what waited to go out is `unsure` in it.

    `repeatable` names the channels by which a message may be sent once more without harm: theirs wait on. `server` is
    the major version that the copy was made of. Errors: SomebodyElse while a process of Kabar has the database open;
    Permanent in the words of PostgreSQL's programs; nothing was changed then.
    """
    if kind_of(url) == SQLITE:
        _load_sqlite(make_url(url), file, repeatable)
    else:
        _load_postgresql(url, file, environ, repeatable, server)


def _load_sqlite(url: URL, file: Path, repeatable: Collection[str]) -> None:
    place = Path(str(url.database))
    _release(place)
    engine = make_engine(f"sqlite:///{file}")
    try:
        with translating_errors(), engine.connect() as connection:
            connection.execute(_doubt(repeatable))
            connection.commit()
    finally:
        engine.dispose()
    schema.upgrade(f"sqlite:///{file}")
    _release(file)  # out of its log, so that the file alone is the database
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = place.with_name(f".{place.name}.restored")
    fresh.unlink(missing_ok=True)
    with file.open("rb") as source, os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        while block := source.read(1 << 20):
            out.write(block)
        out.flush()
        os.fsync(out.fileno())
    _release(place)
    for left in ("-wal", "-shm", "-journal"):  # of one that is gone or broken: SQLite would play them into this one
        place.with_name(place.name + left).unlink(missing_ok=True)
    fresh.rename(place)
    sync_folder(place.parent)


def _release(place: Path) -> None:
    """Take a SQLite file out of its log, which only the last who has it open can. Errors: SomebodyElse."""
    if not place.exists():
        return
    with closing(sqlite.driver.connect(str(place))) as connection:
        try:
            connection.execute("PRAGMA busy_timeout=0")
            mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
        except sqlite.driver.OperationalError:
            mode = ""
        except sqlite.driver.DatabaseError:
            return  # no database at all: it is replaced as it is
    if mode != "delete":
        raise _in_use(str(place))


def _in_use(what: str) -> SomebodyElse:
    return SomebodyElse(
        f"basis data sedang dipakai: hentikan dahulu semua proses Kabar / the database is in use: stop every process of"
        f" Kabar first ({what})"
    )


def _load_postgresql(
    url: str, file: Path, environ: Mapping[str, str], repeatable: Collection[str], server: int
) -> None:
    engine = make_engine(url)
    others = select(func.count()).select_from(text("pg_stat_activity"))
    others = others.where(text("datname = current_database() AND pid <> pg_backend_pid() AND backend_type = :kind"))
    try:
        with translating_errors(), engine.connect() as connection:
            version = server_of(connection)
            if connection.execute(others, {"kind": "client backend"}).scalar_one():
                raise _in_use(str(make_url(url).database))
    finally:
        engine.dispose()
    doubt = str(_doubt(repeatable).compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}))  # type: ignore[no-untyped-call]
    pg_programs.load(
        make_url(url),
        file,
        before="DROP SCHEMA IF EXISTS public CASCADE;",
        after=f"SET search_path = public;\n{doubt};",
        server=max(version, server),
        environ=environ,
    )
    schema.upgrade(url)


def _doubt(repeatable: Collection[str]) -> Update:
    """Return what makes unsure whatever a copy holds as not yet sent: its original may have sent it since.

    Written for every version of the table that was ever released.
    """
    open_states = (OutboxState.QUEUED.value, OutboxState.SENDING.value)
    waits = outbox.c.state.in_(open_states), outbox.c.channel.not_in(sorted(repeatable))
    values = {"state": OutboxState.UNSURE.value, "lease_until": None, "fault": literal(RESTORED, String)}
    return update(outbox).where(*waits).values(values)


def sync_folder(folder: Path) -> None:
    """Make what was renamed in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
