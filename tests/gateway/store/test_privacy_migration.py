"""Keys that were kept with a number in them become what such keys are from now on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text

from gateway.redact import hide_in_key
from gateway.store import schema
from gateway.store.base import Database

KEPT = (  # by an earlier version: sender, key
    ("+6281230000001", "081230000001-17"),
    ("+6281230000001", "SM0123"),
    ("+6591234567", "+6591234567-17"),
    ("+6591234567", "091234567-17"),  # as they write it there: not known as hers, now as then
    ("+65912345", "65912345/4"),
    ("+62812345", "62812345/4"),
    ("BANKMANDIRI", "BANKMANDIRI-9"),
    ("7600", "7600-123"),
    ("", "raw:0123456789"),
)
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
        for sender, key in KEPT:
            session.execute(text(ROW), {"key": key, "sender": sender})
        session.commit()
    schema.upgrade(url)
    with database.session(read_only=True) as session:
        kept = session.execute(text("SELECT provider_id FROM inbox ORDER BY id")).scalars().all()
    assert kept == [hide_in_key(key, sender) for sender, key in KEPT]
    assert [key for key in kept if key.startswith("sha256:")] == [kept[0], kept[2], kept[4], kept[6]]
