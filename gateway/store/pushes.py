"""Pushes: months sent to other systems, facility by facility, each claimed by one worker; every call that was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    func,
    insert,
    select,
    text,
)

from gateway.store.base import Session, UtcDateTime, metadata, within
from gateway.store.facilities import facilities
from gateway.store.inbox import BigId
from gateway.store.reports import reports
from gateway.values import ReportState, Scope

QUEUED, SENDING = "queued", "sending"
DELIVERED, PARTLY, REFUSED, UNSURE, FAILED = "delivered", "partly", "refused", "unsure", "failed"
RUNNING, DONE, STOPPED = "running", "done", "stopped"
ROWS = 500

pushes = Table(
    "pushes",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("destination_id", Integer, nullable=False),
    Column("destination_name", String(100), nullable=False),
    Column("host", String(255), nullable=False),
    Column("mapping_id", Integer, nullable=False),
    Column("mapping_version", Integer, nullable=False),
    Column("data_set", String(120), nullable=False),
    Column("form", String(20), nullable=False),
    Column("period", String(7), nullable=False),
    Column("area", String(13), nullable=False),
    Column("is_whole", Boolean, nullable=False),
    Column("is_dry_run", Boolean, nullable=False),
    Column("state", String(10), nullable=False),
    Column("fault", String(20), nullable=True),
    Column("about", JSON, nullable=False),
    Column("user_id", Integer, nullable=True),
    Column("user_name", String(100), nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime, nullable=True),
)
Index("ix_pushes_area", pushes.c.area, pushes.c.id)
_is_real = text("state = 'running' AND NOT is_dry_run")
Index(
    "uq_pushes_running",
    pushes.c.destination_id,
    pushes.c.form,
    pushes.c.period,
    unique=True,
    sqlite_where=_is_real,
    postgresql_where=_is_real,
)

push_turns = Table(
    "push_turns",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("push_id", ForeignKey("pushes.id"), nullable=False),
    Column("facility_id", ForeignKey("facilities.id"), nullable=False),
    Column("report_id", ForeignKey("reports.id"), nullable=True),
    Column("org_unit", String(120), nullable=False),
    Column("state", String(10), nullable=False),
    Column("reason", String(20), nullable=True),
    Column("tries", SmallInteger, nullable=False),
    Column("next_try_at", UtcDateTime, nullable=True),
    Column("token", String(16), nullable=True),
    Column("lease_until", UtcDateTime, nullable=True),
    Column("digest", String(64), nullable=True),
    Column("sent", Integer, nullable=False),
    Column("equal", Integer, nullable=False),
    Column("lines", JSON, nullable=True),
    Column("ended_at", UtcDateTime, nullable=True),
)
Index("uq_push_turns_facility", push_turns.c.push_id, push_turns.c.facility_id, unique=True)
Index("ix_push_turns_state", push_turns.c.state, push_turns.c.next_try_at)
Index("ix_push_turns_facility_id", push_turns.c.facility_id)
Index("ix_push_turns_report_id", push_turns.c.report_id)

push_calls = Table(
    "push_calls",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("turn_id", ForeignKey("push_turns.id"), nullable=False),
    Column("called_at", UtcDateTime, nullable=False),
    Column("method", String(10), nullable=False),
    Column("path", Text, nullable=False),
    Column("status", SmallInteger, nullable=True),
    Column("request", Text, nullable=False),
    Column("answer", Text, nullable=False),
)
Index("ix_push_calls_turn_id", push_calls.c.turn_id, push_calls.c.id)
Index("ix_push_calls_called_at", push_calls.c.called_at)


@dataclass(frozen=True, slots=True)
class NewPush:
    """A month to be sent. `is_whole` sends every value, also those that are there; a dry run changes nothing there."""

    destination_id: int
    destination_name: str
    host: str
    mapping_id: int
    mapping_version: int
    data_set: str
    form: str
    period: str
    area: str
    is_whole: bool
    is_dry_run: bool
    about: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Push(NewPush):
    """One push; running -> done | stopped. `fault` is the reason that it was stopped for."""

    id: int
    state: str
    fault: str | None
    user_id: int | None
    user_name: str
    asked_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewTurn:
    """A facility's month in a push. Without a report, what was sent before is taken back.

    `reason` is why it may not be sent: then it is refused from the start, and never called for.
    """

    facility_id: int
    report_id: int | None
    org_unit: str
    reason: str | None = None
    lines: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """One facility's month; queued -> sending -> delivered | partly | refused | unsure | failed.

    sending -> queued where it is tried again later, or where its worker died. Shape: `lines` are cells, each with keys,
    data_element, combo, ours, theirs, reason, code, said, is_equal.
    """

    id: int
    push_id: int
    facility_id: int
    report_id: int | None
    org_unit: str
    state: str
    reason: str | None
    tries: int
    next_try_at: datetime | None
    digest: str | None
    sent: int
    equal: int
    lines: Sequence[Mapping[str, Any]] | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of a turn."""

    state: str
    reason: str | None = None
    digest: str | None = None
    sent: int = 0
    equal: int = 0
    lines: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class NewCall:
    """One request and its answer, without secrets."""

    method: str
    path: str
    status: int | None
    request: str
    answer: str


@dataclass(frozen=True, slots=True)
class KeptCall(NewCall):
    """A call that was made."""

    called_at: datetime


@dataclass(frozen=True, slots=True)
class ShownTurn:
    """A turn with its facility's name, and whether the report has changed since."""

    turn: Turn
    name: str
    code: str
    is_changed: bool


PUSH = tuple(pushes.c[name] for name in (*NewPush.__slots__, *Push.__slots__))
TURN = tuple(push_turns.c[name] for name in Turn.__slots__)


def ask(session: Session, new: NewPush, by: tuple[int | None, str], now: datetime, *, scope: Scope) -> Push | None:
    """Begin a push, without its turns yet, and return it; None where its area is not in the scope.

    Errors: Raced when the same month is being sent there already.
    """
    if not scope.covers(new.area):
        return None
    row = {name: getattr(new, name) for name in NewPush.__slots__} | {"about": dict(new.about)}
    row |= {"state": RUNNING, "user_id": by[0], "user_name": by[1], "asked_at": now}
    return Push(*session.execute(insert(pushes).returning(*PUSH), row).one())


def add_turns(session: Session, push: Push, turns: Sequence[NewTurn], now: datetime, *, scope: Scope) -> bool:
    """Queue facilities' months of a push; those that may not be sent are refused at once. False out of the scope."""
    if not scope.covers(push.area):
        return False
    rows = [
        {
            "push_id": push.id,
            "facility_id": turn.facility_id,
            "report_id": turn.report_id,
            "org_unit": turn.org_unit,
            "state": REFUSED if turn.reason else QUEUED,
            "reason": turn.reason,
            "tries": 0,
            "sent": 0,
            "equal": 0,
            "lines": [dict(line) for line in turn.lines],
            "ended_at": now if turn.reason else None,
        }
        for turn in turns
    ]
    for at in range(0, len(rows), ROWS):
        session.execute(insert(push_turns), rows[at : at + ROWS])
    return True


def find_push(session: Session, push_id: int, *, scope: Scope) -> Push | None:
    """Return a push, or None."""
    row = session.execute(select(*PUSH).where(pushes.c.id == push_id, within(pushes.c.area, scope))).first()
    return Push(*row) if row else None


def list_pushes(session: Session, *, scope: Scope, before: int | None = None, limit: int = 50) -> tuple[Push, ...]:
    """Return the pushes of a scope, the newest first, from before an id on."""
    statement = select(*PUSH).where(within(pushes.c.area, scope))
    if before is not None:
        statement = statement.where(pushes.c.id < before)
    return tuple(Push(*row) for row in session.execute(statement.order_by(pushes.c.id.desc()).limit(limit)))


def find_running(session: Session, destination_id: int, form: str, period: str, *, scope: Scope) -> int | None:
    """Return the id of the push that is sending this month there now, or None."""
    same = pushes.c.destination_id == destination_id, pushes.c.form == form, pushes.c.period == period
    running = pushes.c.state == RUNNING, pushes.c.is_dry_run.is_(False), within(pushes.c.area, scope)
    return session.execute(select(pushes.c.id).where(*same, *running).limit(1)).scalar_one_or_none()


def count_states(session: Session, push_ids: Sequence[int], *, scope: Scope) -> dict[int, dict[str, int]]:
    """Return how many facilities of each push stand in each state."""
    statement = (
        select(push_turns.c.push_id, push_turns.c.state, func.count())
        .join(pushes, pushes.c.id == push_turns.c.push_id)
        .where(push_turns.c.push_id.in_(push_ids), within(pushes.c.area, scope))
        .group_by(push_turns.c.push_id, push_turns.c.state)
    )
    found: dict[int, dict[str, int]] = {push_id: {} for push_id in push_ids}
    for push_id, state, number in session.execute(statement):
        found[push_id][state] = int(number)
    return found


def list_turns(
    session: Session,
    push: Push,
    settled: frozenset[ReportState],
    *,
    scope: Scope,
    states: Sequence[str] = (),
    after: str = "",
    limit: int = 50,
) -> tuple[ShownTurn, ...]:
    """Return facilities' months of a push by facility code, from after a code on; `states` narrows them."""
    statement = (
        select(*TURN, facilities.c.name, facilities.c.code, reports.c.state.label("report_state"))
        .join(facilities, facilities.c.id == push_turns.c.facility_id)
        .outerjoin(reports, reports.c.id == push_turns.c.report_id)
        .where(push_turns.c.push_id == push.id, facilities.c.code > after, within(facilities.c.area, scope))
        .order_by(facilities.c.code)
        .limit(limit)
    )
    if states:
        statement = statement.where(push_turns.c.state.in_(states))
    return tuple(
        ShownTurn(Turn(*row[: len(TURN)]), row.name, row.code, _is_changed(row.report_state, settled))
        for row in session.execute(statement)
    )


def _is_changed(state: str | None, settled: frozenset[ReportState]) -> bool:
    return state is not None and state not in settled


def find_turn(
    session: Session, push: Push, turn_id: int, settled: frozenset[ReportState], *, scope: Scope
) -> ShownTurn | None:
    """Return one facility's month of a push, or None."""
    statement = (
        select(*TURN, facilities.c.name, facilities.c.code, reports.c.state.label("report_state"))
        .join(facilities, facilities.c.id == push_turns.c.facility_id)
        .outerjoin(reports, reports.c.id == push_turns.c.report_id)
        .where(push_turns.c.id == turn_id, push_turns.c.push_id == push.id, within(facilities.c.area, scope))
    )
    row = session.execute(statement).first()
    if row is None:
        return None
    return ShownTurn(Turn(*row[: len(TURN)]), row.name, row.code, _is_changed(row.report_state, settled))


def list_calls(session: Session, turn: Turn, *, scope: Scope, limit: int = 50) -> tuple[KeptCall, ...]:
    """Return the calls that were made for a turn, the oldest first."""
    statement = (
        select(*(push_calls.c[name] for name in (*NewCall.__slots__, *KeptCall.__slots__)))
        .join(push_turns, push_turns.c.id == push_calls.c.turn_id)
        .join(pushes, pushes.c.id == push_turns.c.push_id)
        .where(push_calls.c.turn_id == turn.id, within(pushes.c.area, scope))
        .order_by(push_calls.c.id)
        .limit(limit)
    )
    return tuple(KeptCall(*row) for row in session.execute(statement))
