"""Kannel's messages, whatever octets they hold, and what is said of how it does."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import cast
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from gateway.app import create_app
from gateway.channels import kannel
from gateway.channels.base import Adapter, SmsChannel, Surroundings, make_channel
from gateway.errors import Malformed, Misconfigured
from gateway.lines import ChannelHealth
from gateway.segments import write_header
from gateway.store.base import Database
from gateway.store.inbox import inbox
from gateway.values import HttpRequest, OutboxState, SmsPart, clean_text
from tests.district import make_runtime
from tests.gateway.channels.fitting import fits, read_both
from tests.gateway.channels.standin import Reply, Script, closed_address

NOW = datetime(2026, 11, 21, 18, 35, 9, tzinfo=UTC)
SECRET = "a-secret-of-kannel-1"
OPTIONS = {"secrets": SECRET, "password": "p", "status_password": "status-password"}
KNOWN = ["id", "from", "to", "time", "coding", "charset", "udh", "hex", "ref", "status", "fid", "reply", "x"]
ANY_TEXT = st.text(st.characters(), max_size=40)  # lone surrogates too

PAGE = """<?xml version="1.0"?>
<gateway>
<version>Kannel bearerbox version `1.4.5'.</version>
<status>running, uptime 0d 0h 0m 5s</status>
	<wdp><received><total>0</total><queued>0</queued></received><sent><total>0</total><queued>0</queued></sent></wdp>
	<sms>
		<received><total>3</total><queued>{came}</queued></received>
		<sent><total>4</total><queued>{going}</queued></sent>
		<storesize>0</storesize>
		</sms>
<boxes>{boxes}</boxes>
<smscs><count>{count}</count>{lines}</smscs>
</gateway>
"""
BOX = "<box>\n<type>smsbox</type>\n<id></id>\n<status>on-line 0d 0h 0m 4s</status>\n</box>"


def channel(**options: str) -> SmsChannel:
    """Return a Kannel channel."""
    surroundings = Surroundings("https://kabar.example.org", Path("/nowhere"))
    return make_channel(cast(Adapter, kannel), "kannel", OPTIONS | options, surroundings)


def line(name: str, status: str) -> str:
    """Return how a line to an operator stands on the page."""
    return (
        f"<smsc>\n<name>{name}</name>\n<admin-id>{name}</admin-id>\n<id>{name}</id>\n<status>{status}</status>\n</smsc>"
    )


def status_page(boxes: str = BOX, lines: tuple[str, ...] = (), came: int = 0, going: int = 0) -> str:
    """Return what bearerbox shows."""
    return PAGE.format(boxes=boxes, lines="".join(lines), count=len(lines), came=came, going=going)


def look(page: str, status: int = 200) -> ChannelHealth:
    """Return what is said of a Kannel that shows this."""
    with Script([Reply(status, page.encode())]) as bearerbox:
        health = channel(status_url=f"{bearerbox.url}/status.xml").look(NOW)
        assert [seen.path for seen in bearerbox.seen] == ["/status.xml?password=status-password"]
    assert health is not None
    return health


def as_request(**fields: str | bytes) -> HttpRequest:
    """Return a request with these fields in its address."""
    query = "&".join(f"{name.rstrip('_')}={quote(value)}" for name, value in fields.items())
    return HttpRequest("GET", f"/in/kannel/sms?{query}", {})


@given(text=ANY_TEXT, is_ucs2=st.booleans())
def test_every_text_comes_out_as_it_went_in(text: str, is_ucs2: bool) -> None:
    encoding, charset, coding = ("utf-16-be", "UTF-16BE", "2") if is_ucs2 else ("utf-8", "UTF-8", "0")
    octets = text.encode(encoding, "surrogatepass")
    request = as_request(id="1", from_="0812", coding=coding, charset=charset, hex=octets.hex())
    [sms] = channel().read_sms(request)
    assert sms.text == clean_text(octets.decode(encoding, "surrogatepass"))


@given(ref=st.integers(0, 255), total=st.integers(2, 255), data=st.data())
def test_every_part_says_which_it_is(ref: int, total: int, data: st.DataObject) -> None:
    number = data.draw(st.integers(1, total))
    request = as_request(id="1", from_="0812", coding="0", hex="4B42", udh=write_header(ref, total, number))
    [sms] = channel().read_sms(request)
    assert sms.part == SmsPart(f"{ref:02x}", total, number)


@given(header=st.binary(max_size=140))
def test_no_header_breaks_the_reader(header: bytes) -> None:
    [sms] = channel().read_sms(as_request(id="1", from_="0812", coding="0", hex="4B42", udh=header))
    assert sms.part is None or 1 <= sms.part.number <= sms.part.total


@given(fields=st.dictionaries(st.sampled_from(KNOWN), st.binary(max_size=50) | ANY_TEXT.map(clean_text)))
def test_whatever_kannel_asks_is_read_or_malformed(fields: dict[str, bytes | str]) -> None:
    request = as_request(**fields)
    for found in read_both(channel(), request):
        assert found.field in KNOWN if isinstance(found, Malformed) else all(fits(one) for one in found)


@given(bits=st.integers(0, 99_999), said=ANY_TEXT.map(clean_text))
def test_a_report_is_read_by_its_bits(bits: int, said: str) -> None:
    [status] = channel().read_status(as_request(ref="r", status=str(bits), reply=said))
    failed, going = bits & (2 | 16 | 32), bits & (4 | 8)
    state = OutboxState.FAILED if failed else OutboxState.SENT if going else None
    assert status.state == (OutboxState.DELIVERED if bits & 1 else state)
    assert len(status.code) <= 40


@pytest.mark.parametrize("secret", ["with/slash-in-it1", "with@at-sign-in-it", "with:colon-in-it1", "with%25-in-it-12"])
def test_a_secret_that_no_address_holds_is_named(secret: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        channel(secrets=f"{SECRET}, {secret}")
    assert list(caught.value.faults) == ["KABAR_KANNEL_SECRETS"]
    assert secret not in str(caught.value)


def test_a_kannel_whose_lines_are_up_is_well() -> None:
    health = look(status_page(lines=(line("TSEL", "online 3s"), line("ISAT", "online 70s")), came=1, going=2))
    assert health.is_well
    assert health.words == (
        "Kannel jalan, 2 jalur tersambung; menunggu: 1 masuk, 2 keluar"
        " / Kannel runs, 2 lines are up; waiting: 1 in, 2 out"
    )


def test_a_line_that_is_down_is_named_with_what_waits_for_it() -> None:
    health = look(status_page(lines=(line("TSEL", "online 3s"), line("ISAT", "re-connecting")), going=7))
    assert not health.is_well
    assert "ISAT (re-connecting); 7 SMS menunggu" in health.words
    assert "TSEL" not in health.words


@pytest.mark.parametrize(
    ("page", "status", "remedy"),
    [
        (status_page(), 200, "tidak ada"),
        (status_page(boxes="", lines=(line("TSEL", "online 3s"),), came=12), 200, "12 SMS menunggu: nyalakan smsbox"),
        ("<?xml version='1.0'?>\n<gateway>\nDenied</gateway>", 200, "periksa status_password"),
        ("", 404, "periksa status_password"),
    ],
    ids=["no line", "no smsbox", "wrong password", "another server"],
)
def test_what_is_wrong_is_said_with_its_remedy(page: str, status: int, remedy: str) -> None:
    health = look(page, status)
    assert not health.is_well
    assert remedy in health.words
    assert " / " in health.words


def test_a_kannel_that_is_not_there_is_said_to_be_so() -> None:
    with closed_address() as address:
        health = channel(status_url=f"{address}/status.xml").look(NOW)
    assert health is not None
    assert (health.is_well, "nyalakan Kannel" in health.words) == (False, True)


def test_what_cannot_be_read_is_shown_to_staff_although_it_came_in_an_address(
    database: Database, tmp_path: Path
) -> None:
    runtime = make_runtime(database, tmp_path, channels="kannel", channel_options={"kannel": OPTIONS})
    path = "/in/kannel/sms?id=1&from=0812&coding=1&hex=00FF"
    assert create_app(runtime).test_client().get(path, auth=("kabar", SECRET)).status_code == 200
    with database.session(read_only=True) as session:
        assert session.execute(select(inbox.c.text, inbox.c.state)).one() == (path, "for_staff")
