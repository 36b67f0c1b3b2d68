"""Reports: every revision of every monthly report, with its values; at most one of each counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    cast,
    false,
    func,
    insert,
    literal_column,
    select,
    update,
)

from gateway.store.base import Session, UtcDateTime, clock_now, metadata
from gateway.store.facilities import facilities
from gateway.store.inbox import BigId, inbox
from gateway.values import COUNTING, REPORT_MOVES, ReportState

reports = Table(
    "reports",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("form", String(20), nullable=False),
    Column("facility_id", ForeignKey("facilities.id"), nullable=False),
    Column("period", String(7), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("state", String(10), nullable=False),
    Column("sent_at", UtcDateTime, nullable=False),
    Column("sent_key", String(200), nullable=False),
    Column("inbox_id", ForeignKey("inbox.id"), nullable=True),
    Column("reporter_id", ForeignKey("reporters.id"), nullable=True),
    Column("replaces_id", ForeignKey("reports.id"), nullable=True),
    Column("text", Text, nullable=False),
    Column("reading", JSON, nullable=False),
    Column("flags", JSON, nullable=False),
    Column("form_version", SmallInteger, nullable=False),
    Column("reader_version", SmallInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("is_summed", Boolean, nullable=False, server_default=false()),  # whether `totals` knows its state
    Column("made_by", Integer, nullable=True),  # the user who made this revision by hand
    Column("reason", Text, nullable=True),  # why they did
    Column("reread_id", BigInteger, nullable=True),  # the message that was read again since
    Column("changed_at", UtcDateTime, nullable=True),  # when its state last changed; None: not since it was created
    UniqueConstraint("form", "facility_id", "period", "revision", name="uq_reports_revision"),
    UniqueConstraint("inbox_id", "form", "facility_id", "period", name="uq_reports_inbox"),
)
_counts = reports.c.state.in_(tuple(COUNTING))
Index(
    "uq_reports_current",
    reports.c.form,
    reports.c.facility_id,
    reports.c.period,
    unique=True,
    sqlite_where=reports.c.state.in_(("accepted", "approved")),
    postgresql_where=reports.c.state.in_(("accepted", "approved")),
)

Index("ix_reports_reporter_id", reports.c.reporter_id, reports.c.id)
Index("ix_reports_facility_id", reports.c.facility_id, reports.c.id)  # lists of an area, the newest first
Index("ix_reports_period", reports.c.period, reports.c.id)  # lists of a month
Index("ix_reports_created_at", reports.c.created_at)  # what is new or changed since an instant
Index(
    "ix_reports_reread_id",
    reports.c.reread_id,
    sqlite_where=reports.c.reread_id.is_not(None),
    postgresql_where=reports.c.reread_id.is_not(None),
)
Index(
    "ix_reports_changed_at",
    reports.c.changed_at,
    sqlite_where=reports.c.changed_at.is_not(None),
    postgresql_where=reports.c.changed_at.is_not(None),
)

# Written out: with bound values no database could tell that it may use the partial indexes.
is_open = reports.c.state.in_([literal_column(f"'{state}'") for state in ("waiting", "flagged", "accepted")])
_is_accepted = reports.c.state == literal_column("'accepted'", String)
is_noted = and_(_is_accepted, cast(reports.c.flags, Text) != literal_column("'[]'", Text))
is_plain = and_(_is_accepted, cast(reports.c.flags, Text) == literal_column("'[]'", Text))
Index("ix_reports_open", reports.c.state, reports.c.id, sqlite_where=is_open, postgresql_where=is_open)
Index(
    "ix_reports_open_facility",
    reports.c.facility_id,
    reports.c.state,
    reports.c.id,
    sqlite_where=is_open,
    postgresql_where=is_open,
)
Index("ix_reports_noted", reports.c.id, sqlite_where=is_noted, postgresql_where=is_noted)
Index("ix_reports_plain", reports.c.facility_id, reports.c.id, sqlite_where=is_plain, postgresql_where=is_plain)
Index(
    "ix_reports_unsummed",
    reports.c.form,
    reports.c.period,
    reports.c.facility_id,
    sqlite_where=~reports.c.is_summed,
    postgresql_where=~reports.c.is_summed,
)

report_values = Table(
    "report_values",
    metadata,
    Column("report_id", ForeignKey("reports.id"), primary_key=True),
    Column("measure", String(20), primary_key=True),
    Column("item", String(20), primary_key=True),
    Column("quantity", Integer, nullable=False),
)


@dataclass(frozen=True, slots=True)
class ReportKey:
    """What a report is about: at most one revision of it counts."""

    form: str
    facility_id: int
    period: str


@dataclass(frozen=True, slots=True)
class Report:
    """One revision. Shape: `values` maps `measure` or `measure.item` to a number; (sent_at, sent_key) is its rank.

    `made_by` is the user who made it by hand, and `reason` why; None and empty where it came by message.
    """

    id: int
    key: ReportKey
    revision: int
    state: str
    sent_at: datetime
    sent_key: str
    inbox_id: int | None
    reporter_id: int | None
    replaces_id: int | None
    text: str
    created_at: datetime
    values: Mapping[str, int]
    made_by: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class NewReport:
    """A revision about to be added.

    Shape: `reading` is the report as it was read (`handle.reading_json`); `flags` are what staff should look at:
    {"code", "about"} of a W rule (`parsers.problems`).
    """

    key: ReportKey
    state: ReportState
    sent_at: datetime
    sent_key: str
    values: Mapping[str, int]
    text: str
    reading: Mapping[str, Any]
    form_version: int
    reader_version: int
    created_at: datetime
    inbox_id: int | None = None
    reporter_id: int | None = None
    replaces_id: int | None = None
    flags: Sequence[Mapping[str, Any]] = ()
    made_by: int | None = None
    reason: str | None = None


COLUMNS = tuple(
    reports.c[name]
    for name in (
        *("id", "form", "facility_id", "period", "revision", "state", "sent_at", "sent_key", "inbox_id", "reporter_id"),
        *("replaces_id", "text", "created_at", "made_by", "reason"),
    )
)


# What is asked for every single report is put together once: that costs more than asking it.
_about = (
    reports.c.form == bindparam("about_form"),
    reports.c.facility_id == bindparam("about_facility"),
    reports.c.period == bindparam("about_period"),
)
_REVISIONS = select(*COLUMNS).where(*_about).order_by(reports.c.revision)
_CURRENT = select(*COLUMNS).where(*_about, _counts)
_MONTHS = (
    select(reports.c.period, report_values.c.measure, report_values.c.item, report_values.c.quantity)
    .join(report_values, report_values.c.report_id == reports.c.id)
    .where(_about[0], _about[1], reports.c.period >= bindparam("since"), _counts)
)
_VALUES = select(report_values).where(report_values.c.report_id.in_(bindparam("ids", expanding=True)))
_next_revision = select(func.coalesce(func.max(reports.c.revision), 0) + 1).where(*_about).scalar_subquery()
_ADD = insert(reports).values(revision=_next_revision).returning(reports.c.id)
_ADD_VALUES = insert(report_values)
_SET_STATE = (
    update(reports)
    .where(reports.c.id == bindparam("report_id"), reports.c.state == bindparam("was"))
    .values(state=bindparam("becomes"), is_summed=False, changed_at=clock_now())
)


def revisions(session: Session, key: ReportKey) -> tuple[Report, ...]:
    """Return every revision of a report with its values, oldest first."""
    return with_values(session, session.execute(_REVISIONS, _name(key)).all())


def current_reports(session: Session, *, facility_ids: Collection[int], form: str) -> tuple[Report, ...]:
    """Return the reports that count for these facilities, newest period first."""
    counting = reports.c.facility_id.in_(facility_ids), reports.c.form == form, _counts
    statement = select(*COLUMNS).where(*counting).order_by(reports.c.period.desc())
    return with_values(session, session.execute(statement).all())


def find_current(session: Session, key: ReportKey) -> Report | None:
    """Return the revision that counts, or None."""
    return next(iter(with_values(session, session.execute(_CURRENT, _name(key)).all())), None)


def values_of_months(session: Session, form: str, facility_id: int, since: str) -> dict[str, dict[str, int]]:
    """Return what counts for a facility by period, from a period on: what a new report is judged beside."""
    about = {"about_form": form, "about_facility": facility_id, "since": since}
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for period, measure, item, quantity in session.execute(_MONTHS, about).all():
        found[period][_key_of(measure, item)] = quantity
    return found


def latest_of(session: Session, reporter_ids: Collection[int], received_until: datetime | None = None) -> Report | None:
    """Return the revision that these reporters sent last, whatever became of it; of those received until then."""
    by_rank = reports.c.sent_at.desc(), reports.c.sent_key.desc(), reports.c.id.desc()
    statement = select(*COLUMNS).where(reports.c.reporter_id.in_(reporter_ids)).order_by(*by_rank).limit(1)
    if received_until is not None:
        later = select(inbox.c.id).where(inbox.c.id == reports.c.inbox_id, inbox.c.received_at > received_until)
        statement = statement.where(~later.exists())
    return next(iter(with_values(session, session.execute(statement).all())), None)


def find_report(session: Session, report_id: int) -> Report | None:
    """Return one revision with its values, or None."""
    rows = session.execute(select(*COLUMNS).where(reports.c.id == report_id)).all()
    return next(iter(with_values(session, rows)), None)


def find_reading(session: Session, report_id: int) -> dict[str, Any] | None:
    """Return how a revision was read, as it was kept with it, or None."""
    found: dict[str, Any] | None = session.execute(
        select(reports.c.reading).where(reports.c.id == report_id)
    ).scalar_one_or_none()
    return found


def find_flags(session: Session, report_id: int) -> tuple[Mapping[str, Any], ...]:
    """Return what staff should look at in a revision: {"code", "about"} of each W rule that it met."""
    found = session.execute(select(reports.c.flags).where(reports.c.id == report_id)).scalar_one_or_none()
    return tuple(found or ())


def add(session: Session, report: NewReport) -> int:
    """Add a revision with its values and return its id. Its number is one more than the last.

    Errors: Raced when another session added that revision, or another one that counts, at the same time.
    """
    report_id = int(session.execute(_ADD, as_row(report) | _name(report.key)).scalar_one())
    values = as_value_rows(report_id, report.values)
    if values:
        session.execute(_ADD_VALUES, values)
    return report_id


def release(session: Session, key: ReportKey, inbox_id: int) -> None:
    """Let a message that is read again have another report of a key: the earlier one keeps it as `reread_id`."""
    about = reports.c.form == key.form, reports.c.facility_id == key.facility_id, reports.c.period == key.period
    earlier = update(reports).where(reports.c.inbox_id == inbox_id, *about)
    session.execute(earlier.values(inbox_id=None, reread_id=inbox_id))


def is_from(session: Session, key: ReportKey, inbox_id: int) -> bool:
    """Return whether the revision that counts came of this message."""
    mine = select(reports.c.id).where(reports.c.inbox_id == inbox_id, *_about, _counts)
    return session.execute(mine, _name(key)).first() is not None


def add_firsts(session: Session, found: Sequence[NewReport]) -> tuple[int, ...]:
    """Add the first revisions of many reports at once, with their values, and return their ids in the order given.

    Errors: Raced when one of them has a revision already.
    """
    if not found:
        return ()
    statement = insert(reports).returning(reports.c.id, sort_by_parameter_order=True)
    ids = tuple(session.execute(statement, [as_row(report) | {"revision": 1} for report in found]).scalars())
    values = [
        row for report_id, report in zip(ids, found, strict=True) for row in as_value_rows(report_id, report.values)
    ]
    if values:
        session.execute(_ADD_VALUES, values)
    return ids


def set_state(session: Session, report_id: int, state: ReportState, *, was: ReportState | str) -> bool:
    """Move a revision from one state to another; False when it no longer stood there.

    Errors: ValueError for a move that no revision makes.
    """
    if state not in REPORT_MOVES[ReportState(was)]:
        raise ValueError(f"no report goes from {was} to {state}")
    changed = session.execute(_SET_STATE, {"report_id": report_id, "was": was, "becomes": state})
    return bool(changed.rowcount)


def latest_reports(
    session: Session, *, reporter_ids: Collection[int] | None = None, limit: int = 50
) -> tuple[tuple[Report, str], ...]:
    """Return the newest revisions with their facility's name, newest first."""
    statement = (
        select(*COLUMNS, facilities.c.name.label("facility_name"))
        .join(facilities, facilities.c.id == reports.c.facility_id)
        .order_by(reports.c.id.desc())
        .limit(limit)
    )
    if reporter_ids is not None:
        statement = statement.where(reports.c.reporter_id.in_(reporter_ids))
    rows = session.execute(statement).all()
    found = with_values(session, rows)
    return tuple((report, row.facility_name) for report, row in zip(found, rows, strict=True))


def as_row(report: NewReport) -> dict[str, Any]:
    """Return a revision's row, but for its number."""
    same = ("state", "sent_at", "sent_key", "text", "form_version", "reader_version", "created_at", "inbox_id")
    row = {name: getattr(report, name) for name in (*same, "reporter_id", "replaces_id", "made_by", "reason")}
    key = {"form": report.key.form, "facility_id": report.key.facility_id, "period": report.key.period}
    return row | key | {"reading": dict(report.reading), "flags": list(report.flags)}


def as_value_rows(report_id: int, values: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return the rows of a revision's values."""
    parts = ((*name.partition("."), quantity) for name, quantity in values.items())
    return [
        {"report_id": report_id, "measure": measure, "item": item, "quantity": quantity}
        for measure, _, item, quantity in parts
    ]


def _key_of(measure: str, item: str) -> str:
    return f"{measure}.{item}" if item else measure


def _name(key: ReportKey) -> dict[str, Any]:
    return {"about_form": key.form, "about_facility": key.facility_id, "about_period": key.period}


def with_values(session: Session, rows: Collection[Any]) -> tuple[Report, ...]:
    """Return the revisions with their values, asked for in one question for all of them."""
    if not rows:
        return ()
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for report_id, measure, item, quantity in session.execute(_VALUES, {"ids": [row.id for row in rows]}):
        found[report_id][_key_of(measure, item)] = quantity
    return tuple(
        Report(
            id=row.id,
            key=ReportKey(row.form, row.facility_id, row.period),
            revision=row.revision,
            state=row.state,
            sent_at=row.sent_at,
            sent_key=row.sent_key,
            inbox_id=row.inbox_id,
            reporter_id=row.reporter_id,
            replaces_id=row.replaces_id,
            text=row.text,
            created_at=row.created_at,
            values=found[row.id],
            made_by=row.made_by,
            reason=row.reason or "",
        )
        for row in rows
    )
