"""Twilio: signed webhooks in, replies by its REST API out, status callbacks back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from twilio.base.exceptions import TwilioException
from twilio.http.response import Response
from twilio.request_validator import RequestValidator, get_signature_algorithm
from twilio.rest import Client

from gateway.channels import twilio_list
from gateway.channels.base import SmsChannel, Surroundings
from gateway.channels.bodies import (
    FORM,
    Fields,
    content_type,
    only_value,
    read_form,
    read_key,
    read_text,
    shorten,
    split_path,
)
from gateway.channels.http import HttpClient
from gateway.channels.options import (
    Options,
    find_form_fault,
    find_number_fault,
    find_secrets_fault,
    find_url_fault,
)
from gateway.errors import KabarError, Malformed, Permanent, Refused, Retryable, Unsure
from gateway.lines import ChannelHealth, LookedBack
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
    Setting,
    read_sender,
)

# Twilio's default English opt-out words: it answers them by itself, stops the number, and refuses what we send (21610).
# Source: Twilio support, "Twilio support for opt-out keywords".
OPT_OUT_WORDS = "STOP, UNSUBSCRIBE, END, QUIT, STOPALL, REVOKE, OPTOUT, CANCEL"

SETTINGS = (
    Setting(
        "account_sid",
        "the account, as on Twilio's console: AC and 32 digits or letters a to f",
        default=None,
        find_fault=find_form_fault(
            r"AC[0-9a-f]{32}", "AC dan 32 angka atau huruf a-f", "AC and 32 digits or letters a to f"
        ),
    ),
    Setting(
        "auth_tokens",
        "the account's auth token; to change it list both, the new one first, and drop the old one afterwards",
        default=None,
        is_secret=True,
        find_fault=find_secrets_fault,
    ),
    Setting(
        "api_key",
        "an API key that sends, SK...:secret; without one the first auth token does",
        is_secret=True,
        find_fault=find_form_fault(
            r"SK[0-9a-f]{32}:[!-~]+",
            "SK dan 32 angka atau huruf a-f, titik dua, rahasianya",
            "SK and 32 digits or letters a to f, a colon, its secret",
        ),
    ),
    Setting(
        "from_number",
        "the number (or sender name) that answers come from",
        default=None,
        unless=("messaging_service_sid",),
        find_fault=find_form_fault(
            r"\+[1-9][0-9]{6,14}|[0-9]{3,8}|[0-9A-Za-z ]{1,11}", "seperti +15017122661", "such as +15017122661"
        ),
    ),
    Setting(
        "messaging_service_sid",
        "the messaging service that answers go through, instead of a number",
        find_fault=find_form_fault(
            r"MG[0-9a-f]{32}", "MG dan 32 angka atau huruf a-f", "MG and 32 digits or letters a to f"
        ),
    ),
    Setting("opt_out_words", "words that Twilio answers by itself; no when its opt-out is off", default=OPT_OUT_WORDS),
    Setting(
        "per_second",
        "messages sent in a second; a long number bears one",
        default="1",
        find_fault=find_number_fault(0.01, 1000),
    ),
    Setting(
        "timeout_seconds",
        "how long to wait for an answer to a message that is sent",
        default="15",
        find_fault=find_number_fault(0.1, 30),
    ),
    Setting("api_url", "where Twilio's API is", default="https://api.twilio.com", find_fault=find_url_fault),
)

MESSAGE_SID = re.compile(r"(?:SM|MM)[0-9a-f]{32}", re.ASCII)
REF = re.compile(r"[0-9A-Za-z_.\-]{1,64}", re.ASCII)
# The signature covers names and values run together, so the tail of a text can be passed off as another parameter.
# All of Twilio's names are like this, and a tail of what somebody wrote hardly ever is.
PARAMETER_NAME = re.compile(r"(?:[A-Z][a-z]+)+[0-9]*", re.ASCII)

# Refused now, not for ever: nothing was sent. Source: Twilio's error dictionary, https://www.twilio.com/docs/api/errors
BUSY = {
    "20429": "too many requests",
    "21611": "this sender's queue at Twilio is full",
    "30001": "Twilio's queue is full",
}
# Refused because of the account, not of this message: all messages wait until somebody mends it.
ACCOUNT = {
    "20003": "the account's credentials are wrong",
    "20005": "the account is not active",
    "21606": "the sending number is not one of the account's",
    "21704": "the messaging service has no numbers",
    "30002": "the account is suspended",
}
NEVER = {
    "21211": "not a phone number",
    "21408": "the account may not send to this country",
    "21610": "the recipient has opted out",
    "21612": "the sending number cannot reach this one",
    "21614": "not a mobile number",
    "21617": "the text is longer than 1600 characters",
}
MEND_SECONDS = 900.0
LOOK_SECONDS = 4.0

# Source: "status" of a message in Twilio's API description; the callbacks come in any order.
STATES: Mapping[str, OutboxState] = {
    "accepted": OutboxState.SENT,
    "scheduled": OutboxState.SENT,
    "queued": OutboxState.SENT,
    "sending": OutboxState.SENT,
    "sent": OutboxState.SENT,
    "partially_delivered": OutboxState.SENT,
    "delivered": OutboxState.DELIVERED,
    "read": OutboxState.DELIVERED,
    "undelivered": OutboxState.FAILED,
    "failed": OutboxState.FAILED,
    "canceled": OutboxState.FAILED,
}


class Twilio(SmsChannel):
    """One Twilio number or messaging service."""

    looks_back_every = timedelta(minutes=10)

    def __init__(self, name: str, options: Options, surroundings: Surroundings) -> None:
        self.name = name
        self.limits = ChannelLimits(per_second=options.number("per_second"), lease_seconds=60)
        self._account_sid = options.text("account_sid")
        self._tokens = options.secrets("auth_tokens")
        self._sender = options.text("from_number")
        self._service = options.text("messaging_service_sid")
        self._opt_out = {word.casefold() for word in options.texts("opt_out_words")} - {"no"}
        self._public_url = surroundings.public_url.rstrip("/")
        self._region = surroundings.region
        sending = _sending_credentials(options)
        self._client = _make_client(options, *sending, options.number("timeout_seconds"))
        self._paying = _make_client(options, *sending, LOOK_SECONDS)
        self._asking = _make_client(options, self._account_sid, self._tokens[0], LOOK_SECONDS)

    def verify(self, request: HttpRequest, now: datetime) -> None:
        """Refuse what none of our auth tokens signed: the public URL, with the raw path as it came, and the form.

        The signature holds no time, so a captured request is valid for ever: the unique provider id is what stops it.
        Source: Twilio, "Security: validating requests"; a shared key's webhooks name their algorithm.
        """
        signature = request.header("x-twilio-signature")
        algorithm = get_signature_algorithm(request.header("x-twilio-webhooks-signature-settings"))
        if not signature or algorithm.upper() not in {"HMAC_SHA1", "HMAC_SHA256"}:
            raise Refused("the signature is missing, or of an unknown kind")
        if request.body and content_type(request) != FORM:
            raise Refused("the signature covers forms only")
        try:
            signed = _Signed(read_form(request.body))
            url = self._public_url + request.path
            validators = [RequestValidator(token.reveal()) for token in self._tokens]
            checks = [validator.validate(url, signed, signature, algorithm) for validator in validators]
        except (Malformed, ValueError, TypeError):  # what cannot be computed with cannot have been signed
            checks = []
        if not any(checks):
            raise Refused("the signature is not Twilio's")

    def read_sms(self, request: HttpRequest) -> tuple[InboundSms, ...]:
        """Return the one message. Source: Twilio, "Twilio's request to your incoming message webhook URL"."""
        fields = self._read_fields(request)
        message = self._read(_need_sid(fields), _need(fields, "From"), _may(fields, "To"), _need(fields, "Body"))
        return (replace(message, is_answered=True) if _may(fields, "OptOutType") else message,)

    def _read(self, sid: str, sender: str, to: str, text: str, sent_at: datetime | None = None) -> InboundSms:
        return InboundSms(
            provider_id=sid,
            sender=read_sender(read_key(sender, "From"), self._region),
            text=read_text(text, "Body"),
            recipient=to[:64],
            is_answered=text.strip().casefold() in self._opt_out,
            sent_at=sent_at,
        )

    def look_back(self, since: datetime, until: datetime) -> Iterator[LookedBack]:
        """Return what Twilio's own list has of our number or service: it calls a webhook again for seconds only."""
        return twilio_list.look_back(
            self._client, since, until, is_ours=self._is_ours, read=self._read, states=STATES, translate=_translate
        )

    def _is_ours(self, number: str, service: str) -> bool:
        """Tell whether a message is of our number or service: an account may have others, for other work."""
        return (bool(self._sender) and number == self._sender) or (bool(self._service) and service == self._service)

    def read_status(self, request: HttpRequest) -> tuple[DeliveryStatus, ...]:
        """Return what became of one message. Any word but an unknown one proves that Twilio has it.

        Source: Twilio, "Outbound message status in status callbacks".
        """
        fields = self._read_fields(request)
        words = _need(fields, "MessageStatus")
        refs = parse_qs(split_path(request)[1]).get("ref", [])
        code = _may(fields, "ErrorCode")
        status = DeliveryStatus(
            state=STATES.get(words),
            ref=refs[0] if len(refs) == 1 and REF.fullmatch(refs[0]) else "",
            provider_id=_need_sid(fields),
            code=code if re.fullmatch(r"[0-9]{1,9}", code, re.ASCII) else "",
            words=shorten(words),
        )
        return (status,)

    def send(self, sms: OutboundSms) -> SentSms:
        """Create a message at Twilio, which may do it twice if asked twice: what is unsure waits for its callback."""
        callback = f"{self._public_url}/in/{self.name}/status?ref={quote(sms.ref, safe='')}"
        sender = {"messaging_service_sid": self._service} if self._service else {"from_": self._sender}
        try:
            created = self._client.messages.create(to=sms.to, body=sms.text, status_callback=callback, **sender)
            segments = int(created.num_segments or 0)  # 0 while a messaging service has not yet chosen a number
            return SentSms(provider_id=str(created.sid or "")[:200], segments=segments or None)
        except TwilioException as fault:
            ours = _translate(fault)
        except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
            ours = Unsure("Twilio answered with something that is not a message")
        raise ours

    def look(self, now: datetime) -> ChannelHealth:
        """Ask for the account's state with its token, and for its balance with what sends: an API key shows that only.

        Source: Twilio, "Account resource" and "Balance resource"; what an API key may ask, "API keys".
        """
        try:
            status = str(self._asking.api.v2010.accounts(self._account_sid).fetch().status)
            balance = self._paying.api.v2010.account.balance.fetch()
            left, credit = float(balance.balance), f"{balance.balance} {balance.currency}"[:40]
        except TwilioException as fault:
            return ChannelHealth(False, f"Twilio menolak: periksa akun dan kuncinya / {_translate(fault)}")
        except KabarError as fault:
            return ChannelHealth(False, f"Twilio tidak menjawab / no answer from Twilio: {fault}")
        except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
            return ChannelHealth(False, "jawaban Twilio tidak terbaca / Twilio's answer cannot be read")
        if status != "active":
            words = f"akun Twilio {shorten(status)}: buka konsolnya / the Twilio account is {shorten(status)}: see its"
            return ChannelHealth(False, f"{words} console", credit=credit)
        if left <= 0:
            return ChannelHealth(False, "saldo Twilio habis: isi ulang / no credit at Twilio: top it up", credit=credit)
        return ChannelHealth(True, "akun Twilio aktif / the Twilio account is active", credit=credit)

    def acknowledge(self, taken: Sequence[InboundSms] = ()) -> HttpResponse:
        """Return an empty TwiML document: the answer goes out by the REST API."""
        return HttpResponse(200, "<Response/>", "text/xml; charset=utf-8")

    def _read_fields(self, request: HttpRequest) -> Fields:
        fields = read_form(request.body)
        for name, values in fields.items():
            only_value(values, name)
            if not PARAMETER_NAME.fullmatch(name):
                raise Malformed("this is not one of Twilio's parameters", field=shorten(name))
        if _need(fields, "AccountSid") != self._account_sid:
            raise Malformed("this is another account's message", field="AccountSid")
        return fields


class _Wire:
    """Carries the Twilio library's requests over our own HTTP client, which logs nothing and follows nothing."""

    is_async = False

    def __init__(self, api_url: str, read_seconds: float) -> None:
        self._base = api_url.rstrip("/")
        self._http = HttpClient(read_seconds=read_seconds)

    def request(  # the library's own signature
        self,
        method: str,
        url: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """Make a request of the library's at `api_url` instead of the host that the library names."""
        parts = urlsplit(url)
        query = "&".join(filter(None, (parts.query, urlencode(params or {}, doseq=True))))
        body = urlencode(data, doseq=True).encode() if data else None
        target = f"{self._base}{parts.path}?{query}" if query else f"{self._base}{parts.path}"
        answer = self._http.call(method, target, headers, body, auth)
        return Response(answer.status, answer.text, dict(answer.headers))


class _Signed(Fields):
    """A form as the validator wants it: every value of a name, in any number."""

    def getall(self, name: str) -> list[str]:
        return self[name]


def make(name: str, options: Options, surroundings: Surroundings) -> SmsChannel:
    """Return a Twilio channel."""
    return Twilio(name, options, surroundings)


def _make_client(options: Options, user: str, key: Secret, read_seconds: float) -> Client:
    return Client(
        user,
        key.reveal(),
        account_sid=options.text("account_sid"),
        http_client=_Wire(options.text("api_url"), read_seconds),
        # The library would read TWILIO_EDGE and TWILIO_REGION by itself; the environment is for settings.py alone.
        environment={"TWILIO_EDGE": "", "TWILIO_REGION": ""},
    )


def _sending_credentials(options: Options) -> tuple[str, Secret]:
    user, _, key = options.secret("api_key").reveal().partition(":")
    return (user, Secret(key)) if user else (options.text("account_sid"), options.secrets("auth_tokens")[0])


def _may(fields: Fields, name: str) -> str:
    return read_text(fields[name][0], name) if name in fields else ""


def _need(fields: Fields, name: str) -> str:
    if name not in fields:
        raise Malformed("a parameter is missing", field=name)
    return _may(fields, name)


def _need_sid(fields: Fields) -> str:
    sid = _need(fields, "MessageSid")
    if not MESSAGE_SID.fullmatch(sid):
        raise Malformed("this is not the id of a message", field="MessageSid")
    return sid


def _translate(fault: TwilioException) -> KabarError:
    """Return our error for an answer of Twilio's that is not a success."""
    status = int(getattr(fault, "status", 0))
    code = str(getattr(fault, "code", "") or status)[:40]
    if code in BUSY or status in {429, 503}:
        return Retryable(f"Twilio does not take it now: {BUSY.get(code, status)}", code)
    if code in ACCOUNT or status == 401:
        return Retryable(f"Twilio takes nothing: {ACCOUNT.get(code, status)}", code, after_seconds=MEND_SECONDS)
    if status >= 500 or status < 300:
        return Unsure(f"Twilio answered {status}, which does not say whether it took the message")
    return Permanent(f"Twilio refuses it: {NEVER.get(code, f'{status}, error {code}')}", code)
