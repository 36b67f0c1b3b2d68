"""USSD over SMPP through Kannel: what the operator says in TLVs comes in the address, ours goes back in a header."""

from __future__ import annotations

import re
from urllib.parse import quote

from gateway.channels.base import Surroundings
from gateway.channels.bodies import read_key, read_text
from gateway.channels.options import Options, find_form_fault
from gateway.channels.ussd.base import UssdChannel
from gateway.channels.ussd.callback import (
    CODE,
    PEERS,
    TOKENS,
    UNREAD,
    DialledCallback,
    read_query,
)
from gateway.errors import Malformed
from gateway.lines import UssdHop, UssdScreen
from gateway.values import HttpRequest, HttpResponse, Setting

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]{1,2})"
_find_number_fault = find_form_fault(_OCTET, "angka 0 sampai 255", "a number from 0 to 255")
_find_numbers_fault = find_form_fault(
    rf"{_OCTET}( *, *{_OCTET})*", "angka 0 sampai 255, dipisahkan koma", "numbers from 0 to 255, divided by commas"
)
# Source: SMPP 3.4, 5.3.2.44. Operators differ.
SETTINGS: tuple[Setting, ...] = (
    TOKENS,
    PEERS,
    CODE,
    Setting("first_ops", "the operator's ussd_service_op of a dial", default="1", find_fault=_find_numbers_fault),
    Setting("typed_ops", "its ussd_service_op of an answer", default="18", find_fault=_find_numbers_fault),
    Setting("over_ops", "its ussd_service_op of an end", default="16, 17, 19", find_fault=_find_numbers_fault),
    Setting("ask_op", "our ussd_service_op of a screen", default="2", find_fault=_find_number_fault),
    Setting("end_op", "our ussd_service_op of the last screen", default="17", find_fault=_find_number_fault),
)
ENCODINGS = {"0": "utf-8", "1": "utf-8", "2": "utf-16-be"}  # %c of Kannel; with mo-recode 2 comes as 0


class KannelUssd(DialledCallback):
    """A service code at an operator, through a Kannel of ours."""

    def __init__(self, name: str, options: Options, surroundings: Surroundings) -> None:
        super().__init__(name, options, surroundings)
        self._first = {int(op) for op in options.texts("first_ops")}
        self._typed = {int(op) for op in options.texts("typed_ops")}
        self._over = {int(op) for op in options.texts("over_ops")}
        self._ask, self._end = options.text("ask_op"), options.text("end_op")

    def read_hop(self, request: HttpRequest) -> UssdHop:
        """Return the hop. A phone has one session at a time; the operator's number of it is a single byte.

        The second byte of its_session_info counts the hops, and its lowest bit is for the last one.
        """
        fields = read_query(request)
        sender = self._read_phone(fields.get("from"), "from")
        session_id = f"{sender.address}:{_read_octets(fields, 'its')[:1].hex()}"
        [op] = _read_octets(fields, "op") or [None]
        if op in self._over:
            return UssdHop(session_id, sender, is_over=True)
        if op not in self._first | self._typed:
            raise Malformed("this ussd_service_op is not one that is set", field="op")
        is_first, code = op in self._first, read_text(fields.get("to", ""), "to")
        return UssdHop(
            session_id=session_id,
            sender=sender,
            inputs=self._read_inputs(_read_hex(fields), "hex", is_first=is_first, code=code),
            is_first=is_first,
            key=read_key(fields.get("id"), "id"),
        )

    def write_screen(self, request: HttpRequest, hop: UssdHop, screen: UssdScreen) -> HttpResponse:
        """Return the screen, and in a header of Kannel's what goes with it to the operator."""
        session = _read_octets(read_query(request), "its")
        return _answer(screen.text, self._end if screen.ends else self._ask, session, is_last=screen.ends)

    def refuse_malformed(self, fault: Malformed) -> HttpResponse:
        """End the session with a sentence; Kannel would repeat what is not answered with 200."""
        return _answer(UNREAD, self._end, b"", is_last=True)


def make(name: str, options: Options, surroundings: Surroundings) -> UssdChannel:
    """Return a service code at an operator, through Kannel."""
    return KannelUssd(name, options, surroundings)


def _read_octets(fields: dict[str, str], name: str) -> bytes:
    """Return a TLV as it came: one or two bytes, or none."""
    octets = fields.get(name, "").encode("utf-8", "surrogateescape")
    if len(octets) > (1 if name == "op" else 2):
        raise Malformed("a TLV is too long", field=name)
    return octets


def _read_hex(fields: dict[str, str]) -> str:
    written, encoding = fields.get("hex"), ENCODINGS.get(fields.get("coding", "0"))
    if written is None or encoding is None or not re.fullmatch(r"(?:[0-9A-Fa-f]{2})*", written, re.ASCII):
        raise Malformed("the text is not in hexadecimal, or of an unknown coding", field="hex")
    try:
        return bytes.fromhex(written).decode(encoding)
    except UnicodeDecodeError as fault:
        raise Malformed("the text is not in its coding", field="hex") from fault


def _answer(text: str, op: str, session: bytes, *, is_last: bool) -> HttpResponse:
    tlvs = f"ussd_service_op={op}"
    if len(session) == 2:
        tlvs += f"&its_session_info={quote(bytes([session[0], session[1] & 0xFE | is_last]), safe='')}"
    return HttpResponse(200, text, headers={"X-Kannel-Meta-Data": f"?smpp?{tlvs}&"})
