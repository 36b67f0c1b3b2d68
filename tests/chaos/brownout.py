"""A provider with bad days: slow, late, refusing, failing, losing its answers. Its ledger holds what it really sent."""

from __future__ import annotations

import random
import threading
from collections import Counter

from tests.chaos.harness import pause
from tests.gateway.channels.provider import Provider
from tests.gateway.channels.standin import Fault, Reply, Seen

WELL, SLOW, BROWN_OUT, REFUSING = "well", "slow", "brown-out", "refusing"
LATE_SECONDS = 2.5  # longer than a run's senders wait
TIMEOUT_SECONDS = 2


class MoodyProvider(Provider):
    """A provider that takes a message once for every request that it does not refuse, whatever its answer says.

    `refused` counts by ref what it refused for certain, `requests_met` has the ref of every request, `refs`
    each once. Its mood decides what becomes of a request.
    """

    def __init__(self, chance: random.Random) -> None:
        super().__init__(is_idempotent=False)
        self.mood = WELL
        self.refused: Counter[str] = Counter()
        self.requests_met: list[str] = []
        self.refs: set[str] = set()
        self.tongue = threading.Event()  # while it is not set, what was taken is not answered
        self.tongue.set()
        self._chance = chance
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # who is killed breaks its line

    def hold(self, seen: Seen) -> None:
        """Take some time."""
        super().hold(seen)
        with self.lock:
            drawn, mood = self._chance.random(), self.mood
        if mood == SLOW:
            pause(0.3 * drawn)
        elif mood == BROWN_OUT and drawn < 0.1:
            pause(LATE_SECONDS)
        else:
            pause(0.01 * drawn)

    def take(self, seen: Seen) -> Reply | Fault:
        """Take a request, and answer when that is allowed."""
        reply = super().take(seen)
        self.tongue.wait(60)
        return reply

    def answer(self, seen: Seen) -> Reply | Fault:
        """Take the message or not, and say so or not."""
        key = seen.headers.get("idempotency-key", "")
        drawn = self._chance.random()
        self.requests_met.append(key)
        self.refs.add(key)
        if self.mood == REFUSING or (self.mood == BROWN_OUT and drawn < 0.2):
            self.refused[key] += 1
            return Reply(503, b"later", {"Retry-After": "1"})
        if self.mood != BROWN_OUT or drawn > 0.8:
            return super().answer(seen)
        if drawn < 0.4:
            return Reply(500, b"nobody knows")
        if drawn < 0.5:
            return Fault.LOST
        super().answer(seen)
        return Fault.LOST if drawn < 0.7 else Reply(502, b"taken, and nobody says so")


class OutpacedProvider(MoodyProvider):
    """Knows its refs, and answers its first request only when `first` is set: then it refuses it for good."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__(chance)
        self.is_idempotent = True
        self.first = threading.Event()

    def take(self, seen: Seen) -> Reply | Fault:
        """Let the first request wait, and no other."""
        with self.lock:
            self.seen.append(seen)
            is_first = len(self.seen) == 1
        if is_first:
            self.first.wait(60)
            return Reply(400, b"no")
        with self.lock:
            return self.answer(seen)
