"""Whether Kabar was away: what the clock's ticks tell of it, so that nobody is late because of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from gateway.calendar import Outage
from gateway.store import audit, channels, outages, totals
from gateway.store.audit import NewAudit
from gateway.store.base import Session, database_now
from gateway.values import Scope

LONGEST = timedelta(minutes=15)  # without a tick; a restart or an update takes less
EVERYWHERE = ""
WHO = "kabar"

logger = structlog.get_logger(__name__)


def read_steady() -> float:
    """Return the seconds of a clock that nobody sets; where the machine has such a one, it goes on in its sleep."""
    kind = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(kind)


@dataclass(slots=True)
class Watch:
    """What one clock process remembers of its last sweep: the machine's clock then, and a steady one."""

    steady: Callable[[], float] = read_steady
    _last: tuple[datetime, float] | None = field(default=None)

    def remember(self, now: datetime) -> None:
        """Keep in mind that this process swept; after the commit, for what was not kept is not noted."""
        self._last = now, self.steady()

    @property
    def was_awake(self) -> bool:
        """Whether this process has been sweeping all the while."""
        return self._last is not None and self.steady() - self._last[1] <= LONGEST.total_seconds()

    def jumped_from(self, now: datetime) -> datetime | None:
        """Return what this machine's clock should show by now where somebody has put it far ahead, else None."""
        if self._last is None:
            return None
        expected = self._last[0] + timedelta(seconds=self.steady() - self._last[1])
        return expected if now - expected > LONGEST else None


def tick(session: Session, name: str, seen: datetime | None, now: datetime, watch: Watch | None) -> None:
    """Write down that a clock is alive; and where none was for long, that this was an outage, once.

    A process that has been sweeping all the while knows that its machine's clock was put ahead: that is written into
    the audit and is no outage. Nor is it one where messages came in meanwhile: only the clock was away. Without a watch
    nothing is noted. Of two clocks that differ, this machine's and the database's, the one that is behind is believed.
    """
    until_at = min(now, database_now(session))
    if watch is None or seen is None or until_at - seen <= LONGEST:
        channels.tick(session, name, now)
        return
    if not channels.tick_after(session, name, seen, now):
        return  # another clock came first, and has noted it
    if watch.was_awake:
        if expected := watch.jumped_from(now):
            _write_down(session, now, "jump", "clock", "", {"before": str(expected), "after": str(now)})
            logger.warning("clock_jumped", expected=str(expected), found=str(now))
        return
    if outages.was_receiving(session, seen, until_at):
        logger.warning("clock_was_away", since=str(seen), until=str(until_at))
        return
    found = Outage(EVERYWHERE, seen, until_at)
    outage_id = outages.add_outage(session, found, outages.NOT_RUNNING, None, now, scope=Scope(EVERYWHERE))
    late = totals.recount_outage(session, found)
    _write_down(session, now, "note", "outage", str(outage_id), {"from": str(seen), "until": str(until_at)})
    logger.warning("outage_noted", since=str(seen), until=str(until_at), recounted=late)


def _write_down(session: Session, now: datetime, action: str, noun: str, subject: str, details: dict[str, str]) -> None:
    audit.record(session, NewAudit(now, None, WHO, action, noun, subject, EVERYWHERE, details))
