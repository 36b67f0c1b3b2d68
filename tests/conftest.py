"""What every test may ask for: a migrated database of either kind, a queue server, and no way out of this machine."""

from __future__ import annotations

import gc
import importlib
import ipaddress
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import hypothesis
import pytest
import structlog
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

from gateway.store.base import Database
from tests.databases import MigratedDatabases
from tests.servers import PostgresServer, ValkeyServer

FOREIGN = ("KABAR_", "DATABASE_URL", "REDIS_URL", "PORT")  # settings of whoever runs the tests are not the tests'

hypothesis.settings.register_profile("kabar", deadline=None, print_blob=True)
hypothesis.settings.register_profile("kabar-ci", deadline=None, print_blob=True, derandomize=True)


def pytest_configure(config: pytest.Config) -> None:
    """Set the stage: no settings from outside, no time limits on examples, nothing leaves this machine."""
    for name in [name for name in os.environ if name.startswith(FOREIGN)]:
        del os.environ[name]
    hypothesis.settings.load_profile("kabar-ci" if os.environ.get("CI") == "true" else "kabar")
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": CompiledTemplates()}
    Flask.url_rule_class = CompiledRule
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])  # the other draws for seconds
    sys.addaudithook(_stay_here)


def pytest_collection_finish() -> None:
    """Leave what ten thousand tests were collected into out of every later search for garbage."""
    gc.freeze()


class CompiledTemplates(BytecodeCache):
    """Keeps what templates were compiled to: the applications of a thousand tests show the same pages."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take what was kept of a template, if it is still the same."""
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what a template was compiled to."""
        self._kept[bucket.key] = bucket.bytecode_to_string()


class CompiledRule(Rule):
    """Keeps what builds a page's address: to compile it for each application took more time than the pages did."""

    _kept: ClassVar[dict[object, Callable[..., tuple[str, str]]]] = {}

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        key = (self.rule, tuple(self._trace), repr(self.defaults), append_unknown)
        if key not in self._kept:
            self._kept[key] = super()._compile_builder(append_unknown)
        return self._kept[key]


def _stay_here(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse to connect to any other machine."""
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = str(arguments[1][0])
        if host != "localhost" and not ipaddress.ip_address(host.partition("%")[0]).is_loopback:
            raise AssertionError(f"a test tried to reach {host}")


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """Put back how this process logs: a command that a test runs would send later tests' lines to its own stderr."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)
    for handler in logging.root.handlers[:]:
        if isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter):
            logging.root.removeHandler(handler)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of a fresh, migrated database; the test runs once on each kind."""
    url = request.getfixturevalue(f"{request.param}_url")
    assert isinstance(url, str)
    return url


@pytest.fixture
def sqlite_url(tmp_path: Path, migrated_sqlite: Path) -> str:
    """The address of a fresh, migrated SQLite database."""
    return f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'kabar.db')}"


@pytest.fixture
def postgresql_url(migrated_postgresql: MigratedDatabases) -> Iterator[str]:
    """The address of a fresh, migrated PostgreSQL database."""
    with migrated_postgresql.lend() as url:
        yield url


@pytest.fixture
def open_database() -> Iterator[Callable[[str], Database]]:
    """Opens databases by their address, and closes them when the test ends."""
    opened: list[Database] = []

    def open_one(url: str) -> Database:
        opened.append(Database(url))
        return opened[-1]

    yield open_one
    for database in opened:
        database.dispose()


@pytest.fixture
def database(database_url: str, open_database: Callable[[str], Database]) -> Database:
    """A fresh, migrated database; the test runs once on each kind."""
    return open_database(database_url)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database that was never migrated; the test runs once on each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        with request.getfixturevalue("postgresql").new_database() as url:
            yield url


@pytest.fixture
def redis_url(valkey: ValkeyServer) -> str:
    """The address of an empty queue server."""
    valkey.empty()
    return valkey.url


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy; nobody opens it."""
    path = tmp_path_factory.mktemp("template") / "kabar.db"
    _upgrade(f"sqlite:///{path}")
    leftover = [other.name for other in path.parent.iterdir() if other.suffix.startswith((".db-wal", ".db-shm"))]
    assert not leftover, f"the migration left {leftover} behind, so the file alone is not the database"
    return path


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql: PostgresServer) -> MigratedDatabases:
    """Migrated databases, one after the other or several at once."""
    postgresql.execute('CREATE DATABASE "migrated"')
    _upgrade(postgresql.url("migrated"))
    return MigratedDatabases(postgresql, "migrated")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresServer]:
    """The PostgreSQL server of this test process."""
    server = PostgresServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def valkey() -> Iterator[ValkeyServer]:
    """The queue server of this test process. A test that kills one starts its own."""
    with tempfile.TemporaryDirectory(prefix="kabar-") as folder:  # short, for the socket
        server = ValkeyServer(Path(folder))
        server.start()
        yield server
        server.stop()


def _upgrade(url: str) -> None:
    importlib.import_module("gateway.store.schema").upgrade(url)  # tests without a database need no store
