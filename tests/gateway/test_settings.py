"""The settings: everything wrong is told at once, by name, and no value is repeated."""

from __future__ import annotations

import pytest

from gateway.errors import Misconfigured
from gateway.settings import describe_settings, read_settings

WRONG = {
    "KABAR_PORT": "http",
    "KABAR_DATABASE_URL": "mysql://root:hunter2@db/kabar",
    "KABAR_LANGUAGE": "jv",
    "KABAR_DATABSE_URL": "sqlite:///x",
    "KABAR_CHANNELS": "twilio, twilio",
}


def test_an_empty_environment_is_enough() -> None:
    settings = read_settings({})
    assert settings.database.startswith("sqlite:////")
    assert settings.is_embedded


def test_every_mistake_is_told_at_once_by_name_without_its_value() -> None:
    with pytest.raises(Misconfigured) as caught:
        read_settings(WRONG)
    assert set(caught.value.faults) == set(WRONG)
    assert "did you mean KABAR_DATABASE_URL" in caught.value.faults["KABAR_DATABSE_URL"]
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_the_addresses_that_hosts_hand_out_are_taken(scheme: str) -> None:
    settings = read_settings(
        {"DATABASE_URL": f"{scheme}://u:p@db/kabar", "REDIS_URL": "redis://r:6379", "PORT": "5000"}
    )
    assert settings.database == "postgresql+psycopg://u:p@db/kabar"
    assert (settings.redis_url, settings.port, settings.is_embedded) == ("redis://r:6379", 5000, False)


def test_our_own_names_win_over_those_of_the_host() -> None:
    settings = read_settings({"DATABASE_URL": "postgres://other/x", "KABAR_DATABASE_URL": "sqlite:////tmp/mine.db"})
    assert settings.database == "sqlite:////tmp/mine.db"


def test_a_channels_own_settings_are_kept_apart_by_its_name() -> None:
    environ = {
        "KABAR_CHANNELS": "twilio, other=generic",
        "KABAR_OTHER_SEND_URL": "https://a.b",
        "KABAR_TWILIO_FROM": "+1",
    }
    assert read_settings(environ).channel_options == {"other": {"send_url": "https://a.b"}, "twilio": {"from": "+1"}}


def test_settings_of_a_channel_that_is_not_configured_are_a_mistake() -> None:
    with pytest.raises(Misconfigured) as caught:
        read_settings({"KABAR_TWILIO_AUTH_TOKENS": "x"})
    assert "KABAR_TWILIO_AUTH_TOKENS" in caught.value.faults


def test_every_setting_says_what_it_is_for() -> None:
    assert all(name.startswith("KABAR_") and meaning.strip() for name, _, meaning in describe_settings())


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("", None),
        ("127.0.0.1:9464", ("127.0.0.1", 9464)),
        ("[::1]:9464", ("::1", 9464)),
        ("kabar.lan:1", ("kabar.lan", 1)),
    ],
)
def test_where_metrics_are_told_is_an_address_and_a_port(written: str, meant: tuple[str, int] | None) -> None:
    assert read_settings({"KABAR_METRICS": written}).metrics_address == meant


@pytest.mark.parametrize(
    "written", ["9464", "127.0.0.1", "127.0.0.1:", ":9464", "127.0.0.1:70000", "http://a:1", "a:0"]
)
def test_what_is_no_such_address_is_a_mistake(written: str) -> None:
    with pytest.raises(Misconfigured, match="KABAR_METRICS"):
        read_settings({"KABAR_METRICS": written})
