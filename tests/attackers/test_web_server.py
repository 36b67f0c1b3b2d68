"""What a request may look like on the wire: the real web server, spoken to by socket."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway.supervise import start_leashed
from tests.chaos.harness import ROOT, free_port, wait_until

SECRET = "web-server-secret-canary-0123456789"
THREADS = 2


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[int]:
    """The port of a web server with one process and two threads."""
    folder, port = tmp_path_factory.mktemp("web"), free_port()
    (folder / "kabar.db").write_bytes(migrated_sqlite.read_bytes())
    environ = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(ROOT), "HOME": str(folder)}
    environ |= {"KABAR_VAR": str(folder), "KABAR_PORT": str(port), "KABAR_REDIS_URL": f"unix://{folder}/no.sock"}
    environ |= {
        "KABAR_CHANNELS": "generic",
        "KABAR_GENERIC_SECRETS": SECRET,
        "KABAR_GENERIC_SEND_URL": "http://127.0.0.1:1/",
    }
    environ |= {"KABAR_WEB_PROCESSES": "1", "KABAR_WEB_THREADS": str(THREADS)}
    command = [sys.executable, "-P", "-m", "gateway.cli", "web"]
    process = start_leashed(command, environ, folder, subprocess.DEVNULL)
    wait_until(lambda: is_up(port), "the web server answers")
    yield port
    process.terminate()
    process.wait()


def is_up(port: int) -> bool:
    """Return whether the server lives."""
    try:
        return b" 200 " in ask(port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    except OSError:
        return False


def ask(port: int, request: bytes) -> bytes:
    """Send octets and return all that comes back until the server hangs up."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as wire:
        try:
            wire.sendall(request)
            while piece := wire.recv(65536):
                answer += piece
        except ConnectionError:
            pass  # it hung up on what it did not want
    return answer


def statuses(answer: bytes) -> list[int]:
    """Return the status of every answer on one connection."""
    return [int(line.split(b" ")[1]) for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.")]


def post(*headers: str, body: bytes = b"", path: str = "/in/generic/sms") -> bytes:
    """Return a request with the right secret."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {SECRET}", "Connection: close"]
    return "\r\n".join([*lines, "Content-Type: application/json", *headers]).encode() + b"\r\n\r\n" + body


CHUNKED = b"5\r\nhello\r\n0\r\n\r\n"
INNER = b"GET /login HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.long
@pytest.mark.parametrize(
    "request_bytes",
    [
        post("Content-Length: 5", "Transfer-Encoding: chunked", body=CHUNKED + INNER),
        post("Transfer-Encoding: chunked", "Content-Length: 5", body=CHUNKED + INNER),
        post("Transfer-Encoding: chunked, identity", body=CHUNKED + INNER),
        post("Transfer-Encoding: xchunked", body=CHUNKED + INNER),
        post("Transfer-Encoding : chunked", body=CHUNKED + INNER),
        post("Content-Length: 5", "Content-Length: 6", body=b"hello" + INNER),
        post("Content-Length: +5", body=b"hello" + INNER),
        post("Content-Length: 5\n Transfer-Encoding: chunked", body=CHUNKED + INNER),
    ],
    ids=[
        *("length and chunks", "chunks and length", "two codings", "unknown coding", "blank before the colon"),
        *("two lengths", "signed length", "folded line"),
    ],
)
def test_a_request_of_two_lengths_is_refused_and_nothing_behind_it_is_read(port: int, request_bytes: bytes) -> None:
    found = statuses(ask(port, request_bytes))
    assert len(found) <= 1, "what was smuggled behind it was answered"
    assert not found or 400 <= found[0] <= 501
    assert is_up(port)


@pytest.mark.long
@pytest.mark.parametrize(
    ("request_bytes", "expected"),
    [
        (post(*(f"X-{n}: 1" for n in range(200)), "Content-Length: 0"), {400, 431}),
        (post(f"X-Long: {'a' * 100_000}", "Content-Length: 0"), {400, 431}),
        (post("Content-Length: 0", path="/in/generic/sms?" + "a" * 9000), {414, 400}),
        (post("Content-Length: 70000", body=b"a" * 70_000), {413}),
        (post("Content-Length: 99999999999", body=b"a"), {413}),
        (post("Transfer-Encoding: chunked", body=b"11170\r\n" + b"a" * 70_000 + b"\r\n0\r\n\r\n"), {413}),
        (post("Content-Length: 2", "Content-Encoding: gzip", body=b"\x1f\x8b"), {400, 415}),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {400, 505}),
    ],
    ids=[
        *("200 headers", "a header of 100 kB", "a long address", "a long body", "a length that never comes"),
        *("chunks without end", "compressed", "TLS"),
    ],
)
def test_what_is_too_large_or_no_request_is_refused(port: int, request_bytes: bytes, expected: set[int]) -> None:
    found = statuses(ask(port, request_bytes))
    assert not found or set(found) <= expected
    assert is_up(port)


@pytest.mark.long
def test_connections_that_say_nothing_keep_nobody_waiting_for_ever(port: int) -> None:
    with ExitStack() as silent:
        for _ in range(THREADS * 3):
            silent.enter_context(socket.create_connection(("127.0.0.1", port)))
        assert is_up(port)


@pytest.mark.long
@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "localhost@evil.example"])
def test_another_hosts_name_opens_no_page(port: int, host: str) -> None:
    answer = ask(port, f"GET /login HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert statuses(answer)[0] in {400, 403}


@pytest.mark.long
def test_no_secret_stands_among_the_processes_of_the_machine(port: int) -> None:
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if os.access(path, os.R_OK)]
    assert any(b"gunicorn" in command for command in commands), "the server's own would be seen"
    assert not [command for command in commands if SECRET.encode() in command]
