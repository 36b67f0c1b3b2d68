"""A bare Debian in a folder: made by debootstrap, with this machine's own ways to the package indexes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.house.source import ROOT, project_files

# What a fresh Debian has that its smallest variant has not; curl is what the test itself looks with.
BESIDE = ("adduser", "ca-certificates", "curl", "iproute2", "procps", "systemd-sysv")
NETWORK_FILES = ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")
STEPS = "srv/steps"
SOURCE = "srv/source"
# A network of its own, so that its servers meet nobody's ports, and processes that end with the first of them.
ALONE = ("unshare", "--net", "--pid", "--mount", "--fork", "--kill-child")


@dataclass(frozen=True, slots=True)
class Step:
    """What one command block of the guide came to."""

    block: str
    status: int
    output: str


@dataclass(frozen=True, slots=True)
class BareDebian:
    """One bare system."""

    root: Path

    @classmethod
    def make(cls, root: Path) -> BareDebian:
        """Make it, with a git repository of this project in it. Errors: AssertionError with debootstrap's words."""
        command = ["debootstrap", "--variant=minbase", f"--include={','.join(BESIDE)}", _codename(), str(root)]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stdout[-2000:] + made.stderr[-2000:]
        root.chmod(0o755)  # whatever made the folder: a system's root is everybody's
        for name in filter(os.path.exists, NETWORK_FILES):
            shutil.copy(name, root / name.lstrip("/"))
        policy = root / "usr/sbin/policy-rc.d"  # the servers start later, in a network of their own
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        found = cls(root)
        found._copy_source()
        return found

    def _copy_source(self) -> None:
        source = self.root / SOURCE
        for path in project_files():
            target = source / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
        who = ("-c", "user.name=Kabar", "-c", "user.email=kabar@example.org")
        for words in (("init", "--quiet"), ("add", "--all"), (*who, "commit", "--quiet", "--message=As it is")):
            subprocess.run(["git", *words], cwd=source, check=True)

    def run(self, block: str) -> Step:
        """Run a command block as root, with the network of this machine."""
        command = ["chroot", str(self.root), "/bin/bash", "-euo", "pipefail", "-c", block]
        done = subprocess.run(command, env=self._environ(), capture_output=True, text=True, check=False)
        return Step(block, done.returncode, done.stdout + done.stderr)

    def run_alone(self, blocks: Sequence[str], program: Path) -> list[Step]:
        """Run command blocks where nobody else listens, with the servers and services that a systemd would hold.

        Shape: `program` runs inside, reads the blocks from a folder and prints what came of them as JSON.
        """
        folder = self.root / STEPS
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for number, block in enumerate(blocks):
            (folder / f"{number:02d}.sh").write_text(block)
        shutil.copy(program, self.root / "srv" / program.name)
        within = 'ip link set lo up; mount -t proc proc "$1/proc"; exec chroot "$1" python3 "/srv/$2" "/$3"'
        command = [*ALONE, "sh", "-euc", within, "sh", str(self.root), program.name, STEPS]
        done = subprocess.run(command, env=self._environ(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return [Step(**one) for one in json.loads(done.stdout.splitlines()[-1])]

    def _environ(self) -> Mapping[str, str]:
        indexes = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        rest = {"PATH": path, "HOME": "/root", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
        return indexes | rest | {"SOURCE": f"/{SOURCE}", "SYSTEMD_OFFLINE": "1"}


def _codename() -> str:
    """Return the Debian that this machine is: the packages of its own release are what it can reach."""
    lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    known = dict(line.split("=", 1) for line in lines if "=" in line)
    return known.get("VERSION_CODENAME", "bookworm")
