"""What git keeps: nobody's folders, nobody's package index, and a lock that fits what the project asks for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from gateway.version import VERSION
from tests.house.source import ROOT, project_files
from tests.run import read_peers

SOMEBODYS_FOLDER = re.compile(r"(?<![\w.}$*:/-])/(?:home|root|Users|tmp|work|private)/[\w.-]+")
REGISTRIES = tuple(
    ".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("deb", "debian", "org"))
)
LARGEST_READ = 2_000_000  # bytes; beyond it a file is no text of ours
LOCKS = ("requirements.lock", "requirements-test.lock")
PINNED = re.compile(r"^([a-z0-9][a-z0-9.-]*)==(\S+)")


def read_texts() -> list[tuple[str, str]]:
    """Return (path, text) of every text file of the project."""
    found = []
    for path in project_files():
        raw = path.read_bytes()
        if len(raw) <= LARGEST_READ and b"\0" not in raw:
            found.append((str(path.relative_to(ROOT)), raw.decode("utf-8", "replace")))
    return found


def read_lock(name: str) -> dict[str, str]:
    """Return the version of each package in a lock."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return {found[1]: found[2] for line in lines if (found := PINNED.match(line))}


def read_wishes(*, tests: bool) -> list[Requirement]:
    """Return what pyproject.toml asks for, with or without the tools of the tests."""
    written = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wishes = written["project"]["dependencies"] + (written["dependency-groups"]["test"] if tests else [])
    return [Requirement(wish) for wish in wishes]


def test_no_file_names_a_folder_of_somebodys_machine() -> None:
    found = [f"{path}: {match.group()}" for path, text in read_texts() for match in SOMEBODYS_FOLDER.finditer(text)]
    assert not found, f"take the folder from the settings, the project's root or tempfile: {found}"


def test_no_file_names_a_package_registry() -> None:
    found = [f"{path}: {host}" for path, text in read_texts() for host in REGISTRIES if host in text]
    assert not found, f"where packages come from is the machine's own setting: {found}"


def test_the_version_is_the_same_everywhere() -> None:
    written = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert written["project"]["version"] == VERSION


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_no_address_and_no_option(lock: str) -> None:
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    wrong = [line for line in lines if "://" in line or line.startswith("-") or "file:" in line]
    assert not wrong, f"make the lock as pyproject.toml says: {wrong}"


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_in_a_lock_has_a_version_and_a_hash(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[a-z0-9])", text.strip())
    wrong = [block.splitlines()[0] for block in blocks if not PINNED.match(block) or "--hash=sha256:" not in block]
    assert not wrong, f"make the lock as pyproject.toml says: {wrong}"


@pytest.mark.parametrize(("lock", "tests"), [(LOCKS[0], False), (LOCKS[1], True)])
def test_a_lock_fits_what_the_project_asks_for(lock: str, tests: bool) -> None:
    locked = read_lock(lock)
    wrong = [
        str(wish)
        for wish in read_wishes(tests=tests)
        if not wish.specifier.contains(locked.get(canonicalize_name(wish.name), "0"), prereleases=True)
    ]
    assert not wrong, f"make the lock again, as pyproject.toml says: {wrong}"


def test_the_tests_run_on_the_very_versions_that_are_installed() -> None:
    runtime, tests = (read_lock(lock) for lock in LOCKS)
    differing = {name: (version, tests.get(name)) for name, version in runtime.items() if tests.get(name) != version}
    assert not differing, f"make the test lock with -c requirements.lock: {differing}"


def test_every_peer_is_written_with_package_program_and_mark() -> None:
    marks = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"][
        "markers"
    ]
    known = {mark.partition(":")[0] for mark in marks}
    assert {peer.mark for peer in read_peers()} <= known


@pytest.mark.parametrize("program", ["kabar", ".ci/run"])
def test_a_program_can_be_run_from_a_fresh_clone(program: str) -> None:
    path = Path(ROOT / program)
    assert path.stat().st_mode & 0o111, f"chmod +x {program}"
    assert path.read_bytes().startswith(b"#!"), "its first line says who reads it"
