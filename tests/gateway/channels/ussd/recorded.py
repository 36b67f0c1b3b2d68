"""The cases of the USSD dialects: what a gateway was recorded to send, and what must come of it."""

from __future__ import annotations

import base64
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any, cast
from urllib.parse import quote

from gateway.channels.base import Surroundings
from gateway.channels.ussd.base import Dialect, UssdChannel, make_ussd
from gateway.discover import discover
from gateway.lines import UssdHop
from gateway.values import HttpRequest, Sender, SenderKind

CASES = Path(__file__).parent / "cases"
DIALECTS: Mapping[str, ModuleType] = discover("gateway.channels.ussd", having=("SETTINGS", "make"))
NOW = datetime(2026, 11, 21, 18, 35, 9, tzinfo=UTC)
Table = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One file: the dialect it is about, what is asked, and what is expected."""

    dialect: str
    name: str
    instance: Table
    table: Table

    def __str__(self) -> str:
        return f"{self.dialect}/{self.name}"

    @property
    def expect(self) -> Table:
        """What must come of it: a hop, malformed or refused."""
        return cast(Table, self.table["expect"])

    @property
    def secret(self) -> str:
        """The secret in this request."""
        return cast(str, self.table.get("secret", self.instance["secret"]))

    @property
    def request(self) -> HttpRequest:
        """The recorded request."""
        recorded = self.table["request"]
        return HttpRequest(
            method=recorded.get("method", "POST"),
            path=recorded["path"],
            headers=recorded.get("headers", {}),
            body=recorded.get("body", "").encode(),
            peer=recorded.get("peer", "192.0.2.7"),
        )

    @property
    def hop(self) -> UssdHop:
        """The hop that is expected."""
        fields = dict(self.expect["hop"])
        sender = Sender(fields.pop("sender", ""), SenderKind(fields.pop("sender_kind", "other")))
        tuples = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
        return UssdHop(sender=sender, **(fields | tuples))

    def forge(self, given: str | None) -> HttpRequest:
        """Return the request with something else in place of its secret, or with nothing at all."""
        request, secret = self.request, self.secret
        path = request.path.replace(secret, quote(given or "", safe=""))
        headers = dict(request.headers)
        if headers.get("authorization", "").startswith("Basic "):
            user = base64.b64decode(headers["authorization"].removeprefix("Basic ")).decode().partition(":")[0]
            headers["authorization"] = f"Basic {base64.b64encode(f'{user}:{given}'.encode()).decode()}"
        elif "authorization" in headers:
            headers["authorization"] = headers["authorization"].replace(secret, given or "")
        if given is None:
            headers.pop("authorization", None)
        forged = replace(request, path=path, headers=headers)
        assert forged != request, "the secret is nowhere in the request"
        return forged

    def make(self, var_folder: Path, more: Table | None = None) -> UssdChannel:
        """Return the instance of this case, with more options."""
        for name, text in self.instance.get("files", {}).items():
            (var_folder / name).write_text(text)
        options = {**self.instance.get("options", {}), **self.table.get("options", {}), **(more or {})}
        surroundings = Surroundings(public_url="https://kabar.example.org", var_folder=var_folder)
        return make_ussd(cast(Dialect, DIALECTS[self.dialect]), "umb", options, surroundings)


def load_cases() -> list[Case]:
    """Return every case of every dialect."""
    found = []
    for path in sorted(CASES.glob("*/*.toml")):
        if path.name != "dialect.toml":
            instance = tomllib.loads((path.parent / "dialect.toml").read_text(encoding="utf-8"))
            found.append(Case(path.parent.name, path.stem, instance, tomllib.loads(path.read_text(encoding="utf-8"))))
    return found
