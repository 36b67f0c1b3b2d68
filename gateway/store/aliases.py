"""Aliases: words that staff have taught the reader, beside those of the forms' files; each proposed, then decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    String,
    Table,
    insert,
    literal,
    literal_column,
    or_,
    select,
    update,
)

from gateway.store.base import Session, UtcDateTime, metadata, savepoint, within
from gateway.values import Scope
from parsers.aliases import Alias


class AliasState(StrEnum):
    """Where an alias stands. proposed -> approved, refused; approved -> refused, by whom it was approved or another."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REFUSED = "refused"


aliases = Table(
    "aliases",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("form", String(20), nullable=False),
    Column("area", String(13), nullable=False),
    Column("word", String(40), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("code", String(20), nullable=False),
    Column("state", String(10), nullable=False),
    Column("inbox_id", BigInteger, nullable=True),
    Column("proposed_by", Integer, nullable=True),
    Column("proposed_name", String(100), nullable=False),
    Column("proposed_at", UtcDateTime, nullable=False),
    Column("decided_by", Integer, nullable=True),
    Column("decided_name", String(100), nullable=True),
    Column("decided_at", UtcDateTime, nullable=True),
)
# written out: with bound values no database could tell that it may use the partial index
_standing = aliases.c.state.in_((literal_column("'proposed'"), literal_column("'approved'")))
Index(
    "uq_aliases_standing",
    aliases.c.form,
    aliases.c.area,
    aliases.c.word,
    unique=True,
    sqlite_where=_standing,
    postgresql_where=_standing,
)
Index("ix_aliases_state", aliases.c.state, aliases.c.id)


@dataclass(frozen=True, slots=True)
class KeptAlias:
    """One alias and its story. An empty area means everywhere; `inbox_id` is the message whose word it was."""

    id: int
    form: str
    area: str
    word: str
    kind: str
    code: str
    state: str
    inbox_id: int | None
    proposed_by: int | None
    proposed_name: str
    proposed_at: datetime
    decided_by: int | None
    decided_name: str | None
    decided_at: datetime | None

    @property
    def alias(self) -> Alias:
        """The alias as the reader knows it."""
        return Alias(self.form, self.kind, self.code, self.word)


@dataclass(frozen=True, slots=True)
class TaughtAlias:
    """An alias that counts, and where."""

    area: str
    alias: Alias


_COLUMNS = tuple(aliases.c[name] for name in KeptAlias.__slots__)

# What is asked for every batch is put together once: that costs more than asking it.
_APPROVED = (
    select(aliases.c.area, aliases.c.form, aliases.c.kind, aliases.c.code, aliases.c.word)
    .where(aliases.c.state == AliasState.APPROVED)
    .order_by(aliases.c.id)
)


def approved(session: Session, *, scope: Scope | None = None) -> tuple[TaughtAlias, ...]:
    """Return every alias that counts, the oldest first; with a scope those that concern it."""
    statement = _APPROVED if scope is None else _APPROVED.where(_is_seen(scope))
    return tuple(TaughtAlias(area, Alias(*alias)) for area, *alias in session.execute(statement))


def latest(
    session: Session, *, scope: Scope, states: Sequence[str], before: int | None = None, limit: int = 50
) -> tuple[KeptAlias, ...]:
    """Return the newest aliases in some states: those of a scope, and those that count there from a wider area."""
    statement = select(*_COLUMNS).where(aliases.c.state.in_(states), _is_seen(scope))
    if before is not None:
        statement = statement.where(aliases.c.id < before)
    return tuple(KeptAlias(*row) for row in session.execute(statement.order_by(aliases.c.id.desc()).limit(limit)))


def find(session: Session, alias_id: int, *, scope: Scope) -> KeptAlias | None:
    """Return an alias that may be decided in a scope, or None."""
    row = session.execute(select(*_COLUMNS).where(aliases.c.id == alias_id, within(aliases.c.area, scope))).first()
    return KeptAlias(*row) if row else None


def propose(
    session: Session,
    alias: Alias,
    area: str,
    *,
    scope: Scope,
    by: tuple[int, str],
    now: datetime,
    inbox_id: int | None = None,
) -> int | None:
    """Keep an alias to be decided and return its id; None where it stands proposed or approved there already.

    Shape: `by` is the id and the name of who proposes it. Errors: ValueError for an area outside the scope.
    """
    if not scope.covers(area):
        raise ValueError(f"{area or 'the whole country'} is not within {scope.area}")
    row: dict[str, Any] = {"form": alias.form, "kind": alias.kind, "code": alias.code, "word": alias.word}
    row |= {"area": area, "state": AliasState.PROPOSED, "inbox_id": inbox_id}
    row |= {"proposed_by": by[0], "proposed_name": by[1], "proposed_at": now}
    same = (aliases.c[name] == row[name] for name in ("form", "area", "word"))
    if session.execute(select(aliases.c.id).where(_standing, *same)).first():
        return None
    with savepoint(session):
        return int(session.execute(insert(aliases).returning(aliases.c.id), row).scalar_one())


def decide(
    session: Session,
    alias_id: int,
    state: AliasState,
    *,
    was: AliasState,
    scope: Scope,
    by: tuple[int, str],
    now: datetime,
    area: str | None = None,
) -> bool:
    """Approve or refuse an alias that stood in a state, there or with `area` in a wider or smaller area.

    False when it no longer stood so, or is not within the scope. Errors: Raced when the same word stands there already;
    ValueError for an area outside the scope.
    """
    if area is not None and not scope.covers(area):
        raise ValueError(f"{area or 'the whole country'} is not within {scope.area}")
    values: dict[str, Any] = {"state": state, "decided_by": by[0], "decided_name": by[1], "decided_at": now}
    if area is not None:
        values["area"] = area
    which = aliases.c.id == alias_id, aliases.c.state == was, within(aliases.c.area, scope)
    with savepoint(session):
        return bool(session.execute(update(aliases).where(*which).values(values)).rowcount)


def _is_seen(scope: Scope) -> ColumnElement[bool]:
    """Tell which aliases concern a scope: those within it, and those of the areas that it lies in."""
    if not scope.area:
        return within(aliases.c.area, scope)
    is_wider = literal(f"{scope.area}.").like(aliases.c.area + literal(".%"))
    return or_(within(aliases.c.area, scope), aliases.c.area == "", is_wider)
