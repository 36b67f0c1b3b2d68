"""Hooks: who is told over HTTP what has happened in an area, of which kinds of events, signed with which secret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Integer, String, Table, Text, insert, select, update

from gateway.store.base import Session, UtcDateTime, metadata, within
from gateway.values import Scope

ON, PAUSED, OFF = "on", "paused", "off"
LISTENING = (ON, PAUSED)  # a paused one hears later what has happened meanwhile; the triggers of 0020 name them too
# Why a hook does not stand on `on`.
BY_STAFF, FAILING, GONE, NO_KEY = "staff", "failing", "gone", "key"

hooks = Table(
    "hooks",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(100), nullable=False),
    Column("address", String(500), nullable=False),
    Column("area", String(13), nullable=False),
    Column("kinds", JSON, nullable=False),
    Column("state", String(10), nullable=False),
    Column("why", String(20), nullable=False),
    Column("state_at", UtcDateTime, nullable=False),
    Column("secret", Text, nullable=False),  # locked (`keybox`), like the one before it
    Column("old_secret", Text, nullable=True),
    Column("old_until", UtcDateTime, nullable=True),
    Column("made_by", String(100), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("failing_since", UtcDateTime, nullable=True),  # nothing has arrived since
    Column("next_try_at", UtcDateTime, nullable=True),
    Column("token", String(16), nullable=True),
    Column("lease_until", UtcDateTime, nullable=True),
)


@dataclass(frozen=True, slots=True)
class Hook:
    """Who is told. An empty area is the whole country.

    Shape: `kinds` of `store.events`; `why` it does not stand on `on`: staff, failing, gone (they answered 410), key
    (the secret was locked with another key).
    """

    id: int
    name: str
    address: str
    area: str
    kinds: Sequence[str]
    state: str
    why: str
    state_at: datetime
    secret: str
    old_secret: str | None
    old_until: datetime | None
    made_by: str
    made_at: datetime
    failing_since: datetime | None
    next_try_at: datetime | None

    def locked_secrets(self, now: datetime) -> tuple[str, ...]:
        """Return the secrets to sign with, still locked: the new one first, and the old one while it is good."""
        is_good = self.old_secret is not None and self.old_until is not None and now < self.old_until
        return (self.secret, str(self.old_secret)) if is_good else (self.secret,)


@dataclass(frozen=True, slots=True)
class WantedHook:
    """What somebody wishes of a hook."""

    name: str
    address: str
    area: str
    kinds: tuple[str, ...]


COLUMNS = tuple(hooks.c[name] for name in Hook.__slots__)


def add_hook(
    session: Session, wanted: WantedHook, locked_secret: str, by: str, now: datetime, *, scope: Scope
) -> int | None:
    """Add a hook, which is on at once, and return its id; None where its area is not in the scope."""
    if not scope.covers(wanted.area):
        return None
    row = _as_row(wanted) | {"state": ON, "why": "", "state_at": now, "secret": locked_secret}
    statement = insert(hooks).returning(hooks.c.id)
    return int(session.execute(statement, row | {"made_by": by, "made_at": now}).scalar_one())


def change_hook(session: Session, hook_id: int, wanted: WantedHook, *, scope: Scope) -> bool:
    """Tell a hook other things from now on, or elsewhere; what waits for it is tried at once."""
    values = _as_row(wanted) | {"next_try_at": None}
    return scope.covers(wanted.area) and _change(session, hook_id, values, scope)


def _as_row(wanted: WantedHook) -> dict[str, Any]:
    return {"name": wanted.name, "address": wanted.address, "area": wanted.area, "kinds": list(wanted.kinds)}


def set_state(session: Session, hook_id: int, state: str, why: str, now: datetime, *, scope: Scope) -> bool:
    """Turn a hook on, pause it, or turn it off: then it is told nothing of what happens meanwhile."""
    values: dict[str, Any] = {"state": state, "why": why, "state_at": now, "next_try_at": None}
    return _change(session, hook_id, values | ({"failing_since": None} if state == ON else {}), scope)


def replace_secret(
    session: Session, hook: Hook, locked_secret: str, old_until: datetime | None, *, scope: Scope
) -> bool:
    """Sign with a new secret, and with the old one too until an instant; at once no more where none is given."""
    old = hook.secret if old_until else None
    return _change(session, hook.id, {"secret": locked_secret, "old_secret": old, "old_until": old_until}, scope)


def _change(session: Session, hook_id: int, values: Mapping[str, Any], scope: Scope) -> bool:
    mine = hooks.c.id == hook_id, within(hooks.c.area, scope)
    return bool(session.execute(update(hooks).where(*mine).values(dict(values))).rowcount)


def find_hook(session: Session, hook_id: int, *, scope: Scope) -> Hook | None:
    """Return a hook, or None."""
    row = session.execute(select(*COLUMNS).where(hooks.c.id == hook_id, within(hooks.c.area, scope))).first()
    return Hook(*row) if row else None


def list_hooks(session: Session, *, scope: Scope) -> tuple[Hook, ...]:
    """Return the hooks of a scope by name; there are few."""
    statement = select(*COLUMNS).where(within(hooks.c.area, scope)).order_by(hooks.c.name, hooks.c.id)
    return tuple(Hook(*row) for row in session.execute(statement))


def list_listening(session: Session) -> tuple[Hook, ...]:
    """Return every hook that is told what happens, at once or once it is no longer paused."""
    statement = select(*COLUMNS).where(hooks.c.state.in_(LISTENING)).order_by(hooks.c.id)
    return tuple(Hook(*row) for row in session.execute(statement))


def list_stopped(session: Session, *, scope: Scope) -> tuple[Hook, ...]:
    """Return the hooks of a scope that Kabar itself has stopped telling: staff should know."""
    stopped = hooks.c.state != ON, hooks.c.why.in_((FAILING, GONE, NO_KEY))
    statement = select(*COLUMNS).where(*stopped, within(hooks.c.area, scope)).order_by(hooks.c.id)
    return tuple(Hook(*row) for row in session.execute(statement))
