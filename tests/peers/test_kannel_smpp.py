"""A real Kannel between Kabar and an operator's SMPP, with the line of docs/kannel.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.segments import split, write_header
from gateway.store.base import Database
from tests.chaos.harness import wait_until
from tests.district import NOON, PHONES
from tests.peers.kannel import Kannel
from tests.peers.kannel_house import House
from tests.peers.smsc import BAD_NUMBER, PASSWORD, Smsc

pytestmark = pytest.mark.kannel

MARKS = "é€[@_ {ñ}"


@pytest.fixture(scope="module")
def smsc() -> Iterator[Smsc]:
    """The operator."""
    with Smsc() as found:
        yield found


@pytest.fixture(scope="module")
def kannel(smsc: Smsc, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kannel]:
    """Kannel, bound to the operator, which writes its ids in hexadecimal first and then in decimal."""
    found = Kannel(tmp_path_factory.mktemp("kannel"), smsc.port)
    lines = found.folder / "lines.conf"
    lines.write_text(lines.read_text().replace('"GANTI"', f'"{PASSWORD}"') + "msg-id-type = 0x01\n")
    with found:
        wait_until(lambda: smsc.binds == 1, "Kannel is bound")
        yield found


@pytest.fixture
def house(
    kannel: Kannel, smsc: Smsc, sqlite_url: str, open_database: Callable[[str], Database], tmp_path: Path
) -> Iterator[House]:
    """The district, its web server running."""
    found = House(kannel, open_database(sqlite_url), tmp_path)
    smsc.submitted.clear()
    smsc.receipt = "DELIVRD"
    found.web.start()
    yield found
    found.web.stop()


def test_every_letter_comes_in_and_goes_out_over_smpp(house: House, smsc: Smsc) -> None:
    texts = [MARKS, "“0925” – 日本 😀"]
    for text in texts:
        [part] = split(text)
        smsc.deliver(PHONES["ani"].removeprefix("+"), part.octets, data_coding=0 if part.is_gsm else 8)
    house.has_kept(2)
    assert sorted(house.texts()) == sorted(texts)
    for text in texts:
        house.write(text)
    house.has_told("delivered", 2)
    assert [sent.octets for sent in smsc.submitted] == [split(text)[0].octets for text in texts]
    assert [(sent.to, sent.data_coding) for sent in smsc.submitted] == [
        (PHONES["ani"].removeprefix("+"), coding) for coding in (0, 8)
    ]


@pytest.mark.parametrize("text", [MARKS * 30, "ā" * 66 + "😀" + "ā" * 80], ids=["GSM-7", "UCS-2"])
def test_the_parts_that_we_cut_leave_octet_by_octet_as_we_cut_them(house: House, smsc: Smsc, text: str) -> None:
    house.write(text)
    house.has_told("delivered")
    parts = split(text)
    ref = smsc.submitted[0].octets[3]
    assert [sent.octets for sent in smsc.submitted] == [
        write_header(ref, len(parts), number) + part.octets for number, part in enumerate(parts, 1)
    ]
    assert {sent.esm_class & 0x40 for sent in smsc.submitted} == {0x40}
    assert {sent.registered_delivery & 3 for sent in smsc.submitted} == {1}


@pytest.mark.parametrize("receipt", ["UNDELIV", "EXPIRED", "REJECTD"])
def test_what_never_arrived_is_failed_with_the_operator_s_own_word(house: House, smsc: Smsc, receipt: str) -> None:
    smsc.receipt = receipt
    house.write("KB")
    house.has_told("failed")
    assert house.answers()[0].fault_code == f"{receipt} 000"


def test_what_the_operator_refuses_is_failed_with_its_error(house: House, smsc: Smsc) -> None:
    smsc.script.append(BAD_NUMBER)
    house.write("KB")
    house.has_told("failed")
    assert house.answers()[0].fault_code == "0x0000000b"


def test_a_part_that_is_refused_fails_the_whole_message(house: House, smsc: Smsc) -> None:
    smsc.script.append(BAD_NUMBER)
    house.write("a" * 300)
    house.has_told("failed")
    wait_until(lambda: len(smsc.submitted) == 2, "both parts went out")
    house.write("sesudahnya")
    house.has_told("delivered")
    assert [one.state for one in house.answers()] == ["failed", "delivered"]


def test_a_line_that_is_cut_is_told_of_and_what_waits_goes_when_it_is_back(house: House, smsc: Smsc) -> None:
    smsc.drop()

    def says(word: str) -> bool:
        health = house.channel.look(NOON)
        return health is not None and word in health.words

    wait_until(lambda: says("OPERATOR ("), "the line is named")
    house.write("menunggu jalur")
    wait_until(lambda: says("1 jalur tersambung"), "the line is up again")
    house.has_told("delivered")
    assert [sent.text for sent in smsc.submitted] == ["menunggu jalur"]
