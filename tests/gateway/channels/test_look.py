"""What a channel's other side says when it is asked how it does, in words that name the remedy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from gateway.channels import android, generic, twilio
from gateway.channels.base import Adapter, SmsChannel, Surroundings, make_channel
from gateway.lines import ChannelHealth
from tests.gateway.channels.phone import DEVICE, PASSWORD, SIGNING_KEY, USER, Phone
from tests.gateway.channels.standin import Fault, Reply, Script, closed_address
from tests.gateway.channels.twilio_api import ACCOUNT_SID, AUTH_TOKEN

NOW = datetime(2026, 11, 21, 18, 35, 9, tzinfo=UTC)
OURS = "https://kabar.example.org/in/one/sms"
SECRETS = (PASSWORD, SIGNING_KEY, AUTH_TOKEN, "token-0123456789")


def made(adapter: object, folder: Path, given: dict[str, str]) -> SmsChannel:
    return make_channel(cast(Adapter, adapter), "one", given, Surroundings("https://kabar.example.org", folder))


def looked_at(channel: SmsChannel) -> ChannelHealth:
    found = channel.look(NOW)
    assert found is not None
    assert " / " in found.words, "Indonesian, then English"
    assert not any(secret in found.words for secret in SECRETS)
    return found


def look_at_phone(phone: Phone, folder: Path, **more: str) -> ChannelHealth:
    given = {"signing_keys": SIGNING_KEY, "user": USER, "password": PASSWORD, "api_url": phone.api} | more
    return looked_at(made(android, folder, given))


@pytest.fixture
def phone() -> Phone:
    """A phone whose webhook leads here, just heard."""
    found = Phone()
    found.hooks["h1"] = {"id": "h1", "url": OURS, "event": "sms:received"}
    found.last_seen[DEVICE] = NOW
    return found


def test_a_phone_that_is_connected_and_leads_here_is_well(phone: Phone, tmp_path: Path) -> None:
    with phone:
        found = look_at_phone(phone, tmp_path)
    assert (found.is_well, found.heard_at, found.battery) == (True, NOW, 94)


def test_a_server_in_between_says_nothing_of_the_battery(phone: Phone, tmp_path: Path) -> None:
    phone.checks = {"db:ping": {"status": "pass", "observedValue": 0}}
    with phone:
        found = look_at_phone(phone, tmp_path)
    assert (found.is_well, found.battery) == (True, None)


def test_an_app_that_does_not_list_itself_has_just_answered(phone: Phone, tmp_path: Path) -> None:
    phone.lists_devices = False
    with phone:
        assert look_at_phone(phone, tmp_path).heard_at == NOW


ILL: dict[str, tuple[Callable[[Phone], object], str]] = {
    "no webhook": (lambda phone: phone.hooks.clear(), OURS),
    "a webhook for another event": (lambda phone: phone.hooks["h1"].update(event="sms:sent"), OURS),
    "a webhook that leads elsewhere": (lambda phone: phone.hooks["h1"].update(url=OURS + "x"), OURS),
    "no phone": (lambda phone: phone.last_seen.clear(), "DEVICE_ID"),
    "a silent phone": (lambda phone: phone.last_seen.update({DEVICE: NOW - timedelta(hours=2)}), DEVICE),
    "a forgotten second phone": (lambda phone: phone.last_seen.update(old=NOW - timedelta(days=99)), "old"),
    "a phone never heard": (lambda phone: phone.last_seen.update({DEVICE: None}), DEVICE),
    "an empty battery": (lambda phone: phone.checks["battery:level"].update(observedValue=12), "12%"),
    "failing messages": (lambda phone: phone.checks["messages:failed"].update(status="fail"), "pulsa"),
    "a wrong password": (lambda phone: setattr(phone, "password", "another"), "kata sandi"),
    "a wrong address": (lambda phone: setattr(phone, "api_path", "/api/3rdparty/v1"), "API_URL"),
}


@pytest.mark.parametrize(("spoil", "remedy"), ILL.values(), ids=ILL.keys())
def test_what_ails_a_phone_is_said(spoil: Callable[[Phone], object], remedy: str, phone: Phone, tmp_path: Path) -> None:
    api = phone.api
    spoil(phone)
    with phone:
        found = look_at_phone(phone, tmp_path, api_url=api)
    assert not found.is_well
    assert remedy in found.words


def test_an_idle_phone_is_well_and_of_two_the_one_heard_before_counts(phone: Phone, tmp_path: Path) -> None:
    phone.last_seen["other"] = NOW - timedelta(minutes=20)
    with phone:
        found = look_at_phone(phone, tmp_path)
    assert (found.is_well, found.heard_at) == (True, NOW - timedelta(minutes=20))


def test_a_webhook_may_be_one_phone_s_and_carry_more_in_its_address(phone: Phone, tmp_path: Path) -> None:
    phone.hooks["h1"].update(url=f"{OURS}?from=office", deviceId=DEVICE)
    with phone:
        assert look_at_phone(phone, tmp_path, device_id=DEVICE).is_well


def test_an_empty_battery_that_is_being_charged_is_well(phone: Phone, tmp_path: Path) -> None:
    phone.checks["battery:level"].update(observedValue=12)
    phone.checks["battery:charging"].update(observedValue=4)
    with phone:
        assert look_at_phone(phone, tmp_path).is_well


def test_of_several_phones_only_the_channel_s_own_counts(phone: Phone, tmp_path: Path) -> None:
    phone.last_seen["old"] = NOW - timedelta(days=99)
    with phone:
        assert look_at_phone(phone, tmp_path, device_id=DEVICE).is_well
        phone.hooks["h1"]["deviceId"] = "old"
        assert not look_at_phone(phone, tmp_path, device_id=DEVICE).is_well


@pytest.mark.parametrize("body", [b"", b"[1]", b"{}", b'[{"url": 1, "event": []}]', b"[" * 9999])
def test_nonsense_from_the_other_side_is_no_health(body: bytes, tmp_path: Path) -> None:
    with Script([Reply(200, body)] * 3) as script:
        given = {"signing_keys": SIGNING_KEY, "user": USER, "password": PASSWORD, "api_url": script.url}
        assert not looked_at(made(android, tmp_path, given)).is_well


def test_who_is_not_there_is_not_well(tmp_path: Path) -> None:
    with closed_address() as address:
        phone = {"signing_keys": SIGNING_KEY, "user": USER, "password": PASSWORD, "api_url": address}
        account = {"account_sid": ACCOUNT_SID, "auth_tokens": AUTH_TOKEN, "from_number": "+14155552345"}
        gateway = {"secrets": "s" * 16, "send_url": address, "health_url": f"{address}/health"}
        assert not looked_at(made(android, tmp_path, phone)).is_well
        assert not looked_at(made(twilio, tmp_path, account | {"api_url": address})).is_well
        assert not looked_at(made(generic, tmp_path, gateway)).is_well


def look_at_twilio(replies: list[Reply | Fault], folder: Path) -> ChannelHealth:
    given = {"account_sid": ACCOUNT_SID, "auth_tokens": AUTH_TOKEN, "from_number": "+14155552345"}
    with Script(replies) as script:
        return looked_at(made(twilio, folder, given | {"api_url": script.url}))


def account(status: str) -> Reply:
    return Reply.of_json({"sid": ACCOUNT_SID, "status": status})


def balance(left: str) -> Reply:
    return Reply.of_json({"account_sid": ACCOUNT_SID, "balance": left, "currency": "USD"})


def test_twilio_says_that_the_account_is_active_and_what_is_left(tmp_path: Path) -> None:
    found = look_at_twilio([account("active"), balance("12.34")], tmp_path)
    assert (found.is_well, found.credit) == (True, "12.34 USD")


@pytest.mark.parametrize(
    ("replies", "remedy"),
    [
        ([account("suspended"), balance("12.34")], "suspended"),
        ([account("active"), balance("-0.10")], "isi ulang"),
        ([Reply.of_json({"code": 20003, "message": "Authenticate"}, 401)], "credentials are wrong"),
        ([account("active"), Reply.of_json({"code": 20003, "message": "Authenticate"}, 401)], "credentials are wrong"),
        ([account("active"), balance("much")], "cannot be read"),
        ([Fault.LOST], "no answer"),
    ],
)
def test_what_ails_a_twilio_account_is_said(replies: list[Reply | Fault], remedy: str, tmp_path: Path) -> None:
    found = look_at_twilio(replies, tmp_path)
    assert not found.is_well
    assert remedy in found.words


def test_twilio_s_api_key_is_tried_too(tmp_path: Path) -> None:
    given = {"account_sid": ACCOUNT_SID, "auth_tokens": AUTH_TOKEN, "from_number": "+14155552345"}
    given |= {"api_key": f"SK{'0' * 32}:token-0123456789"}
    with Script([account("active"), balance("1.00")]) as script:
        looked_at(made(twilio, tmp_path, given | {"api_url": script.url}))
        of_account, of_key = (seen.headers["authorization"] for seen in script.seen)
    assert of_account != of_key


@pytest.mark.parametrize(
    ("reply", "is_well", "remedy"),
    [
        (Reply(204), True, "menjawab"),
        (Reply(401), False, "SEND_TOKEN"),
        (Reply(302, headers={"Location": "https://elsewhere.example.org"}), False, "302"),
        (Reply(500), False, "500"),
        (Fault.LOST, False, "tidak menjawab"),
    ],
)
def test_a_gateway_is_asked_at_the_address_that_was_named(
    reply: Reply | Fault, is_well: bool, remedy: str, tmp_path: Path
) -> None:
    with Script([reply]) as script:
        given = {"secrets": "s" * 16, "send_url": script.url, "send_token": "token-0123456789"}
        found = looked_at(made(generic, tmp_path, given | {"health_url": f"{script.url}/health"}))
        assert [(seen.method, seen.path) for seen in script.seen] == [("GET", "/health")]
    assert (found.is_well, remedy in found.words) == (is_well, True)


def test_a_gateway_without_such_an_address_is_not_asked(tmp_path: Path) -> None:
    given = {"secrets": "s" * 16, "send_url": "https://sms.example.org/"}
    assert made(generic, tmp_path, given).look(NOW) is None
