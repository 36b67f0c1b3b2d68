"""A real HTTP server on loopback in the place of a provider: it writes down what it is asked, and answers as told."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived. Header names are in small letters."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    port: int = 0  # of the other end: the same one means the same connection

    @property
    def form(self) -> dict[str, str]:
        """The body as a form."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self) -> object:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def of_json(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
        """Return an answer in JSON."""
        return Reply(status, json.dumps(value).encode(), {"Content-Type": "application/json"} | dict(headers or {}))


class Fault(Enum):
    """How an answer can fail to arrive."""

    LOST = "lost"  # the connection breaks before the answer
    SILENT = "silent"  # nothing comes, until the stand-in stops


class StandIn(ABC):
    """A provider on 127.0.0.1, in threads of this process. Use it as a context; `url` is where it is.

    It takes a free port unless it is told one.
    """

    def __init__(self, port: int = 0) -> None:
        self.seen: list[Seen] = []
        self.lock = threading.Lock()
        self._scheme = "http"
        self._stopping = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler_for(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        """The address of the stand-in, without a slash at its end."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    def speak_tls(self, context: ssl.SSLContext) -> None:
        """Answer over TLS only, from now on."""
        self._scheme = "https"
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)

    @abstractmethod
    def answer(self, seen: Seen) -> Reply | Fault:
        """Return what a request is answered with. Called in the thread of its connection, under `lock`."""

    def hold(self, seen: Seen) -> None:  # noqa: B027 - most stand-ins answer at once
        """Wait before answering; the lock is not held meanwhile."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def take(self, seen: Seen) -> Reply | Fault:
        """Write a request down and return its answer."""
        with self.lock:
            self.seen.append(seen)
        self.hold(seen)
        with self.lock:
            reply = self.answer(seen)
        if reply is Fault.SILENT:
            self._stopping.wait()
            return Fault.LOST
        return reply


class Script(StandIn):
    """A provider that gives the recorded answers one after the other, and 500 when there is none left."""

    def __init__(self, replies: Sequence[Reply | Fault]) -> None:
        super().__init__()
        self.left = list(replies)

    def answer(self, seen: Seen) -> Reply | Fault:
        """Return the next recorded answer."""
        return self.left.pop(0) if self.left else Reply(500, b"this request was not expected")


@contextmanager
def closed_address() -> Iterator[str]:
    """Give an address on loopback where nobody listens, kept from others meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def _handler_for(standin: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = standin.take(Seen(self.command, self.path, headers, body, self.client_address[1]))
            if isinstance(reply, Fault):
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if "Content-Length" not in reply.headers:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST = do_PUT = do_DELETE = _take  # noqa: N815 - the library's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Say nothing: the requests are in `seen`."""

    return Handler
