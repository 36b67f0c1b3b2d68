"""SMS Gateway for Android (sms-gate.app): a phone that signs its webhooks and sends what its REST API takes."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.channels import android_health
from gateway.channels.android_settings import SETTINGS, is_on_lan
from gateway.channels.base import SmsChannel, Surroundings, option_variable
from gateway.channels.bodies import JSON, read_instant, read_json, read_key, read_text, shorten
from gateway.channels.http import Answer, HttpClient
from gateway.channels.options import Options
from gateway.errors import Malformed, Misconfigured, Permanent, Refused, Retryable, Unsure
from gateway.lines import ChannelHealth, LookedBack
from gateway.redact import Secret
from gateway.segments import count_segments
from gateway.values import (
    ChannelLimits,
    DeliveryStatus,
    HttpRequest,
    InboundSms,
    OutboundSms,
    OutboxState,
    SentSms,
    read_sender,
)

__all__ = ["SETTINGS", "Android", "make", "sign"]

# Source of the events, their payloads and the signature: sms-gate.app, "Webhooks"; WebHookEvent.kt of the app.
RECEIVED, BATCH = "sms:received", "sms:batch:received"
SIGNS_OF_LIFE = {"system:ping", "app:started"}  # they hold no message, and are acknowledged
STATES: Mapping[str, tuple[OutboxState, str]] = {  # and where each says when
    "sms:sent": (OutboxState.SENT, "sentAt"),
    "sms:delivered": (OutboxState.DELIVERED, "deliveredAt"),
    "sms:failed": (OutboxState.FAILED, "failedAt"),
    "sms:cancelled": (OutboxState.FAILED, "cancelledAt"),
}
MESSAGE_ID = re.compile(r"([0-9A-Za-z_\-]{1,64})(?:\.([0-9]{1,3})(?:\.[0-9]{1,2})?)?", re.ASCII)
GIVEN_UP = {"Failed", "Cancelled"}  # Source: ProcessingState.kt of the app
MOST_TIMES = 9  # that staff may have one message sent again after it had failed

MEND_SECONDS = 900.0
LONGEST_WAIT = 86_400.0  # seconds that a server may put us off
UNKNOWN_PATH = {404, 405}  # an app of before the inbox could be refreshed
TOO_MUCH = {429, 503}  # 503: too many messages wait for the phone already, or for too long
REFUSALS = {400, 413, 422}
# Said with 400 although it is no fault of the message: the account has no such phone.
# Source: server, modules/devices/errors.go; app, localserver/routes/MessagesRoutes.kt
NO_PHONE = {"record not found", "more than one record", "invalid filter", "invalid device id"}


@dataclass(frozen=True, slots=True)
class _Event:
    """What a webhook tells."""

    name: str
    payload: Mapping[str, object]


class Android(SmsChannel):
    """One phone, or all phones of one account."""

    looks_back_every = timedelta(hours=6)  # each time costs the phone a webhook for every SMS of that while

    def __init__(self, name: str, options: Options, surroundings: Surroundings) -> None:
        self.name = name
        self.limits = ChannelLimits(
            per_second=options.number("per_second"),
            is_idempotent=True,
            stamps_sent_at=True,
            per_day=int(options.text("per_day")) if options.text("per_day") else None,
        )
        self._keys = options.secrets("signing_keys")
        self._user = options.text("user")
        self._password = options.secret("password")
        self._api = options.text("api_url").rstrip("/")
        self._device_id = options.text("device_id")
        self._sim_number = options.text("sim_number")
        self._ttl_seconds = int(options.number("ttl_seconds"))
        self._tolerance_seconds = options.number("tolerance_seconds")
        self._own_url = f"{surroundings.public_url.rstrip('/')}/in/{name}"
        self._region = surroundings.region
        self._http = HttpClient(read_seconds=options.number("timeout_seconds"))

    def verify(self, request: HttpRequest, now: datetime) -> None:
        """Refuse what none of our keys signed, or signed at another time than now: each try is signed anew."""
        stamp, given = request.header("x-timestamp"), request.header("x-signature")
        if not re.fullmatch(r"[0-9]{1,12}", stamp, re.ASCII):
            raise Refused("the webhook does not say when it was signed")
        expected = [Secret(sign(key, request.body, stamp)) for key in self._keys]
        if not any(signature.matches(given) for signature in expected):
            raise Refused("the signature is missing, or made with another key than the signing keys set here")
        if abs(now.timestamp() - int(stamp)) > self._tolerance_seconds:
            raise Refused("the phone's clock is wrong, or this is an old webhook that somebody sends again")

    def read_sms(self, request: HttpRequest) -> tuple[InboundSms, ...]:
        """Return the message, or the messages of a batch; none where the phone only says that it is alive."""
        event = self._read_event(request)
        if event.name in SIGNS_OF_LIFE:
            return ()
        if event.name == RECEIVED:
            return (self._read_message(event.payload),)
        if event.name == BATCH:
            messages = event.payload.get("messages")
            if not isinstance(messages, list) or not messages:
                raise Malformed("a list is missing or empty", field="messages")
            return tuple(self._read_message(_as_payload(one)) for one in messages)
        where = "/status" if event.name in STATES else "nowhere"
        raise Malformed(f"this event goes to {where}, not to /sms", field="event")

    def read_status(self, request: HttpRequest) -> tuple[DeliveryStatus, ...]:
        """Return what became of one message.

        A long message is delivered part by part, and no event says which part: only of a message of one part does it
        say that all has arrived. How many parts it has stands in the id that we gave it.
        """
        event = self._read_event(request)
        if event.name in SIGNS_OF_LIFE:
            return ()
        if event.name not in STATES:
            where = "/sms" if event.name in {RECEIVED, BATCH} else "nowhere"
            raise Malformed(f"this event goes to {where}, not to /status", field="event")
        state, at_field = STATES[event.name]
        found = MESSAGE_ID.fullmatch(read_key(event.payload.get("messageId"), "messageId"))
        if not found:
            raise Malformed("this is not the id of a message", field="messageId")
        ref, parts = found.groups()
        is_partial = state is OutboxState.DELIVERED and parts not in {None, "1"}
        reason = event.payload.get("reason")
        status = DeliveryStatus(
            state=OutboxState.SENT if is_partial else state,
            ref=ref,
            words=shorten(event.name if reason is None else read_text(reason, "reason")),
            at=read_instant(event.payload.get(at_field), at_field),
        )
        return (status,)

    def send(self, sms: OutboundSms) -> SentSms:
        """Hand the message over under our own id, which is taken once: asked again, they answer 409.

        What failed there and is sent again, for staff say so, goes under the next id: the first is used up.
        """
        parts = count_segments(sms.text)
        try:
            for time in range(1, MOST_TIMES + 1):
                message_id = _make_id(sms.ref, parts, time)
                answer = self._call("POST", "messages", self._write(message_id, sms))
                # apps that do not know 409 answer 500 to an id that they have already
                may_have = answer.status == 409 or (answer.status >= 500 and answer.status not in TOO_MUCH)
                state = self._ask_state(message_id) if may_have else ""
                if state not in GIVEN_UP:
                    return SentSms(segments=parts) if state else _read_answer(answer, parts)
        except Unsure as fault:
            ours = Retryable(str(fault), code="unsure")
        else:
            raise Permanent(f"the phone has given this message up {MOST_TIMES} times")
        raise ours

    def _write(self, message_id: str, sms: OutboundSms) -> bytes:
        message: dict[str, object] = {
            "id": message_id,
            "phoneNumbers": [sms.to],
            "textMessage": {"text": sms.text},
            "withDeliveryReport": True,
            "ttl": self._ttl_seconds,
        }
        if self._device_id:
            message["deviceId"] = self._device_id
        if self._sim_number:
            message["simNumber"] = int(self._sim_number)
        return json.dumps(message).encode()

    def _ask_state(self, message_id: str) -> str:
        """Return where a message stands there, in their word; an empty string where they do not show it."""
        answer = self._call("GET", f"messages/{message_id}")
        return _read_word(answer, "state") if answer.status == 200 else ""

    def _call(self, method: str, path: str, body: bytes | None = None) -> Answer:
        return self._http.call(method, f"{self._api}/{path}", {"Content-Type": JSON}, body, self._login())

    def look_back(self, since: datetime, until: datetime) -> Iterator[LookedBack]:
        """Have the phone tell once more what lies in its inbox: it comes by webhook, and a repeat is kept once.

        An app that is too old for it would stamp what it tells with another time: that would be another message.
        Source: sms-gate.app, "Reading messages"; refresh_inbox of the published client.
        """
        asked = {"since": since.isoformat(), "until": until.isoformat(), "webhookDelivery": "Individual"}
        asked |= {"deviceId": self._device_id} if self._device_id else {}
        answer = self._call("POST", "inbox/refresh", json.dumps(asked).encode())
        if not 200 <= answer.status < 300:
            old = "the app or its server is too old for it, or api_url leads elsewhere"
            reason = old if answer.status in UNKNOWN_PATH else _read_word(answer, "message") or "see user and password"
            raise Retryable(f"the phone does not tell what it has: {answer.status}, {reason}", str(answer.status))
        yield LookedBack(is_coming=True)

    def look(self, now: datetime) -> ChannelHealth:
        """Ask the app or its server for the phone, its battery, and whether its webhook leads here."""
        return android_health.look(self._api, self._login(), self._own_url, self._device_id, now)

    def _login(self) -> tuple[str, str]:
        return self._user, self._password.reveal()

    def _read_event(self, request: HttpRequest) -> _Event:
        document = _as_payload(read_json(request.body), "")
        name = read_text(document.get("event"), "event")
        if name in SIGNS_OF_LIFE:
            return _Event(name, {})
        device_id = read_text(document.get("deviceId"), "deviceId")
        if self._device_id and device_id != self._device_id:
            raise Malformed("this is another phone's: register its webhooks with its own deviceId", field="deviceId")
        return _Event(shorten(name), _as_payload(document.get("payload")))

    def _read_message(self, payload: Mapping[str, object]) -> InboundSms:
        sender = payload.get("sender")
        if sender is None:  # apps of before 2026 have only this name for it
            sender = payload.get("phoneNumber")
        written = read_key(sender, "sender")
        text = read_text(payload.get("message"), "message")
        sent_at = read_instant(payload.get("receivedAt"), "receivedAt")
        if sent_at is None:
            raise Malformed("a field is missing", field="receivedAt")
        recipient = payload.get("recipient")
        return InboundSms(
            provider_id=_make_key(written, sent_at, read_key(payload.get("messageId"), "messageId"), text),
            sender=read_sender(written, self._region),
            text=text,
            recipient="" if recipient is None else read_text(recipient, "recipient")[:64],
            sent_at=sent_at,
        )


def make(name: str, options: Options, surroundings: Surroundings) -> SmsChannel:
    """Return a channel of a phone. Errors: Misconfigured where messages would pass a network in the clear unasked."""
    if is_on_lan(options.text("api_url")) and not options.is_on("lan"):
        variable = option_variable(name, "lan")
        fault = (
            "dengan http:// jaringan kantor dapat membaca kata sandi dan pesan"
            f" / http:// lets the office network read the password and the messages; to accept it: {variable}=yes"
        )
        raise Misconfigured({option_variable(name, "api_url"): fault})
    return Android(name, options, surroundings)


def sign(key: Secret, body: bytes, stamp: str) -> str:
    """Return the signature of a webhook, in hexadecimal."""
    return hmac.new(key.reveal().encode(), body + stamp.encode(), hashlib.sha256).hexdigest()


def _make_key(sender: str, sent_at: datetime, message_id: str, text: str) -> str:
    """Return what tells a message from all others.

    The app's own id is a hash of 32 bits, so it does not do alone; the event's is another one for each registration and
    for each time that the app repeats itself. The device's is left out too: it is another one in the cloud and in local
    mode, and after the app was installed again, when the same inbox may be sent once more.
    Source: app, receiver/data/InboxMessage.kt and webhooks/WebHooksService.kt.
    """
    parts = (sender, sent_at.isoformat(), message_id, text)
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()  # clean_text has left no NUL in any of them


def _as_payload(value: object, field: str = "payload") -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise Malformed("this is not an object", field=field)
    return value


def _read_answer(answer: Answer, parts: int) -> SentSms:
    code = str(answer.status)
    if 200 <= answer.status < 300 or answer.status == 409:  # 409: it has this id already
        return SentSms(segments=parts)
    if answer.status in TOO_MUCH:
        written = answer.headers.get("retry-after", "")
        wait = min(float(written), LONGEST_WAIT) if re.fullmatch(r"[0-9]{1,9}", written, re.ASCII) else None
        raise Retryable(f"{code}: too much waits for the phone already; is it on and connected?", code, wait)
    if answer.status in REFUSALS:
        reason = _read_word(answer, "message")
        if reason.casefold() in NO_PHONE:
            raise Retryable(f"the account has no such phone ({reason}): see device_id", code, MEND_SECONDS)
        raise Permanent(f"the gateway refuses the message: {reason or code}", code)
    if answer.status >= 500:
        raise Unsure(f"the gateway answered {code}, which does not say whether it took the message")
    fault = "user or password is wrong" if answer.status in {401, 403} else "api_url leads elsewhere"
    raise Retryable(f"the gateway answered {code}: {fault}", code, MEND_SECONDS)  # all wait until somebody mends it


def _read_word(answer: Answer, name: str) -> str:
    try:
        document = read_json(answer.body)
        return shorten(read_text(document.get(name), name)) if isinstance(document, dict) else ""
    except Malformed:
        return ""


def _make_id(ref: str, parts: int, time: int) -> str:
    """Return the id that a message has there.

    >>> _make_id("4f2a", 1, 1), _make_id("4f2a", 3, 1), _make_id("4f2a", 1, 2)
    ('4f2a', '4f2a.3', '4f2a.1.2')
    """
    if time > 1:
        return f"{ref}.{parts}.{time}"
    return ref if parts == 1 else f"{ref}.{parts}"
