"""Keys that were kept with a number in them become what such keys are from now on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text

from gateway.redact import hide_in_key
from gateway.store import schema
from gateway.store.base import Database

SENDER, KEY = "+6281230000001", "081230000001-17"
ROW = (
    "INSERT INTO inbox (channel, provider_id, sender, recipient, text, sent_at, received_at, lane, state, is_answered, "
    "attempts, rounds, trace_id) "
    "VALUES ('any', :key, :sender, '', '', '2025-10-03', '2025-10-03', 1, 'done', 0, 0, 0, '')"
)


def test_a_key_with_a_number_in_it_is_hashed_so_that_its_repeat_is_known(
    tmp_path: Path, open_database: Callable[[str], Database]
) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    schema.upgrade(url, "0024")
    database = open_database(url)
    with database.session() as session:
        for key in (KEY, "SM0123"):
            session.execute(text(ROW), {"key": key, "sender": SENDER})
        session.commit()
    schema.upgrade(url)
    with database.session(read_only=True) as session:
        kept = session.execute(text("SELECT provider_id FROM inbox ORDER BY id")).scalars().all()
    assert kept == [hide_in_key(KEY, SENDER), "SM0123"]
