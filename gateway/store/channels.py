"""Channels: the pace of each configured channel, shared by every sender of it, and the clock's last tick."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Column, Index, Integer, String, Table, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.store.base import Session, UtcDateTime, is_postgresql, metadata
from gateway.store.inbox import inbox

channels = Table(
    "channels",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("next_send_at", UtcDateTime, nullable=True),
    Column("area", String(13), nullable=True),
    Column("segment_price", Integer, nullable=True),
)

Index("ix_inbox_channel_received", inbox.c.channel, inbox.c.received_at)

ticks = Table(
    "ticks",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("ticked_at", UtcDateTime, nullable=False),
)


def hold_channel(session: Session, name: str) -> datetime | None:
    """Take a channel's pace for this transaction and return when its next message may go, None for at once."""
    pace = select(channels.c.next_send_at).where(channels.c.name == name).with_for_update()
    row = session.execute(pace).first()
    if row is None:
        dialect = postgresql if is_postgresql(session) else sqlite
        session.execute(dialect.insert(channels).on_conflict_do_nothing(), {"name": name})
        row = session.execute(pace).one()
    found: datetime | None = row.next_send_at
    return found


def keep_pace(session: Session, name: str, clock: datetime, count: int, per_second: float) -> None:
    """Write down that `count` messages go now, so that the next ones wait their part of a second."""
    next_send_at = clock + timedelta(seconds=count / per_second)
    session.execute(update(channels).where(channels.c.name == name).values(next_send_at=next_send_at))


def prices_of(session: Session, names: Collection[str]) -> dict[str, int | None]:
    """Return what a segment costs on each of these channels, in rupiah; None where nobody has said."""
    statement = select(channels.c.name, channels.c.segment_price).where(channels.c.name.in_(names))
    return {row.name: row.segment_price for row in session.execute(statement)}


def tick(session: Session, name: str, now: datetime) -> None:
    """Write down that a clock is alive. Errors: Raced when two write their first tick at once."""
    changed = session.execute(update(ticks).where(ticks.c.name == name).values(ticked_at=now))
    if changed.rowcount == 0:
        session.execute(insert(ticks), {"name": name, "ticked_at": now})


def last_tick(session: Session, name: str) -> datetime | None:
    """Return when a clock last said that it is alive, or None."""
    return session.execute(select(ticks.c.ticked_at).where(ticks.c.name == name)).scalar_one_or_none()
