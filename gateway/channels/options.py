"""What an operator set for one channel, read as what it is, and the checks that say what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

from gateway.redact import Secret
from gateway.values import Setting

SHORTEST_SECRET = 16  # characters; Standard Webhooks 1.0.0 asks for 24 to 64 bytes, providers' own tokens have 32
PRINTABLE = "harus huruf, angka dan tanda ASCII tanpa spasi / must be of printable ASCII characters, without spaces"
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class Options:
    """The options of one channel by name, defaults filled in. They have been checked; secrets come out wrapped."""

    def __init__(self, settings: Sequence[Setting], given: Mapping[str, str]) -> None:
        self._values = {one.name: given.get(one.name, "").strip() or one.default or "" for one in settings}

    def __repr__(self) -> str:
        return f"Options({', '.join(sorted(self._values))})"

    def text(self, name: str) -> str:
        """Return an option as it was written."""
        return self._values[name]

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the parts of an option that is a list with commas."""
        return split_list(self._values[name])

    def number(self, name: str) -> float:
        """Return an option that is a number."""
        return float(self._values[name])

    def is_on(self, name: str) -> bool:
        """Tell whether an option is switched on."""
        return self._values[name] == "yes"

    def secret(self, name: str) -> Secret:
        """Return a secret option."""
        return Secret(self._values[name])

    def secrets(self, name: str) -> tuple[Secret, ...]:
        """Return the secrets of an option that lists several, so that one can follow another."""
        return tuple(Secret(part) for part in self.texts(name))


def split_list(written: str) -> tuple[str, ...]:
    """Return the parts of a list with commas.

    >>> split_list("sent, delivered ,")
    ('sent', 'delivered')
    """
    return tuple(part for part in (raw.strip() for raw in written.split(",")) if part)


def find_number_fault(lowest: float, highest: float) -> Callable[[str], str]:
    """Return a check for a number between two others, both included."""

    def find(value: str) -> str:
        plain = re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", value, re.ASCII)
        if plain and lowest <= float(value) <= highest:
            return ""
        span = f"{lowest:g}", f"{highest:g}"
        return f"harus angka {' sampai '.join(span)} / must be a number from {' to '.join(span)}"

    return find


def find_choice_fault(*choices: str) -> Callable[[str], str]:
    """Return a check for one of a few words."""
    return lambda value: "" if value in choices else f"harus salah satu dari / must be one of: {', '.join(choices)}"


def find_form_fault(pattern: str, indonesian: str, english: str) -> Callable[[str], str]:
    """Return a check for a value of a certain form; the words say which: `harus ... / must be ...`."""
    compiled = re.compile(pattern, re.ASCII)
    return lambda value: "" if compiled.fullmatch(value) else f"harus {indonesian} / must be {english}"


def find_url_fault(value: str) -> str:
    """Return what is wrong with the address of a provider: plain http is for this machine only, for secrets go there.

    >>> find_url_fault("https://sms.example.org/send"), find_url_fault("http://127.0.0.1:8080/send")
    ('', '')
    >>> find_url_fault("http://sms.example.org/send")
    'harus diawali / must begin with https:// (http:// hanya untuk / is only for 127.0.0.1)'
    """
    if not re.fullmatch(r"[!-~]+", value):
        return "harus alamat tanpa spasi / must be an address without spaces"
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "harus alamat seperti / must be an address such as https://sms.example.org/send"
    if not host or parts.username is not None or parts.fragment:
        return "harus alamat seperti / must be an address such as https://sms.example.org/send"
    if parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK):
        return ""
    return "harus diawali / must begin with https:// (http:// hanya untuk / is only for 127.0.0.1)"


def find_secrets_fault(value: str) -> str:
    """Return what is wrong with a list of secrets, never naming one."""
    if any(not re.fullmatch(r"[!-~]+", secret) for secret in split_list(value)):
        return f"{PRINTABLE}; beberapa dipisahkan koma / several are divided by commas"
    if any(len(secret) < SHORTEST_SECRET for secret in split_list(value)):
        return f"tiap rahasia minimal / each secret must have at least {SHORTEST_SECRET} characters"
    return "" if split_list(value) else "harus ada paling sedikit satu rahasia / must have at least one secret"


def find_secret_fault(value: str) -> str:
    """Return what is wrong with a single secret that somebody else made."""
    return "" if re.fullmatch(r"[!-~]+", value) else PRINTABLE
