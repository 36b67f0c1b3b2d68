"""One report as its page shows it: where it comes from, how it was read, and who sent it by which message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from gateway.store.areas import areas
from gateway.store.base import Session, within
from gateway.store.facilities import facilities
from gateway.store.inbox import inbox
from gateway.store.reporters import reporters
from gateway.store.reports import ReportKey, reports
from gateway.values import Scope


@dataclass(frozen=True, slots=True)
class WholeReport:
    """A revision and what belongs to it. `inbox_id` and what follows are None and empty where no message brought it.

    Shape: `reading` as `handle.reading_json`; `flags` are {"code", "about"}.
    """

    id: int
    form: str
    facility_id: int
    period: str
    revision: int
    state: str
    sent_at: datetime
    text: str
    made_by: int | None
    reason: str
    reading: Mapping[str, Any]
    flags: Sequence[Mapping[str, Any]]
    reader_version: int
    facility: str
    facility_code: str
    facility_type: str
    area: str
    area_name: str
    timezone: str
    inbox_id: int | None
    channel: str
    sender: str
    trace_id: str
    reporter_id: int | None
    reporter: str

    @property
    def key(self) -> ReportKey:
        """What it is about."""
        return ReportKey(self.form, self.facility_id, self.period)


_OF_REPORT = (
    *("id", "form", "facility_id", "period", "revision", "state", "sent_at", "text", "made_by", "reason", "reading"),
    *("flags", "reader_version", "inbox_id", "reporter_id"),
)
_MAY_BE_EMPTY = ("channel", "sender", "trace_id", "reporter", "reason")


def find_whole(session: Session, report_id: int, *, scope: Scope) -> WholeReport | None:
    """Return a report, or None where there is none within the scope."""
    statement = (
        select(
            *(reports.c[name] for name in _OF_REPORT),
            facilities.c.name.label("facility"),
            facilities.c.code.label("facility_code"),
            facilities.c.type.label("facility_type"),
            facilities.c.area,
            areas.c.name.label("area_name"),
            areas.c.timezone,
            inbox.c.channel,
            inbox.c.sender,
            inbox.c.trace_id,
            reporters.c.name.label("reporter"),
        )
        .join(facilities, facilities.c.id == reports.c.facility_id)
        .join(areas, areas.c.code == facilities.c.area)
        .outerjoin(inbox, inbox.c.id == reports.c.inbox_id)
        .outerjoin(reporters, reporters.c.id == reports.c.reporter_id)
        .where(reports.c.id == report_id, within(facilities.c.area, scope))
    )
    row = session.execute(statement).mappings().first()
    if row is None:
        return None
    return WholeReport(**{**row, **{name: row[name] or "" for name in _MAY_BE_EMPTY}})
