"""The HTTP client: what is known to be undone, what is not known, and what it never does by itself."""

from __future__ import annotations

import base64
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.channels.http import MOST_BYTES, HttpClient
from gateway.errors import Permanent, Retryable, Unsure
from tests.gateway.channels.standin import Fault, Reply, Script, closed_address


def quick() -> HttpClient:
    return HttpClient(connect_seconds=0.3, read_seconds=0.3)


def test_an_answer_of_any_status_is_returned() -> None:
    with Script([Reply(418, b"tea", {"X-Pot": "1"})]) as peer:
        answer = quick().post_form(peer.url, {"a": "1 é"})
    assert (answer.status, answer.text, answer.headers["x-pot"]) == (418, "tea", "1")
    assert peer.seen[0].form == {"a": "1 é"}


def test_nobody_listening_means_that_nothing_was_done() -> None:
    with closed_address() as address, pytest.raises(Retryable):
        quick().call("GET", address)


def test_an_unknown_name_means_that_nothing_was_done() -> None:
    with pytest.raises(Retryable):
        quick().call("GET", "http://no-such-host.invalid/")


@pytest.mark.parametrize("fault", list(Fault))
def test_a_missing_answer_means_that_nobody_knows(fault: Fault) -> None:
    with Script([fault]) as peer, pytest.raises(Unsure):
        quick().post_json(peer.url, {})


def test_nothing_is_asked_twice() -> None:
    with Script([Fault.LOST, Reply()]) as peer:
        with pytest.raises(Unsure):
            quick().post_json(peer.url, {})
        assert len(peer.seen) == 1


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[tuple[Script, Path]]:
    """A peer that speaks TLS as 127.0.0.1, and the certificate that vouches for it."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-subj", "/CN=peer", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    peer = Script([Reply(200, b"secured")])
    peer.speak_tls(context)
    with peer:
        yield peer, certificate


def test_a_certificate_that_nobody_vouches_for_means_that_nothing_was_sent(secured: tuple[Script, Path]) -> None:
    peer, _ = secured
    with pytest.raises(Retryable) as caught:
        quick().call("POST", peer.url, body=b"a-secret")
    assert caught.value.code == "certificate"
    assert peer.seen == []


def test_a_certificate_counts_for_the_name_in_it_alone(
    secured: tuple[Script, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    peer, certificate = secured
    monkeypatch.setattr("certifi.where", lambda: str(certificate))  # whom we trust
    assert quick().call("GET", peer.url).text == "secured"
    with pytest.raises(Retryable) as caught:
        quick().call("GET", peer.url.replace("127.0.0.1", "localhost"))
    assert caught.value.code == "certificate"


@pytest.mark.parametrize("address", ["", "nonsense", "ftp://127.0.0.1/", "http://", "http://[::1/"])
def test_what_is_no_address_is_never_called(address: str) -> None:
    with pytest.raises(Permanent):
        quick().call("GET", address)


@pytest.mark.parametrize(
    "headers",
    [{"X-Token": "a\r\nX-Other: b"}, {"X-Token": " a"}, {"X-To ken": "a"}, {"X-Token:": "a"}, {"X-Token": "ā"}],
)
def test_a_header_that_cannot_be_written_is_never_sent(headers: dict[str, str]) -> None:
    with Script([Reply()]) as peer:
        with pytest.raises(Permanent):
            quick().call("GET", peer.url, headers)
        assert peer.seen == []


def test_a_connection_is_kept_for_the_next_request() -> None:
    with Script([Reply(200, b"one"), Reply(204), Reply(200, b"three")]) as peer:
        client = quick()
        for _ in range(3):
            client.post_json(peer.url, {})
        client.close()
    assert len({one.port for one in peer.seen}) == 1


def test_a_request_without_a_body_says_so() -> None:
    with Script([Reply(), Reply()]) as peer:
        quick().call("POST", peer.url)
        quick().call("GET", peer.url)
    assert [one.headers.get("content-length") for one in peer.seen] == ["0", None]


def test_a_name_and_a_password_are_sent_as_http_basic() -> None:
    with Script([Reply()]) as peer:
        quick().call("GET", peer.url, {"Authorization": "Bearer other"}, auth=("bidan", "rahasia–é"))
    assert peer.seen[0].headers["authorization"] == "Basic " + base64.b64encode("bidan:rahasia–é".encode()).decode()


def test_a_redirection_is_not_followed() -> None:
    with Script([Reply(302, headers={"Location": "/elsewhere"}), Reply()]) as peer:
        assert quick().call("GET", peer.url).status == 302
        assert len(peer.seen) == 1


def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with closed_address() as proxy, Script([Reply(200, b"direct")]) as peer:
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.setenv("no_proxy", "")
        assert quick().call("GET", peer.url).text == "direct"


def test_a_cookie_is_not_kept() -> None:
    with Script([Reply(headers={"Set-Cookie": "a=1"}), Reply()]) as peer:
        client = quick()
        client.call("GET", peer.url)
        client.call("GET", peer.url)
        assert "cookie" not in peer.seen[1].headers


def test_an_endless_answer_is_cut() -> None:
    with Script([Reply(200, b"x" * (MOST_BYTES + 50_000))]) as peer:
        assert len(quick().call("GET", peer.url).body) == MOST_BYTES


def test_a_body_that_breaks_off_does_not_take_the_status_back() -> None:
    with Script([Reply(201, b"half", {"Content-Length": "400", "Connection": "close"})]) as peer:
        answer = quick().call("GET", peer.url)
    assert answer.status == 201


def test_our_error_does_not_carry_the_request_with_its_secrets_along() -> None:
    with Script([Fault.LOST]) as peer, pytest.raises(Unsure) as caught:
        quick().call("POST", peer.url, {"Authorization": "Bearer a-secret"}, b"a-secret")
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
