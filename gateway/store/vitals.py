"""Vitals: what waits, how much and for how long, wherever work may pile up; asked of indexes, however long the past."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, Table, and_, case, func, literal, literal_column, select, text, union_all

from gateway.store import sqlite
from gateway.store.base import Session, database_now, is_postgresql, written
from gateway.store.exports import exports
from gateway.store.hook_deliveries import hook_deliveries
from gateway.store.hooks import OFF, hooks
from gateway.store.inbox import inbox
from gateway.store.outbox import outbox
from gateway.store.pushes import push_turns
from gateway.store.reminders import reminders
from gateway.values import InboxState, OutboxState

MOST = 10_000  # counting stops there: who has so many to mend knows enough
RECENT = timedelta(days=7)  # what failed longer ago is no news
OLDEST_WAITING = timedelta(seconds=60)  # a message that waits longer says that no worker handles
OLDEST_UNSENT = timedelta(minutes=10)  # and an answer that does, that nothing goes out by its channel
OLDEST_TICK = timedelta(seconds=30)  # a clock that is silent longer says that nothing sweeps

_open = outbox.c.state.in_((literal_column("'queued'"), literal_column("'sending'")))  # as its partial index says


@dataclass(frozen=True, slots=True)
class Unsent:
    """What waits to be sent by one channel. `since`: the oldest of what might go now, None where all waits on purpose.

    `ended` counts what a dead sender left behind.
    """

    queued: int = 0
    sending: int = 0
    ended: int = 0
    since: datetime | None = None


def count_inbox(session: Session) -> dict[str, int]:
    """Return how many messages stand in each state that is not the end, counted up to MOST."""
    return _count_states(session, inbox, (state for state in InboxState if state is not InboxState.DONE))


def count_undelivered(session: Session, now: datetime) -> dict[str, int]:
    """Return how many messages of the last days failed, or may not have gone out, counted up to MOST."""
    states = OutboxState.FAILED, OutboxState.UNSURE
    return _count_states(session, outbox, states, outbox.c.created_at, now - RECENT)


def unsent_by_channel(session: Session) -> dict[str, Unsent]:
    """Return what waits to be sent, by channel. Units: the database's clock."""
    clock = database_now(session)
    # what was refused waits since it was made; what waits for its morning, or for its hour, since then
    since = case(
        (and_(outbox.c.next_try_at.is_not(None), outbox.c.refusals == 0), outbox.c.next_try_at),
        else_=outbox.c.created_at,
    )
    is_sending = outbox.c.state == OutboxState.SENDING
    columns = (
        outbox.c.channel,
        func.sum(case((is_sending, 0), else_=1)),
        func.sum(case((is_sending, 1), else_=0)),
        func.sum(case((and_(is_sending, outbox.c.lease_until < clock), 1), else_=0)),
        func.min(case((and_(~is_sending, since <= clock), since)), type_=outbox.c.created_at.type),
    )
    rows = session.execute(select(*columns).where(_open).group_by(outbox.c.channel))
    return {row[0]: Unsent(int(row[1]), int(row[2]), int(row[3]), row[4]) for row in rows}


def count_errands(session: Session, now: datetime) -> dict[str, dict[str, int]]:
    """Return what is to be made or handed on, by kind: how much waits, and how much of the last days failed.

    Shape: `exports`, `pushes` and `webhooks`, each with `waiting` and `failed`; of webhooks the stopped ones failed.
    """
    since = now - RECENT
    made = _count_states(session, exports, ("queued", "making"))
    unmade = _count_states(session, exports, ("failed",), exports.c.asked_at, since)
    pushed = _count_states(session, push_turns, ("queued", "sending"))
    unpushed = _count_states(session, push_turns, ("refused", "unsure", "failed"), push_turns.c.ended_at, since)
    queued = hook_deliveries.c.state == "queued", hook_deliveries.c.hook_id.in_(select(hooks.c.id))
    untold = select(hook_deliveries.c.id).where(*queued).limit(MOST).subquery()
    stopped = select(func.count()).select_from(hooks).where(hooks.c.state == OFF, hooks.c.why != "staff")
    return {
        "exports": {"waiting": sum(made.values()), "failed": sum(unmade.values())},
        "pushes": {"waiting": sum(pushed.values()), "failed": sum(unpushed.values())},
        "webhooks": {
            "waiting": int(session.execute(select(func.count()).select_from(untold)).scalar_one()),
            "failed": int(session.execute(stopped).scalar_one()),
        },
    }


def count_reminders(session: Session, since: datetime) -> int:
    """Return how many reminders were queued since an instant, counted up to MOST."""
    newest = select(reminders.c.created_at).order_by(reminders.c.id.desc()).limit(MOST).subquery()
    statement = select(func.count()).select_from(newest).where(newest.c.created_at >= since)
    return int(session.execute(statement).scalar_one())


def count_bytes(session: Session) -> int:
    """Return how large the database is."""
    if is_postgresql(session):
        return int(session.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    pages, size = (session.execute(text(f"PRAGMA {name}")).scalar_one() for name in ("page_count", "page_size"))
    return int(pages) * int(size)


def database_version(session: Session) -> str:
    """Return the version of the database's program, as it calls itself: `15.14`, `3.51.3`."""
    if is_postgresql(session):
        return str(session.execute(text("SHOW server_version")).scalar_one()).partition(" ")[0]
    return ".".join(map(str, sqlite.library_version))


def received_between(session: Session, names: Collection[str], from_at: datetime, until_at: datetime) -> dict[str, int]:
    """Return how many messages came by each of these channels from an instant until before another."""
    mine = inbox.c.channel.in_(names), inbox.c.received_at >= from_at, inbox.c.received_at < until_at
    statement = select(inbox.c.channel, func.count()).where(*mine).group_by(inbox.c.channel)
    return {row[0]: int(row[1]) for row in session.execute(statement)}


def states_since(session: Session, names: Collection[str], since: datetime) -> dict[tuple[str, str], int]:
    """Return how many messages came by each of these channels since an instant, by where they stand now."""
    mine = inbox.c.channel.in_(names), inbox.c.received_at >= since
    about = inbox.c.channel, inbox.c.state
    rows = session.execute(select(*about, func.count()).where(*mine).group_by(*about))
    return {(row[0], row[1]): int(row[2]) for row in rows}


def sent_between(session: Session, from_at: datetime, until_at: datetime) -> list[tuple[str, float | None]]:
    """Return of each message sent in a stretch its channel, and the seconds from question to answer where it is one."""
    statement = (
        select(outbox.c.channel, outbox.c.kind, outbox.c.sent_at, inbox.c.received_at)
        .join(inbox, inbox.c.id == outbox.c.inbox_id, isouter=True)
        .where(outbox.c.sent_at >= from_at, outbox.c.sent_at < until_at)
    )
    return [
        (channel, (sent_at - received_at).total_seconds() if received_at and kind == "answer" else None)
        for channel, kind, sent_at, received_at in session.execute(statement)
    ]


def count_by_hour(
    session: Session, names: Collection[str], hours: Collection[datetime]
) -> Mapping[datetime, tuple[int, int]]:
    """Return how many messages came by these channels, and how many were sent, in each hour that begins so."""
    found: dict[datetime, tuple[int, int]] = {}
    both = (inbox, inbox.c.received_at, (inbox.c.channel.in_(names),)), (outbox, outbox.c.sent_at, ())
    questions: list[Select[int, int]] = []
    for number, hour in enumerate(hours):
        for side, (table, at, mine) in enumerate(both):
            within = at >= hour, at < hour + timedelta(hours=1), *mine
            counted = select(literal(2 * number + side), func.count())
            questions.append(counted.select_from(table).where(*within))
    counts = {int(row[0]): int(row[1]) for row in session.execute(union_all(*questions))}
    for number, hour in enumerate(hours):
        found[hour] = counts[2 * number], counts[2 * number + 1]
    return found


def _count_states(
    session: Session,
    table: Table,
    states: Iterable[str],
    at: ColumnElement[datetime] | None = None,
    since: datetime | None = None,
) -> dict[str, int]:
    """Return how many rows stand in each state, of the newest MOST; where `at` is given, those since an instant."""
    questions: list[Select[str, int]] = []
    for state in map(str, states):
        columns = [table.c.id] if at is None else [table.c.id, at.label("at")]
        newest = (
            select(*columns).where(table.c.state == written(state)).order_by(table.c.id.desc()).limit(MOST).subquery()
        )
        counted = select(literal(state), func.count()).select_from(newest)
        questions.append(counted if at is None else counted.where(newest.c.at >= since))
    return {row[0]: int(row[1]) for row in session.execute(union_all(*questions))}
