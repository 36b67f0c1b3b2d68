"""Tell where facilities' reports of a month stand: STATUS, reminders and whoever else asks get this one answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.calendar import areas_around
from gateway.handle import places
from gateway.handle.reading_json import from_json
from gateway.owing import Standing, find_standing
from gateway.store import facilities, months, questions, reporters, standings
from gateway.store.base import Session
from gateway.store.facilities import Facility
from gateway.store.questions import EXPIRED, NEXT, OPEN, Question
from gateway.store.reporters import Reporter
from gateway.store.standings import Revision
from gateway.values import COUNTING, ReportState
from parsers.period import assumed_period

_TAKEN_BACK = frozenset({ReportState.WITHDRAWN, ReportState.REJECTED})
_A_DAY = timedelta(days=1)  # the clocks of no two places lie further apart

Key = tuple[str, int]  # form, facility id
Month = tuple[str, str]  # form, period


@dataclass(frozen=True, slots=True)
class Stood:
    """Where one facility's report stands. `report_id` is the revision that counts, waits, or lies with staff.

    `question` is what its sender was asked, where it waits for her or was never stored; `is_open` tells whether her
    next message would answer it. Whoever repeats it asks it again (`questions.ask_again`), and repeats what that
    returns: something else may be asked first. `opening` counts how often the month was
    opened again for the facility: what it owes then is another thing.
    """

    standing: Standing
    question: Question | None = None
    is_open: bool = False
    opening: int = 0
    report_id: int | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question with its state. `is_live`: its time has not run out, be it open or waiting for its turn."""

    question: Question
    state: str
    is_live: bool


def find_standings(
    session: Session,
    forms: Sequence[str],
    period: str,
    facility_ids: Collection[int],
    now: datetime,
    *,
    question_hours: int = 48,
) -> dict[Key, Stood]:
    """Return where the reports of these forms stand for a month, for each of these facilities.

    Shape: by (form, facility id). The number of questions to the database does not grow with the facilities; more than
    some thousand of them are for the caller to divide, a database takes no longer lists.
    """
    if not forms or not facility_ids:
        return {}
    found = facilities.get_facilities(session, facility_ids)
    closings = months.closings_of_month(session, forms, period, {one.area for one in found.values()})
    revisions = standings.revisions_of_month(session, forms, period, facility_ids)
    live_since = now - timedelta(hours=question_hours)  # the sweep closes what is older
    waiting = [one.report_id for these in revisions.values() for one in these if one.state == ReportState.WAITING]
    of_reports = {
        report_id: _Asked(question, state, _is_live(question, state, live_since))
        for report_id, (question, state) in questions.latest_of_reports(session, waiting).items()
    }
    unstored = _find_unstored(session, period, facility_ids, live_since)
    stood: dict[Key, Stood] = {}
    for form in forms:
        for facility_id, facility in found.items():
            key = form, facility_id
            around = [closings[form, code] for code in areas_around(facility.area) if (form, code) in closings]
            stood[key] = _stand(
                revisions.get(key, ()),
                of_reports,
                unstored.get(key, ()),
                is_closed=any(one.stands for one in around),
                reopened=sum(one.reopened for one in around),
            )
    return stood


def find_taken_back(session: Session, asked: Mapping[Month, Collection[Facility]]) -> dict[Month, tuple[Facility, ...]]:
    """Return those of these facilities whose report of a month was taken back, or whose month was opened again."""
    areas = {one.id: one.area for these in asked.values() for one in these}
    if not areas:
        return {}
    forms, periods = {form for form, _ in asked}, {period for _, period in asked}
    back = standings.taken_back(session, forms, periods, areas)
    reopened = months.reopened_months(session, forms, periods, set(areas.values()))

    def is_back(form: str, period: str, one: Facility) -> bool:
        around = areas_around(one.area)
        return (form, period, one.id) in back or any((form, period, code) in reopened for code in around)

    return {month: tuple(one for one in these if is_back(*month, one)) for month, these in asked.items()}


def _stand(
    revisions: Sequence[Revision],
    of_reports: Mapping[int, _Asked],
    unstored: Sequence[_Asked],
    *,
    is_closed: bool,
    reopened: int,
) -> Stood:
    """Return where one report stands. Pure."""
    counting = [one for one in revisions if one.state in COUNTING]
    waiting = [one for one in revisions if one.state == ReportState.WAITING]
    asked = [of_reports[one.report_id] for one in waiting if one.report_id in of_reports]
    live = [one for one in (*asked, *unstored) if one.is_live]
    with_staff = [one for one in revisions if one.state == ReportState.FLAGGED or _is_given_up(one, of_reports)]
    dropped = _find_dropped(revisions, asked, unstored)
    standing = find_standing(
        is_in=bool(counting),
        is_closed=is_closed,
        is_asked=bool(live),
        is_with_staff=bool(with_staff),
        was_asked=dropped is not None,
    )
    opening = reopened + sum(one.state in _TAKEN_BACK for one in revisions)
    if standing is Standing.IN:
        return Stood(standing, opening=opening, report_id=counting[-1].report_id)
    if standing is Standing.ASKED:
        one = max(live, key=lambda one: (one.state == OPEN, one.question.id))
        return Stood(standing, one.question, one.state == OPEN, opening, one.question.report_id)
    if standing is Standing.WITH_STAFF:
        return Stood(standing, opening=opening, report_id=with_staff[-1].report_id)
    if standing is Standing.INCOMPLETE and dropped is not None:
        return Stood(standing, dropped.question, False, opening, dropped.question.report_id)
    return Stood(standing, opening=opening)


def _is_given_up(revision: Revision, of_reports: Mapping[int, _Asked]) -> bool:
    """Tell whether a report that waits was not answered in time, or was never asked about: only staff can settle it."""
    if revision.state != ReportState.WAITING:
        return False
    asked = of_reports.get(revision.report_id)
    return asked is None or (not asked.is_live and asked.state in (OPEN, NEXT, EXPIRED))


def _find_dropped(revisions: Sequence[Revision], asked: Sequence[_Asked], unstored: Sequence[_Asked]) -> _Asked | None:
    """Return the question that would have to be asked again, if nothing has come since; None where none would.

    One about a report that waits although nothing is asked any more is left behind when a later message about the
    same month was dropped: it is asked again too.
    """
    left = [one for one in asked if not one.is_live and one.state not in (OPEN, NEXT, EXPIRED)]
    newest = unstored[-1] if unstored else None
    if newest is None or newest.is_live or newest.state not in (OPEN, NEXT, EXPIRED):
        return left[-1] if left else None
    came_since = any(one.created_at >= newest.question.asked_at for one in revisions)
    return (left[-1] if left else None) if came_since else newest


def _find_unstored(
    session: Session, period: str, facility_ids: Collection[int], live_since: datetime
) -> dict[Key, list[_Asked]]:
    """Return what was asked about messages of this month that could not be stored, oldest first."""
    first = datetime(int(period[:4]), int(period[5:7]), 1, tzinfo=UTC) - _A_DAY  # nobody reports a month before it
    asked = standings.asked_unstored(session, facility_ids, first)
    people = reporters.find_by_phones(session, {question.sender for question, _ in asked})
    found: dict[Key, list[_Asked]] = {}
    for question, state in asked:
        key = _find_subject(question, people.get(question.sender, ()), period)
        if key is not None:
            found.setdefault(key, []).append(_Asked(question, state, _is_live(question, state, live_since)))
    return found


def _find_subject(question: Question, people: Sequence[Reporter], period: str) -> Key | None:
    """Return the form and the facility that a message was about; None where it was of another month, or told neither.

    A name that is no place of hers means her place, where she has only one: she is asked which one it was.
    """
    report = from_json(question.reading)
    month = report.period or assumed_period(_day_of(question, people))
    if month != period:
        return None
    place, _ = places.choose(report, people, month)
    if place is not None:
        return report.form, place.facility.id
    hers = {facility.id for person in people for facility in person.facilities_in(month)}
    return (report.form, hers.pop()) if len(hers) == 1 else None


def _day_of(question: Question, people: Sequence[Reporter]) -> date:
    zones = [facility.timezone for person in people for facility in person.facilities]
    return question.asked_at.astimezone(ZoneInfo(zones[0]) if zones else UTC).date()


def _is_live(question: Question, state: str, live_since: datetime) -> bool:
    return state in (OPEN, NEXT) and question.asked_at >= live_since
