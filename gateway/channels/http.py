"""The only room that calls out over HTTP: explicit time-outs, no redirects, no proxies, and no second try by itself."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urlencode

import requests
from urllib3.exceptions import HTTPError, LocationParseError, NewConnectionError

from gateway.channels.bodies import FORM, JSON
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


class HttpClient:
    """Calls one peer over connections that are kept open.

    Errors: Retryable, no connection was made, so nothing was done; Unsure, the request may have arrived and no answer
    came; Permanent, the address is not one. An answer of any status is returned, never raised.
    """

    def __init__(self, connect_seconds: float = 5.0, read_seconds: float = 15.0) -> None:
        self._timeout = (connect_seconds, read_seconds)
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def call(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        auth: tuple[str, str] | None = None,
    ) -> Answer:
        """Make one request and return its answer. `auth` is a name and a password for HTTP Basic."""
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
                return Answer(response.status_code, found, _read_body(response))
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


def _read_body(response: requests.Response) -> bytes:
    """Return the body as far as it came: the status has been told, and a broken body does not take it back."""
    read = b""
    try:
        for piece in response.iter_content(16_384):
            read += piece
            if len(read) > MOST_BYTES:
                break
    except (requests.RequestException, HTTPError):
        pass
    return read[:MOST_BYTES]


def _translate(fault: Exception) -> KabarError:
    """Return our error for theirs; what was certainly never sent may be tried again."""
    if isinstance(fault, _NEVER_SENT):
        return Permanent("the address is not one that can be called", code="address")
    reason = getattr(fault.args[0] if fault.args else None, "reason", None)
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
