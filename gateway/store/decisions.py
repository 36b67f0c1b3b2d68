"""Decisions: what staff decided about a report, when and why; kept for ever, also where they took it back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
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
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)

from gateway.store import reports as reports_store
from gateway.store.base import Session, UtcDateTime, clock_now, metadata, within
from gateway.store.facilities import facilities
from gateway.store.inbox import BigId
from gateway.store.reports import Report, ReportKey, reports
from gateway.values import COUNTING, REPORT_MOVES, REPORT_UNDOS, ReportState, Scope

decisions = Table(
    "decisions",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("report_id", ForeignKey("reports.id"), nullable=False),
    Column("form", String(20), nullable=False),
    Column("facility_id", ForeignKey("facilities.id"), nullable=False),
    Column("period", String(7), nullable=False),
    Column("user_id", Integer, nullable=True),
    Column("user_name", String(100), nullable=False),
    Column("action", String(20), nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("state_before", String(10), nullable=False),
    Column("state_after", String(10), nullable=False),
    Column("changes", JSON, nullable=False),
    Column("newest", Integer, nullable=False),
    Column("batch", String(16), nullable=True),
    Column("undone_at", UtcDateTime, nullable=True),
    Column("undone_by", String(100), nullable=True),
)
Index(
    "ix_decisions_about",
    decisions.c.facility_id,
    decisions.c.period,
    decisions.c.form,
    decisions.c.id,
)
Index("ix_decisions_batch", decisions.c.batch)


@dataclass(frozen=True, slots=True)
class Move:
    """One revision that a decision moves from one state to another."""

    report_id: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision. `newest` is the number of the newest revision of its report once it was made.

    Shape: `changes` holds all that it did besides: {"moves": [[report id, before, after]], "added": report id,
    "asked": question id, "closed": question ids, "sent": ref of the message to the sender}. `batch` joins those that
    were made at once; `undone_by` is the name of who took it back.
    """

    id: int
    report_id: int
    form: str
    facility_id: int
    period: str
    user_id: int | None
    user_name: str
    action: str
    reason: str
    at: datetime
    state_before: str
    state_after: str
    changes: Mapping[str, Any]
    newest: int
    batch: str | None
    undone_at: datetime | None
    undone_by: str | None

    @property
    def key(self) -> ReportKey:
        """What the report is about."""
        return ReportKey(self.form, self.facility_id, self.period)

    @property
    def moves(self) -> tuple[Move, ...]:
        """The revisions that it moved."""
        return tuple(Move(*one) for one in self.changes.get("moves", ()))


@dataclass(frozen=True, slots=True)
class NewDecision:
    """A decision about to be kept."""

    report_id: int
    key: ReportKey
    user_id: int | None
    user_name: str
    action: str
    reason: str
    at: datetime
    state_before: str
    state_after: str
    changes: Mapping[str, Any]
    newest: int
    batch: str | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A report that nobody else can settle until this session ends: where it lies, and every revision, oldest first."""

    key: ReportKey
    area: str
    revisions: tuple[Report, ...]

    @property
    def newest(self) -> int:
        """Return the number of its newest revision."""
        return self.revisions[-1].revision

    @property
    def current(self) -> Report | None:
        """Return the revision that counts, or None."""
        return next((one for one in self.revisions if one.state in COUNTING), None)

    def find(self, report_id: int) -> Report:
        """Return one of its revisions."""
        return next(one for one in self.revisions if one.id == report_id)


@dataclass(frozen=True, slots=True)
class HeldRow:
    """One of many reports that are held at once: where it stands, and the number of its newest revision."""

    report_id: int
    key: ReportKey
    area: str
    state: str
    newest: int


_COLUMNS = tuple(decisions.c[name] for name in Decision.__slots__)
PLACES = reports.join(facilities, facilities.c.id == reports.c.facility_id)
_MOVE = (
    update(reports)
    .where(reports.c.id == bindparam("report_id"), reports.c.state == bindparam("was"))
    .values(state=bindparam("becomes"), is_summed=False, changed_at=clock_now())
)
_later = reports.alias("later")
NEWEST = (  # the number of the newest revision of the same report
    select(func.max(_later.c.revision))
    .where(
        _later.c.form == reports.c.form,
        _later.c.facility_id == reports.c.facility_id,
        _later.c.period == reports.c.period,
    )
    .scalar_subquery()
)


def hold(session: Session, report_id: int, *, scope: Scope) -> Held | None:
    """Let nobody else settle a report until this session ends, and return it; None where it lies outside the scope."""
    statement = (
        select(reports.c.form, reports.c.facility_id, reports.c.period, facilities.c.area)
        .select_from(PLACES)
        .where(reports.c.id == report_id, within(facilities.c.area, scope))
        .with_for_update(of=facilities)
    )
    row = session.execute(statement).first()
    if row is None:
        return None
    key = ReportKey(row.form, row.facility_id, row.period)
    return Held(key, row.area, reports_store.revisions(session, key))


def hold_many(session: Session, report_ids: Collection[int], *, scope: Scope) -> tuple[HeldRow, ...]:
    """Let nobody else settle these reports until this session ends, and return those within the scope."""
    places = select(reports.c.facility_id).where(reports.c.id.in_(report_ids))
    # always in the same order: two sessions that hold many never wait for each other in a circle
    lock = select(facilities.c.id).where(facilities.c.id.in_(places), within(facilities.c.area, scope))
    session.execute(lock.order_by(facilities.c.id).with_for_update()).all()
    columns = reports.c.id, reports.c.form, reports.c.facility_id, reports.c.period, facilities.c.area, reports.c.state
    statement = (
        select(*columns, NEWEST.label("newest"))
        .select_from(PLACES)
        .where(reports.c.id.in_(report_ids), within(facilities.c.area, scope))
        .order_by(reports.c.id)
    )
    return tuple(
        HeldRow(row.id, ReportKey(row.form, row.facility_id, row.period), row.area, row.state, row.newest)
        for row in session.execute(statement)
    )


def move(session: Session, moves: Sequence[Move], *, is_undo: bool = False) -> bool:
    """Move revisions that are held; False when one of them no longer stood where it was said to.

    What stops counting goes first: at most one revision of a report counts at any instant.
    Errors: ValueError for a move that no revision makes.
    """
    known = REPORT_UNDOS if is_undo else REPORT_MOVES
    for one in moves:
        if ReportState(one.after) not in known[ReportState(one.before)] | REPORT_MOVES[ReportState(one.before)]:
            raise ValueError(f"no report goes from {one.before} to {one.after}")
    ordered = sorted(moves, key=lambda one: one.after in COUNTING)
    rows = [{"report_id": one.report_id, "was": one.before, "becomes": one.after} for one in ordered]
    return all(session.execute(_MOVE, row).rowcount for row in rows)


def move_all(session: Session, report_ids: Sequence[int], before: ReportState, after: ReportState) -> int:
    """Move many revisions that are held from one state to another, none of them into the place of another one."""
    if not report_ids:
        return 0
    which = reports.c.id.in_(report_ids), reports.c.state == before
    values = {"state": after, "is_summed": False, "changed_at": clock_now()}
    return int(session.execute(update(reports).where(*which).values(values)).rowcount)


def add(session: Session, made: Sequence[NewDecision]) -> tuple[int, ...]:
    """Keep decisions and return their ids, in the order given."""
    if not made:
        return ()
    same = ("report_id", "user_id", "user_name", "action", "reason", "at", "state_before", "state_after", "newest")
    rows = [
        {name: getattr(one, name) for name in (*same, "batch")}
        | {"form": one.key.form, "facility_id": one.key.facility_id, "period": one.key.period}
        | {"changes": dict(one.changes)}
        for one in made
    ]
    statement = insert(decisions).returning(decisions.c.id, sort_by_parameter_order=True)
    return tuple(session.execute(statement, rows).scalars())


def history(session: Session, key: ReportKey, *, scope: Scope) -> tuple[Decision, ...]:
    """Return every decision about a report, newest first; nothing where it lies outside the scope."""
    statement = (
        select(*_COLUMNS)
        .join(facilities, facilities.c.id == decisions.c.facility_id)
        .where(_about(key), within(facilities.c.area, scope))
        .order_by(decisions.c.id.desc())
    )
    return tuple(Decision(*row) for row in session.execute(statement))


def find(session: Session, decision_id: int, *, scope: Scope) -> Decision | None:
    """Return a decision, or None where there is none within the scope."""
    statement = (
        select(*_COLUMNS)
        .join(facilities, facilities.c.id == decisions.c.facility_id)
        .where(decisions.c.id == decision_id, within(facilities.c.area, scope))
    )
    row = session.execute(statement).first()
    return Decision(*row) if row else None


def find_batch(session: Session, batch: str, *, scope: Scope) -> tuple[Decision, ...]:
    """Return the decisions that were made at once under a name and not taken back, within the scope."""
    statement = (
        select(*_COLUMNS)
        .join(facilities, facilities.c.id == decisions.c.facility_id)
        .where(decisions.c.batch == batch, decisions.c.undone_at.is_(None), within(facilities.c.area, scope))
        .order_by(decisions.c.id)
    )
    return tuple(Decision(*row) for row in session.execute(statement))


def latest_of(session: Session, keys: Collection[ReportKey]) -> dict[ReportKey, Decision]:
    """Return the newest decision about each of these reports that was not taken back."""
    if not keys:
        return {}
    about = or_(*map(_about, keys))
    newest = (
        select(func.max(decisions.c.id))
        .where(about, decisions.c.undone_at.is_(None))
        .group_by(decisions.c.form, decisions.c.facility_id, decisions.c.period)
    )
    found = [Decision(*row) for row in session.execute(select(*_COLUMNS).where(decisions.c.id.in_(newest)))]
    return {one.key: one for one in found}


def set_undone(session: Session, decision_ids: Collection[int], name: str, now: datetime) -> None:
    """Mark decisions as taken back."""
    which = decisions.c.id.in_(decision_ids), decisions.c.undone_at.is_(None)
    session.execute(update(decisions).where(*which).values(undone_at=now, undone_by=name))


def _about(key: ReportKey) -> Any:
    return and_(
        decisions.c.facility_id == key.facility_id,
        decisions.c.period == key.period,
        decisions.c.form == key.form,
    )
