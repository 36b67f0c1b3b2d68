"""One link to an SMSC: a socket, who waits for which answer, and whether the other end still lives."""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from gateway.channels.smpp_pdu import (
    ENQUIRE_LINK,
    LAST_SEQUENCE,
    OK,
    UNBIND,
    Fields,
    Frames,
    Pdu,
    answer_to,
    write,
)
from gateway.errors import Malformed, Retryable

CONNECT_SECONDS = 10.0
WRITE_SECONDS = 10.0  # a peer that reads nothing for so long is gone
PIECE = 65_536


@dataclass(slots=True)
class _Wait:
    """Somebody who waits for an answer: none came when the link was lost, or the time was over."""

    done: threading.Event = field(default_factory=threading.Event)
    answer: Pdu | None = None


def connect(host: str, port: int, context: ssl.SSLContext | None, timeout_seconds: float) -> Link:
    """Return a link that is open and not yet bound. Errors: Retryable, in words."""
    try:
        opened = socket.create_connection((host, port), timeout=min(CONNECT_SECONDS, timeout_seconds))
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            opened = context.wrap_socket(opened, server_hostname=host)
    except (OSError, ValueError) as error:
        raise Retryable(f"no connection to {host}:{port}: {error}") from None
    return Link(opened, timeout_seconds)


class Link:
    """A connection over which several may submit while one reads.

    One thread calls `read` again and again; it alone sees what comes, and hands each answer to whoever waits for it.
    PDUs are cut out of a buffer, so that a peer that stops in the middle of one disturbs nothing.
    """

    def __init__(self, opened: socket.socket, timeout_seconds: float) -> None:
        opened.setblocking(False)
        self._socket = opened
        self._timeout = timeout_seconds
        self._frames = Frames()
        self._wire = threading.RLock()  # a TLS connection must not be read and written at once
        self._book = threading.Lock()
        self._waits: dict[int, _Wait] = {}
        self._sequence = 0
        self._requests: list[Pdu] = []
        self._enquiry: tuple[int, float] | None = None
        self.fault = ""  # why it is closed; empty while it is open
        self.heard_at = time.monotonic()

    @property
    def is_open(self) -> bool:
        """Tell whether anything can be sent."""
        return not self.fault

    @property
    def is_enquiring(self) -> bool:
        """Tell whether an enquire_link of ours is not answered yet."""
        return self._enquiry is not None

    def bind(self, fields: Fields) -> Pdu:
        """Bind as a transceiver and return the answer, whatever it says. Errors: Retryable when none comes."""
        sequence, wait = self._expect()
        self._send(write("bind_transceiver", sequence, fields))
        deadline = time.monotonic() + self._timeout
        while wait.answer is None:
            left = deadline - time.monotonic()
            if left <= 0:
                self.lose("no answer to the bind")
            self._requests += self._read(left)
        return wait.answer

    def read(self, seconds: float) -> list[Pdu]:
        """Return the requests that come within a while, at once when some are there. Errors: Retryable, it is lost."""
        found, self._requests = self._requests, []
        found += self._read(0 if found else seconds)
        if self._enquiry and time.monotonic() - self._enquiry[1] > self._timeout:
            self.lose("no answer to an enquire_link")
        return found

    def submit(self, messages: Sequence[Fields]) -> list[Pdu | None]:
        """Send some submit_sm and return the answer to each, None where none came.

        Errors: Retryable when the link was lost before anything was sent.
        """
        waits = [self._expect() for _ in messages]
        try:
            for (sequence, _), fields in zip(waits, messages, strict=True):
                self._send(write("submit_sm", sequence, fields))
        except Retryable:
            pass  # some of it may have gone: whoever waits for an answer learns that none came
        deadline = time.monotonic() + self._timeout
        for sequence, wait in waits:
            wait.done.wait(max(0.0, deadline - time.monotonic()))
            with self._book:
                self._waits.pop(sequence, None)
        return [wait.answer for _, wait in waits]

    def answer(self, request: Pdu, status: int = OK) -> None:
        """Answer a request of the SMSC's. Errors: Retryable, the link is lost."""
        self._send(answer_to(request, status))

    def enquire(self) -> None:
        """Ask whether the other end still lives; `is_enquiring` until it has said so."""
        with self._book:
            self._sequence = self._sequence % LAST_SEQUENCE + 1
            self._enquiry = self._sequence, time.monotonic()
        self._send(write("enquire_link", self._enquiry[0]))

    def unbind(self) -> None:
        """Take leave, and close."""
        try:
            sequence, wait = self._expect()
            self._send(write("unbind", sequence))
            deadline = time.monotonic() + 1.0
            while wait.answer is None and time.monotonic() < deadline:
                self._read(0.1)
        except Retryable:
            pass
        self.close("we took leave")

    def close(self, fault: str) -> None:
        """Close it, and tell everybody who waits that no answer comes."""
        with self._book:
            self.fault = self.fault or fault
            waits, self._waits = self._waits, {}
        self._socket.close()
        for wait in waits.values():
            wait.done.set()

    def lose(self, fault: str) -> NoReturn:
        """Close it because of a fault. Errors: Retryable, always."""
        self.close(fault)
        raise Retryable(f"the link is lost: {self.fault}")

    def _expect(self) -> tuple[int, _Wait]:
        with self._book:
            if self.fault:
                raise Retryable(f"the link is lost: {self.fault}")
            self._sequence = self._sequence % LAST_SEQUENCE + 1
            wait = self._waits[self._sequence] = _Wait()
            return self._sequence, wait

    def _read(self, seconds: float) -> list[Pdu]:
        try:
            with self._wire:
                pending = isinstance(self._socket, ssl.SSLSocket) and self._socket.pending()
            if not pending and not self._is_ready(select.POLLIN, seconds):
                return []
            with self._wire:
                octets = self._socket.recv(PIECE)
            if not octets:
                self.lose("the SMSC closed it")
            self.heard_at = time.monotonic()
            return [pdu for pdu in self._frames.feed(octets) if not self._settle(pdu)]
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return []
        except (OSError, ValueError, Malformed) as error:  # ValueError: closed meanwhile by who could not write
            self.lose(str(error))

    def _settle(self, pdu: Pdu) -> bool:
        """Take what is no message: answers, and questions about the link itself."""
        if pdu.is_response:
            with self._book:
                if self._enquiry and self._enquiry[0] == pdu.sequence:
                    self._enquiry = None
                wait = self._waits.get(pdu.sequence)
            if wait is not None:
                wait.answer = pdu
                wait.done.set()
            return True
        if pdu.command == ENQUIRE_LINK:
            self.answer(pdu)
        elif pdu.command == UNBIND:
            self.answer(pdu)
            self.lose("the SMSC took leave (unbind)")
        return pdu.command == ENQUIRE_LINK

    def _send(self, octets: bytes) -> None:
        deadline = time.monotonic() + WRITE_SECONDS
        try:
            with self._wire:
                while octets:
                    try:
                        octets = octets[self._socket.send(octets) :]
                    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                        if not self._is_ready(select.POLLOUT, deadline - time.monotonic()):
                            self.lose("the SMSC reads nothing")
        except (OSError, ValueError) as error:
            self.lose(str(error))

    def _is_ready(self, what: int, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._socket, what)
        return bool(poll.poll(max(0.0, seconds) * 1000))
