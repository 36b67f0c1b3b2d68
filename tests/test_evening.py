"""The country's evening, as it is measured: what its books expect is what the reader makes of each message."""

from __future__ import annotations

from collections import Counter

from bench.evening import ASKED, CHAT, CLEAN, MENDED, MIX, REPEATS, with_repeats, write_messages
from gateway.forms import load_forms
from parsers.period import assumed_period
from parsers.read import read_message
from parsers.reading import Kind
from tests.district import NOON

COUNT = 1000
MESSAGES = write_messages(1, COUNT, NOON, seed=1)


def test_every_midwife_sends_one_message_and_all_kinds_come_in_their_shares() -> None:
    assert sorted(one.midwife for one in MESSAGES) == list(range(1, COUNT + 1))
    found = Counter(one.kind for one in MESSAGES)
    shares = {kind: found[kind] / COUNT * (100 - REPEATS) for kind in MIX}
    assert all(abs(shares[kind] - wanted) < 4 for kind, wanted in MIX.items())


def test_what_needs_no_question_is_read_as_it_was_meant() -> None:
    for one in MESSAGES:
        reading = read_message(one.text.text, NOON.date(), load_forms())
        if one.kind in {CLEAN, MENDED}:
            [report] = reading.reports
            meant = {
                name if name in {"baru", "aktif"} else f"aktif.{name}": value for name, value in one.values.items()
            }
            assert (report.period, report.problems) == (assumed_period(NOON.date()), ()), one.text.text
            assert report.values.items() <= meant.items(), one.text.text
        else:
            assert reading.kind is {ASKED: Kind.REPORT, CHAT: Kind.TEXT}[one.kind], one.text.text


def test_a_repeat_comes_after_the_message_that_it_repeats() -> None:
    requests = with_repeats(MESSAGES, seed=1)
    first = {one.provider_id: place for place, one in reversed(list(enumerate(requests)))}
    repeats = [place for place, one in enumerate(requests) if one.is_repeat]
    assert len(repeats) == len(requests) - COUNT == COUNT * REPEATS // (100 - REPEATS)
    assert all(first[requests[place].provider_id] < place for place in repeats)
