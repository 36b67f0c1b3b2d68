"""Traffic: what has lately gone through each channel, and what has not."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, literal_column, select

from gateway.store.base import Session, written
from gateway.store.channels import channels, names_within
from gateway.store.inbox import inbox
from gateway.store.outbox import outbox
from gateway.values import OutboxState, Scope

LOOKED_AT = 500  # of the newest messages of a channel: what is older is old news
MOST_FAILED = 1000  # that are counted in all
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Traffic:
    """How one channel does. `failed` counts the last day, `waiting` what is to be sent; no area is nobody's own."""

    name: str
    area: str
    segment_price: int | None
    monthly_budget: int | None
    received_at: datetime | None
    sent_at: datetime | None
    delivered_at: datetime | None
    waiting: int
    failed: int


def traffic_of(session: Session, names: Collection[str], now: datetime, *, scope: Scope) -> tuple[Traffic, ...]:
    """Return how the configured channels do that somebody of a scope has to do with, in their order."""
    known = {row.name: row for row in session.execute(select(channels).where(channels.c.name.in_(names)))}
    is_open = outbox.c.state.in_((literal_column("'queued'"), literal_column("'sending'")))  # as its partial index says
    waiting = _count(session, select(outbox.c.channel, func.count()).where(is_open).group_by(outbox.c.channel))
    gone_wrong = (
        select(outbox.c.channel, outbox.c.created_at)
        .where(outbox.c.state.in_((written(OutboxState.FAILED), written(OutboxState.UNSURE))))
        .order_by(outbox.c.id.desc())
        .limit(MOST_FAILED)
        .subquery()
    )
    of_today = select(gone_wrong.c.channel, func.count()).where(gone_wrong.c.created_at >= now - DAY)
    failed = _count(session, of_today.group_by(gone_wrong.c.channel))
    found = []
    for name in names_within(session, names, scope):
        row = known.get(name)
        received_at = session.execute(select(func.max(inbox.c.received_at)).where(inbox.c.channel == name)).scalar_one()
        sent_at, delivered_at = _last_sends(session, name)
        found.append(
            Traffic(
                name=name,
                area=(row.area if row else None) or "",
                segment_price=row.segment_price if row else None,
                monthly_budget=row.monthly_budget if row else None,
                received_at=received_at,
                sent_at=sent_at,
                delivered_at=delivered_at,
                waiting=waiting.get(name, 0),
                failed=failed.get(name, 0),
            )
        )
    return tuple(found)


def _count(session: Session, statement: object) -> dict[str, int]:
    return {name: int(count) for name, count in session.execute(statement)}  # type: ignore[call-overload]


def _last_sends(session: Session, name: str) -> tuple[datetime | None, datetime | None]:
    newest = (
        select(outbox.c.sent_at, outbox.c.delivered_at)
        .where(outbox.c.channel == name)
        .order_by(outbox.c.id.desc())
        .limit(LOOKED_AT)
        .subquery()
    )
    last = select(func.max(newest.c.sent_at), func.max(newest.c.delivered_at))
    sent_at, delivered_at = session.execute(last).one()
    return sent_at, delivered_at
