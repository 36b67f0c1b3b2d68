"""Standings: what the database knows of how facilities' reports of a month stand, asked for many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, select

from gateway.store.base import Session, UtcDateTime
from gateway.store.questions import COLUMNS as QUESTION_COLUMNS
from gateway.store.questions import Question, questions
from gateway.store.reporters import reporter_facilities, reporter_phones
from gateway.store.reports import reports
from gateway.values import ReportState

_OF_MONTH = (
    select(reports.c.form, reports.c.facility_id, reports.c.id, reports.c.state, reports.c.created_at)
    .where(
        reports.c.form.in_(bindparam("forms", expanding=True)),
        reports.c.facility_id.in_(bindparam("facility_ids", expanding=True)),
        reports.c.period == bindparam("of_period"),
    )
    .order_by(reports.c.id)
)
_phones_there = (
    select(reporter_phones.c.phone)
    .join(reporter_facilities, reporter_facilities.c.reporter_id == reporter_phones.c.reporter_id)
    .where(reporter_facilities.c.facility_id.in_(bindparam("facility_ids", expanding=True)))
)
_UNSTORED = (
    select(*QUESTION_COLUMNS, questions.c.state)
    .where(questions.c.sender.in_(_phones_there), questions.c.report_id.is_(None))
    .where(questions.c.asked_at >= bindparam("since"))
    .order_by(questions.c.id)
)


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of a report, as far as its state goes."""

    report_id: int
    state: str
    created_at: datetime


def revisions_of_month(
    session: Session, forms: Collection[str], period: str, facility_ids: Collection[int]
) -> dict[tuple[str, int], tuple[Revision, ...]]:
    """Return every revision of these reports by form and facility, oldest first; those without any are left out."""
    asked = {"forms": list(forms), "of_period": period, "facility_ids": list(facility_ids)}
    found: dict[tuple[str, int], list[Revision]] = defaultdict(list)
    for form, facility_id, *revision in session.execute(_OF_MONTH, asked):
        found[form, facility_id].append(Revision(*revision))
    return {key: tuple(these) for key, these in found.items()}


def asked_unstored(
    session: Session, facility_ids: Collection[int], since: datetime
) -> tuple[tuple[Question, str], ...]:
    """Return what phones of these facilities were asked about reports that could not be stored, and what became of it.

    Shape: (question, its state), oldest first. Which facility was meant, only its reading tells.
    """
    rows = session.execute(_UNSTORED, {"facility_ids": list(facility_ids), "since": since})
    return tuple((Question(*row[:-1]), row.state) for row in rows)


def taken_back(
    session: Session, forms: Collection[str], periods: Collection[str], facility_ids: Collection[int]
) -> set[tuple[str, str, int]]:
    """Return of which reports, by form, period and facility, a revision was withdrawn or rejected."""
    about = reports.c.form.in_(forms), reports.c.period.in_(periods), reports.c.facility_id.in_(facility_ids)
    gone = reports.c.state.in_((ReportState.WITHDRAWN, ReportState.REJECTED))
    statement = select(reports.c.form, reports.c.period, reports.c.facility_id).where(*about, gone).distinct()
    return {(form, period, facility_id) for form, period, facility_id in session.execute(statement)}


def first_sent(session: Session, form: str, period: str, facility_ids: Collection[int]) -> dict[int, datetime]:
    """Return when each facility first sent its report of a month, of what was neither withdrawn nor rejected."""
    about = reports.c.form == form, reports.c.period == period, reports.c.facility_id.in_(facility_ids)
    stands = reports.c.state.not_in((ReportState.WITHDRAWN, ReportState.REJECTED))
    statement = select(reports.c.facility_id, func.min(reports.c.sent_at, type_=UtcDateTime)).where(*about, stands)
    return {row[0]: row[1] for row in session.execute(statement.group_by(reports.c.facility_id))}
