"""Making channels of what an operator set: all mistakes are told at once, by name; a channel is added as a file."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest

import gateway.channels
from gateway.channels import generic, simulator, twilio
from gateway.channels.base import Adapter, SmsChannel, Surroundings, make_channel
from gateway.discover import discover
from gateway.errors import Misconfigured
from gateway.values import OutboundSms, Setting
from tests.gateway.channels.recorded import ADAPTERS
from tests.gateway.channels.twilio_api import ACCOUNT_SID, AUTH_TOKEN

PIGEON = """
from gateway.channels.base import SmsChannel
from gateway.errors import Refused
from gateway.values import ChannelLimits, SentSms, Setting

SETTINGS = (Setting("loft", "where it lives", default=None),)


class Pigeon(SmsChannel):
    limits = ChannelLimits(per_second=0.001)

    def __init__(self, name, loft):
        self.name, self.loft = name, loft

    def verify(self, request, now):
        raise Refused("pigeons do not call")

    def read_sms(self, request):
        return ()

    def send(self, sms):
        return SentSms(self.loft)


def make(name, options, surroundings):
    return Pigeon(name, options.text("loft"))
"""


def made(adapter: object, given: Mapping[str, str], folder: Path, name: str = "one") -> SmsChannel:
    return make_channel(cast(Adapter, adapter), name, given, Surroundings("https://kabar.example.org", folder))


def faults(adapter: object, given: Mapping[str, str], folder: Path, name: str = "one") -> dict[str, str]:
    with pytest.raises(Misconfigured) as caught:
        made(adapter, given, folder, name)
    return caught.value.faults


def test_a_channel_is_added_by_adding_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pigeon.py").write_text(PIGEON)
    monkeypatch.setattr(gateway.channels, "__path__", [*gateway.channels.__path__, str(tmp_path)])
    found = discover("gateway.channels", having=("SETTINGS", "make"))
    assert set(found) == {*ADAPTERS, "pigeon"}
    channel = made(found["pigeon"], {"loft": "under the roof"}, tmp_path)
    assert channel.send(OutboundSms("r-1", "+6281234567890", "KB")).provider_id == "under the roof"


def test_what_is_no_channel_is_passed_over() -> None:
    assert {"base", "bodies", "options", "http"}.isdisjoint(ADAPTERS)


def test_every_mistake_is_told_at_once_by_its_variable(tmp_path: Path) -> None:
    given = {"account_sid": "AC12", "auth_tokens": "short", "api_url": "http://far.example.org", "form_number": "+1"}
    assert set(faults(twilio, given, tmp_path, "tw2")) == {
        "KABAR_TW2_ACCOUNT_SID",
        "KABAR_TW2_AUTH_TOKENS",
        "KABAR_TW2_API_URL",
        "KABAR_TW2_FROM_NUMBER",
        "KABAR_TW2_FORM_NUMBER",
    }


@pytest.mark.parametrize("sender", [{"from_number": "+14155552345"}, {"messaging_service_sid": "MG" + "0" * 32}])
def test_twilio_sends_from_a_number_or_by_a_messaging_service(sender: dict[str, str], tmp_path: Path) -> None:
    given = {"account_sid": ACCOUNT_SID, "auth_tokens": AUTH_TOKEN}
    assert made(twilio, given | sender, tmp_path).name == "one"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("secrets", "too-short"),
        ("secrets", "rahasia-rahasia-é-é"),
        ("secrets", "long-enough-to-be-good, short"),
        ("secrets", "whsec_!!!!!!!!!!!!!!!!"),
        ("send_url", "http://sms.example.org/send"),
        ("send_url", "sms.example.net"),
        ("send_url", "https://user:pass@sms.example.org/"),
        ("send_url", "https://sms.example.org:99999/"),
        ("send_extra", '{"userkey": "abc"'),
        ("send_extra", '["abc"]'),
        ("per_second", "1001"),
        ("per_second", "nan"),
        ("per_second", "٣"),
        ("scheme", "none"),
        ("send_idempotent", "true"),
        ("from_field", "a b"),
    ],
)
def test_a_wrong_value_is_told_without_being_repeated(name: str, value: str, tmp_path: Path) -> None:
    given = {"secrets": "long-enough-to-be-good", "send_url": "https://sms.example.org/"} | {name: value}
    found = faults(generic, given, tmp_path)
    assert list(found) == [f"KABAR_ONE_{name.upper()}"]
    assert value not in str(found)


@pytest.mark.parametrize("name", ["", "One", "1one", "one-two", "../one", "o" * 21, "één"])
def test_a_channel_s_name_can_stand_in_an_address_and_in_the_environment(name: str, tmp_path: Path) -> None:
    assert "KABAR_CHANNELS" in faults(simulator, {}, tmp_path, name)


@pytest.mark.parametrize(
    ("adapter", "setting"),
    [(name, setting) for name, module in ADAPTERS.items() for setting in module.SETTINGS],
    ids=lambda part: part if isinstance(part, str) else part.name,
)
def test_every_setting_is_explained_and_its_default_is_right(adapter: str, setting: Setting) -> None:
    assert setting.meaning
    assert not setting.default or setting.find_fault(setting.default) == ""
    assert not (setting.is_secret and setting.default), "a secret that everybody knows is none"


def test_the_simulator_s_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    first = simulator.read_secret(folder).reveal()
    assert len(first) == 64
    assert simulator.read_secret(folder).reveal() == first
    path = folder / simulator.SECRET_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in folder.iterdir()] == [path.name]
