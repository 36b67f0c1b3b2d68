"""What a channel may make of whatever comes: what fits the columns that it goes to, or a fault that the house knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from gateway.channels.base import SmsChannel
from gateway.errors import Malformed
from gateway.values import DeliveryStatus, HttpRequest, InboundSms

Given = TypeVar("Given")
Read = TypeVar("Read")
Taken = InboundSms | DeliveryStatus


def read_or_fault(read: Callable[[Given], Read], given: Given) -> Read | Malformed:
    """Return what was read, or why it could not be."""
    try:
        return read(given)
    except Malformed as fault:
        return fault


def read_both(channel: SmsChannel, request: HttpRequest) -> list[tuple[Taken, ...] | Malformed]:
    """Return what a channel makes of a request, as messages and as news of what was sent."""
    return [read_or_fault(channel.read_sms, request), read_or_fault(channel.read_status, request)]


def fits_column(text: str, longest: int) -> bool:
    """Tell whether both databases take a text into a column of a width."""
    return len(text) <= longest and not any(mark == "\x00" or 0xD800 <= ord(mark) <= 0xDFFF for mark in text)


def fits(one: Taken) -> bool:
    """Tell whether what was read fits the columns that it goes to, and names the message that it is about."""
    if isinstance(one, DeliveryStatus):
        widths = [(one.ref, 64), (one.provider_id, 200), (one.code, 40), (one.words, 64)]
        return all(fits_column(*each) for each in widths) and bool(one.ref or one.provider_id)
    widths = [(one.provider_id, 200), (one.sender.address, 64), (one.recipient, 64), (one.text, 70_000)]
    is_timed = one.sent_at is None or one.sent_at.utcoffset() is not None
    return all(fits_column(*each) for each in widths) and bool(one.provider_id) and is_timed
