"""Spending: what each channel has cost this month, and how many reminders what is left of its budget pays for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Index, select

from gateway.store.areas import areas
from gateway.store.base import Session
from gateway.store.channels import channels
from gateway.store.outbox import outbox, segments_gone

PERCENT_FOR_REMINDERS = 80  # of a budget; the rest is kept for answers, which stop for no budget

# not by channel first: SQLite would take it for what waits on a channel, which has an index of its own
_went = outbox.c.sent_at.is_not(None)
_sent = outbox.c.sent_at, outbox.c.channel, outbox.c.segments
Index("ix_outbox_sent", *_sent, sqlite_where=_went, postgresql_where=_went)


@dataclass(frozen=True, slots=True)
class Spending:
    """What a channel costs in the month that it is there. Units: whole rupiah; None where nobody has said.

    Shape: `segments` are those of everything that was sent, may have been, or is to be sent; one where the provider has
    not told how many.
    """

    price: int | None
    budget: int | None
    segments: int

    @property
    def spent(self) -> int | None:
        """What that comes to."""
        return None if self.price is None else self.price * self.segments

    @property
    def percent(self) -> int | None:
        """The share of the budget that is spent, in whole percent; None without a budget or a price."""
        if self.budget is None or self.spent is None:
            return None
        return 100 if not self.budget else self.spent * 100 // self.budget

    @property
    def reminders_left(self) -> int | None:
        """How many reminders of one SMS may still go out; None for as many as there are."""
        if self.budget is None or self.spent is None or not self.price:
            return None
        return max(0, self.budget * PERCENT_FOR_REMINDERS // 100 - self.spent) // self.price


def left_for_reminders(session: Session, names: Collection[str], now: datetime, timezone: str) -> dict[str, int | None]:
    """Return how many more reminders may go out this month by each of these channels; None for as many as there are.

    Whoever plans at the same moment counts on the same rest; the fifth that is kept for answers is larger than that.
    """
    found = spending_of(session, names, now, timezone, of_budgets=True)
    return {name: found[name].reminders_left if name in found else None for name in names}


def spending_of(
    session: Session, names: Collection[str], now: datetime, timezone: str, *, of_budgets: bool = False
) -> dict[str, Spending]:
    """Return what each of these channels that has a price (`of_budgets`: and a budget) costs this month.

    Costs one small question, and for each such channel one more, which reads the month's part of an index: some 10 to
    60 ms for 50,000 messages. Units: the month of the channel's own area; of `timezone` where it is nobody's own.
    """
    about = select(channels.c.name, channels.c.segment_price, channels.c.monthly_budget, areas.c.timezone).outerjoin(
        areas, areas.c.code == channels.c.area
    )
    about = about.where(channels.c.name.in_(names), channels.c.segment_price.is_not(None))
    if of_budgets:
        about = about.where(channels.c.monthly_budget.is_not(None))
    found = {}
    for name, price, budget, zone in session.execute(about).all():
        since = _month_start(now, zone or timezone)
        found[name] = Spending(price, budget, segments_gone(session, name, since, with_queued=True))
    return found


def _month_start(now: datetime, zone: str) -> datetime:
    return now.astimezone(ZoneInfo(zone)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
