"""Beem Africa: JSON commands (initiate, continue, terminate) with the last input in a payload."""

from __future__ import annotations

import json
from collections.abc import Mapping

from gateway.channels.base import Surroundings
from gateway.channels.bodies import JSON, pick, read_json, read_key, read_text
from gateway.channels.options import Options
from gateway.channels.ussd.base import UssdChannel
from gateway.channels.ussd.callback import NOBODY, PEERS, TOKENS, UNREAD, Callback, read_echoed, read_typed
from gateway.errors import Malformed
from gateway.lines import UssdHop, UssdScreen
from gateway.values import HttpRequest, HttpResponse, Setting

SETTINGS: tuple[Setting, ...] = (TOKENS, PEERS)
ECHOED = ("msisdn", "operator", "session_id")


class Beem(Callback):
    """A service code at Beem, which does not tell what was dialled. Source: Beem, "USSD: callback".

    `request_id` numbers the hops: ours is one more than theirs, so that no two are alike whoever of us counts.
    """

    def read_hop(self, request: HttpRequest) -> UssdHop:
        """Return the hop."""
        document = read_json(request.body)
        session_id = read_key(pick(document, "session_id"), "session_id")
        command = read_text(pick(document, "command"), "command").lower()
        if command == "terminate":
            return UssdHop(session_id, NOBODY, is_over=True)
        if command not in {"initiate", "continue"}:
            raise Malformed("this is no command", field="command")
        is_first = command == "initiate"
        return UssdHop(
            session_id=session_id,
            sender=self._read_phone(pick(document, "msisdn"), "msisdn"),
            inputs=() if is_first else (read_typed(pick(document, "payload.response"), "payload.response"),),
            is_first=is_first,
            key=str(_read_number(document)),
            network=read_text(pick(document, "operator") or "", "operator")[:64],
        )

    def write_screen(self, request: HttpRequest, hop: UssdHop, screen: UssdScreen) -> HttpResponse:
        """Return the screen, with what the request said of its session."""
        echoed = read_echoed(request, ECHOED)
        payload = {"request_id": _read_number(read_json(request.body)) + 1, "request": screen.text}
        return _answer("terminate" if screen.ends else "continue", payload, echoed)

    def write_end(self, request: HttpRequest, hop: UssdHop) -> HttpResponse:
        """Return the same command without words."""
        return _answer("terminate", {"request": ""}, {"session_id": hop.session_id})

    def refuse_malformed(self, fault: Malformed) -> HttpResponse:
        """End the session with a sentence."""
        return _answer("terminate", {"request": UNREAD}, {})


def make(name: str, options: Options, surroundings: Surroundings) -> UssdChannel:
    """Return a service code at Beem."""
    return Beem(name, options, surroundings)


def _read_number(document: object) -> int:
    written = read_key(pick(document, "payload.request_id"), "payload.request_id")
    if not (written.isascii() and written.isdigit() and len(written) <= 18):
        raise Malformed("a field is not a number", field="payload.request_id")
    return int(written)


def _answer(command: str, payload: Mapping[str, object], echoed: Mapping[str, object]) -> HttpResponse:
    return HttpResponse(200, json.dumps({**echoed, "command": command, "payload": payload}), JSON)
