"""Addresses that were typed on a page are no way into the office's own network."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.channels.http import HttpClient
from gateway.channels.reach import guard_address, may_reach
from gateway.errors import Permanent, Retryable, Unsure
from tests.gateway.channels.standin import Reply, Script

INSIDE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "0.1.2.3",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "192.0.0.1",
    "198.18.0.1",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "fd12:3456::1",
    "fec0::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
]
ODD = ["2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1", "127.1", "127.0.0.1.5", "017700000001", "0x", "1"]

HEADERS = 60  # http.client takes a hundred


class Listener:
    """A socket that nothing must knock at."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def connections(self) -> int:
        """Return how many have come so far."""
        self.socket.setblocking(False)
        number = 0
        while True:
            try:
                self.socket.accept()[0].close()
            except BlockingIOError:
                return number
            number += 1


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()
    yield found
    found.socket.close()


@contextmanager
def trickling() -> Iterator[tuple[str, list[int]]]:
    """Give the address of somebody who answers, but one header after the other, and which of them were sent."""
    done, sent = threading.Event(), list[int]()

    def answer() -> None:
        line, _ = server.accept()
        with line, suppress(OSError):
            line.recv(65_536)
            line.sendall(b"HTTP/1.1 200 OK\r\n")
            for number in range(HEADERS):
                line.sendall(f"X-{number}: 1\r\n".encode())
                sent.append(number)
                done.wait(0.05)
            line.sendall(b"Content-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", sent
        done.set()
        thread.join()


def to(*addresses: str) -> HttpClient:
    """Return a guarded client for which every name stands for these addresses."""
    return HttpClient(0.3, 0.3, guard=frozenset(), resolve=lambda host: addresses)


@pytest.mark.parametrize("address", INSIDE)
def test_no_inner_address_is_reached_by_a_name_that_stands_for_it(address: str) -> None:
    with pytest.raises(Permanent) as caught:
        to(address).call("GET", "https://dhis2.example.go.id/")
    assert caught.value.code == "private"


@pytest.mark.parametrize("address", INSIDE)
def test_no_inner_address_is_taken_as_it_is_written(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    assert guard_address(f"https://{host}/api", ()) == "private"


@pytest.mark.parametrize("host", ODD)
def test_a_host_written_as_no_address_is_written_is_refused(host: str, listener: Listener) -> None:
    client = HttpClient(0.3, 0.3, guard=frozenset())
    with pytest.raises(Permanent) as caught:
        client.call("GET", f"https://{host}:{listener.port}/")
    assert caught.value.code == "number"
    assert listener.connections() == 0


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("http://dhis2.example.go.id/", "scheme"),
        ("ftp://dhis2.example.go.id/", "address"),
        ("https://", "address"),
        ("dhis2.example.go.id", "address"),
        ("https://dhis2.example.go.id:99999/", "address"),
        ("https://admin:district@dhis2.example.go.id/", "login"),
        ("https://dhis2.example.go.id\\@127.0.0.1/", "address"),
        ("https://dhis2.example.go.id\n.lan/", "address"),
        ("https://①②⑦.0.0.1/", "address"),
        ("https://[::1/", "address"),
        ("https://[fe80::1%25eth0]/", "private"),
        ("https://a..b/", "address"),
    ],
)
def test_what_is_wrong_with_an_address_is_named(url: str, wrong: str) -> None:
    assert guard_address(url, ()) == wrong


@pytest.mark.parametrize(
    "url", ["https://dhis2.example.go.id", "https://play.dhis2.org/stable-2-43/", "https://8.8.8.8"]
)
def test_a_public_address_is_good(url: str) -> None:
    assert guard_address(url, ()) is None


def test_every_address_of_this_computer_is_refused_with_no_connection(listener: Listener) -> None:
    for address in ("127.0.0.1", "::ffff:127.0.0.1", "0.0.0.0", "::1"):
        with pytest.raises(Permanent):
            to(address).call("POST", f"https://dhis2.example.go.id:{listener.port}/", body=b"figures")
    assert listener.connections() == 0


def test_one_inner_address_among_outer_ones_is_enough_to_refuse(listener: Listener) -> None:
    with pytest.raises(Permanent):
        to("8.8.8.8", "127.0.0.1").call("GET", f"https://dhis2.example.go.id:{listener.port}/")
    assert listener.connections() == 0


def test_a_name_that_changes_its_answer_is_asked_once_and_cannot_lead_inside(listener: Listener) -> None:
    answers = iter([["127.0.0.2"], ["127.0.0.1"], ["127.0.0.1"]])
    asked: list[str] = []

    def resolve(host: str) -> Sequence[str]:
        asked.append(host)
        return next(answers)

    client = HttpClient(0.2, 0.2, guard={"dhis2.example"}, resolve=resolve)
    with pytest.raises(Retryable):  # nobody listens at the first; the second is never heard
        client.call("GET", f"http://dhis2.example:{listener.port}/")
    assert asked == ["dhis2.example"]
    assert listener.connections() == 0


def test_a_redirect_to_this_computer_is_not_followed(listener: Listener) -> None:
    with Script([Reply(302, headers={"Location": f"http://127.0.0.1:{listener.port}/"})]) as peer:
        answer = HttpClient(0.3, 0.3, guard={"127.0.0.1"}).call("GET", peer.url)
    assert answer.status == 302
    assert listener.connections() == 0


def test_an_address_that_trickles_headers_keeps_nobody_for_long() -> None:
    with trickling() as (url, sent):
        assert HttpClient(0.3, 0.1, guard={"127.0.0.1"}).call("GET", url).status == 200
        assert len(sent) < HEADERS, "it was listened to until its end"


def test_a_host_that_the_operator_named_is_called_with_its_own_name() -> None:
    with Script([Reply(200, b"here")]) as peer:
        port = peer.url.rstrip("/").rpartition(":")[2]
        client = HttpClient(0.3, 0.3, guard={"dhis2.lan"}, resolve=lambda host: ["127.0.0.1"])
        assert client.call("GET", f"http://DHIS2.lan:{port}/api").text == "here"
    assert peer.seen[0].headers["host"].lower() == f"dhis2.lan:{port}"


def test_a_host_that_the_operator_named_does_not_open_the_others(listener: Listener) -> None:
    client = HttpClient(0.3, 0.3, guard={"dhis2.lan"}, resolve=lambda host: ["127.0.0.1"])
    for url in (f"http://other.lan:{listener.port}/", f"https://other.lan:{listener.port}/"):
        with pytest.raises(Permanent):
            client.call("GET", url)
    assert listener.connections() == 0


def test_where_clouds_keep_their_credentials_is_never_reached() -> None:
    client = HttpClient(0.3, 0.3, guard={"dhis2.lan"}, resolve=lambda host: ["169.254.169.254"])
    with pytest.raises(Permanent):
        client.call("GET", "http://dhis2.lan/latest/meta-data")


def test_tls_asks_for_the_host_by_name_at_the_checked_address() -> None:
    with tls_listener() as (port, names):
        client = HttpClient(1, 1, guard={"dhis2.lan"}, resolve=lambda host: ["127.0.0.1"])
        with pytest.raises((Retryable, Unsure)):  # it has no certificate at all: nothing is sent
            client.call("GET", f"https://dhis2.lan:{port}/")
    assert names == ["dhis2.lan"]


def test_a_name_that_nobody_knows_is_told_from_a_closed_door(listener: Listener) -> None:
    def resolve(host: str) -> Sequence[str]:
        raise OSError("no such name")

    with pytest.raises(Retryable) as caught:
        HttpClient(0.3, 0.3, guard=frozenset(), resolve=resolve).call("GET", "https://dhis2.example.go.id/")
    assert caught.value.code == "name"
    listener.socket.close()
    with pytest.raises(Retryable) as caught:
        HttpClient(0.3, 0.3, guard={"127.0.0.1"}).call("GET", f"http://127.0.0.1:{listener.port}/")
    assert caught.value.code == "connect"


@given(st.ip_addresses(v=4))
def test_an_inner_address_stays_one_however_it_is_wrapped(address: ipaddress.IPv4Address) -> None:
    wrapped = (
        f"::ffff:{address}",
        f"64:ff9b::{address}",
        str(ipaddress.IPv6Address((0x2002 << 112) | int(address) << 80)),
    )
    for one in wrapped:
        assert may_reach(one, is_allowed=False) == may_reach(str(address), is_allowed=False)


@given(st.text(max_size=40))
def test_no_address_that_is_typed_makes_it_stumble(typed: str) -> None:
    assert guard_address(typed, ()) or typed.lower().startswith("https://")
    guard_address(f"https://{typed}", ())


@contextmanager
def tls_listener() -> Iterator[tuple[int, list[str]]]:
    """A server that hears which name TLS asks for, and then breaks off."""
    names: list[str] = []

    def hear(_socket: ssl.SSLObject | ssl.SSLSocket, name: str | None, _context: ssl.SSLContext) -> int:
        names.append(name or "")
        return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = hear
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        peer, _ = server.accept()
        try:
            context.wrap_socket(peer, server_side=True)
        except (ssl.SSLError, OSError):
            peer.close()

    thread = threading.Thread(target=serve)
    thread.start()
    yield server.getsockname()[1], names
    thread.join()
    server.close()
