"""What is known of a facility's month when staff type a report for it: what it is judged beside, what is there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.calendar import shift
from gateway.handle.limits import limits_for
from gateway.store import batches, facilities, months, reports, thresholds
from gateway.store.base import Session
from gateway.store.reports import Report, ReportKey
from gateway.values import COUNTING, ReportState
from parsers.form import Form
from parsers.judge import Facts

BY_SYSTEM = "system"  # the source of a report that nobody typed: another system posted it
LIVE = COUNTING | {ReportState.WAITING, ReportState.FLAGGED}


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside a report that staff type. Shape: `revisions` are those of its month, oldest first."""

    facts: Facts
    revisions: tuple[Report, ...]
    is_closed: bool

    @property
    def newest_id(self) -> int | None:
        """Return the newest revision, whatever became of it."""
        return self.revisions[-1].id if self.revisions else None

    @property
    def live(self) -> Report | None:
        """Return the revision that counts, else the newest one that may still count; None where the month is missing.

        What is there is corrected; what is not there is entered.
        """
        counting = [one for one in self.revisions if one.state in COUNTING]
        living = [one for one in self.revisions if one.state in LIVE]
        return next(iter([*counting, *living[::-1]]), None)


def gather(session: Session, form: Form, facility_id: int, period: str, now: datetime) -> Beside:
    """Return what stands beside a report of a form for a month from a facility that the caller may see."""
    facility = facilities.get_facilities(session, [facility_id])[facility_id]
    months.wait_for_closings(session)
    return Beside(
        facts=Facts(
            sent_on=now.astimezone(ZoneInfo(facility.timezone)).date(),
            facility_type=facility.type,
            history=reports.values_of_months(session, form.code, facility_id, shift(period, -12)),
            expires_on=batches.expiries_for(session, form, facility_id),
            thresholds=limits_for(thresholds.all_thresholds(session), form, facility),
        ),
        revisions=reports.revisions(session, ReportKey(form.code, facility_id, period)),
        is_closed=months.is_closed(session, form.code, period, facility.area),
    )
