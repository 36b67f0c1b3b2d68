"""Tokens: other systems that read and write through the API, each with an area and what it may do there."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, ForeignKey, Integer, RowMapping, String, Table, insert, or_, select, update

from gateway.redact import Secret
from gateway.store.base import Session, UtcDateTime, metadata, within
from gateway.values import Scope

PREFIX = "kabar_"  # so that who finds a token, or scans for such, knows whose it is
RANDOM_MARKS, CHECK_MARKS = 30, 6  # 30 of 62 letters and digits are 178 bits
USED_EVERY = timedelta(minutes=1)  # the last use is written down no more often
GRACE = timedelta(days=7)  # so long an old secret stays valid beside the new one
_MARKS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TOKEN = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{RANDOM_MARKS + CHECK_MARKS}}}", re.ASCII)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(100), nullable=False),
    Column("scopes", String(300), nullable=False),  # with a blank between them
    Column("area", String(13), nullable=False),
    Column("created_by", String(100), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("secret_hash", String(64), nullable=False, unique=True),
    Column("old_hash", String(64), nullable=True, unique=True),
    Column("old_until", UtcDateTime, nullable=True),
    Column("last_used_at", UtcDateTime, nullable=True),
    Column("revoked_at", UtcDateTime, nullable=True),
)
posted_reports = Table(
    "posted_reports",
    metadata,
    Column("token_id", ForeignKey("tokens.id"), primary_key=True),
    Column("key_hash", String(64), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("report_id", ForeignKey("reports.id"), nullable=False, index=True),
    Column("decision", String(10), nullable=False),
    Column("posted_at", UtcDateTime, nullable=False),
)


class TokenScope(StrEnum):
    """What a token may do in its area."""

    READ_REPORTS = "read:reports"
    READ_FACILITIES = "read:facilities"
    READ_REPORTERS = "read:reporters"
    READ_COVERAGE = "read:coverage"
    READ_STOCK = "read:stock"
    WRITE_REPORTS = "write:reports"
    WRITE_MESSAGES = "write:messages"


@dataclass(frozen=True, slots=True)
class Token:
    """A token without its secret. `old_until` is how long the secret before the last one is still taken."""

    id: int
    name: str
    scopes: frozenset[str]
    area: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    old_until: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    @property
    def scope(self) -> Scope:
        """The area within which everything is that it reads and writes."""
        return Scope(self.area)

    def is_valid(self, now: datetime) -> bool:
        """Tell whether it opens anything at an instant."""
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token about to be made."""

    name: str
    scopes: frozenset[str]
    area: str
    created_by: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Posted:
    """A report that was posted with a key: what it said, and what became of it."""

    fingerprint: str
    report_id: int
    decision: str


def make_secret() -> Secret:
    """Return a new secret: a prefix that scanners know, 178 random bits, and a checksum of both."""
    random = "".join(secrets.choice(_MARKS) for _ in range(RANDOM_MARKS))
    return Secret(f"{PREFIX}{random}{_check_marks(random)}")


def is_well_formed(given: str) -> bool:
    """Tell whether this can be a token at all; what cannot is not asked of the database.

    >>> is_well_formed(make_secret().reveal()), is_well_formed("kabar_secret"), is_well_formed("kabar_" + "a" * 36)
    (True, False, False)
    """
    marks = given.removeprefix(PREFIX)
    return bool(_TOKEN.fullmatch(given)) and marks[RANDOM_MARKS:] == _check_marks(marks[:RANDOM_MARKS])


def add_token(session: Session, new: NewToken, secret: Secret, *, scope: Scope) -> int | None:
    """Keep a new token and return its id; None where its area is not in the scope."""
    if not scope.covers(new.area):
        return None
    row = {name: getattr(new, name) for name in NewToken.__slots__}
    row |= {"scopes": " ".join(sorted(new.scopes)), "secret_hash": _hash(secret.reveal())}
    return int(session.execute(insert(tokens).returning(tokens.c.id), row).scalar_one())


def find_by_secret(session: Session, given: str, now: datetime) -> Token | None:
    """Return the valid token of a secret, or None: it is the door, where nobody has a scope yet."""
    given_hash = _hash(given)
    statement = select(tokens).where(or_(tokens.c.secret_hash == given_hash, tokens.c.old_hash == given_hash))
    row = session.execute(statement).mappings().first()
    if row is None:
        return None
    is_new = hmac.compare_digest(row["secret_hash"], given_hash)
    is_old = hmac.compare_digest(row["old_hash"] or "", given_hash) and now < row["old_until"]
    token = _read(row)
    return token if (is_new or is_old) and token.is_valid(now) else None


def note_use(session: Session, token: Token, now: datetime) -> bool:
    """Write down that a token was used, a minute after the last time at the earliest; False where it stands there."""
    last = tokens.c.last_used_at
    due = tokens.c.id == token.id, or_(last.is_(None), last <= now - USED_EVERY), within(tokens.c.area, token.scope)
    return bool(session.execute(update(tokens).where(*due).values(last_used_at=now)).rowcount)


def is_use_due(token: Token, now: datetime) -> bool:
    """Tell whether the last use is so long ago that this one is to be written down."""
    return token.last_used_at is None or now - token.last_used_at >= USED_EVERY


def list_tokens(session: Session, *, scope: Scope, limit: int = 200) -> tuple[Token, ...]:
    """Return the tokens of a scope: those that are not revoked first, by name."""
    own = select(tokens).where(within(tokens.c.area, scope))
    ordered = own.order_by(tokens.c.revoked_at.is_not(None), tokens.c.name, tokens.c.id).limit(limit)
    return tuple(_read(row) for row in session.execute(ordered).mappings())


def find_token(session: Session, token_id: int, *, scope: Scope) -> Token | None:
    """Return a token of the scope, or None."""
    own = tokens.c.id == token_id, within(tokens.c.area, scope)
    row = session.execute(select(tokens).where(*own)).mappings().first()
    return _read(row) if row else None


def rotate(
    session: Session, token: Token, secret: Secret, expires_at: datetime, now: datetime, *, scope: Scope
) -> bool:
    """Give a token a new secret; the one before stays valid for a while. False where it is revoked or elsewhere."""
    own = tokens.c.id == token.id, tokens.c.revoked_at.is_(None), within(tokens.c.area, scope)
    values = {
        "secret_hash": _hash(secret.reveal()),
        "old_hash": tokens.c.secret_hash,
        "old_until": min(now + GRACE, max(token.expires_at, now)),
        "expires_at": expires_at,
    }
    return bool(session.execute(update(tokens).where(*own).values(values)).rowcount)


def revoke(session: Session, token_id: int, now: datetime, *, scope: Scope) -> bool:
    """Let a token open nothing any more, at once and for good; False where it is revoked already, or elsewhere."""
    own = tokens.c.id == token_id, tokens.c.revoked_at.is_(None), within(tokens.c.area, scope)
    return bool(session.execute(update(tokens).where(*own).values(revoked_at=now)).rowcount)


def find_posted(session: Session, token: Token, key: str) -> Posted | None:
    """Return what was posted with a key before, or None."""
    own = posted_reports.c.token_id == token.id, posted_reports.c.key_hash == _hash(key)
    columns = posted_reports.c.fingerprint, posted_reports.c.report_id, posted_reports.c.decision
    row = session.execute(select(*columns).where(*own)).first()
    return Posted(*row) if row else None


def keep_posted(session: Session, token: Token, key: str, posted: Posted, now: datetime) -> None:
    """Remember what was posted with a key. Errors: Raced when another session keeps one of this key."""
    row = {name: getattr(posted, name) for name in Posted.__slots__}
    session.execute(insert(posted_reports), row | {"token_id": token.id, "key_hash": _hash(key), "posted_at": now})


def _hash(given: str) -> str:
    return hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest()


def _check_marks(random: str) -> str:
    rest = zlib.crc32(f"{PREFIX}{random}".encode())
    return "".join(_MARKS[rest // 62**place % 62] for place in reversed(range(CHECK_MARKS)))


def _read(row: RowMapping) -> Token:
    values: dict[str, Any] = {name: row[name] for name in Token.__slots__}
    return Token(**values | {"scopes": frozenset(row["scopes"].split())})
