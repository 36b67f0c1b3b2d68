"""A modem's channel on the databases of Gammu's daemon: one SMS is one message, one answer goes out once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.channels import gammu
from gateway.channels.base import Adapter, PollingChannel, Surroundings, make_channel
from gateway.channels.gammu import find_part, read_text
from gateway.errors import Permanent, Retryable
from gateway.segments import split, write_header
from gateway.values import OutboundSms, OutboxState, SmsPart
from tests.gateway.channels.smsd import PHONE, FakeSmsd, texts
from tests.servers import PostgresServer

NOW = datetime.now(UTC)
AT = datetime(2025, 10, 3, 12, 0)  # noqa: DTZ001 - SMSD writes no zone
MIDWIFE = "+6281234567890"
Maker = Callable[..., PollingChannel]


@pytest.fixture(params=["sqlite", "postgresql"])
def smsd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FakeSmsd]:
    """A database of SMSD's; the test runs once on each kind."""
    if request.param == "sqlite":
        (tmp_path / "smsd.db").touch()
        yield FakeSmsd(f"sqlite:///{tmp_path / 'smsd.db'}")
    else:
        server: PostgresServer = request.getfixturevalue("postgresql")
        with server.new_database() as url:
            yield FakeSmsd(url.replace("postgresql+psycopg", "postgresql"))


@pytest.fixture
def make(smsd: FakeSmsd, tmp_path: Path) -> Maker:
    """Makes a channel on that database: a process of Kabar's own, for it remembers nothing of another."""

    def made(**options: str) -> PollingChannel:
        given_ = {"database_url": smsd.url, "phone_id": PHONE, "timezone": "Asia/Jakarta"} | options
        channel = make_channel(cast(Adapter, gammu), "modem1", given_, Surroundings("", tmp_path))
        assert isinstance(channel, PollingChannel)
        return channel

    return made


def take(channel: PollingChannel) -> list[tuple[str, OutboxState | None]]:
    """Look, tick off, and return what became of messages by our ref."""
    polled = channel.poll(NOW)
    channel.confirm(polled)
    return [(status.ref, status.state) for status in polled.statuses]


def test_an_sms_that_was_inserted_seven_times_is_one_message(smsd: FakeSmsd, make: Maker) -> None:
    smsd.receive(MIDWIFE, "KB 0925", AT, times=7)
    polled = make().poll(NOW)
    assert len(polled.messages) == 7
    assert len({sms.provider_id for sms in polled.messages}) == 1


def test_the_same_words_at_another_second_or_from_another_phone_are_another_message(
    smsd: FakeSmsd, make: Maker
) -> None:
    smsd.receive(MIDWIFE, "YA", AT)
    smsd.receive(MIDWIFE, "YA", AT + timedelta(seconds=1))
    smsd.receive("+6281234567891", "YA", AT)
    assert len({sms.provider_id for sms in make().poll(NOW).messages}) == 3


def test_a_stamp_without_its_zone_is_read_in_the_zone_of_smsd(smsd: FakeSmsd, make: Maker) -> None:
    smsd.receive(MIDWIFE, "KB", AT)
    sent_at = [make(timezone=zone).poll(NOW).messages[0].sent_at for zone in ("Asia/Jakarta", "Asia/Jayapura")]
    assert sent_at == [datetime(2025, 10, 3, 5, 0, tzinfo=UTC), datetime(2025, 10, 3, 3, 0, tzinfo=UTC)]


def test_what_was_ticked_off_does_not_come_again_and_what_was_not_does(smsd: FakeSmsd, make: Maker) -> None:
    smsd.receive(MIDWIFE, "satu", AT)
    polled = make().poll(NOW)
    smsd.receive(MIDWIFE, "dua", AT)
    assert texts(make().poll(NOW).messages) == ["satu", "dua"], "whoever looked first has died"
    make().confirm(polled)
    make().confirm(polled)
    assert texts(make().poll(NOW).messages) == ["dua"]


def test_a_modem_sees_its_own_messages_only(smsd: FakeSmsd, make: Maker) -> None:
    smsd.receive(MIDWIFE, "satu", AT)
    smsd.receive(MIDWIFE, "dua", AT, RecipientID="modem2")
    assert texts(make().poll(NOW).messages) == ["satu"]
    assert texts(make(phone_id="modem2").poll(NOW).messages) == ["dua"]


def test_each_row_of_a_long_message_is_its_own_part_though_the_first_holds_the_whole_text(
    smsd: FakeSmsd, make: Maker
) -> None:
    smsd.receive(MIDWIFE, "KB 0925 ", AT, UDH="0500034D0201", TextDecoded="KB 0925 BARU 12")
    smsd.receive(MIDWIFE, "BARU 12", AT, UDH="0500034D0202", TextDecoded="")
    first, second = make().poll(NOW).messages
    assert (first.text, first.part) == ("KB 0925 ", SmsPart("4d", 2, 1))
    assert (second.text, second.part) == ("BARU 12", SmsPart("4d", 2, 2))


def test_an_answer_to_ussd_is_no_message_and_is_ticked_off(smsd: FakeSmsd, make: Maker) -> None:
    smsd.receive("", "Pulsa Rp 12.500", AT, Class=127)
    channel = make()
    polled = channel.poll(NOW)
    channel.confirm(polled)
    smsd.receive(MIDWIFE, "KB", AT)
    assert polled.messages == ()
    assert texts(channel.poll(NOW).messages) == ["KB"]


def test_a_heap_comes_in_several_looks(smsd: FakeSmsd, make: Maker) -> None:
    smsd.receive(MIDWIFE, "KB", AT, times=100)
    smsd.receive(MIDWIFE, "the last", AT)
    channel = make()
    first = channel.poll(NOW)
    channel.confirm(first)
    second = channel.poll(NOW)
    assert (len(first.messages), first.has_more) == (100, True)
    assert (texts(second.messages), second.has_more) == (["the last"], False)


@pytest.mark.parametrize("version", [16, 19])
def test_a_database_of_an_unknown_schema_is_neither_read_nor_written(tmp_path: Path, version: int) -> None:
    (tmp_path / "smsd.db").touch()
    smsd = FakeSmsd(f"sqlite:///{tmp_path / 'smsd.db'}", version)
    given_ = {"database_url": smsd.url, "phone_id": PHONE}
    channel = make_channel(cast(Adapter, gammu), "modem1", given_, Surroundings("", tmp_path))
    assert isinstance(channel, PollingChannel)
    smsd.receive(MIDWIFE, "KB", AT)
    with pytest.raises(Retryable, match=str(version)):
        channel.poll(NOW)
    with pytest.raises(Retryable):
        channel.send(OutboundSms("ref1", MIDWIFE, "hai"))
    assert smsd.count() == (0, 0)
    health = channel.look(NOW)
    assert health is not None
    assert not health.is_well
    assert f"versi {version}" in health.words


def test_schema_18_is_read_and_written_as_17_is(smsd: FakeSmsd, make: Maker) -> None:
    smsd.upgrade()
    smsd.receive(MIDWIFE, "KB", AT)
    channel = make()
    assert texts(channel.poll(NOW).messages) == ["KB"]
    channel.send(OutboundSms("ref1", MIDWIFE, "a" * 200))
    assert smsd.hand_over("DeliveryOK") == ["a" * 153, "a" * 47]
    assert take(channel) == [("ref1", OutboxState.DELIVERED)]


def test_a_message_goes_into_the_outbox_once_however_often_it_is_sent(smsd: FakeSmsd, make: Maker) -> None:
    sms = OutboundSms("ref1", MIDWIFE, "a" * 200)
    sent = [make().send(sms) for _ in range(3)]
    assert smsd.count() == (1, 1)
    smsd.hand_over()
    sent.append(make().send(sms))
    assert smsd.count() == (0, 0)
    assert len(set(sent)) == 1
    assert sent[0].segments == 2


def test_senders_that_race_put_a_message_there_once(smsd: FakeSmsd, make: Maker) -> None:
    senders = [make() for _ in range(6)]
    start = threading.Barrier(len(senders))

    def send(channel: PollingChannel) -> None:
        start.wait()
        channel.send(OutboundSms("ref1", MIDWIFE, "hai"))

    threads = [threading.Thread(target=send, args=(channel,)) for channel in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert smsd.count() == (1, 0)


def test_what_staff_send_again_after_it_failed_goes_out_again_and_its_old_fate_is_not_told(
    smsd: FakeSmsd, make: Maker
) -> None:
    sms, channel = OutboundSms("ref1", MIDWIFE, "hai"), make()
    first = channel.send(sms)
    smsd.hand_over("SendingError", 500)
    assert take(channel) == [("ref1", OutboxState.FAILED)]
    second = channel.send(sms)
    assert second.provider_id != first.provider_id
    assert take(make()) == [], "it is on its way again"
    smsd.hand_over("SendingOK")
    assert take(make()) == [("ref1", OutboxState.SENT)]


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_a_long_message_is_sent_with_its_last_part_and_delivered_with_its_last_receipt(
    smsd: FakeSmsd, make: Maker, parts: int
) -> None:
    channel = make()
    channel.send(OutboundSms("ref1", MIDWIFE, "a" * 150 * parts))
    if parts > 1:
        smsd.hand_over(parts=parts - 1)
        assert take(channel) == []
        return
    smsd.hand_over()
    assert take(channel) == [("ref1", OutboxState.SENT)]
    smsd.report(1, "DeliveryOK")
    assert take(channel) == [("ref1", OutboxState.DELIVERED)]


def test_the_receipts_of_a_long_message_must_agree(smsd: FakeSmsd, make: Maker) -> None:
    channel = make()
    channel.send(OutboundSms("ref1", MIDWIFE, "a" * 300))
    smsd.hand_over()
    assert take(channel) == [("ref1", OutboxState.SENT)]
    smsd.report(1, "DeliveryOK")
    assert take(channel) == [], "half of it has arrived, and sent it is already"
    smsd.report(2, "DeliveryFailed")
    assert take(channel) == [("ref1", OutboxState.FAILED)]


def test_what_was_told_is_told_again_to_another_process_only(smsd: FakeSmsd, make: Maker) -> None:
    channel = make()
    channel.send(OutboundSms("ref1", MIDWIFE, "hai"))
    smsd.hand_over()
    assert channel.poll(NOW).statuses == channel.poll(NOW).statuses, "nobody has confirmed"
    once = [("ref1", OutboxState.SENT)]
    assert [take(channel), take(channel), take(make())] == [once, [], once]


def test_a_heap_of_receipts_is_told_in_several_looks_each_once(smsd: FakeSmsd, make: Maker) -> None:
    channel = make()
    smsd.have_sent(230)
    looks = [take(channel) for _ in range(4)]
    assert [len(look) for look in looks] == [100, 100, 30, 0]
    assert len({ref for look in looks for ref, _ in look}) == 230


def test_a_word_of_smsds_that_nobody_knows_is_shown_and_moves_nothing(smsd: FakeSmsd, make: Maker) -> None:
    channel = make()
    channel.send(OutboundSms("ref1", MIDWIFE, "hai"))
    smsd.hand_over("DeliveryMaybe")
    [status] = channel.poll(NOW).statuses
    assert (status.state, status.words) == (None, "DeliveryMaybe")


def test_a_text_that_cannot_be_numbered_is_never_sent(smsd: FakeSmsd, make: Maker) -> None:
    with pytest.raises(Permanent):
        make().send(OutboundSms("ref1", MIDWIFE, "a" * 153 * 256))
    assert smsd.count() == (0, 0)


@pytest.mark.parametrize("what", ["poll", "send"])
def test_a_database_that_is_not_there_is_tried_again_and_never_made(tmp_path: Path, what: str) -> None:
    path = tmp_path / "smsd.db"
    given_ = {"database_url": f"sqlite:///{path}", "phone_id": PHONE}
    channel = make_channel(cast(Adapter, gammu), "modem1", given_, Surroundings("", tmp_path))
    assert isinstance(channel, PollingChannel)
    with pytest.raises(Retryable):
        channel.poll(NOW) if what == "poll" else channel.send(OutboundSms("ref1", MIDWIFE, "hai"))
    assert not path.exists()


@settings(max_examples=30)
@given(st.text(st.characters(codec="utf-16-be"), min_size=1, max_size=200))
def test_what_is_cut_and_kept_in_hexadecimal_is_read_whole_again(said: str) -> None:
    parts = split(said)
    rows = [
        (part.text.encode("utf-16-be").hex().upper(), write_header(0x4D, len(parts), number).hex().upper())
        for number, part in enumerate(parts, 1)
    ]
    read = [read_text(hexadecimal, "Unicode_No_Compression", "") for hexadecimal, _ in rows]
    assert "".join(read) == said.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    whole = [find_part(header) for _, header in rows]
    assert whole == ([SmsPart("4d", len(parts), n) for n in range(1, len(parts) + 1)] if len(parts) > 1 else [None])


@given(st.text(max_size=40))
def test_a_header_of_any_kind_is_read_or_passed_over(written: str) -> None:
    found = find_part(written)
    assert found is None or 1 <= found.number <= found.total


@given(st.binary(max_size=40))
def test_a_header_of_any_octets_is_read_or_passed_over(octets: bytes) -> None:
    found = find_part(octets.hex())
    assert found is None or 1 <= found.number <= found.total
