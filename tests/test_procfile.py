"""The Procfile as a host like Heroku runs it: its own three names in the environment, and every line comes to life."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.error import URLError

import pytest
from redis import Redis

from gateway.channels.simulator import read_secret, write_request
from gateway.supervise import read_procfile, start_leashed
from tests.chaos.harness import free_port, wait_until
from tests.docs.pages import Page
from tests.house.source import ROOT
from tests.servers import PostgresServer, ValkeyServer

ALWAYS = {"web", "inbound", "outbound", "errands", "clock"}


@pytest.mark.long
def test_every_line_lives_with_what_such_a_host_sets(postgresql: PostgresServer, tmp_path: Path) -> None:
    with ExitStack() as stack:
        database = stack.enter_context(postgresql.new_database()).replace("postgresql+psycopg://", "postgres://")
        (tmp_path / "v").mkdir()
        server = ValkeyServer(tmp_path / "v")
        server.start()
        stack.callback(server.stop)
        redis_port = free_port()
        with Redis.from_url(server.url) as redis:
            redis.config_set("port", str(redis_port))
        port = free_port()
        environ = {
            "PATH": os.environ["PATH"],
            "PORT": str(port),
            "DATABASE_URL": database,
            "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
            **on_such_a_host(),
            "KABAR_VAR": str(tmp_path / "var"),  # the disk that goes with the process; there it is the clone's own var/
        }
        release = [sys.executable, "-m", "gateway.cli", "migrate"]
        subprocess.run(release, env=environ, cwd=ROOT, check=True, capture_output=True)
        running = {}
        for line in read_procfile(ROOT / "Procfile", environ):
            log = stack.enter_context((tmp_path / f"{line.name}.log").open("wb"))
            running[line.name] = start_leashed(line.command, line.environ, ROOT, log)
            stack.callback(running[line.name].wait)
            stack.callback(running[line.name].terminate)
        wait_until(lambda: status_of(f"http://127.0.0.1:{port}/readyz") == 200, "everything is ready")
        assert {name for name, one in running.items() if one.poll() is None} >= ALWAYS
        assert running["smpp"].wait() == 0, "it has nothing to do without a channel of SMPP, and says so"
        sms = write_request(read_secret(tmp_path / "var"), "m1", "+6281230000001", "KB 0925 BARU 12 AKTIF 40")
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}{sms.path}", data=sms.body, headers=dict(sms.headers), method=sms.method
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200


def on_such_a_host() -> dict[str, str]:
    """Return what the page on deploying says to set by hand."""
    page = Page("docs/deploy.md", (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8"))
    [rows] = page.tables("set by hand")
    named = {row[0].strip("`") for row in rows}
    assert {"KABAR_HOST", "KABAR_SECRET_KEY"} <= named
    return {"KABAR_HOST": "0.0.0.0", "KABAR_SECRET_KEY": "k" * 64}


def status_of(url: str) -> int:
    """Return what a page answers; 0 while nobody does."""
    with suppress(URLError, ConnectionError, TimeoutError), urllib.request.urlopen(url, timeout=5) as answer:
        return int(answer.status)
    return 0
