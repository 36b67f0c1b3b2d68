"""What the tests of webhooks ask for: a district on either database, and receivers on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.store.base import Database
from tests.district import District, make_runtime
from tests.gateway.export.webhooks.listening import Receiver


@pytest.fixture
def district(database: Database, tmp_path: Path) -> District:
    """A district with the simulator's phones; the test runs once on each database."""
    return District(make_runtime(database, tmp_path, answers_per_hour=1000, private_hosts="127.0.0.1"))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Somebody who listens, and hears whatever is signed rightly."""
    with Receiver() as made:
        yield made
