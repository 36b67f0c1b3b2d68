"""Sending: each message at most once, whatever dies, whatever the provider says, and in whatever order it says it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from gateway.errors import Retryable
from gateway.reply import send
from gateway.store import outbox as outbox_store
from gateway.store.channels import channels
from gateway.store.outbox import outbox
from gateway.values import DeliveryStatus, OutboxState, SentSms
from tests.chaos.harness import wait_until
from tests.district import District
from tests.gateway.channels.provider import Provider
from tests.gateway.channels.standin import Fault, Reply
from workers import outbound
from workers.sweep import sweep

FOUNDING = "KB 0925 BARU 12 AKTIF 40 PIL 30"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
MakeSending = Callable[..., tuple[District, Provider]]


def ask(district: District, count: int = 1) -> None:
    """Let so many messages be answered; nothing is sent yet."""
    for number in range(count):
        district.keep("ani", f"KB 0925 BARU {number % 10} AKTIF {40 + number}", channel="generic")
    district.handle()


def row(district: District) -> Any:
    """Return the one message to be sent."""
    with district.database.session(read_only=True) as session:
        return session.execute(select(outbox)).one()


def write(district: District, **values: object) -> None:
    """Write something into the message to be sent, as time or a fault would."""
    with district.database.session() as session:
        session.execute(update(outbox).values(values))
        session.commit()


def claim(district: District) -> outbox_store.Claim:
    """Claim what is due, as a sender does before it sends."""
    channel = district.runtime.channels["generic"]
    with district.database.session() as session:
        found = outbox_store.claim(session, "generic", channel.limits)
        session.commit()
    return found


def record(district: District, taken: outbox_store.Claim, delivery: send.Delivery) -> bool:
    """Write down what became of a claimed message."""
    with district.database.session() as session:
        is_ours = send.record(session, taken.messages[0], taken.token, delivery, district.runtime.now())
        session.commit()
    return is_ours


def tell(district: District, state: OutboxState, provider_id: str = "") -> bool:
    """Let the provider tell what became of the message, by our ref."""
    status = DeliveryStatus(state, ref=row(district).ref, provider_id=provider_id)
    with district.database.session() as session:
        has_moved = outbox_store.record_status(session, "generic", status, district.runtime.now())
        session.commit()
    return has_moved


SENT = send.Delivery(send.Result.SENT, sent=SentSms("g0"))


def test_that_a_message_is_being_sent_is_on_disk_before_the_wire(make_sending: MakeSending) -> None:
    district, provider = make_sending()
    ask(district)
    provider.gate.clear()
    sender = threading.Thread(target=district.send)
    sender.start()
    wait_until(lambda: bool(provider.seen), "the request arrives")
    assert (row(district).state, row(district).attempts) == ("sending", 1)
    provider.gate.set()
    sender.join()
    assert (row(district).state, row(district).provider_id) == ("sent", "g0")


def test_what_a_sender_left_behind_that_died_before_sending_is_unsure_and_never_sent(make_sending: MakeSending) -> None:
    district, provider = make_sending()
    ask(district)
    claim(district)
    write(district, lease_until=LONG_AGO)
    sweep(district.runtime)
    district.send()
    assert (row(district).state, row(district).attempts) == ("unsure", 1)
    assert "stopped" in row(district).fault
    assert provider.seen == []


def test_what_a_sender_left_behind_that_died_after_sending_is_not_sent_again(
    make_sending: MakeSending, monkeypatch: pytest.MonkeyPatch
) -> None:
    district, provider = make_sending()
    ask(district)
    with monkeypatch.context() as dying:
        dying.setattr(send, "record", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            district.send()
    write(district, lease_until=LONG_AGO)
    sweep(district.runtime)
    district.send()
    assert row(district).state == "unsure"
    assert len(provider.ledger) == 1


def test_a_provider_that_takes_one_ref_once_is_asked_again_after_a_sender_died(make_sending: MakeSending) -> None:
    district, provider = make_sending(send_idempotent="yes")
    ask(district)
    taken = claim(district)
    send.deliver(district.runtime.channels["generic"], taken.messages[0])
    write(district, lease_until=LONG_AGO)
    sweep(district.runtime)
    assert row(district).state == "queued"
    assert not record(district, taken, SENT), "it is anybody's again"
    district.send()
    assert row(district).state == "sent"
    assert len(provider.requests) == 2
    assert len(provider.ledger) == 1


def test_a_lease_that_has_not_run_out_is_left_alone(make_sending: MakeSending) -> None:
    district, _ = make_sending()
    ask(district)
    claim(district)
    sweep(district.runtime)
    assert row(district).state == "sending"
    assert claim(district).messages == ()


def test_a_lease_written_by_a_clock_that_was_wrong_ends_all_the_same(make_sending: MakeSending) -> None:
    district, _ = make_sending()
    ask(district)
    claim(district)
    write(district, lease_until=datetime.now(UTC) + timedelta(days=40))
    sweep(district.runtime)
    assert row(district).state == "unsure"


def test_a_pace_or_a_wait_written_by_a_clock_that_was_wrong_holds_nothing_up(make_sending: MakeSending) -> None:
    district, _ = make_sending()
    ask(district)
    far = datetime.now(UTC) + timedelta(days=40)
    write(district, next_try_at=far)
    with district.database.session() as session:
        session.execute(insert(channels), {"name": "generic", "next_send_at": far})
        session.commit()
    district.send()
    assert row(district).state == "sent"


def test_a_result_that_comes_after_its_lease_ended_still_tells_what_happened(make_sending: MakeSending) -> None:
    district, _ = make_sending()
    ask(district)
    taken = claim(district)
    write(district, lease_until=LONG_AGO)
    sweep(district.runtime)
    assert record(district, taken, SENT)
    assert (row(district).state, row(district).provider_id) == ("sent", "g0")


def test_a_late_result_cannot_touch_what_another_sender_has_taken_over(make_sending: MakeSending) -> None:
    district, _ = make_sending(send_idempotent="yes")
    ask(district)
    late = claim(district)
    write(district, lease_until=LONG_AGO)
    sweep(district.runtime)
    mine = claim(district)
    assert mine.messages
    assert not record(district, late, send.Delivery(send.Result.FAILED, fault="no"))
    assert row(district).state == "sending"
    assert record(district, mine, SENT)
    assert not record(district, late, send.Delivery(send.Result.FAILED, fault="no"))
    assert row(district).state == "sent"


def test_a_status_that_overtakes_the_answer_to_our_request_stands(make_sending: MakeSending) -> None:
    district, _ = make_sending()
    ask(district)
    taken = claim(district)
    assert tell(district, OutboxState.DELIVERED, provider_id="theirs")
    assert record(district, taken, send.Delivery(send.Result.SENT, sent=SentSms()))
    assert (row(district).state, row(district).provider_id) == ("delivered", "theirs")


def test_a_delivered_message_stays_delivered_whatever_comes_later(make_sending: MakeSending) -> None:
    district, _ = make_sending()
    ask(district)
    district.send()
    assert tell(district, OutboxState.DELIVERED)
    assert not tell(district, OutboxState.SENT)
    assert not tell(district, OutboxState.FAILED)
    assert row(district).state == "delivered"


def test_an_answer_that_is_lost_leaves_the_message_unsure_until_the_provider_tells(make_sending: MakeSending) -> None:
    district, provider = make_sending()
    provider.lost_answers = 1
    ask(district)
    district.send()
    district.send()
    assert row(district).state == "unsure"
    assert len(provider.ledger) == 1
    assert tell(district, OutboxState.DELIVERED)
    assert row(district).state == "delivered"


def test_what_a_clock_that_is_ahead_says_was_delivered_is_delivered_now(make_sending: MakeSending) -> None:
    district, provider = make_sending()
    provider.lost_answers = 1
    ask(district)
    district.send()
    now = district.runtime.now()
    ahead = DeliveryStatus(OutboxState.DELIVERED, ref=row(district).ref, at=now + timedelta(days=3650))
    with district.database.session() as session:
        assert outbox_store.record_status(session, "generic", ahead, now)
        session.commit()
    assert (row(district).sent_at, row(district).delivered_at) == (now, now), "else a quota counts it for years"


def test_an_answer_that_is_lost_is_asked_for_again_where_that_does_no_harm(make_sending: MakeSending) -> None:
    district, provider = make_sending(send_idempotent="yes")
    provider.lost_answers = 1
    ask(district)
    district.send()
    write(district, next_try_at=LONG_AGO)
    district.send()
    assert row(district).state == "sent"
    assert len(provider.requests) == 2
    assert len(provider.ledger) == 1


def test_a_refused_message_waits_and_is_tried_again_and_that_was_no_attempt(make_sending: MakeSending) -> None:
    district, provider = make_sending()
    provider.replies = [Reply(503), Reply(503)]
    ask(district)
    for refusals in (1, 2):
        district.send()
        found = row(district)
        assert (found.state, found.attempts, found.refusals, found.fault_code) == ("queued", 0, refusals, "503")
        assert found.next_try_at > datetime.now(UTC)
        assert district.send() == 0, "it was tried before its time"
        write(district, next_try_at=LONG_AGO)
    district.send()
    assert (row(district).state, row(district).attempts, row(district).fault) == ("sent", 1, None)


def test_a_provider_that_names_a_wait_is_given_it(make_sending: MakeSending) -> None:
    district, provider = make_sending()
    provider.replies = [Reply(429, headers={"Retry-After": "7200"})]
    ask(district)
    before = datetime.now(UTC)
    district.send()
    assert row(district).next_try_at >= before + timedelta(seconds=7199)


def test_each_refusal_is_followed_by_a_longer_wait_and_no_two_wait_the_same() -> None:
    longest = [max(send.wait_seconds(refusals) for _ in range(50)) for refusals in range(8)]
    assert longest == sorted(longest)
    assert len({send.wait_seconds(3) for _ in range(50)}) == 50


def test_a_message_that_is_refused_for_a_day_is_given_up_and_shown(make_sending: MakeSending) -> None:
    district, provider = make_sending()
    provider.replies = [Reply(503), Reply(503)]
    ask(district)
    district.send()
    write(district, next_try_at=LONG_AGO)
    district.pass_time(hours=24, seconds=1)
    district.send()
    assert row(district).state == "failed"
    assert "24 hours" in row(district).fault
    district.send()
    assert provider.ledger == []


def test_a_message_that_the_provider_will_never_take_fails_at_once(make_sending: MakeSending) -> None:
    district, provider = make_sending()
    provider.replies = [Reply(400)]
    ask(district)
    district.send()
    district.send()
    assert (row(district).state, row(district).fault_code) == ("failed", "400")
    assert len(provider.requests) == 1


def test_a_fault_of_an_adapter_leaves_the_message_unsure(
    make_sending: MakeSending, monkeypatch: pytest.MonkeyPatch
) -> None:
    district, provider = make_sending()
    ask(district, 2)
    channel = district.runtime.channels["generic"]
    with monkeypatch.context() as broken:
        broken.setattr(channel, "_read_answer", lambda _answer: 1 / 0)
        outbound.send_claim(district.runtime, channel)
    district.send()
    with district.database.session(read_only=True) as session:
        assert outbox_store.count_by_state(session) == {"unsure": 1, "sent": 1}
    assert len(provider.ledger) == 2


def test_an_unreachable_provider_is_a_refusal(make_sending: MakeSending, monkeypatch: pytest.MonkeyPatch) -> None:
    district, _ = make_sending()
    ask(district)
    channel = district.runtime.channels["generic"]
    monkeypatch.setattr(channel, "send", lambda _sms: (_ for _ in ()).throw(Retryable("no connection")))
    district.send()
    assert (row(district).state, row(district).refusals) == ("queued", 1)


def test_two_senders_share_one_pace(make_sending: MakeSending) -> None:
    district, _ = make_sending(per_second="0.1")
    ask(district, 3)
    assert len(claim(district).messages) == 1
    second = claim(district)
    assert second.messages == ()
    assert 0 < second.wait_seconds <= 10


def test_two_senders_at_once_send_each_message_once(make_sending: MakeSending) -> None:
    district, provider = make_sending()
    ask(district, 30)
    start = threading.Barrier(3)

    def work() -> None:
        start.wait()
        for _ in range(3):
            district.send()

    senders = [threading.Thread(target=work) for _ in range(3)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert len({taken.ref for taken in provider.ledger}) == len(provider.ledger) == 30
    with district.database.session(read_only=True) as session:
        assert outbox_store.count_by_state(session) == {"sent": 30}


def test_messages_of_a_channel_that_is_no_longer_configured_stay_where_they_are(make_sending: MakeSending) -> None:
    district, _ = make_sending()
    ask(district)
    write(district, channel="gone")
    assert sweep(district.runtime) == (0, 0)
    assert outbound.drain(district.runtime, "gone") == 0
    assert row(district).state == "queued"


def test_a_silent_provider_is_not_waited_for_without_end(make_sending: MakeSending) -> None:
    district, provider = make_sending(timeout_seconds="0.1")
    provider.replies = [Fault.SILENT]
    ask(district)
    district.send()
    assert row(district).state == "unsure"
