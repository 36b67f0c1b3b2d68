"""Arkesel: JSON with the last input; the request comes back with a message and whether the session goes on."""

from __future__ import annotations

import json

from gateway.channels.base import Surroundings
from gateway.channels.bodies import JSON, pick, read_json, read_key, read_text
from gateway.channels.options import Options
from gateway.channels.ussd.base import UssdChannel
from gateway.channels.ussd.callback import CODE, PEERS, TOKENS, UNREAD, DialledCallback, read_echoed
from gateway.errors import Malformed
from gateway.lines import UssdHop, UssdScreen
from gateway.values import HttpRequest, HttpResponse, Setting

SETTINGS: tuple[Setting, ...] = (TOKENS, PEERS, CODE)
ECHOED = ("sessionID", "userID", "msisdn")


class Arkesel(DialledCallback):
    """A service code at Arkesel, which does not number its hops. Source: Arkesel, "USSD API"."""

    def read_hop(self, request: HttpRequest) -> UssdHop:
        """Return the hop; in a new session the data are what was dialled."""
        document = read_json(request.body)
        is_first, written = pick(document, "newSession"), pick(document, "userData")
        if not isinstance(is_first, bool):
            raise Malformed("a field must be true or false", field="newSession")
        return UssdHop(
            session_id=read_key(pick(document, "sessionID"), "sessionID"),
            sender=self._read_phone(pick(document, "msisdn"), "msisdn"),
            inputs=self._read_inputs(written, "userData", is_first=is_first),
            is_first=is_first,
            key="first" if is_first else "",
            network=read_text(pick(document, "network") or "", "network")[:64],
        )

    def write_screen(self, request: HttpRequest, hop: UssdHop, screen: UssdScreen) -> HttpResponse:
        """Return the screen, with what the request said of its session."""
        echoed = read_echoed(request, ECHOED)
        return HttpResponse(
            200, json.dumps(echoed | {"message": screen.text, "continueSession": not screen.ends}), JSON
        )

    def refuse_malformed(self, fault: Malformed) -> HttpResponse:
        """End the session with a sentence."""
        return HttpResponse(200, json.dumps({"message": UNREAD, "continueSession": False}), JSON)


def make(name: str, options: Options, surroundings: Surroundings) -> UssdChannel:
    """Return a service code at Arkesel."""
    return Arkesel(name, options, surroundings)
