"""Fuzz one target, led by which lines its inputs reach: `python -m tests.fuzz.run reader --count 1000000`.

What breaks a target is printed, and written to tests/fuzz/found/<target>.<name>, where the tests try it from then on.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import atheris
import click

if TYPE_CHECKING:
    from tests.fuzz.targets import Target

FOUND = Path(__file__).parent / "found"
LONGEST = 4096  # bytes of an input
SLOWEST_SECONDS = 10  # an input that takes longer is a fault too


def load_targets() -> Mapping[str, Target]:
    """Return the targets, made of code that tells which of its lines were reached."""
    with atheris.instrument_imports(include=["parsers", "gateway"], enable_loader_override=False):
        targets = importlib.import_module("tests.fuzz.targets")
    found: Mapping[str, Target] = targets.list_targets()
    return found


@click.command()
@click.argument("name")
@click.option("--count", default=100_000, show_default=True, help="How many inputs are tried.")
@click.option("--seed", default=1, show_default=True, help="The same seed tries the same inputs.")
def fuzz(name: str, count: int, seed: int) -> None:
    """Try so many inputs on a target."""
    targets = load_targets()
    if name not in targets:
        raise click.BadParameter(f"there is no target {name}; there are: {', '.join(targets)}")
    corpus = Path(tempfile.mkdtemp(prefix="kabar-corpus-"))
    for number, raw in enumerate(targets[name].seeds):
        (corpus / f"{number:04d}").write_bytes(raw)
    options = {
        "runs": count,
        "seed": seed,
        "max_len": LONGEST,
        "timeout": SLOWEST_SECONDS,
        "artifact_prefix": f"{FOUND / name}.",
    }
    words = [f"-{option}={value}" for option, value in options.items()]
    atheris.Setup([sys.argv[0], *words, "-print_final_stats=1", str(corpus)], targets[name].try_one)
    atheris.Fuzz()


if __name__ == "__main__":
    fuzz()
