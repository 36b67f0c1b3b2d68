"""Kabar beside a real Kannel: reports in, answers out, receipts back, and everything that can die on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import update

from gateway.errors import Retryable
from gateway.segments import split, write_header
from gateway.store.base import Database
from gateway.store.outbox import outbox
from gateway.values import OutboundSms
from tests.chaos.harness import wait_until
from tests.district import NOON, PHONES, make_runtime
from tests.peers.kannel import Kannel, Line, Sent, line_of
from tests.peers.kannel_house import House

pytestmark = pytest.mark.kannel

REPORT = "KB 0925 BARU 12 AKTIF 40 PIL 30"


@pytest.fixture(scope="module")
def kannel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kannel]:
    """Kannel, for all tests of this module; each leaves it running."""
    with Kannel(tmp_path_factory.mktemp("kannel")) as found:
        yield found


@pytest.fixture
def line(kannel: Kannel) -> Iterator[Line]:
    """The operator."""
    with line_of(kannel) as found:
        yield found


@pytest.fixture
def house(kannel: Kannel, sqlite_url: str, open_database: Callable[[str], Database], tmp_path: Path) -> Iterator[House]:
    """The district, its web server running."""
    found = House(kannel, open_database(sqlite_url), tmp_path)
    found.web.start()
    yield found
    found.web.stop()


def test_a_report_comes_in_its_answer_goes_out_and_its_receipt_comes_back(house: House, line: Line) -> None:
    line.bring(PHONES["ani"], REPORT)
    house.has_kept(1)
    house.work()
    house.has_told("delivered")
    [answer] = house.answers()
    assert line.sent == [Sent(PHONES["ani"], answer.text.encode())]
    assert answer.text.startswith("KB Sep 25 PMB Ani: BARU 12 AKTIF 40 (PIL 30).")
    assert answer.provider_id, "the operator's own id came with the receipt"


def test_letters_beyond_gsm_come_in_and_go_out_as_they_are(house: House, line: Line) -> None:
    said = "KB “0925” – 日本 😀 é€[@"
    line.bring(PHONES["ani"], said, kind="ucs2")
    line.bring(PHONES["ani"], "é€[@ {ñ}")
    house.has_kept(2)
    assert house.texts() == [said, "é€[@ {ñ}"]
    house.write(said)
    house.write("é€[@ {ñ}")
    house.has_told("delivered", 2)
    assert [sent.octets for sent in line.sent] == [said.encode("utf-16-be"), "é€[@ {ñ}".encode()]


@pytest.mark.parametrize(
    "text",
    ["a" * 152 + "€" + "b" * 170 + "[]", "ā" * 66 + "😀" + "ā" * 80, " dengan spasi " * 15],
    ids=["GSM-7", "UCS-2", "spaces"],
)
def test_a_long_text_goes_out_in_the_parts_that_we_cut_and_arrives_whole(house: House, line: Line, text: str) -> None:
    house.write(text)
    house.has_told("delivered")
    parts = split(text)
    octets = [part.text.encode("utf-8" if part.is_gsm else "utf-16-be") for part in parts]
    assert [sent.octets for sent in line.sent] == octets
    [ref] = {sent.header[3] for sent in line.sent}
    assert [sent.header for sent in line.sent] == [
        write_header(ref, len(parts), number) for number in range(1, len(parts) + 1)
    ]


def test_a_long_message_comes_in_whole_whatever_the_order_of_its_parts(house: House, line: Line) -> None:
    for number, text in (2, "PIL 30"), (2, "PIL 30"), (1, "KB 0925 BARU 12 AKTIF 40 "):
        line.write(PHONES["ani"], "udh-text", f"{quote(bytes((5, 0, 3, 0xD3, 2, number)))} {text}")
    house.has_kept(1)
    assert house.texts() == [REPORT]


def test_a_web_server_that_was_gone_gets_every_message_once(house: House, line: Line) -> None:
    house.web.stop()
    texts = [f"KB 0925 BARU {number} AKTIF 40" for number in range(8)]
    line.bring(PHONES["ani"], *texts)
    house.web.start()
    house.has_kept(8)
    house.work()
    house.has_told("delivered", 8)
    assert Counter(house.texts()) == Counter(texts)
    assert len(line.sent) == len(house.answers()) == 8


def test_a_server_killed_between_commit_and_answer_keeps_the_message_once(house: House, line: Line) -> None:
    house.web.breaks_next = 3
    line.bring(PHONES["ani"], REPORT)
    wait_until(lambda: house.web.broken == 3, "three answers were lost")
    line.bring(PHONES["wati"], REPORT)
    house.has_kept(2)
    house.work()
    house.has_told("delivered", 2)
    assert len(house.texts()) == len(house.answers()) == len(line.sent) == 2


def test_what_lies_in_bearerbox_survives_the_death_of_both_boxes(house: House, line: Line) -> None:
    house.kannel.smsbox.kill()
    texts = [f"KB 0925 BARU {number} AKTIF 40" for number in range(5)]
    line.bring(PHONES["ani"], *texts)
    health = house.channel.look(NOON)
    assert health is not None
    assert (health.is_well, "smsbox tidak jalan, 5 SMS menunggu" in health.words) == (False, True)
    house.kannel.bearerbox.kill()
    health = house.channel.look(NOON)
    assert health is not None
    assert (health.is_well, "nyalakan Kannel" in health.words) == (False, True)
    house.kannel.bearerbox.start()
    house.kannel.smsbox.start()
    house.has_kept(5)
    assert Counter(house.texts()) == Counter(texts)


def test_an_answer_waits_for_a_dead_smsbox_and_goes_once(house: House, line: Line) -> None:
    house.kannel.smsbox.kill()
    house.write("tunggu")
    [waiting] = house.answers()
    assert (waiting.state, waiting.refusals, waiting.fault_code) == ("queued", 1, "connect")
    house.kannel.smsbox.start()
    with house.database.session() as session:
        session.execute(update(outbox).values(next_try_at=None))
        session.commit()
    house.district.send()
    house.has_told("delivered")
    assert [sent.octets for sent in line.sent] == [b"tunggu"]


def test_what_smsbox_forgot_is_handed_in_again_from_bearerbox_s_log(
    sqlite_url: str, open_database: Callable[[str], Database], tmp_path: Path
) -> None:
    with Kannel(tmp_path) as kannel, line_of(kannel) as line:
        house = House(kannel, open_database(sqlite_url), tmp_path)
        house.web.start()
        line.bring(PHONES["ani"], REPORT)
        house.has_kept(1)
        house.web.stop()
        line.bring(PHONES["wati"], "KB PMB02 0925 BARU 3 AKTIF 9")
        line.bring(PHONES["budi"], "KB 0925 “BARU” 4", kind="ucs2")
        line.bring(PHONES["eve"], "Rp 1.500")
        wait_until(lambda: "<Rp 1.500>" in (tmp_path / "smsbox.log").read_text(), "smsbox asks for the last one")
        wait_until(lambda: "<storesize>0</storesize>" in kannel.read_status(), "and says that it is done")
        kannel.smsbox.kill()
        kannel.smsbox.start()
        house.web.start()
        printed = kannel.hand_in_again()
        house.web.stop()
        assert house.texts() == [REPORT, "KB PMB02 0925 BARU 3 AKTIF 9", "KB 0925 “BARU” 4"]
        assert printed.endswith("text=Rp 1.500\n")


def test_whatever_of_kannel_is_killed_nothing_is_missing_in_the_end_and_nothing_is_twice(
    sqlite_url: str, open_database: Callable[[str], Database], tmp_path: Path
) -> None:
    texts = [f"KB 0925 BARU {number} AKTIF 40" for number in range(60)]
    with Kannel(tmp_path) as kannel:
        for begin in range(0, 60, 10):
            with line_of(kannel) as line:
                if begin == 0:
                    house = House(kannel, open_database(sqlite_url), tmp_path)
                    house.web.start()
                line.bring(PHONES["ani"], *texts[begin : begin + 10])
            if begin % 20:
                kannel.smsbox.kill()
                kannel.smsbox.start()
            else:
                kannel.restart()
        wait_until(lambda: "<queued>0</queued></received>" in kannel.read_status(), "smsbox has all")
        kannel.hand_in_again()
        house.web.stop()
        assert sorted(house.texts()) == sorted(texts)


def test_wrong_credentials_send_nothing_and_say_so(house: House, kannel: Kannel, tmp_path: Path) -> None:
    wrong = kannel.options | {"password": "another", "status_password": "another"}
    runtime = make_runtime(house.database, tmp_path, channels="kannel", channel_options={"kannel": wrong})
    with pytest.raises(Retryable) as caught:
        runtime.channels["kannel"].send(OutboundSms("r", PHONES["ani"], "KB"))
    assert (caught.value.code, caught.value.after_seconds) == ("403", 900)
    health = runtime.channels["kannel"].look(NOON)
    assert health is not None
    assert (health.is_well, "status_password" in health.words) == (False, True)
