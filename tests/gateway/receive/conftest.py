"""The doors of the house with real parts behind them: a database of either kind, and a queue server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from gateway.app import create_app
from gateway.store import inbox as inbox_store
from gateway.store.base import Database
from gateway.store.inbox import inbox
from tests.district import District, make_runtime

SECRET = "generic-secret-0123456789abcdef"


class Doors:
    """A gateway whose webhooks are knocked at."""

    def __init__(self, database: Database, var: Path, redis_url: str, spool: str = "", **options: str) -> None:
        given = {"generic": {"secrets": SECRET, "send_url": "http://127.0.0.1:1/"} | options}
        runtime = make_runtime(database, var, redis_url, channels="generic", channel_options=given, spool=spool)
        self.runtime = runtime
        self.district = District(runtime)
        self.app = create_app(runtime)

    def knock(self, body: bytes, path: str = "/in/generic/sms", secret: str = SECRET, **options: Any) -> TestResponse:
        """Post a body to a door of the generic channel."""
        headers: Mapping[str, str] = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        headers = {**headers, **options.pop("headers", {})}
        return self.app.test_client().post(path, data=body, headers=headers, **options)

    def post(
        self, key: str, text: str = "KB 0925 BARU 12 AKTIF 40", sender: str = "", **fields: object
    ) -> TestResponse:
        """Hand in one message."""
        sms = {"id": key, "from": sender or "+6281230000001", "text": text} | fields
        return self.knock(json.dumps(sms).encode())

    def kept(self) -> list[inbox_store.InboxMessage]:
        """Return everything that was kept, the newest first."""
        with self.runtime.database.session(read_only=True) as session:
            return list(inbox_store.latest_messages(session, limit=10_000))

    def count(self) -> int:
        """Return how many messages were kept."""
        with self.runtime.database.session(read_only=True) as session:
            return int(session.execute(select(func.count()).select_from(inbox)).scalar_one())


@pytest.fixture
def doors(database: Database, tmp_path: Path, redis_url: str) -> Doors:
    """A gateway to knock at; the test runs once on each database."""
    return Doors(database, tmp_path, redis_url)
