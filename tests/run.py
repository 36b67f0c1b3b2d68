"""./kabar test: everything that guards the project, in order; pytest's own closing line is the last one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / "tests" / "peers.txt"
MOST_PROCESSES = 4  # each has its own PostgreSQL and Valkey
GUARDS: Mapping[str, tuple[str, ...]] = {
    "ruff check": ("-m", "ruff", "check", "."),
    "ruff format": ("-m", "ruff", "format", "--check", "."),
    "mypy --strict": ("-m", "mypy", "--strict", "parsers", "gateway", "workers", "migrations", "tests"),
    "import-linter": ("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"),
}


class Peer(NamedTuple):
    """A program that some tests need beside Python."""

    package: str
    program: str
    mark: str


class ClosingWords:
    """Says again what failed before pytest, just above its closing line, where it is read."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the words, each on its line."""
        for word in self._words:
            terminalreporter.write_line(word, red=True)


def main(arguments: Sequence[str]) -> int:
    """Run the guards, then pytest; with arguments for pytest (beside --all) pytest alone. The number to exit with."""
    os.chdir(ROOT)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # each of hundreds of processes would compile the whole house anew
    wants_all = "--all" in arguments
    given = [argument for argument in arguments if argument != "--all"]
    words: list[str] = []
    failures = 0
    if not given:
        for name, command in GUARDS.items():
            if not passes(name, command):
                failures += 1
                words.append(f"gagal / failed: {name}")
    chosen: list[str] = []
    if wants_all:
        missing = [peer for peer in read_peers() if shutil.which(peer.program) is None]
        words += [
            f"tidak ada / missing: {peer.program} (apt install {peer.package}); tests marked {peer.mark} left out"
            for peer in missing
        ]
        if missing and os.environ.get("CI") == "true":
            failures += 1
        chosen = ["-m", " and ".join(f"not {mark}" for mark in sorted({peer.mark for peer in missing}))]
    print_heading("pytest")
    processes = str(min(os.cpu_count() or 1, MOST_PROCESSES))
    code = int(pytest.main(["-n", processes, "--dist", "worksteal", *chosen, *given], plugins=[ClosingWords(words)]))
    return code or min(failures, 1)


def passes(name: str, command: Sequence[str]) -> bool:
    """Run one guard in its own process and say how it went."""
    print_heading(name)
    started = time.monotonic()
    is_good = subprocess.run([sys.executable, *command], check=False).returncode == 0
    print(f"{name}: {'baik / good' if is_good else 'GAGAL / FAILED'}, {time.monotonic() - started:.1f} s", flush=True)
    return is_good


def read_peers() -> list[Peer]:
    """Return what tests/peers.txt names."""
    lines = (line.split("#")[0].split() for line in PEERS.read_text(encoding="utf-8").splitlines())
    return [Peer(*line) for line in lines if line]


def print_heading(name: str) -> None:
    """Write a heading that is seen between the outputs of tools."""
    print(f"\n--- {name} " + "-" * (74 - len(name)), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
