"""SMPP: an operator's SMSC, bound as a transceiver by a process of its own (`./kabar smpp`). Nobody calls by HTTP."""

from __future__ import annotations

import re
import ssl
import time
import zlib
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from gateway.channels.base import SmsChannel, Surroundings
from gateway.channels.options import (
    Options,
    find_choice_fault,
    find_form_fault,
    find_number_fault,
)
from gateway.channels.smpp_delivery import GSM, GSM_PACKED, LATIN1, Receipt, canonical_id, read
from gateway.channels.smpp_link import Link, connect
from gateway.channels.smpp_pdu import OK, QUEUE_FULL, SUBMIT_SM_RESP, THROTTLED, Fields, Pdu, read_delivery
from gateway.errors import Malformed, Permanent, Refused, Retryable, Unsure
from gateway.lines import ChannelHealth
from gateway.segments import Part, pack, split, write_header
from gateway.values import ChannelLimits, HttpRequest, InboundSms, OutboundSms, SentSms, Setting


def find_file_fault(value: str) -> str:
    """Return what is wrong with a file that must be there."""
    try:
        is_file = Path(value).is_file()
    except OSError:  # a name that is too long
        is_file = False
    return "" if is_file else "harus berkas yang bisa dibaca / must be a file that can be read"


def find_port_fault(value: str) -> str:
    """Return what is wrong with a port."""
    is_port = re.fullmatch("[0-9]{1,5}", value, re.ASCII) and 1 <= int(value) <= 65_535
    return "" if is_port else "harus angka 1 sampai 65535 / must be a number from 1 to 65535"


SETTINGS = (
    Setting(
        "host",
        "the SMSC's host or address, as the operator tells it",
        default=None,
        find_fault=find_form_fault(
            r"[0-9A-Za-z._:-]{1,253}", "nama host atau alamat", "a host name or an address"
        ),
    ),
    Setting("port", "its port", default="2775", find_fault=find_port_fault),
    Setting("tls", "yes where the SMSC speaks TLS", default="no", find_fault=find_choice_fault("yes", "no")),
    Setting(
        "tls_ca",
        "the file with the authority that signed the SMSC's certificate, where it is none of the usual ones",
        find_fault=find_file_fault,
    ),
    Setting(
        "system_id",
        "the account, at most 15 characters",
        default=None,
        find_fault=find_form_fault(
            r"[!-~]{1,15}", "1 sampai 15 karakter tanpa spasi", "1 to 15 printable characters without spaces"
        ),
    ),
    Setting(
        "password",
        "its password, at most 8 characters, as the protocol has it",
        default=None,
        is_secret=True,
        find_fault=find_form_fault(
            r"[!-~]{1,8}", "1 sampai 8 karakter tanpa spasi", "1 to 8 printable characters without spaces"
        ),
    ),
    Setting(
        "system_type",
        "what some operators ask for beside it",
        find_fault=find_form_fault(
            r"[!-~]{1,12}", "1 sampai 12 karakter tanpa spasi", "1 to 12 printable characters without spaces"
        ),
    ),
    Setting(
        "source_address",
        "the number or name that answers come from",
        default=None,
        find_fault=find_form_fault(
            r"\+?[0-9]{1,20}|[0-9A-Za-z .-]{1,11}",
            "nomor, atau nama sampai 11 karakter",
            "a number, or a name of up to 11 characters",
        ),
    ),
    Setting(
        "source_ton",
        "its type of number; auto: 5 for a name, 1 with a +, else 0",
        default="auto",
        find_fault=find_form_fault(
            "auto|[0-6]", "auto atau 0 sampai 6", "auto or 0 to 6"
        ),
    ),
    Setting(
        "source_npi",
        "its numbering plan; auto: 0 for a name, else 1",
        default="auto",
        find_fault=find_form_fault(
            "auto|[0-9]|1[0-8]", "auto atau 0 sampai 18", "auto or 0 to 18"
        ),
    ),
    Setting(
        "dest_ton",
        "the type of number of a phone",
        default="1",
        find_fault=find_form_fault("[0-6]", "angka 0 sampai 6", "a number from 0 to 6")
    ),
    Setting(
        "dest_npi",
        "the numbering plan of a phone",
        default="1",
        find_fault=find_form_fault(
            "[0-9]|1[0-8]", "angka 0 sampai 18", "a number from 0 to 18"
        ),
    ),
    Setting(
        "alphabet",
        "what data_coding 0 means: gsm, gsm_packed (seven bits each) or latin1",
        default=GSM,
        find_fault=find_choice_fault(GSM, GSM_PACKED, LATIN1),
    ),
    Setting(
        "receipts", "no where the operator gives none", default="yes", find_fault=find_choice_fault("yes", "no")
    ),
    Setting(
        "window",
        "messages sent and not yet answered, at most",
        default="10",
        find_fault=find_form_fault(
            "[1-9]|1[0-9]|20", "angka 1 sampai 20", "a number from 1 to 20"
        ),
    ),
    Setting("per_second", "messages sent in a second", default="10", find_fault=find_number_fault(0.01, 1000)),
    Setting(
        "enquire_seconds",
        "so often the SMSC is asked whether it still lives",
        default="15",
        find_fault=find_number_fault(0.1, 300),
    ),
    Setting(
        "timeout_seconds", "how long to wait for an answer of the SMSC's", default="30",
        find_fault=find_number_fault(0.1, 50),
    ),
    Setting(
        "throttled_seconds",
        "how long nothing is sent after the SMSC said that it is too fast, or its queue full",
        default="5",
        find_fault=find_number_fault(0.1, 300),
    ),
)  # fmt: skip

# Refused because of the account, not of this message: all messages wait until somebody mends it.
ACCOUNT = {
    0x04: "the account may not send (wrong bind status)",
    0x0A: "the source address is wrong",
    0x15: "the service type is wrong",
    0x48: "the type of number of the source is wrong",
    0x49: "the numbering plan of the source is wrong",
}
BIND_REFUSED = {
    0x05: "is bound already: does another process hold this account?",
    0x0D: "the bind failed",
    0x0E: "the password is wrong",
    0x0F: "the system_id is wrong",
    0x53: "the system_type is wrong",
}
MEND_SECONDS = 900.0
LOOK_SECONDS = 3.0
LONGEST_UNPROVEN = timedelta(minutes=1)  # beside two enquiries: then nobody holds the link
LONGEST_ADDRESS = 20
ONLY_FAILURE = 2  # registered_delivery: a receipt where it did not arrive. Source: SMPP 3.4, 5.2.17
MOST_REMEMBERED = 10_000  # parts whose failure is still looked for


class Smpp(SmsChannel):
    """One account at an SMSC. `send` works in the process that holds its link, and nowhere else."""

    has_own_sender = True
    needs_public_url = False

    def __init__(self, name: str, options: Options, surroundings: Surroundings) -> None:
        self.name = name
        self.limits = ChannelLimits(per_second=options.number("per_second"), lease_seconds=90)
        self.window = int(options.number("window"))
        self.enquire_seconds = options.number("enquire_seconds")
        self._host, self._port = options.text("host"), int(options.number("port"))
        self._context = _tls_of(options)
        self._timeout = options.number("timeout_seconds")
        self._throttled_seconds = options.number("throttled_seconds")
        self._system_id, self._password = options.text("system_id"), options.secret("password")
        self._system_type = options.text("system_type")
        self._addresses = _addresses_of(options)
        self._alphabet = options.text("alphabet")
        self._receipts = int(options.is_on("receipts"))
        self._region = surroundings.region
        self._link: Link | None = None
        self._fault = ""
        self._rests_until = 0.0
        self._earlier: OrderedDict[str, OutboundSms] = OrderedDict()  # by the ids of parts before the last one

    def verify(self, request: HttpRequest, now: datetime) -> None:
        """Refuse everything: messages come over the link alone."""
        raise Refused("this channel takes nothing by HTTP")

    def read_sms(self, request: HttpRequest) -> tuple[InboundSms, ...]:
        """Read nothing, for no request is verified."""
        raise Malformed("this channel takes nothing by HTTP")

    def read_pdu(self, pdu: Pdu, place: str) -> InboundSms | Receipt:
        """Return what a deliver_sm says. `place` is its session, and its number there. Errors: Malformed."""
        return read(read_delivery(pdu), place, self._alphabet, self._region)

    def open(self) -> Link:
        """Return a link that is bound, over which this channel sends from now on. Errors: Retryable, in words."""
        self._link = None
        try:
            link = connect(self._host, self._port, self._context, self._timeout)
            answer = link.bind(
                {
                    "system_id": self._system_id,
                    "password": self._password.reveal(),
                    "system_type": self._system_type,
                    "addr_ton": 0,
                    "addr_npi": 0,
                    "address_range": "",
                }
            )
            if answer.status != OK:
                link.close("the bind was refused")
                words = BIND_REFUSED.get(answer.status, "the bind was refused")
                raise Retryable(f"the SMSC refuses us: {words}", f"{answer.status:#04x}")
        except Retryable as fault:
            self._fault = str(fault)
            raise
        self._link, self._fault = link, ""
        return link

    @property
    def rest_seconds(self) -> float | None:
        """How long nothing is to be sent: None while there is no link, 0 when something may go."""
        if self._link is None or not self._link.is_open:
            return None
        return max(0.0, self._rests_until - time.monotonic())

    def send(self, sms: OutboundSms) -> SentSms:
        """Submit every part of a message and wait for all answers; the id of the last part finds its receipt."""
        messages, link = self.write(sms), self._link
        if link is None:
            raise Retryable("there is no link to the SMSC; is `./kabar smpp` running?")
        answers = link.submit(messages)
        given = [answer for answer in answers if answer is not None]
        taken = [answer for answer in given if answer.command == SUBMIT_SM_RESP and answer.status == OK]
        if len(taken) == len(answers):
            self._remember([answer.message_id for answer in taken[:-1]], sms)
            return SentSms(provider_id=canonical_id(taken[-1].message_id)[:200], segments=len(taken))
        if taken or len(given) < len(answers):
            raise Unsure(
                f"the SMSC took {len(taken)} of {len(answers)} parts, and was silent or refused about the rest"
            )
        raise self._translate(given[0].status)

    def write(self, sms: OutboundSms) -> tuple[Fields, ...]:
        """Return what is submitted for a message, a part each. Errors: Permanent where it cannot be written."""
        try:
            parts = split(sms.text)
        except ValueError as error:
            raise Permanent(str(error)) from None
        ref = zlib.crc32(sms.ref.encode())
        common = {**self._addresses, "destination_addr": sms.to.removeprefix("+")[:LONGEST_ADDRESS]}
        made: list[Fields] = []
        for number, part in enumerate(parts, start=1):
            header = write_header(ref, len(parts), number) if len(parts) > 1 else b""
            made.append(
                {
                    **common,
                    "esm_class": 0x40 if header else 0,
                    "data_coding": 0 if part.is_gsm else 8,
                    "registered_delivery": self._receipts * (1 if number == len(parts) else ONLY_FAILURE),
                    "short_message": header + self._encode(part, len(header)),
                }
            )
        return tuple(made)

    def find_part(self, ids: Sequence[str], phones: Sequence[str]) -> str | None:
        """Return our ref of the message that has a part of this id before its last one, as long as it is remembered."""
        for form in ids:
            sms = self._earlier.get(form)
            if sms is not None and (form == ids[0] or sms.to in phones):
                return sms.ref
        return None

    def look(self, now: datetime) -> ChannelHealth | None:
        """Tell how the link is, in the process that holds it; elsewhere, whether the SMSC can be reached at all."""
        if self._link is not None or self._fault:
            return self.health(now)
        try:
            connect(self._host, self._port, self._context, LOOK_SECONDS).close("we only looked")
        except Retryable as fault:
            words = "SMSC tidak terhubung; periksa HOST, PORT, TLS dan VPN / the SMSC cannot be reached"
            return ChannelHealth(False, f"{words}: {fault}")
        words = (
            "SMSC bisa dihubungi; ./kabar smpp yang memegang sambungan / can be reached; ./kabar smpp holds the link"
        )
        return ChannelHealth(True, words)

    def health(self, now: datetime) -> ChannelHealth:
        """Tell how the open link is. For the process that holds it."""
        if self._link is None or not self._link.is_open:
            fault = self._fault or (self._link.fault if self._link else "")
            return ChannelHealth(False, f"SMSC tidak tersambung; dicoba lagi / not bound, tried again: {fault}")
        heard_at = now - timedelta(seconds=time.monotonic() - self._link.heard_at)
        return ChannelHealth(True, f"tersambung sebagai / bound as {self._system_id}", heard_at)

    def judge(self, proven_at: datetime | None, now: datetime) -> ChannelHealth:
        """Tell how the link is by when its process last had the SMSC's proof. For all other processes."""
        longest = LONGEST_UNPROVEN + 2 * timedelta(seconds=self.enquire_seconds)
        if proven_at is not None and now - proven_at < longest:
            return ChannelHealth(True, f"tersambung / bound: {proven_at:%Y-%m-%d %H:%M:%S} UTC", proven_at)
        since = f"{proven_at:%Y-%m-%d %H:%M} UTC" if proven_at else "-"
        words = f"tidak tersambung sejak {since}: jalankan ./kabar smpp, lihat not_bound di log-nya"
        return ChannelHealth(
            False, f"{words} / not bound since {since}: run ./kabar smpp, see not_bound in its log", proven_at
        )

    def _remember(self, message_ids: Sequence[str], sms: OutboundSms) -> None:
        self._earlier |= {canonical_id(message_id): sms for message_id in message_ids}
        while len(self._earlier) > MOST_REMEMBERED:
            self._earlier.popitem(last=False)

    def _encode(self, part: Part, header_octets: int) -> bytes:
        if not part.is_gsm or self._alphabet == GSM:
            return part.octets
        if self._alphabet == GSM_PACKED:
            return pack(part.octets, header_octets)
        try:
            return part.text.encode("latin-1")
        except UnicodeEncodeError as error:
            raise Permanent(f"{part.text[error.start]!r} cannot be written in latin1; see `alphabet`") from None

    def _translate(self, status: int) -> Retryable | Permanent:
        """Return our error for a command_status: nothing was sent."""
        code = f"{status:#04x}"
        if status in {THROTTLED, QUEUE_FULL}:
            self._rests_until = time.monotonic() + self._throttled_seconds
            return Retryable("the SMSC takes no more now", code, after_seconds=self._throttled_seconds)
        if status in ACCOUNT:
            return Retryable(f"the SMSC takes nothing: {ACCOUNT[status]}", code, after_seconds=MEND_SECONDS)
        return Permanent("the SMSC refuses it", code)


def proof_of(name: str) -> str:
    """Return the name of the tick that says until when a channel's acknowledgements are known to have arrived."""
    return f"smpp:{name}"


def make(name: str, options: Options, surroundings: Surroundings) -> SmsChannel:
    """Return an SMPP channel."""
    return Smpp(name, options, surroundings)


def _tls_of(options: Options) -> ssl.SSLContext | None:
    return ssl.create_default_context(cafile=options.text("tls_ca") or None) if options.is_on("tls") else None


def _addresses_of(options: Options) -> Fields:
    """Return the addresses' fields that are the same for every message."""
    source = options.text("source_address")
    is_name = re.fullmatch(r"\+?[0-9]+", source) is None
    ton, npi = options.text("source_ton"), options.text("source_npi")
    by_look = 5 if is_name else int(source.startswith("+"))
    return {
        "source_addr": source.removeprefix("+"),
        "source_addr_ton": by_look if ton == "auto" else int(ton),
        "source_addr_npi": int(not is_name) if npi == "auto" else int(npi),
        "dest_addr_ton": int(options.number("dest_ton")),
        "dest_addr_npi": int(options.number("dest_npi")),
    }
