"""Any HTTP gateway: what its fields are called, and how it proves who it is, an operator sets."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Sequence
from datetime import datetime

from gateway.channels.base import SmsChannel, Surroundings
from gateway.channels.bodies import (
    JSON,
    pick,
    read_document,
    read_instant,
    read_json,
    read_key,
    read_text,
    shorten,
)
from gateway.channels.generic_settings import SETTINGS, WEBHOOK_PREFIX, read_extra
from gateway.channels.http import Answer, HttpClient
from gateway.channels.options import Options
from gateway.errors import KabarError, Malformed, Permanent, Refused, Retryable, Unsure
from gateway.lines import ChannelHealth
from gateway.redact import Secret
from gateway.values import (
    ChannelLimits,
    DeliveryStatus,
    HttpRequest,
    HttpResponse,
    InboundSms,
    OutboundSms,
    OutboxState,
    SentSms,
    read_sender,
)

__all__ = ["SETTINGS", "Generic", "make", "sign"]

MEND_SECONDS = 900.0
LONGEST_WAIT = 86_400.0  # seconds that a peer may put us off
REFUSED_NOW = {408, 425, 429, 503}  # RFC 9110 and 8470: not handled, and may be asked again


class Generic(SmsChannel):
    """One gateway that speaks HTTP."""

    def __init__(self, name: str, options: Options, surroundings: Surroundings) -> None:
        self.name = name
        self._options = options
        self._is_idempotent = options.is_on("send_idempotent")
        self.limits = ChannelLimits(options.number("per_second"), lease_seconds=60, is_idempotent=self._is_idempotent)
        self._secrets = options.secrets("secrets")
        self._is_signed = options.text("scheme") == "hmac"
        self._tolerance_seconds = options.number("tolerance_seconds")
        self._region = surroundings.region
        self._http = HttpClient(read_seconds=options.number("timeout_seconds"))

    def verify(self, request: HttpRequest, now: datetime) -> None:
        """Refuse who does not know one of the secrets.

        Source: RFC 6750 (bearer); Standard Webhooks 1.0.0 (hmac: webhook-id, webhook-timestamp, webhook-signature).
        """
        if not (self._has_signature(request, now) if self._is_signed else self._has_bearer(request)):
            raise Refused("the secret or the signature is missing or wrong")

    def read_sms(self, request: HttpRequest) -> tuple[InboundSms, ...]:
        """Return the messages: one, or as many as the list holds."""
        document = read_document(request)
        items = self._items(document)
        return tuple(self._read_message(item, request, is_only=len(items) == 1) for item in items)

    def read_status(self, request: HttpRequest) -> tuple[DeliveryStatus, ...]:
        """Return what became of messages that we sent, by our ref or by the id that the gateway gave."""
        return tuple(self._read_one_status(item) for item in self._items(read_document(request)))

    def send(self, sms: OutboundSms) -> SentSms:
        """Post the message, with its ref as the Idempotency-Key."""
        option = self._options.text
        names = [option(f"send_{part}_field") for part in ("to", "text", "ref")]
        fields = dict(zip(names, (sms.to, sms.text, sms.ref), strict=True))
        if option("send_from"):
            fields[option("send_from_field")] = option("send_from")
        fields |= read_extra(option("send_extra"))
        headers = {"Idempotency-Key": sms.ref} | self._authorization()
        post = self._http.post_form if option("send_format") == "form" else self._http.post_json
        try:
            return self._read_answer(post(option("send_url"), fields, headers))
        except Unsure as fault:
            if not self._is_idempotent:
                raise
            ours = Retryable(str(fault), code="unsure")
        raise ours

    def look(self, now: datetime) -> ChannelHealth | None:
        """Ask the address that the operator named; None without one."""
        url = self._options.text("health_url")
        if not url:
            return None
        try:
            status = HttpClient(connect_seconds=3, read_seconds=3).call("GET", url, self._authorization()).status
        except KabarError as fault:
            return ChannelHealth(False, f"{url} tidak menjawab / no answer from {url}: {fault}")
        if status < 300:
            return ChannelHealth(True, "gateway menjawab / the gateway answers")
        what = "periksa SEND_TOKEN / check SEND_TOKEN" if status in {401, 403} else "tanyakan penyedianya / ask them"
        return ChannelHealth(False, f"{url}: HTTP {status}; {what}")

    def acknowledge(self, taken: Sequence[InboundSms] = ()) -> HttpResponse:
        """Return the ids that were taken."""
        return HttpResponse(200, json.dumps({"status": "accepted", "ids": [sms.provider_id for sms in taken]}), JSON)

    def acknowledge_malformed(self, fault: Malformed) -> HttpResponse:
        """Return 400 and the field at fault, for whoever sets the gateway up."""
        return HttpResponse(400, json.dumps({"status": "malformed", "fault": str(fault), "field": fault.field}), JSON)

    def _has_bearer(self, request: HttpRequest) -> bool:
        scheme, _, given = request.header("authorization").partition(" ")
        matches = [secret.matches(given) for secret in self._secrets]
        return scheme.lower() == "bearer" and any(matches)

    def _has_signature(self, request: HttpRequest, now: datetime) -> bool:
        key, stamp = request.header("webhook-id"), request.header("webhook-timestamp")
        if not key or not re.fullmatch(r"[0-9]{1,12}", stamp, re.ASCII):
            return False
        if abs(now.timestamp() - int(stamp)) > self._tolerance_seconds:
            return False
        given = [one.removeprefix("v1,") for one in request.header("webhook-signature").split(" ") if one[:3] == "v1,"]
        expected = [Secret(sign(secret, key, stamp, request.body)) for secret in self._secrets]
        return any(one.matches(signature) for one in expected for signature in given)

    def _items(self, document: object) -> list[object]:
        path = self._options.text("list_field")
        if not path:
            return [document]
        found = pick(document, path)
        if not isinstance(found, list) or not found:
            raise Malformed("a list is missing or empty", field=shorten(path))
        return found

    def _field(self, item: object, option: str) -> tuple[object, str]:
        name = self._options.text(option)
        return pick(item, name), name

    def _read_message(self, item: object, request: HttpRequest, is_only: bool) -> InboundSms:
        return InboundSms(
            provider_id=self._read_id(item, request, is_only),
            sender=read_sender(read_key(*self._field(item, "from_field")), self._region),
            text=read_text(*self._field(item, "text_field")),
            recipient=_read_optional(*self._field(item, "to_field"))[:64],
            sent_at=read_instant(*self._field(item, "sent_at_field")),
        )

    def _read_id(self, item: object, request: HttpRequest, is_only: bool) -> str:
        """Return the id in the body, else the header's: under hmac the signed one, for the other can be changed."""
        value, name = self._field(item, "id_field")
        if value is None and is_only:
            value = request.header("webhook-id" if self._is_signed else "idempotency-key") or None
        if value is None:
            raise Malformed("the message has no id: a repeat could not be told from another one", field=shorten(name))
        return read_key(value, name)

    def _read_one_status(self, item: object) -> DeliveryStatus:
        words = read_text(*self._field(item, "status_field"))
        ref, provider_id = (_read_optional(*self._field(item, f"status_{part}_field")) for part in ("ref", "id"))
        if not ref and not provider_id:
            raise Malformed("a field is missing", field=shorten(self._options.text("status_ref_field")))
        states = {
            word.casefold(): state
            for state in (OutboxState.SENT, OutboxState.DELIVERED, OutboxState.FAILED)
            for word in self._options.texts(f"{state}_words")
        }
        return DeliveryStatus(
            state=states.get(words.strip().casefold()),
            ref=shorten(ref),
            provider_id=provider_id[:200],
            code=_read_optional(*self._field(item, "status_code_field"))[:40],
            words=shorten(words),
        )

    def _authorization(self) -> dict[str, str]:
        token, header = self._options.secret("send_token"), self._options.text("send_token_header")
        if not token:
            return {}
        return {header: f"Bearer {token.reveal()}" if header.lower() == "authorization" else token.reveal()}

    def _read_answer(self, answer: Answer) -> SentSms:
        """Return what the gateway took. Only one that says that nothing was done may be followed by another try."""
        code = str(answer.status)
        if answer.status < 300 or (answer.status == 409 and self._is_idempotent):  # 409: it has this ref already
            return SentSms(provider_id=self._read_provider_id(answer))
        if answer.status in REFUSED_NOW:
            raise Retryable(f"the gateway answered {code}: not now", code, _read_wait(answer))
        if answer.status == 401:  # our key is wrong, not this message: all wait until somebody mends it
            raise Retryable("the gateway answered 401: send_token is wrong", code, MEND_SECONDS)
        if answer.status >= 500:
            raise Unsure(f"the gateway answered {code}, which does not say whether it took the message")
        raise Permanent(f"the gateway answered {code}: it refuses the message", code)

    def _read_provider_id(self, answer: Answer) -> str:
        try:
            return read_key(pick(read_json(answer.body), self._options.text("send_id_field")), "")
        except Malformed:  # it took the message all the same; its statuses must then come by our ref
            return ""


def make(name: str, options: Options, surroundings: Surroundings) -> SmsChannel:
    """Return a generic channel."""
    return Generic(name, options, surroundings)


def sign(secret: Secret, key: str, stamp: str, body: bytes) -> str:
    """Return the signature of a webhook in base64, without its `v1,`. Source: Standard Webhooks 1.0.0."""
    written = secret.reveal()
    is_coded = written.startswith(WEBHOOK_PREFIX)
    raw = base64.b64decode(written.removeprefix(WEBHOOK_PREFIX)) if is_coded else written.encode()
    signed = f"{key}.{stamp}.".encode("utf-8", "surrogatepass") + body
    return base64.b64encode(hmac.new(raw, signed, hashlib.sha256).digest()).decode()


def _read_optional(value: object, name: str) -> str:
    return "" if value is None else read_text(value, name).strip()


def _read_wait(answer: Answer) -> float | None:
    written = answer.headers.get("retry-after", "")
    return min(float(written), LONGEST_WAIT) if re.fullmatch(r"[0-9]{1,9}", written, re.ASCII) else None
