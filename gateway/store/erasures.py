"""Erasures: who was forgotten, when and why, as keyed hashes; and who somebody is in every table, to be forgotten."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Index, Integer, String, Table, insert, or_, select, update

from gateway.store.base import Session, UtcDateTime, metadata
from gateway.store.inbox import BigId, inbox
from gateway.store.klikkb import klikkb_midwives
from gateway.store.registrations import registrations
from gateway.store.reporters import reporter_phones, reporters
from gateway.store.reports import reports
from gateway.store.users import users
from gateway.values import InboxState, Scope

erasures = Table(
    "erasures",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("phone_hash", String(64), nullable=False),  # keyed, of a number or a register entry; empty for none
    Column("pseudonym", String(20), nullable=False),
    Column("reason", String(200), nullable=False),
    Column("user_id", Integer, nullable=True),
    Column("user_name", String(100), nullable=False),
    Column("erased_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime, nullable=True),  # None within the erasing transaction alone (migration 0025)
    Column("is_tidy", Boolean, nullable=False),  # no page of the file holds what was erased any more
    Column("counts", JSON, nullable=False),
)
Index("ix_erasures_phone_hash", erasures.c.phone_hash)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who reports, in every table. `shared` are numbers of hers that others report from too: these stay."""

    phones: tuple[str, ...]
    shared: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    reporter_ids: tuple[int, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether anything is kept of her at all."""
        return bool(self.phones or self.shared or self.reporter_ids)


@dataclass(frozen=True, slots=True)
class Tombstone:
    """That somebody was erased: the keyed hash of a number or of the entry of hers, and since when."""

    phone_hash: str
    erased_at: datetime


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure as it is shown. Shape: `counts` are rows by table."""

    id: int
    pseudonym: str
    reason: str
    user_name: str
    erased_at: datetime
    is_tidy: bool
    counts: Mapping[str, int]


def find_by_phone(session: Session, phone: str) -> Person:
    """Return who reports, or has written, from a number. Where several report from it, it is all of them."""
    owners = select(reporter_phones.c.reporter_id).where(reporter_phones.c.phone == phone)
    person = _complete(session, set(session.execute(owners).scalars()), {phone})
    is_there = bool(person.reporter_ids) or _is_written_from(session, phone)
    return person if is_there else Person(())


def find_by_id(session: Session, reporter_id: int) -> Person:
    """Return one reporter, with her doubles. A number that somebody else reports from too is not hers alone."""
    return _complete(session, {reporter_id}, set())


def _complete(session: Session, ids: set[int], phones: set[str]) -> Person:
    """Add a reporter's doubles, every number that she has or had, and her names."""
    while more := _doubles_of(session, ids) - ids:
        ids |= more
    hers = select(reporter_phones.c.phone).where(reporter_phones.c.reporter_id.in_(ids))
    sent = select(inbox.c.sender).join(reports, reports.c.inbox_id == inbox.c.id)
    sent = sent.where(reports.c.reporter_id.in_(ids), inbox.c.sender.startswith("+")).distinct()
    listed = select(klikkb_midwives.c.phone).where(klikkb_midwives.c.reporter_id.in_(ids))
    found = phones | {one for asked in (hers, sent, listed) for one in session.execute(asked).scalars() if one}
    of_others = select(reporter_phones.c.phone).join(reporters, reporters.c.id == reporter_phones.c.reporter_id)
    of_others = of_others.where(reporter_phones.c.phone.in_(found), reporters.c.id.not_in(ids), reporters.c.is_active)
    shared = set(session.execute(of_others).scalars()) - phones
    names = set(session.execute(select(reporters.c.name).where(reporters.c.id.in_(ids))).scalars())
    in_directory = or_(klikkb_midwives.c.reporter_id.in_(ids), klikkb_midwives.c.phone.in_(found - shared))
    names |= set(session.execute(select(klikkb_midwives.c.name).where(in_directory)).scalars())
    return Person(
        tuple(sorted(found - shared)),
        tuple(sorted(shared)),
        tuple(sorted(name for name in names if name and not name.startswith("erased:"))),
        tuple(sorted(ids)),
    )


def _doubles_of(session: Session, ids: Collection[int]) -> set[int]:
    return set(session.execute(select(reporters.c.id).where(reporters.c.merged_into.in_(ids))).scalars())


def _is_written_from(session: Session, phone: str) -> bool:
    asked = (
        select(inbox.c.id).where(inbox.c.sender == phone),
        select(registrations.c.id).where(or_(registrations.c.phone == phone, registrations.c.old_phone == phone)),
        select(klikkb_midwives.c.id).where(klikkb_midwives.c.phone == phone),
        select(users.c.id).where(users.c.phone == phone),
    )
    return any(session.execute(one.limit(1)).first() is not None for one in asked)


def count_people(session: Session, person: Person) -> int:
    """Return how many who report, or did, these are: a phone of a clinic is several midwives'."""
    several = reporters.c.id.in_(person.reporter_ids), reporters.c.merged_into.is_(None)
    return len(session.execute(select(reporters.c.id).where(*several)).all())


def count_unread(session: Session, person: Person) -> int:
    """Return how many messages of hers nobody has handled yet: a report may be among them."""
    hers = inbox.c.sender.in_(person.phones + person.shared), inbox.c.state == InboxState.RECEIVED
    return len(session.execute(select(inbox.c.id).where(*hers)).all())


def begin(
    session: Session, hashes: Sequence[str], pseudonym: str, reason: str, by: tuple[int | None, str], now: datetime
) -> None:
    """Open an erasure; as long as it is open, and only in this transaction, words of the audit may change."""
    row = {"pseudonym": pseudonym, "reason": reason[:200], "user_id": by[0], "user_name": by[1], "erased_at": now}
    rows = [row | {"phone_hash": one, "is_tidy": False, "counts": {}} for one in hashes or [""]]
    session.execute(insert(erasures), rows)


def end(session: Session, pseudonym: str, counts: Mapping[str, int], now: datetime) -> None:
    """Close an erasure: the audit is only added to again."""
    mine = erasures.c.pseudonym == pseudonym, erasures.c.ended_at.is_(None)
    session.execute(update(erasures).where(*mine).values(ended_at=now, counts=dict(counts)))


def keep_tombstones(session: Session, these: Sequence[Tombstone], user_name: str, now: datetime) -> None:
    """Write down that these were erased before, elsewhere, though nothing of theirs is here."""
    rows: list[dict[str, Any]] = [
        {
            "phone_hash": one.phone_hash,
            "pseudonym": "",
            "reason": "",
            "user_id": None,
            "user_name": user_name,
            "erased_at": one.erased_at,
            "ended_at": now,
            "is_tidy": True,
            "counts": {},
        }
        for one in these
    ]
    if rows:
        session.execute(insert(erasures), rows)


def tombstones(session: Session) -> tuple[Tombstone, ...]:
    """Return everybody who was erased here, in the order of erasing."""
    statement = select(erasures.c.phone_hash, erasures.c.erased_at).where(erasures.c.phone_hash != "")
    return tuple(Tombstone(*row) for row in session.execute(statement.order_by(erasures.c.id)))


def latest_erasures(session: Session, *, scope: Scope, limit: int = 50) -> tuple[Erasure, ...]:
    """Return the last erasures, the newest first; one of several numbers once. They belong to the whole house."""
    if scope.area:
        return ()
    names = Erasure.__slots__
    statement = select(*(erasures.c[name] for name in names)).where(erasures.c.pseudonym != "")
    found: dict[str, Erasure] = {}
    for row in session.execute(statement.order_by(erasures.c.id.desc()).limit(limit * 4)):
        found.setdefault(row.pseudonym, Erasure(*row))
    return tuple(found.values())[:limit]


def all_phones(session: Session) -> frozenset[str]:
    """Return every number that anything is kept of: what tombstones are compared with after a restore."""
    columns = (reporter_phones.c.phone, inbox.c.sender, registrations.c.phone, klikkb_midwives.c.phone, users.c.phone)
    return frozenset(
        phone
        for column in columns
        for phone in session.execute(select(column).where(column.startswith("+")).distinct()).scalars()
    )


def named_reporters(session: Session) -> tuple[tuple[int, str], ...]:
    """Return the id and name of everybody registered who was not erased."""
    statement = select(reporters.c.id, reporters.c.name).where(~reporters.c.name.startswith("erased:"))
    return tuple((row.id, row.name) for row in session.execute(statement.order_by(reporters.c.id)))


def has_untidy(session: Session) -> bool:
    """Tell whether pages of the file may still hold what was erased."""
    return session.execute(select(erasures.c.id).where(~erasures.c.is_tidy).limit(1)).first() is not None


def set_tidy(session: Session) -> None:
    """Write down that the file was written anew since the last erasure."""
    session.execute(update(erasures).where(~erasures.c.is_tidy).values(is_tidy=True))
