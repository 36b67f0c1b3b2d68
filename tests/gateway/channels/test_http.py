"""The HTTP client: what is known to be undone, what is not known, and what it never does by itself."""

from __future__ import annotations

import ssl

import pytest
import requests
import urllib3

from gateway.channels import http
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


def test_a_certificate_that_is_not_accepted_means_that_nothing_was_sent() -> None:
    refused = urllib3.exceptions.SSLError(ssl.SSLCertVerificationError("self-signed certificate"))
    pool = urllib3.HTTPSConnectionPool("127.0.0.1")
    theirs = requests.exceptions.SSLError(urllib3.exceptions.MaxRetryError(pool, "/", refused))
    assert isinstance(http._translate(theirs), Retryable)


@pytest.mark.parametrize("address", ["", "nonsense", "ftp://127.0.0.1/", "http://", "http://[::1/"])
def test_what_is_no_address_is_never_called(address: str) -> None:
    with pytest.raises(Permanent):
        quick().call("GET", address)


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
