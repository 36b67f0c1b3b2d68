"""Comviva Flares in XML (MTN): numbered hops with the last input; `FC` goes on, `FB` ends."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from gateway.channels.base import Surroundings
from gateway.channels.bodies import read_key
from gateway.channels.options import Options
from gateway.channels.ussd.base import UssdChannel
from gateway.channels.ussd.callback import CODE, NOBODY, PEERS, TOKENS, UNREAD, DialledCallback
from gateway.errors import Malformed
from gateway.lines import UssdHop, UssdScreen
from gateway.values import HttpRequest, HttpResponse, Setting

SETTINGS: tuple[Setting, ...] = (TOKENS, PEERS, CODE)
XML = "application/xml"
_UNWRITABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2: not even escaped


class FlaresXml(DialledCallback):
    """A service code at a Flares gateway that speaks XML. Source: Comviva Flares, "USSD pull interface"."""

    def read_hop(self, request: HttpRequest) -> UssdHop:
        """Return the hop; in a new session the input is the code, and what was dialled after it."""
        root = _read_xml(request.body)
        session_id = read_key(root.findtext("sessionId"), "sessionId")
        if root.get("type") == "cleanup":
            return UssdHop(session_id, NOBODY, is_over=True)
        newness, written = (root.findtext("newRequest") or "").strip(), root.findtext("subscriberInput")
        if newness not in {"0", "1"}:
            raise Malformed("a field must be 0 or 1", field="newRequest")
        is_first = newness == "1"
        return UssdHop(
            session_id=session_id,
            sender=self._read_phone(root.findtext("msisdn"), "msisdn"),
            inputs=self._read_inputs(written, "subscriberInput", is_first=is_first),
            is_first=is_first,
            key=read_key(root.findtext("transactionId"), "transactionId"),
        )

    def write_screen(self, request: HttpRequest, hop: UssdHop, screen: UssdScreen) -> HttpResponse:
        """Return the screen, with the phone and the session as the request named them; nothing is charged."""
        phone = read_key(_read_xml(request.body).findtext("msisdn"), "msisdn")
        return _answer(screen.text, "FB" if screen.ends else "FC", phone, hop.session_id)

    def refuse_malformed(self, fault: Malformed) -> HttpResponse:
        """End the session with a sentence."""
        return _answer(UNREAD, "FB")


def make(name: str, options: Options, surroundings: Surroundings) -> UssdChannel:
    """Return a service code at a Flares gateway that speaks XML."""
    return FlaresXml(name, options, surroundings)


def _read_xml(body: bytes) -> ET.Element:
    """Return the document. Whatever is declared in it (`<!`: entities, another file) is not read at all."""
    try:
        text = body.decode("utf-8-sig")
        if "<!" in text:
            raise Malformed("the document declares something")
        return ET.fromstring(text)  # noqa: S314 - nothing is declared, so nothing expands
    except (UnicodeDecodeError, ValueError, ET.ParseError) as fault:
        raise Malformed("the body is not XML in UTF-8") from fault


def _answer(text: str, flow: str, phone: str = "", session_id: str = "") -> HttpResponse:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?><response>'
        f"<msisdn>{_escape(phone)}</msisdn><sessionid>{_escape(session_id)}</sessionid>"
        f"<freeflow><freeflowState>{flow}</freeflowState><freeflowCharging>N</freeflowCharging>"
        "<freeflowChargingAmount>0</freeflowChargingAmount></freeflow>"
        f"<applicationResponse>{_escape(text)}</applicationResponse></response>"
    )
    return HttpResponse(200, body, XML)


def _escape(text: str) -> str:
    return escape(_UNWRITABLE.sub("?", text), {"\r": "&#13;"})
