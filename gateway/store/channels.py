"""Channels: the pace of each configured channel, shared by every sender of it, and the clock's last tick."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    bindparam,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from gateway.store.base import Session, UtcDateTime, is_postgresql, metadata
from gateway.store.inbox import inbox
from gateway.values import Scope

channels = Table(
    "channels",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("next_send_at", UtcDateTime, nullable=True),
    Column("area", String(13), nullable=True),
    Column("segment_price", Integer, nullable=True),
    Column("monthly_budget", Integer, nullable=True),  # rupiah; reminders stop before it is spent, answers never
    # what its other side said of itself when it was looked at last; `store.channel_health`
    Column("looked_at", UtcDateTime, nullable=True),
    Column("is_well", Boolean, nullable=True),
    Column("words", Text, nullable=True),
    Column("heard_at", UtcDateTime, nullable=True),
    Column("signal", SmallInteger, nullable=True),
    Column("battery", SmallInteger, nullable=True),
    Column("credit", String(100), nullable=True),
)

Index("ix_inbox_channel_received", inbox.c.channel, inbox.c.received_at)

SHORTEST_SILENCE = timedelta(hours=2)
FEWEST_EXPECTED = 5  # messages in that stretch before: fewer may be chance

ticks = Table(
    "ticks",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("ticked_at", UtcDateTime, nullable=False),
)


# What is asked for every message is put together once: that costs more than asking it.
_THIS = channels.c.name == bindparam("channel")
_PACE = select(channels.c.next_send_at).where(_THIS).with_for_update()
_KEEP_PACE = update(channels).where(_THIS)


def hold_channel(session: Session, name: str) -> datetime | None:
    """Take a channel's pace for this transaction and return when its next message may go, None for at once."""
    row = session.execute(_PACE, {"channel": name}).first()
    if row is None:
        dialect = postgresql if is_postgresql(session) else sqlite
        session.execute(dialect.insert(channels).on_conflict_do_nothing(), {"name": name})
        row = session.execute(_PACE, {"channel": name}).one()
    found: datetime | None = row.next_send_at
    return found


def keep_pace(session: Session, name: str, clock: datetime, count: int, per_second: float) -> None:
    """Write down that `count` messages go now, so that the next ones wait their part of a second."""
    keep_quiet(session, name, clock + timedelta(seconds=count / per_second))


def keep_quiet(session: Session, name: str, next_send_at: datetime) -> None:
    """Write down that nothing goes by a channel before an instant."""
    session.execute(_KEEP_PACE, {"channel": name, "next_send_at": next_send_at})


@dataclass(frozen=True, slots=True)
class Silence:
    """A channel that nobody writes to although somebody should: since when, and how many wrote at that time before.

    `than` is the stretch that it is measured against: `month`, the same days of the month before, or `week`.
    """

    name: str
    since: datetime
    expected: int
    than: str


def find_silent(session: Session, now: datetime, *, scope: Scope, names: Collection[str]) -> tuple[Silence, ...]:
    """Return those of the configured channels in a scope that are silent against their usual.

    Usual is what came in the same stretch of the month before, for people report by the calendar; of the week before
    where the channel is younger than that. Less than two hours, or fewer than five messages then, is no silence.
    """
    found = []
    for name in names_within(session, names, scope):
        ends = select(func.min(inbox.c.received_at), func.max(inbox.c.received_at)).where(inbox.c.channel == name)
        first, last = session.execute(ends).one()
        if last is None or now - last < SHORTEST_SILENCE:
            continue
        for than, back in (("month", timedelta(days=_days_before(now))), ("week", timedelta(days=7))):
            if first > last - back:
                continue
            stretch = inbox.c.received_at > last - back, inbox.c.received_at <= now - back
            count = select(func.count()).select_from(inbox).where(inbox.c.channel == name, *stretch)
            expected = int(session.execute(count).scalar_one())
            if expected >= FEWEST_EXPECTED:
                found.append(Silence(name, last, expected, than))
            break
    return tuple(found)


def _days_before(now: datetime) -> int:
    """Return how many days the month before has: so far back the same day of the month was."""
    year, month = (now.year, now.month - 1) if now.month > 1 else (now.year - 1, 12)
    return monthrange(year, month)[1]


def names_within(session: Session, names: Collection[str], scope: Scope) -> tuple[str, ...]:
    """Return those of the channels that somebody of a scope has to do with: in it, around it, or nobody's own."""
    rows = session.execute(select(channels.c.name, channels.c.area).where(channels.c.name.in_(names)))
    areas = {row.name: row.area or "" for row in rows}
    return tuple(name for name in names if scope.covers(area := areas.get(name, "")) or Scope(area).covers(scope.area))


def choose_channel(
    session: Session,
    name: str,
    area: str | None,
    segment_price: int | None,
    monthly_budget: int | None = None,
    *,
    scope: Scope,
) -> bool:
    """Say whose area a channel is, what a segment and a month may cost on it; False where it is not within the scope.

    Shape: an area of None is nobody's own, a budget of None is no limit. Units: whole rupiah.
    """
    current = session.execute(select(channels.c.area).where(channels.c.name == name)).scalar_one_or_none()
    if not (scope.covers(current or "") and scope.covers(area or "")):
        return False
    dialect = postgresql if is_postgresql(session) else sqlite
    session.execute(dialect.insert(channels).on_conflict_do_nothing(), {"name": name})
    values = {"area": area or None, "segment_price": segment_price, "monthly_budget": monthly_budget}
    session.execute(update(channels).where(channels.c.name == name).values(values))
    return True


def prices_of(session: Session, names: Collection[str]) -> dict[str, int | None]:
    """Return what a segment costs on each of these channels, in rupiah; None where nobody has said."""
    statement = select(channels.c.name, channels.c.segment_price).where(channels.c.name.in_(names))
    return {row.name: row.segment_price for row in session.execute(statement)}


def tick(session: Session, name: str, now: datetime) -> None:
    """Write down that a clock is alive. Errors: Raced when two write their first tick at once."""
    changed = session.execute(update(ticks).where(ticks.c.name == name).values(ticked_at=now))
    if changed.rowcount == 0:
        session.execute(insert(ticks), {"name": name, "ticked_at": now})


def tick_after(session: Session, name: str, seen: datetime, now: datetime) -> bool:
    """Write down that a clock is alive again; False when another has done so since `seen`: of several one is first."""
    mine = ticks.c.name == name, ticks.c.ticked_at == seen
    return bool(session.execute(update(ticks).where(*mine).values(ticked_at=now)).rowcount)


def last_tick(session: Session, name: str) -> datetime | None:
    """Return when a clock last said that it is alive, or None."""
    return session.execute(select(ticks.c.ticked_at).where(ticks.c.name == name)).scalar_one_or_none()
