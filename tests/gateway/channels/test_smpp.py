"""SMPP below the messages: PDUs whatever they are cut into, TLS, whose a receipt is, and what is said of the link."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.channels import smpp
from gateway.channels.base import Adapter, Surroundings, make_channel
from gateway.channels.smpp_delivery import Receipt, as_repeat, by_content, forms_of_id
from gateway.channels.smpp_pdu import Frames, Pdu, write
from gateway.errors import Malformed, Misconfigured, Permanent, Retryable
from gateway.segments import pack, read_gsm, split, unpack
from gateway.store import receipts
from gateway.store.base import Database
from gateway.store.outbox import NewOutboxMessage, add, outbox
from gateway.values import InboundSms, OutboundSms, read_sender
from tests.gateway.channels.standin import closed_address
from tests.peers.smsc import Smsc

NOW = datetime(2025, 10, 3, 5, 0, tzinfo=UTC)
ANI, WATI = "+6281230000001", "+6281230000002"
DELIVER = "deliver_sm"


@pytest.fixture
def smsc() -> Iterator[Smsc]:
    """An SMSC of our own."""
    with Smsc() as running:
        yield running


def make(folder: Path, **options: str) -> smpp.Smpp:
    """Return a channel."""
    given = {"host": "127.0.0.1", "system_id": "kabar", "password": "smppkey1", "source_address": "2345"}
    made = make_channel(cast(Adapter, smpp), "smpp", given | options, Surroundings("https://kabar.example.org", folder))
    assert isinstance(made, smpp.Smpp)
    return made


CHANNELS = [make(Path(), alphabet=alphabet) for alphabet in ("gsm", "gsm_packed", "latin1")]


@given(st.sampled_from(CHANNELS), st.binary(max_size=120))
def test_whatever_a_deliver_sm_holds_it_is_read_or_malformed(channel: smpp.Smpp, body: bytes) -> None:
    header = (16 + len(body)).to_bytes(4, "big") + (5).to_bytes(4, "big") + bytes(4) + (9).to_bytes(4, "big")
    (pdu,) = Frames().feed(header + body)
    try:
        read = channel.read_pdu(pdu, "s:9")
    except Malformed:
        return
    assert isinstance(read, InboundSms | Receipt)


@given(st.lists(st.binary(max_size=40), max_size=5), st.lists(st.integers(1, 30), min_size=1, max_size=30))
def test_pdus_come_out_whole_however_the_stream_is_cut(texts: list[bytes], cuts: list[int]) -> None:
    pdus = [write(DELIVER, n, {"short_message": text}) for n, text in enumerate(texts, start=1)]
    stream, frames = b"".join(pdus), Frames()
    found: list[Pdu] = []
    while stream:
        cut = cuts[len(found) % len(cuts)]
        found += list(frames.feed(stream[:cut]))
        stream = stream[cut:]
    assert [pdu.octets for pdu in found] == pdus


@pytest.mark.parametrize("length", [0, 15, 70_001, 0xFFFFFFFF])
def test_a_length_that_no_pdu_has_ends_the_link(length: int) -> None:
    with pytest.raises(Malformed):
        list(Frames().feed(length.to_bytes(4, "big") + bytes(12)))


@given(st.text("abc@[€ é\r0", max_size=40), st.sampled_from([0, 6, 7]))
def test_what_is_packed_is_unpacked_but_for_an_end_that_fills_its_octet(text: str, header: int) -> None:
    for part in split(text):
        septets = part.octets
        back = unpack(pack(septets, header), header)
        assert back == septets or (septets[-1:] in {b"\r", b"\0"} and back == septets[:-1])
        assert read_gsm(septets) == part.text


@given(st.text(max_size=400))
def test_every_text_is_written_in_pdus_that_no_smsc_finds_too_long(text: str) -> None:
    for channel in CHANNELS:
        try:
            messages = channel.write(OutboundSms("r1", ANI, text))
        except Permanent:
            continue
        for fields in messages:
            octets = fields["short_message"]
            assert isinstance(octets, bytes)
            assert len(octets) <= 160


def test_a_repeat_takes_the_key_that_was_kept_and_takes_it_once() -> None:
    first, second = (InboundSms(f"c0ffee:s2:{n}", read_sender(ANI), "YA") for n in (1, 2))
    kept = by_content(("c0ffee:s1:8",))
    assert as_repeat(first, kept).provider_id == "c0ffee:s1:8"
    assert as_repeat(second, kept).provider_id == "c0ffee:s2:2"


def test_a_receipt_finds_its_message_in_hexadecimal_in_decimal_and_by_the_number_that_it_went_to(
    database: Database,
) -> None:
    with database.session() as session:
        refs = [
            add(session, NewOutboxMessage(None, "trial", "smpp", phone, "x", "t", NOW)) for phone in (ANI, WATI, ANI)
        ]
        for ref, provider_id in zip(refs, ("b001", "45057", "20"), strict=True):
            session.execute(outbox.update().where(outbox.c.ref == ref).values(provider_id=provider_id))

        def find(written: str, *phones: str, channel: str = "smpp") -> int | None:
            ref = receipts.find_ref(session, channel, forms_of_id(written), phones)
            return refs.index(ref) if ref else None

        assert find("0000B001", ANI) == 0
        assert find("45057", ANI) == 0, "decimal for hexadecimal: the number says so"
        assert find("45057", WATI) == 1
        assert find("45057") == 1, "without a number only the id as it stands counts"
        assert find("14", ANI) == 2, "hexadecimal for decimal"
        assert find("14") is None
        assert find("b001", ANI, channel="another") is None


def test_the_link_speaks_tls_and_trusts_only_the_authority_that_it_was_told(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    more = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *more], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with Smsc(tls=context) as smsc:
        asked = smsc.options | {"host": "localhost", "tls": "yes"}
        with pytest.raises(Retryable, match="certificate"):
            make(tmp_path, **asked).open()
        channel = make(tmp_path, **asked, tls_ca=str(certificate))
        link = channel.open()
        smsc.deliver("6281230000001", "KB 0925 BARU 12")
        found = link.read(5)
        read = channel.read_pdu(found[0], "s:1")
        assert isinstance(read, InboundSms)
        assert read.text == "KB 0925 BARU 12"
        link.unbind()


def test_a_look_says_whether_the_smsc_can_be_reached_and_which_process_holds_the_link(
    smsc: Smsc, tmp_path: Path
) -> None:
    channel = make(tmp_path, **smsc.options)
    seen = channel.look(NOW)
    assert seen is not None
    assert seen.is_well
    assert "./kabar smpp" in seen.words
    link = channel.open()
    bound = channel.look(NOW)
    assert bound is not None
    assert (bound.is_well, bound.heard_at is not None) == (True, True)
    assert " / bound as kabar" in bound.words
    link.close("the cable was pulled")
    lost = channel.look(NOW)
    assert lost is not None
    assert not lost.is_well
    assert "the cable was pulled" in lost.words


def test_a_look_at_an_smsc_that_is_away_names_the_settings_to_mend(tmp_path: Path) -> None:
    with closed_address() as address:
        seen = make(tmp_path, port=address.rpartition(":")[2]).look(NOW)
    assert seen is not None
    assert not seen.is_well
    assert "HOST, PORT, TLS" in seen.words


def test_a_send_without_a_link_is_tried_later(tmp_path: Path) -> None:
    with pytest.raises(Retryable, match="kabar smpp"):
        make(tmp_path).send(OutboundSms("r1", ANI, "Terima kasih"))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("password", "more-than-eight"),
        ("system_id", "more-than-fifteen"),
        ("window", "0"),
        ("window", "21"),
        ("port", "0"),
        ("port", "65536"),
        ("tls_ca", "/nowhere/ca.pem"),
        ("source_address", "a name far too long"),
    ],
)
def test_what_the_protocol_cannot_hold_is_refused_at_the_start(tmp_path: Path, option: str, value: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        make(tmp_path, **{option: value})
    assert list(caught.value.faults) == [f"KABAR_SMPP_{option.upper()}"]
