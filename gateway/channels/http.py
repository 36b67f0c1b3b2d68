"""The only room that calls out over HTTP: explicit time-outs, no redirects, no proxies, and no second try by itself."""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from urllib.parse import urlencode

import certifi
from urllib3 import (
    BaseHTTPResponse,
    HTTPConnectionPool,
    HTTPResponse,
    HTTPSConnectionPool,
    PoolManager,
    Timeout,
)
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.util.connection import create_connection

from gateway.channels.bodies import FORM, JSON
from gateway.channels.reach import ADDRESS, PRIVATE, guard_address, may_reach, read_host
from gateway.errors import KabarError, Permanent, Retryable, Unsure

MOST_BYTES = 1 << 20  # of an answer; a provider that says more is not listened to
MOST_IDLE = 10  # connections to one host that are kept open
_NO_ADDRESS = "the address is not one that can be called"
_ANYTHING = {"Accept": "*/*", "Accept-Encoding": "identity"}
_SCHEME = re.compile("https?://", re.IGNORECASE)
_HEADER = re.compile(r"[^:\s]+: ([!-~\xa1-\xff][\t -~\xa0-\xff]*)?")  # Source: RFC 9110, 5.1 and 5.5


@dataclass(frozen=True, slots=True)
class Answer:
    """What a peer answered, whatever its status. Header names are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 are replaced."""
        return self.body.decode("utf-8", "replace")


def find_addresses(host: str) -> Sequence[str]:
    """Return the IP addresses that a host's name stands for now. Errors: OSError when it stands for none."""
    return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)))


class HttpClient:
    """Calls one peer over connections that are kept open.

    `guard` is for addresses that were typed on a page (`Settings.hosts_allowed`): then only https is spoken, only with
    what the whole Internet can reach, except for the hosts in it. A name is looked up once for a connection, and that
    connection is made with the very address that was checked.

    Errors: Retryable, no connection was made, so nothing was done (`name`, `connect`, `certificate`); Unsure, the
    request may have arrived and no answer came; Permanent, the address is not one, or not one that may be called
    (`reach.guard_address` names the codes). An answer of any status is returned, never raised.
    """

    def __init__(
        self,
        connect_seconds: float = 5.0,
        read_seconds: float = 15.0,
        guard: Collection[str] | None = None,
        resolve: Callable[[str], Sequence[str]] = find_addresses,
    ) -> None:
        self._timeout = Timeout(connect=connect_seconds, read=read_seconds)
        self._longest_seconds = 2 * read_seconds
        self._guard = guard
        self._pools = PoolManager(maxsize=MOST_IDLE, cert_reqs="CERT_REQUIRED", ca_certs=certifi.where())
        if guard is not None:
            self._pools.pool_classes_by_scheme = _pinned_pools(frozenset(guard), resolve, self._longest_seconds)

    def call(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        auth: tuple[str, str] | None = None,
    ) -> Answer:
        """Make one request and return its answer. `auth` is a name and a password for HTTP Basic."""
        if self._guard is not None and (wrong := guard_address(url, self._guard)):
            raise Permanent("the address is not one that may be called", code=wrong)
        written = _ANYTHING | dict(headers or {})
        if auth is not None:
            written["Authorization"] = f"Basic {b64encode(':'.join(auth).encode()).decode()}"  # UTF-8: RFC 7617, 2.1
        if not _SCHEME.match(url) or not all(map(_HEADER.fullmatch, map(": ".join, written.items()))):
            raise Permanent(_NO_ADDRESS, code=ADDRESS)
        try:
            response = self._pools.urlopen(
                method,
                url,
                headers=written,
                body=body,
                timeout=self._timeout,
                redirect=False,
                retries=False,
                preload_content=False,
            )
            with closing(response):
                found = {name.lower(): value for name, value in response.headers.itermerged()}
                return Answer(response.status, found, _read_body(response, self._longest_seconds))
        except HTTPError as fault:
            ours = _translate(fault)
        raise ours  # out here it does not carry theirs along, which holds the request with its secrets

    def post_json(self, url: str, value: object, headers: Mapping[str, str] | None = None) -> Answer:
        """Post a JSON document."""
        return self.call("POST", url, {"Content-Type": JSON} | dict(headers or {}), json.dumps(value).encode())

    def post_form(self, url: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Answer:
        """Post a form."""
        return self.call("POST", url, {"Content-Type": FORM} | dict(headers or {}), urlencode(fields).encode())

    def close(self) -> None:
        """Close the connections that are still open."""
        self._pools.clear()


def _read_body(response: BaseHTTPResponse, seconds: float) -> bytes:
    """Return the body as far as it came: the status has been told, and a broken body does not take it back."""
    read, until = b"", time.monotonic() + seconds
    try:
        while len(read) < MOST_BYTES and time.monotonic() < until:
            piece = response.read1(16_384, decode_content=True)  # what is there: a slow trickle ends at the limit
            if not piece:
                break
            read += piece
    except HTTPError:
        pass
    return read[:MOST_BYTES]


def _translate(fault: HTTPError) -> KabarError:
    """Return our error for theirs; what was certainly never sent may be tried again."""
    if isinstance(fault, LocationValueError):
        return Permanent(_NO_ADDRESS, code=ADDRESS)
    if isinstance(fault, NameResolutionError):
        return Retryable("the host's name is not known", code="name")
    if isinstance(fault, ConnectTimeoutError | NewConnectionError):
        return Retryable("no connection could be made", code="connect")
    if isinstance(fault, SSLError) and any(isinstance(one, ssl.SSLCertVerificationError) for one in fault.args):
        return Retryable("the peer's certificate was not accepted", code="certificate")  # found before anything is sent
    if isinstance(fault, ReadTimeoutError):
        return Unsure("no answer came in time")
    return Unsure("the connection broke before an answer came")


def _pinned_pools(
    allowed: frozenset[str], resolve: Callable[[str], Sequence[str]], seconds: float
) -> dict[str, type[HTTPConnectionPool]]:
    """Return pools that connect to the very address that was looked up and checked, and wait so long for an answer.

    The host's name stays in TLS and in `Host`.
    """

    def find(host: str) -> Sequence[str]:
        return _find_peers(host, read_host(host) in allowed, resolve)

    class Plain(_PinnedConnection, HTTPConnection):
        find_peers, longest_seconds = staticmethod(find), seconds

    class Secured(_PinnedConnection, HTTPSConnection):
        find_peers, longest_seconds = staticmethod(find), seconds

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecuredPool(HTTPSConnectionPool):
        ConnectionCls = Secured

    return {"http": PlainPool, "https": SecuredPool}


class _PinnedConnection(HTTPConnection):
    """How a connection is opened, and when it is given up; the rest, with TLS, is the library's own."""

    find_peers: Callable[[str], Sequence[str]]
    longest_seconds: float

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as in urllib3
        """Return the answer with the headers that are here by then: a time-out begins anew with each line of them."""
        cut = threading.Timer(self.longest_seconds, _cut, (self.sock,))
        cut.start()
        try:
            return super().getresponse()
        finally:
            cut.cancel()

    def _new_conn(self) -> socket.socket:
        try:
            peers = self.find_peers(self.host)
        except OSError as fault:
            raise NameResolutionError(self.host, self, socket.gaierror(str(fault))) from None
        last: OSError = OSError("no address")
        for peer in peers:
            try:
                return create_connection((peer, self.port), self.timeout, socket_options=self.socket_options)
            except OSError as fault:
                last = fault
        if isinstance(last, TimeoutError):
            raise ConnectTimeoutError(self, "no connection in time")
        raise NewConnectionError(self, str(last))


def _cut(line: socket.socket) -> None:
    """End a connection under whoever waits for it; with TLS, below it."""
    with suppress(OSError):
        socket.socket.shutdown(line, socket.SHUT_RDWR)


def _find_peers(host: str, is_allowed: bool, resolve: Callable[[str], Sequence[str]]) -> Sequence[str]:
    """Return a host's addresses. Errors: Permanent when one of them may not be reached: then none is."""
    found = resolve(host.strip("[]"))
    if not found:
        raise OSError("the name stands for no address")
    if not all(may_reach(address, is_allowed=is_allowed) for address in found):
        raise Permanent("the address leads into a private network", code=PRIVATE)
    return found
