"""Who listens: a real receiver on loopback that checks every signature, and hooks of a district that lead to it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update
from standardwebhooks import Webhook

from gateway import keybox
from gateway.export.webhooks.sign import new_secret
from gateway.redact import Secret
from gateway.store import hook_deliveries, hooks, reports
from gateway.store.events import KINDS
from gateway.store.hook_deliveries import HookDelivery
from gateway.store.hooks import Hook, WantedHook
from gateway.values import Scope
from tests.district import District
from tests.gateway.channels.standin import Fault, Reply, Seen, StandIn
from workers import hooks as worker

EVERYWHERE = Scope("")


class Receiver(StandIn):
    """A receiver of webhooks. `replies` are given to the next requests; afterwards whatever comes is heard.

    `heard` is what it was told and could believe. While `gate` is not set, requests wait for it.
    """

    def __init__(self, *replies: Reply | Fault) -> None:
        super().__init__()
        self.secret = new_secret()
        self.replies: list[Reply | Fault] = list(replies)
        self.heard: list[Mapping[str, Any]] = []
        self.gate, self.has_heard = threading.Event(), threading.Event()
        self.gate.set()

    def hold(self, seen: Seen) -> None:
        """Let requests wait for the gate."""
        self.gate.wait(60)

    def answer(self, seen: Seen) -> Reply | Fault:
        """Believe what is signed rightly, unless something else is to be answered."""
        if self.replies:
            return self.replies.pop(0)
        told_at = datetime.fromtimestamp(int(seen.headers["webhook-timestamp"]), UTC)  # by the test's clock
        expected = Webhook(self.secret.reveal()).sign(seen.headers["webhook-id"], told_at, seen.body.decode())
        if expected not in seen.headers["webhook-signature"].split(" "):
            return Reply(401)
        self.heard.append(json.loads(seen.body))
        self.has_heard.set()
        return Reply(204)

    @property
    def ids(self) -> list[str]:
        """The ids of all that came in, heard or not."""
        return [seen.headers["webhook-id"] for seen in self.seen]

    @property
    def told(self) -> list[str]:
        """What was heard, as kinds of events."""
        return [str(one["type"]) for one in self.heard]


def key_of(district: District) -> Secret:
    """Return the key that secrets are locked with."""
    return keybox.read_key(district.runtime.settings.secret_key, district.runtime.settings.var)


def add_hook(district: District, receiver: Receiver, area: str = "14.03", kinds: Sequence[str] = KINDS) -> int:
    """Let a receiver be told what happens in an area."""
    wanted = WantedHook("Dinas Kesehatan", f"{receiver.url}/kabar", area, tuple(kinds))
    locked = keybox.lock(key_of(district), receiver.secret.reveal())
    with district.database.session() as session:
        hook_id = hooks.add_hook(session, wanted, locked, "Budi", district.runtime.now(), scope=EVERYWHERE)
        session.commit()
    assert hook_id is not None
    return hook_id


def tell(district: District, hours: float = 0) -> int:
    """Let the worker come, after some hours."""
    district.pass_time(hours=hours)
    return worker.drain(district.runtime)


def find_hook(district: District, hook_id: int) -> Hook:
    """Return a hook as it stands."""
    with district.database.session(read_only=True) as session:
        found = hooks.find_hook(session, hook_id, scope=EVERYWHERE)
    assert found is not None
    return found


def deliveries(district: District, hook_id: int) -> list[HookDelivery]:
    """Return what became of what a hook was to hear, oldest first."""
    with district.database.session(read_only=True) as session:
        return list(hook_deliveries.list_deliveries(session, hook_id, scope=EVERYWHERE))[::-1]


def end_leases(district: District) -> None:
    """Let as much time pass on the database's clock as a dead worker's hold lasts."""
    with district.database.session() as session:
        session.execute(update(hooks.hooks).values(lease_until=datetime(2020, 1, 1, tzinfo=UTC)))
        session.commit()


def report_states(district: District) -> dict[int, str]:
    """Return where every revision of every report stands."""
    with district.database.session(read_only=True) as session:
        return {row.id: row.state for row in session.execute(select(reports.reports.c.id, reports.reports.c.state))}


def is_signed(seen: Seen, secret: Secret) -> bool:
    """Tell by hand, as the specification says, whether a request is signed with a secret."""
    key = base64.b64decode(secret.reveal().removeprefix("whsec_"))
    signed = f"{seen.headers['webhook-id']}.{seen.headers['webhook-timestamp']}.".encode() + seen.body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return f"v1,{expected}" in seen.headers["webhook-signature"].split(" ")
