"""An SMSC of our own, as operators' are: it delivers until it is answered, takes messages, and sends receipts back."""

from __future__ import annotations

import itertools
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from smpplib import smpp

PASSWORD = "smppkey1"
OK, QUEUE_FULL, WRONG_PASSWORD, THROTTLED, BAD_NUMBER = 0, 0x14, 0x0E, 0x58, 0x0B
ONLY_FAILURE = 2
AGAIN_SECONDS = 0.05  # before a message that was refused for now is delivered again
STATES = {"ENROUTE": 1, "DELIVRD": 2, "EXPIRED": 3, "UNDELIV": 5, "REJECTD": 8}
_never = threading.Event()


@dataclass
class Delivered:
    """A message for us: delivered over whatever link there is until it is answered with success."""

    fields: dict[str, Any]
    statuses: list[int] = field(default_factory=list)
    tries: int = 0
    done: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Submitted:
    """A message of ours."""

    to: str
    octets: bytes
    esm_class: int
    data_coding: int
    registered_delivery: int
    fields: dict[str, Any]

    @property
    def text(self) -> str:
        """What it says, without its header."""
        body = self.octets[1 + self.octets[0] :] if self.esm_class & 0x40 else self.octets
        return body.decode("utf-16-be" if self.data_coding == 8 else "latin-1")


class Smsc:
    """Listens on a free port. `script` says how the next messages are taken; without it each is, with a receipt.

    `accept`; `fail`: with a receipt that it did not arrive; `silent`: no answer; `drop`: the line is cut instead of an
    answer; `last`: cut right after the answer; `early`: the receipt comes before the answer; a number: that
    command_status.
    """

    def __init__(self, receipt: str = "DELIVRD", tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.receipt = receipt
        self.repeats_receipts = False
        self.is_deaf = False  # to enquire_link
        self.drops_answers = False  # cuts the line when a deliver_sm is answered, as if the answer had been lost
        self.piece = 0  # octets that are sent at once; 0 for all
        self.script: deque[str | int] = deque()
        self.submitted: list[Submitted] = []
        self.binds = 0
        self.messages: list[Delivered] = []
        self._ids = itertools.count(0xB001)
        self._session: _Session | None = None
        self._book = threading.RLock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_fault: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()
        self._thread.join()

    @property
    def options(self) -> dict[str, str]:
        """What a channel is told to find it, quick to see that something is wrong."""
        return {
            "host": "127.0.0.1",
            "port": str(self.port),
            "system_id": "kabar",
            "password": PASSWORD,
            "source_address": "2345",
            "per_second": "1000",
            "enquire_seconds": "0.2",
            "timeout_seconds": "5",
            "throttled_seconds": "0.1",
        }

    def deliver(self, source: str, text: str | bytes, **fields: Any) -> Delivered:
        """Deliver a message, now or when somebody binds."""
        octets = text.encode("latin-1") if isinstance(text, str) else text
        given = {"source_addr": source, "source_addr_ton": 1, "source_addr_npi": 1, "destination_addr": "2345"}
        message = Delivered(given | {"short_message": octets} | fields)
        with self._book:
            self.messages.append(message)
        self.push(message)
        return message

    def push(self, message: Delivered) -> None:
        """Send a message that is not answered over the link, if there is one."""
        session = self._session
        if session is not None and not message.done.is_set():
            message.tries += 1
            session.request("deliver_sm", message.fields, message)

    def drop(self) -> None:
        """Cut the line."""
        if self._session is not None:
            self._session.close()

    def take(self, session: _Session, pdu: Any) -> None:
        """Take a submit_sm as the script says."""
        octets, to = pdu.short_message or b"", pdu.destination_addr.decode()
        sent = Submitted(to, octets, pdu.esm_class, pdu.data_coding, pdu.registered_delivery, vars(pdu))
        with self._book:
            how = self.script.popleft() if self.script else "accept"
            number = next(self._ids)
            self.submitted.append(sent)
        if isinstance(how, int):
            session.answer(pdu, "submit_sm_resp", how)
        elif how in {"silent", "drop"}:
            if how == "drop":
                session.close()
        else:
            if how == "early":
                self._receipt(sent, pdu, number, self.receipt)
            session.answer(pdu, "submit_sm_resp", OK, message_id=f"{number:08X}")
            if how == "last":
                session.close()
            if how != "early":
                self._receipt(sent, pdu, number, "UNDELIV" if how == "fail" else self.receipt)

    def welcome(self, session: _Session) -> None:
        """Take a session that has bound, and deliver again what nobody has answered."""
        with self._book:
            self.binds += 1
            self._session = session
            waiting = [one for one in self.messages if not one.done.is_set()]
        for message in waiting:
            self.push(message)

    def leave(self, session: _Session) -> None:
        """Forget a session that has ended."""
        with self._book:
            if self._session is session:
                self._session = None

    def _receipt(self, sent: Submitted, pdu: Any, number: int, word: str) -> None:
        """Send a receipt, its id in decimal where the answer's was hexadecimal."""
        asks = sent.registered_delivery & 3
        if not asks or (asks == ONLY_FAILURE and word == "DELIVRD"):
            return
        words = (
            f"id:{number} sub:001 dlvrd:001 submit date:2511211200 done date:2511211200 stat:{word} err:000"
            " text:id:1 stat:UNDELIV"
        )
        tlv = {"message_state": STATES[word]}
        for _ in range(1 + self.repeats_receipts):
            self.deliver(sent.to, words, destination_addr=pdu.source_addr.decode(), esm_class=4, **tlv)

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            if self._tls is not None:
                try:
                    line = self._tls.wrap_socket(line, server_side=True)
                except OSError:
                    continue  # who does not trust us is gone
            _Session(self, line).start()


class _Uncounted:
    """What smpplib takes for its client, which counts."""

    sequence = 0

    def next_sequence(self) -> int:
        """Return no number: it is set afterwards."""
        return 0


_UNCOUNTED = _Uncounted()


class _Session(threading.Thread):
    """One link."""

    def __init__(self, smsc: Smsc, line: socket.socket) -> None:
        super().__init__(daemon=True)
        self._smsc = smsc
        self._line = line
        self._wire = threading.Lock()
        self._numbers = itertools.count(1)
        self._open: dict[int, Delivered] = {}
        self._handlers: dict[str, Callable[[Any], None]] = {
            "submit_sm": lambda pdu: smsc.take(self, pdu),
            "deliver_sm_resp": self._settle,
            "enquire_link": self._enquired,
            "unbind": lambda pdu: self.answer(pdu, "unbind_resp", OK),
        }

    def run(self) -> None:
        """Read PDUs until the line ends."""
        with suppress(OSError, EOFError):
            while True:
                length = self._receive(4)
                raw = length + self._receive(struct.unpack(">L", length)[0] - 4)
                pdu = smpp.parse_pdu(raw, client=_UNCOUNTED, allow_unknown_opt_params=True)
                if pdu.command == "bind_transceiver":
                    self._bind(pdu)
                else:
                    self._handlers.get(pdu.command, lambda _: None)(pdu)
        self._smsc.leave(self)
        self.close()

    def request(self, name: str, fields: dict[str, Any], message: Delivered) -> None:
        """Send a request that is about a message."""
        number = next(self._numbers)
        self._open[number] = message
        made = smpp.make_pdu(name, client=_UNCOUNTED, **fields)
        made.sequence = number
        self._send(made.generate())

    def answer(self, pdu: Any, name: str, status: int, **fields: Any) -> None:
        """Answer a request."""
        made = smpp.make_pdu(name, client=_UNCOUNTED, **fields)
        made.sequence, made.status = pdu.sequence, status
        self._send(made.generate())

    def close(self) -> None:
        """Cut the line."""
        with suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        self._line.close()

    def _bind(self, pdu: Any) -> None:
        is_known = pdu.password.decode() == PASSWORD
        self.answer(pdu, "bind_transceiver_resp", OK if is_known else WRONG_PASSWORD, system_id="smsc")
        if is_known:
            self._smsc.welcome(self)

    def _enquired(self, pdu: Any) -> None:
        if not self._smsc.is_deaf:
            self.answer(pdu, "enquire_link_resp", OK)

    def _settle(self, pdu: Any) -> None:
        if self._smsc.drops_answers:
            self.close()
            return
        message = self._open.pop(pdu.sequence)
        message.statuses.append(pdu.status)
        if pdu.status == OK:
            message.done.set()
        else:
            again = threading.Timer(AGAIN_SECONDS, self._smsc.push, (message,))
            again.daemon = True
            again.start()

    def _send(self, octets: bytes) -> None:
        piece = self._smsc.piece or len(octets)
        with self._wire, suppress(OSError):
            for at in range(0, len(octets), piece):
                self._line.sendall(octets[at : at + piece])
                if self._smsc.piece:
                    _never.wait(0.002)

    def _receive(self, count: int) -> bytes:
        octets = b""
        while len(octets) < count:
            piece = self._line.recv(count - len(octets))
            if not piece:
                raise EOFError
            octets += piece
        return octets
