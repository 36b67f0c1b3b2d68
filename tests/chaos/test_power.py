"""The power goes: what was acknowledged is on the disk, and so is a row for everything that was sent."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from gateway.settings import Settings
from tests.chaos.power import cut_power

SEED: str | None = None  # write a printed seed here to have its messages again


@pytest.mark.long
def test_when_the_power_goes_everything_acknowledged_is_on_the_disk_and_is_handled_once(tmp_path: Path) -> None:
    spool = {"spool": str(tmp_path / "disk" / "spool")} if "spool" in Settings.model_fields else {}
    story = cut_power(SEED or secrets.token_hex(4), tmp_path, **spool)
    print(story.tell())
    assert not story.faults, f"{story.tell()}\n{len(story.faults)} faults, the first: {story.faults[:10]}"
