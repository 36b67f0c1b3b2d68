"""How the house does: one look at everything that works or waits, for metrics, the status page and `doctor`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.errors import KabarError
from gateway.jobs import Crew
from gateway.runtime import Runtime, utc_now
from gateway.store import channel_health, channels, inbox, schema, vitals
from gateway.store.base import Session, database_now, is_postgresql
from gateway.store.channel_health import Look
from gateway.store.vitals import OLDEST_TICK, OLDEST_UNSENT, OLDEST_WAITING, Unsent


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database says. Units: `drift` is how far this machine's clock is ahead of the database's."""

    kind: str
    version: str
    schema: str
    bytes: int
    drift: timedelta
    waiting_since: datetime | None
    ticked_at: datetime | None
    inbox: Mapping[str, int]
    undelivered: Mapping[str, int]
    unsent: Mapping[str, Unsent]
    errands: Mapping[str, Mapping[str, int]]
    looks: Mapping[str, Look]


@dataclass(frozen=True, slots=True)
class Condition:
    """What one look has found. `stored` is None where the database is away, or at a version that this code cannot use.

    `crews` is None where Redis does not answer.
    """

    at: datetime
    is_database_up: bool
    schema: str | None
    crews: Mapping[str, Crew] | None
    stored: Stored | None
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_migrated(self) -> bool:
        """Whether the database is at a version that this code can use."""
        return self.stored is not None

    @property
    def waiting_seconds(self) -> float | None:
        """Age of the oldest message that is not handled, None where there is none."""
        return seconds_since(self.stored.waiting_since, self.at) if self.stored else None

    @property
    def tick_seconds(self) -> float | None:
        """Seconds since a clock said that it lives, None where none ever did."""
        return seconds_since(self.stored.ticked_at, self.at) if self.stored else None

    @property
    def is_inbound_late(self) -> bool:
        """Whether a message waits for so long that nobody can be handling."""
        return (self.waiting_seconds or 0) > OLDEST_WAITING.total_seconds()

    @property
    def is_clock_silent(self) -> bool:
        """Whether nothing sweeps."""
        return self.tick_seconds is None or self.tick_seconds > OLDEST_TICK.total_seconds()

    @property
    def late_channels(self) -> tuple[str, ...]:
        """The channels by which something might have gone for long, and has not."""
        unsent = self.stored.unsent if self.stored else {}
        return tuple(name for name, one in unsent.items() if one.since and self.at - one.since > OLDEST_UNSENT)


def look(runtime: Runtime) -> Condition:
    """Look at database and Redis. Never raises for what is away."""
    now = runtime.now()
    crews, counts = runtime.bells.find_crews(), runtime.bells.counts()
    try:
        with runtime.database.session(read_only=True) as session:
            at = schema.version_of(session)
            stored = _read(session, runtime, at, now) if at is not None and schema.fits(at) else None
    except KabarError:
        return Condition(now, False, None, crews, None, counts)
    return Condition(now, True, at, crews, stored, counts)


def _read(session: Session, runtime: Runtime, at: str, now: datetime) -> Stored:
    return Stored(
        kind="postgresql" if is_postgresql(session) else "sqlite",
        version=vitals.database_version(session),
        schema=at,
        bytes=vitals.count_bytes(session),
        drift=utc_now() - database_now(session),
        waiting_since=inbox.oldest_waiting(session),
        ticked_at=channels.last_tick(session, "clock"),
        inbox=vitals.count_inbox(session),
        undelivered=vitals.count_undelivered(session, now),
        unsent=vitals.unsent_by_channel(session),
        errands=vitals.count_errands(session, now),
        looks=channel_health.health_of(session, list(runtime.channels)),
    )


def seconds_since(at: datetime | None, now: datetime) -> float | None:
    """Return how long ago something was, never less than nothing; None where it never was."""
    return None if at is None else round(max(0.0, (now - at).total_seconds()), 3)


def python_version() -> str:
    """Return the version of the Python that runs this code."""
    return ".".join(map(str, sys.version_info[:3]))
