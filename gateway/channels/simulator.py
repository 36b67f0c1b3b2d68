"""The phone in the browser and `./kabar sms`: a channel whose messages never leave the house."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from gateway import secret_file
from gateway.channels import http
from gateway.channels.base import SmsChannel, Surroundings
from gateway.channels.bodies import JSON, pick, read_document, read_instant, read_key, read_text
from gateway.channels.options import Options
from gateway.errors import KabarError, Malformed, Permanent, Refused
from gateway.redact import Secret
from gateway.values import (
    ChannelLimits,
    HttpRequest,
    HttpResponse,
    InboundSms,
    OutboundSms,
    SentSms,
    Setting,
    read_sender,
)

SETTINGS: tuple[Setting, ...] = ()
SECRET_FILE = "simulator.secret"  # noqa: S105 - the name of a file


class Simulator(SmsChannel):
    """A phone of our own. Sending is idempotent: the phone's screen is the outbox, so nothing is called."""

    limits = ChannelLimits(per_second=100.0, is_idempotent=True, stamps_sent_at=True)
    shows_answers = True
    needs_public_url = False

    def __init__(self, name: str, secret: Secret, region: str, is_open: bool) -> None:
        self.name = name
        self._secret = secret
        self._region = region
        self._is_open = is_open

    def verify(self, request: HttpRequest, now: datetime) -> None:
        """Refuse whoever is none of our own phones."""
        verify_own(request, self._secret, is_open=self._is_open)

    def read_sms(self, request: HttpRequest) -> tuple[InboundSms, ...]:
        """Return the one message.

        Shape: JSON or a form with `from`, `text`, `id`, and if it pleases `sent_at` (ISO 8601 with its zone) and `to`.
        """
        document = read_document(request)
        sender = read_sender(read_key(pick(document, "from"), "from"), self._region)
        message = InboundSms(
            provider_id=read_key(pick(document, "id"), "id"),
            sender=sender,
            text=read_text(pick(document, "text"), "text"),
            recipient=read_text(pick(document, "to") or "", "to")[:64],
            sent_at=read_instant(pick(document, "sent_at"), "sent_at"),
        )
        return (message,)

    def send(self, sms: OutboundSms) -> SentSms:
        """Take the message as delivered: the phone shows the outbox itself."""
        return SentSms(provider_id=sms.ref, is_delivered=True)

    def acknowledge(self, taken: Sequence[InboundSms] = ()) -> HttpResponse:
        """Return the ids that were taken."""
        return HttpResponse(200, json.dumps({"taken": [sms.provider_id for sms in taken]}), JSON)

    def acknowledge_malformed(self, fault: Malformed) -> HttpResponse:
        """Return 400 and the field at fault: whoever tries a phone wants to know."""
        return HttpResponse(400, json.dumps({"fault": str(fault), "field": fault.field}), JSON)


def make(name: str, options: Options, surroundings: Surroundings) -> SmsChannel:
    """Return the simulator; its secret is made at the first start."""
    secret = read_secret(surroundings.var_folder)
    return Simulator(name, secret, surroundings.region, surroundings.is_demo)


def verify_own(request: HttpRequest, secret: Secret, *, is_open: bool) -> None:
    """Refuse whoever does not know the secret, and every other machine unless this is a demonstration."""
    scheme, _, given = request.header("authorization").partition(" ")
    if scheme.lower() != "bearer" or not secret.matches(given):
        raise Refused("the simulator's secret is missing or wrong")
    if not is_open and not is_loopback(request.peer):
        raise Refused("the simulator answers this machine only")


def read_secret(var_folder: Path) -> Secret:
    """Return the simulator's secret, made at its first use."""
    return Secret(secret_file.read_or_make(var_folder / SECRET_FILE))


def write_request(
    secret: Secret, provider_id: str, sender: str, text: str, sent_at: datetime | None = None, name: str = "simulator"
) -> HttpRequest:
    """Return the request by which our own phones hand in a message, for the page and for `./kabar sms`."""
    message = {"id": provider_id, "from": sender, "text": text, "sent_at": sent_at.isoformat() if sent_at else None}
    headers = {"authorization": f"Bearer {secret.reveal()}", "content-type": JSON}
    return HttpRequest("POST", f"/in/{name}/sms", headers, json.dumps(message).encode(), peer="127.0.0.1")


def write_question(secret: Secret, provider_id: str, name: str = "simulator") -> HttpRequest:
    """Return the request by which our own phones ask what was answered to a message."""
    headers = {"authorization": f"Bearer {secret.reveal()}"}
    return HttpRequest("GET", f"/in/{name}/answer?id={quote(provider_id, safe='')}", headers, peer="127.0.0.1")


def call(client: http.HttpClient, address: str, request: HttpRequest) -> http.Answer:
    """Hand a request of our own phones to a running server. Errors: Permanent where none answers, and what to do."""
    try:
        return client.call(request.method, f"{address}{request.path}", request.headers, request.body)
    except KabarError as error:
        raise Permanent(
            f"{address} tidak menjawab: jalankan ./kabar demo di terminal lain, atau sebutkan --url"
            f" / does not answer ({error}): run ./kabar demo in another terminal, or name --url"
        ) from error


def is_loopback(peer: str) -> bool:
    """Tell whether an address is this machine's own.

    >>> is_loopback("127.0.0.1"), is_loopback("::ffff:127.0.0.1"), is_loopback("10.0.0.1"), is_loopback("")
    (True, True, False, False)
    """
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
