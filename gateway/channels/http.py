"""The only room that calls out over HTTP: explicit time-outs, no redirects, no proxies, and no second try by itself."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urlencode

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationParseError,
    NameResolutionError,
    NewConnectionError,
)
from urllib3.util.connection import create_connection

from gateway.channels.bodies import FORM, JSON
from gateway.channels.reach import PRIVATE, guard_address, may_reach, read_host
from gateway.errors import KabarError, Permanent, Retryable, Unsure

MOST_BYTES = 1 << 20  # of an answer; a provider that says more is not listened to
_NEVER_SENT = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidHeader,
    LocationParseError,
)


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
        self._timeout = (connect_seconds, read_seconds)
        self._guard = guard
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        if guard is not None:
            for scheme in ("https://", "http://"):
                self._session.mount(scheme, _Pinned(frozenset(guard), resolve))

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
        try:
            with self._session.request(
                method,
                url,
                headers={"Accept-Encoding": "identity"} | dict(headers or {}),
                data=body,
                auth=auth,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                found = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status_code, found, _read_body(response, 2 * self._timeout[1]))
        except (requests.RequestException, HTTPError) as fault:
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
        self._session.close()


def _read_body(response: requests.Response, seconds: float) -> bytes:
    """Return the body as far as it came: the status has been told, and a broken body does not take it back."""
    read, until = b"", time.monotonic() + seconds
    try:
        while len(read) < MOST_BYTES and time.monotonic() < until:
            piece = response.raw.read1(16_384, decode_content=True)  # what is there: a slow trickle ends at the limit
            if not piece:
                break
            read += piece
    except (requests.RequestException, HTTPError):
        pass
    return read[:MOST_BYTES]


def _translate(fault: Exception) -> KabarError:
    """Return our error for theirs; what was certainly never sent may be tried again."""
    if isinstance(fault, _NEVER_SENT):
        return Permanent("the address is not one that can be called", code="address")
    reason = getattr(fault.args[0] if fault.args else None, "reason", None)
    if isinstance(reason, NameResolutionError):
        return Retryable("the host's name is not known", code="name")
    if isinstance(fault, requests.exceptions.ConnectTimeout) or isinstance(reason, NewConnectionError):
        return Retryable("no connection could be made", code="connect")
    if isinstance(fault, requests.exceptions.SSLError) and _is_certificate_fault(reason):
        return Retryable("the peer's certificate was not accepted", code="certificate")
    if isinstance(fault, requests.exceptions.ReadTimeout):
        return Unsure("no answer came in time")
    return Unsure("the connection broke before an answer came")


def _is_certificate_fault(reason: object) -> bool:
    """Tell whether a certificate was at fault, which is found out before anything is sent."""
    inner = reason.args[0] if isinstance(reason, Exception) and reason.args else None
    return isinstance(inner, ssl.SSLCertVerificationError)


class _Pinned(HTTPAdapter):
    """Connects to the very address that was looked up and checked; the host's name stays in TLS and in `Host`."""

    def __init__(self, allowed: frozenset[str], resolve: Callable[[str], Sequence[str]]) -> None:
        self._find = lambda host: _find_peers(host, read_host(host) in allowed, resolve)
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: object, **kwargs: object) -> None:
        super().init_poolmanager(*args, **kwargs)  # type: ignore[arg-type]
        find = self._find

        class Plain(_PinnedConnection, HTTPConnection):
            find_peers = staticmethod(find)

        class Secured(_PinnedConnection, HTTPSConnection):
            find_peers = staticmethod(find)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecuredPool(HTTPSConnectionPool):
            ConnectionCls = Secured

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecuredPool}


class _PinnedConnection(HTTPConnection):
    """How a connection is opened; the rest, with TLS, is the library's own."""

    find_peers: Callable[[str], Sequence[str]]

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


def _find_peers(host: str, is_allowed: bool, resolve: Callable[[str], Sequence[str]]) -> Sequence[str]:
    """Return a host's addresses. Errors: Permanent when one of them may not be reached: then none is."""
    found = resolve(host.strip("[]"))
    if not found:
        raise OSError("the name stands for no address")
    if not all(may_reach(address, is_allowed=is_allowed) for address in found):
        raise Permanent("the address leads into a private network", code=PRIVATE)
    return found
