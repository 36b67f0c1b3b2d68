"""Longer messages: however their parts come, one is read once and whole, or not at all and its sender is told."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from gateway.app import create_app
from gateway.receive import keep
from gateway.store import inbox as inbox_store
from gateway.store import parts as parts_store
from gateway.store import reports
from gateway.store.base import Database
from gateway.store.inbox import InboxMessage, inbox
from gateway.store.parts import parts
from gateway.store.reports import ReportKey
from gateway.values import InboundSms, SmsPart, read_sender
from tests.district import NOON, PHONES, District
from tests.gateway.review.visits import sign_in
from workers.sweep import sweep

HALVES = ("KB 0925 BARU 12 AKT", "IF 40 PIL 30")
WHOLE = "".join(HALVES)


def part(
    key: str, text: str, number: int, total: int = 2, *, ref: str = "7", who: str = "ani", at: datetime | None = NOON
) -> InboundSms:
    """Return a part as an adapter hands it in."""
    sms = InboundSms(key, read_sender(PHONES.get(who, who)), text, sent_at=at)
    return InboundSms(key, sms.sender, text, "2345", at, part=SmsPart(ref, total, number))


def keep_all(database: Database, messages: Sequence[InboundSms], now: datetime = NOON) -> list[bool]:
    """Keep messages, each in a transaction of its own, and return which were new."""
    return [keep_one(database, sms, now) for sms in messages]


def keep_one(database: Database, sms: InboundSms, now: datetime) -> bool:
    """Keep one message."""
    with database.session() as session:
        trace_id = keep.keep_sms(session, "simulator", sms, now)
        session.commit()
    return bool(trace_id)


def release(database: Database, now: datetime) -> int:
    """Give up waiting for what is late."""
    with database.session() as session:
        count = parts_store.release_late(session, now)
        session.commit()
    return count


def kept(database: Database) -> list[InboxMessage]:
    """Return the inbox, the oldest message first."""
    with database.session(read_only=True) as session:
        return list(inbox_store.latest_messages(session, limit=1000))[::-1]


def texts(database: Database) -> list[str]:
    """Return what the inbox says."""
    return [one.text for one in kept(database)]


def test_the_parts_of_a_message_are_read_as_one_report_and_answered_once(district: District) -> None:
    later = NOON + timedelta(seconds=4)
    assert keep_all(district.database, [part("b", HALVES[1], 2, at=later)]) == [True]
    assert district.handle() == 0
    assert keep_all(district.database, [part("a", HALVES[0], 1)]) == [True]
    assert district.handle() == 1
    (message,) = kept(district.database)
    assert (message.text, message.sent_at, message.is_cut) == (WHOLE, NOON, False), "sent when its first part was"
    with district.database.session(read_only=True) as session:
        found = reports.find_current(session, ReportKey("kb", district.ids["PMB01"], "2025-09"))
    assert found is not None
    assert found.values["aktif"] == 40


def test_a_part_that_comes_again_after_all_have_come_keeps_nothing(database: Database) -> None:
    both = [part("a", HALVES[0], 1), part("b", HALVES[1], 2)]
    assert keep_all(database, both) == [True, True]
    assert keep_all(database, both, NOON + timedelta(days=3)) == [False, False]
    assert release(database, NOON + timedelta(days=4)) == 0
    assert texts(database) == [WHOLE]


def test_a_text_is_kept_once(database: Database) -> None:
    keep_all(database, [part("a", HALVES[0], 1), part("b", HALVES[1], 2)])
    with database.session(read_only=True) as session:
        assert set(session.execute(parts.select().with_only_columns(parts.c.text)).scalars()) == {""}


@pytest.mark.parametrize("wrong", [SmsPart("1", 1, 1), SmsPart("1", 0, 0), SmsPart("1", 2, 3), SmsPart("1", 2, 0)])
def test_a_header_that_cannot_be_true_is_none(database: Database, wrong: SmsPart) -> None:
    sms = InboundSms("a", read_sender(PHONES["ani"]), WHOLE, part=wrong)
    keep_all(database, [sms, sms])
    assert texts(database) == [WHOLE]


def test_what_came_of_a_message_is_given_to_staff_unread_and_its_sender_is_told_once(district: District) -> None:
    keep_all(district.database, [part("a", HALVES[0], 1, 4), part("b", "PIL 30", 3, 4)])
    district.pass_time(minutes=9)
    sweep(district.runtime)
    assert kept(district.database) == []
    district.pass_time(minutes=1)
    sweep(district.runtime)
    sweep(district.runtime)
    assert district.handle() == 1
    (message,) = kept(district.database)
    assert (message.text, message.state, message.is_cut) == (f"{HALVES[0]} [...] PIL 30 [...]", "for_staff", True)
    answer = district.answer(message.provider_id)
    assert answer is not None
    assert "tidak utuh" in answer.text
    with district.database.session(read_only=True) as session:
        assert reports.find_current(session, ReportKey("kb", district.ids["PMB01"], "2025-09")) is None


def test_staff_see_why_a_cut_message_was_not_read(district: District) -> None:
    keep_all(district.database, [part("a", HALVES[0], 1, 2)])
    district.pass_time(minutes=10)
    sweep(district.runtime)
    district.handle()
    staff = create_app(district.runtime).test_client()
    sign_in(staff, district.runtime)
    assert "Parts of it never came" in staff.get("/messages?tab=work&lang=en").text


def test_the_wait_begins_anew_with_each_part(database: Database) -> None:
    keep_all(database, [part("a", "1", 1, 3)])
    keep_all(database, [part("b", "2", 2, 3)], NOON + timedelta(minutes=6))
    assert release(database, NOON + timedelta(minutes=11)) == 0
    keep_all(database, [part("c", "3", 3, 3)], NOON + timedelta(minutes=15))
    assert texts(database) == ["123"]


def test_a_cut_message_from_an_unknown_number_is_held_and_asks_for_no_registration(district: District) -> None:
    keep_all(district.database, [part("a", "DAFTAR Siti Aminah PMB Si", 1, who="stranger")])
    district.pass_time(minutes=10)
    sweep(district.runtime)
    district.handle()
    (message,) = kept(district.database)
    assert message.state == "held"
    answer = district.answer(message.provider_id)
    assert answer is not None
    assert "tidak utuh" in answer.text


def test_a_part_that_comes_very_late_makes_the_message_whole_and_takes_it_from_staff(district: District) -> None:
    keep_all(district.database, [part("a", HALVES[0], 1)])
    district.pass_time(minutes=10)
    sweep(district.runtime)
    district.handle()
    district.pass_time(hours=3)
    keep_all(district.database, [part("b", HALVES[1], 2, at=NOON + timedelta(seconds=5))], district.runtime.now())
    district.handle()
    assert [(one.text, one.state) for one in kept(district.database)] == [
        (f"{HALVES[0]} [...]", "done"),
        (WHOLE, "done"),
    ]
    sweep(district.runtime)
    district.pass_time(minutes=20)
    sweep(district.runtime)
    assert len(kept(district.database)) == 2


def test_a_ref_that_is_used_again_makes_a_message_of_its_own(database: Database) -> None:
    keep_all(database, [part("a1", "a", 1), part("a2", "b", 2)])
    soon = NOON + timedelta(minutes=1)
    keep_all(database, [part("b1", "c", 1, at=soon), part("b2", "d", 2, at=soon)], soon)
    assert texts(database) == ["ab", "cd"]


def test_what_was_sent_hours_later_does_not_complete_what_never_came(database: Database) -> None:
    keep_all(database, [part("a1", "a", 1)])
    later = NOON + timedelta(hours=5)
    keep_all(database, [part("b2", "d", 2, at=later)], later)
    assert texts(database) == []
    keep_all(database, [part("b1", "c", 1, at=later)], later)
    assert texts(database) == ["cd"]
    assert release(database, later) == 1
    assert texts(database) == ["cd", "a [...]"]


def test_where_nobody_can_tell_which_part_belongs_to_which_message_none_is_read(database: Database) -> None:
    """Two messages under one ref at one time, their parts mixed."""
    keep_all(database, [part("a1", "a", 1), part("b1", "c", 1), part("a2", "b", 2), part("b2", "d", 2)])
    assert texts(database) == []
    assert release(database, NOON + timedelta(minutes=10)) == 1
    assert [(one.text, one.is_cut) for one in kept(database)] == [("a | cb | d", True)]


def test_a_wrong_clock_keeps_no_part_for_ever(database: Database) -> None:
    keep_all(database, [part("a", "x", 1)], NOON + timedelta(days=300))
    assert release(database, NOON) == 1


def test_parts_kept_at_the_same_moment_make_one_message(database: Database) -> None:
    """Each in a process of its own, and each twice."""
    for attempt in range(5):
        total = 4
        mine = [part(f"{attempt}-{number}", str(number), number, total, ref=str(attempt)) for number in range(1, 5)]
        start, faults = threading.Barrier(2 * total), list[Exception]()

        def knock(sms: InboundSms, start: threading.Barrier = start, faults: list[Exception] = faults) -> None:
            start.wait()
            try:
                keep_one(database, sms, NOON)
            except Exception as error:  # noqa: BLE001  a thread's own fault would not fail the test
                faults.append(error)

        peers = [threading.Thread(target=knock, args=(sms,)) for sms in mine * 2]
        for peer in peers:
            peer.start()
        for peer in peers:
            peer.join()
        assert faults == []
        assert texts(database) == ["1234"] * (attempt + 1)


def test_two_sweeps_at_once_release_what_is_late_once(database: Database) -> None:
    keep_all(database, [part("a", "x", 1)])
    start, counts = threading.Barrier(3), []

    def let_go() -> None:
        start.wait()
        counts.append(release(database, NOON + timedelta(hours=1)))

    peers = [threading.Thread(target=let_go) for _ in range(3)]
    for peer in peers:
        peer.start()
    for peer in peers:
        peer.join()
    assert sorted(counts) == [0, 0, 1]
    assert len(kept(database)) == 1


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[InboundSms], list[str]]:
    """Return the parts of some messages in any order, some of them again, and what the messages say.

    Several senders use the same refs, and each uses them again hours later.
    """
    messages = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["ani", "wati", "budi"]), st.sampled_from("12"), st.integers(0, 2), st.integers(2, 4)
            ),
            min_size=1,
            max_size=6,
            unique_by=lambda one: one[:3],
        )
    )
    whole: list[InboundSms] = []
    said = []
    for who, ref, hour, total in messages:
        name = f"{who}{ref}{hour}"
        for number in range(1, total + 1):
            at = NOON - timedelta(hours=9 - 3 * hour) + timedelta(seconds=draw(st.integers(0, 60)))
            whole.append(part(f"{name}-{number}", f"({name}:{number})", number, total, ref=ref, who=who, at=at))
        said.append("".join(f"({name}:{number})" for number in range(1, total + 1)))
    again = draw(st.lists(st.sampled_from(whole), max_size=5))
    mixed = [*whole, *again]
    random.Random(draw(st.integers())).shuffle(mixed)
    return mixed, said


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(came=arrivals())
def test_in_any_order_and_any_repetition_each_message_is_whole_and_there_once(
    database: Database, came: tuple[list[InboundSms], list[str]]
) -> None:
    mixed, said = came
    with database.session() as session:
        session.execute(delete(parts))
        session.execute(delete(inbox))
        for sms in mixed:
            keep.keep_sms(session, "simulator", sms, NOON)
        assert parts_store.release_late(session, NOON + timedelta(days=1)) == 0
        session.commit()
    assert sorted(texts(database)) == sorted(said)
