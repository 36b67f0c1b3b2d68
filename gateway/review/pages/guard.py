"""What is known of a request before anybody has signed in: where it comes from, and by which name it calls us."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from flask import Request

from gateway.channels.simulator import is_loopback
from gateway.settings import Settings

# A proxy on this computer makes every visitor look like this computer; it tells of them in one of these.
_PROXIED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")


def may_see(request: Request, settings: Settings) -> bool:
    """Tell whether this visitor may see what needs no login: who sits at this computer, or all in a demonstration.

    An address with a name other than this computer's own is refused too: a foreign page may have its name point here,
    and would then read what it likes (DNS rebinding).
    """
    if settings.demo:
        return True
    if any(name in request.headers for name in _PROXIED):
        return False
    return is_loopback(request.remote_addr or "") and _is_this_computer(_host_of(request))


def is_our_host(request: Request, settings: Settings) -> bool:
    """Tell whether a browser calls us by a name of ours: this computer's, the public address's, or a bare IP address.

    Any other name may be somebody else's that points here. Without a public address an IP address will do, as in an
    office without a name server; a demonstration answers to every name.
    """
    host = _host_of(request)
    public = urlsplit(settings.public_url).hostname
    if settings.demo or _is_this_computer(host) or (public and host == public):
        return True
    return not public and _is_address(host)


def _host_of(request: Request) -> str:
    try:
        return urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        return ""


def _is_this_computer(host: str) -> bool:
    return host == "localhost" or is_loopback(host)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_from_our_page(request: Request, public_url: str) -> bool:
    """Tell whether a form was sent from one of our own pages, and not by a foreign one (CSRF).

    Every browser of today says so in Sec-Fetch-Site, older ones in Origin; what says neither is no browser and carries
    nobody's rights. Source: Go's net/http.CrossOriginProtection. Who is signed in brings a token besides.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site:
        return site in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    ours = {request.host, urlsplit(public_url).netloc}
    return origin.partition("://")[2] in ours - {""}
