"""What reminders did: how many of those that a rung reached reported within two days, later, or never. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.store.reminded import Reached

SOON = timedelta(hours=48)
HAND = "hand"  # the rung of what staff sent by hand, whatever day it was


class Effect(StrEnum):
    """What came of one reminder."""

    SOON = "soon"  # the report was sent within 48 hours
    LATER = "later"
    WAITING = "waiting"  # the 48 hours are not over yet
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class RungEffect:
    """What came of a rung: how many facilities it reached, and how many of those reported when."""

    rung: str
    reached: int
    soon: int
    later: int
    waiting: int
    never: int

    @property
    def percent(self) -> int | None:
        """How many in a hundred reported within 48 hours, of those whose 48 hours are over or who reported."""
        over = self.reached - self.waiting
        return 100 * self.soon // over if over else None


def find_effect(sent_at: datetime, came_at: datetime | None, now: datetime) -> Effect:
    """Return what came of a reminder that went out at an instant."""
    if came_at is not None:
        return Effect.SOON if came_at - sent_at <= SOON else Effect.LATER
    return Effect.WAITING if now - sent_at < SOON else Effect.NEVER


def rung_of(code: str) -> str:
    """Return a rung's code without the day that one sent by hand has.

    >>> rung_of("due"), rung_of("hand-2025-10-03")
    ('due', 'hand')
    """
    return HAND if code.startswith(f"{HAND}-") else code


def add_up(reached: Iterable[Reached], now: datetime) -> Mapping[str, RungEffect]:
    """Return what came of each rung, in the order in which their first SMS went out."""
    counts: dict[str, Counter[Effect]] = {}
    for one in reached:
        counts.setdefault(rung_of(one.rung), Counter())[find_effect(one.sent_at, one.came_at, now)] += 1
    return {
        rung: RungEffect(rung, found.total(), *(found[effect] for effect in Effect)) for rung, found in counts.items()
    }
