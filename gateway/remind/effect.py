"""What reminders did: how many of those that a rung reached reported within two days, later, or never. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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
    """What came of a rung: how many facilities it reached, and how many of those reported when.

    `percent` is how many in a hundred reported within 48 hours, of those whose 48 hours are over, whether they reported
    or not: who is quick would count alone before that. None while they are over for nobody.
    """

    rung: str
    reached: int
    soon: int
    later: int
    waiting: int
    never: int
    percent: int | None


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
    by_rung: dict[str, list[tuple[Effect, bool]]] = {}
    for one in reached:
        is_over = now - one.sent_at >= SOON
        by_rung.setdefault(rung_of(one.rung), []).append((find_effect(one.sent_at, one.came_at, now), is_over))
    return {rung: _add_up(rung, found) for rung, found in by_rung.items()}


def _add_up(rung: str, found: Sequence[tuple[Effect, bool]]) -> RungEffect:
    counts = Counter(effect for effect, _ in found)
    over = [effect for effect, is_over in found if is_over]
    percent = 100 * over.count(Effect.SOON) // len(over) if over else None
    soon, later, waiting, never = (counts[effect] for effect in Effect)
    return RungEffect(rung, len(found), soon, later, waiting, never, percent)
