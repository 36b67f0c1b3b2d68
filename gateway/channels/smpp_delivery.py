"""What an SMSC delivers, as the house's values: messages, parts of messages, and receipts. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway.channels.smpp_pdu import (
    MESSAGE_STATE,
    RECEIPTED_MESSAGE_ID,
    SAR_NUMBER,
    SAR_REF,
    SAR_TOTAL,
    Delivery,
)
from gateway.errors import Malformed
from gateway.lines import make_part, read_part
from gateway.segments import read_gsm, unpack
from gateway.values import DeliveryStatus, InboundSms, OutboxState, SmsPart, clean_text, find_phone, read_sender

GSM, GSM_PACKED, LATIN1 = "gsm", "gsm_packed", "latin1"

# Source: SMPP 3.4, 5.2.12 (esm_class)
_TYPE, _HAS_HEADER = 0x3C, 0x40
_RECEIPTS = {0x04, 0x20}  # a delivery receipt, an intermediate notification
_INTERNATIONAL = 1  # 5.2.5 (type of number)

# Source: SMPP 3.4, 5.3.2.35 (message_state) and appendix B (the words of a receipt)
_STATES = {
    "ENROUTE": OutboxState.SENT,
    "ACCEPTD": OutboxState.SENT,
    "DELIVRD": OutboxState.DELIVERED,
    "EXPIRED": OutboxState.FAILED,
    "DELETED": OutboxState.FAILED,
    "UNDELIV": OutboxState.FAILED,
    "REJECTD": OutboxState.FAILED,
}
_STATE_WORDS = {
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    7: "UNKNOWN",
    8: "REJECTD",
}
_RECEIPT_FIELD = re.compile(r"\b(id|stat|err):\s*([^\s]+)", re.IGNORECASE)
_OWN_TEXT = re.compile(r"\btext:", re.IGNORECASE)  # behind it stands the beginning of what we sent
_HEX = re.compile(r"[0-9a-f]{1,16}", re.ASCII)
_DECIMAL = re.compile(r"[0-9]{1,19}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a message that we sent. `phones` are its two ends: one of them is whom the message went to."""

    status: DeliveryStatus
    phones: tuple[str, ...]


def read(delivery: Delivery, place: str, alphabet: str, region: str) -> InboundSms | Receipt:
    """Return what was delivered. `place` is the PDU's own: its session and its number in it.

    Errors: Malformed, naming the field.
    """
    kind = delivery.esm_class & _TYPE
    if kind in _RECEIPTS or (RECEIPTED_MESSAGE_ID in delivery.tlvs and MESSAGE_STATE in delivery.tlvs):
        return _read_receipt(delivery, region)
    if kind:
        raise Malformed("neither a message nor a receipt", field="esm_class")
    header, octets = _cut_header(delivery)
    part = read_part(header) or _part_of_sar(delivery)
    written = f"+{delivery.source}" if delivery.source_ton == _INTERNATIONAL else delivery.source
    return InboundSms(
        provider_id=f"{_content_key(delivery)}:{_text_of(delivery, RECEIPTED_MESSAGE_ID) or place}",
        sender=read_sender(written.replace("++", "+"), region),
        text=clean_text(_decode(octets, delivery.data_coding, alphabet, len(header))),
        recipient=clean_text(delivery.destination)[:64],
        part=part,
    )


def as_repeat(sms: InboundSms, kept: Mapping[str, list[str]]) -> InboundSms:
    """Return the message under the key that it was kept by, where it is one of `kept`, which then is used up."""
    known = kept.get(sms.provider_id.partition(":")[0])
    return replace(sms, provider_id=known.pop(0)) if known else sms


def by_content(keys: tuple[str, ...]) -> dict[str, list[str]]:
    """Return keys of kept messages by the part of them that says what the message was.

    >>> by_content(("c0ffee:s1:1", "c0ffee:s1:2"))
    {'c0ffee': ['c0ffee:s1:1', 'c0ffee:s1:2']}
    """
    found: dict[str, list[str]] = {}
    for key in keys:
        found.setdefault(key.partition(":")[0], []).append(key)
    return found


def canonical_id(message_id: str) -> str:
    """Return a message id as we keep it: case and leading zeros differ between an answer and its receipt.

    >>> canonical_id("0000B001"), canonical_id("00"), canonical_id("5f3c-AB"), canonical_id("")
    ('b001', '0', '5f3c-ab', '')
    """
    written = message_id.strip().lower()
    return written.lstrip("0") or written[:1]


def forms_of_id(message_id: str) -> tuple[str, ...]:
    """Return an id as it stands, then as some SMSCs write it in receipts: decimal for hexadecimal, and back.

    >>> forms_of_id("45057"), forms_of_id("b001")
    (('45057', 'b001', '282711'), ('b001', '45057'))
    """
    forms = [canonical_id(message_id)]
    if _DECIMAL.fullmatch(forms[0]):
        forms.append(f"{int(forms[0]):x}")
    if _HEX.fullmatch(forms[0]):
        forms.append(str(int(forms[0], 16)))
    return tuple(dict.fromkeys(forms))


def _read_receipt(delivery: Delivery, region: str) -> Receipt:
    """Return what a receipt says: its parameters where it has them, else the words that are usual in its text.

    Source: SMPP 3.4, appendix B; the dates there have no zone, so that none is taken.
    """
    said = _OWN_TEXT.split(delivery.octets.decode("latin-1").replace("\0", ""))[0]  # UCS-2 has a NUL beside each
    words = {name.lower(): value for name, value in _RECEIPT_FIELD.findall(said)}
    message_id = _text_of(delivery, RECEIPTED_MESSAGE_ID) or words.get("id", "")
    if not message_id:
        raise Malformed("a receipt that does not say whose", field="receipted_message_id")
    state = delivery.tlvs.get(MESSAGE_STATE, b"")
    word = _STATE_WORDS.get(state[-1], str(state[-1])) if state else words.get("stat", "").upper()
    code = words.get("err", "")
    status = DeliveryStatus(
        state=_STATES.get(word),
        provider_id=canonical_id(clean_text(message_id))[:200],
        code="" if code.strip("0") == "" else clean_text(code)[:40],
        words=clean_text(word)[:40],
    )
    phones = (find_phone(end, region) for end in (delivery.source, delivery.destination))
    return Receipt(status, tuple(phone for phone in phones if phone))


def _content_key(delivery: Delivery) -> str:
    """Return what is the same in a message and in its second delivery, and differs in nearly all others."""
    sar = [delivery.tlvs.get(tag, b"").hex() for tag in (SAR_REF, SAR_TOTAL, SAR_NUMBER)]
    shape = f"{delivery.source}\n{delivery.destination}\n{delivery.data_coding}\n{delivery.esm_class}\n{sar}\n"
    return hashlib.sha256(shape.encode() + delivery.octets).hexdigest()[:32]


def _text_of(delivery: Delivery, tag: int) -> str:
    return clean_text(delivery.tlvs.get(tag, b"").rstrip(b"\0").decode("latin-1")).strip()[:100]


def _cut_header(delivery: Delivery) -> tuple[bytes, bytes]:
    """Return the user data header, its length first, and what comes after it."""
    if not delivery.esm_class & _HAS_HEADER:
        return b"", delivery.octets
    length = 1 + delivery.octets[0] if delivery.octets else 0
    if not 0 < length <= len(delivery.octets):
        raise Malformed("the user data header is longer than the message", field="short_message")
    return delivery.octets[:length], delivery.octets[length:]


def _part_of_sar(delivery: Delivery) -> SmsPart | None:
    """Return which part it is by the sar parameters. Source: SMPP 3.4, 5.3.2.22 to 24."""
    ref, total, number = (delivery.tlvs.get(tag, b"") for tag in (SAR_REF, SAR_TOTAL, SAR_NUMBER))
    return make_part(ref.hex(), total[-1], number[-1]) if ref and total and number else None


def _decode(octets: bytes, coding: int, alphabet: str, header_octets: int) -> str:
    """Return the text. Source: SMPP 3.4, 5.2.19 (data_coding); its values from 0x10 on: 3GPP TS 23.038, 4."""
    if 0x10 <= coding < 0x40 or coding >= 0xF0:  # a message class stands in it; F_ has no UCS-2
        coding = {0x00: 0, 0x04: 4, 0x08: 8}.get(coding & (0x04 if coding >= 0xF0 else 0x0C), 4)
    if coding == 0 and alphabet != LATIN1:
        return read_gsm(unpack(octets, header_octets) if alphabet == GSM_PACKED else octets)
    if coding in {0, 1, 3}:
        return octets.decode("latin-1")
    if coding == 8:
        return octets.decode("utf-16-be", "replace")
    raise Malformed(f"a text in the coding {coding:#04x}, which is not read", field="data_coding")
