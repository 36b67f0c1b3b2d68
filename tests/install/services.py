"""Runs inside a bare Debian, with its own Python: the guide's commands, and the services that they enable.

No systemd runs there. This stands in for the part of it that matters: what `systemctl enable` left behind is started by
what the unit files say, as the user that they name, with the environment that they name, the port held by systemd's
own socket program.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

UNITS = Path("/etc/systemd/system")
WANTED = UNITS / "kabar.target.wants"
PATIENCE_SECONDS = 180.0


def read_unit(path: Path) -> dict[str, list[str]]:
    """Return the settings of a unit and of what all units of Kabar share."""
    found: dict[str, list[str]] = {}
    for file in (UNITS / "kabar-.service.d" / "common.conf", path):
        for line in file.read_text().splitlines():
            name, sign, value = line.partition("=")
            if sign and not line.startswith("#"):
                found.setdefault(name, []).append(value)
    return found


def read_environment(unit: dict[str, list[str]]) -> dict[str, str]:
    """Return what a unit's process is given, by systemd's rules for quotes."""
    lines = Path(unit["EnvironmentFile"][0]).read_text().splitlines()
    pairs = [line for line in lines if line and not line.startswith("#")] + unit["Environment"]
    given = {name: shlex.split(value)[0] for name, _, value in (pair.partition("=") for pair in pairs)}
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"} | given


def start(service: Path) -> subprocess.Popen[bytes]:
    """Start a service that was enabled."""
    unit = read_unit(UNITS / service.resolve().name)
    (user,), (command,) = unit["User"], unit["ExecStart"]
    words = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", *shlex.split(command)]
    if "kabar-web.socket" in unit.get("Requires", []):
        address = read_unit(UNITS / "kabar-web.socket")["ListenStream"][0]
        words = ["systemd-socket-activate", "--listen", address, *_passed_on(unit), *words]
    log = Path("/var/log") / f"{service.name}.log"
    return subprocess.Popen(words, env=read_environment(unit), cwd=unit["WorkingDirectory"][0], stderr=log.open("wb"))


def _passed_on(unit: dict[str, list[str]]) -> list[str]:
    """Return the options that hand a process its environment: systemd's socket program hands on only what is named."""
    return [f"--setenv={name}={value}" for name, value in read_environment(unit).items()]


def wait_until_ready() -> None:
    """Wait until all of the house works, by its own word."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with urllib.request.urlopen("http://127.0.0.1:8000/readyz", timeout=10) as answer:
                if answer.status == 200:
                    return
        except OSError as error:
            if time.monotonic() > deadline:
                logs = {path.name: path.read_text(errors="replace")[-1500:] for path in Path("/var/log").glob("kabar*")}
                raise SystemExit(f"not ready: {error} {json.dumps(logs, indent=1)}") from error
        time.sleep(0.2)


def main(steps: Path) -> None:
    """Run the blocks in their order; as soon as services are enabled, they run."""
    for server in ("postgresql", "redis-server"):
        subprocess.run(["service", server, "start"], check=True, stdout=subprocess.DEVNULL)
    found, is_started = [], False
    for block in sorted(steps.iterdir()):
        done = subprocess.run(
            ["/bin/bash", "-euo", "pipefail", str(block)], cwd="/opt/kabar", capture_output=True, text=True, check=False
        )
        found.append({"block": block.read_text(), "status": done.returncode, "output": done.stdout + done.stderr})
        if not is_started and any(WANTED.glob("kabar-clock.service")) and "@1" in block.read_text():
            is_started = True
            for service in sorted(WANTED.glob("*.service")):
                start(service)
            wait_until_ready()
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
