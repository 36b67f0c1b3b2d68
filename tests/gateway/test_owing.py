"""Where a month stands, of every combination of what is known about it."""

from __future__ import annotations

from itertools import product

import pytest

from gateway.owing import REMINDED, Standing, find_standing

KNOWN = ("is_in", "is_closed", "is_asked", "is_with_staff", "was_asked")
EVERY = [dict(zip(KNOWN, values, strict=True)) for values in product((False, True), repeat=len(KNOWN))]


@pytest.mark.parametrize("known", EVERY, ids=lambda known: "+".join(one for one, is_so in known.items() if is_so))
def test_whoever_has_reported_is_never_reminded(known: dict[str, bool]) -> None:
    standing = find_standing(**known)
    assert (standing is Standing.IN) == known["is_in"]
    if known["is_in"] or known["is_closed"]:
        assert standing not in REMINDED


@pytest.mark.parametrize("known", EVERY, ids=lambda known: "+".join(one for one, is_so in known.items() if is_so))
def test_whoever_owes_nothing_by_herself_is_never_reminded(known: dict[str, bool]) -> None:
    """What waits for staff is reminded only where an answer of hers would help."""
    standing = find_standing(**known)
    if known["is_with_staff"] and not known["is_asked"]:
        assert standing not in REMINDED
    if known["is_asked"] and not known["is_in"] and not known["is_closed"]:
        assert standing is Standing.ASKED


def test_a_month_of_which_nothing_is_known_is_missing() -> None:
    assert find_standing(**dict.fromkeys(KNOWN, False)) is Standing.MISSING


def test_a_question_that_nobody_answered_in_time_leaves_the_report_incomplete() -> None:
    assert find_standing(**dict.fromkeys(KNOWN, False) | {"was_asked": True}) is Standing.INCOMPLETE


def test_every_standing_can_be() -> None:
    assert {find_standing(**known) for known in EVERY} == set(Standing)
