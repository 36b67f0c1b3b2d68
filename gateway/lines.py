"""What passes over a line beside single SMS: a channel's health, what a poll finds, USSD hops and screens. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.values import DeliveryStatus, InboundSms, OutboxState, Sender, SmsPart


@dataclass(frozen=True, slots=True)
class ChannelHealth:
    """What a channel's other side says of itself when it is asked: the modem's daemon, the gateway, the phone.

    Shape: `words` say what is so, or what to mend: Indonesian, then English, divided by " / ". `heard_at` is when the
    device itself last gave a sign of life, None where nobody tells.
    Units: `signal` and `battery` in percent; `credit` as the provider writes it.
    """

    is_well: bool
    words: str
    heard_at: datetime | None = None
    signal: int | None = None
    battery: int | None = None
    credit: str = ""


@dataclass(frozen=True, slots=True)
class Polled:
    """What was found in a provider's own store: messages, and news of what we sent.

    `ticket` is the adapter's own: `confirm` gets it back once everything was kept. `has_more`: ask again at once.
    """

    messages: tuple[InboundSms, ...] = ()
    statuses: tuple[DeliveryStatus, ...] = ()
    ticket: object = None
    has_more: bool = False


@dataclass(frozen=True, slots=True)
class FoundSend:
    """A message to a phone that a provider says was sent in our name; `state` is None where its word is not known."""

    provider_id: str
    recipient: str
    text: str
    sent_at: datetime
    state: OutboxState | None = None
    code: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class LookedBack:
    """One page of what a provider still has: messages to us, and what was sent in our name.

    `is_coming`: nothing stands here, for what there is comes once more by webhook, soon.
    """

    messages: tuple[InboundSms, ...] = ()
    sends: tuple[FoundSend, ...] = ()
    is_coming: bool = False


class DialogueState(StrEnum):
    """Where a USSD session stands.

    open -> draft, over (it ended with nothing to keep), sent (its report was confirmed), moved, abandoned; sent -> open
    where another report is begun in it; draft -> moved (a later session goes on with it), abandoned (a day has passed,
    or another session sent that report); all but over -> open, sent where a hop comes after all.
    """

    OPEN = "open"
    DRAFT = "draft"
    SENT = "sent"
    OVER = "over"
    MOVED = "moved"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class UssdHop:
    """One request of a USSD session, as every dialect comes down to it.

    Shape: `session_id` is the gateway's own, unique for its channel. `inputs` are what was typed: in this hop alone
    (`is_whole` False), `12*40*30` as it stands; or since the session began (`is_whole` True), each thing between two
    `*`. What was dialled to reach us is no input; what was dialled behind it is one. `key` tells this hop from the
    session's others: a repeat has the same one; empty where the gateway tells none. `is_over`: the gateway says that
    the session has ended, and expects no screen. `inputs_if_new`: the gateway does not say which hop is the first;
    these are its inputs if the session is not known.
    """

    session_id: str
    sender: Sender
    inputs: tuple[str, ...] = ()
    is_whole: bool = False
    is_first: bool = False
    is_over: bool = False
    key: str = ""
    network: str = ""
    inputs_if_new: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class UssdScreen:
    """What a USSD session shows: at most 160 GSM-7 characters, and whether the session ends with it."""

    text: str
    ends: bool = False


def read_part(header: bytes) -> SmsPart | None:
    """Return which part a user data header, its own length first, says that an SMS is; None for a whole message.

    Source: 3GPP TS 23.040, 9.2.3.24: one element after the other, each with its kind and its length.

    >>> read_part(bytes.fromhex("0500034D0201")), read_part(bytes.fromhex("06080401D30302")), read_part(b"")
    (SmsPart(ref='4d', total=2, number=1), SmsPart(ref='01d3', total=3, number=2), None)
    """
    rest = header[1 : header[0] + 1] if header else b""
    while len(rest) >= 2:
        kind, value, rest = rest[0], rest[2 : 2 + rest[1]], rest[2 + rest[1] :]
        if (kind, len(value)) in {(0x00, 3), (0x08, 4)}:
            return make_part(value[:-2].hex(), value[-2], value[-1])
    return None


def make_part(ref: str, total: int, number: int) -> SmsPart | None:
    """Return a part; what cannot be a part's number makes it none. Source: 3GPP TS 23.040, 9.2.3.24.1."""
    return SmsPart(ref, total, number) if total > 1 and 1 <= number <= total else None
