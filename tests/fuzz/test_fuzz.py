"""Every target holds for its seeds and for all that ever broke it; with --all, for a fixed count of new inputs too."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.fuzz.targets import list_targets
from tests.house.source import ROOT

FOUND = Path(__file__).parent / "found"
COUNTS = {"reader": 25_000}
COUNT = 10_000  # of every other target

TARGETS = list_targets()


@pytest.mark.parametrize("name", TARGETS)
def test_what_a_target_begins_with_holds(name: str) -> None:
    assert TARGETS[name].seeds
    for raw in TARGETS[name].seeds:
        TARGETS[name].try_one(raw)


def test_what_ever_broke_a_target_holds_now() -> None:
    for path in sorted(FOUND.iterdir()):
        TARGETS[path.name.partition(".")[0]].try_one(path.read_bytes())


@pytest.mark.long
@pytest.mark.parametrize("name", TARGETS)
def test_inputs_that_nobody_thought_of_hold(name: str) -> None:
    assert find_spec("atheris"), "atheris has no wheel for this machine: the targets cannot be fuzzed here"
    count = COUNTS.get(name, COUNT)
    command = [sys.executable, "-P", "-m", "tests.fuzz.run", name, "--count", str(count)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert f"stat::number_of_executed_units: {count}" in done.stderr
