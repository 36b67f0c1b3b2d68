"""What is wrong with a channel's option is told in both languages, Indonesian first, and never repeats a secret."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.channels.base import Surroundings, make_channel
from gateway.channels.ussd.base import make_ussd
from gateway.discover import discover
from gateway.errors import Misconfigured
from gateway.values import Setting, find_setting_faults

WRONG = (
    "§ §",
    "x",
    "-1",
    "99999999999",
    "kunci",
    "http://x",
    "ftp://x/y?z",
    "sqlite://",
    "{",
    "a,b",
    "x" * 17,
    "§" * 999,
)


def list_settings() -> Iterator[tuple[str, tuple[Setting, ...]]]:
    """Return every adapter and dialect by name, with its options."""
    for package in ("gateway.channels", "gateway.channels.ussd"):
        for name, module in discover(package, having=("SETTINGS", "make")).items():
            yield f"{package}.{name}", module.SETTINGS


@pytest.mark.parametrize(
    ("name", "settings"), list(list_settings()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_wrong_option_is_told_in_both_languages(name: str, settings: tuple[Setting, ...]) -> None:
    told = [
        (fault, value)
        for value in WRONG
        for fault in find_setting_faults(
            settings, dict.fromkeys([*(one.name for one in settings), "bicycle"], value)
        ).values()
    ]
    told += [(fault, "") for fault in find_setting_faults(settings, {}).values()]
    assert told
    assert [
        fault for fault, _ in told if not fault.startswith(("harus ", "tiap ", "bukan ")) or " / " not in fault
    ] == []
    assert [value for fault, value in told if len(value) > 5 and value in fault] == []


def test_a_name_that_no_channel_can_have_is_told_in_both_languages(tmp_path: Path) -> None:
    around = Surroundings("https://kabar.example", tmp_path)
    with pytest.raises(Misconfigured, match=r"huruf kecil .* / a channel's name"):
        make_channel(discover("gateway.channels", having=("SETTINGS", "make"))["twilio"], "Twilio!", {}, around)
    with pytest.raises(Misconfigured, match=r"huruf kecil .* / its name"):
        make_ussd(discover("gateway.channels.ussd", having=("SETTINGS", "make"))["arkesel"], "Ussd!", {}, around)
