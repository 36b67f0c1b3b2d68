"""Early: what a provider said of messages by an id of its own that is not known here yet, until it is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Index,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    delete,
    exists,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from gateway.store.base import Session, UtcDateTime, is_postgresql, metadata
from gateway.store.inbox import BigId
from gateway.store.outbox import outbox, record_status
from gateway.values import DeliveryStatus, OutboxState

LASTS = timedelta(days=1)  # a sender writes down what it sent within a minute, or never
MOST = 1000  # the newest: a gateway that others send through tells of their messages too
_CLOCKS = timedelta(minutes=1)  # that those of two machines may differ

early_statuses = Table(
    "early_statuses",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("channel", String(40), nullable=False),
    Column("provider_id", String(200), nullable=False),
    Column("state", String(10), nullable=False),
    Column("code", String(40), nullable=False),
    Column("words", Text, nullable=False),
    Column("at", UtcDateTime, nullable=True),
    Column("kept_at", UtcDateTime, nullable=False),
    UniqueConstraint("channel", "provider_id", "state", name="uq_early_statuses_channel_provider_id_state"),
)
Index("ix_early_statuses_kept_at", early_statuses.c.kept_at)

_is_its_message = and_(
    outbox.c.channel == early_statuses.c.channel,
    outbox.c.provider_id == early_statuses.c.provider_id,
)


def keep(session: Session, channel: str, status: DeliveryStatus, now: datetime) -> bool:
    """Keep what a provider says by its own id alone of a message that is not known by it; False for all else."""
    if status.state is None or status.ref or not status.provider_id:
        return False
    its = outbox.c.provider_id == status.provider_id, outbox.c.channel == channel, _is_of_late(now)
    if session.execute(select(outbox.c.id).where(*its).limit(1)).first() is not None:
        return False
    row = {name: getattr(status, name) for name in ("provider_id", "state", "code", "words", "at")}
    dialect = postgresql if is_postgresql(session) else sqlite
    statement = dialect.insert(early_statuses).on_conflict_do_nothing().returning(early_statuses.c.id)
    if session.execute(statement, row | {"channel": channel, "kept_at": now}).first() is None:
        return False
    beyond = select(early_statuses.c.id).order_by(early_statuses.c.id.desc()).offset(MOST).limit(1)
    session.execute(delete(early_statuses).where(early_statuses.c.id <= beyond.scalar_subquery()))
    return True


def has_work(session: Session, now: datetime) -> bool:
    """Tell whether a message is known by now that something was said of early, or something was kept long enough."""
    old = select(early_statuses.c.id).where(_is_old(now))
    return bool(session.execute(select(exists(_known(now)) | exists(old))).scalar_one())


def settle(session: Session, now: datetime) -> int:
    """Tell of messages what was said of them early, in its order, and drop what is old; return how many moved."""
    moved, settled = 0, []
    for row in session.execute(_known(now).order_by(early_statuses.c.id)).all():
        settled.append(row.id)
        if row.kept_at < row.created_at - _CLOCKS:  # it is of an earlier message, whose id this one bears now
            continue
        status = DeliveryStatus(
            OutboxState(row.state), provider_id=row.provider_id, code=row.code, words=row.words, at=row.at
        )
        moved += record_status(session, row.channel, status, now)
    session.execute(delete(early_statuses).where(early_statuses.c.id.in_(settled)))
    session.execute(delete(early_statuses).where(_is_old(now)))
    return moved


def _is_old(now: datetime) -> ColumnElement[bool]:
    """Tell what was kept long enough; a time far ahead was written by a wrong clock, and is over."""
    at = early_statuses.c.kept_at
    return or_(at < now - LASTS, at > now + LASTS)


def _is_of_late(now: datetime) -> ColumnElement[bool]:
    """Tell which messages a status may be of; an older one may bear an id that its provider has begun anew to give."""
    return or_(outbox.c.sent_at.is_(None), outbox.c.sent_at > now - LASTS)


def _known(now: datetime) -> Select[tuple[Any, ...]]:
    return select(early_statuses, outbox.c.created_at).join(outbox, _is_its_message & _is_of_late(now))
