"""What an export is made of: the reports of its area and months, and what it says of itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache

from gateway.calendar import areas_around, month_days, shift
from gateway.errors import Permanent
from gateway.export.base import About, Source
from gateway.handle.limits import limits_for
from gateway.settling import Choices
from gateway.store import areas, batches, export_choices, figures, mappings, settled, thresholds
from gateway.store.areas import Area
from gateway.store.base import Session
from gateway.store.batches import Batch
from gateway.store.exports import Export
from gateway.store.facilities import Facility
from gateway.store.settled import Place, Selection, Settled
from gateway.values import Scope
from parsers.form import Form
from parsers.judge import Thresholds

EVERYWHERE = Scope("")


def months_between(first: str, last: str) -> tuple[str, ...]:
    """Return the months from one to another, both of them included; none where the last is before the first.

    >>> months_between("2025-11", "2026-01")
    ('2025-11', '2025-12', '2026-01')
    """
    found = []
    while first <= last:
        found.append(first)
        first = shift(first, 1)
    return tuple(found)


def select_settled(choices: Choices, form: str, periods: Sequence[str], area: str) -> Selection:
    """Return which reports are handed on of a form, some months and an area, by what holds there."""
    return Selection(form, tuple(periods), area, choices.settles_at.states)


def gather(session: Session, export: Export, form: Form, now: datetime, *, scope: Scope) -> Source:
    """Return what an export is made of; `session` is a snapshot, and stays open until its format has written.

    Errors: Permanent when its area is not there or not in the scope.
    """
    area = figures.find_area(session, export.area, scope=scope)
    if area is None:
        raise Permanent(f"Tidak ada wilayah {export.area!r} di sini. / There is no area {export.area!r} here.")
    choices = export_choices.choices_around(session, area.code, scope=scope)
    selection = select_settled(choices, form.code, months_between(export.period_from, export.period_to), area.code)
    about = About(
        ref=export.ref,
        format=export.format,
        form=form.name("id"),
        periods=selection.periods,
        area=area.code,
        area_name=area.name,
        reach=settled.find_reach(session, selection, scope=scope),
        choices=choices,
        made_at=now,
        made_by=export.user_name,
        timezone=area.timezone,
    )

    def stream() -> Iterator[Settled]:
        return settled.stream_settled(session, selection, scope=scope)

    def places(period: str) -> Sequence[Place]:
        return settled.list_places(session, area.code, month_days(period), scope=scope)

    def before(months: int) -> Mapping[int, Mapping[str, Mapping[str, int]]]:
        return _values_before(session, selection, months, scope)

    def held() -> Mapping[int, Sequence[Batch]]:
        return batches.batches_within(session, area.code, scope=scope)

    return Source(
        about=about,
        form=form,
        area_names=_name_areas(session, area, scope),
        stream=stream,
        places=places,
        before=before,
        batches=held,
        limits=_find_limits(session, area.code, form, scope),
        mapping=mappings.find_for_area(session, area.code, form.code, scope=scope),
    )


def _find_limits(session: Session, area: str, form: Form, scope: Scope) -> Callable[[str, str], Thresholds]:
    around = thresholds.thresholds_around(session, area, form.code, scope=scope)
    inside = thresholds.thresholds_within(session, form.code, scope=Scope(area)) if scope.covers(area) else ()

    @cache
    def limits(place: str, facility_type: str) -> Thresholds:
        return limits_for((*around, *inside), form, Facility(0, "", "", "", facility_type, place, ""))

    return limits


def _values_before(
    session: Session, selection: Selection, months: int, scope: Scope
) -> Mapping[int, Mapping[str, Mapping[str, int]]]:
    first = selection.periods[0]
    earlier = Selection(
        selection.form, months_between(shift(first, -months), shift(first, -1)), selection.area, selection.states
    )
    found: dict[int, dict[str, Mapping[str, int]]] = defaultdict(dict)
    for report in settled.stream_settled(session, earlier, scope=scope):
        found[report.place.id][report.period] = report.values
    return found


def _name_areas(session: Session, area: Area, scope: Scope) -> Mapping[str, str]:
    inside = areas.list_named(session, scope=Scope(area.code))
    names = {code: one.name for code, one in inside.items() if scope.covers(code)}
    around = areas.names_of(session, [code for code in areas_around(area.code) if code])
    return {**names, **around, "": figures.COUNTRY.name}
