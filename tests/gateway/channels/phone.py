"""A phone with SMS Gateway for Android, on loopback: the app's REST API, and its webhooks, signed and tried again.

Source: sms-gate.app, "Webhooks", "Healthcheck", "Sending messages"; ReceiverService.kt and WebHooksService.kt of the
app; the published client `android-sms-gateway` reads what is answered here (tests/gateway/channels/test_android.py).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from http.client import HTTPConnection, HTTPException
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from tests.gateway.channels.standin import Fault, Reply, Seen, StandIn

USER, PASSWORD, SIGNING_KEY = "petugas", "phone-password-0123", "android-signing-key-0123456789"
DEVICE = "ffffffffceb0b1db0000018e937c815b"
TRIES = 16  # the app's own: the first, and 15 more, each after twice the wait. Source: WebhooksSettings.kt
WIB = timezone(timedelta(hours=7))


@dataclass(frozen=True, slots=True)
class Sent:
    """An SMS that the phone sends."""

    id: str
    to: str
    text: str


class Phone(StandIn):
    """One phone, in local mode, or as the cloud shows it.

    `ledger` is what it really sends: each id once; `failed` are the ids that the network refused. `lost_answers` is how
    many of the next messages are taken without an answer; `refusals` are given to the next messages instead of taking
    them; with `most_pending` messages no more are taken. While `gate` is not set, messages wait for it.
    """

    def __init__(self, device: str = DEVICE, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__()
        self.key, self.device, self.password, self.clock = SIGNING_KEY, device, PASSWORD, clock
        self.api_path = "/3rdparty/v1"
        self.hooks: dict[str, dict[str, Any]] = {}
        self.last_seen: dict[str, datetime | None] = {device: clock()}
        self.lists_devices = True
        self.checks: dict[str, dict[str, Any]] = {
            "messages:failed": {"status": "pass", "observedValue": 0, "observedUnit": "messages"},
            "battery:level": {"status": "pass", "observedValue": 94, "observedUnit": "percent"},
            "battery:charging": {"status": "pass", "observedValue": 0, "observedUnit": "flags"},
        }
        self.ledger: list[Sent] = []
        self.failed: set[str] = set()
        self.lost_answers = 0
        self.refusals: list[Reply] = []
        self.can_refresh = True
        self.inbox: list[tuple[str, str, datetime]] = []  # from whom, what, when: what an export tells once more
        self.asked_again: list[Any] = []
        self.most_pending: int | None = None
        self.gate = threading.Event()
        self.gate.set()
        self._numbers = count(1)

    @property
    def api(self) -> str:
        """The address of its API, as an operator sets it."""
        return f"{self.url}{self.api_path}"

    def hold(self, seen: Seen) -> None:
        """Let messages wait for the gate."""
        if seen.method == "POST":
            self.gate.wait(60)

    def answer(self, seen: Seen) -> Reply | Fault:
        """Answer as the app and its server do."""
        path = urlsplit(seen.path).path
        login = base64.b64encode(f"{USER}:{self.password}".encode()).decode()
        if not path.startswith(f"{self.api_path}/"):
            return Reply.of_json({"message": "Cannot find it"}, 404)
        what, _, item = path.removeprefix(f"{self.api_path}/").partition("/")
        if what != "health" and seen.headers.get("authorization") != f"Basic {login}":
            return Reply.of_json({"message": "Unauthorized"}, 401)
        found: dict[tuple[str, str], Callable[[], Reply | Fault]] = {
            ("GET", "health"): self._show_health,
            ("GET", "devices"): self._show_devices,
            ("GET", "webhooks"): lambda: Reply.of_json(list(self.hooks.values())),
            ("POST", "webhooks"): lambda: self._register(seen.json),
            ("GET", "messages"): lambda: self._show(item),
            ("POST", "messages"): lambda: self._take(seen.json),
            ("POST", "inbox"): lambda: self._tell_again(seen.json) if self.can_refresh else Reply.of_json({}, 404),
        }
        return found.get((seen.method, what), lambda: Reply.of_json({"message": "Cannot find it"}, 404))()

    def receive(self, sender: str, text: str, at: datetime) -> list[int]:
        """Receive an SMS whose network stamped it at an instant; return how each try of each webhook was answered."""
        return self.emit("sms:received", received(sender, text, at))

    def _tell_again(self, asked: Any) -> Reply:
        """Promise to tell once more what came between two instants; `export` does."""
        self.asked_again.append(asked)
        return Reply.of_json({}, 202)

    def export(self) -> list[int]:
        """Tell what was asked for, as the app does a little later."""
        answers: list[int] = []
        for asked in self.asked_again:
            since, until = (datetime.fromisoformat(asked[name]) for name in ("since", "until"))
            for sender, text, at in self.inbox:
                if since <= at <= until:
                    answers += self.receive(sender, text, at)
        self.asked_again.clear()
        return answers

    def emit(self, event: str, payload: Mapping[str, object] | None) -> list[int]:
        """Post an event to every address that is registered for it, again until it is taken; return all answers."""
        answers: list[int] = []
        for hook in list(self.hooks.values()):
            if hook["event"] == event:
                answers += self._post(hook, payload)
        return answers

    def _post(self, hook: Mapping[str, Any], payload: Mapping[str, object] | None) -> list[int]:
        envelope = {"id": f"event{next(self._numbers)}", "webhookId": hook["id"], "event": hook["event"]}
        envelope |= {"deviceId": self.device, "payload": payload}
        body = json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()
        answers: list[int] = []
        while len(answers) < TRIES and not (answers and 200 <= answers[-1] < 300):
            answers.append(self._post_once(str(hook["url"]), body))
        return answers

    def _post_once(self, url: str, body: bytes) -> int:
        """Post a body, signed now; 0 where no answer came."""
        stamp = str(int(self.clock().timestamp()))
        headers = {"Content-Type": "application/json", "X-Timestamp": stamp, "X-Signature": sign(self.key, body, stamp)}
        parts = urlsplit(url)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        try:
            connection.request("POST", parts.path, body, headers)
            return connection.getresponse().status
        except (OSError, HTTPException):
            return 0
        finally:
            connection.close()

    def _take(self, asked: object) -> Reply | Fault:
        assert isinstance(asked, dict)
        if self.refusals:
            return self.refusals.pop(0)
        if asked.get("deviceId") not in {None, *self.last_seen}:
            return Reply.of_json({"message": "record not found"}, 400)
        if any(sent.id == asked["id"] for sent in self.ledger):
            return Reply.of_json({"message": "message with the same id already exists"}, 409)
        if self.most_pending is not None and len(self.ledger) >= self.most_pending:
            words = f"queue limits exceeded: too many pending messages: {len(self.ledger)} / {self.most_pending}"
            return Reply.of_json({"error": "QueueLimitExceeded", "message": words}, 503)
        for number in asked["phoneNumbers"]:
            self.ledger.append(Sent(asked["id"], number, asked["textMessage"]["text"]))
        if self.lost_answers:
            self.lost_answers -= 1
            return Fault.LOST
        return Reply.of_json(self._state(asked["id"]), 202)

    def _show(self, item: str) -> Reply:
        known = any(sent.id == item for sent in self.ledger)
        return Reply.of_json(self._state(item)) if known else Reply.of_json({"message": "message not found"}, 404)

    def _state(self, item: str) -> dict[str, object]:
        recipients = [{"phoneNumber": sent.to, "state": "Pending"} for sent in self.ledger if sent.id == item]
        state = "Failed" if item in self.failed else "Pending"
        shown = {"id": item, "deviceId": self.device, "state": state, "recipients": recipients}
        return shown | {"isHashed": False, "isEncrypted": False, "states": {"Pending": "2026-11-22T02:09:42.262+07:00"}}

    def _register(self, asked: object) -> Reply:
        assert isinstance(asked, dict)
        found = asked | {"id": asked.get("id") or f"hook{next(self._numbers)}"}
        self.hooks[found["id"]] = found
        return Reply.of_json(found, 201)

    def _show_devices(self) -> Reply:
        if not self.lists_devices:
            return Reply.of_json({"message": "Cannot find it"}, 404)
        return Reply.of_json(
            [
                {"id": name, "name": "Samsung/a10", "lastSeen": at.isoformat() if at else None}
                | dict.fromkeys(("createdAt", "updatedAt"), "2026-01-01T00:00:00Z")
                for name, at in self.last_seen.items()
            ]
        )

    def _show_health(self) -> Reply:
        states = [check["status"] for check in self.checks.values()]
        status = "fail" if "fail" in states else "pass"
        shown = {"status": status, "version": "1.66.0", "releaseId": 1, "checks": self.checks}
        return Reply.of_json(shown, 500 if status == "fail" else 200)


def received(sender: str, text: str, at: datetime, sim_number: int = 1) -> dict[str, object]:
    """Return the payload of a received message, in the phone's own time zone."""
    local = at.astimezone(WIB)
    shown = {"message": text, "receivedAt": local.isoformat(timespec="milliseconds"), "simNumber": sim_number}
    return shown | {
        "messageId": f"{hash_of(sender, int(at.timestamp() * 1000), sim_number, text):x}",
        "phoneNumber": sender,
        "sender": sender,
        "recipient": None,
    }


def hash_of(sender: str, milliseconds: int, subscription: int, text: str) -> int:
    """Return the app's own id of a received message: Java's hash of all that it is made of, 32 bits wide."""
    total = _java_hash(sender)
    for part in ((milliseconds ^ (milliseconds >> 32)) & 0xFFFFFFFF, subscription, _java_hash(text)):
        total = (31 * total + part) & 0xFFFFFFFF
    return total


def sign(key: str, body: bytes, stamp: str) -> str:
    """Return what the app puts into X-Signature, computed without the gateway's own code."""
    return hmac.new(key.encode(), body + stamp.encode(), hashlib.sha256).hexdigest()


def _java_hash(text: str) -> int:
    octets = text.encode("utf-16-be", "surrogatepass")
    total = 0
    for unit in range(0, len(octets), 2):
        total = (31 * total + int.from_bytes(octets[unit : unit + 2])) & 0xFFFFFFFF
    return total
