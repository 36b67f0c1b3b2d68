"""What every USSD dialect can do, and how an instance of one is made from what an operator set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol, final

from gateway.channels.base import CHANNEL_NAME, Surroundings, option_variable
from gateway.channels.options import Options
from gateway.errors import Malformed, Misconfigured
from gateway.lines import UssdHop, UssdScreen
from gateway.values import HttpRequest, HttpResponse, Setting, find_setting_faults


class UssdChannel(ABC):
    """A configured instance of a dialect: one service code at one gateway.

    The frame calls `take_hop`, which verifies before it reads. Errors: verify raises Refused; reading, Malformed.
    """

    name: str

    @abstractmethod
    def verify(self, request: HttpRequest, now: datetime) -> None:
        """Raise Refused unless the request is certainly the gateway's own."""

    @abstractmethod
    def read_hop(self, request: HttpRequest) -> UssdHop:
        """Return the hop in a verified request."""

    @abstractmethod
    def write_screen(self, request: HttpRequest, hop: UssdHop, screen: UssdScreen) -> HttpResponse:
        """Return the answer that shows a screen, in the gateway's own words; many echo parts of the request."""

    def write_end(self, request: HttpRequest, hop: UssdHop) -> HttpResponse:
        """Return the answer to the news that a session is over."""
        return HttpResponse(200)

    def refuse_malformed(self, fault: Malformed) -> HttpResponse:
        """Return the answer to an authentic request that cannot be read: the session then ends at the gateway."""
        return HttpResponse(400, f"{fault}\n")

    @final
    def take_hop(self, request: HttpRequest, now: datetime) -> UssdHop:
        """Verify a request, then return the hop in it."""
        self.verify(request, now)
        return self.read_hop(request)


class Dialect(Protocol):
    """What a module of this folder exposes to be a dialect: its settings, and how an instance is made of them."""

    SETTINGS: tuple[Setting, ...]

    def make(self, name: str, options: Options, surroundings: Surroundings) -> UssdChannel:
        """Return an instance; its options have been checked against SETTINGS."""


def make_ussd(dialect: Dialect, name: str, given: Mapping[str, str], surroundings: Surroundings) -> UssdChannel:
    """Return an instance of a dialect, named `name`, with what the operator gave.

    Errors: Misconfigured with everything that is wrong at once, by environment variable.
    """
    found = find_setting_faults(dialect.SETTINGS, given)
    faults = {option_variable(name, option): fault for option, fault in found.items()}
    if not CHANNEL_NAME.fullmatch(name):
        faults["KABAR_USSD"] = (
            "namanya: satu huruf kecil, lalu paling banyak 19 huruf kecil dan angka"
            " / its name is a small letter, then at most 19 small letters and digits"
        )
    if faults:
        raise Misconfigured(faults)
    return dialect.make(name, Options(dialect.SETTINGS, given), surroundings)
