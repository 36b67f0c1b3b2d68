"""Quota: how much a channel may send in 24 hours, as an operator allows a SIM; the last fifth is kept for answers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

WINDOW = timedelta(hours=24)
LOOK_AGAIN = timedelta(minutes=1)  # after everything had to wait
PERCENT_FOR_REMINDERS = 80  # as of a budget


def count_fitting(messages: Iterable[tuple[int, int]], used: int, per_day: int) -> int:
    """Return how many of these messages may go now, in their order; what waits lets nothing behind it go first.

    Shape: each message is its priority, 0 for an answer, and its segments. Where nothing went yet one always may go,
    however long it is.

    >>> count_fitting([(0, 2), (0, 1), (1, 1)], 7, 10), count_fitting([(1, 1)], 8, 10), count_fitting([(0, 9)], 0, 5)
    (2, 0, 1)
    """
    count = 0
    for priority, segments in messages:
        most = per_day * PERCENT_FOR_REMINDERS // 100 if priority else per_day
        if used and used + segments > most:
            break
        used, count = used + segments, count + 1
    return count
