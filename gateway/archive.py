"""A backup's file: what stands in it, how it is locked for its keepers alone, and how it proves to be whole."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import tarfile
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from gateway.errors import Malformed, Misconfigured

try:  # its wheels are for glibc Linux and macOS
    import pyrage
except ImportError:
    pyrage = None

FORMAT = 1
MANIFEST = "manifest.json"
DATABASE = "database"
SECRETS = "secrets/"
LOCKED = b"age-encryption.org/v1\n"  # Source: C2SP, age.md, "Header"
PACKED = b"\x1f\x8b"  # Source: RFC 1952, 2.3.1
_MEMBER = re.compile(rf"{DATABASE}|{SECRETS}[A-Za-z0-9][A-Za-z0-9._-]{{0,60}}", re.ASCII)
_BLOCK = 1 << 20
_BROKEN = (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error, ValueError, KeyError, TypeError)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself.

    Shape: `kind` is sqlite or postgresql, `server` PostgreSQL's major version (0 on SQLite), `migration` the schema's
    version; `rows` counts each table; `files` maps each other member of the archive to its SHA-256.
    """

    kind: str
    server: int
    migration: str
    kabar: str
    created_at: datetime
    newest_message_at: datetime | None
    rows: Mapping[str, int]
    files: Mapping[str, str]
    format: int = FORMAT


def pack(target: Path, manifest: Manifest, files: Mapping[str, Path]) -> Manifest:
    """Write an archive that nobody else may open, and return its manifest with what each file's digest is."""
    whole = replace(manifest, files={name: _digest(path) for name, path in files.items()})
    with target.open("xb") as raw, gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as packed:
        target.chmod(0o600)
        with tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as archive:
            words = json.dumps(asdict(whole), default=datetime.isoformat, indent=1, sort_keys=True).encode()
            archive.addfile(_head_of(MANIFEST, len(words)), io.BytesIO(words))
            for name, path in files.items():
                with path.open("rb") as file:
                    archive.addfile(_head_of(name, path.stat().st_size), file)
    return whole


def lock(source: Path, target: Path, keys: Sequence[str]) -> None:
    """Write an archive so that only who holds the secret half of one of these keys (age1...) can read it.

    Errors: Misconfigured when a key is none, or when this machine has no age.
    """
    age = _need_age()
    recipients = []
    for key in keys:
        try:
            recipients.append(age.x25519.Recipient.from_str(key))
        except age.RecipientError:
            fault = f"bukan kunci umum age / is no public key of age (age1...): {key[:12]}"
            raise Misconfigured({"--key": fault}) from None
    with source.open("rb") as plain, target.open("xb") as locked:
        target.chmod(0o600)
        age.encrypt_io(plain, locked, recipients)


def unpack(source: Path, into: Path, identity: str = "") -> Manifest:
    """Lay what an archive holds into a folder, each file proven, and return its manifest.

    `identity` holds the secret keys (AGE-SECRET-KEY-...), one a line. Errors: Malformed in words, when it is no backup,
    not whole, changed, locked with another key, or of a later kind than this Kabar knows.
    """
    with source.open("rb") as file:
        start = file.read(len(LOCKED))
    plain = source
    if start == LOCKED:
        plain = into / "unlocked"
        _unlock(source, plain, identity)
    elif not start.startswith(PACKED):
        raise Malformed(f"bukan cadangan Kabar / is no backup of Kabar: {source.name}")
    try:
        with gzip.open(plain, "rb") as packed:
            manifest = _unpack(packed, into)
            while packed.read(_BLOCK):  # only the end of it tells whether all before it is as it was written
                pass
    except _BROKEN as fault:
        raise Malformed(f"cadangan rusak atau terpotong / the backup is broken or cut: {source.name}") from fault
    finally:
        if plain != source:
            plain.unlink()
    return manifest


def is_backup(path: Path) -> bool:
    """Tell whether a file begins as a backup does, locked or not; it may still be broken."""
    with suppress(OSError), path.open("rb") as file:
        start = file.read(len(LOCKED))
        return start == LOCKED or (start.startswith(PACKED) and _begins_with_manifest(path))
    return False


def _begins_with_manifest(path: Path) -> bool:
    try:
        with gzip.open(path, "rb") as packed, tarfile.open(fileobj=packed, mode="r|") as archive:
            first = archive.next()
            return first is not None and first.name == MANIFEST
    except (*_BROKEN, OSError):
        return False


def _unpack(packed: gzip.GzipFile, into: Path) -> Manifest:
    with tarfile.open(fileobj=packed, mode="r|") as archive:
        first = archive.next()
        if first is None or first.name != MANIFEST or first.size > _BLOCK:
            raise Malformed("bukan cadangan Kabar: tanpa daftar isi / is no backup of Kabar: it has no manifest")
        manifest = _read_manifest(_content(archive, first).read())
        missing = dict(manifest.files)
        while (member := archive.next()) is not None:
            if member.name not in missing or not member.isreg():
                raise ValueError("a member that the manifest does not name")
            path = into / member.name
            path.parent.mkdir(mode=0o700, exist_ok=True)
            found = hashlib.sha256()
            with path.open("xb") as file:
                path.chmod(0o600)
                content = _content(archive, member)
                while block := content.read(_BLOCK):
                    found.update(block)
                    file.write(block)
            if found.hexdigest() != missing.pop(member.name):
                raise ValueError("a member is not what the manifest says")
        if missing:
            raise ValueError("a member is missing")
    return manifest


def _read_manifest(words: bytes) -> Manifest:
    given: dict[str, Any] = json.loads(words)
    if given["format"] != FORMAT:
        raise Malformed(
            f"cadangan dari Kabar yang lebih baru (bentuk {given['format']}): perbarui Kabar dahulu"
            f" / a later Kabar made this backup (format {given['format']}): update Kabar first"
        )
    at, newest = given.pop("created_at"), given.pop("newest_message_at")
    manifest = Manifest(
        **given,
        created_at=datetime.fromisoformat(at),
        newest_message_at=datetime.fromisoformat(newest) if newest else None,
    )
    if DATABASE not in manifest.files or not all(_MEMBER.fullmatch(name) for name in manifest.files):
        raise ValueError("a name that no backup has")
    return manifest


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    found = archive.extractfile(member)
    if found is None:
        raise ValueError("a member that is no file")
    return found


def _unlock(source: Path, target: Path, identity: str) -> None:
    age = _need_age()
    keys = [line.strip() for line in identity.splitlines() if line.strip() and not line.startswith("#")]
    if not keys:
        raise Malformed("cadangan ini terkunci: beri kuncinya / this backup is locked: give its key: --identity FILE")
    try:
        with source.open("rb") as locked, target.open("xb") as plain:
            target.chmod(0o600)
            age.decrypt_io(locked, plain, [age.x25519.Identity.from_str(key) for key in keys])
    except age.IdentityError:
        target.unlink(missing_ok=True)
        raise Malformed("bukan kunci rahasia age / is no secret key of age (AGE-SECRET-KEY-...)") from None
    except (age.DecryptError, OSError, ValueError):
        target.unlink(missing_ok=True)
        raise Malformed(
            f"kuncinya lain, atau cadangan rusak / the key is another one, or the backup is broken: {source.name}"
        ) from None


def _need_age() -> Any:
    if pyrage is None:
        fault = "perlu paket / needs the package pyrage (glibc Linux x86_64, aarch64; macOS); atau / or: docs/backup.md"
        raise Misconfigured({"age": fault})
    return pyrage


def _head_of(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    return entry


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
