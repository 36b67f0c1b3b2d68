"""What tests of pushes ask for: an office for each generation of DHIS2."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.store.base import Database
from tests.district import District, make_runtime
from tests.gateway.export.dhis2.dhis2_server import Dhis2Server
from tests.gateway.export.dhis2.pushing import Office


@pytest.fixture(params=[36, 42, 43])
def generation(request: pytest.FixtureRequest) -> int:
    """Each of the three generations."""
    assert isinstance(request.param, int)
    return request.param


@pytest.fixture
def office(database: Database, tmp_path: Path, generation: int) -> Iterator[Office]:
    """A district that sends to a DHIS2 of a generation."""
    with Dhis2Server(generation) as server:
        yield Office(District(make_runtime(database, tmp_path)), server)
