"""Users: who may sign in, what each is, and for which area."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    RowMapping,
    Select,
    String,
    Table,
    UniqueConstraint,
    func,
    insert,
    select,
    tuple_,
    update,
)

from gateway.store.base import Session, UtcDateTime, metadata, within
from gateway.values import Role, Scope, clean_text

DEMO = "demo."  # how the logins of a demonstration's sample users begin; nobody else's may

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,99}", re.ASCII)

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
    Column("phone", String(20), nullable=True, index=True),  # for what officers and the district are told by SMS
    Column("stopped_at", UtcDateTime, nullable=True),  # they have sent STOP
    UniqueConstraint("login", name="uq_users_login"),
)


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in. `has_totp`: a code from an app is asked for after the password.

    Shape: `area` is a Kemendagri code, or empty for the whole country. `phone` is where lists of who is missing go by
    SMS, E.164; `stopped_at` is when STOP came from it.
    """

    id: int
    login: str
    name: str
    role: Role
    area: str
    language: str
    is_active: bool
    has_totp: bool
    phone: str | None = None
    stopped_at: datetime | None = None

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
    row = {name: getattr(new, name) for name in NewUser.__slots__ if name != "role"} | {"login": clean_login(new.login)}
    statement = insert(users).values(**row, role=str(new.role), is_active=True).returning(users.c.id)
    return int(session.execute(statement).scalar_one())


def clean_login(login: str) -> str:
    """Return a login as it is compared: people write theirs with capitals and blanks.

    >>> clean_login(" Sari@Dinas.go.id ")
    'sari@dinas.go.id'
    """
    return clean_text(login).strip().lower()


def find_login_fault(login: str) -> str:
    """Return what is wrong with a login that is to be new; empty if nothing is.

    >>> find_login_fault("sari@dinas.go.id"), find_login_fault("x"), find_login_fault("demo.sari") != ""
    ('', 'is no e-mail address and no short name', True)
    """
    if not _LOGIN.fullmatch(login):
        return "is no e-mail address and no short name"
    return "is kept for demonstrations" if login.startswith(DEMO) else ""


def find_user(session: Session, user_id: int) -> User | None:
    """Return a user by id, in whatever area: for whoever has it from a session or an invitation."""
    return _find(session, select(users).where(users.c.id == user_id))


def find_by_login(session: Session, login: str) -> User | None:
    """Return a user by login."""
    return _find(session, select(users).where(users.c.login == clean_login(login)))


def find_in_scope(session: Session, user_id: int, *, scope: Scope) -> User | None:
    """Return a user by id, if theirs is an area within the scope."""
    return _find(session, select(users).where(users.c.id == user_id, within(users.c.area, scope)))


def list_users(
    session: Session, *, scope: Scope, after: tuple[str, int] = ("", 0), limit: int = 50
) -> tuple[User, ...]:
    """Return the users of a scope, by name. Shape: `after` is the name and id of the last one that was seen."""
    statement = (
        select(users)
        .where(within(users.c.area, scope), tuple_(users.c.name, users.c.id) > after)
        .order_by(users.c.name, users.c.id)
        .limit(limit)
    )
    return tuple(read_user(row) for row in session.execute(statement).mappings())


def find_demo_users(session: Session) -> tuple[User, ...]:
    """Return the sample users of a demonstration."""
    statement = select(users).where(users.c.login.startswith(DEMO), users.c.is_active).order_by(users.c.id)
    return tuple(read_user(row) for row in session.execute(statement).mappings())


def count_administrators(session: Session) -> int:
    """Return how many active administrators there are, and let nobody change that until this transaction ends."""
    statement = select(users.c.id).where(users.c.role == Role.ADMINISTRATOR, users.c.is_active)
    return len(session.execute(statement.order_by(users.c.id).with_for_update()).all())


def change_rights(session: Session, seen: User, role: Role, area: str, *, scope: Scope) -> bool:
    """Give a user another role and area; False when they are not as they were seen any more."""
    values = {"role": str(role), "area": area}
    return _change(session, seen, values, scope)


def set_active(session: Session, seen: User, *, is_active: bool, scope: Scope) -> bool:
    """Let a user sign in or not; False when they are not as they were seen any more."""
    return _change(session, seen, {"is_active": is_active}, scope)


def set_name(session: Session, user_id: int, name: str) -> None:
    """Call a user by this name from now on."""
    session.execute(update(users).where(users.c.id == user_id).values(name=name))


def set_phone(session: Session, user_id: int, phone: str | None, *, scope: Scope, is_by_themself: bool = False) -> bool:
    """Send a user's lists to this number from now on; False outside the scope.

    Whoever has sent STOP goes on getting none, unless they themselves give another number.
    """
    here = users.c.id == user_id, within(users.c.area, scope)
    values: dict[str, Any] = {"phone": phone} | ({"stopped_at": None} if is_by_themself and phone else {})
    session.execute(update(users).where(*here, users.c.phone.is_distinct_from(phone)).values(values))
    return session.execute(select(users.c.id).where(*here)).first() is not None


def take_stop_back(session: Session, user_id: int) -> bool:
    """Send lists again to a user who had sent STOP; False where they had not."""
    stopped = users.c.id == user_id, users.c.stopped_at.is_not(None)
    return bool(session.execute(update(users).where(*stopped).values(stopped_at=None)).rowcount)


def staff_to_tell(session: Session, regency: str) -> tuple[User, ...]:
    """Return the officers of a regency's kecamatan and its district staff who have a phone, whether stopped or not."""
    told = users.c.role.in_((Role.OFFICER, Role.DISTRICT)), users.c.phone.is_not(None), users.c.is_active
    statement = select(users).where(*told, within(users.c.area, Scope(regency))).order_by(users.c.id)
    return tuple(read_user(row) for row in session.execute(statement).mappings())


def set_stopped(session: Session, phone: str, stopped_at: datetime | None) -> tuple[str, ...]:
    """End the lists that go to a number, or start them again with None; return the languages of those whose it is."""
    theirs = users.c.phone == phone, users.c.is_active
    session.execute(update(users).where(*theirs).values(stopped_at=stopped_at))
    return tuple(session.execute(select(users.c.language).where(*theirs).order_by(users.c.id)).scalars())


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
        phone=row["phone"],
        stopped_at=row["stopped_at"],
    )


def _change(session: Session, seen: User, values: Mapping[str, Any], scope: Scope) -> bool:
    statement = update(users).where(
        users.c.id == seen.id,
        users.c.role == seen.role,
        users.c.area == seen.area,
        users.c.is_active == seen.is_active,
        within(users.c.area, scope),
    )
    return bool(session.execute(statement.values(**values)).rowcount)


def _find(session: Session, statement: Select[Any]) -> User | None:
    row = session.execute(statement).mappings().one_or_none()
    return read_user(row) if row else None
