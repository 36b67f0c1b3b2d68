"""Twilio as its documentation tells it, on loopback: messages are created, listed, fetched, and their fate called back.

Sources: Twilio's Messages resource, its error dictionary, "Outbound message status in status callbacks", "Security".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.client import HTTPConnection
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.gateway.channels.standin import Fault, Reply, Seen, StandIn

ACCOUNT_SID = "AC" + "a" * 32
OUR_NUMBER = "+14155552345"
AUTH_TOKEN = "b7e23ec29af22b0b4e41da31e868d572"


@dataclass
class Sent:
    """A message that Twilio took."""

    sid: str
    to: str
    sender: str
    body: str
    status_callback: str
    status: str = "queued"
    told: list[str] = field(default_factory=list)
    at: datetime = datetime(2026, 11, 21, 18, 35, 9, tzinfo=UTC)
    direction: str = "outbound-api"

    @property
    def ref(self) -> str:
        """Our ref, out of the address of the status callback."""
        return parse_qs(urlsplit(self.status_callback).query).get("ref", [""])[0]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is no success."""

    status: int
    code: int
    message: str = "refused"
    headers: Mapping[str, str] = field(default_factory=dict)


class TwilioApi(StandIn):
    """The account AC... with one auth token.

    `ledger` holds what was taken, in order. `refusals` are given to the next creations, one each. `lost_answers` is how
    many of the next creations are taken without an answer; `silent_answers` likewise, the connection staying open.
    While `gate` is not set, creations wait for it. Whoever is in `opted_out` is refused.
    `received` are SMS to its numbers, which stand in its list; `list_faults` are given to the next looks into that
    list, one each, None for none.
    """

    def __init__(self, account_sid: str = ACCOUNT_SID, auth_token: str = AUTH_TOKEN) -> None:
        super().__init__()
        self.account_sid = account_sid
        self.auth_token = auth_token
        self.ledger: list[Sent] = []
        self.refusals: list[Refusal] = []
        self.lost_answers = 0
        self.silent_answers = 0
        self.opted_out: set[str] = set()
        self.received: list[Sent] = []
        self.list_faults: list[Refusal | Fault | None] = []
        self.clock: Callable[[], datetime] = lambda: Sent.at
        self.gate = threading.Event()
        self.gate.set()

    def hold(self, seen: Seen) -> None:
        """Let creations wait for the gate."""
        if seen.method == "POST":
            self.gate.wait(60)

    def answer(self, seen: Seen) -> Reply | Fault:
        """Answer as the Messages resource does."""
        given = base64.b64encode(f"{self.account_sid}:{self.auth_token}".encode()).decode()
        if seen.headers.get("authorization") != f"Basic {given}":
            return _refuse(Refusal(401, 20003, "Authenticate"))
        path = urlsplit(seen.path)
        messages = f"/2010-04-01/Accounts/{self.account_sid}/Messages"
        if seen.method == "POST" and path.path == f"{messages}.json":
            return self._create(seen.form)
        if seen.method == "GET" and path.path == f"{messages}.json":
            return self._list(parse_qs(path.query))
        for sent in self.ledger:
            if seen.method == "GET" and path.path == f"{messages}/{sent.sid}.json":
                return Reply.of_json(self._show(sent))
        return _refuse(Refusal(404, 20404, f"The requested resource {path.path} was not found"))

    def tell(self, sent: Sent, status: str, error_code: str = "", url: str = "") -> int:
        """Call a status back, signed; `url` is where to, if not its own address. Return the answer's status."""
        fields = {
            "MessageSid": sent.sid,
            "SmsSid": sent.sid,
            "MessageStatus": status,
            "SmsStatus": status,
            "To": sent.to,
        }
        fields |= {"From": sent.sender, "AccountSid": self.account_sid, "ApiVersion": "2010-04-01"}
        fields |= {"ErrorCode": error_code} if error_code else {}
        sent.status = status
        sent.told.append(status)
        return self._post(sent.status_callback, fields, url)

    def receive(self, sid: str, sender: str, text: str, at: datetime, to: str = OUR_NUMBER) -> None:
        """Receive an SMS for one of the account's numbers, whose webhook nobody answers."""
        self.received.append(Sent(sid, to, sender, text, "", "received", at=at, direction="inbound"))

    def deliver(self, webhook: str, sid: str, sender: str, text: str, url: str = "") -> int:
        """Hand an SMS to the webhook, signed for that address; `url` is where it really goes. Return the status."""
        fields = inbound_fields(sid, sender, text, self.account_sid)
        return self._post(webhook, fields, url)

    def _post(self, signed: str, fields: Mapping[str, str], url: str) -> int:
        parts = urlsplit(url or signed)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "X-Twilio-Signature": sign(self.auth_token, signed, fields),
        }
        connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=30)
        try:
            connection.request("POST", f"{parts.path}?{parts.query}".rstrip("?"), urlencode(fields).encode(), headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def _create(self, form: Mapping[str, str]) -> Reply | Fault:
        refusal = self.refusals.pop(0) if self.refusals else self._find_refusal(form)
        if refusal:
            return _refuse(refusal)
        sent = Sent(
            sid=f"SM{len(self.ledger):032x}",
            to=form["To"],
            sender=form.get("From") or form["MessagingServiceSid"],
            body=form["Body"],
            status_callback=form.get("StatusCallback", ""),
            status="accepted" if "MessagingServiceSid" in form else "queued",
            at=self.clock(),
        )
        self.ledger.append(sent)
        if self.lost_answers:
            self.lost_answers -= 1
            return Fault.LOST
        if self.silent_answers:
            self.silent_answers -= 1
            return Fault.SILENT
        return Reply.of_json(self._show(sent), 201)

    def _find_refusal(self, form: Mapping[str, str]) -> Refusal | None:
        to = form.get("To", "")
        if not to:
            return Refusal(400, 21604, "A 'To' phone number is required.")
        if not form.get("From") and not form.get("MessagingServiceSid"):
            return Refusal(400, 21603, "A 'From' phone number is required.")
        if not form.get("Body"):
            return Refusal(400, 21602, "Message body is required.")
        if not (to.startswith("+") and to[1:].isdecimal() and 8 <= len(to) <= 16):
            return Refusal(400, 21211, f"The 'To' number {to} is not a valid phone number.")
        if len(form["Body"]) > 1600:
            return Refusal(400, 21617, "The concatenated message body exceeds the 1600 character limit.")
        if to in self.opted_out:
            return Refusal(400, 21610, "Attempt to send to unsubscribed recipient")
        return None

    def _list(self, query: Mapping[str, list[str]]) -> Reply | Fault:
        if self.list_faults and (fault := self.list_faults.pop(0)) is not None:
            return fault if isinstance(fault, Fault) else _refuse(fault)
        given = {name: values[0] for name, values in query.items()}
        after, before = (datetime.fromisoformat(given.get(f"DateSent{sign}", day)) for sign, day in _EVER.items())
        every = sorted((*self.ledger, *self.received), key=lambda one: one.at, reverse=True)
        found = [one for one in every if given.get("To", one.to) == one.to and after <= one.at <= before]
        number, size = int(given.get("Page", 0)), int(given.get("PageSize", 50))
        here, is_last = found[number * size : (number + 1) * size], len(found) <= (number + 1) * size
        further = urlencode(given | {"Page": number + 1, "PageToken": f"PA{number + 1}"})
        uri = f"/2010-04-01/Accounts/{self.account_sid}/Messages.json?{further}"
        document = {"messages": [self._show(one) for one in here], "page": number, "page_size": size}
        return Reply.of_json(document | {"next_page_uri": None if is_last else uri})

    def _show(self, sent: Sent) -> dict[str, object]:
        return {
            "sid": sent.sid,
            "account_sid": self.account_sid,
            "to": sent.to,
            "from": sent.sender,
            "body": sent.body,
            "status": sent.status,
            "direction": sent.direction,
            "num_segments": "0" if sent.sender.startswith("MG") else "1",
            "error_code": None,
            "messaging_service_sid": sent.sender if sent.sender.startswith("MG") else None,
            "date_created": format_datetime(sent.at),
            "date_sent": format_datetime(sent.at),
        }


_EVER = {">": "2000-01-01T00:00:00+00:00", "<": "2100-01-01T00:00:00+00:00"}


def inbound_fields(sid: str, sender: str, text: str, account_sid: str = ACCOUNT_SID) -> dict[str, str]:
    """Return the parameters of an SMS webhook."""
    return {
        "ToCountry": "US",
        "ToState": "",
        "SmsMessageSid": sid,
        "NumMedia": "0",
        "ToCity": "",
        "FromZip": "",
        "SmsSid": sid,
        "FromState": "",
        "SmsStatus": "received",
        "FromCity": "",
        "Body": text,
        "FromCountry": "ID",
        "To": "+14155552345",
        "ToZip": "",
        "NumSegments": "1",
        "MessageSid": sid,
        "AccountSid": account_sid,
        "From": sender,
        "ApiVersion": "2010-04-01",
    }


def sign(token: str, url: str, fields: Mapping[str, str], algorithm: str = "sha1") -> str:
    """Return what Twilio puts into X-Twilio-Signature, computed without its library."""
    signed = url + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), getattr(hashlib, algorithm)).digest()).decode()


def _refuse(refusal: Refusal) -> Reply:
    more = f"https://www.twilio.com/docs/errors/{refusal.code}"
    shown = {"code": refusal.code, "message": refusal.message, "more_info": more, "status": refusal.status}
    return Reply.of_json(shown, refusal.status, refusal.headers)
