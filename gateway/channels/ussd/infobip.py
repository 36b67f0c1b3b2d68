"""Infobip: a session is an address of its own, `/session/<id>/start`, `response` and `end` below ours."""

from __future__ import annotations

import json

from gateway.channels.base import Surroundings
from gateway.channels.bodies import JSON, pick, read_json, read_key, read_text
from gateway.channels.options import Options
from gateway.channels.ussd.base import UssdChannel
from gateway.channels.ussd.callback import (
    CODE,
    NOBODY,
    PEERS,
    TOKENS,
    UNREAD,
    DialledCallback,
    read_tail,
)
from gateway.errors import Malformed
from gateway.lines import UssdHop, UssdScreen
from gateway.values import HttpRequest, HttpResponse, Setting

SETTINGS: tuple[Setting, ...] = (TOKENS, PEERS, CODE)


class Infobip(DialledCallback):
    """A service code at Infobip, which tells the code itself and does not number its hops.

    Its address is a stem, so the secret stands in the path: `/in/<name>/ussd/<secret>`. Source: Infobip, "USSD".
    """

    def read_hop(self, request: HttpRequest) -> UssdHop:
        """Return the hop; at the start the text is what was dialled."""
        match read_tail(request)[-3:]:
            case ["session", session_id, ("start" | "response") as step]:
                pass
            case ["session", session_id, "end" | "status"]:
                return UssdHop(read_key(session_id, "session"), NOBODY, is_over=True)
            case _:
                raise Malformed("the address does not end in /session/<id>/start, response or end", field="session")
        document = read_json(request.body)
        is_first, written = step == "start", pick(document, "text")
        code = read_text(pick(document, "shortCode") or "", "shortCode")
        return UssdHop(
            session_id=read_key(session_id, "session"),
            sender=self._read_phone(pick(document, "msisdn"), "msisdn"),
            inputs=self._read_inputs(written, "text", is_first=is_first, code=code),
            is_first=is_first,
            key="first" if is_first else "",
            network=read_text(pick(document, "ussdGwId") or "", "ussdGwId")[:64],
        )

    def write_screen(self, request: HttpRequest, hop: UssdHop, screen: UssdScreen) -> HttpResponse:
        """Return the screen."""
        return _answer({"shouldClose": screen.ends, "ussdMenu": screen.text})

    def write_end(self, request: HttpRequest, hop: UssdHop) -> HttpResponse:
        """Return that all is well."""
        return _answer({})

    def refuse_malformed(self, fault: Malformed) -> HttpResponse:
        """End the session with a sentence."""
        return _answer({"shouldClose": True, "ussdMenu": UNREAD})


def make(name: str, options: Options, surroundings: Surroundings) -> UssdChannel:
    """Return a service code at Infobip."""
    return Infobip(name, options, surroundings)


def _answer(shown: dict[str, object]) -> HttpResponse:
    return HttpResponse(200, json.dumps(shown | {"responseExitCode": 200, "responseMessage": ""}), JSON)
