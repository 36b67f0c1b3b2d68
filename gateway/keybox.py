"""What the database must not tell, kept so that only who has the key can read it."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from gateway import secret_file
from gateway.redact import Secret

KEY_FILE = "secret.key"


def read_key(given: str, var_folder: Path) -> Secret:
    """Return the key that secrets are kept with: the given one, else one in `var`, made at its first use (mode 600)."""
    return Secret(given or secret_file.read_or_make(var_folder / KEY_FILE))


def lock(key: Secret, words: str) -> str:
    """Return words as only who has the key can read them (Fernet)."""
    return _fernet(key).encrypt(words.encode()).decode()


def unlock(key: Secret, locked: str) -> str | None:
    """Return the words again; None when they were locked with another key."""
    try:
        return _fernet(key).decrypt(locked.encode()).decode()
    except InvalidToken:
        return None


def _fernet(key: Secret) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(f"kabar:totp:{key.reveal()}".encode()).digest()))
