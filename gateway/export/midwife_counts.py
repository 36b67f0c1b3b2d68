"""Counts per midwife and month: what the reports of each midwife of Klik-KB's directory add up to, in its own order."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.errors import Permanent
from gateway.export.base import Shared, Source
from gateway.export.sharing import keys_shared
from gateway.store.klikkb import Listed

MOST_MONTHS = 3  # all of them are added up at once
NOBODY = "(tanpa id Klik-KB)"  # what reports add up to whose midwife the directory does not tell
_NOT_SAID = -1


@dataclass
class MidwifeCounts:
    """What a midwife's reports of a month add up to. Shape: `quantities` by the keys that are shared, in order."""

    midwife: Listed | None
    period: str
    quantities: array[int]
    reports: int = 0
    facilities: set[int] = field(default_factory=set)

    def quantity(self, at: int) -> int | None:
        """Return the sum of one key; None where no report of hers said anything of it."""
        return None if self.quantities[at] == _NOT_SAID else self.quantities[at]


def add_up(source: Source) -> Iterator[MidwifeCounts]:
    """Yield the counts by Klik-KB id, then month; last those of nobody. Together they are all settled reports, once.

    Errors: Permanent where nothing was shared with the partner.
    """
    shared = demand_shared(source)
    keys = keys_shared(source)
    found: dict[tuple[str, str], MidwifeCounts] = {}
    for report in source.reports():
        midwife = shared.midwives.get(report.report_id)
        place = (midwife.klikkb_id if midwife else "", report.period)
        counts = found.get(place)
        if counts is None:
            quantities = array("q", [_NOT_SAID]) * len(keys)
            counts = found[place] = MidwifeCounts(midwife, report.period, quantities)
        counts.reports += 1
        counts.facilities.add(report.place.id)
        for at, key in enumerate(keys):
            if (quantity := report.values.get(key)) is not None:
                counts.quantities[at] = max(0, counts.quantities[at]) + quantity
    yield from (found[place] for place in sorted(found, key=lambda place: (not place[0], place)))


def personal_fields(source: Source) -> tuple[str, ...]:
    """Return what else than her id the agreement lets be told of a midwife. Errors: Permanent where there is none."""
    agreement = demand_shared(source).agreement
    allowed = {"name": agreement.may_name, "phone": agreement.may_phone}
    return tuple(field for field, is_allowed in allowed.items() if is_allowed)


def personal_of(fields: tuple[str, ...], midwife: Listed | None) -> tuple[str, ...]:
    """Return these fields of a midwife; empty ones for nobody."""
    return tuple((getattr(midwife, field) or "") if midwife else "" for field in fields)


def demand_shared(source: Source) -> Shared:
    """Return what the partner may be given. Errors: Permanent in words where nothing was agreed."""
    if source.shared is None:
        raise Permanent(
            "Berkas ini hanya dibuat di bawah perjanjian berbagi data. / This file is made under an agreement only."
        )
    return source.shared
