"""Erase somebody: her numbers, name and words go, the figures stay, and a restored backup is erased again."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway.errors import Malformed
from gateway.redact import Secret
from gateway.store import audit, erasures, inbox
from gateway.store.audit import NewAudit
from gateway.store.base import Session
from gateway.store.erasing import erase_rows, hush
from gateway.store.erasures import Person, Tombstone
from gateway.store.sweeping import sweep
from gateway.store.tidying import allow_long, erase_deleted
from gateway.values import lane_of

LIST = "erased.txt"  # in `var`, beside the database: a backup of the database that is older does not know of an erasure
UNREAD = (
    "Ada yang pesannya belum dibaca: jalankan Kabar; ia dihapus lagi segera sesudah pesannya dibaca.",
    "Somebody's messages are unread: start Kabar; she is erased again as soon as they have been read.",
)
RESTORED = "restore"  # as whom the audit names what is erased again


@dataclass(frozen=True, slots=True)
class Done:
    """What an erasure did. Shape: `counts` are rows by table."""

    pseudonym: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Asked:
    """An erasure as somebody asks for it. Shape: `by` is the user's id and name."""

    reason: str
    by: tuple[int | None, str]
    now: datetime
    area: str = ""


def erase(session: Session, person: Person, key: Secret, asked: Asked) -> Done:
    """Erase somebody in this transaction.

    Errors: Malformed when there is nobody, when no reason is given, or while messages of hers are unread.
    """
    if not person.is_known:
        raise Malformed("tidak ada data orang ini / nothing is kept of this person")
    if not asked.reason.strip():
        raise Malformed("alasan belum diisi / say why")
    _hold_lanes(session, person)
    if unread := erasures.count_unread(session, person):
        raise Malformed(f"{unread} pesannya belum dibaca; tunggu sebentar / messages of hers are unread; wait a moment")
    return _erase(session, person, key, asked)


def _hold_lanes(session: Session, person: Person) -> None:
    """Let no worker read what she writes meanwhile. Errors: Raced when one takes too long."""
    for lane in sorted({lane_of(phone) for phone in (*person.phones, *person.shared)}):
        inbox.wait_for_lane(session, lane)


def _erase(session: Session, person: Person, key: Secret, asked: Asked) -> Done:
    erase_deleted(session)
    allow_long(session)
    pseudonym = f"erased:{secrets.token_hex(5)}"
    erasures.begin(session, _hashes_of(session, person, key), pseudonym, asked.reason, asked.by, asked.now)
    counts = erase_rows(session, person, pseudonym, asked.now)
    counts += sweep(session, person, pseudonym)
    found = {name: count for name, count in sorted(counts.items()) if count}
    for reporter_id in person.reporter_ids or (0,):
        subject = str(reporter_id or pseudonym)
        done = NewAudit(asked.now, *asked.by, "erase", "reporter", subject, asked.area, {"reason": asked.reason})
        audit.record(session, done)
    erasures.end(session, pseudonym, found, asked.now)
    return Done(pseudonym, found)


def _hashes_of(session: Session, person: Person, key: Secret) -> list[str]:
    registered = [_registered_as(*one) for one in erasures.named_reporters(session) if one[0] in person.reporter_ids]
    return [hash_phone(key, one) for one in (*person.phones, *registered)]


def hash_phone(key: Secret, phone: str) -> str:
    """Return the hash that an erased number is known by: without the key nobody can try numbers against it."""
    return hmac.new(f"kabar:erased:{key.reveal()}".encode(), phone.encode(), hashlib.sha256).hexdigest()


def _registered_as(reporter_id: int, name: str) -> str:
    """Return what somebody's entry is known by: whoever reports from a shared phone only has no number of her own."""
    return f"reporter {reporter_id} {name}"


def keep_in_step(session: Session, var: Path, key: Secret, now: datetime) -> int:
    """Erase again whom the list beside the database knows and the database does not; return how many people.

    That is so after an older backup was restored. Who has messages in it that nobody has read waits until they are: a
    report may be among them; meanwhile nothing goes out to her but an answer to what she writes anew. The list learns
    what it does not know yet. Called at start, by `./kabar privacy again`, by the daily errand, and by whoever restores
    a backup.
    """
    here, listed = erasures.tombstones(session), {one.phone_hash for one in read_list(var)}
    count = erase_again(session, find_missing(session, var), key, now)
    write_list(var, {one.phone_hash: one for one in here if one.phone_hash not in listed}.values())
    return count


def find_missing(session: Session, var: Path) -> tuple[Tombstone, ...]:
    """Return whom the list beside the database knows and the database does not: it is older than their erasure."""
    here = {one.phone_hash for one in erasures.tombstones(session)}
    return tuple(one for one in read_list(var) if one.phone_hash not in here)


def erase_again(session: Session, missing: Iterable[Tombstone], key: Secret, now: datetime) -> int:
    """Erase everybody of a list who was erased before and of whom nothing is unread; return how many people."""
    wanted = {one.phone_hash: one for one in missing}
    if not wanted:
        return 0
    gone: list[Person] = []
    waiting: set[str] = set()

    def erase_one(person: Person) -> None:
        _hold_lanes(session, person)
        if erasures.count_unread(session, person):
            hush(session, person, now)
            waiting.update(_hashes_of(session, person, key))
            return
        _erase(session, person, key, Asked("restore", (None, RESTORED), now))
        gone.append(person)

    for reporter_id, name in erasures.named_reporters(session):
        is_gone = any(reporter_id in one.reporter_ids for one in gone)  # with her double
        if not is_gone and hash_phone(key, _registered_as(reporter_id, name)) in wanted:
            erase_one(erasures.find_by_id(session, reporter_id))
    settled = {phone for one in gone for phone in one.shared}  # whoever else reports from there was not erased
    for phone in sorted(erasures.all_phones(session) - settled):
        if hash_phone(key, phone) in wanted:
            person = erasures.find_by_phone(session, phone)
            if person.is_known:  # else a number of somebody who went with another of hers
                erase_one(person)
    known = {one.phone_hash for one in erasures.tombstones(session)}
    rest = [one for one in wanted.values() if one.phone_hash not in known | waiting]
    erasures.keep_tombstones(session, rest, RESTORED, now)
    return len(gone)


def read_list(var: Path) -> tuple[Tombstone, ...]:
    """Return who is on the list beside the database."""
    return read_tombstones(var / LIST) if (var / LIST).exists() else ()


def read_tombstones(path: Path) -> tuple[Tombstone, ...]:
    """Return who is on a list. Shape of a line: hash, space, the instant of erasing."""
    return tuple(_read_lines(path.read_text(encoding="ascii", errors="replace").splitlines()))


def _read_lines(lines: Iterable[str]) -> Iterator[Tombstone]:
    for line in lines:
        phone_hash, _, at = line.partition(" ")
        if len(phone_hash) == 64 and at:
            yield Tombstone(phone_hash, datetime.fromisoformat(at))


def write_list(var: Path, new: Iterable[Tombstone]) -> None:
    """Add to the list beside the database; on disk when this returns."""
    lines = "".join(f"{one.phone_hash} {one.erased_at.isoformat()}\n" for one in new)
    if not lines:
        return
    file = os.open(var / LIST, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(file, lines.encode("ascii"))
        os.fsync(file)
    finally:
        os.close(file)
