"""What ./kabar test says at its end, tried on a project of one test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source import ROOT

RUN = """
import sys
from pathlib import Path
from tests import run
run.ROOT = Path(sys.argv[1])
run.GUARDS = guards = {}
run.PEERS = run.ROOT / "peers.txt"
for name, code in map(str.split, sys.argv[2:4]):
    guards[name] = ("-c", f"print('{name} ran'); raise SystemExit({code})")
sys.exit(run.main(sys.argv[4:]))
"""
PROJECT = """
import pytest
def test_one_thing_that_holds_always(): pass
@pytest.mark.ghost
def test_one_thing_that_needs_a_peer(): raise AssertionError("there is no ghost here")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of two tests, the second of which needs a program that no machine has."""
    (tmp_path / "test_project.py").write_text(PROJECT)
    (tmp_path / "pytest.ini").write_text('[pytest]\nmarkers = ghost\naddopts = -m "not ghost"\n')
    (tmp_path / "peers.txt").write_text("# a comment\nghost-package  no-such-ghost  ghost\n")
    return tmp_path


def run(
    project: Path, *arguments: str, guards: tuple[str, str] = ("style 0", "types 0"), ci: str = ""
) -> tuple[int, str]:
    """Return the exit status and all that was said."""
    only_xdist = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "xdist.plugin"}  # the rest takes seconds
    environ = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(ROOT), "CI": ci} | only_xdist
    command = [sys.executable, "-c", RUN, str(project), *guards, *arguments]
    done = subprocess.run(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.returncode, done.stdout


def test_pytests_own_line_is_the_last_one(project: Path) -> None:
    code, said = run(project)
    assert code == 0, said
    assert " 1 passed" in said.strip().splitlines()[-1]


def test_a_guard_that_fails_lets_the_others_run_and_fails_the_whole(project: Path) -> None:
    code, said = run(project, guards=("style 1", "types 0"))
    assert code == 1
    assert "types ran" in said
    assert "gagal / failed: style" in said.strip().splitlines()[-2]
    assert " 1 passed" in said.strip().splitlines()[-1]


def test_words_for_pytest_leave_the_guards_out(project: Path) -> None:
    code, said = run(project, "-k", "always", guards=("style 1", "types 1"))
    assert code == 0, said
    assert "style ran" not in said


def test_a_missing_peer_is_named_and_its_tests_left_out(project: Path) -> None:
    code, said = run(project, "--all")
    assert code == 0, said
    assert "missing: no-such-ghost (apt install ghost-package)" in said


def test_a_missing_peer_fails_continuous_integration(project: Path) -> None:
    code, said = run(project, "--all", ci="true")
    assert code == 1
    assert "missing: no-such-ghost" in said


def test_a_peer_that_is_there_has_its_tests_run(project: Path) -> None:
    (project / "peers.txt").write_text(f"shell  {Path('/bin/sh')}  ghost\n")
    code, said = run(project, "--all")
    assert code == 1
    assert "there is no ghost here" in said


def test_a_run_without_any_test_is_a_failure(project: Path) -> None:
    (project / "test_project.py").unlink()
    code, _ = run(project)
    assert code != 0
