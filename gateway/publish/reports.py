"""/api/v1/reports: reports with their values, one by one or all that changed since an instant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from gateway.publish import problems
from gateway.publish.api import Caller, Operation, Resource, absent, choose_area, paged, read_cursor
from gateway.publish.shapes import (
    AreaCode,
    Asked,
    FacilityCode,
    FormCode,
    Instant,
    Page,
    Paged,
    Period,
    Told,
)
from gateway.settling import Choices
from gateway.store import handed_reports
from gateway.store.handed_reports import HandedReport, WantedReports
from gateway.store.tokens import TokenScope
from gateway.values import COUNTING, ReportState

resource = Resource("reports")
routes = resource.routes
LARGEST_ID = 2**63
State = Literal["counting", "all", "waiting", "flagged", "accepted", "approved", "rejected", "replaced", "withdrawn"]


class ListReports(Paged):
    """Which reports are asked for."""

    form: FormCode | None = None
    period: Period | None = None
    area: AreaCode | None = None
    facility: FacilityCode | None = None
    state: Annotated[
        State,
        Field(description="`counting`: accepted or approved, at most one a facility and month. `all`: every revision."),
    ] = "counting"
    changed_since: Annotated[
        Instant | None,
        Field(description="Kept, or moved to another state, at this instant or later. Ask with `state=all` to follow."),
    ] = None


class Place(Told):
    """Where a report comes from."""

    code: str
    name: str
    type: str
    area: str
    area_name: str


class FlagTold(Told):
    """Something that staff should look at."""

    code: str
    title: str
    title_id: str
    about: dict[str, Any]


class ReportTold(Told):
    """One revision of a report. Values are named `measure` or `measure.item`; what was left out is not there."""

    id: int
    form: str
    period: str
    revision: int
    state: str
    counts: Annotated[bool, Field(description="Whether it is in the figures: accepted or approved.")]
    settled: Annotated[bool, Field(description="Whether it is handed on, by what its area chose.")]
    facility: Place
    values: dict[str, int]
    flags: list[FlagTold]
    source: Annotated[Literal["message", "staff", "system"], Field(description="By what it came.")]
    sent_at: Instant
    created_at: Instant
    changed_at: Instant
    replaces: Annotated[int | None, Field(description="The revision that it took the place of.")]


class ReportPage(Page[ReportTold]):
    """Reports, in the order in which they were kept."""


@resource.serve(
    Operation(
        name="listReports",
        method="GET",
        path="/reports",
        scope=TokenScope.READ_REPORTS,
        says={
            "en": "Reports in the order in which they were kept. What comes in meanwhile stands on the last page.",
            "id": "Laporan menurut urutan disimpannya. Yang masuk sementara itu ada di halaman terakhir.",
        },
        query=ListReports,
        taken={200: ReportPage},
    )
)
def list_reports(caller: Caller, asked: ListReports) -> Page[Any]:
    """Return a page of reports."""
    wanted = WantedReports(
        area=choose_area(caller, asked.area),
        form=asked.form or "",
        from_period=asked.period or "",
        to_period=asked.period or "",
        states=_states(asked.state),
        facility_code=asked.facility or "",
        since=asked.changed_since,
    )
    after = read_cursor(asked, int, 0)
    with caller.runtime.database.session(read_only=True) as session:
        found = handed_reports.list_handed(session, wanted, scope=caller.scope, after=after, limit=asked.limit + 1)
        chosen = handed_reports.every_choice(session, scope=caller.scope)
    return paged(found, asked, lambda one: tell_report(one, chosen), lambda one: one.id, ReportPage)


@resource.serve(
    Operation(
        name="getReport",
        method="GET",
        path="/reports/{report_id}",
        scope=TokenScope.READ_REPORTS,
        says={"en": "One revision of a report.", "id": "Satu revisi laporan."},
        taken={200: ReportTold},
        path_pattern="^[1-9][0-9]{0,18}$",
    )
)
def get_report(caller: Caller, report_id: str, _asked: Asked) -> ReportTold:
    """Return one report."""
    if not report_id.isdecimal() or not report_id.isascii() or len(report_id) > 19 or int(report_id) >= LARGEST_ID:
        raise absent()
    with caller.runtime.database.session(read_only=True) as session:
        found = handed_reports.find_handed(session, int(report_id), scope=caller.scope)
        chosen = handed_reports.every_choice(session, scope=caller.scope)
    if found is None:
        raise absent()
    return tell_report(found, chosen)


def tell_report(one: HandedReport, chosen: Sequence[Choices]) -> ReportTold:
    """Return a report as the API tells it."""
    return ReportTold(
        id=one.id,
        form=one.form,
        period=one.period,
        revision=one.revision,
        state=one.state,
        counts=one.state in COUNTING,
        settled=handed_reports.is_settled(one.state, one.area, chosen),
        facility=Place(
            code=one.facility_code,
            name=one.facility_name,
            type=one.facility_type,
            area=one.area,
            area_name=one.area_name,
        ),
        values=dict(one.values),
        flags=[FlagTold(**flag) for flag in problems.say_flags(one.flags)],
        source="message" if one.channel else "staff" if one.made_by else "system",
        sent_at=one.sent_at,
        created_at=one.created_at,
        changed_at=max(one.changed_at or one.created_at, one.created_at),
        replaces=one.replaces_id,
    )


def _states(asked: str) -> tuple[str, ...]:
    if asked == "all":
        return ()
    return tuple(sorted(COUNTING)) if asked == "counting" else (ReportState(asked),)
