"""How fast each adapter takes messages in and hands them out, beside what its peer itself can do, in the same run.

Each `bench/channel_<name>.py` measures one adapter: `measure(count, tell)` yields rows. A peer that is not installed is
named, and its rows are left out.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bench import messages
from gateway.discover import discover
from gateway.runtime import Runtime, utc_now
from gateway.store import outbox
from workers import outbound


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement. Units: messages a second, of Kabar's side and of the peer alone."""

    adapter: str
    direction: str  # in, out
    what: str
    ours: float
    peer: float
    of_peer: str  # what the peer's own rate is the rate of

    def as_markdown(self) -> str:
        """Return the row of the table."""
        share = f"{self.ours / self.peer:.2f}" if self.peer else ""
        return (
            f"| {self.adapter} | {self.direction} | {self.what} | {self.ours:,.0f} | {self.peer:,.0f} |"
            f" {self.of_peer} | {share} |"
        )


def send_queued(runtime: Runtime, channel: str, count: int) -> float:
    """Return how many answers a second one worker hands over, each written down before and after."""
    with runtime.database.session() as session:
        phones = [messages.phone_of(number % 1000) for number in range(count)]
        new = [outbox.NewOutboxMessage(None, "test", channel, phone, "KB", "t", utc_now()) for phone in phones]
        outbox.add_many(session, new)
        session.commit()
    started, left = time.monotonic(), count
    while left:
        left -= outbound.drain(runtime, channel)
    return count / (time.monotonic() - started)


Measure = Callable[[int, Callable[[str], None]], Iterator[Row]]


def main() -> None:
    """Measure the adapters that are asked for, all without any."""
    found: dict[str, Any] = dict(discover("bench", having=("measure", "ADAPTER")))
    measures: dict[str, Measure] = {module.ADAPTER: module.measure for module in found.values()}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("adapters", nargs="*", choices=[*measures, []], help="those to measure; all without any")
    parser.add_argument("--count", type=int, default=1000, help="messages in each direction")
    chosen = parser.parse_args()
    print("| adapter | way | what | messages/s | peer alone | which is | share |\n|---|---|---|---|---|---|---|")
    for name in chosen.adapters or measures:
        for row in measures[name](chosen.count, lambda words: print(words, file=sys.stderr)):
            print(row.as_markdown(), flush=True)


if __name__ == "__main__":
    main()
