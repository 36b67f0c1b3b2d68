"""/api/v1/reporters: who reports for which facility. Phone numbers are always masked."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from gateway.publish.api import Caller, Operation, Resource, absent, choose_area, paged, read_cursor
from gateway.publish.shapes import AreaCode, Asked, Instant, Page, Paged, Told
from gateway.redact import mask_phone
from gateway.store import handed_reporters, roster
from gateway.store.roster import KnownReporter
from gateway.store.tokens import TokenScope
from gateway.values import Scope

resource = Resource("reporters")
routes = resource.routes
LARGEST_ID = 2**31


class ListReporters(Paged):
    """Which reporters are asked for."""

    area: AreaCode | None = None


class ReportsFor(Told):
    """A facility that she reports for, and in which months."""

    code: str
    name: str
    area: str
    responsible: bool
    from_period: str | None
    until_period: str | None


class ReporterTold(Told):
    """One reporter. Of her facilities, those in the token's area."""

    id: int
    name: str
    language: str
    active: bool
    phones: list[str]
    facilities: list[ReportsFor]
    stopped_at: Instant | None
    leave_until: date | None


class ReporterPage(Page[ReporterTold]):
    """Reporters, in the order in which they were registered."""


@resource.serve(
    Operation(
        name="listReporters",
        method="GET",
        path="/reporters",
        scope=TokenScope.READ_REPORTERS,
        says={
            "en": "Who reports for which facility. Phone numbers are masked.",
            "id": "Siapa melapor untuk faskes mana. Nomor teleponnya disamarkan.",
        },
        query=ListReporters,
        taken={200: ReporterPage},
    )
)
def list_reporters(caller: Caller, asked: ListReporters) -> Page[Any]:
    """Return a page of reporters."""
    scope = Scope(choose_area(caller, asked.area))
    after = min(read_cursor(asked, int, 0), LARGEST_ID - 1)
    with caller.runtime.database.session(read_only=True) as session:
        found = handed_reporters.list_by_id(
            session, scope=scope, today=_today(caller), after=after, limit=asked.limit + 1
        )
    return paged(found, asked, lambda one: _tell(one, caller), lambda one: one.id, ReporterPage)


@resource.serve(
    Operation(
        name="getReporter",
        method="GET",
        path="/reporters/{reporter_id}",
        scope=TokenScope.READ_REPORTERS,
        says={"en": "One reporter.", "id": "Satu pelapor."},
        taken={200: ReporterTold},
        path_pattern="^[1-9][0-9]{0,9}$",
    )
)
def get_reporter(caller: Caller, reporter_id: str, _asked: Asked) -> ReporterTold:
    """Return one reporter."""
    is_number = reporter_id.isascii() and reporter_id.isdecimal() and len(reporter_id) < 11
    if not is_number or int(reporter_id) >= LARGEST_ID:
        raise absent()
    with caller.runtime.database.session(read_only=True) as session:
        found = roster.find_reporter(session, int(reporter_id), scope=caller.scope, today=_today(caller))
    if found is None:
        raise absent()
    return _tell(found, caller)


def _today(caller: Caller) -> date:
    return caller.now.astimezone(ZoneInfo(caller.runtime.settings.timezone)).date()


def _tell(one: KnownReporter, caller: Caller) -> ReporterTold:
    return ReporterTold(
        id=one.id,
        name=one.name,
        language=one.language,
        active=one.is_active,
        phones=[mask_phone(phone) for phone in one.phones],
        facilities=[
            ReportsFor(
                code=place.code,
                name=place.name,
                area=place.area,
                responsible=place.is_responsible,
                from_period=place.from_period,
                until_period=place.until_period,
            )
            for place in one.assignments
            if caller.scope.covers(place.area)
        ],
        stopped_at=one.stopped_at,
        leave_until=one.leave_until,
    )
