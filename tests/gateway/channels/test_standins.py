"""The stand-ins behave as the providers they stand in for, seen through the real channels."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import cast
from urllib.parse import urlencode

import pytest

from gateway.channels import generic, twilio
from gateway.channels.base import Adapter, SmsChannel, Surroundings, make_channel
from gateway.errors import Permanent, Retryable, Unsure
from gateway.values import HttpRequest, OutboundSms, OutboxState
from tests.gateway.channels.provider import TOKEN, Provider
from tests.gateway.channels.standin import Reply, Script
from tests.gateway.channels.twilio_api import ACCOUNT_SID, AUTH_TOKEN, Refusal, TwilioApi, inbound_fields, sign

NOW = datetime(2026, 11, 21, 18, 35, 9, tzinfo=UTC)
SMS = OutboundSms("r-0001", "+6281234567890", "KB SEP25 tersimpan")


def twilio_at(api: TwilioApi, folder: Path, public_url: str = "https://kabar.example.org") -> SmsChannel:
    given = {
        "account_sid": ACCOUNT_SID,
        "auth_tokens": AUTH_TOKEN,
        "from_number": "+14155552345",
        "api_url": api.url,
        "timeout_seconds": "0.3",
    }
    return make_channel(cast(Adapter, twilio), "twilio", given, Surroundings(public_url, folder))


def gateway_at(provider: Provider, folder: Path, is_idempotent: bool = False) -> SmsChannel:
    given = {
        "secrets": "a-secret-that-is-long-enough",
        "send_url": f"{provider.url}/send",
        "send_token": TOKEN,
        "timeout_seconds": "0.3",
        "send_idempotent": "yes" if is_idempotent else "no",
    }
    return make_channel(cast(Adapter, generic), "gateway", given, Surroundings("https://kabar.example.org", folder))


def test_the_signature_is_the_one_of_twilio_s_documentation() -> None:
    fields = {"CallSid": "CA1234567890ABCDE", "Digits": "1234", "From": "+14158675309", "To": "+18005551212"}
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert sign("12345", url, fields | {"Caller": "+14158675309"}) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_twilio_takes_a_message_and_writes_it_down(tmp_path: Path) -> None:
    with TwilioApi() as api:
        sent = twilio_at(api, tmp_path).send(SMS)
        (taken,) = api.ledger
    assert (taken.sid, taken.to, taken.body, taken.ref) == (sent.provider_id, SMS.to, SMS.text, SMS.ref)
    assert sent.segments == 1


@pytest.mark.parametrize(
    ("sms", "code"),
    [
        (OutboundSms("r", "081234567890", "KB"), "21211"),
        (OutboundSms("r", "+6281234567890", ""), "21602"),
        (OutboundSms("r", "+6281234567890", "x" * 1601), "21617"),
        (OutboundSms("r", "+6281200000000", "KB"), "21610"),
    ],
)
def test_twilio_refuses_what_it_never_sends(sms: OutboundSms, code: str, tmp_path: Path) -> None:
    with TwilioApi() as api:
        api.opted_out.add("+6281200000000")
        with pytest.raises(Permanent) as caught:
            twilio_at(api, tmp_path).send(sms)
        assert (caught.value.code, api.ledger) == (code, [])


def test_twilio_refuses_for_now_then_takes_the_message_once(tmp_path: Path) -> None:
    with TwilioApi() as api:
        api.refusals.append(Refusal(429, 20429, "Too Many Requests"))
        channel = twilio_at(api, tmp_path)
        with pytest.raises(Retryable):
            channel.send(SMS)
        channel.send(SMS)
        assert [sent.ref for sent in api.ledger] == [SMS.ref]


@pytest.mark.parametrize("how", ["lost_answers", "silent_answers"])
def test_twilio_may_have_taken_what_it_did_not_answer(how: str, tmp_path: Path) -> None:
    with TwilioApi() as api:
        setattr(api, how, 1)
        with pytest.raises(Unsure):
            twilio_at(api, tmp_path).send(SMS)
        assert len(api.ledger) == 1


def test_twilio_refuses_wrong_credentials(tmp_path: Path) -> None:
    with TwilioApi(auth_token="another") as api:
        with pytest.raises(Retryable) as caught:
            twilio_at(api, tmp_path).send(SMS)
        assert (caught.value.code, api.ledger) == ("20003", [])


def test_twilio_calls_the_fate_of_a_message_back_under_its_signature(tmp_path: Path) -> None:
    with TwilioApi() as api, Script([Reply(), Reply()]) as kabar:
        channel = twilio_at(api, tmp_path, public_url=kabar.url)
        sent = channel.send(SMS)
        assert api.tell(api.ledger[0], "undelivered", error_code="30003") == 200
        (seen,) = kabar.seen
        request = HttpRequest(seen.method, seen.path, seen.headers, seen.body)
        (status,) = channel.take_status(request, NOW)
    assert (status.state, status.ref, status.provider_id) == (OutboxState.FAILED, SMS.ref, sent.provider_id)
    assert status.code == "30003"


def test_twilio_hands_a_message_in_under_its_signature(tmp_path: Path) -> None:
    sid = "SM" + "7" * 32
    with TwilioApi() as api, Script([Reply()]) as kabar:
        assert (
            api.deliver("https://kabar.example.org/in/twilio/sms", sid, SMS.to, "KB", f"{kabar.url}/in/twilio/sms")
            == 200
        )
        (seen,) = kabar.seen
        assert seen.body == urlencode(inbound_fields(sid, SMS.to, "KB")).encode()
        (sms,) = twilio_at(api, tmp_path).take_sms(HttpRequest("POST", seen.path, seen.headers, seen.body), NOW)
    assert (sms.provider_id, sms.text) == (sid, "KB")


def test_an_idempotent_gateway_sends_one_key_once_however_often_it_is_asked(tmp_path: Path) -> None:
    with Provider() as provider:
        provider.lost_answers = 1
        channel = gateway_at(provider, tmp_path, is_idempotent=True)
        with pytest.raises(Retryable):
            channel.send(SMS)
        assert channel.send(SMS).provider_id == "g0"
        assert provider.requests == [SMS.ref, SMS.ref]
        assert [taken.ref for taken in provider.ledger] == [SMS.ref]


def test_a_gateway_without_that_promise_sends_twice_what_is_asked_twice(tmp_path: Path) -> None:
    with Provider(is_idempotent=False) as provider:
        channel = gateway_at(provider, tmp_path)
        channel.send(SMS)
        channel.send(SMS)
        assert [taken.ref for taken in provider.ledger] == [SMS.ref, SMS.ref]
