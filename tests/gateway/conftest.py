"""What tests of the stages and of the pages ask for: the small district, on either database."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.store.base import Database
from tests.district import District, make_runtime


@pytest.fixture
def district(database: Database, tmp_path: Path) -> District:
    """A district at noon of 3 October 2025 whose clock the test holds, and where nobody writes too often."""
    return District(make_runtime(database, tmp_path / "var", answers_per_hour=100))
