"""An operator that carries USSD over SMPP, as far as one phone needs it. Source: SMPP 3.4, sections 4 and 5."""

from __future__ import annotations

import queue
import socket
import struct
import threading
from typing import NamedTuple, Self

BIND, UNBIND, LINK, SUBMIT, DELIVER = 0x09, 0x06, 0x15, 0x04, 0x05
ANSWER = 0x80000000
OP, SESSION = 0x0501, 0x1383  # ussd_service_op, its_session_info
SECONDS = 20  # in which a screen must come


class Shown(NamedTuple):
    """A screen as it came: our word for it, the session's number, and the text."""

    op: int
    session: bytes
    text: str


class Operator:
    """Takes one bind, and then speaks for a phone."""

    def __init__(self, phone: str, code: str) -> None:
        self._phone, self._code = phone.encode(), code.encode()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._bound = threading.Event()
        self._screens: queue.Queue[Shown] = queue.Queue()
        self._line: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_fault: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        if self._line is not None:
            self._line.close()
        self._thread.join()
        self._listener.close()

    def ask(self, op: int, session: bytes, text: str) -> Shown:
        """Hand in what was dialled or typed, and return the screen that comes for it."""
        assert self._bound.wait(SECONDS), "nobody has bound"
        assert self._line is not None
        head = b"USSD\0\1\1" + self._phone + b"\0\1\1" + self._code + b"\0" + bytes(3) + b"\0\0" + bytes(4)
        tlvs = struct.pack(">HHB", OP, 1, op) + struct.pack(">HH", SESSION, 2) + session
        self._line.sendall(_pack(DELIVER, 1, head + bytes([len(text)]) + text.encode() + tlvs))
        return self._screens.get(timeout=SECONDS)

    def _serve(self) -> None:
        try:
            self._line, _ = self._listener.accept()
            with self._line.makefile("rb") as stream:
                while header := stream.read(16):
                    length, command, _status, sequence = struct.unpack(">IIII", header)
                    body = stream.read(length - 16)
                    if command < ANSWER:
                        own = b"1\0" if command in {BIND, SUBMIT} else b""
                        self._line.sendall(_pack(command | ANSWER, sequence, own))
                    if command == BIND:
                        self._bound.set()
                    if command == SUBMIT:
                        self._screens.put(_read_submit(body))
        except (OSError, ValueError):  # the line was cut, or nobody came
            return


def _pack(command: int, sequence: int, body: bytes) -> bytes:
    return struct.pack(">IIII", 16 + len(body), command, 0, sequence) + body


def _read_submit(body: bytes) -> Shown:
    _service, rest = body.split(b"\0", 1)
    _source, rest = rest[2:].split(b"\0", 1)
    _destination, rest = rest[2:].split(b"\0", 1)
    _scheduled, rest = rest[3:].split(b"\0", 1)
    _valid, rest = rest.split(b"\0", 1)
    length = rest[4]
    text, rest = rest[5 : 5 + length], rest[5 + length :]
    tlvs: dict[int, bytes] = {}
    while rest:
        tag, size = struct.unpack(">HH", rest[:4])
        tlvs[tag], rest = rest[4 : 4 + size], rest[4 + size :]
    return Shown(tlvs[OP][0], tlvs[SESSION], text.decode("ascii"))
