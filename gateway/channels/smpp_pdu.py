"""SMPP 3.4 as octets: PDUs written and read, with smpplib's codec and without its client. Knows no socket."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from smpplib import command, smpp

from gateway.errors import Malformed

HEADER = struct.Struct(">LLLL")  # command_length, command_id, command_status, sequence_number
LONGEST_PDU = 70_000  # octets: a message_payload of 64 KiB and what stands around it
LAST_SEQUENCE = 0x7FFFFFFF
RESPONSE = 0x80000000

SUBMIT_SM_RESP = 0x80000004
DELIVER_SM = 0x00000005
UNBIND = 0x00000006
ENQUIRE_LINK = 0x00000015
_ANSWERS = {DELIVER_SM: "deliver_sm_resp", UNBIND: "unbind_resp", ENQUIRE_LINK: "enquire_link_resp"}

# Source: SMPP 3.4, 5.1.3 (command_status)
OK = 0x00
INVALID_COMMAND = 0x03
QUEUE_FULL = 0x14
THROTTLED = 0x58
TEMPORARY_FAULT = 0x64  # ESME_RX_T_APPN: we cannot take it now, send it again

# Source: SMPP 3.4, 5.3.2 (optional parameters)
RECEIPTED_MESSAGE_ID = 0x001E
SAR_REF, SAR_TOTAL, SAR_NUMBER = 0x020C, 0x020E, 0x020F
MESSAGE_PAYLOAD = 0x0424
MESSAGE_STATE = 0x0427

Fields = Mapping[str, str | int | bytes]  # of a PDU, by the names that smpplib has for them


@dataclass(frozen=True, slots=True)
class Pdu:
    """One PDU: its header read, its octets whole."""

    command: int
    status: int
    sequence: int
    octets: bytes

    @property
    def is_response(self) -> bool:
        """Tell whether it answers one of ours."""
        return bool(self.command & RESPONSE)

    @property
    def message_id(self) -> str:
        """The SMSC's own id in a submit_sm_resp; some end it without the NUL that belongs there."""
        return self.octets[HEADER.size :].split(b"\0")[0].decode("latin-1").strip()


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a deliver_sm holds. `octets` are the short message or the payload; `tlvs` the optional parameters by tag."""

    source: str
    source_ton: int
    destination: str
    esm_class: int
    data_coding: int
    octets: bytes
    tlvs: dict[int, bytes]


class Frames:
    """Cuts what a socket gives into PDUs; what is not whole yet waits, however long the rest takes."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, octets: bytes) -> Iterator[Pdu]:
        """Return the PDUs that are whole now. Errors: Malformed where no PDU can begin; the rest cannot be read."""
        self._buffer += octets
        while len(self._buffer) >= HEADER.size:
            length, code, status, sequence = HEADER.unpack_from(self._buffer)
            if not HEADER.size <= length <= LONGEST_PDU:
                raise Malformed(f"a PDU of {length} octets", field="command_length")
            if len(self._buffer) < length:
                return
            whole = bytes(self._buffer[:length])
            del self._buffer[:length]
            yield Pdu(code, status, sequence, whole)


def write(name: str, sequence: int, fields: Fields | None = None, status: int = OK) -> bytes:
    """Return a PDU by the names that smpplib, and nearly the standard, has for it and its fields."""
    made = smpp.make_pdu(name, client=_UNCOUNTED, **(fields or {}))
    made.sequence, made.status = sequence, status
    return bytes(made.generate())


def answer_to(pdu: Pdu, status: int) -> bytes:
    """Return the response to a request of the SMSC's; what we do not know is refused by generic_nack."""
    if pdu.command not in _ANSWERS:
        return write("generic_nack", pdu.sequence, status=INVALID_COMMAND)
    return write(_ANSWERS[pdu.command], pdu.sequence, status=status)


def read_delivery(pdu: Pdu) -> Delivery:
    """Return what a deliver_sm holds. Errors: Malformed, naming the field."""
    read = _DeliverSm("deliver_sm", client=_UNCOUNTED)
    try:
        read.parse(pdu.octets)
    except (struct.error, TypeError, IndexError):
        raise Malformed("the PDU ends too early", field="deliver_sm") from None
    octets = read.short_message or b""
    if read.sm_default_msg_id is None or len(octets) != read.sm_length:
        raise Malformed("the PDU ends too early", field="short_message")
    return Delivery(
        source=read.source_addr.decode("latin-1"),
        source_ton=read.source_addr_ton,
        destination=read.destination_addr.decode("latin-1"),
        esm_class=read.esm_class,
        data_coding=read.data_coding,
        octets=octets or read.tlvs.get(MESSAGE_PAYLOAD, b""),
        tlvs=read.tlvs,
    )


class _Uncounted:
    """What smpplib takes for its client, which counts; here the link counts."""

    sequence = 0

    def next_sequence(self) -> int:
        """Return no number: it is set afterwards."""
        return 0


_UNCOUNTED = _Uncounted()


class _DeliverSm(command.DeliverSM):  # type: ignore[misc]
    """A deliver_sm whose optional parameters are read by their length, known or not.

    smpplib reads them by its own table: one that is missing there (ussd_service_op) or of another length ends it.
    """

    def __init__(self, name: str, **fields: object) -> None:
        super().__init__(name, **fields)
        self.tlvs: dict[int, bytes] = {}

    def parse_optional_params(self, data: bytes) -> None:
        """Read tags, lengths and values to the end. Errors: Malformed when a value is cut off."""
        at = 0
        while at < len(data):
            tag, length = struct.unpack_from(">HH", data, at)
            value = data[at + 4 : at + 4 + length]
            if len(value) < length:
                raise Malformed("an optional parameter ends too early", field=f"tlv_{tag:04x}")
            self.tlvs[tag] = value
            at += 4 + length

    def _parse_string(self, field: str, data: bytes, pos: int, length: int | None = None) -> tuple[bytes, int]:
        if b"\0" not in data[pos:]:
            raise Malformed("its end is missing", field=field)
        found: tuple[bytes, int] = super()._parse_string(field, data, pos, length)
        return found
