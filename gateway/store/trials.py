"""Trials: messages that staff send to see whether a channel works, and the journey of each."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import insert, select

from gateway.errors import Raced
from gateway.store.base import Session, savepoint
from gateway.store.channels import names_within
from gateway.store.outbox import COLUMNS, OutboxMessage, outbox
from gateway.values import OutboxState, Scope

KIND = "trial"


def write_trial(
    session: Session, channel: str, phone: str, text: str, *, scope: Scope, ref: str, by: tuple[int, str], now: datetime
) -> int | None:
    """Queue a trial on this very channel, whatever routes say, and return its id; one ref is queued once.

    None for a channel that nobody of the scope has to do with. Shape: `by` is the writer's id and name.
    """
    if not names_within(session, [channel], scope):
        return None
    row: dict[str, object] = {
        "inbox_id": None,
        "kind": KIND,
        "channel": channel,
        "recipient": phone,
        "text": text,
        "ref": ref,
    }
    row |= {"state": OutboxState.QUEUED, "attempts": 0, "refusals": 0, "trace_id": ref, "created_at": now}
    row |= {"user_id": by[0], "user_name": by[1][:100]}
    try:
        with savepoint(session):
            return int(session.execute(insert(outbox).returning(outbox.c.id), row).scalar_one())
    except Raced:
        return int(session.execute(select(outbox.c.id).where(outbox.c.ref == ref)).scalar_one())


def find_trial(session: Session, trial_id: int, names: Collection[str], *, scope: Scope) -> OutboxMessage | None:
    """Return a trial on one of the configured channels that somebody of a scope has to do with."""
    row = session.execute(select(*COLUMNS).where(outbox.c.id == trial_id, outbox.c.kind == KIND)).first()
    found = OutboxMessage(*row) if row else None
    return found if found and names_within(session, [found.channel] if found.channel in names else [], scope) else None
