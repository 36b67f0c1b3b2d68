"""Numbers that somebody earns by: what comes from them is kept, and nothing is ever sent there."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.store.base import Database
from tests.district import District, make_runtime

ABROAD = ["+8816123456789", "+882161234567", "+60123456789", "+12025550123", "+447911123456", "+870776312345"]
PREMIUM = ["0809123456", "1500123", "+628091234567", "+1900555012"]


@pytest.fixture
def district(database: Database, tmp_path: Path) -> District:
    """A district of Indonesia."""
    return District(make_runtime(database, tmp_path))


@pytest.mark.parametrize("sender", [*ABROAD, *PREMIUM])
@pytest.mark.parametrize("text", ["KB 0925 BARU 12 AKTIF 40", "DAFTAR Ratna PMB Ratna", "STOP", "halo"])
def test_an_unknown_number_abroad_or_a_dear_one_is_kept_and_never_answered(
    district: District, sender: str, text: str
) -> None:
    kept = district.keep(sender, text)
    assert district.handle() == 1
    answer = district.answer(kept)
    assert answer
    assert answer.state == "withheld"
    assert district.send() == 0
    assert district.message(kept).state in {"held", "for_staff", "done"}
