"""What tests in a browser ask for: Debian's Chromium, and the real application beside a real queue server."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from werkzeug.serving import make_server

from gateway import demo
from gateway.app import create_app
from gateway.runtime import Runtime, make_runtime, utc_now
from gateway.settings import Settings
from gateway.store import inbox, outbox
from gateway.store.base import Database
from workers import inbound, outbound

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# Without these Chromium asks its maker's servers for this and that, and as root it does not start at all.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

expect.set_options(timeout=15_000)


@dataclass(frozen=True, slots=True)
class House:
    """The running application: where it is seen, and its worker's hands."""

    url: str
    runtime: Runtime

    def work(self) -> None:
        """Handle everything that has come in and send every answer, as the worker processes do."""
        with self.runtime.database.session(read_only=True) as session:
            lanes = inbox.lanes_with_work(session, self.runtime.now())
        for lane in lanes:
            inbound.drain(self.runtime, lane)
        with self.runtime.database.session(read_only=True) as session:
            channels = outbox.channels_with_work(session)
        for channel in channels:
            outbound.drain(self.runtime, channel)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A browser. `./kabar test --all` names it where it is missing, and leaves these tests out."""
    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    assert program, f"no browser was found: looked for {', '.join(PROGRAMS)} (apt install chromium)"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def loaded_sqlite(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Path:
    """A database file with the demo data, to copy; nobody opens it."""
    path = tmp_path_factory.mktemp("loaded") / "kabar.db"
    shutil.copy(migrated_sqlite, path)
    database = Database(f"sqlite:///{path}")
    with database.session() as session:
        demo.load(session, utc_now())
        session.commit()
    database.dispose()
    return path


@pytest.fixture
def house(tmp_path: Path, loaded_sqlite: Path, redis_url: str) -> Iterator[House]:
    """The application with its demo data, served on a free port of this machine."""
    url = f"sqlite:///{shutil.copy(loaded_sqlite, tmp_path / 'kabar.db')}"
    runtime = make_runtime(Settings(var=tmp_path / "var", database_url=url, redis_url=redis_url))
    server = make_server("127.0.0.1", 0, create_app(runtime), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield House(f"http://127.0.0.1:{server.server_port}", runtime)
    server.shutdown()
    thread.join()
    server.server_close()
    runtime.database.dispose()
