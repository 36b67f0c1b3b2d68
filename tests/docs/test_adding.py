"""The guides for adding a channel, a form and an export, followed to the letter: nothing is edited but as they say."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.docs.pages import page
from tests.house.source import ROOT

GUIDES = ("docs/adding-a-channel.md", "docs/adding-a-form.md", "docs/adding-an-export.md")
TREE = ("gateway", "parsers", "workers", "migrations", "tests", "bench", "docs", "pyproject.toml")
PATIENCE_SECONDS = 300
_FILE = re.compile(r"^\*\*([\w./-]+)\*\*\n\n```[a-z]+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_STEP = re.compile(r"^```sh\n\./kabar ([^\n]+)\n```\n\n```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Step(NamedTuple):
    """A command of a guide, and what it says that it prints; `...` stands for anything."""

    command: str
    promise: str


def files_of(guide: str) -> dict[str, str]:
    """Return every file that a guide has written, by its path."""
    return dict(_FILE.findall(page(guide).text))


def steps_of(guide: str) -> list[Step]:
    """Return what a guide has run."""
    return [Step(*found) for found in _STEP.findall(page(guide).text)]


@pytest.fixture(params=GUIDES)
def followed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A copy of the project in which one guide's files were written, and nothing else."""
    guide: str = request.param
    for name in TREE:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, tmp_path / name)
    for name, text in files_of(guide).items():
        path = tmp_path / name
        assert not path.exists(), f"{guide} edits {name}; a guide only adds"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    yield guide, tmp_path
    shutil.rmtree(tmp_path)


@pytest.mark.long
def test_a_guide_that_is_followed_to_the_letter_comes_to_what_it_promises(followed: tuple[str, Path]) -> None:
    guide, tree = followed
    assert len(files_of(guide)) >= 2
    assert steps_of(guide)
    for step in steps_of(guide):
        done = run(tree, step.command)
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"{guide}: ./kabar {step.command} failed:\n{said}"
        missing = [line for line in step.promise.splitlines() if not re.search(pattern_of(line), said, re.MULTILINE)]
        assert not missing, f"{guide}: ./kabar {step.command} does not say {missing}, but:\n{said}"
    ours = [str(tree / name) for name in files_of(guide) if name.endswith(".py")]
    for check in (["check"], ["format", "--check"]) if ours else ():
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *check, "--no-cache", *ours],
            cwd=tree,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


def pattern_of(line: str) -> str:
    """Return what a promised line looks like."""
    return ".+".join(re.escape(part) for part in line.split("..."))


def run(tree: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run `./kabar` with these words in a tree, as the launcher would."""
    first, *words = shlex.split(command)
    module = ["pytest", "-q", "-p", "no:cacheprovider"] if first == "test" else ["gateway.cli", first]
    return subprocess.run(
        [sys.executable, "-P", "-m", *module, *words],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
