"""The harness proves itself: each bug that is put into the house on purpose is caught."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.chaos.bugs import BUGS, Bug, play

# Those whose faults need no more than the door, and the end of a lease: the others are played by hand, all in one
# command (docs/reliability.md), for they would take longer than all other chaos tests together.
HERE = (
    "answer_before_commit",
    "no_sweep",
    "no_unique_key",
    "faults_swallowed",
    "leases_for_ever",
    "commits_not_on_disk",
    "redis_waited_for",
)


@pytest.mark.long
@pytest.mark.parametrize("bug", [bug for bug in BUGS if bug.patch in HERE], ids=lambda bug: str(bug.patch))
def test_a_bug_that_is_put_in_on_purpose_is_caught(bug: Bug, tmp_path: Path, migrated_sqlite: Path) -> None:
    (disk := tmp_path / "disk").mkdir()
    shutil.copy(migrated_sqlite, disk / "kabar.db")
    assert play(bug, tmp_path, f"sqlite:///{disk / 'kabar.db'}"), f"{bug.patch} was not caught: the harness is blind"


def test_every_bug_that_is_played_here_is_in_the_list() -> None:
    assert set(HERE) <= {bug.patch for bug in BUGS}
