"""Find the facility that a report is for, among those that its sender may report for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.store.facilities import Facility
from gateway.store.reporters import Reporter
from parsers.problems import ProblemCode
from parsers.reading import Problem, ReadReport, Span


@dataclass(frozen=True, slots=True)
class Place:
    """A facility, and the reporter who speaks for it."""

    facility: Facility
    reporter: Reporter


def choose(
    report: ReadReport, people: Sequence[Reporter], period: str | None = None
) -> tuple[Place | None, list[Problem]]:
    """Return the place of a report, or what is wrong: none named by a reporter of several, or one that is not hers.

    A facility is named by its code, its short name, its name or a word of its name that no other of hers has; in any
    case, with or without spaces. `period` is the month that is meant where the report does not say: who has moved
    reports for one place until a month, and for another from then on.
    """
    month = report.period or period
    known = {one.id: Place(one, person) for person in reversed(people) for one in person.facilities_in(month)}
    if report.facility is None:
        if len(known) == 1:
            return next(iter(known.values())), []
        return None, [Problem(ProblemCode.FACILITY_MISSING, "", Span(0, 0))]
    wanted = _plain(report.facility)
    for names in (_own_names, _name_words):
        found = [place for place in known.values() if wanted in names(place.facility)]
        if len(found) == 1:
            return found[0], []
    about = {"facility": report.facility}
    return None, [Problem(ProblemCode.FACILITY_UNKNOWN, report.facility, Span(0, 0), about)]


def _own_names(facility: Facility) -> set[str]:
    return {_plain(facility.code), _plain(facility.short_name), _plain(facility.name)}


def _name_words(facility: Facility) -> set[str]:
    return {_plain(word) for word in facility.name.split()}


def _plain(name: str) -> str:
    return "".join(name.split()).casefold()
