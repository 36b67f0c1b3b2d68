"""Keeping phone numbers and secrets out of logs, errors and screens. Pure."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, NoReturn

HIDDEN = "•••"
SECRET_NAMES = re.compile(r"secret|token|passw|authorization|signature|cookie|api_?key", re.IGNORECASE)

# A phone number as people and providers write it: + or its escape, 0 or 62, then at least eight digits more. Not inside
# a longer word, so that a trace id in hexadecimal stays whole; not the seconds of a time.
_PHONE = re.compile(
    r"(?:(?:\+|%2[Bb])[0-9]|(?<![0-9A-Za-z])(?<![0-9]:)(?:0|62))(?:[ ().\-]{0,2}[0-9]){8,14}(?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z.])[0-9]{11,15}(?![0-9A-Za-z.])"
)
# In what a person wrote, figures stand in a row too. With blanks, a mobile number is two or three groups of the usual
# lengths, and no month: operators have no 0824 to 0827. Sixteen digits are a NIK.
_MOBILE = re.compile(
    r"(?<![0-9])(?:(?:\+?62[-.]?|0)8(?:[-.]?[0-9]){7,11}"
    r"|(?:\+62[ .\-]?|0)8(?!2[4-7])[0-9]{2}[ .\-](?:[0-9]{3,4}[ .\-][0-9]{3,5}|[0-9]{6,8}))(?![0-9])"
)
_ROW = re.compile(r"^(DETAIL|CONTEXT):.*$", re.MULTILINE)
_NIK = re.compile(r"(?<![0-9])[0-9]{6}(?:[ .\-]?[0-9]){10}(?![0-9])")
_DEEPEST = 8


class Secret:
    """A value that nothing prints: neither repr, nor str, nor a format, nor a traceback that shows values."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value, for the one place that must send or compute with it."""
        return self._value

    def matches(self, given: str) -> bool:
        """Tell whether somebody knows this secret, in a time that tells nothing. An empty one is known to none.

        Compared as bytes: `hmac.compare_digest` raises on text beyond ASCII, which any stranger may send.
        """
        mine, theirs = self._value.encode("utf-8", "surrogatepass"), given.encode("utf-8", "surrogatepass")
        return hmac.compare_digest(mine, theirs) and bool(mine)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return HIDDEN

    def __str__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return HIDDEN

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")


def mask_phone(phone: str) -> str:
    """Return a phone number that its owner recognises and nobody can call: at least four digits are hidden.

    >>> mask_phone("+6281234567890"), mask_phone("081234567890"), mask_phone("7600")
    ('+62812•••7890', '0812•••7890', '•••')
    """
    kept = 6 if phone.startswith("+") else 5 if phone.startswith("62") else 4
    shown = min(4, len(phone) - kept - 4)
    return f"{phone[:kept]}{HIDDEN}{phone[-shown:]}" if shown > 0 else HIDDEN


def mask_phones(text: str) -> str:
    """Return the text with every phone number in it masked.

    >>> mask_phones("from +62 812-3456-7890 at 2026-11-21 18:35:09.123456+00:00, trace 09f0628123456789ab")
    'from +62812•••7890 at 2026-11-21 18:35:09.123456+00:00, trace 09f0628123456789ab'
    """
    return _PHONE.sub(_mask_found, text)


def hide_mobiles(text: str) -> str:
    """Return what somebody wrote with the mobile numbers in it masked, and its figures as they are.

    >>> hide_mobiles("KB 0825 12 40 30 25, HP 0812-3456-7890")
    'KB 0825 12 40 30 25, HP 0812•••7890'
    >>> hide_mobiles("KB 0825 1200 1300, HP 0812 3456 7890 atau +62 852 345 6789")
    'KB 0825 1200 1300, HP 0812•••7890 atau +62852•••789'
    """
    return _MOBILE.sub(_mask_found, text)


def hide_ids(text: str) -> str:
    """Return what somebody wrote without the identity numbers (NIK, sixteen digits) in it.

    >>> hide_ids("AKTIF 40 nik 1403012501900001"), hide_ids("140301 250190 0001, 12345678901234567")
    ('AKTIF 40 nik •••', '•••, 12345678901234567')
    """
    return _NIK.sub(HIDDEN, text)


def hide_in_key(provider_id: str, sender: str) -> str:
    """Return a message's key as it may be kept: its hash where the sender's number stands in it.

    >>> hide_in_key("SM0123", "+6281230000001")
    'SM0123'
    >>> hide_in_key("081230000001-17", "+6281230000001")[:12]
    'sha256:8a365'
    """
    digits = sender.removeprefix("+62").removeprefix("+")
    if len(digits) < 7 or digits not in provider_id:
        return provider_id
    return f"sha256:{hashlib.sha256(provider_id.encode()).hexdigest()}"


def hide_rows(text: str) -> str:
    """Return what a database says of a fault without the row that it quotes, in which what somebody wrote may stand.

    Source: PostgreSQL, "Error Message Style Guide": DETAIL and CONTEXT are lines of their own.

    >>> hide_rows("null value\\nDETAIL:  Failing row contains (1, KB 0925 BARU 12).\\n[SQL: INSERT]")
    'null value\\nDETAIL: •••\\n[SQL: INSERT]'
    """
    return _ROW.sub(rf"\1: {HIDDEN}", text)


def redact(event: Mapping[str, object], secrets: Collection[str] = ()) -> dict[str, object]:
    """Return a log event without secrets and with phone numbers masked, however deep they lie.

    Shape: what stands under a name like `token` or `authorization` is hidden whole; the given secrets are hidden
    wherever they occur; numbers, booleans, None and times pass; anything else is written as text first.

    >>> redact({"event": "sms from 081234567890", "auth_token": "abc", "lane": 7})
    {'event': 'sms from 0812•••7890', 'auth_token': '•••', 'lane': 7}
    """
    known = tuple(sorted((secret for secret in secrets if secret), key=len, reverse=True))
    return _redact_mapping(event, known, 0)


def _redact_mapping(found: Mapping[Any, object], secrets: tuple[str, ...], depth: int) -> dict[str, object]:
    redacted = {}
    for name, value in found.items():
        shown, is_secret = _read_name(str(name), secrets)
        redacted[shown] = HIDDEN if is_secret else _redact_value(value, secrets, depth)
    return redacted


@lru_cache(maxsize=1024)  # of all that is logged the names are always the same
def _read_name(name: str, secrets: tuple[str, ...]) -> tuple[str, bool]:
    """Return a name as it may be shown, and whether what stands under it is a secret."""
    return _redact_text(name, secrets), bool(SECRET_NAMES.search(name))


def _redact_value(value: object, secrets: tuple[str, ...], depth: int) -> object:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if -(10**9) < value < 10**9 else _redact_text(str(value), secrets)
    if depth >= _DEEPEST:
        return HIDDEN
    if isinstance(value, Mapping):
        return _redact_mapping(value, secrets, depth + 1)
    if isinstance(value, list | tuple | set | frozenset):
        return [_redact_value(inner, secrets, depth + 1) for inner in value]
    return _redact_text(value if isinstance(value, str) else str(value), secrets)


def _redact_text(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return mask_phones(hide_rows(text))


def _mask_found(found: re.Match[str]) -> str:
    written = found.group()
    sign = "+" if written.startswith(("+", "%")) else ""
    digits = "".join(mark for mark in written.removeprefix("%2B").removeprefix("%2b") if mark in "0123456789")
    return mask_phone(sign + digits)
