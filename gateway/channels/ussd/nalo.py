"""Nalo Solutions: JSON in capitals with the last input; `MSGTYPE` true goes on, false ends."""

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
ECHOED = ("USERID", "MSISDN", "USERDATA")


class Nalo(DialledCallback):
    """A service code at Nalo, which does not number its hops. Source: Nalo Solutions, "USSD API".

    An older Nalo tells no session: a phone has one at a time, so its number stands for it.
    """

    def read_hop(self, request: HttpRequest) -> UssdHop:
        """Return the hop; in a new session the data are what was dialled."""
        document = read_json(request.body)
        is_first, written = pick(document, "MSGTYPE"), pick(document, "USERDATA")
        if not isinstance(is_first, bool):
            raise Malformed("a field must be true or false", field="MSGTYPE")
        told = pick(document, "SESSIONID")
        return UssdHop(
            session_id=read_key(told or pick(document, "MSISDN"), "SESSIONID" if told else "MSISDN"),
            sender=self._read_phone(pick(document, "MSISDN"), "MSISDN"),
            inputs=self._read_inputs(written, "USERDATA", is_first=is_first),
            is_first=is_first,
            key="first" if is_first and told else "",
            network=read_text(pick(document, "NETWORK") or "", "NETWORK")[:64],
        )

    def write_screen(self, request: HttpRequest, hop: UssdHop, screen: UssdScreen) -> HttpResponse:
        """Return the screen, with what the request said of its session."""
        echoed = read_echoed(request, ECHOED)
        return HttpResponse(200, json.dumps(echoed | {"MSG": screen.text, "MSGTYPE": not screen.ends}), JSON)

    def refuse_malformed(self, fault: Malformed) -> HttpResponse:
        """End the session with a sentence."""
        return HttpResponse(200, json.dumps({"MSG": UNREAD, "MSGTYPE": False}), JSON)


def make(name: str, options: Options, surroundings: Surroundings) -> UssdChannel:
    """Return a service code at Nalo."""
    return Nalo(name, options, surroundings)
