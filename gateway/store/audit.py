"""The audit: who changed or took out what, when. Rows are added and read, never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, Integer, String, Table, insert

from gateway.store.base import Session, UtcDateTime, metadata
from gateway.store.inbox import BigId

audit = Table(
    "audit",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("user_id", Integer, nullable=True),
    Column("user_name", String(100), nullable=False),
    Column("action", String(40), nullable=False),
    Column("noun", String(40), nullable=False),
    Column("subject", String(100), nullable=False),
    Column("area", String(13), nullable=False),
    Column("details", JSON, nullable=False),
)
Index("ix_audit_area", audit.c.area, audit.c.id)
Index("ix_audit_subject", audit.c.noun, audit.c.subject, audit.c.id)
Index("ix_audit_user", audit.c.user_id, audit.c.id)
Index("ix_audit_action", audit.c.action, audit.c.id)


@dataclass(frozen=True, slots=True)
class NewAudit:
    """Something that was done.

    Shape: `action` and `noun` say what to which kind of thing (`approve`, `report`), `subject` is its id, `area` where
    it lies, so that who looks after that area can read it; `details` holds what changed, as JSON, never a phone number
    whole. `user_id` is None for what the system or the command line did; `user_name` names it then.
    """

    at: datetime
    user_id: int | None
    user_name: str
    action: str
    noun: str
    subject: str
    area: str
    details: Mapping[str, Any]


def record_all(session: Session, done: Sequence[NewAudit]) -> None:
    """Write down many things that were done at once, as `record`."""
    if done:
        rows = [{name: getattr(one, name) for name in NewAudit.__slots__} for one in done]
        session.execute(insert(audit), [row | {"details": dict(row["details"])} for row in rows])


def record(session: Session, done: NewAudit) -> None:
    """Write down what was done; in the same transaction as the doing, or neither is kept."""
    row = {name: getattr(done, name) for name in NewAudit.__slots__}
    session.execute(insert(audit), row | {"details": dict(done.details)})
