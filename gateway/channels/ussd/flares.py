"""Comviva Flares over plain HTTP (Airtel): a query in, a text and headers that say how it goes on out."""

from __future__ import annotations

from dataclasses import replace

from gateway.channels.base import Surroundings
from gateway.channels.bodies import read_key
from gateway.channels.options import Options
from gateway.channels.ussd.base import UssdChannel
from gateway.channels.ussd.callback import (
    CODE,
    NOBODY,
    PEERS,
    TOKENS,
    UNREAD,
    DialledCallback,
    read_fields,
    read_query,
)
from gateway.errors import Malformed
from gateway.lines import UssdHop, UssdScreen
from gateway.values import HttpRequest, HttpResponse, Setting

SETTINGS: tuple[Setting, ...] = (
    TOKENS,
    PEERS,
    replace(CODE, default=None),
    Setting("userid", "the userid that Flares sends; one of the tokens is then its password, in place of `token=`"),
)


class Flares(DialledCallback):
    """A service code at a Flares gateway, which neither numbers its hops nor says which is the first.

    Source: Vumi's Airtel transport, which speaks to one.
    """

    def __init__(self, name: str, options: Options, surroundings: Surroundings) -> None:
        super().__init__(name, options, surroundings)
        self._userid = options.text("userid")

    def read_hop(self, request: HttpRequest) -> UssdHop:
        """Return the hop; in a new session the input is the code, and what was dialled after it."""
        fields = read_query(request)
        session_id = read_key(fields.get("SessionID"), "SessionID")
        if "clean" in fields:
            return UssdHop(session_id, NOBODY, is_over=True)
        written = fields.get("input")
        return UssdHop(
            session_id=session_id,
            sender=self._read_phone(fields.get("MSISDN"), "MSISDN"),
            inputs=self._read_inputs(written, "input", is_first=False),
            inputs_if_new=self._read_inputs(written, "input", is_first=True),
        )

    def write_screen(self, request: HttpRequest, hop: UssdHop, screen: UssdScreen) -> HttpResponse:
        """Return the screen: FC goes on, FB ends; nothing is charged."""
        return _answer(screen.text, "FB" if screen.ends else "FC")

    def refuse_malformed(self, fault: Malformed) -> HttpResponse:
        """End the session with a sentence."""
        return _answer(UNREAD, "FB")

    def _knows_secret(self, request: HttpRequest) -> bool:
        if not self._userid:
            return super()._knows_secret(request)
        try:
            fields = read_fields(request)
        except Malformed:
            return False
        given = fields.get("password", [])
        is_known = len(given) == 1 and any(token.matches(given[0]) for token in self._tokens)
        return is_known and fields.get("userid") == [self._userid]


def make(name: str, options: Options, surroundings: Surroundings) -> UssdChannel:
    """Return a service code at a Flares gateway."""
    return Flares(name, options, surroundings)


def _answer(text: str, flow: str) -> HttpResponse:
    return HttpResponse(200, text, headers={"Freeflow": flow, "charge": "N", "amount": "0"})
