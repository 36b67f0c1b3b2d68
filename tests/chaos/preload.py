"""The two libraries that are loaded before a process's own: one shifts its clock, one shows what a power cut leaves."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

SOURCES = Path(__file__).parent / "preload"


def build(name: str, folder: Path) -> Path:
    """Compile `skew` or `durable` and return the library. Errors: RuntimeError, naming what is missing."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise RuntimeError(f"no C compiler for tests/chaos/preload/{name}.c: install one (Debian: apt install gcc)")
    library = folder / f"{name}.so"
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(SOURCES / f"{name}.c"), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name}.c does not compile here: {done.stderr}")
    return library


class Skew:
    """A clock of some processes that can be shifted while they run."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "skew"
        self._file.write_bytes(bytes(8))
        self.environ = {"LD_PRELOAD": str(build("skew", folder)), "SKEW_FILE": str(self._file)}

    def shift(self, seconds: float) -> None:
        """Let the processes' clock differ from the machine's by so many seconds."""
        with self._file.open("r+b") as file:  # in place: they have mapped this very file
            file.write(struct.pack("d", seconds))


class Disk:
    """What a disk would hold of a folder if the power went now."""

    def __init__(self, tree: Path, folder: Path) -> None:
        self.copy = folder / "after-the-cut"
        shutil.copytree(tree, self.copy)
        library = build("durable", folder)
        self.environ = {"LD_PRELOAD": str(library), "DURABLE_DIR": str(self.copy), "DURABLE_SRC": str(tree)}
