"""A gateway for the generic channel, on loopback: it takes one Idempotency-Key once, and writes every request down."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from tests.gateway.channels.standin import Fault, Reply, Seen, StandIn

TOKEN = "provider-token-0123456789"


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that the gateway sends on."""

    id: str
    ref: str
    to: str
    text: str


class Provider(StandIn):
    """A gateway that wants JSON with `to`, `text`, `ref`, and a bearer token.

    `requests` has the key of every request to send, in order, answered or not; `ledger` what is really sent on: with
    `is_idempotent` once per key, without it once per request that was not refused. `replies` are given to the next
    requests instead of taking them; `lost_answers` is how many of the next are taken without an answer. While `gate` is
    not set, requests wait for it.
    """

    def __init__(self, token: str = TOKEN, is_idempotent: bool = True) -> None:
        super().__init__()
        self.token = token
        self.is_idempotent = is_idempotent
        self.requests: list[str] = []
        self.ledger: list[Taken] = []
        self.replies: list[Reply | Fault] = []
        self.lost_answers = 0
        self.gate = threading.Event()
        self.gate.set()

    def hold(self, seen: Seen) -> None:
        """Let requests wait for the gate."""
        self.gate.wait(60)

    def answer(self, seen: Seen) -> Reply | Fault:
        """Take a message, or answer as scripted."""
        if seen.headers.get("authorization") != f"Bearer {self.token}":
            return Reply.of_json({"error": "token"}, 401)
        key = seen.headers.get("idempotency-key", "")
        self.requests.append(key)
        if self.replies:
            return self.replies.pop(0)
        message = seen.json
        if not isinstance(message, dict) or not key or not message.get("to") or not message.get("text"):
            return Reply.of_json({"error": "to, text and Idempotency-Key are needed"}, 422)
        known = [taken for taken in self.ledger if taken.ref == key] if self.is_idempotent else []
        taken = known[0] if known else Taken(f"g{len(self.ledger)}", key, message["to"], message["text"])
        if not known:
            self.ledger.append(taken)
        if self.lost_answers:
            self.lost_answers -= 1
            return Fault.LOST
        return Reply.of_json({"id": taken.id, "status": "accepted"}, 202)
