"""What staff do with received messages: call them done, and have them read again; in their own area only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select, update

from gateway.store.base import Session, within, written
from gateway.store.conversations import PAGE, concerns
from gateway.store.facilities import facilities
from gateway.store.inbox import ANEW, COLUMNS, WAITING, InboxMessage, inbox
from gateway.store.months import closings
from gateway.store.questions import NEXT, OPEN, questions
from gateway.store.reports import report_values, reports
from gateway.values import InboxState, ReportState, Scope

_UNSETTLED = (ReportState.WAITING, ReportState.FLAGGED, ReportState.ACCEPTED)
_SETTLED = (ReportState.APPROVED, ReportState.REJECTED, ReportState.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class Figures:
    """A report that came of a message, with its numbers. Shape: `values` are (`measure` or `measure.item`, number)."""

    id: int
    form: str
    period: str
    facility_id: int
    facility: str
    state: str
    values: tuple[tuple[str, int], ...] = ()

    @property
    def key(self) -> tuple[str, str, int]:
        """What it is about."""
        return self.form, self.period, self.facility_id


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a message stands: its state, the reports that came of it, and what is asked about it."""

    state: str
    figures: tuple[Figures, ...]
    asked: tuple[str, ...]


def call_done(session: Session, message_ids: Collection[int], *, scope: Scope) -> tuple[int, ...]:
    """Say of messages that wait for staff that nothing is to be done; return which did. Undone by `undo_done`."""
    waits = inbox.c.id.in_(message_ids), inbox.c.state.in_(WAITING), concerns(inbox.c.sender, inbox.c.channel, scope)
    statement = update(inbox).where(*waits).values(done_from=inbox.c.state, state=InboxState.DONE)
    return tuple(sorted(session.execute(statement.returning(inbox.c.id)).scalars()))


def undo_done(session: Session, message_ids: Collection[int], *, scope: Scope) -> tuple[int, ...]:
    """Let messages wait for staff again, as they did before these called them done; return which did."""
    called = inbox.c.id.in_(message_ids), inbox.c.state == InboxState.DONE, inbox.c.done_from.is_not(None)
    statement = update(inbox).where(*called, concerns(inbox.c.sender, inbox.c.channel, scope))
    back = statement.values(state=inbox.c.done_from, done_from=None)
    return tuple(sorted(session.execute(back.returning(inbox.c.id)).scalars()))


def put_back(
    session: Session, message_id: int, *, seen_rounds: int, is_quiet: bool, scope: Scope
) -> InboxMessage | None:
    """Let one message be handled anew, and return it; None when it may not be, or was meanwhile.

    What waits for staff may be, and what has reports of which none is approved, taken back, refused, or of a closed
    month.
    """
    which = inbox.c.id == message_id, inbox.c.rounds == seen_rounds, _may_be_read_again()
    statement = update(inbox).where(*which, concerns(inbox.c.sender, inbox.c.channel, scope))
    anew = statement.values(ANEW).values(is_quiet=is_quiet)
    row = session.execute(anew.returning(*COLUMNS)).first()
    return InboxMessage(*row) if row else None


def waiting_since(
    session: Session,
    state: InboxState,
    *,
    scope: Scope,
    since: datetime,
    until: datetime,
    before: int | None = None,
    limit: int = PAGE + 1,
) -> tuple[InboxMessage, ...]:
    """Return the newest messages of a state that were received in a time, newest first."""
    which = [inbox.c.state == written(state), inbox.c.received_at >= since, inbox.c.received_at < until]
    if before is not None:
        which.append(inbox.c.id < before)
    statement = select(*COLUMNS).where(*which, concerns(inbox.c.sender, inbox.c.channel, scope))
    rows = session.execute(statement.order_by(inbox.c.id.desc()).limit(limit))
    return tuple(InboxMessage(*row) for row in rows)


def reported_for(
    session: Session, form: str, period: str, *, scope: Scope, before: int | None = None, limit: int = PAGE + 1
) -> tuple[InboxMessage, ...]:
    """Return the newest messages that reported a month and may be read again, newest first."""
    mine = (
        select(reports.c.inbox_id)
        .join(facilities, facilities.c.id == reports.c.facility_id)
        .where(reports.c.form == form, reports.c.period == period, reports.c.state.in_(_UNSETTLED))
        .where(reports.c.inbox_id.is_not(None), within(facilities.c.area, scope))
    )
    statement = select(*COLUMNS).where(
        inbox.c.id.in_(mine), _may_be_read_again(), concerns(inbox.c.sender, inbox.c.channel, scope)
    )
    if before is not None:
        statement = statement.where(inbox.c.id < before)
    rows = session.execute(statement.order_by(inbox.c.id.desc()).limit(limit))
    return tuple(InboxMessage(*row) for row in rows)


def may_be_read_again(session: Session, message_ids: Collection[int], *, scope: Scope) -> frozenset[int]:
    """Return those of these messages that may be handled anew; see `put_back`."""
    which = inbox.c.id.in_(message_ids), _may_be_read_again(), concerns(inbox.c.sender, inbox.c.channel, scope)
    return frozenset(session.execute(select(inbox.c.id).where(*which)).scalars())


def _may_be_read_again() -> ColumnElement[bool]:
    mine = select(reports.c.id).where(reports.c.inbox_id == inbox.c.id)
    closed = (
        mine.join(facilities, facilities.c.id == reports.c.facility_id)
        .join(closings, and_(closings.c.form == reports.c.form, closings.c.period == reports.c.period))
        .where(
            closings.c.reopened_at.is_(None),
            or_(facilities.c.area == closings.c.area, facilities.c.area.startswith(closings.c.area.concat("."))),
        )
    )
    return or_(
        inbox.c.state.in_(WAITING),
        and_(
            inbox.c.state == InboxState.DONE,
            inbox.c.text != "",  # else its sender was erased, and there is nothing to read
            inbox.c.done_from.is_(None),
            exists(mine.where(reports.c.state.in_(_UNSETTLED))),
            ~exists(mine.where(reports.c.state.in_(_SETTLED))),
            ~exists(closed),
        ),
    )


def standings(session: Session, message_ids: Collection[int], *, scope: Scope) -> dict[int, Standing]:
    """Return where messages stand, in a few questions for all of them."""
    mine = inbox.c.id.in_(message_ids), concerns(inbox.c.sender, inbox.c.channel, scope)
    states = {row.id: row.state for row in session.execute(select(inbox.c.id, inbox.c.state).where(*mine))}
    if not states:
        return {}
    asking = questions.c.inbox_id.in_(states), questions.c.state.in_((OPEN, NEXT))
    asked: dict[int, list[str]] = defaultdict(list)
    for row in session.execute(select(questions.c.inbox_id, questions.c.text).where(*asking).order_by(questions.c.id)):
        asked[row.inbox_id].append(row.text)
    figures = _figures_of(session, states)
    return {
        message_id: Standing(state, figures.get(message_id, ()), tuple(asked.get(message_id, ())))
        for message_id, state in states.items()
    }


def _figures_of(session: Session, message_ids: Collection[int]) -> dict[int, tuple[Figures, ...]]:
    columns = (
        reports.c.id,
        reports.c.form,
        reports.c.period,
        reports.c.facility_id,
        facilities.c.name,
        reports.c.state,
    )
    statement = (
        select(reports.c.inbox_id, *columns)
        .join(facilities, facilities.c.id == reports.c.facility_id)
        .where(reports.c.inbox_id.in_(message_ids))
        .order_by(reports.c.id)
    )
    rows: list[Any] = list(session.execute(statement))
    values: dict[int, list[tuple[str, int]]] = defaultdict(list)
    numbers = select(report_values).where(report_values.c.report_id.in_([row.id for row in rows]))
    for report_id, measure, item, quantity in session.execute(numbers) if rows else ():
        values[report_id].append((f"{measure}.{item}" if item else measure, quantity))
    found: dict[int, list[Figures]] = defaultdict(list)
    for row in rows:
        about = (row.id, row.form, row.period, row.facility_id, row.name, row.state)
        found[row.inbox_id].append(Figures(*about, tuple(sorted(values[row.id]))))
    return {message_id: tuple(these) for message_id, these in found.items()}
