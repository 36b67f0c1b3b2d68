"""Who may see the pages while there is no login: this computer only, unless the operator shows a demonstration."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Request

from gateway.channels.simulator import is_loopback
from gateway.settings import Settings

# A proxy on this computer makes every visitor look like this computer; it tells of them in one of these.
_PROXIED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")


def may_see(request: Request, settings: Settings) -> bool:
    """Tell whether this visitor may see the pages.

    An address with a name other than this computer's own is refused too: a foreign page may have its name point here,
    and would then read what it likes (DNS rebinding).
    """
    if settings.demo:
        return True
    if any(name in request.headers for name in _PROXIED):
        return False
    host = urlsplit(f"//{request.host}").hostname or ""
    return is_loopback(request.remote_addr or "") and (host == "localhost" or is_loopback(host))


def is_from_our_page(request: Request, public_url: str) -> bool:
    """Tell whether a form was sent from one of our own pages, and not by a foreign one (CSRF).

    Every browser of today says so in Sec-Fetch-Site, older ones in Origin; what says neither is no browser and carries
    nobody's rights. Source: Go's net/http.CrossOriginProtection. With login comes a token besides.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site:
        return site in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    ours = {request.host, urlsplit(public_url).netloc}
    return urlsplit(origin).netloc in ours - {""}
