"""The audit: who changed or took out what, when. Rows are added and read, never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, Integer, String, Table, insert, select

from gateway.store.base import Session, UtcDateTime, metadata, within
from gateway.store.inbox import BigId
from gateway.values import Scope

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
Index("ix_audit_at", audit.c.at)


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


@dataclass(frozen=True, slots=True)
class Audited(NewAudit):
    """Something that was done, as it was written down."""

    id: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for in the audit; what is empty does not matter. `by_system`: what no user did."""

    user_id: int | None = None
    by_system: bool = False
    action: str = ""
    noun: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None


_OWN = ("at", "user_id", "user_name", "action", "noun", "subject", "area", "details")


def search(
    session: Session, wanted: Wanted, *, scope: Scope, before: int | None = None, limit: int = 50
) -> tuple[Audited, ...]:
    """Return what was done in a scope, the newest first, from before a row on."""
    same = {"user_id": wanted.user_id, "action": wanted.action, "noun": wanted.noun, "subject": wanted.subject}
    conditions = [within(audit.c.area, scope), *(audit.c[name] == value for name, value in same.items() if value)]
    if wanted.by_system:
        conditions.append(audit.c.user_id.is_(None))
    if wanted.since is not None:
        conditions.append(audit.c.at >= wanted.since)
    if wanted.until is not None:
        conditions.append(audit.c.at < wanted.until)
    if before is not None:
        conditions.append(audit.c.id < before)
    rows = session.execute(select(audit).where(*conditions).order_by(audit.c.id.desc()).limit(limit)).mappings()
    return tuple(Audited(**row) for row in rows)


def record(session: Session, done: NewAudit) -> None:
    """Write down what was done; in the same transaction as the doing, or neither is kept."""
    row = {name: getattr(done, name) for name in _OWN}
    session.execute(insert(audit), row | {"details": dict(done.details)})
