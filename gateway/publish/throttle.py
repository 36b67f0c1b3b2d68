"""How many requests a token has left: counted in Redis for all processes; while that is away, in each by itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from gateway.publish.problems import Kind, Refusal

AWAY = timedelta(seconds=5)  # so long a Redis that did not answer is not asked again

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of a minute. Units: `reset_seconds` until the oldest request of the window is forgotten."""

    limit: int
    remaining: int
    reset_seconds: int

    @property
    def headers(self) -> Mapping[str, str]:
        """Return what each answer says of it (draft-ietf-httpapi-ratelimit-headers, as most clients read it)."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_seconds),
        }


class Throttle:
    """The requests of each token in the last minute. `pool` is the connections of the house's own client."""

    def __init__(self, address: str, per_minute: int, pool: Any) -> None:
        self._item = RateLimitItemPerMinute(per_minute)
        self._far = MovingWindowRateLimiter(storage_from_string(_as_limits_say(address), connection_pool=pool))
        self._near = MovingWindowRateLimiter(MemoryStorage())
        self._away_until: datetime | None = None

    def take(self, key: str, now: datetime) -> Left:
        """Count one request. Errors: Refusal when there were too many; it says how long to wait."""
        if self._away_until is None or now >= self._away_until:
            try:
                return self._take_from(self._far, key, now)
            except Refusal:
                raise
            except Exception as error:  # noqa: BLE001  whatever is wrong with Redis must not close the door
                logger.warning("throttle_alone", why=type(error).__name__)
                self._away_until = now + AWAY
        return self._take_from(self._near, key, now)

    def _take_from(self, limiter: MovingWindowRateLimiter, key: str, now: datetime) -> Left:
        is_taken = limiter.hit(self._item, "api", key)
        window = limiter.get_window_stats(self._item, "api", key)
        seconds = min(60, max(1, math.ceil(window.reset_time - now.timestamp())))
        left = Left(self._item.amount, max(0, window.remaining), seconds)
        if is_taken:
            return left
        raise Refusal(
            Kind.TOO_MANY,
            f"This token may ask {left.limit} times a minute. Wait {seconds} seconds.",
            f"Token ini boleh meminta {left.limit} kali semenit. Tunggu {seconds} detik.",
            headers={**left.headers, "Retry-After": str(seconds)},
        )


def _as_limits_say(address: str) -> str:
    return f"redis+{address}" if address.startswith("unix://") else address
