"""The spool: what came in while the database could take nothing lies here, one file a delivery, until it can."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import threading
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from pydantic import Base64Bytes, TypeAdapter

from gateway.errors import Unavailable
from gateway.values import DeliveryStatus, InboundSms

MOST_FILES = 100_000  # three times what all midwives of the country send in an evening
MOST_BYTES = 512 * 1024 * 1024
ROOM = 100  # so many files a process writes until it counts again what lies there
HANGS_SECONDS = 1.0  # a database that let somebody wait so long in vain hangs
PREFERRED_SECONDS = 10.0  # then what comes in goes to the spool at once: each look at the database takes seconds
LONGEST_DRAFT = timedelta(hours=1)  # whoever began to write a file that long ago is dead, and acknowledged nothing

DRAFT, WAITING, CORRUPT, REFUSED = ".tmp", ".v1", ".corrupt", ".refused"
_STAMP = "%Y%m%dT%H%M%S%f"
_WAITS = re.compile(r"[0-9]{8}T[0-9]{12}-[0-9a-f]{16}\.v1")


@dataclass(frozen=True, slots=True)
class Unread:
    """What is authentic and cannot be read: the octets as they came, the same as text, and why."""

    raw: Base64Bytes
    text: str
    fault: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one request of a provider has brought, to be kept whole: messages, news of ours, or what cannot be read."""

    channel: str
    received_at: datetime
    messages: tuple[InboundSms, ...] = ()
    statuses: tuple[DeliveryStatus, ...] = ()
    unread: Unread | None = None


_DELIVERY = TypeAdapter(Delivery)


@dataclass(frozen=True, slots=True)
class Contents:
    """How many deliveries lie in the spool: those that wait, and since when; and those set aside for a person.

    `fault`: nobody can tell, and why.
    """

    waiting: int = 0
    oldest_at: datetime | None = None
    corrupt: int = 0
    refused: int = 0
    fault: str = ""


class Spool:
    """A folder of files, for any number of processes of one machine. Without a folder there is no spool.

    A file is written beside its place, made durable, put there, and that is made durable: whatever dies in between, it
    is there whole or not at all. It is removed only when what it holds is committed.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._room = 0
        self._guard = threading.Lock()
        self._preferred_until = 0.0

    @property
    def is_preferred(self) -> bool:
        """Whether the database hung a moment ago, so that nobody should wait for it again just now."""
        return self.folder is not None and time.monotonic() < self._preferred_until

    def note_failure(self, seconds: float) -> None:
        """Note how long somebody has waited for the database in vain."""
        if seconds >= HANGS_SECONDS:
            self._preferred_until = time.monotonic() + PREFERRED_SECONDS

    def put(self, delivery: Delivery) -> str:
        """Keep a delivery and return its file's name; once this returns, no power cut loses it.

        Errors: Unavailable when it cannot be kept here either; then it may not be acknowledged.
        """
        if self.folder is None:
            raise Unavailable("there is no spool")
        try:
            body = _DELIVERY.dump_json(delivery)
        except ValueError as error:
            raise Unavailable("the spool cannot write down what it holds") from error
        octets = f"{hashlib.sha256(body).hexdigest()}\n".encode() + body
        name = f"{delivery.received_at.astimezone(UTC):{_STAMP}}-{secrets.token_hex(8)}{WAITING}"
        try:
            self._make_folder()
            self._take_room()
            self._write(name, octets)
        except OSError as error:
            raise Unavailable(f"the spool takes nothing: {error.strerror}") from error
        return name

    def waiting(self) -> list[str]:
        """Return the names of the deliveries that wait, the oldest first. Errors: OSError."""
        return sorted(filter(_WAITS.fullmatch, self._names()))

    def read(self, name: str) -> Delivery | None:
        """Return a delivery, or None when another process has dealt with it.

        Errors: ValueError when the file does not hold what was written; OSError when it cannot be read.
        """
        try:
            octets = (self._place() / name).read_bytes()
        except FileNotFoundError:
            return None
        said, _, body = octets.partition(b"\n")
        if said != hashlib.sha256(body).hexdigest().encode():
            raise ValueError("its checksum is another one")
        return _DELIVERY.validate_json(body)

    def remove(self, names: Collection[str]) -> None:
        """Remove deliveries that are committed; what another process has removed is no matter."""
        for name in names:
            with suppress(FileNotFoundError):
                os.unlink(self._place() / name)
        if names:
            _sync(self._place())

    def set_aside(self, name: str, why: str) -> None:
        """Leave a delivery to a person, as CORRUPT or REFUSED: it holds up no other, and is never deleted."""
        with suppress(FileNotFoundError):
            os.rename(self._place() / name, self._place() / f"{name}{why}")
        _sync(self._place())

    def tidy(self, now: datetime) -> int:
        """Let what was refused be tried again, and remove drafts of the dead; return how many are tried again.

        For a process that starts: what the database refused is our fault, and the code may be mended by now.
        """
        again = [name for name in self._names() if name.endswith(REFUSED)]
        for name in again:
            with suppress(FileNotFoundError):
                os.rename(self._place() / name, self._place() / name.removesuffix(REFUSED))
        for name in self._names():
            draft = self._place() / name
            with suppress(FileNotFoundError):
                if name.endswith(DRAFT) and now.timestamp() - draft.stat().st_mtime > LONGEST_DRAFT.total_seconds():
                    draft.unlink()
        return len(again)

    def look(self) -> Contents:
        """Return how much lies here. Never raises: a page asks."""
        try:
            names = self._names()
        except OSError as error:
            return Contents(fault=os.strerror(error.errno or 0))
        waiting = sorted(filter(_WAITS.fullmatch, names))
        oldest_at = datetime.strptime(waiting[0].partition("-")[0], _STAMP).replace(tzinfo=UTC) if waiting else None
        corrupt, refused = (sum(name.endswith(end) for name in names) for end in (CORRUPT, REFUSED))
        return Contents(len(waiting), oldest_at, corrupt, refused)

    def _place(self) -> Path:
        assert self.folder is not None, "what is no spool has no files"
        return self.folder

    def _names(self) -> list[str]:
        if self.folder is None:
            return []
        try:
            return os.listdir(self.folder)
        except FileNotFoundError:
            return []

    def _make_folder(self) -> None:
        """Make the folder durably, for this user alone: it holds phone numbers, and what they wrote."""
        place = self._place()
        if not place.exists():
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync(place.parent)

    def _take_room(self) -> None:
        """Refuse what would make the spool larger than it may be. Several processes overstep that by their ROOM."""
        with self._guard:
            if not self._room:
                files = bytes_there = 0
                for entry in os.scandir(self._place()):
                    with suppress(FileNotFoundError):
                        bytes_there += entry.stat().st_size
                        files += 1
                if files >= MOST_FILES or bytes_there >= MOST_BYTES:
                    raise OSError(errno.EDQUOT, "it holds as much as it may")
                self._room = ROOM
            self._room -= 1

    def _write(self, name: str, octets: bytes) -> None:
        draft = self._place() / f"{name}{DRAFT}"
        try:
            file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                rest = memoryview(octets)
                while rest:
                    rest = rest[os.write(file, rest) :]
                os.fsync(file)
            finally:
                os.close(file)
            os.rename(draft, self._place() / name)
        except BaseException:
            with suppress(OSError):
                os.unlink(draft)
            raise
        _sync(self._place())


def _sync(folder: Path) -> None:
    """Make durable which files a folder has. Source: fsync(2): of a file alone that does not do it."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@cache
def open_spool(folder: Path | None) -> Spool:
    """Return this process's spool in a folder: all its threads share what it knows."""
    return Spool(folder)


NONE = Spool(None)
