"""Whose a receipt is, where a provider writes its ids in several ways and knows nothing of ours."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from gateway.store.base import Session
from gateway.store.outbox import outbox


def find_ref(session: Session, channel: str, ids: Sequence[str], phones: Sequence[str]) -> str | None:
    """Return our ref of the message that a receipt is about, or None while we know of none.

    Shape: `ids` are the ways to read the receipt's id, the likeliest first; `phones` are its two ends. The number
    decides: of two messages whose ids can be mistaken for one another only one went there. Without its number only
    the id as it stands counts.
    """
    statement = (
        select(outbox.c.ref, outbox.c.provider_id, outbox.c.recipient)
        .where(outbox.c.channel == channel, outbox.c.provider_id.in_(ids))
        .order_by(outbox.c.id.desc())
    )
    found = session.execute(statement).all()
    there = [row for row in found if row.recipient in phones]
    rows = sorted(there, key=lambda row: ids.index(row.provider_id)) or [
        row for row in found if row.provider_id == ids[0]
    ]
    return rows[0].ref if rows else None
