"""What every channel can do, and how one is made from what an operator set."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, final

from gateway.channels.options import Options
from gateway.errors import Malformed, Misconfigured, Permanent
from gateway.lines import ChannelHealth, LookedBack, Polled
from gateway.values import (
    ChannelLimits,
    DeliveryStatus,
    HttpRequest,
    HttpResponse,
    InboundSms,
    OutboundSms,
    SentSms,
    Setting,
    find_setting_faults,
)

CHANNEL_NAME = re.compile(r"[a-z][a-z0-9]{0,19}")  # it stands in URLs, in the environment and in the database


class SmsChannel(ABC):
    """A configured instance of an adapter: one account, one modem, one phone.

    The frame calls `take_sms` and `take_status`, which verify before they read, so that no adapter can forget to.
    Errors: verify raises Refused; reading, Malformed; sending, Retryable, Permanent or Unsure. Nothing else.
    """

    name: str
    limits: ChannelLimits
    shows_answers = False  # whether its own phones may ask what was answered; only the simulator's may
    needs_public_url = True  # whether its peer comes from elsewhere, and must know where we are
    looks_back_every: timedelta | None = None  # how often its provider is asked for what never came; None: it cannot be
    has_own_sender = False  # whether a process of its own holds its line and sends; the outbound workers then do not

    @abstractmethod
    def verify(self, request: HttpRequest, now: datetime) -> None:
        """Raise Refused unless the request is certainly the provider's own."""

    @abstractmethod
    def read_sms(self, request: HttpRequest) -> tuple[InboundSms, ...]:
        """Return the messages in a verified request."""

    def read_status(self, request: HttpRequest) -> tuple[DeliveryStatus, ...]:
        """Return what a verified request says about messages that we sent."""
        raise Malformed(f"channel {self.name} tells nothing about delivery")

    @abstractmethod
    def send(self, sms: OutboundSms) -> SentSms:
        """Hand one message to the provider, once.

        Errors: Retryable, nothing was sent; Permanent, it never will be; Unsure, it may have been.
        """

    def look(self, now: datetime) -> ChannelHealth | None:
        """Ask the other side how it does; None where nobody can be asked. Never raises; waits some seconds at most."""
        return None

    def look_back(self, since: datetime, until: datetime) -> Iterator[LookedBack]:
        """Return what the provider had between two instants, page by page, whether it came here or not.

        The keys are those of `read_sms` or `poll`, so that a message is one whichever way it came.
        Errors: Retryable, Permanent or Unsure when the provider does not tell; pages before are good.
        """
        raise Permanent(f"channel {self.name} has nobody to ask")

    def acknowledge(self, taken: Sequence[InboundSms] = ()) -> HttpResponse:
        """Return the answer that makes the provider stop: the same one for a message and for its repeats."""
        return HttpResponse(200)

    def acknowledge_malformed(self, fault: Malformed) -> HttpResponse:
        """Return the answer to an authentic request that cannot be read: a success, for again helps nobody."""
        return self.acknowledge()

    @final
    def take_sms(self, request: HttpRequest, now: datetime) -> tuple[InboundSms, ...]:
        """Verify a request, then return the messages in it."""
        self.verify(request, now)
        return self.read_sms(request)

    @final
    def take_status(self, request: HttpRequest, now: datetime) -> tuple[DeliveryStatus, ...]:
        """Verify a request, then return what it says about messages that we sent."""
        self.verify(request, now)
        return self.read_status(request)


class PollingChannel(SmsChannel):
    """A channel that calls nobody: what came lies in a store of the provider's until somebody looks.

    `workers.poll` looks, keeps and commits, and only then confirms: whoever dies between the two reads it again, and
    the unique (channel, provider_id) makes it one. A request to `/in/<name>/sms` is a nudge: it says only that there
    may be something. Errors: poll and confirm raise Retryable; what was polled is then polled again.
    """

    needs_public_url = False
    poll_seconds: float = 5.0  # between two looks, where nobody nudges

    def read_sms(self, request: HttpRequest) -> tuple[InboundSms, ...]:
        """Return no message: whatever stands in a nudge is nobody's word."""
        return ()

    @abstractmethod
    def poll(self, now: datetime) -> Polled:
        """Return what lies there and was not confirmed yet, in the order of its coming; some hundred at most."""

    @abstractmethod
    def confirm(self, polled: Polled) -> None:
        """Tell the provider's store that what it gave is kept here; once more does no harm."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a channel knows of the house: its public address, a folder for its files, whose numbers are local.

    `local_url` is where this server is reached from its own machine, for peers that stand beside it.
    """

    public_url: str
    var_folder: Path
    region: str = "ID"
    is_demo: bool = False
    local_url: str = "http://127.0.0.1:8000"
    timezone: str = "Asia/Jakarta"


class Adapter(Protocol):
    """What a module of this folder exposes to be a channel: its settings, and how an instance is made of them."""

    SETTINGS: tuple[Setting, ...]

    def make(self, name: str, options: Options, surroundings: Surroundings) -> SmsChannel:
        """Return a channel; its options have been checked against SETTINGS."""


def option_variable(name: str, option: str) -> str:
    """Return the environment variable that holds a channel's option.

    >>> option_variable("modem1", "send_url")
    'KABAR_MODEM1_SEND_URL'
    """
    return f"KABAR_{name}_{option}".upper()


def make_channel(adapter: Adapter, name: str, given: Mapping[str, str], surroundings: Surroundings) -> SmsChannel:
    """Return a channel of the adapter, named `name`, with what the operator gave.

    Errors: Misconfigured with everything that is wrong at once, by environment variable.
    """
    found = find_setting_faults(adapter.SETTINGS, given)
    faults = {option_variable(name, option): fault for option, fault in found.items()}
    if not CHANNEL_NAME.fullmatch(name):
        faults["KABAR_CHANNELS"] = (
            "nama kanal: satu huruf kecil, lalu paling banyak 19 huruf kecil dan angka"
            " / a channel's name is a small letter, then at most 19 small letters and digits"
        )
    if faults:
        raise Misconfigured(faults)
    return adapter.make(name, Options(adapter.SETTINGS, given), surroundings)
