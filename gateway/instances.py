"""What a setting names in one line: channels with their adapters, routes, lists."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChannelInstance:
    """One configured channel: its name in addresses and tables, and the adapter that speaks for it."""

    name: str
    adapter: str


def parse_channels(written: str) -> tuple[ChannelInstance, ...]:
    """Return the configured channels of `twilio, modem1=gammu`.

    >>> [(one.name, one.adapter) for one in parse_channels("twilio, modem1=gammu")]
    [('twilio', 'twilio'), ('modem1', 'gammu')]
    """
    pairs = [
        (name.strip(), adapter.strip()) for name, _, adapter in (part.partition("=") for part in split_list(written))
    ]
    return tuple(ChannelInstance(name, adapter or name) for name, adapter in pairs)


def parse_routes(written: str) -> list[tuple[str, str]]:
    """Return (operator or start of numbers, channel) of `telkomsel=modem1, +62899=modem3`."""
    pairs = [part.partition("=") for part in split_list(written)]
    return [(start.strip().lower(), name.strip()) for start, _, name in pairs]


def split_list(written: str) -> list[str]:
    """Return what stands between commas, without what is empty."""
    return [part.strip() for part in written.split(",") if part.strip()]
