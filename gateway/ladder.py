"""Who is reminded of a month's report, when, in which words: a ladder of rungs, and an area's manners. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gateway.calendar import Hours, areas_around

MOST_RUNGS = 12
FARTHEST = 27  # days from the due day, before or after: rungs of two months never stand on one day in the wrong order
_CODE = re.compile(r"[a-z][a-z0-9]{0,15}", re.ASCII)


class Audience(StrEnum):
    """To whom a rung speaks."""

    RESPONSIBLE = "responsible"  # who answers for a facility that owes its report
    REPORTERS = "reporters"  # everybody who may report for it
    OFFICERS = "officers"  # of the kecamatan, with the list of who is missing
    DISTRICT = "district"  # the regency's staff, with how many are in
    REPORTED = "reported"  # who answers for a facility whose report is in: she is thanked


OF_FACILITIES = frozenset({Audience.RESPONSIBLE, Audience.REPORTERS})  # one ladder: each rung ends the one before
WORDINGS: Mapping[Audience, tuple[str, ...]] = {  # the sentences that a rung may choose from: `answers.<name>`
    Audience.RESPONSIBLE: ("remind_before", "remind_due", "remind_late"),
    Audience.REPORTERS: ("remind_before", "remind_due", "remind_late"),
    Audience.OFFICERS: ("remind_officer",),
    Audience.DISTRICT: ("remind_district",),
    Audience.REPORTED: ("thanks_year",),
}


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a ladder. Units: `days` after the due day (before it if negative), `hour` of the area's own clock.

    Shape: `code` is unique in its ladder and part of what makes a reminder go once; `wording` names a sentence.
    """

    code: str
    days: int
    hour: int
    audience: Audience
    wording: str
    is_on: bool = True

    @property
    def group(self) -> Audience:
        """Whose ladder it is a rung of: the two audiences that stand for a facility share one."""
        return Audience.RESPONSIBLE if self.audience in OF_FACILITIES else self.audience


@dataclass(frozen=True, slots=True)
class Ladder:
    """The rungs of a form in an area. An empty area is the whole country, an empty form every form.

    `is_on` tells whether the form is asked for there at all, `types` of which facilities; none means of all.
    """

    area: str
    form: str
    is_on: bool
    types: frozenset[str]
    rungs: tuple[Rung, ...]

    def asks(self, facility_type: str) -> bool:
        """Tell whether a facility of this type is asked for the form."""
        return self.is_on and (not self.types or facility_type in self.types)


class OffDays(StrEnum):
    """On which days nobody is reminded."""

    NONE = "none"
    HOLIDAYS = "holidays"  # public holidays
    SUNDAYS = "sundays"  # and public holidays
    WEEKENDS = "weekends"  # and public holidays


@dataclass(frozen=True, slots=True)
class Manners:
    """How people of an area are written to unasked; an empty area is the whole country.

    Units: reminders of one hour are spread over `spread_minutes`, so that their answers do not all come at once.
    `shows_score`: a thank-you tells how many of the year's reports came in time.
    """

    area: str = ""
    hours: Hours = field(default_factory=Hours)
    off_days: OffDays = OffDays.HOLIDAYS
    spread_minutes: int = 120
    shows_score: bool = False


def load_ladders(text: str) -> tuple[Ladder, ...]:
    """Return the ladders of the whole country that Kabar comes with: one of every form, and one of those asked for.

    Shape: TOML with `asked`, a list of forms' codes, and `[[rung]]` tables with the fields of `Rung`.
    Errors: ValueError names the rung and its fault.
    """
    written = tomllib.loads(text)
    rungs = tuple(rung_from_json(one) for one in written["rung"])
    if fault := find_fault(rungs, Hours(0, 24)):
        raise ValueError(f"rung {fault[0]}: {fault[1]}")
    return (
        Ladder("", "", False, frozenset(), rungs),
        *(Ladder("", form, True, frozenset(), rungs) for form in written["asked"]),
    )


def rung_from_json(kept: Mapping[str, Any]) -> Rung:
    """Return the rung that a table of TOML or JSON holds."""
    return Rung(**{**kept, "audience": Audience(kept["audience"])})


def find_ladder(chosen: Sequence[Ladder], area: str, form: str) -> Ladder:
    """Return the ladder that counts for a form in an area: of the smallest area around it, then of this very form.

    Shape: `chosen` holds those of the whole country that Kabar comes with, and behind them what areas chose.
    """
    around = areas_around(area)
    holding = [one for one in chosen if one.area in around and one.form in ("", form)]
    # of two that are equally near the later one: what the whole country chose counts before what Kabar comes with
    nearest = max(enumerate(holding), key=lambda one: (len(one[1].area), bool(one[1].form), one[0]), default=None)
    return nearest[1] if nearest else Ladder("", form, False, frozenset(), ())


def find_manners(chosen: Sequence[Manners], area: str) -> Manners:
    """Return how people of an area are written to: as the smallest area around it chose, else as Kabar comes."""
    around = areas_around(area)
    return max((one for one in chosen if one.area in around), key=lambda one: len(one.area), default=Manners())


def find_fault(rungs: Sequence[Rung], hours: Hours) -> tuple[str, str] | None:
    """Return the code of the first rung that cannot be and what is wrong with it; None if nothing is.

    Shape: the fault is `code`, `twice`, `days`, `hour`, `wording`, `same_day` or `too_many`.
    """
    if len(rungs) > MOST_RUNGS:
        return rungs[MOST_RUNGS].code, "too_many"
    seen: set[str] = set()
    days: set[tuple[Audience, int]] = set()
    for one in rungs:
        checks = (
            (not _CODE.fullmatch(one.code) or one.code in ("again", "hand"), "code"),
            (one.code in seen, "twice"),
            (abs(one.days) > FARTHEST, "days"),
            (not hours.first <= one.hour < hours.last, "hour"),
            (one.wording not in WORDINGS[one.audience], "wording"),
            (one.is_on and (one.group, one.days) in days, "same_day"),  # of two on one day only one could go
        )
        for is_wrong, fault in checks:
            if is_wrong:
                return one.code, fault
        seen.add(one.code)
        if one.is_on:
            days.add((one.group, one.days))
    return None
