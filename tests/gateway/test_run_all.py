"""Everything on one small machine: `kabar run` as it is started, with nothing set but a folder and a port."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 120
NAMES = {"web", "inbound", "outbound", "clock"}


@pytest.mark.long
def test_all_processes_are_forks_of_one_and_answer_a_message_and_end_with_it(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("KABAR_")}
    environ |= {"PYTHONPATH": str(ROOT), "KABAR_VAR": str(tmp_path), "KABAR_PORT": str(free_port())}
    kabar = [sys.executable, "-P", "-m", "gateway.cli"]
    subprocess.run([*kabar, "migrate"], env=environ, check=True, capture_output=True)
    with subprocess.Popen([*kabar, "run"], env=environ, stderr=subprocess.PIPE, text=True) as house:
        guard = threading.Timer(PATIENCE_SECONDS, house.kill)
        guard.start()
        try:
            assert house.stderr is not None
            assert any("Kabar runs" in line for line in house.stderr)
            threading.Thread(target=house.stderr.read, daemon=True).start()  # so that nobody waits for a full pipe
            sent = [*kabar, "sms", "--from", "081230000001", "BANTUAN"]
            answer = subprocess.run(sent, env=environ, check=True, capture_output=True, text=True).stdout
            assert "DAFTAR" in answer
            children = (Path("/proc") / str(house.pid) / "task" / str(house.pid) / "children").read_text().split()
            assert {name_of(child) for child in children} >= NAMES
            house.send_signal(signal.SIGTERM)
            assert house.wait() == 0
            assert not [child for child in children if (Path("/proc") / child).exists()]
        finally:
            guard.cancel()
            house.kill()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def name_of(pid: str) -> str:
    """Return what a fork calls itself."""
    return re.sub(r"^kabar ", "", (Path("/proc") / pid / "comm").read_text().strip())
