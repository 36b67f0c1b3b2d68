"""Users: who may sign in, what each is, and for which area."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    Select,
    String,
    Table,
    UniqueConstraint,
    func,
    insert,
    select,
    update,
)

from gateway.store.base import Session, UtcDateTime, metadata
from gateway.values import Role, Scope

users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("login", String(100), nullable=False),
    Column("name", String(100), nullable=False),
    Column("role", String(20), nullable=False),
    Column("area", String(13), nullable=False),
    Column("language", String(2), nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("password_hash", String(200), nullable=True),
    Column("totp_secret", String(300), nullable=True),
    Column("totp_step", BigInteger, nullable=True),
    UniqueConstraint("login", name="uq_users_login"),
)

recovery_codes = Table(
    "user_recovery_codes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("code_hash", String(64), nullable=False),
    Column("used_at", UtcDateTime, nullable=True),
)
Index("ix_user_recovery_codes_user", recovery_codes.c.user_id)

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


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in. `has_totp`: a code from an app is asked for after the password.

    Shape: `area` is a Kemendagri code, or empty for the whole country.
    """

    id: int
    login: str
    name: str
    role: Role
    area: str
    language: str
    is_active: bool
    has_totp: bool

    @property
    def scope(self) -> Scope:
        """The area whose rows they may see and touch."""
        return Scope(self.area)


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user to be added; without a password nobody can sign in as them until their invitation is accepted."""

    login: str
    name: str
    role: Role
    area: str
    language: str
    created_at: datetime
    password_hash: str | None = None


def add_user(session: Session, new: NewUser) -> int:
    """Add a user and return the id. Errors: Raced when the login is taken."""
    row = {name: getattr(new, name) for name in NewUser.__slots__} | {"login": clean_login(new.login)}
    result = session.execute(insert(users), row | {"role": str(new.role), "is_active": True})
    return int(result.inserted_primary_key[0])


def clean_login(login: str) -> str:
    """Return a login as it is compared: people write theirs with capitals and blanks.

    >>> clean_login(" Sari@Dinas.go.id ")
    'sari@dinas.go.id'
    """
    return login.strip().lower()


def find_user(session: Session, user_id: int) -> User | None:
    """Return a user by id, in whatever area: for whoever has it from a session or an invitation."""
    return _find(session, select(users).where(users.c.id == user_id))


def find_by_login(session: Session, login: str) -> User | None:
    """Return a user by login."""
    return _find(session, select(users).where(users.c.login == clean_login(login)))


def count_users(session: Session) -> int:
    """Return how many users there are, disabled ones too."""
    return int(session.execute(select(func.count()).select_from(users)).scalar_one())


def set_language(session: Session, user_id: int, language: str) -> None:
    """Let the pages speak this language to a user from now on."""
    session.execute(update(users).where(users.c.id == user_id).values(language=language))


def read_user(row: RowMapping | Mapping[str, Any]) -> User:
    """Return the user of a row that holds all columns of `users`."""
    return User(
        id=row["id"],
        login=row["login"],
        name=row["name"],
        role=Role(row["role"]),
        area=row["area"],
        language=row["language"],
        is_active=row["is_active"],
        has_totp=row["totp_secret"] is not None,
    )


def _find(session: Session, statement: Select[Any]) -> User | None:
    row = session.execute(statement).mappings().one_or_none()
    return read_user(row) if row else None
