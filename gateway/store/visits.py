"""Visits: who is signed in, from where and since when; and the attempts that failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    Boolean,
    Column,
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
from gateway.store.inbox import BigId
from gateway.store.users import User, read_user, users

user_sessions = Table(
    "user_sessions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("token_hash", String(64), nullable=False),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("confirmed_at", UtcDateTime, nullable=False),
    Column("awaits_code", Boolean, nullable=False),
    Column("address", String(45), nullable=False),
    Column("browser", String(200), nullable=False),
    UniqueConstraint("token_hash", name="uq_user_sessions_token"),
)
Index("ix_user_sessions_user", user_sessions.c.user_id)

login_failures = Table(
    "login_failures",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("key", String(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
Index("ix_login_failures_key", login_failures.c.key, login_failures.c.at)


@dataclass(frozen=True, slots=True)
class NewVisit:
    """Somebody who signs in. Shape: `token_hash` is the SHA-256 of what the browser keeps; nobody keeps the token.

    `awaits_code`: the password was right, the second factor is still to come; until then it opens nothing else.
    """

    token_hash: str
    user_id: int
    created_at: datetime
    address: str = ""
    browser: str = ""
    awaits_code: bool = False


@dataclass(frozen=True, slots=True)
class Visit:
    """One browser that is signed in. `confirmed_at` is when its user last typed the password."""

    id: int
    user: User
    created_at: datetime
    seen_at: datetime
    confirmed_at: datetime
    awaits_code: bool
    address: str
    browser: str


@dataclass(frozen=True, slots=True)
class Limits:
    """How long somebody stays signed in: without doing anything, and at most."""

    idle: timedelta
    longest: timedelta


def begin_visit(session: Session, new: NewVisit) -> int:
    """Let a browser in and return the visit's id."""
    row = {name: getattr(new, name) for name in NewVisit.__slots__}
    row |= {"browser": new.browser[:200], "seen_at": new.created_at, "confirmed_at": new.created_at}
    return int(session.execute(insert(user_sessions), row).inserted_primary_key[0])


def find_visit(session: Session, token_hash: str, now: datetime, limits: Limits) -> Visit | None:
    """Return the visit of a token; None for one that has ended by itself, and for a disabled user's."""
    found = session.execute(
        select(user_sessions.c[*_OWN], *users.c)
        .join_from(user_sessions, users, users.c.id == user_sessions.c.user_id)
        .where(
            user_sessions.c.token_hash == token_hash,
            user_sessions.c.seen_at > now - limits.idle,
            user_sessions.c.created_at > now - limits.longest,
            users.c.is_active,
        )
    ).one_or_none()
    if found is None:
        return None
    own, theirs = found[: len(_OWN)], found[len(_OWN) :]
    values = dict(zip(_OWN, own, strict=True))
    return Visit(user=read_user(dict(zip(users.c.keys(), theirs, strict=True))), **values)


_OWN = ("id", "created_at", "seen_at", "confirmed_at", "awaits_code", "address", "browser")


def touch_visit(session: Session, visit_id: int, now: datetime) -> None:
    """Note that somebody is still there."""
    session.execute(update(user_sessions).where(user_sessions.c.id == visit_id).values(seen_at=now))


def end_visit(session: Session, visit_id: int) -> None:
    """Sign one browser out."""
    session.execute(delete(user_sessions).where(user_sessions.c.id == visit_id))
