"""What is backed up: a lived-in district on both databases, and a small one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.backup import Source
from gateway.store import dumps
from gateway.store.base import Database
from tests.district import District, make_runtime

REPORT = "KB 0925 BARU 12 AKTIF 40 PIL 30"


@pytest.fixture
def source(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Source:
    """What is backed up: a database, and a key in `var`."""
    (tmp_path / "var").mkdir(mode=0o700)
    (tmp_path / "var" / "secret.key").write_text("k" * 64)
    environ = dict(os.environ)
    if dumps.kind_of(database_url) == dumps.POSTGRESQL:
        environ["PATH"] = f"{request.getfixturevalue('postgresql').programs}:{environ.get('PATH', '')}"
    places = {"secret.key": tmp_path / "var" / "secret.key"}
    return Source(database_url, places, tmp_path / "var", "0.1.0", environ)


@pytest.fixture
def small(sqlite_url: str, tmp_path: Path) -> Source:
    """What is backed up where the kind of database makes no difference."""
    (tmp_path / "var").mkdir(mode=0o700)
    (tmp_path / "var" / "secret.key").write_text("k" * 64)
    return Source(sqlite_url, {"secret.key": tmp_path / "var" / "secret.key"}, tmp_path / "var", "0.1.0", {})


@pytest.fixture
def district(source: Source, tmp_path: Path) -> Iterator[District]:
    """A district with a history: reports, a repair, a question that is open, a stranger, a closed month."""
    database = Database(source.database_url)
    made = District(make_runtime(database, tmp_path / "sim"))
    made.say("ani", REPORT, provider_id="ani-1")
    made.say("wati", "KB 0925 PMB02 BRU 3 AKTF 9")
    made.say("eve", "KB 0925 BARU 900")
    made.say("stranger", "halo")
    made.send()
    made.close_month("kb", "2025-08")
    yield made
    database.dispose()
