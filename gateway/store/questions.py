"""Questions: what a sender was asked and has not yet answered. One is open for each sender; others wait their turn."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    update,
)

from gateway.errors import Raced
from gateway.store import inbox
from gateway.store.base import Session, UtcDateTime, metadata, savepoint
from gateway.store.reports import reports
from gateway.values import ReportState

questions = Table(
    "questions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("sender", String(64), nullable=False),
    Column("reporter_id", ForeignKey("reporters.id"), nullable=False),
    Column("inbox_id", ForeignKey("inbox.id"), nullable=False),
    Column("report_id", ForeignKey("reports.id"), nullable=True),
    Column("reading", JSON, nullable=False),
    Column("text", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime, nullable=True),
)
OPEN, NEXT, ANSWERED, REPLACED, EXPIRED = "open", "next", "answered", "replaced", "expired"

# Written out wherever a partial index is meant: with a bound value no database could tell that it may use it.
_open = questions.c.state == literal_column("'open'", String)
_next = questions.c.state == literal_column("'next'", String)
Index(
    "uq_questions_open",
    questions.c.sender,
    unique=True,
    sqlite_where=_open,
    postgresql_where=_open,
)
Index(
    "ix_questions_next",
    questions.c.sender,
    questions.c.id,
    sqlite_where=_next,
    postgresql_where=_next,
)
_unsettled = questions.c.state.in_((literal_column("'open'"), literal_column("'next'")))
Index("ix_questions_asked_at", questions.c.asked_at, sqlite_where=_unsettled, postgresql_where=_unsettled)
Index("ix_questions_inbox_id", questions.c.inbox_id)
Index("ix_questions_report_id", questions.c.report_id, questions.c.id)
Index("ix_questions_sender", questions.c.sender, questions.c.id)


@dataclass(frozen=True, slots=True)
class Question:
    """An open question. Shape: `reading` is the report as it was read, problems and all (`handle.reading_json`)."""

    id: int
    sender: str
    reporter_id: int
    inbox_id: int
    report_id: int | None
    reading: dict[str, Any]
    text: str
    asked_at: datetime


COLUMNS = tuple(questions.c[name] for name in Question.__slots__)

# What is asked for every batch is put together once: that costs more than asking it.
_from_senders = questions.c.sender.in_(bindparam("senders", expanding=True))
_OPEN_QUESTIONS = select(*COLUMNS).where(_open, _from_senders)
_IN_LINE = select(questions.c.sender).where(_next, _from_senders).distinct()


def open_questions(session: Session, senders: Collection[str]) -> dict[str, Question]:
    """Return the open question of each of these senders who has one."""
    if not senders:
        return {}
    rows = session.execute(_OPEN_QUESTIONS, {"senders": list(senders)})
    return {row.sender: Question(*row) for row in rows}


def senders_in_line(session: Session, senders: Collection[str]) -> set[str]:
    """Return those of these senders who have questions that wait for their turn."""
    return set(session.execute(_IN_LINE, {"senders": list(senders)}).scalars())


def next_questions(session: Session, sender: str) -> tuple[Question, ...]:
    """Return the questions that wait for their turn, the longest waiting first."""
    statement = select(*COLUMNS).where(questions.c.sender == sender, _next)
    return tuple(Question(*row) for row in session.execute(statement.order_by(questions.c.id)))


def ask(
    session: Session,
    *,
    sender: str,
    reporter_id: int,
    inbox_id: int,
    reading: dict[str, Any],
    text: str,
    asked_at: datetime,
    report_id: int | None = None,
    state: str = OPEN,
) -> Question:
    """Open a question, or with NEXT let it wait its turn. Errors: Raced when one is open already; close it first."""
    row: dict[str, Any] = {
        "sender": sender,
        "reporter_id": reporter_id,
        "inbox_id": inbox_id,
        "reading": reading,
        "text": text,
        "report_id": report_id,
        "asked_at": asked_at,
    }
    statement = insert(questions).returning(questions.c.id)
    question_id = int(session.execute(statement, row | {"state": state}).scalar_one())
    return Question(question_id, **row)


def open_next(session: Session, sender: str, now: datetime) -> Question | None:
    """Open the question that has waited longest, and return it; None when none waits."""
    waiting = next_questions(session, sender)
    if not waiting:
        return None
    session.execute(update(questions).where(questions.c.id == waiting[0].id).values(state=OPEN, asked_at=now))
    return replace(waiting[0], asked_at=now)


def close(session: Session, question_id: int, state: str, now: datetime) -> None:
    """Close a question: ANSWERED by its sender, or REPLACED by another report."""
    session.execute(update(questions).where(questions.c.id == question_id).values(state=state, closed_at=now))


def reword(session: Session, question_id: int, reading: Mapping[str, Any]) -> None:
    """Keep another reading with a question: what was tried in vain to answer it."""
    session.execute(update(questions).where(questions.c.id == question_id).values(reading=dict(reading)))


def of_reports(session: Session, report_ids: Collection[int]) -> tuple[int, ...]:
    """Return the questions about these reports that are open or wait for their turn."""
    asked = questions.c.report_id.in_(report_ids), questions.c.state.in_((OPEN, NEXT))
    return tuple(session.execute(select(questions.c.id).where(*asked).order_by(questions.c.id)).scalars())


def latest_of_reports(session: Session, report_ids: Collection[int]) -> dict[int, tuple[Question, str]]:
    """Return the last question about each of these reports, and its state."""
    if not report_ids:
        return {}
    about = questions.c.report_id.in_(report_ids)
    newest = select(func.max(questions.c.id)).where(about).group_by(questions.c.report_id)
    rows = session.execute(select(*COLUMNS, questions.c.state).where(questions.c.id.in_(newest)))
    return {row.report_id: (Question(*row[:-1]), row.state) for row in rows}


def reopen(session: Session, question_ids: Collection[int]) -> None:
    """Open questions again that staff had closed; behind the one that their sender has open by now, if she has."""
    statement = select(*COLUMNS).where(questions.c.id.in_(question_ids)).order_by(questions.c.id)
    for row in session.execute(statement).all():
        state = NEXT if open_questions(session, [row.sender]) else OPEN
        session.execute(update(questions).where(questions.c.id == row.id).values(state=state, closed_at=None))


def ask_again(session: Session, question_id: int, now: datetime) -> Question:
    """Ask a question once more, and return the one that her next message answers: its time begins anew.

    That is another one where she has one open already: this one waits for its turn behind it. The message that it is
    about is nothing for staff meanwhile. Errors: Raced when it has been answered this very moment.
    """
    mine = select(*COLUMNS, questions.c.state).where(questions.c.id == question_id).with_for_update()
    *found, state = session.execute(mine).one()
    wanted = Question(*found)
    if not _is_unanswered(session, wanted, state):
        raise Raced(f"question {question_id} needs no answer any more")
    first = open_questions(session, [wanted.sender]).get(wanted.sender, wanted)
    if first.id == question_id:
        try:
            with savepoint(session):
                _set_open(session, question_id, OPEN, now)
        except Raced:  # she is being asked something else this very moment
            first = open_questions(session, [wanted.sender]).get(wanted.sender, wanted)
            _set_open(session, question_id, NEXT, now)
    else:
        _set_open(session, question_id, NEXT, now)
        _set_open(session, first.id, OPEN, now)
    inbox.take_from_staff(session, wanted.inbox_id)
    return replace(first, asked_at=now)


def _is_unanswered(session: Session, question: Question, state: str) -> bool:
    """Tell whether what was asked about still waits: its report, or where none was stored, the question itself."""
    if question.report_id is None:
        return state in (OPEN, NEXT, EXPIRED)
    found = select(reports.c.state).where(reports.c.id == question.report_id)
    return bool(session.execute(found).scalar_one() == ReportState.WAITING)


def _set_open(session: Session, question_id: int, state: str, now: datetime) -> None:
    anew = {"state": state, "asked_at": now, "closed_at": None}
    session.execute(update(questions).where(questions.c.id == question_id).values(anew))


def expire(session: Session, asked_before: datetime, now: datetime) -> tuple[tuple[int, int | None], ...]:
    """Close the questions that nobody answered in time, and return what goes to staff for it.

    Shape: (id of the message that was asked about, id of the report that waited, None where it was never stored).
    """
    late = _unsettled, questions.c.asked_at < asked_before
    statement = update(questions).where(*late).values(state=EXPIRED, closed_at=now)
    expired = session.execute(statement.returning(questions.c.inbox_id, questions.c.report_id))
    return tuple((row.inbox_id, row.report_id) for row in expired)
