"""The checker itself, on made-up evidence: where promises were kept it finds nothing, and each broken one is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.checker import Answer, Evidence, Kept, find_faults, invariants
from tests.chaos.traffic import FIRST_SENT_AT, Message

PLACES = {0: 100, 1: 100, 2: 101, 3: 101}
PHONES = {"+6281", "+6282"}


def message(number: int, phone: int = 0, minutes: int = 0, is_report: bool = True) -> Message:
    """Make one message."""
    values = {"baru": number, "aktif": 40 + number, "aktif.pil": 1} if is_report else {}
    return Message(f"m{number}", phone, FIRST_SENT_AT + timedelta(minutes=minutes), f"text {number}", values)


def keep_promises(messages: list[Message]) -> Evidence:
    """Return what a house leaves that did everything right, in whatever order the messages came."""
    last: dict[int, Message] = {}
    for one in messages:
        place = PLACES[one.phone]
        if one.values and (place not in last or one.rank > last[place].rank):
            last[place] = one
    totals: dict[str, int] = {}
    for one in last.values():
        for measure, quantity in one.values.items():
            totals[measure] = totals.get(measure, 0) + quantity
    numbered = list(enumerate(messages, start=1))
    return Evidence(
        sent={one.id: one for one in messages},
        acknowledged={one.id for one in messages},
        kept=[Kept(n, one.id, one.text, "done" if one.values else "for_staff") for n, one in numbered],
        answers=[Answer(n, "answer", "+6281", "baik", f"r{n}", "sent", 1) for n, _ in numbered],
        reports=[(n, 3) for n, one in numbered if one.values],
        current={place: one.values for place, one in last.items()},
        totals=totals,
        places=PLACES,
        phones=PHONES,
        taken=[f"r{n}" for n, _ in numbered],
    )


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.booleans()), max_size=12),
    st.randoms(use_true_random=False),
)
def test_nothing_is_found_where_every_promise_was_kept_whatever_the_order(
    drawn: list[tuple[int, int, bool]], chance: Any
) -> None:
    messages = [message(n, phone, minutes, is_report) for n, (phone, minutes, is_report) in enumerate(drawn)]
    chance.shuffle(messages)
    assert find_faults(keep_promises(messages)) == []


WHOLE = keep_promises([message(1, minutes=5), message(2, minutes=1), message(3, phone=2), message(4, is_report=False)])


def with_answer(**changes: object) -> Evidence:
    """Change the first answer."""
    return replace(WHOLE, answers=[replace(WHOLE.answers[0], **changes), *WHOLE.answers[1:]])  # type: ignore[arg-type]


def with_kept(**changes: object) -> Evidence:
    """Change the first message that was kept."""
    return replace(WHOLE, kept=[replace(WHOLE.kept[0], **changes), *WHOLE.kept[1:]])  # type: ignore[arg-type]


BROKEN: dict[str, tuple[str, Callable[[], Evidence]]] = {
    "acknowledged and lost": ("I1", lambda: replace(WHOLE, kept=WHOLE.kept[1:])),
    "kept in other words": ("I1", lambda: with_kept(text="other words")),
    "left in the spool": ("I1", lambda: replace(WHOLE, spooled=['{"id": "m1"}'])),
    "kept twice": ("I2", lambda: replace(WHOLE, kept=[*WHOLE.kept, replace(WHOLE.kept[0], id=99)])),
    "invented": ("I2", lambda: replace(WHOLE, kept=[*WHOLE.kept, Kept(99, "m99", "", "for_staff")])),
    "forged": ("I2", lambda: replace(WHOLE, forged={"m1"})),
    "never handled": ("I3", lambda: with_kept(state="received")),
    "given up too early": ("I3", lambda: with_kept(state="dead", attempts=1)),
    "tried in vain": ("I3", lambda: with_kept(attempts=1)),
    "no report": ("I4", lambda: replace(WHOLE, reports=WHOLE.reports[1:])),
    "two reports": ("I4", lambda: replace(WHOLE, reports=[*WHOLE.reports, (1, 3)])),
    "half a report": ("I4", lambda: replace(WHOLE, reports=[(1, 2), *WHOLE.reports[1:]])),
    "a report of a chat": ("I4", lambda: replace(WHOLE, reports=[*WHOLE.reports, (4, 3)])),
    "the older one counts": ("I5", lambda: replace(WHOLE, current={**WHOLE.current, 100: message(2).values})),
    "wrong sums": ("I5", lambda: replace(WHOLE, totals={**WHOLE.totals, "baru": 77})),
    "no answer": ("I6", lambda: replace(WHOLE, answers=WHOLE.answers[1:], taken=WHOLE.taken[1:])),
    "two answers": (
        "I6",
        lambda: replace(WHOLE, answers=[*WHOLE.answers, replace(WHOLE.answers[0], ref="r9", state="unsure")]),
    ),
    "sent more often than tried": ("I7", lambda: replace(WHOLE, taken=[*WHOLE.taken, "r1"])),
    "tried too often": ("I7", lambda: with_answer(attempts=2)),
    "refused more often than the provider did": ("I7", lambda: with_answer(refusals=1)),
    "sent, and no row": ("I8", lambda: replace(WHOLE, taken=[*WHOLE.taken, "nobody's"])),
    "said to be sent": ("I8", lambda: replace(WHOLE, taken=WHOLE.taken[1:])),
    "said to have failed": ("I8", lambda: with_answer(state="failed")),
    "still queued": ("I9", lambda: with_answer(state="queued")),
    "sent to a stranger": ("I9", lambda: with_answer(recipient="+1900")),
    "reminded twice": (
        "I10",
        lambda: replace(
            WHOLE,
            answers=[*WHOLE.answers, *(Answer(None, "reminder", "+6281", "kapan?", ref, "unsure", 1) for ref in "ab")],
        ),
    ),
    "no answer in time": ("I11", lambda: replace(WHOLE, wrong=["I11 no answer"])),
    "a broken file": ("I12", lambda: replace(WHOLE, unsound=["integrity: row 3 missing"])),
}


@pytest.mark.parametrize("what", BROKEN)
def test_each_broken_promise_is_named(what: str) -> None:
    invariant, make = BROKEN[what]
    assert invariant in invariants(find_faults(make())), what


def test_an_answer_that_nobody_can_tell_of_is_no_fault() -> None:
    assert find_faults(with_answer(state="unsure")) == []
    assert find_faults(replace(with_answer(state="unsure"), taken=WHOLE.taken[1:])) == []


def test_what_lies_in_the_spool_is_not_lost() -> None:
    spooled = replace(WHOLE, kept=WHOLE.kept[1:], spooled=['{"body": {"id": "m1"}}'], has_settled=False)
    assert find_faults(spooled) == []


def test_in_the_middle_of_a_run_only_what_must_hold_at_any_time_is_looked_at() -> None:
    halfway = replace(with_kept(state="received"), answers=WHOLE.answers[1:], taken=WHOLE.taken[1:], has_settled=False)
    assert find_faults(halfway) == []
