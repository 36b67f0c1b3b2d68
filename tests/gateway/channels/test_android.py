"""The android channel beside the app's published client; its rules for keys and addresses; what a mad phone says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, cast

import pytest
import requests
from android_sms_gateway import client, domain, errors, webhooks
from android_sms_gateway import http as client_http
from android_sms_gateway.enums import HealthStatus, ProcessState, WebhookEvent
from hypothesis import given
from hypothesis import strategies as st

from gateway.channels import android
from gateway.channels.base import Adapter, SmsChannel, Surroundings, make_channel
from gateway.errors import Malformed, Misconfigured, Permanent, Refused
from gateway.values import HttpRequest, InboundSms, OutboundSms
from tests.gateway.channels.fitting import fits, read_both
from tests.gateway.channels.phone import DEVICE, PASSWORD, SIGNING_KEY, USER, Phone, received, sign
from tests.gateway.channels.standin import Reply, Script

NOW = datetime(2026, 11, 21, 19, 9, 42, tzinfo=UTC)
SENDER, TEXT = "+6281234567890", "KB 0925 BARU 12 AKTIF 40"
LOGIN = {"signing_keys": SIGNING_KEY, "user": USER, "password": PASSWORD}


def made(folder: Path, **more: str) -> SmsChannel:
    surroundings = Surroundings("https://kabar.example.org", folder)
    return make_channel(cast(Adapter, android), "phone1", LOGIN | more, surroundings)


@pytest.fixture
def channel(tmp_path: Path) -> SmsChannel:
    """A channel that reads; it hands nothing over."""
    return made(tmp_path)


def posted(event: str, payload: object, device: str = DEVICE) -> HttpRequest:
    """Return a webhook, signed now."""
    envelope = {"id": "e1", "webhookId": "w1", "event": event, "deviceId": device, "payload": payload}
    body, stamp = json.dumps(envelope).encode(), str(int(NOW.timestamp()))
    headers = {"x-timestamp": stamp, "x-signature": sign(SIGNING_KEY, body, stamp)}
    return HttpRequest("POST", "/in/phone1/sms", headers, body)


def read(channel: SmsChannel, payload: Mapping[str, object], **how: str) -> InboundSms:
    (message,) = channel.take_sms(posted("sms:received", payload, **how), NOW)
    return message


@pytest.fixture
def phone() -> Iterator[Phone]:
    """A phone, on loopback."""
    with Phone(clock=lambda: NOW) as found:
        yield found


@pytest.fixture
def published(phone: Phone) -> Iterator[Any]:
    """The app's published client, speaking to that phone."""
    session = requests.Session()
    session.trust_env = False
    with client.APIClient(
        USER, PASSWORD, base_url=phone.api, http=client_http.RequestsHttpClient(session)
    ) as made_client:
        yield made_client


def test_what_we_hand_over_is_what_the_published_client_would(phone: Phone, tmp_path: Path) -> None:
    sms = OutboundSms("r-0001", SENDER, "Terima kasih “laporan” 😀")
    made(tmp_path, api_url=phone.api, device_id=DEVICE, sim_number="2", ttl_seconds="3600").send(sms)
    (seen,) = phone.seen
    wanted = domain.Message(
        phone_numbers=[SENDER],
        text_message=domain.TextMessage(text=sms.text),
        id="r-0001",
        sim_number=2,
        ttl=3600,
        device_id=DEVICE,
    ).asdict()
    assert seen.json == {name: value for name, value in wanted.items() if name not in {"isEncrypted", "priority"}}


def test_the_phone_of_the_tests_speaks_to_the_published_client(phone: Phone, published: Any) -> None:
    message = domain.Message(phone_numbers=[SENDER], text_message=domain.TextMessage(text="KB"), id="gw-1")
    assert published.send(message).state is ProcessState.Pending
    assert published.get_state("gw-1").recipients[0].phone_number == SENDER
    with pytest.raises(errors.APIError) as caught:
        published.send(message)
    assert caught.value.status_code == 409
    hook = published.create_webhook(domain.Webhook(None, "http://127.0.0.1:9/", WebhookEvent.SMS_RECEIVED))
    assert published.get_webhooks() == [hook]
    assert published.list_devices()[0].last_seen == NOW
    assert published.health_check().status is HealthStatus.PASS
    assert [sent.id for sent in phone.ledger] == ["gw-1"]


def test_the_webhooks_of_the_tests_are_those_of_the_published_client(channel: SmsChannel) -> None:
    payload = received(SENDER, TEXT, NOW)
    known = webhooks.SmsReceivedPayload.from_dict(payload)
    message = read(channel, payload)
    assert (known.sender, known.message, known.received_at) == (SENDER, message.text, message.sent_at)


instants = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda at: at.replace(microsecond=0)
)


@given(at=instants, text=st.text(max_size=40), hours=st.integers(-11, 13), device=st.sampled_from([DEVICE, "cloud"]))
def test_one_message_has_one_id_from_whichever_registration_it_comes(
    at: datetime, text: str, hours: int, device: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    channel = kept(tmp_path_factory)
    first = received(SENDER, text, at)
    again = first | {"receivedAt": at.astimezone(timezone(timedelta(hours=hours))).isoformat(), "simNumber": None}
    one, other = read(channel, first), read(channel, again, device=device)
    assert (one.provider_id, one.sent_at) == (other.provider_id, at)


@given(first=instants, second=instants)
def test_equal_texts_at_different_times_are_different_messages(
    first: datetime, second: datetime, tmp_path_factory: pytest.TempPathFactory
) -> None:
    channel = kept(tmp_path_factory)
    one, other = (read(channel, received(SENDER, TEXT, at) | {"messageId": "1"}) for at in (first, second))
    assert (one.provider_id == other.provider_id) == (first == second)


def test_messages_whose_short_ids_happen_to_agree_are_different_messages(channel: SmsChannel) -> None:
    payload = received(SENDER, TEXT, NOW) | {"messageId": "31f0397b"}
    texts = {read(channel, payload | {"message": text}).provider_id for text in ("KB 0925", "KB 1025")}
    senders = {read(channel, payload | {"sender": sender}).provider_id for sender in (SENDER, "+6281234567891")}
    assert (len(texts), len(senders)) == (2, 2)


EVENTS = st.sampled_from(
    ["sms:received", "sms:batch:received", "sms:sent", "sms:delivered", "sms:failed", "system:ping", "mms:received"]
)
ODD = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.lists(st.none(), max_size=2)
FIELDS = ["sender", "phoneNumber", "message", "messageId", "receivedAt", "sentAt", "reason", "recipient", "messages"]
GOOD = st.sampled_from([SENDER, "r-0001.2", "2026-11-21T19:09:42Z", "x" * 300])
PAYLOADS = ODD | st.dictionaries(st.sampled_from(FIELDS), ODD | GOOD)


@given(event=EVENTS | ODD, payload=PAYLOADS | st.builds(lambda one: {"messages": [one]}, PAYLOADS), device=ODD)
def test_whatever_a_phone_says_is_read_or_malformed(
    event: object, payload: object, device: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    channel = kept(tmp_path_factory)
    document = {"event": event, "payload": payload, "deviceId": DEVICE if device is None else device}
    request = HttpRequest("POST", "/in/phone1/sms", {}, json.dumps(document).encode())
    for found in read_both(channel, request):
        assert isinstance(found, Malformed) or all(fits(one) for one in found)


@pytest.mark.parametrize("address", ["http://192.168.1.20:8080", "http://10.0.0.7:8080", "http://172.16.9.9:8080"])
def test_a_phone_in_the_office_is_spoken_to_in_the_clear_only_where_somebody_said_so(
    address: str, tmp_path: Path
) -> None:
    with pytest.raises(Misconfigured) as caught:
        made(tmp_path, api_url=address)
    assert "KABAR_PHONE1_LAN=yes" in caught.value.faults["KABAR_PHONE1_API_URL"]
    assert made(tmp_path, api_url=address, lan="yes").name == "phone1"


@pytest.mark.parametrize(
    "address",
    [
        "http://8.8.8.8:8080",
        "http://phone.example.org:8080",
        "http://169.254.169.254/",
        "http://0.0.0.0:8080",
        "http://user:pass@192.168.1.20:8080",
        "http://192.168.1.20:99999",
        "https://api.sms-gate.app/3rdparty/v1?x=1",
        "api.sms-gate.app",
    ],
)
def test_no_other_address_is_spoken_to_in_the_clear_whoever_says_so(address: str, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as caught:
        made(tmp_path, api_url=address, lan="yes")
    assert list(caught.value.faults) == ["KABAR_PHONE1_API_URL"]


def test_a_key_as_short_as_the_app_s_own_is_not_enough(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="at least 16 characters"):
        made(tmp_path, signing_keys="Xy3_k9Qz")


def test_the_promises_of_the_channel(tmp_path: Path) -> None:
    limits = made(tmp_path, per_day="200").limits
    assert (limits.is_idempotent, limits.stamps_sent_at, limits.per_day, limits.per_second) == (True, True, 200, 0.2)
    assert made(tmp_path).limits.per_day is None


def test_what_failed_again_and_again_is_not_tried_for_ever(tmp_path: Path) -> None:
    failed = [Reply(409), Reply.of_json({"state": "Failed"})]
    with Script(failed * android.MOST_TIMES) as script, pytest.raises(Permanent):
        made(tmp_path, api_url=script.url).send(OutboundSms("r-0001", SENDER, "KB"))
    assert len({json.loads(seen.body)["id"] for seen in script.seen if seen.body}) == android.MOST_TIMES


def test_a_phone_s_wrong_clock_is_named_as_the_cause(channel: SmsChannel) -> None:
    with pytest.raises(Refused, match="clock"):
        channel.verify(posted("sms:received", {}), NOW + timedelta(hours=1))


_KEPT: list[SmsChannel] = []


def kept(folders: pytest.TempPathFactory) -> SmsChannel:
    """Return one channel for all examples."""
    if not _KEPT:
        _KEPT.append(made(folders.mktemp("var")))
    return _KEPT[0]
