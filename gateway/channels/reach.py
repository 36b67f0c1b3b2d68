"""Which addresses may be called that somebody typed on a page: none that lead into the office's own network. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

ADDRESS, SCHEME, LOGIN, NUMBER, PRIVATE = "address", "scheme", "login", "number", "private"

_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*", re.ASCII)
_NUMBERED = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.ASCII)  # how C libraries read 2130706433, 0x7f.1 and 0177.0.0.1
_SIX_TO_FOUR = ipaddress.ip_network("2002::/16")
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
_TEREDO = ipaddress.ip_network("2001::/32")


def guard_address(url: str, allowed: Collection[str]) -> str | None:
    """Return what is wrong with an address by itself, before any name is looked up; None when it may be tried.

    Shape: `allowed` are the hosts in small letters that the operator named: they may be private, and called without
    TLS. A fault is `address` (none, or with marks that no address has), `scheme` (not https), `login` (a password in
    it), `number` (a host written as no IP address is) or `private`.

    >>> guard_address("https://dhis2.example.go.id/sub", ()), guard_address("http://dhis2.example.go.id", ())
    (None, 'scheme')
    >>> guard_address("https://10.1.2.3/", ()), guard_address("http://10.1.2.3:8080/", {"10.1.2.3"})
    ('private', None)
    """
    if not url.isascii() or not url.isprintable() or any(mark in url for mark in " \\"):
        return ADDRESS
    try:
        parts = urlsplit(url)
        host, _port = read_host(parts.hostname or ""), parts.port
    except ValueError:
        return ADDRESS
    if parts.scheme not in {"http", "https"} or not host:
        return ADDRESS
    if "@" in parts.netloc:
        return LOGIN
    if parts.scheme != "https" and host not in allowed:
        return SCHEME
    if ":" in host or _NUMBERED.fullmatch(host.rpartition(".")[2]):
        return _guard_number(host, host in allowed)
    return None if _HOST.fullmatch(host) else ADDRESS


def _guard_number(host: str, is_allowed: bool) -> str | None:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return NUMBER
    return None if may_reach(host, is_allowed=is_allowed) else PRIVATE


def read_host(host: str) -> str:
    """Return a host as it is compared: in small letters, without the last dot."""
    return host.lower().removesuffix(".")


def may_reach(address: str, *, is_allowed: bool) -> bool:
    """Tell whether an IP address that a name stands for may be connected to.

    Only what the whole Internet can reach; with `is_allowed` also loopback and private ranges. Link-local addresses
    (where clouds keep their machines' credentials), multicast and unspecified ones are never reached.

    >>> may_reach("8.8.8.8", is_allowed=False), may_reach("::ffff:127.0.0.1", is_allowed=False)
    (True, False)
    >>> may_reach("192.168.1.5", is_allowed=True), may_reach("169.254.169.254", is_allowed=True)
    (True, False)
    """
    found = _unwrap(ipaddress.ip_address(address.partition("%")[0]))
    if found.is_link_local or found.is_multicast or found.is_unspecified:
        return False
    if isinstance(found, ipaddress.IPv6Address) and (found in _TEREDO or found.is_site_local):
        return False
    return is_allowed or (found.is_global and not found.is_reserved)


def _unwrap(
    found: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return the IPv4 address that an IPv6 address only wraps (mapped, compatible, 6to4, NAT64), else itself."""
    if isinstance(found, ipaddress.IPv4Address):
        return found
    if found.ipv4_mapped:
        return found.ipv4_mapped
    if found in _SIX_TO_FOUR and found.sixtofour:
        return found.sixtofour
    if found in _TRANSLATED or (int(found) >> 32 == 0 and int(found) > 1):
        return ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
    return found
