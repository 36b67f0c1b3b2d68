"""The house's own words: messages, phone numbers, lanes and states as immutable values. Pure."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import phonenumbers

LANES = 64  # docs/decisions: a lane is an argument of a job, never a queue
LONGEST_TEXT = 1600  # characters that are read; a longer message is kept whole and shown to staff
NO_COUNTRY = "001"  # phonenumbers: satellite and shared networks, whose messages are paid dearly by who answers
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

_DIALLABLE = re.compile(r"\+?[0-9][0-9 ()\-.]{5,19}", re.ASCII)
_MOBILE = {
    phonenumbers.PhoneNumberType.MOBILE,
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
}


class InboxState(StrEnum):
    """Where a received message stands.

    received -> held | done | for_staff | dead; held, for_staff and dead -> received, by staff or a registration only,
    and -> done where staff say that nothing is to be done, which they can undo. done -> for_staff where we asked about
    it and nobody answered in time, and back where we ask again; done -> received where staff have its report read
    again.
    """

    RECEIVED = "received"
    HELD = "held"
    DONE = "done"
    FOR_STAFF = "for_staff"
    DEAD = "dead"


INBOX_MOVES: Mapping[InboxState, frozenset[InboxState]] = {
    InboxState.RECEIVED: frozenset({InboxState.HELD, InboxState.DONE, InboxState.FOR_STAFF, InboxState.DEAD}),
    InboxState.HELD: frozenset({InboxState.RECEIVED, InboxState.DONE}),
    InboxState.DONE: frozenset({InboxState.RECEIVED, InboxState.HELD, InboxState.FOR_STAFF, InboxState.DEAD}),
    InboxState.FOR_STAFF: frozenset({InboxState.RECEIVED, InboxState.DONE}),
    InboxState.DEAD: frozenset({InboxState.RECEIVED, InboxState.DONE}),
}


class OutboxState(StrEnum):
    """Where a message to be sent stands.

    queued -> sending -> sent -> delivered; sending -> queued (known refusal), failed, unsure; sent -> failed (the
    network gave up); unsure -> sent, delivered, failed when the provider tells after all. failed, unsure ->
    queued by staff only. withheld never goes out.
    """

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNSURE = "unsure"
    WITHHELD = "withheld"


OUTBOX_MOVES: Mapping[OutboxState, frozenset[OutboxState]] = {
    OutboxState.QUEUED: frozenset({OutboxState.SENDING, OutboxState.FAILED, OutboxState.WITHHELD}),
    OutboxState.SENDING: frozenset(
        {
            OutboxState.QUEUED,
            OutboxState.SENT,
            OutboxState.DELIVERED,
            OutboxState.FAILED,
            OutboxState.UNSURE,
        }
    ),
    OutboxState.SENT: frozenset({OutboxState.DELIVERED, OutboxState.FAILED}),
    OutboxState.DELIVERED: frozenset(),
    OutboxState.FAILED: frozenset({OutboxState.QUEUED}),
    OutboxState.UNSURE: frozenset(
        {
            OutboxState.SENT,
            OutboxState.DELIVERED,
            OutboxState.FAILED,
            OutboxState.QUEUED,
        }
    ),
    OutboxState.WITHHELD: frozenset(),
}


class WithheldReason(StrEnum):
    """Why an answer or a reminder did not go out."""

    LOOP = "loop"
    CAP = "cap"
    STOPPED = "stopped"
    REPORTED = "reported"
    BUDGET = "budget"
    HALTED = "halted"
    UNDONE = "undone"
    LATE = "late"  # by the time that it could go it made no sense any more
    PAUSED = "paused"  # staff paused reminders there, or whoever it was for is on leave
    QUIET = "quiet"  # staff had the message read again, and did not want it answered
    SHOWN = "shown"  # it was read on the screen of the USSD session that it answers
    FOREIGN = "foreign"  # an unknown number of another country: answers there are dear, and somebody earns by them


class ReportState(StrEnum):
    """Where a revision of a report stands. It counts in the figures while accepted or approved, and only then.

    waiting -> accepted, approved, flagged, replaced, withdrawn, rejected; flagged -> accepted, approved, waiting (sent
    back), rejected, replaced, withdrawn; accepted -> approved, waiting (sent back), rejected, replaced, withdrawn;
    approved -> accepted, replaced, rejected (by staff only). Staff take a decision back by `REPORT_UNDOS` only.
    """

    WAITING = "waiting"
    FLAGGED = "flagged"
    ACCEPTED = "accepted"
    APPROVED = "approved"
    REJECTED = "rejected"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"


_ENDS = frozenset({ReportState.REJECTED, ReportState.REPLACED, ReportState.WITHDRAWN})
REPORT_MOVES: Mapping[ReportState, frozenset[ReportState]] = {
    ReportState.WAITING: _ENDS | {ReportState.ACCEPTED, ReportState.APPROVED, ReportState.FLAGGED},
    ReportState.FLAGGED: _ENDS | {ReportState.ACCEPTED, ReportState.APPROVED, ReportState.WAITING},
    ReportState.ACCEPTED: _ENDS | {ReportState.APPROVED, ReportState.WAITING},
    ReportState.APPROVED: frozenset({ReportState.ACCEPTED, ReportState.REPLACED, ReportState.REJECTED}),
    ReportState.REJECTED: frozenset(),
    ReportState.REPLACED: frozenset(),
    ReportState.WITHDRAWN: frozenset(),
}

_UNDECIDED = frozenset({ReportState.WAITING, ReportState.FLAGGED})
# Where a revision stands again once staff have taken their own decision back: where the decision had found it.
REPORT_UNDOS: Mapping[ReportState, frozenset[ReportState]] = {
    ReportState.WAITING: frozenset({ReportState.FLAGGED, ReportState.ACCEPTED}),
    ReportState.FLAGGED: frozenset(),
    ReportState.ACCEPTED: _UNDECIDED | {ReportState.APPROVED, ReportState.REPLACED},
    ReportState.APPROVED: _UNDECIDED | {ReportState.ACCEPTED, ReportState.REPLACED},
    ReportState.REJECTED: _UNDECIDED | {ReportState.ACCEPTED, ReportState.APPROVED},
    ReportState.REPLACED: _UNDECIDED | {ReportState.ACCEPTED, ReportState.APPROVED},
    ReportState.WITHDRAWN: frozenset(),
}

COUNTING = frozenset({ReportState.ACCEPTED, ReportState.APPROVED})


class Role(StrEnum):
    """What somebody who signs in is; `review.permit` tells what each may do, in their own area only."""

    ADMINISTRATOR = "administrator"
    DISTRICT = "district"
    OFFICER = "officer"
    VIEWER = "viewer"


@dataclass(frozen=True, slots=True)
class Scope:
    """The area whose rows somebody may see and touch: a Kemendagri code, or an empty one for the whole country.

    >>> Scope("14.03").covers("14.03.01"), Scope("14.03").covers("14.030"), Scope("").covers("72.71")
    (True, False, True)
    """

    area: str

    def covers(self, code: str) -> bool:
        """Tell whether an area lies within this one."""
        return not self.area or code == self.area or code.startswith(f"{self.area}.")


class SenderKind(StrEnum):
    """Who may have sent a message: a phone that can be answered, or a short or alphanumeric id that never is."""

    PHONE = "phone"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent a message. `address` is E.164 (`+628...`) for a phone, else what the channel gave, cleaned."""

    address: str
    kind: SenderKind


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as an adapter sees it, independent of any framework.

    Shape: `path` is the raw path with its query string, still percent-encoded, as the peer signed it; header names are
    lower case.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""
    peer: str = ""

    def header(self, name: str) -> str:
        """Return a header's value, or an empty string where it is missing."""
        return self.headers.get(name.lower(), "")


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What an adapter answers its peer. `headers` are those beside the content type."""

    status: int
    body: str = ""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SmsPart:
    """Which part of a longer message an SMS is: `number` of `total`, of the message that her phone calls `ref`.

    Source: 3GPP TS 23.040, 9.2.3.24.1 and 9.2.3.24.8; SMPP 3.4, 5.3.2.22 to 24 (sar_*).
    """

    ref: str
    total: int
    number: int


@dataclass(frozen=True, slots=True)
class InboundSms:
    """One message as its channel gave it, cleaned once (`clean_text`) and not yet read.

    Shape: `provider_id` is the channel's key for this very message: a repeat has the same one, another message never.
    Units: `sent_at` is the channel's own stamp (aware, UTC), None where the channel does not tell.
    `is_answered`: the provider has answered it by itself (a STOP word), and would refuse an answer of ours.
    `part`: it is no whole message; the house keeps it until the others have come (`store.parts`).
    """

    provider_id: str
    sender: Sender
    text: str
    recipient: str = ""
    sent_at: datetime | None = None
    is_answered: bool = False
    part: SmsPart | None = None


@dataclass(frozen=True, slots=True)
class OutboundSms:
    """One message to be sent. `ref` is ours, unique and opaque; a provider that takes it never sends it twice."""

    ref: str
    to: str
    text: str


@dataclass(frozen=True, slots=True)
class SentSms:
    """What a provider said when it took a message: its own id, if it gives one, and how many segments it counted.

    `is_delivered`: the message has reached the phone already, as in the simulator, whose phone is the outbox itself.
    """

    provider_id: str = ""
    segments: int | None = None
    is_delivered: bool = False


@dataclass(frozen=True, slots=True)
class DeliveryStatus:
    """What a provider says later about a message that we sent; found by our `ref`, else by its `provider_id`.

    `state` is sent, delivered or failed; None is a word of theirs that we do not know: shown, and changes nothing.
    """

    state: OutboxState | None
    ref: str = ""
    provider_id: str = ""
    code: str = ""
    words: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChannelLimits:
    """What a channel can bear and promise.

    Units: `per_second` messages; `lease_seconds` is longer than the slowest send.
    `is_idempotent`: the provider sends one `ref` at most once, so an unknown outcome may be tried again.
    `stamps_sent_at`: the channel tells when a message was sent, so that arrival order does not matter.
    `per_day`: so many segments at most in 24 hours, as an operator allows a SIM; None for as many as there are.
    """

    per_second: float = 10.0
    lease_seconds: int = 60
    is_idempotent: bool = False
    stamps_sent_at: bool = False
    per_day: int | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that an operator sets: its name, what it means, and what would be wrong with a value.

    Shape: `name` is lower case; the environment has it as KABAR_<NAME>, a channel's as KABAR_<CHANNEL>_<NAME>.
    `default` None means that it must be given, unless one of `unless` is. `find_fault` returns what is wrong in words,
    or an empty string; its words never repeat the value, which may be a secret.
    """

    name: str
    meaning: str
    default: str | None = ""
    is_secret: bool = False
    unless: tuple[str, ...] = ()
    find_fault: Callable[[str], str] = field(default=lambda _: "", repr=False)


def find_setting_faults(settings: Sequence[Setting], given: Mapping[str, str]) -> dict[str, str]:
    """Return everything that is wrong with the given values, by the setting's name: missing, wrong, or unknown.

    >>> find_setting_faults((Setting("region", "where", default=None),), {"regio": "ID"})
    {'region': 'harus diisi / must be set: where', 'regio': 'bukan setelan / is not a setting'}
    """
    faults: dict[str, str] = {}
    for setting in settings:
        value = given.get(setting.name, "").strip() or setting.default
        if value is None:
            if not any(given.get(other, "").strip() for other in setting.unless):
                faults[setting.name] = f"harus diisi / must be set: {setting.meaning}"
        elif value and (fault := setting.find_fault(value)):
            faults[setting.name] = fault
    known = {setting.name for setting in settings}
    return faults | {name: "bukan setelan / is not a setting" for name in given if name not in known}


def clean_text(text: str) -> str:
    """Return the text without what no database takes: lone surrogates and NUL become U+FFFD. Done once, at the door.

    >>> clean_text("KB\\x00 0925 \\ud800")
    'KB\ufffd 0925 \ufffd'
    """
    if "\x00" not in text and not any(0xD800 <= ord(mark) <= 0xDFFF for mark in text):
        return text
    return "".join(REPLACEMENT if mark == "\x00" or 0xD800 <= ord(mark) <= 0xDFFF else mark for mark in text)


def read_sender(written: str, region: str = "ID") -> Sender:
    """Return who `written` is: a phone as E.164, or a short or alphanumeric id as it stands.

    `08...`, `62...` and `+62...` are one number. A number that no phone can have is kept as an id, and never answered.
    Source: docs/security.md, fact 11 (what `phonenumbers` accepts although no SMS centre would send it).

    >>> read_sender("0812-3456-7890").address, read_sender("62812 3456 7890").address
    ('+6281234567890', '+6281234567890')
    >>> read_sender("TELKOMSEL").kind.value, read_sender("2345").kind.value
    ('other', 'other')
    """
    kept = clean_text(unicodedata.normalize("NFC", written)).strip()[:64]
    found = find_phone(kept, region)
    return Sender(found, SenderKind.PHONE) if found else Sender(kept, SenderKind.OTHER)


def find_phone(written: str, region: str = "ID") -> str | None:
    """Return the E.164 form of a number that can receive SMS, or None.

    >>> find_phone("0812 3456 7890"), find_phone("7600"), find_phone("+1-800-FLOWERS")
    ('+6281234567890', None, None)
    """
    written = written.strip()
    if not _DIALLABLE.fullmatch(written):
        return None
    country = str(phonenumbers.country_code_for_region(region))
    if not written.startswith(("+", "0")) and written.startswith(country):
        written = "+" + written
    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return None
    if number.extension or not phonenumbers.is_valid_number(number):
        return None
    if phonenumbers.number_type(number) not in _MOBILE:
        return None
    if phonenumbers.region_code_for_number(number) == NO_COUNTRY:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def lane_of(address: str) -> int:
    """Return the lane of a sender: the same one for ever, so that one sender's messages keep their order.

    >>> lane_of("+6281234567890") == lane_of("+6281234567890"), 0 <= lane_of("TELKOMSEL") < LANES
    (True, True)
    """
    return zlib.crc32(address.encode("utf-8", "surrogatepass")) % LANES
