"""Invitations: one-time links by which somebody chooses a password, the first one or a new one."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import (
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    delete,
    insert,
    select,
    update,
)

from gateway.store.base import Session, UtcDateTime, metadata
from gateway.store.users import User, find_user, users

LASTS = timedelta(hours=72)

invitations = Table(
    "user_invitations",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("token_hash", String(64), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime, nullable=True),
    UniqueConstraint("token_hash", name="uq_user_invitations_token"),
)
Index("ix_user_invitations_user", invitations.c.user_id)


def invite(session: Session, user_id: int, token_hash: str, now: datetime) -> None:
    """Let whoever has this token choose the user's password, once; tokens from before open nothing any more."""
    unused = (invitations.c.user_id == user_id, invitations.c.used_at.is_(None))
    session.execute(delete(invitations).where(*unused))
    session.execute(insert(invitations), {"user_id": user_id, "token_hash": token_hash, "expires_at": now + LASTS})


def find_invited(session: Session, token_hash: str, now: datetime) -> User | None:
    """Return whose password a token lets choose; None when it was used, is too old, or its user is disabled."""
    statement = (
        select(users.c.id)
        .join(invitations, invitations.c.user_id == users.c.id)
        .where(invitations.c.token_hash == token_hash, *_is_open(now), users.c.is_active)
    )
    user_id = session.execute(statement).scalar_one_or_none()
    return find_user(session, user_id) if user_id is not None else None


def use_invitation(session: Session, token_hash: str, now: datetime) -> bool:
    """Use up a token; False when somebody was quicker."""
    statement = update(invitations).where(invitations.c.token_hash == token_hash, *_is_open(now))
    return bool(session.execute(statement.values(used_at=now)).rowcount)


def find_open_invitations(session: Session, user_ids: list[int], now: datetime) -> dict[int, datetime]:
    """Return until when these users may still accept their invitations, for those who may."""
    statement = select(invitations.c.user_id, invitations.c.expires_at).where(
        invitations.c.user_id.in_(user_ids), *_is_open(now)
    )
    return {row.user_id: row.expires_at for row in session.execute(statement)}


def _is_open(now: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return invitations.c.used_at.is_(None), invitations.c.expires_at > now
