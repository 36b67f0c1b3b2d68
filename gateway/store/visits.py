"""Visits: who is signed in, from where and since when; and the attempts that failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    Row,
    Select,
    String,
    Table,
    UniqueConstraint,
    delete,
    func,
    insert,
    select,
    update,
)

from gateway.store.base import Session, UtcDateTime, metadata
from gateway.store.inbox import BigId
from gateway.store.users import User, read_user, users

FREE_FAILURES = 5  # so many in FAILURES_COUNT cost no waiting
FAILURES_COUNT = timedelta(minutes=15)
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=1)

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
    return int(session.execute(insert(user_sessions).values(**row).returning(user_sessions.c.id)).scalar_one())


def find_visit(session: Session, token_hash: str, now: datetime, limits: Limits) -> Visit | None:
    """Return the visit of a token; None for one that has ended by itself, and for a disabled user's."""
    found = session.execute(_select_visits(now, limits).where(user_sessions.c.token_hash == token_hash)).one_or_none()
    return _read_visit(found) if found else None


_OWN = ("id", "created_at", "seen_at", "confirmed_at", "awaits_code", "address", "browser")


def _select_visits(now: datetime, limits: Limits) -> Select[Any]:
    return (
        select(*(user_sessions.c[name] for name in _OWN), *users.c)
        .join_from(user_sessions, users, users.c.id == user_sessions.c.user_id)
        .where(
            user_sessions.c.seen_at > now - limits.idle,
            user_sessions.c.created_at > now - limits.longest,
            users.c.is_active,
        )
    )


def _read_visit(row: Row[Any]) -> Visit:
    own = dict(zip(_OWN, row, strict=False))
    return Visit(user=read_user(dict(zip(users.c.keys(), row[len(_OWN) :], strict=True))), **own)


def touch_visit(session: Session, visit_id: int, now: datetime) -> None:
    """Note that somebody is still there."""
    session.execute(update(user_sessions).where(user_sessions.c.id == visit_id).values(seen_at=now))


def renew_visit(session: Session, visit_id: int, token_hash: str, now: datetime) -> None:
    """Give a visit another token: whoever had the old one is out. A second factor that was awaited has come."""
    values = {"token_hash": token_hash, "seen_at": now, "confirmed_at": now, "awaits_code": False}
    session.execute(update(user_sessions).where(user_sessions.c.id == visit_id).values(**values))


def visits_of(session: Session, user_id: int, now: datetime, limits: Limits) -> tuple[Visit, ...]:
    """Return where a user is signed in, the last seen first."""
    statement = _select_visits(now, limits).where(users.c.id == user_id, ~user_sessions.c.awaits_code)
    return tuple(_read_visit(row) for row in session.execute(statement.order_by(user_sessions.c.seen_at.desc())))


def end_by_token(session: Session, token_hash: str) -> None:
    """Sign out the browser that has this token."""
    session.execute(delete(user_sessions).where(user_sessions.c.token_hash == token_hash))


def end_one_of(session: Session, user_id: int, visit_id: int) -> bool:
    """Sign out one of a user's browsers; False when it is none of theirs."""
    own = (user_sessions.c.id == visit_id, user_sessions.c.user_id == user_id)
    return bool(session.execute(delete(user_sessions).where(*own)).rowcount)


def end_visits(session: Session, user_id: int, *, but: int | None = None) -> int:
    """Sign a user out everywhere, but for one visit if it is named; return how many browsers that were."""
    statement = delete(user_sessions).where(user_sessions.c.user_id == user_id)
    if but is not None:
        statement = statement.where(user_sessions.c.id != but)
    return session.execute(statement).rowcount


def drop_old(session: Session, now: datetime, limits: Limits) -> None:
    """Forget visits that have ended by themselves, and failures that slow nobody down any more."""
    session.execute(delete(user_sessions).where(user_sessions.c.created_at < now - limits.longest))
    session.execute(delete(login_failures).where(login_failures.c.at < now - FAILURES_COUNT))


def find_wait(session: Session, keys: Sequence[str], now: datetime) -> timedelta:
    """Return how long somebody must wait before they may try again; none for the first few failures.

    The wait doubles with each failure, up to a minute: long for who guesses, short for who remembers at last.
    """
    statement = (
        select(func.count(), func.max(login_failures.c.at, type_=UtcDateTime))
        .where(login_failures.c.key.in_(keys), login_failures.c.at > now - FAILURES_COUNT)
        .group_by(login_failures.c.key)
    )
    waits: list[timedelta] = [
        last + min(FIRST_WAIT * 2 ** min(count - FREE_FAILURES, 10), LONGEST_WAIT) - now
        for count, last in session.execute(statement)
        if count >= FREE_FAILURES
    ]
    return max([*waits, timedelta(0)])


def note_failure(session: Session, keys: Sequence[str], now: datetime) -> None:
    """Count an attempt as failed; before it is looked at, so that a thousand at once are counted too."""
    session.execute(insert(login_failures), [{"key": key, "at": now} for key in keys])


def forgive(session: Session, keys: Sequence[str]) -> None:
    """Forget failures: the right password was given."""
    session.execute(delete(login_failures).where(login_failures.c.key.in_(keys)))
