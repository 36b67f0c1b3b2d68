"""What came of a reminder: within 48 hours, later, not yet, never; added up by rung."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.remind.effect import Effect, add_up, find_effect
from gateway.store.reminded import Reached

SENT = datetime(2025, 10, 2, 1, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("came_after", "looked_after", "effect"),
    [
        (0 * HOUR, 60 * HOUR, Effect.SOON),
        (48 * HOUR, 60 * HOUR, Effect.SOON),
        (49 * HOUR, 60 * HOUR, Effect.LATER),
        (None, 47 * HOUR, Effect.WAITING),
        (None, 48 * HOUR, Effect.NEVER),
    ],
)
def test_a_reminder_is_judged_by_the_48_hours_after_it(
    came_after: timedelta | None, looked_after: timedelta, effect: Effect
) -> None:
    came_at = None if came_after is None else SENT + came_after
    assert find_effect(SENT, came_at, SENT + looked_after) is effect


def test_a_rung_is_judged_by_those_whose_time_is_over() -> None:
    reached = [
        Reached("before", 1, SENT, SENT + HOUR),
        Reached("before", 2, SENT, SENT + 50 * HOUR),
        Reached("before", 3, SENT, None),
        Reached("hand-2025-10-03", 3, SENT + 24 * HOUR, None),
        Reached("hand-2025-10-04", 2, SENT + 47 * HOUR, SENT + 50 * HOUR),
    ]
    found = add_up(reached, SENT + 60 * HOUR)
    before, hand = found["before"], found["hand"]
    assert (before.reached, before.soon, before.later, before.waiting, before.never) == (3, 1, 1, 0, 1)
    assert before.percent == 33
    assert (hand.reached, hand.soon, hand.waiting) == (2, 1, 1)
    assert hand.percent is None, "their 48 hours are not over: the quick one alone would be all of them"


def test_nothing_is_said_in_percent_while_all_still_wait() -> None:
    assert add_up([Reached("before", 1, SENT, None)], SENT + HOUR)["before"].percent is None
