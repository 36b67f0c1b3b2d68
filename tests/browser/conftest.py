"""What tests in a browser ask for: Debian's Chromium, and the real application beside a real queue server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from gateway import demo
from gateway.runtime import make_runtime, utc_now
from gateway.settings import Settings
from gateway.store.base import Database
from tests.browser.office import House, open_office, serve, start_chromium
from tests.servers import ValkeyServer


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A browser. `./kabar test --all` names it where it is missing, and leaves these tests out."""
    with sync_playwright() as playwright:
        browser = start_chromium(playwright)
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
    with serve(runtime) as house:
        yield house


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, valkey: ValkeyServer) -> Iterator[House]:
    """A district on a morning with work on every screen. Its tests look only; what they change, all see."""
    with open_office(tmp_path_factory.mktemp("office"), migrated_sqlite, valkey.url) as house:
        yield house
