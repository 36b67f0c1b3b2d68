"""/api/v1/coverage: how many facilities are to report a month, have reported it and are settled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from gateway.calendar import report_month
from gateway.coverage import Group, group_of
from gateway.publish.api import Caller, Operation, Resource, absent, choose_area
from gateway.publish.shapes import AreaCode, Asked, Count, FormCode, Period, Told
from gateway.store import areas, figures, handed_reports, reach
from gateway.store.figures import WIDTHS, Kind
from gateway.store.settled import Reach
from gateway.store.tokens import TokenScope

resource = Resource("coverage")
routes = resource.routes
REGENCY, KECAMATAN = WIDTHS[1], WIDTHS[2]  # characters of a code


class AskCoverage(Asked):
    """Whose coverage is asked for. Without a period, of the month that is due; without a form, of the main one."""

    area: AreaCode | None = None
    period: Period | None = None
    form: FormCode | None = None


class Share(Told):
    """How far facilities have come."""

    there: Count
    reported: Count
    settled: Count


class GroupShare(Share):
    """One line of SIGA's Tabel 1."""

    group: Group


class AreaShare(Share):
    """One area: a kecamatan, or the areas right within one that is wider than a regency."""

    area: str
    name: str


class CoverageTold(Share):
    """The coverage of an area's month."""

    area: str
    form: str
    period: str
    groups: list[GroupShare]
    areas: list[AreaShare]


@resource.serve(
    Operation(
        name="getCoverage",
        method="GET",
        path="/coverage",
        scope=TokenScope.READ_COVERAGE,
        says={
            "en": "How many facilities are to report a month, have reported it and are settled: by group and by area.",
            "id": "Berapa faskes yang ada, lapor dan sudah final dalam satu bulan: menurut kelompok dan wilayah.",
        },
        query=AskCoverage,
        taken={200: CoverageTold},
    )
)
def get_coverage(caller: Caller, asked: AskCoverage) -> CoverageTold:
    """Return an area's coverage."""
    code = choose_area(caller, asked.area)
    form = choose_form(caller, asked.form)
    with caller.runtime.database.session(read_only=True) as session:
        area = figures.find_area(session, code, scope=caller.scope)
        if area is None:
            raise absent()
        period = asked.period or report_month(caller.now.astimezone(ZoneInfo(area.timezone)).date())
        chosen = handed_reports.every_choice(session, scope=caller.scope)
        found = reach.count_reach(session, form, period, code, chosen, scope=caller.scope)
        by_area = reach.gather_by_area(found, _width_below(code))
        names = areas.names_of(session, by_area)
    total = reach.add_up(list(found.values()))
    return CoverageTold(
        area=code,
        form=form,
        period=period,
        **_numbers(total),
        groups=[GroupShare(group=group, **_numbers(one)) for group, one in by_group(found).items()],
        areas=[AreaShare(area=one, name=names.get(one, ""), **_numbers(share)) for one, share in by_area.items()],
    )


def choose_form(caller: Caller, asked: str | None) -> str:
    """Return the form that is asked for, else the main one. Errors: Refusal where there is no such form."""
    code = asked or caller.runtime.settings.main_form
    if code not in {form.code for form in caller.runtime.forms}:
        raise absent()
    return code


def by_group(found: Mapping[tuple[str, Kind], Reach]) -> dict[Group, Reach]:
    """Return the reach by SIGA's groups, in their order; a group that is not there is left out."""
    sums: dict[Group, list[Reach]] = {group: [] for group in Group}
    for (_, kind), one in found.items():
        sums[group_of(kind.type, kind.ownership)].append(one)
    return {group: reach.add_up(these) for group, these in sums.items() if these}


def _width_below(code: str) -> int:
    return KECAMATAN if len(code) >= REGENCY else next(width for width in WIDTHS if width > len(code))


def _numbers(one: Reach) -> dict[str, Any]:
    return {"there": one.there, "reported": one.reported, "settled": one.settled}
