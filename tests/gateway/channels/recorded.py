"""The cases of the contract suite: what a provider was recorded to send or to answer, and what must come of it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest

from gateway.channels.base import Adapter, SmsChannel, Surroundings, make_channel
from gateway.discover import discover
from gateway.values import HttpRequest
from tests.gateway.channels.smsd import fill_store
from tests.gateway.channels.standin import Fault, Reply

CASES = Path(__file__).parent / "cases"
ADAPTERS: Mapping[str, ModuleType] = discover("gateway.channels", having=("SETTINGS", "make"))
Table = dict[str, Any]
STORES = {"gammu": fill_store}  # of channels that are polled: how what a case says comes to lie there


@dataclass(frozen=True, slots=True)
class Case:
    """One file: the channel it is about, what is asked or sent, and what is expected."""

    adapter: str
    name: str
    channel: Table
    table: Table

    def __str__(self) -> str:
        return f"{self.adapter}/{self.name}"

    @property
    def kind(self) -> str:
        """One of sms, status, send, pdu, poll."""
        return cast(str, self.table["kind"])

    @property
    def expect(self) -> Table:
        """What must come of it."""
        return cast(Table, self.table["expect"])

    @property
    def now(self) -> datetime:
        """When the request arrives."""
        return cast(datetime, self.channel["now"])

    @property
    def is_accepted(self) -> bool:
        """Tell whether the request is authentic, readable or not."""
        return self.is_request and "refused" not in self.expect

    @property
    def is_request(self) -> bool:
        """Tell whether it is about a request that the provider makes."""
        return self.kind in {"sms", "status"}

    @property
    def signs_body(self) -> bool:
        """Tell whether the proof covers what the request says."""
        return cast(bool, self.table.get("signs_body", self.channel["signs_body"]))

    @property
    def request(self) -> HttpRequest:
        """The recorded request."""
        recorded = self.table["request"]
        return HttpRequest(
            method=recorded.get("method", "POST"),
            path=recorded["path"],
            headers=recorded.get("headers", {}),
            body=recorded["body"].encode(),
            peer=recorded.get("peer", ""),
        )

    @property
    def secrets(self) -> list[str]:
        """Every secret that the channel of this case knows, each part of a list and each half of a pair."""
        settings = [setting.name for setting in ADAPTERS[self.adapter].SETTINGS if setting.is_secret]
        options = self._options({})
        known = [
            part.strip()
            for name in settings
            for part in options.get(name, "").replace(":", ",").replace("@", ",").split(",")
        ]
        return [part for part in (*known, *self.channel.get("files", {}).values()) if len(part) >= 8]

    def make(self, var_folder: Path, provider: str = "http://127.0.0.1:9", is_other: bool = False) -> SmsChannel:
        """Return the channel of this case; `is_other`: one with other secrets."""
        for name, text in self.channel.get("other_files" if is_other else "files", {}).items():
            (var_folder / name).write_text(text)
        given = self.channel["surroundings"] | self.table.get("surroundings", {})
        surroundings = Surroundings(var_folder=var_folder, **given)
        options = self._options(self.channel["other_options"] if is_other else {})
        places = {"{provider}": provider, "{address}": provider.removeprefix("http://"), "{var}": str(var_folder)}
        placed = {name: _put(value, places) for name, value in options.items()}
        if self.adapter in STORES:
            STORES[self.adapter](var_folder, self.table.get("rows", {}))
        return make_channel(cast(Adapter, ADAPTERS[self.adapter]), self.adapter, placed, surroundings)

    def replies(self) -> list[Reply | Fault]:
        """Return what the provider was recorded to answer, in order."""
        return [_read_reply(exchange) for exchange in self.table.get("exchange", [])]

    def _options(self, more: Table) -> dict[str, str]:
        return {**self.channel["options"], **self.table.get("options", {}), **more}


def by_name(cases: list[Case]) -> pytest.MarkDecorator:
    """Run a test once for every case, under the case's own name."""
    return pytest.mark.parametrize("case", cases, ids=str)


def load_cases() -> list[Case]:
    """Return every case of every adapter."""
    found = []
    for path in sorted(CASES.glob("*/*.toml")):
        if path.name != "channel.toml":
            channel = tomllib.loads((path.parent / "channel.toml").read_text(encoding="utf-8"))
            found.append(Case(path.parent.name, path.stem, channel, tomllib.loads(path.read_text(encoding="utf-8"))))
    return found


def _put(value: str, places: Mapping[str, str]) -> str:
    for name, placed in places.items():
        value = value.replace(name, placed)
    return value


def _read_reply(exchange: Table) -> Reply | Fault:
    if "fault" in exchange:
        return Fault(exchange["fault"])
    reply = exchange["reply"]
    return Reply(reply["status"], reply["body"].encode(), reply.get("headers", {}))
