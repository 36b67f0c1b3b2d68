"""A longer chaos run by hand, or a seed again: `python -m tests.chaos.soak --seed N --seconds S --database sqlite`."""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.chaos.run import run
from tests.chaos.world import World

PAGE_KILOBYTES = 4
MEGABYTE = 1024 * 1024


class Scales:
    """Weighs every process now and then: what grows without end shows in a long run."""

    def __init__(self) -> None:
        self.first: dict[str, tuple[int, int]] = {}
        self.most: dict[str, tuple[int, int]] = {}
        self.largest_wal = 0
        self._started = time.monotonic()

    def weigh(self, world: World, fault: str) -> None:
        """Weigh all, and say what was struck last."""
        for name in world.commands:
            weight = _weigh(world.leader(name), world.children(name))
            self.first.setdefault(name, weight)
            self.most[name] = max(self.most.get(name, weight), weight)
        wal = Path(world.database_url.removeprefix("sqlite:///") + "-wal")
        with suppress(OSError):
            self.largest_wal = max(self.largest_wal, wal.stat().st_size)
        print(f"{time.monotonic() - self._started:7.1f} s  {fault}", flush=True)

    def tell(self) -> str:
        """Say what every process weighed at first and at most, and how large the log of changes was."""
        lines = [
            f"{name:9} {self.first[name][0]:7} kB, at most {kilobytes:7} kB with {files} open files"
            for name, (kilobytes, files) in self.most.items()
        ]
        return "\n".join([*lines, f"largest WAL {self.largest_wal / MEGABYTE:.1f} MB"])


def _weigh(leader: int, children: list[int]) -> tuple[int, int]:
    """Return the resident memory and the open files of a process and its children."""
    kilobytes = files = 0
    for one in (leader, *children):
        with suppress(OSError):
            kilobytes += int(Path(f"/proc/{one}/statm").read_text().split()[1]) * PAGE_KILOBYTES
            files += len(list(Path(f"/proc/{one}/fd").iterdir()))
    return kilobytes, files


def main() -> None:
    """Run, tell, and end with 1 where something does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=__doc__)
    parser.add_argument("--seed", default=secrets.token_hex(4), help="what a failed run printed; else a new one")
    parser.add_argument("--seconds", type=float, default=1800.0, help="0: every fault once (default: half an hour)")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    asked = parser.parse_args()
    scales = Scales()
    print(f"seed {asked.seed}, {asked.database}", flush=True)
    with tempfile.TemporaryDirectory(prefix="kabar-soak-") as folder:
        story = run(asked.seed, asked.database, Path(folder), seconds=asked.seconds, watch=scales.weigh)
    print(story.tell())
    print(scales.tell())
    for fault in story.faults:
        print(fault)
    print("everything holds" if not story.faults else f"{len(story.faults)} faults\n{story.last_words}")
    sys.exit(1 if story.faults else 0)


if __name__ == "__main__":
    main()
