"""Tell which months staff have closed: what is sent for one of them is kept as a request, and counts only by staff."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.handle.facts import Desk
from gateway.store import facilities, months
from gateway.store.base import Session
from gateway.store.reporters import Reporter
from gateway.store.reports import ReportKey

MONTH_CLOSED = "month_closed"  # the flag of a request: staff see why it does not count


def is_closed(session: Session, desk: Desk, form: str, period: str, area: str) -> bool:
    """Tell whether a month is closed for an area; only a month of long ago is asked of the database again."""
    if period < desk.closed_since:
        return months.is_closed(session, form, period, area)
    return desk.is_among_closed(form, period, area)


def is_key_closed(session: Session, desk: Desk, key: ReportKey, people: Sequence[Reporter]) -> bool:
    """Tell whether the month of a report is closed for its facility."""
    found = {facility.id: facility.area for person in people for facility in person.facilities}
    area = found.get(key.facility_id)
    if area is None:  # she has moved since
        area = facilities.get_facilities(session, [key.facility_id])[key.facility_id].area
    return is_closed(session, desk, key.form, key.period, area)


def flag(period: str) -> dict[str, object]:
    """Return the flag of a request for a closed month."""
    return {"code": MONTH_CLOSED, "about": {"period": period}}
