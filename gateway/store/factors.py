"""Factors: what is kept of what users prove who they are by: password, the app's secret, recovery codes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, delete, func, insert, or_, select, update

from gateway.store.base import Session, UtcDateTime, metadata
from gateway.store.users import clean_login, users

recovery_codes = Table(
    "user_recovery_codes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("code_hash", String(64), nullable=False),
    Column("used_at", UtcDateTime, nullable=True),
)
Index("ix_user_recovery_codes_user", recovery_codes.c.user_id)


@dataclass(frozen=True, slots=True)
class Factors:
    """What is kept of one user's proofs. Shape: `totp_secret` is locked, `totp_step` the last step that was used."""

    user_id: int
    is_active: bool
    password_hash: str | None
    totp_secret: str | None
    totp_step: int | None


def find_factors(session: Session, *, login: str = "", user_id: int = 0) -> Factors | None:
    """Return what is kept of a user's proofs, by login or by id."""
    who = users.c.login == clean_login(login) if login else users.c.id == user_id
    columns = (users.c.id, users.c.is_active, users.c.password_hash, users.c.totp_secret, users.c.totp_step)
    row = session.execute(select(*columns).where(who)).one_or_none()
    return Factors(*row) if row else None


def find_without_password(session: Session, user_ids: Collection[int]) -> frozenset[int]:
    """Return which of these users have not chosen a password yet."""
    statement = select(users.c.id).where(users.c.id.in_(user_ids), users.c.password_hash.is_(None))
    return frozenset(session.execute(statement).scalars())


def set_password(session: Session, user_id: int, password_hash: str) -> None:
    """Keep a new password's hash."""
    session.execute(update(users).where(users.c.id == user_id).values(password_hash=password_hash))


def set_totp(session: Session, user_id: int, secret: str | None, step: int | None) -> None:
    """Ask for an app's codes from now on, or with None for none any more. Shape: `secret` is locked."""
    session.execute(update(users).where(users.c.id == user_id).values(totp_secret=secret, totp_step=step))
    if secret is None:
        session.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))


def clear(session: Session, user_id: int) -> None:
    """Forget all that a user proves who they are by: only a new invitation lets them in again."""
    set_totp(session, user_id, None, None)
    session.execute(update(users).where(users.c.id == user_id).values(password_hash=None))


def use_totp_step(session: Session, user_id: int, step: int) -> bool:
    """Use up the app's code of this step; False when it, or a later one, was used already."""
    is_new = or_(users.c.totp_step.is_(None), users.c.totp_step < step)
    statement = update(users).where(users.c.id == user_id, is_new).values(totp_step=step)
    return bool(session.execute(statement).rowcount)


def replace_recovery_codes(session: Session, user_id: int, code_hashes: Iterable[str]) -> None:
    """Keep these recovery codes instead of all that were there."""
    session.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))
    session.execute(insert(recovery_codes), [{"user_id": user_id, "code_hash": one} for one in code_hashes])


def use_recovery_code(session: Session, user_id: int, code_hash: str, now: datetime) -> bool:
    """Use up a recovery code; False when it is not theirs, or was used."""
    statement = update(recovery_codes).where(
        recovery_codes.c.user_id == user_id,
        recovery_codes.c.code_hash == code_hash,
        recovery_codes.c.used_at.is_(None),
    )
    return bool(session.execute(statement.values(used_at=now)).rowcount)


def count_recovery_codes(session: Session, user_id: int) -> int:
    """Return how many recovery codes a user has left."""
    left = (recovery_codes.c.user_id == user_id, recovery_codes.c.used_at.is_(None))
    return int(session.execute(select(func.count()).select_from(recovery_codes).where(*left)).scalar_one())
