"""What gateways that sign nothing have in common: a secret in the address that they call, and how fields are read."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from urllib.parse import parse_qsl, unquote

from gateway.channels.base import Surroundings
from gateway.channels.bodies import (
    MOST_FIELDS,
    Fields,
    only_value,
    read_json,
    read_key,
    read_text,
    shorten,
    split_path,
)
from gateway.channels.options import Options, find_form_fault, find_secrets_fault, split_list
from gateway.channels.ussd.base import UssdChannel
from gateway.errors import Malformed, Refused
from gateway.values import HttpRequest, Sender, SenderKind, Setting, read_sender

LONGEST_INPUT = 1_000  # characters of a whole session's inputs; one hop carries 182 at most
UNREAD = "Maaf, permintaan ini tidak terbaca. Silakan dial lagi. / Sorry, this could not be read. Please dial again."
NOBODY = Sender("", SenderKind.OTHER)  # the news that a session is over often names nobody


def find_tokens_fault(value: str) -> str:
    """Return what is wrong with a list of secrets that stand in an address, never naming one."""
    if fault := find_secrets_fault(value):
        return fault
    is_plain = re.fullmatch(r"[0-9A-Za-z._~\-, ]+", value, re.ASCII)
    words = "harus hanya huruf, angka dan / must be of letters, digits and . _ ~ - only, for it stands in an address"
    return "" if is_plain else words


def find_networks_fault(value: str) -> str:
    """Return what is wrong with a list of addresses.

    >>> find_networks_fault("192.0.2.0/24, 2001:db8::7"), find_networks_fault("192.0.2.7/24")
    ('', 'harus alamat seperti / must be addresses such as 192.0.2.7, 192.0.2.0/24')
    """
    try:
        read_networks(value)
    except ValueError:
        return "harus alamat seperti / must be addresses such as 192.0.2.7, 192.0.2.0/24"
    return ""


TOKENS = Setting(
    "tokens",
    "the secret in the address that the gateway calls; to change it list both, and drop the old one afterwards",
    default=None,
    is_secret=True,
    find_fault=find_tokens_fault,
)
PEERS = Setting(
    "peers",
    "the addresses that the gateway calls from, such as 192.0.2.0/24; empty for any",
    find_fault=find_networks_fault,
)
CODE = Setting(
    "code",
    "the service code, such as `*123#`: what is dialled after it (`*123*0925*12#`) is taken as typed",
    find_fault=find_form_fault(
        r"\*?[0-9]{1,10}(\*[0-9]{1,10})*#?", "kode layanan seperti *123#", "a service code such as *123#"
    ),
)


class Callback(UssdChannel):
    """A gateway that calls an address of ours, and proves itself by the secret in it and by where it calls from."""

    def __init__(self, name: str, options: Options, surroundings: Surroundings) -> None:
        self.name = name
        self._tokens = options.secrets(TOKENS.name)
        self._peers = read_networks(options.text(PEERS.name))
        self._region = surroundings.region

    def verify(self, request: HttpRequest, now: datetime) -> None:
        """Refuse whoever calls from elsewhere, or knows none of the secrets.

        Shape: `/in/<name>/ussd?token=<secret>`, `/in/<name>/ussd/<secret>`, or the password of HTTP Basic.
        """
        if self._peers and not is_within(request.peer, self._peers):
            raise Refused("the address is not one that the gateway calls from")
        if not self._knows_secret(request):
            raise Refused("the token is missing or wrong")

    def _knows_secret(self, request: HttpRequest) -> bool:
        try:
            given = tuple(_find_proofs(request))
        except (Malformed, ValueError):
            return False
        return any(token.matches(one) for token in self._tokens for one in given)

    def _read_phone(self, value: object, name: str) -> Sender:
        return read_sender(read_key(value, name), self._region)


class DialledCallback(Callback):
    """One that tells what was dialled, the service code and all."""

    def __init__(self, name: str, options: Options, surroundings: Surroundings) -> None:
        super().__init__(name, options, surroundings)
        self._code = options.text(CODE.name)

    def _read_inputs(self, value: object, name: str, *, is_first: bool, code: str = "") -> tuple[str, ...]:
        """Return what was typed, or at first dialled; `code` is what the gateway calls the service code."""
        return read_dialled(value, name, self._code or code) if is_first else (read_typed(value, name),)


def read_networks(written: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """Return the networks of a list. Errors: ValueError."""
    return tuple(ipaddress.ip_network(part) for part in split_list(written))


def is_within(peer: str, networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]) -> bool:
    """Tell whether an address lies in one of the networks.

    >>> is_within("::ffff:192.0.2.7", read_networks("192.0.2.0/24")), is_within("", read_networks("0.0.0.0/0"))
    (True, False)
    """
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return any(mapped in network for network in networks)


def read_query(request: HttpRequest) -> dict[str, str]:
    """Return the fields of a request's query, each of which may stand there once only. Errors: Malformed."""
    return {name: only_value(values, name) for name, values in read_fields(request).items()}


def read_fields(request: HttpRequest) -> Fields:
    """Return every field of a request's query; bytes that are not UTF-8 stay as lone surrogates (`surrogateescape`).

    Errors: Malformed where they are too many.
    """
    try:
        pairs = parse_qsl(
            split_path(request)[1], keep_blank_values=True, errors="surrogateescape", max_num_fields=MOST_FIELDS
        )
    except ValueError as fault:
        raise Malformed(f"the query cannot be read, or has more than {MOST_FIELDS} fields") from fault
    fields: Fields = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


def read_echoed(request: HttpRequest, names: Sequence[str]) -> dict[str, object]:
    """Return what an answer repeats of a request that was read: the fields as they came, whatever they hold."""
    document = read_json(request.body)
    return {name: document[name] for name in names if name in document} if isinstance(document, dict) else {}


def read_tail(request: HttpRequest) -> list[str]:
    """Return the parts of the path after `/in/<name>/ussd`.

    >>> read_tail(HttpRequest("PUT", "/in/umb/ussd/secret/session/7/end?x=1", {}))
    ['secret', 'session', '7', 'end']
    """
    return [unquote(part) for part in split_path(request)[0].split("/")[4:] if part]


def read_typed(value: object, name: str) -> str:
    """Return what was typed at a screen, as it stands. Errors: Malformed."""
    typed = read_text(value, name).strip()
    if len(typed) > LONGEST_INPUT:
        raise Malformed(f"a field has more than {LONGEST_INPUT} characters", field=shorten(name))
    return typed


def read_dialled(value: object, name: str, code: str) -> tuple[str, ...]:
    """Return what was dialled after the service code, if anything was. Errors: Malformed.

    >>> read_dialled("*123*0925*12#", "text", "*123#"), read_dialled("*123#", "text", "*123#")
    (('0925*12',), ())
    >>> read_dialled("*1234*5#", "text", "*123#"), read_dialled("*123*5#", "text", "")
    ((), ())
    """
    dialled, known = read_typed(value, name).strip("*#"), code.strip("*#")
    return (dialled.removeprefix(f"{known}*"),) if known and dialled.startswith(f"{known}*") else ()


def _find_proofs(request: HttpRequest) -> Iterator[str]:
    """Return what may be the secret: in the query, in the path, or as the password of HTTP Basic."""
    tokens = read_fields(request).get("token", [])
    yield from tokens if len(tokens) == 1 else ()
    yield from read_tail(request)[:1]
    scheme, _, credentials = request.header("authorization").partition(" ")
    if scheme.lower() == "basic":
        try:
            yield base64.b64decode(credentials, validate=True).decode().partition(":")[2]
        except (binascii.Error, ValueError):
            return
