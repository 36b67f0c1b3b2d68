"""Reconciling: what providers had and we did not, and what was sent in our name that we know nothing of."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, Index, Integer, String, Table, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway.lines import FoundSend
from gateway.store.base import Session, UtcDateTime, is_postgresql, metadata
from gateway.store.inbox import BigId, inbox
from gateway.store.outbox import outbox
from gateway.values import OutboxState

findings = Table(
    "findings",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("channel", String(40), nullable=False),
    Column("found_at", UtcDateTime, nullable=False),
    Column("missing", Integer, nullable=False),
    Column("oldest_at", UtcDateTime, nullable=False),
)
Index("ix_findings_found_at", findings.c.found_at)

strange_sends = Table(
    "strange_sends",
    metadata,
    Column("channel", String(40), primary_key=True),
    Column("provider_id", String(200), primary_key=True),
    Column("sent_at", UtcDateTime, nullable=False),
    Column("found_at", UtcDateTime, nullable=False),
)
Index("ix_strange_sends_found_at", strange_sends.c.found_at)

CLOCKS_DIFFER = timedelta(minutes=5)  # a provider's clock and ours


@dataclass(frozen=True, slots=True)
class Finding:
    """How many messages, or sends, of a channel were found lately, and when the oldest of them was sent."""

    channel: str
    count: int
    since: datetime


def note_missing(session: Session, channel: str, missing: int, oldest_at: datetime, now: datetime) -> None:
    """Write down that messages had not come in and were fetched, for staff to know."""
    row = {"channel": channel, "found_at": now, "missing": missing, "oldest_at": oldest_at}
    session.execute(insert(findings), row)


def has_messages(session: Session, channel: str) -> bool:
    """Tell whether anything ever came by a channel."""
    statement = select(inbox.c.id).where(inbox.c.channel == channel).limit(1)
    return session.execute(statement).first() is not None


def find_known(session: Session, channel: str, provider_ids: Collection[str]) -> set[str]:
    """Return those of a provider's ids that stand on messages of ours."""
    mine = outbox.c.channel == channel, outbox.c.provider_id.in_(provider_ids)
    return set(session.execute(select(outbox.c.provider_id).where(*mine)).scalars()) - {None} if provider_ids else set()


def find_unsure(session: Session, channel: str, send: FoundSend) -> str | None:
    """Return the ref of the oldest message that may have gone out and is this one: to whom, and in the same words.

    A provider may write something before the words (a trial account does).
    """
    mine = outbox.c.channel == channel, outbox.c.recipient == send.recipient, outbox.c.provider_id.is_(None)
    doubtful = outbox.c.state == OutboxState.UNSURE, outbox.c.created_at <= send.sent_at + CLOCKS_DIFFER
    rows = session.execute(select(outbox.c.ref, outbox.c.text).where(*mine, *doubtful).order_by(outbox.c.id))
    return next((ref for ref, words in rows if send.text.endswith(words)), None)


def note_strange(session: Session, channel: str, send: FoundSend, now: datetime) -> bool:
    """Write down a send that is none of ours; False when it was known already."""
    dialect = postgresql if is_postgresql(session) else sqlite
    row = {"channel": channel, "provider_id": send.provider_id, "sent_at": send.sent_at, "found_at": now}
    statement = dialect.insert(strange_sends).on_conflict_do_nothing().returning(strange_sends.c.provider_id)
    return session.execute(statement, row).first() is not None


def missing_lately(session: Session, names: Collection[str], since: datetime) -> tuple[Finding, ...]:
    """Return what was fetched since an instant because it had not come in, by channel."""
    own = findings.c
    what = select(own.channel, func.sum(own.missing), func.min(own.oldest_at, type_=UtcDateTime()))
    found = what.where(own.channel.in_(names), own.found_at >= since).group_by(own.channel).order_by(own.channel)
    return tuple(Finding(name, int(count), oldest) for name, count, oldest in session.execute(found))


def strange_lately(session: Session, names: Collection[str], since: datetime) -> tuple[Finding, ...]:
    """Return what was found since an instant to have been sent in our name by somebody else, by channel."""
    own = strange_sends.c
    what = select(own.channel, func.count(), func.min(own.sent_at, type_=UtcDateTime()))
    found = what.where(own.channel.in_(names), own.found_at >= since).group_by(own.channel).order_by(own.channel)
    return tuple(Finding(name, int(count), oldest) for name, count, oldest in session.execute(found))
