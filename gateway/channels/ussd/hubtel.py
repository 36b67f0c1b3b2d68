"""Hubtel (and Emergent, Cross-Switch): JSON with the last input, numbered hops, `Response` and `Release` out."""

from __future__ import annotations

import json

from gateway.channels.base import Surroundings
from gateway.channels.bodies import JSON, pick, read_json, read_key, read_text
from gateway.channels.options import Options
from gateway.channels.ussd.base import UssdChannel
from gateway.channels.ussd.callback import CODE, NOBODY, PEERS, TOKENS, UNREAD, DialledCallback
from gateway.errors import Malformed
from gateway.lines import UssdHop, UssdScreen
from gateway.values import HttpRequest, HttpResponse, Setting

SETTINGS: tuple[Setting, ...] = (TOKENS, PEERS, CODE)


class Hubtel(DialledCallback):
    """A service code at Hubtel, which tells the code itself; `code` is for one that is dialled otherwise.

    Source: Hubtel, "Programmable Services: USSD".
    """

    def read_hop(self, request: HttpRequest) -> UssdHop:
        """Return the hop; on Initiation the message is what was dialled."""
        document = read_json(request.body)
        session_id = read_key(pick(document, "SessionId"), "SessionId")
        kind = read_text(pick(document, "Type"), "Type").lower()
        if kind in {"release", "timeout"}:
            return UssdHop(session_id, NOBODY, is_over=True)
        if kind not in {"initiation", "response"}:
            raise Malformed("this is no type of a hop", field="Type")
        is_first, written = kind == "initiation", pick(document, "Message")
        code = read_text(pick(document, "ServiceCode") or "", "ServiceCode")
        return UssdHop(
            session_id=session_id,
            sender=self._read_phone(pick(document, "Mobile"), "Mobile"),
            inputs=self._read_inputs(written, "Message", is_first=is_first, code=code),
            is_first=is_first,
            key=read_key(pick(document, "Sequence"), "Sequence"),
            network=read_text(pick(document, "Operator") or "", "Operator")[:64],
        )

    def write_screen(self, request: HttpRequest, hop: UssdHop, screen: UssdScreen) -> HttpResponse:
        """Return the screen."""
        return _answer("Release" if screen.ends else "Response", screen.text, SessionId=hop.session_id)

    def write_end(self, request: HttpRequest, hop: UssdHop) -> HttpResponse:
        """Return a release without words."""
        return _answer("Release", "", SessionId=hop.session_id)

    def refuse_malformed(self, fault: Malformed) -> HttpResponse:
        """End the session with a sentence."""
        return _answer("Release", UNREAD)


def make(name: str, options: Options, surroundings: Surroundings) -> UssdChannel:
    """Return a service code at Hubtel."""
    return Hubtel(name, options, surroundings)


def _answer(kind: str, text: str, **echoed: str) -> HttpResponse:
    return HttpResponse(200, json.dumps(echoed | {"Type": kind, "Message": text, "ClientState": ""}), JSON)
