"""Exposures: who signed in, which systems read, which files were taken in a time, and whose data that could reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select

from gateway.store.audit import audit
from gateway.store.base import Session
from gateway.store.exports import export_reports, exports
from gateway.store.reporters import reporter_phones, reporters
from gateway.store.reports import reports
from gateway.store.tokens import tokens
from gateway.store.users import users
from gateway.store.visits import user_sessions

_TAKING = ("export", "download")


@dataclass(frozen=True, slots=True)
class Reach:
    """Somebody or something that could see the people of an area. `words` say what it is: `user sari`."""

    words: str
    area: str


@dataclass(frozen=True, slots=True)
class Taken:
    """An export that was made or taken."""

    id: int
    ref: str
    user_name: str


@dataclass(frozen=True, slots=True)
class Concerned:
    """Somebody whose data is meant, and the numbers that she can be told by."""

    id: int
    name: str
    phones: tuple[str, ...]


def users_at_work(session: Session, since: datetime, until: datetime, login: str = "") -> tuple[Reach, ...]:
    """Return the users who were signed in, or did anything, in a time; or this one if they did."""
    acted = select(audit.c.user_id).where(audit.c.at >= since, audit.c.at < until)
    visited = select(user_sessions.c.user_id).where(
        user_sessions.c.created_at < until, user_sessions.c.seen_at >= since
    )
    there = select(users.c.login, users.c.area).where(or_(users.c.id.in_(acted), users.c.id.in_(visited)))
    if login:
        there = there.where(users.c.login == login)
    return tuple(Reach(f"user {row.login}", row.area) for row in session.execute(there.order_by(users.c.login)))


def tokens_in_use(session: Session, since: datetime, until: datetime) -> tuple[Reach, ...]:
    """Return the tokens that may have read in a time: made before its end, last used after it began.

    Only the last use is kept, so that one that is still in use counts for every time since it was made.
    """
    used = tokens.c.created_at < until, tokens.c.last_used_at >= since, tokens.c.scopes.contains("read:")
    there = select(tokens.c.name, tokens.c.area).where(*used).order_by(tokens.c.id)
    return tuple(Reach(f"token {row.name}", row.area) for row in session.execute(there))


def exports_taken(session: Session, since: datetime, until: datetime, user_name: str = "") -> tuple[Taken, ...]:
    """Return the exports that were asked for or downloaded in a time, by anybody or by this user."""
    in_time = audit.c.at >= since, audit.c.at < until, audit.c.noun == "file", audit.c.action.in_(_TAKING)
    refs = select(audit.c.subject).where(*in_time)
    if user_name:
        refs = refs.where(audit.c.user_name == user_name)
    there = select(exports.c.id, exports.c.ref, exports.c.user_name).where(exports.c.ref.in_(refs))
    return tuple(Taken(*row) for row in session.execute(there.order_by(exports.c.id)))


def find_export(session: Session, ref: str) -> Taken | None:
    """Return an export by the name in its file, or None."""
    row = session.execute(select(exports.c.id, exports.c.ref, exports.c.user_name).where(exports.c.ref == ref)).first()
    return Taken(*row) if row else None


def people_in(session: Session, taken: Taken) -> tuple[Concerned, ...]:
    """Return whose reports stand in an export."""
    ids = (
        select(reports.c.reporter_id)
        .join(export_reports, export_reports.c.report_id == reports.c.id)
        .where(export_reports.c.export_id == taken.id)
    )
    return people_of(session, tuple(session.execute(ids.distinct()).scalars()))


def people_touched(session: Session, since: datetime, until: datetime, user_name: str) -> tuple[Concerned, ...]:
    """Return the reporters whose own row somebody changed or looked through in a time."""
    mine = audit.c.at >= since, audit.c.at < until, audit.c.noun == "reporter", audit.c.user_name == user_name
    subjects = session.execute(select(audit.c.subject).where(*mine).distinct()).scalars()
    return people_of(session, tuple(int(one) for one in subjects if one.isdecimal()))


def people_of(session: Session, ids: Sequence[int | None]) -> tuple[Concerned, ...]:
    """Return reporters with their numbers; who was erased can be told no more, and is left out."""
    wanted = sorted({one for one in ids if one is not None})
    phones: dict[int, list[str]] = {}
    for row in session.execute(select(reporter_phones).where(reporter_phones.c.reporter_id.in_(wanted))):
        phones.setdefault(row.reporter_id, []).append(row.phone)
    there = select(reporters.c.id, reporters.c.name).where(
        reporters.c.id.in_(wanted), ~reporters.c.name.startswith("erased:")
    )
    return tuple(
        Concerned(row.id, row.name, tuple(sorted(phones.get(row.id, ()))))
        for row in session.execute(there.order_by(reporters.c.name, reporters.c.id))
    )
