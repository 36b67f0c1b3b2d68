"""What somebody proves who they are by: a password, the codes of an app, recovery codes. Knows no page and no table."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from itertools import pairwise
from pathlib import Path

import pyotp
import segno
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 8, 200  # characters of a password
STEP_SECONDS = 30  # RFC 6238: how long a code of the app stands
RECOVERY_CODES = 10
EASY = Path(__file__).parent / "easy-passwords.txt"

# OWASP, Password Storage Cheat Sheet: Argon2id with 19 MiB, two passes, one lane.
_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # of recovery codes: nothing that looks like something else


class PasswordFault(StrEnum):
    """Why a password cannot be chosen."""

    SHORT = "short"
    LONG = "long"
    GUESSED = "guessed"
    OWN = "own"  # it holds the user's own login or name


@dataclass(frozen=True, slots=True)
class Checked:
    """Whether a password was right; `new_hash` is to be kept from now on, when the old one is weaker than ours."""

    is_right: bool
    new_hash: str | None = None


def hash_password(password: str) -> str:
    """Return what is kept of a password (Argon2id, PHC format)."""
    return _hasher.hash(password)


def check_password(kept: str | None, password: str) -> Checked:
    """Tell whether this is the password; where none is kept the work is the same, and the answer is no."""
    try:
        _hasher.verify(kept or _nobodys(), password[: LONGEST + 1])
    except (VerificationError, InvalidHashError):
        return Checked(False)
    if kept is None:
        return Checked(False)
    return Checked(True, hash_password(password) if _hasher.check_needs_rehash(kept) else None)


@cache
def _nobodys() -> str:
    return hash_password(secrets.token_hex(32))


def find_password_fault(password: str, *own: str) -> PasswordFault | None:
    """Return why this password cannot be chosen, or None. `own` are words that others know of its user.

    >>> find_password_fault("puskesmas2025!"), find_password_fault("kuda baterai staples")
    (<PasswordFault.GUESSED: 'guessed'>, None)
    """
    if len(password) < SHORTEST:
        return PasswordFault.SHORT
    if len(password) > LONGEST:
        return PasswordFault.LONG
    lower = password.lower()
    if any(len(part) > 3 and part in lower for word in own for part in re.split(r"\W+", word.lower())):
        return PasswordFault.OWN
    known = _guessed_passwords()
    root = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", lower)
    if lower in known or root in known or _is_run(lower) or (len(root) < 3 and len(set(lower)) < 6):
        return PasswordFault.GUESSED
    return None


def _is_run(password: str) -> bool:
    """Tell whether a password is one character, or one step, over and over: aaaaaaaa, 12345678, hgfedcba."""
    steps = {ord(after) - ord(before) for before, after in pairwise(password)}
    return len(steps) == 1


@cache
def _guessed_passwords() -> frozenset[str]:
    return frozenset(EASY.read_text(encoding="utf-8").split())


def new_totp_secret() -> str:
    """Return a new secret for an app (160 bits, base 32)."""
    return pyotp.random_base32()


def write_totp_address(secret: str, login: str) -> str:
    """Return the address that an app learns a secret from. Source: the Key URI format of Google Authenticator."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name="Kabar")


def find_totp_step(secret: str, code: str, now: datetime, last_step: int | None) -> int | None:
    """Return the step that a code belongs to, at most one before or after now's; None for a wrong or used one."""
    code = re.sub(r"\s", "", code)
    if not re.fullmatch(r"\d{6}", code, re.ASCII):
        return None
    totp = pyotp.TOTP(secret)
    here = int(now.timestamp()) // STEP_SECONDS
    for step in (here, here - 1, here + 1):
        if secrets.compare_digest(totp.generate_otp(step), code):
            return step if last_step is None or step > last_step else None
    return None


def draw_qr(words: str) -> tuple[int, str]:
    """Return a QR code as a square's side and the path of its dark modules, for an SVG with a margin of four."""
    rows = segno.make(words, error="m", micro=False).matrix
    path = "".join(
        f"M{start + 4} {y + 4}h{end - start}v1h-{end - start}z"
        for y, row in enumerate(rows)
        for start, end in _dark_runs(row)
    )
    return len(rows) + 8, path


def _dark_runs(row: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Give where dark modules that touch begin and end."""
    start = None
    for x, is_dark in enumerate([*row, 0]):
        if is_dark and start is None:
            start = x
        elif not is_dark and start is not None:
            yield start, x
            start = None


def new_invitation() -> str:
    """Return a new invitation's token (128 random bits)."""
    return secrets.token_hex(16)


def new_recovery_codes() -> tuple[str, ...]:
    """Return fresh recovery codes, each good for one sign-in without the app."""
    return tuple(
        "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4)) for _ in range(RECOVERY_CODES)
    )


def hash_code(code: str) -> str:
    """Return what is kept of a recovery code, or of an invitation's token: they are long and random, so this is enough.

    >>> hash_code("ABCD-efgh") == hash_code(" abcd efgh")
    True
    """
    return hashlib.sha256(re.sub(r"[\s-]", "", code).lower().encode()).hexdigest()
