"""Recent values: what counts for some facilities in the last months, of every form in one question."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import bindparam, select

from gateway.store.base import Session
from gateway.store.reports import report_values, reports
from gateway.values import COUNTING

# What is asked at every hop of a USSD session is put together once: that costs more than asking it.
_RECENT = (
    select(
        reports.c.form,
        reports.c.facility_id,
        reports.c.period,
        report_values.c.measure,
        report_values.c.item,
        report_values.c.quantity,
    )
    .outerjoin(report_values, report_values.c.report_id == reports.c.id)
    .where(
        reports.c.facility_id.in_(bindparam("facility_ids", expanding=True)),
        reports.c.period >= bindparam("since"),
        reports.c.state.in_(tuple(COUNTING)),
    )
)


def recent_values(
    session: Session, facility_ids: Collection[int], since: str
) -> dict[tuple[str, int, str], dict[str, int]]:
    """Return the reports that count from a period on, by (form, facility, period): `measure` or `measure.item`."""
    found: dict[tuple[str, int, str], dict[str, int]] = {}
    rows = session.execute(_RECENT, {"facility_ids": list(facility_ids), "since": since})
    for form, facility_id, period, measure, item, quantity in rows:
        values = found.setdefault((form, facility_id, period), {})
        if measure is not None:
            values[f"{measure}.{item}" if item else measure] = quantity
    return found
