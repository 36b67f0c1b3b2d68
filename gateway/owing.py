"""Where a facility's report of a month stands: reminders, STATUS and the pages all go by this. Pure."""

from __future__ import annotations

from enum import StrEnum


class Standing(StrEnum):
    """What a facility's month comes to, as its midwife would be told."""

    IN = "in"  # a report counts
    CLOSED = "closed"  # none counts, and staff have closed the month
    ASKED = "asked"  # one has come, and waits for an answer of hers
    INCOMPLETE = "incomplete"  # one has come that could not be stored, and she never said what was missing
    WITH_STAFF = "with_staff"  # one has come, and staff decide about it
    MISSING = "missing"  # nothing has come, or it was taken back or rejected


ASKED_AGAIN = (0, -1, -2)  # months, from the one that is reported now, whose report is asked for again if taken back
REMINDED = frozenset({Standing.ASKED, Standing.INCOMPLETE, Standing.MISSING})  # who owes something by herself


def find_standing(*, is_in: bool, is_closed: bool, is_asked: bool, is_with_staff: bool, was_asked: bool) -> Standing:
    """Return where a month stands. `was_asked`: about a message that was never stored, and nobody answered in time.

    >>> find_standing(is_in=False, is_closed=False, is_asked=True, is_with_staff=True, was_asked=False).value
    'asked'
    """
    if is_in:
        return Standing.IN
    if is_closed:
        return Standing.CLOSED
    if is_asked:
        return Standing.ASKED
    if is_with_staff:
        return Standing.WITH_STAFF
    return Standing.INCOMPLETE if was_asked else Standing.MISSING
