"""Hook deliveries: each event that a hook is to hear, in order, until it was heard; one worker holds a hook."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    and_,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from gateway.store.base import Session, UtcDateTime, database_now, metadata, within
from gateway.store.events import KEPT, events, has_untold
from gateway.store.hooks import COLUMNS, ON, Hook, hooks
from gateway.store.inbox import BigId
from gateway.values import Scope

QUEUED, DELIVERED, FAILED = "queued", "delivered", "failed"
GIVEN_UP = "given_up"  # the fault of what staff did not want to go out any more
LEASE = timedelta(seconds=90)  # longer than the slowest receiver is waited for
FARTHEST = timedelta(days=2)  # a wait that is longer was written by a wrong clock

hook_deliveries = Table(
    "hook_deliveries",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("hook_id", ForeignKey("hooks.id"), nullable=False),
    Column("event_id", ForeignKey("events.id"), nullable=False, index=True),
    Column("is_test", Boolean, nullable=False),
    Column("state", String(10), nullable=False),
    Column("tries", SmallInteger, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("tried_at", UtcDateTime, nullable=True),
    Column("status", SmallInteger, nullable=True),  # of the last answer, if there was one
    Column("millis", Integer, nullable=True),  # that it took
    Column("fault", String(20), nullable=False),
    UniqueConstraint("hook_id", "event_id", name="uq_hook_deliveries_once"),
)
Index(
    "ix_hook_deliveries_state",
    hook_deliveries.c.hook_id,
    hook_deliveries.c.state,
    hook_deliveries.c.event_id,
)
Index("ix_hook_deliveries_hook_id", hook_deliveries.c.hook_id, hook_deliveries.c.id)
Index(
    "ix_hook_deliveries_test",
    hook_deliveries.c.hook_id,
    hook_deliveries.c.state,
    sqlite_where=hook_deliveries.c.is_test,
    postgresql_where=hook_deliveries.c.is_test,
)

_mine = hook_deliveries.c.hook_id == hooks.c.id
_queued = hook_deliveries.c.state == QUEUED


@dataclass(frozen=True, slots=True)
class Claimed:
    """One event to be told to one hook now. `tries` counts those before; `token` says that it is ours."""

    id: int
    hook: Hook
    ref: str
    body: str
    tries: int
    is_test: bool
    token: str


@dataclass(frozen=True, slots=True)
class HookDelivery:
    """What became of telling one event. Units: `millis` that the last try took."""

    id: int
    ref: str
    kind: str
    at: datetime
    state: str
    tries: int
    tried_at: datetime | None
    status: int | None
    millis: int | None
    fault: str


_OF_EVENTS = {"ref", "kind", "at"}
_SHOWN = tuple((events if name in _OF_EVENTS else hook_deliveries).c[name] for name in HookDelivery.__slots__)


@dataclass(frozen=True, slots=True)
class Try:
    """What became of one try."""

    at: datetime
    status: int | None
    millis: int
    fault: str = ""


def queue(session: Session, wanted: Sequence[tuple[int, int]], now: datetime, *, is_test: bool = False) -> None:
    """Let hooks be told events. Shape: (hook id, event id)."""
    if wanted:
        row = {"state": QUEUED, "tries": 0, "made_at": now, "fault": "", "is_test": is_test}
        session.execute(
            insert(hook_deliveries), [row | {"hook_id": hook_id, "event_id": event_id} for hook_id, event_id in wanted]
        )


def has_work(session: Session, now: datetime) -> bool:
    """Return whether something is to be put into words, told, or forgotten."""
    is_old = select(events.c.id).where(events.c.at < database_now(session) - KEPT).limit(1)
    return has_untold(session) or bool(due_hooks(session, now, limit=1)) or session.execute(is_old).first() is not None


def due_hooks(session: Session, now: datetime, limit: int = 100) -> tuple[int, ...]:
    """Return the hooks that are to be told something now and that nobody is telling."""
    statement = select(hooks.c.id).where(_is_free(session), _has_due(now))
    return tuple(session.execute(statement.order_by(hooks.c.id).limit(limit)).scalars())


def _is_free(session: Session) -> ColumnElement[bool]:
    """Tell which hooks nobody holds; a lease that reaches two leases ahead was written by a wrong clock."""
    clock, until = database_now(session), hooks.c.lease_until
    return or_(until.is_(None), until <= clock, until > clock + 2 * LEASE)


def _has_due(now: datetime) -> ColumnElement[bool]:
    at = hooks.c.next_try_at
    is_time = or_(at.is_(None), at <= now, at > now + FARTHEST)
    waits = select(1).select_from(hook_deliveries).where(_mine, _queued)
    has_test = exists(waits.where(hook_deliveries.c.is_test))
    return or_(has_test, and_(hooks.c.state == ON, is_time, exists(waits)))


def claim(session: Session, hook_id: int, now: datetime) -> Claimed | None:
    """Take the next event that a hook is to hear; commit before it is told. None where nothing is due, or held.

    A test goes first and does not ask whether the hook is on. Units: leases by the database's clock.
    """
    mine = hooks.c.id == hook_id, _is_free(session), _has_due(now)
    row = session.execute(select(*COLUMNS).where(*mine).with_for_update(skip_locked=True)).first()
    if row is None:
        return None
    hook = Hook(*row)
    at = hook.next_try_at
    is_time = hook.state == ON and (at is None or at <= now or at > now + FARTHEST)
    columns = hook_deliveries.c.id, events.c.ref, events.c.body, hook_deliveries.c.tries, hook_deliveries.c.is_test
    waiting = (
        select(*columns)
        .join(events, events.c.id == hook_deliveries.c.event_id)
        .where(hook_deliveries.c.hook_id == hook_id, _queued)
        .order_by(hook_deliveries.c.event_id)
        .limit(1)
    )
    found = session.execute(waiting.where(hook_deliveries.c.is_test)).first()
    if found is None and is_time:
        found = session.execute(waiting).first()
    if found is None:
        return None
    token = secrets.token_hex(8)
    lease = {"token": token, "lease_until": database_now(session) + LEASE}
    session.execute(update(hooks).where(hooks.c.id == hook_id).values(lease))
    return Claimed(found.id, hook, found.ref, found.body, found.tries, found.is_test, token)


def record_heard(session: Session, claimed: Claimed, tried: Try) -> bool:
    """Write down that an event was heard; False when our lease had ended and somebody else holds the hook."""
    values: dict[str, Any] = {} if claimed.is_test else {"next_try_at": None, "failing_since": None}
    return _let_go(session, claimed, values) and _record(session, claimed, tried, DELIVERED)


def record_unheard(session: Session, claimed: Claimed, tried: Try, next_try_at: datetime | None) -> bool:
    """Write down that an event was not heard, and when it is tried again: not at all where that is None."""
    since = claimed.hook.failing_since or tried.at
    values: dict[str, Any] = {} if claimed.is_test else {"next_try_at": next_try_at, "failing_since": since}
    state = FAILED if next_try_at is None else QUEUED
    return _let_go(session, claimed, values) and _record(session, claimed, tried, state)


def _let_go(session: Session, claimed: Claimed, values: dict[str, Any]) -> bool:
    mine = hooks.c.id == claimed.hook.id, hooks.c.token == claimed.token
    freed = update(hooks).where(*mine).values(token=None, lease_until=None, **values)
    return bool(session.execute(freed).rowcount)


def _record(session: Session, claimed: Claimed, tried: Try, state: str) -> bool:
    values = {"state": state, "tries": claimed.tries + 1, "tried_at": tried.at, "status": tried.status}
    mine = hook_deliveries.c.id == claimed.id, _queued  # staff may have given it up meanwhile
    statement = update(hook_deliveries).where(*mine).values(**values, millis=tried.millis, fault=tried.fault)
    return bool(session.execute(statement).rowcount)


def list_deliveries(
    session: Session, hook_id: int, *, scope: Scope, state: str = "", before: int | None = None, limit: int = 50
) -> tuple[HookDelivery, ...]:
    """Return what a hook was or is to be told, the newest first."""
    statement = (
        select(*_SHOWN)
        .join(events, events.c.id == hook_deliveries.c.event_id)
        .join(hooks, _mine)
        .where(hook_deliveries.c.hook_id == hook_id, within(hooks.c.area, scope))
    )
    if state:
        statement = statement.where(hook_deliveries.c.state == state)
    if before is not None:
        statement = statement.where(hook_deliveries.c.id < before)
    rows = session.execute(statement.order_by(hook_deliveries.c.id.desc()).limit(limit))
    return tuple(HookDelivery(*row) for row in rows)


def count_deliveries(session: Session, *, scope: Scope) -> dict[int, dict[str, int]]:
    """Return how many deliveries of each hook of a scope stand in each state."""
    about = hook_deliveries.c.hook_id, hook_deliveries.c.state
    statement = select(*about, func.count()).join(hooks, _mine).where(within(hooks.c.area, scope)).group_by(*about)
    found: dict[int, dict[str, int]] = {}
    for hook_id, state, number in session.execute(statement):
        found.setdefault(hook_id, {})[state] = number
    return found


def replay(
    session: Session, hook_id: int, *, scope: Scope, delivery_id: int | None = None, since: datetime | None = None
) -> int:
    """Tell again, under the same id, one event, or every failed one that happened since an instant. Return how many."""
    mine = hook_deliveries.c.hook_id == hook_id, _is_within(scope)
    if delivery_id is not None:
        which = (hook_deliveries.c.id == delivery_id, hook_deliveries.c.state != QUEUED)
    else:
        happened = select(events.c.id).where(events.c.at >= since)
        which = (hook_deliveries.c.state == FAILED, hook_deliveries.c.event_id.in_(happened))
    again = update(hook_deliveries).where(*mine, *which).values(state=QUEUED, tries=0, fault="")
    number = int(session.execute(again).rowcount)
    if number:
        session.execute(update(hooks).where(hooks.c.id == hook_id).values(next_try_at=None))
    return number


def begin_anew(session: Session, hook_id: int, *, scope: Scope) -> None:
    """Count the tries of what waits for a hook from nothing: it is on again."""
    mine = hook_deliveries.c.hook_id == hook_id, _queued, _is_within(scope)
    session.execute(update(hook_deliveries).where(*mine).values(tries=0))


def give_up(session: Session, hook_id: int, delivery_id: int, *, scope: Scope) -> bool:
    """Tell one event no more, so that the next ones go; False when it does not wait any longer."""
    mine = hook_deliveries.c.id == delivery_id, hook_deliveries.c.hook_id == hook_id, _queued, _is_within(scope)
    if not session.execute(update(hook_deliveries).where(*mine).values(state=FAILED, fault=GIVEN_UP)).rowcount:
        return False
    session.execute(update(hooks).where(hooks.c.id == hook_id).values(next_try_at=None))
    return True


def _is_within(scope: Scope) -> ColumnElement[bool]:
    return hook_deliveries.c.hook_id.in_(select(hooks.c.id).where(within(hooks.c.area, scope)))


def forget_old(session: Session, limit: int = 1000) -> int:
    """Forget events that happened long ago, with who was told them; return how many. Units: the database's clock."""
    old = select(events.c.id).where(events.c.at < database_now(session) - KEPT).order_by(events.c.at).limit(limit)
    ids = session.execute(old).scalars().all()
    if ids:
        session.execute(delete(hook_deliveries).where(hook_deliveries.c.event_id.in_(ids)))
        session.execute(delete(events).where(events.c.id.in_(ids)))
    return len(ids)
