"""Kannel: its smsbox hands messages in and takes answers by HTTP, its bearerbox says how the lines are."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from gateway.channels.base import SmsChannel, Surroundings
from gateway.channels.bodies import MOST_FIELDS, read_key, shorten
from gateway.channels.http import Answer, HttpClient
from gateway.channels.kannel_settings import SETTINGS
from gateway.channels.options import Options
from gateway.errors import KabarError, Malformed, Permanent, Refused, Retryable, Unsure
from gateway.lines import ChannelHealth, read_part
from gateway.redact import Secret
from gateway.segments import Part, split, write_header
from gateway.values import (
    ChannelLimits,
    DeliveryStatus,
    HttpRequest,
    InboundSms,
    OutboundSms,
    OutboxState,
    SentSms,
    clean_text,
    read_sender,
)

__all__ = ["SETTINGS", "Kannel", "make"]

USER = "kabar"  # who Kannel says that it is, before the secret, in its get-url and in the dlr-url that we give
MEND_SECONDS = 900.0
REF = re.compile(r"[0-9A-Za-z_.\-]{1,64}", re.ASCII)

# Bits of %d and of dlr-mask; a report may have several, an expired message has 2 and 32.
# Source: Kannel 1.4.5 User's Guide, "Delivery Reports", and what its SMPP driver was seen to tell.
DELIVERED, FAILED, BUFFERED, SENT, REJECTED, EXPIRED = 1, 2, 4, 8, 16, 32
ALL_REPORTS = DELIVERED | FAILED | BUFFERED | SENT | REJECTED
ENDS = DELIVERED | FAILED | REJECTED  # failures alone would be asked for so that many operators tell nothing

CODINGS = {"0": "UTF-8", "2": "UTF-16BE"}  # %c: 0 GSM, which Kannel writes in UTF-8; 2 UCS-2; 1 is binary
CHARSETS = {"UTF-8": "utf-8", "UTF-16BE": "utf-16-be"}

_RECEIPT_STATE = re.compile(r"\bstat:\s*([A-Z]{1,10})\b", re.ASCII)
_RECEIPT_ERROR = re.compile(r"\berr:\s*([0-9A-Za-z]{1,10})\b", re.ASCII)
_REFUSAL = re.compile(r"NACK/([^/]{1,30})(?:/|$)")
_BOX = re.compile(r"<type>smsbox</type>")
_SMSC = re.compile(r"<smsc>.*?<id>(.*?)</id>.*?<status>(.*?)</status>", re.DOTALL)
_WAITING = re.compile(r"<sms>\s*<received>.*?<queued>([0-9]+)</queued>.*?<sent>.*?<queued>([0-9]+)</queued>", re.DOTALL)


class Kannel(SmsChannel):
    """One sms-service and one sendsms-user of a Kannel 1.4."""

    needs_public_url = False

    def __init__(self, name: str, options: Options, surroundings: Surroundings) -> None:
        self.name = name
        self.limits = ChannelLimits(options.number("per_second"), lease_seconds=120, stamps_sent_at=True)
        self._options = options
        self._proofs = tuple(Secret(_basic(secret)) for secret in options.secrets("secrets"))
        self._callback_url = options.text("callback_url") or surroundings.local_url
        self._region = surroundings.region
        self._http = HttpClient(read_seconds=options.number("timeout_seconds"))
        self._quick = HttpClient(connect_seconds=2, read_seconds=3)

    def verify(self, request: HttpRequest, now: datetime) -> None:
        """Refuse who does not know one of the secrets; from its get-url and our dlr-url Kannel makes this header."""
        matches = [proof.matches(request.header("authorization")) for proof in self._proofs]
        if not any(matches):
            raise Refused("the secret is missing or wrong")

    def read_sms(self, request: HttpRequest) -> tuple[InboundSms, ...]:
        """Return the one message of a get-url or post-url. Source: Kannel 1.4.5 User's Guide, "Parameters" (%I, %e)."""
        fields = _read_query(request)
        message = InboundSms(
            provider_id=read_key(_need(fields, "id"), "id"),
            sender=read_sender(read_key(_need(fields, "from"), "from"), self._region),
            text=_read_text(fields),
            recipient=clean_text(_may(fields, "to"))[:64],
            sent_at=_read_time(_may(fields, "time")),
            part=read_part(fields.get("udh", b"")),  # it stays where Kannel waited for the others in vain
        )
        return (message,)

    def read_status(self, request: HttpRequest) -> tuple[DeliveryStatus, ...]:
        """Return what became of a message; the reports of one may come in any order, and again.

        Of a part before the last one only its failure says something of the message.
        """
        fields = _read_query(request)
        ref, bits = _need(fields, "ref"), _need(fields, "status")
        if not REF.fullmatch(ref):
            raise Malformed("this is not one of our references", field="ref")
        if not re.fullmatch(r"[0-9]{1,5}", bits, re.ASCII):
            raise Malformed("this is not the number of a report", field="status")
        state, said = _read_state(int(bits)), _show(fields, "reply")
        if "part" in fields and state is not OutboxState.FAILED:
            return ()
        is_good = state in {OutboxState.SENT, OutboxState.DELIVERED}
        status = DeliveryStatus(
            state=state,
            ref=ref,
            provider_id=shorten(_show(fields, "fid")),
            code="" if is_good else _read_code(int(bits), said),
            words="" if is_good else shorten(said or f"status {bits}"),
        )
        return (status,)

    def send(self, sms: OutboundSms) -> SentSms:
        """Hand the message to smsbox: whole, or in parts that we cut, in order, until one is not taken.

        The reports of the last part are the message's: smsbox got it, so it got all. Of the others only a failure is.
        Errors: Unsure once a part was taken and a later one was not.
        """
        try:
            parts = split(sms.text)
        except ValueError as fault:
            raise Permanent(str(fault), code="length") from None
        for number, part in enumerate(parts, 1):
            try:
                _check(self._hand_over(sms, part, number, len(parts)))
            except (Retryable, Permanent) as fault:
                if number == 1:
                    raise
                raise Unsure(f"{number - 1} of {len(parts)} parts were taken, then: {fault}") from fault
        return SentSms(segments=len(parts))

    def look(self, now: datetime) -> ChannelHealth | None:
        """Ask bearerbox for its boxes, its lines and what waits. Source: status.xml of Kannel 1.4.5."""
        password = self._options.secret("status_password").reveal()
        try:
            answer = self._quick.call("GET", f"{self._options.text('status_url')}?{urlencode({'password': password})}")
        except KabarError:
            return ChannelHealth(
                False,
                "bearerbox tidak menjawab: nyalakan Kannel, periksa status_url"
                " / bearerbox does not answer: start Kannel, check status_url",
            )
        return _read_health(answer)

    def _hand_over(self, sms: OutboundSms, part: Part, number: int, total: int) -> Answer:
        """Post one part. The credentials go in headers: in an address they would stand in logs."""
        option = self._options.text
        is_last = number == total
        headers = {
            "Content-Type": "text/plain; charset=UTF-8",
            "X-Kannel-Username": option("username"),
            "X-Kannel-Password": self._options.secret("password").reveal(),
            "X-Kannel-To": sms.to,
            "X-Kannel-Coding": "0" if part.is_gsm else "2",
            "X-Kannel-DLR-Mask": str(ALL_REPORTS if is_last else ENDS),
            "X-Kannel-DLR-Url": self._callback(sms.ref) + ("" if is_last else f"&part={number}"),
        }
        if option("from_number"):
            headers["X-Kannel-From"] = option("from_number")
        if option("smsc"):
            headers["X-Kannel-SMSC"] = option("smsc")
        if total > 1:  # the same number whenever this message is sent: a phone drops the part that it has already
            headers["X-Kannel-UDH"] = write_header(zlib.crc32(sms.ref.encode()), total, number).hex()
        return self._http.call("POST", option("send_url"), headers, part.text.encode())

    def _callback(self, ref: str) -> str:
        where = urlsplit(self._callback_url)
        secret = self._options.secrets("secrets")[0].reveal()
        base = f"{where.scheme}://{USER}:{secret}@{where.netloc}{where.path.rstrip('/')}"
        return f"{base}/in/{self.name}/status?ref={quote(ref, safe='')}&status=%d&fid=%F&reply=%A"


def make(name: str, options: Options, surroundings: Surroundings) -> SmsChannel:
    """Return a Kannel channel."""
    return Kannel(name, options, surroundings)


def _basic(secret: Secret) -> str:
    return "Basic " + base64.b64encode(f"{USER}:{secret.reveal()}".encode()).decode()


def _read_query(request: HttpRequest) -> Mapping[str, bytes]:
    """Return what stands in the address, as octets: a header of user data is no text."""
    query = request.path.partition("?")[2]
    try:
        pairs = parse_qsl(query, keep_blank_values=True, encoding="latin-1", max_num_fields=MOST_FIELDS)
    except ValueError as fault:
        raise Malformed(f"the address has more than {MOST_FIELDS} fields") from fault
    fields: dict[str, bytes] = {}
    for name, value in pairs:
        if name in fields:
            raise Malformed("a field stands there more than once", field=shorten(name))
        fields[name] = value.encode("latin-1", "replace")
    return fields


def _may(fields: Mapping[str, bytes], name: str) -> str:
    try:
        return fields.get(name, b"").decode("utf-8")
    except UnicodeDecodeError as fault:
        raise Malformed("a field is not in UTF-8", field=name) from fault


def _show(fields: Mapping[str, bytes], name: str) -> str:
    """Return what is only shown: a receipt may repeat the beginning of a text in whatever octets it went out."""
    return fields.get(name, b"").decode("utf-8", "replace")


def _need(fields: Mapping[str, bytes], name: str) -> str:
    if name not in fields:
        raise Malformed("a field is missing from get-url", field=name)
    return _may(fields, name)


def _read_text(fields: Mapping[str, bytes]) -> str:
    """Return the text from its octets in hexadecimal; mo-recode has made UTF-8 of UCS-2 where it could."""
    coding = _need(fields, "coding")
    if coding not in CODINGS:
        raise Malformed("a binary message, or of an unknown coding", field="coding")
    charset = _may(fields, "charset").upper() or CODINGS[coding]
    if charset not in CHARSETS:
        raise Malformed("an unknown character set", field="charset")
    try:
        octets = bytes.fromhex(_need(fields, "hex"))
        return clean_text(octets.decode(CHARSETS[charset], "surrogatepass"))
    except ValueError as fault:
        raise Malformed(f"this is not {charset} in hexadecimal", field="hex") from fault


def _read_time(written: str) -> datetime | None:
    """Return when bearerbox (with some modems and protocols: the SMS centre) got the message; `%T` in seconds."""
    if not re.fullmatch(r"[0-9]{9,10}", written, re.ASCII):
        return None
    return datetime.fromtimestamp(int(written), UTC)


def _read_state(bits: int) -> OutboxState | None:
    if bits & DELIVERED:
        return OutboxState.DELIVERED
    if bits & (FAILED | REJECTED | EXPIRED):
        return OutboxState.FAILED
    return OutboxState.SENT if bits & (BUFFERED | SENT) else None


def _read_code(bits: int, said: str) -> str:
    """Return why a message failed: a receipt's own words, what the SMS centre refused it with, or what Kannel did.

    >>> _read_code(2, "id:a002 sub:001 dlvrd:000 stat:UNDELIV err:001 text:"), _read_code(34, "")
    ('UNDELIV 001', 'EXPIRED')
    >>> _read_code(16, "NACK/0x0000000b/Invalid Destination Address")
    '0x0000000b'
    """
    found = [match.group(1) for pattern in (_RECEIPT_STATE, _RECEIPT_ERROR) if (match := pattern.search(said))]
    if refusal := _REFUSAL.match(said):
        found = [shorten(refusal.group(1))]
    return " ".join(found) or ("EXPIRED" if bits & EXPIRED else "REJECTED" if bits & REJECTED else str(bits))


def _check(answer: Answer) -> None:
    """Return when smsbox took it. Source: Kannel 1.4.5 User's Guide, "SMS PUSH reply codes", and its smsbox."""
    code, said = str(answer.status), shorten(answer.text.strip())
    if answer.status < 300 and said.startswith(("0:", "3:")):  # given to the SMS centre's line, or kept for it
        return
    if answer.status == 403 and said.startswith("Not routable"):
        raise Permanent("Kannel has no line for this number", code)
    if answer.status == 403:
        raise Retryable("Kannel takes nothing: username, password or user-allow-ip is wrong", code, MEND_SECONDS)
    if answer.status == 503:
        raise Retryable("Kannel does not take it now", code)
    if 400 <= answer.status < 500:
        raise Permanent(f"Kannel refuses it: {said}", code)
    raise Unsure(f"Kannel answered {code}, which does not say whether it took the message")


def _read_health(answer: Answer) -> ChannelHealth:
    page = answer.text
    waiting = _WAITING.search(page)
    if waiting is None:
        return ChannelHealth(
            False,
            "bearerbox menolak pertanyaan: periksa status_password, status_url dan admin-allow-ip"
            " / bearerbox does not tell: check status_password, status_url and admin-allow-ip",
        )
    came, going = waiting.groups()
    if not _BOX.search(page):
        return ChannelHealth(
            False,
            f"smsbox tidak jalan, {came} SMS menunggu: nyalakan smsbox"
            f" / smsbox is not running, {came} SMS wait: start smsbox",
        )
    lines = [(name, said) for name, said in _SMSC.findall(page)]
    down = ", ".join(f"{shorten(name)} ({shorten(said)})" for name, said in lines if not said.startswith("online"))
    if down or not lines:
        return ChannelHealth(
            False,
            f"jalur ke operator putus: {down or 'tidak ada'}; {going} SMS menunggu; lihat log bearerbox"
            f" / the line to the operator is down: {down or 'there is none'}; {going} SMS wait; see bearerbox's log",
        )
    return ChannelHealth(
        True,
        f"Kannel jalan, {len(lines)} jalur tersambung; menunggu: {came} masuk, {going} keluar"
        f" / Kannel runs, {len(lines)} lines are up; waiting: {came} in, {going} out",
    )
