"""Doubles: what stands in the registry twice; set aside as different, or merged so that nothing counts twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Integer, String, Table, delete, func, insert, select, update

from gateway.errors import Raced
from gateway.store.base import Session, clock_now, metadata, within
from gateway.store.batches import give_batches
from gateway.store.decisions import decisions
from gateway.store.facilities import facilities, lock_facility
from gateway.store.klikkb import klikkb_midwives
from gateway.store.leaves import reporter_leaves
from gateway.store.questions import questions
from gateway.store.register import KnownFacility, change_facility
from gateway.store.reporters import reporter_facilities, reporter_phones, reporters
from gateway.store.reports import reports, set_state
from gateway.store.roster import KnownReporter, change_reporter
from gateway.values import COUNTING, ReportState, Scope

no_doubles = Table(
    "no_doubles",
    metadata,
    Column("noun", String(20), primary_key=True),
    Column("first_id", Integer, primary_key=True),
    Column("second_id", Integer, primary_key=True),
)

Month = tuple[str, str]  # a form and a period


@dataclass(frozen=True, slots=True)
class Row:
    """What a likeness is looked for by: a name, where it is, and what only one can have (a code, a phone)."""

    id: int
    name: str
    area: str
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """A report of one of two doubles: which revision it is and where it stands."""

    id: int
    form: str
    period: str
    revision: int
    state: str
    inbox_id: int | None

    @property
    def counts(self) -> bool:
        """Whether it is in the figures."""
        return self.state in COUNTING


def list_facility_rows(session: Session, *, scope: Scope) -> tuple[Row, ...]:
    """Return the active facilities of an area, by what doubles are told by."""
    columns = (facilities.c.id, facilities.c.name, facilities.c.area, facilities.c.kemenkes_code)
    rows = session.execute(select(*columns).where(facilities.c.is_active, within(facilities.c.area, scope)))
    return tuple(Row(row.id, row.name, row.area, (row.kemenkes_code,) if row.kemenkes_code else ()) for row in rows)


def list_reporter_rows(session: Session, *, scope: Scope) -> tuple[Row, ...]:
    """Return the active reporters of an area, by what doubles are told by; a phone that is shared is no such thing."""
    statement = (
        select(reporters.c.id, reporters.c.name, func.min(facilities.c.area).label("area"))
        .join(reporter_facilities, reporter_facilities.c.reporter_id == reporters.c.id)
        .join(facilities, facilities.c.id == reporter_facilities.c.facility_id)
        .where(reporters.c.is_active, within(facilities.c.area, scope))
        .group_by(reporters.c.id, reporters.c.name)
    )
    return tuple(Row(row.id, row.name, row.area, ()) for row in session.execute(statement))


def known_as_different(session: Session, noun: str, *, scope: Scope) -> set[tuple[int, int]]:
    """Return the pairs of an area that somebody called two different ones."""
    inside = select(facilities.c.id).where(within(facilities.c.area, scope))
    if noun == "reporter":
        pairs = reporter_facilities.c.facility_id
        inside = select(reporter_facilities.c.reporter_id).where(pairs.in_(inside))
    statement = select(no_doubles.c.first_id, no_doubles.c.second_id)
    rows = session.execute(statement.where(no_doubles.c.noun == noun, no_doubles.c.first_id.in_(inside)))
    return {(row.first_id, row.second_id) for row in rows}


def call_different(session: Session, noun: str, one_id: int, other_id: int, *, scope: Scope) -> None:
    """Suggest this pair no more. The caller has found both in the scope."""
    first, second = sorted((one_id, other_id))
    if (first, second) not in known_as_different(session, noun, scope=scope):
        session.execute(insert(no_doubles), {"noun": noun, "first_id": first, "second_id": second})


def reports_of(session: Session, facility_id: int, *, scope: Scope) -> tuple[Counted, ...]:
    """Return every revision of a facility of the area, by month."""
    columns = (reports.c[name] for name in Counted.__slots__)
    statement = (
        select(*columns)
        .join(facilities, facilities.c.id == reports.c.facility_id)
        .where(reports.c.facility_id == facility_id, within(facilities.c.area, scope))
        .order_by(reports.c.period, reports.c.form, reports.c.revision)
    )
    return tuple(Counted(*row) for row in session.execute(statement))


def find_conflicts(ones: Sequence[Counted], others: Sequence[Counted]) -> tuple[Month, ...]:
    """Return the months for which both have a report that counts: one of the two must give way."""
    first, second = ({(one.form, one.period) for one in these if one.counts} for these in (ones, others))
    return tuple(sorted(first & second, key=lambda month: (month[1], month[0])))


def merge_facilities(
    session: Session, winner: KnownFacility, loser: KnownFacility, keep: Mapping[Month, str], *, scope: Scope
) -> bool:
    """Give everything of one facility to another, and close it with a pointer to that; False where either was changed.

    Shape: `keep` says for each conflict whose report counts on: `winner` or `loser`; the other one is replaced.
    Errors: Raced where a conflict is not decided: another report came in.
    """
    for facility_id in sorted((winner.id, loser.id)):
        lock_facility(session, facility_id)
    closed = {"is_active": False, "merged_into": winner.id, "closed_on": loser.closed_on, "reopened_on": None}
    is_first = change_facility(session, winner.id, {}, scope=scope, version=winner.version)
    if not is_first or not change_facility(session, loser.id, closed, scope=scope, version=loser.version):
        return False
    ours, theirs = (reports_of(session, one.id, scope=scope) for one in (winner, loser))
    for month in find_conflicts(ours, theirs):
        if month not in keep:
            raise Raced(f"both have a report of {month}")
        yielding = theirs if keep[month] == "winner" else ours
        for one in yielding:
            if (one.form, one.period) == month and one.counts:
                set_state(session, one.id, ReportState.REPLACED, was=one.state)
    _give_reports(session, winner.id, loser.id, ours, theirs)
    session.execute(update(decisions).where(decisions.c.facility_id == loser.id).values(facility_id=winner.id))
    _give_pairs(session, "facility_id", winner.id, loser.id)
    give_batches(session, winner.id, loser.id)
    session.execute(update(facilities).where(facilities.c.merged_into == loser.id).values(merged_into=winner.id))
    return True


def _give_reports(
    session: Session, winner_id: int, loser_id: int, ours: Sequence[Counted], theirs: Sequence[Counted]
) -> None:
    """Put the loser's revisions behind the winner's, month by month; their messages stay theirs."""
    last: dict[Month, int] = defaultdict(int)
    for one in ours:
        last[one.form, one.period] = max(last[one.form, one.period], one.revision)
    same = {(one.form, one.period, one.inbox_id) for one in ours if one.inbox_id is not None}
    for one in theirs:
        if (one.form, one.period, one.inbox_id) in same:  # one message reported for both: it names a revision once
            session.execute(update(reports).where(reports.c.id == one.id).values(inbox_id=None))
    for form, period in sorted({(one.form, one.period) for one in theirs}):
        about = reports.c.facility_id == loser_id, reports.c.form == form, reports.c.period == period
        revision = reports.c.revision + last[form, period]
        values = {"facility_id": winner_id, "revision": revision, "changed_at": clock_now()}
        session.execute(update(reports).where(*about).values(values))


def merge_reporters(session: Session, winner: KnownReporter, loser: KnownReporter, *, scope: Scope, month: str) -> bool:
    """Give everything of one reporter to another, and suspend her with a pointer to that.

    False where either was changed meanwhile.
    """
    gone = {"is_active": False, "merged_into": winner.id}
    kept: dict[str, Any] = {}
    if winner.stopped_at is None and loser.stopped_at is not None:
        kept["stopped_at"] = loser.stopped_at  # whoever asked for no reminders is not reminded by a merge
    if not change_reporter(session, winner.id, kept, scope=scope, version=winner.version, month=month):
        return False
    if not change_reporter(session, loser.id, gone, scope=scope, version=loser.version, month=month):
        return False
    _give_phones(session, winner, loser)
    _give_pairs(session, "reporter_id", winner.id, loser.id)
    for table in (reports, questions, klikkb_midwives):
        session.execute(update(table).where(table.c.reporter_id == loser.id).values(reporter_id=winner.id))
    for column in (reporter_leaves.c.reporter_id, reporter_leaves.c.stand_in_id):
        session.execute(update(reporter_leaves).where(column == loser.id).values({column.name: winner.id}))
    alone = reporter_leaves.c.reporter_id == reporter_leaves.c.stand_in_id
    session.execute(update(reporter_leaves).where(alone).values(stand_in_id=None))
    session.execute(update(reporters).where(reporters.c.merged_into == loser.id).values(merged_into=winner.id))
    return True


def _give_phones(session: Session, winner: KnownReporter, loser: KnownReporter) -> None:
    session.execute(delete(reporter_phones).where(reporter_phones.c.reporter_id == loser.id))
    new = [{"phone": phone, "reporter_id": winner.id} for phone in loser.phones if phone not in winner.phones]
    if new:
        session.execute(insert(reporter_phones), new)


def _give_pairs(session: Session, name: str, winner_id: int, loser_id: int) -> None:
    """Give who reports for what from one to another, of a facility or of a reporter; what both have stays the winner's.

    Shape: `name` is the column that is merged.
    """
    merged = reporter_facilities.c[name]
    (other,) = (one for one in ("facility_id", "reporter_id") if one != name)
    has = _column(session, reporter_facilities.c[other], merged == winner_id)
    session.execute(delete(reporter_facilities).where(merged == loser_id, reporter_facilities.c[other].in_(has)))
    session.execute(update(reporter_facilities).where(merged == loser_id).values({name: winner_id}))


def _column(session: Session, column: Any, condition: Any) -> Collection[int]:
    return tuple(session.execute(select(column).where(condition)).scalars())
