"""What tests of the gateway ask for: an open database of either kind, closed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from gateway.store.base import Database


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
