"""Twilio as its documentation tells it, on loopback: messages are created, listed, fetched, and their fate called back.

Sources: Twilio's Messages resource, its error dictionary, "Outbound message status in status callbacks", "Security".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.gateway.channels.standin import Fault, Reply, Seen, StandIn

ACCOUNT_SID = "AC" + "a" * 32
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

    def _list(self, query: Mapping[str, list[str]]) -> Reply:
        to = query.get("To", [""])[0]
        found = [self._show(sent) for sent in reversed(self.ledger) if to in {"", sent.to}]
        return Reply.of_json({"messages": found, "page": 0, "page_size": 50, "next_page_uri": None})

    def _show(self, sent: Sent) -> dict[str, object]:
        return {
            "sid": sent.sid,
            "account_sid": self.account_sid,
            "to": sent.to,
            "from": sent.sender,
            "body": sent.body,
            "status": sent.status,
            "direction": "outbound-api",
            "num_segments": "0" if sent.sender.startswith("MG") else "1",
            "error_code": None,
            "date_created": "Sat, 21 Nov 2026 18:35:09 +0000",
        }


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
