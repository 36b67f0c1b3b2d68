"""Bundles: what many messages need of reports, read in one statement each; what they bring, written in a few."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, func, insert, literal_column, select, text

from gateway.store.base import Session, is_postgresql
from gateway.store.facilities import facilities
from gateway.store.outbox import NewOutboxMessage, outbox
from gateway.store.outbox import as_row as as_outbox_row
from gateway.store.reports import (
    COLUMNS,
    NewReport,
    Report,
    ReportKey,
    as_row,
    as_value_rows,
    report_values,
    reports,
    with_values,
)
from gateway.store.settled import values_of

_theirs = reports.c.facility_id.in_(bindparam("facility_ids", expanding=True))
_counts = reports.c.state.in_([literal_column("'accepted'"), literal_column("'approved'")])  # as the index says
_MONTHS = select(reports.c.id, reports.c.facility_id, reports.c.period).where(
    reports.c.form == bindparam("of_form"), _theirs, reports.c.period >= bindparam("since"), _counts
)
_REVISIONS = (
    select(*COLUMNS)
    .where(reports.c.form == bindparam("of_form"), _theirs, reports.c.period >= bindparam("since"))
    .order_by(reports.c.revision)
)
_LOCK = (
    select(facilities.c.id)
    .where(facilities.c.id.in_(bindparam("facility_ids", expanding=True)))
    .order_by(facilities.c.id)
    .with_for_update()
)
_TAKE_IDS = text("SELECT nextval(pg_get_serial_sequence('reports', 'id')) FROM generate_series(1, :count)")
_LAST_ID = select(func.coalesce(func.max(reports.c.id), 0))
_ADD = insert(reports).returning(reports.c.id)  # with RETURNING many rows are one statement
_ADD_VALUES = insert(report_values).returning(report_values.c.report_id)
_ADD_ANSWERS = insert(outbox).returning(outbox.c.id)


@dataclass(frozen=True, slots=True)
class NumberedReport:
    """A revision about to be added whose id and revision are known already."""

    id: int
    revision: int
    report: NewReport


def lock_facilities(session: Session, facility_ids: Collection[int]) -> None:
    """Let no other session settle a report of these facilities until this one ends; the same order for everybody."""
    if is_postgresql(session):  # a write transaction on SQLite already holds the whole database
        session.execute(_LOCK, {"facility_ids": list(facility_ids)})


def values_of_months(
    session: Session, form: str, facility_ids: Collection[int], since: str
) -> Mapping[int, Mapping[str, Mapping[str, int]]]:
    """Return what counts for these facilities from a period on, by facility and period.

    Their values are a question of its own: in one with both PostgreSQL may go through those of every report there is.
    """
    about = {"of_form": form, "facility_ids": list(facility_ids), "since": since}
    rows = session.execute(_MONTHS, about).all()
    values = values_of(session, [row.id for row in rows]) if rows else {}
    found: dict[int, dict[str, Mapping[str, int]]] = defaultdict(dict)
    for row in rows:
        if row.id in values:
            found[row.facility_id][row.period] = values[row.id]
    return found


def revisions(
    session: Session, form: str, facility_ids: Collection[int], since: str
) -> Mapping[ReportKey, Sequence[Report]]:
    """Return every revision of these facilities' reports from a period on, by report, oldest first."""
    found: dict[ReportKey, list[Report]] = defaultdict(list)
    about = {"of_form": form, "facility_ids": list(facility_ids), "since": since}
    for one in with_values(session, session.execute(_REVISIONS, about).all()):
        found[one.key].append(one)
    return found


def take_ids(session: Session, count: int) -> Sequence[int]:
    """Return ids for so many reports, which nobody else gets. On SQLite they must be used before others are added."""
    if is_postgresql(session):
        return session.execute(_TAKE_IDS, {"count": count}).scalars().all()
    last: int = session.execute(_LAST_ID).scalar_one()
    return range(last + 1, last + 1 + count)


def add_numbered(session: Session, found: Sequence[NumberedReport]) -> None:
    """Add revisions with their values. Errors: Raced when another session added one of them, or one that counts."""
    if not found:
        return
    session.execute(_ADD, [as_row(one.report) | {"id": one.id, "revision": one.revision} for one in found])
    values = [row for one in found for row in as_value_rows(one.id, one.report.values)]
    if values:
        session.execute(_ADD_VALUES, values)


def add_answers(session: Session, answers: Sequence[NewOutboxMessage]) -> None:
    """Queue or withhold many messages. Errors: Raced when one of these answers is there already."""
    if answers:
        session.execute(_ADD_ANSWERS, [as_outbox_row(one) for one in answers])
