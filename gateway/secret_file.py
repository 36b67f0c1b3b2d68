"""Secrets that nobody chose: each is made once, in a file that only this user can read."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


def read_or_make(path: Path) -> str:
    """Return the secret of a file, made when there is none: the first process makes it, the others read it.

    The caller wraps it (`redact.Secret`) before it goes anywhere.
    """
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
        try:
            with suppress(FileExistsError):
                os.link(fresh, path)  # unlike a rename it never replaces the secret of a process that was quicker
        finally:
            fresh.unlink()
    return path.read_text(encoding="ascii").strip()
