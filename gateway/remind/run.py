"""One round of a regency's reminders: what is owed is gathered, planned, claimed once, and queued, all or nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from gateway.remind import ground as grounds
from gateway.remind.gather import find_subjects, gather_owed
from gateway.remind.ground import Ground, Ways
from gateway.remind.letters import zone_of
from gateway.remind.lists import gather_lists
from gateway.remind.plan import AreaMonth, Owed, Plan, Today, keep_within, make_plan
from gateway.remind.queue import Round, queue
from gateway.remind.today import find_today
from gateway.store import areas, reminders
from gateway.store.base import Session
from gateway.store.spending import left_for_reminders

__all__ = ["Round", "Ways", "find_due", "gather_regency", "plan_regency", "run_round"]

LONGEST_REST = timedelta(hours=1)  # what was taken back, or cannot go by a window alone, waits so long at most


def find_due(session: Session, ways: Ways, now: datetime) -> tuple[str, ...]:
    """Return the regencies whose reminders are to be looked at: people there may be written to, and since the last
    look a window has opened, or an hour has gone by.
    """
    ground = grounds.look(session, ways, now)
    last = reminders.last_rounds(session)
    corners: dict[str, dict[tuple[str, str], None]] = {}
    for area, zone in reminders.places_with_facilities(session):
        # whatever lies in one home goes by the same: of a regency that chose for itself one corner is left
        corners.setdefault(area[:5], {(ground.home_of(area[:5]), zone): None})[ground.home_of(area), zone] = None
    return tuple(code for code, these in corners.items() if _is_due(ground, these, last.get(code)))


def _is_due(ground: Ground, corners: Collection[tuple[str, str]], ran_at: datetime | None) -> bool:
    now = ground.now
    if all(ground.is_quiet(*corner) for corner in corners):
        return False
    if (
        ran_at is None or not timedelta() <= now - ran_at < LONGEST_REST
    ):  # one in the future was written by a wrong clock
        return True
    forms = ground.forms_asked(area for area, _ in corners)
    opened = (
        window.opens_at
        for corner in corners
        for period in ground.periods(corner[1])
        for form in forms
        for window in ground.course_of(form, period, *corner).windows
    )
    return any(ran_at < opens_at <= now for opens_at in opened)


def gather_regency(session: Session, regency: str, ways: Ways, now: datetime) -> tuple[Owed | AreaMonth, ...]:
    """Return what is owed in a regency and how its areas' months stand, and who may be told of it."""
    area = areas.find_area(session, regency)
    if area is None:
        return ()
    ground = grounds.look(session, ways, now)
    subjects = find_subjects(session, ground, area)
    owed = gather_owed(session, ground, subjects.whole)
    taken_back = gather_owed(session, ground, subjects.taken_back)
    return (*taken_back, *owed, *gather_lists(session, ground, area, owed))


def plan_regency(session: Session, regency: str, ways: Ways, now: datetime) -> Plan:
    """Return who of a regency is reminded of what at an instant, now or to come, as things stand. It writes nothing."""
    return _plan(session, gather_regency(session, regency, ways, now), ways, now)


def _plan(
    session: Session, about: Sequence[Owed | AreaMonth], ways: Ways, now: datetime, *, is_held: bool = False
) -> Plan:
    """Return the plan for what was gathered; `is_held`: nobody else reminds these numbers meanwhile."""
    first = make_plan(about, now, Today())
    zones = {letter.person.phone: zone_of(letter.lines[0]) for letter in first.letters}
    if is_held:
        reminders.hold_phones(session, zones)
    plan = make_plan(about, now, find_today(session, zones, now))
    left = left_for_reminders(session, ways.channels, now, ways.rules.timezone) if plan.letters else {}
    return keep_within(plan, left)


def run_round(session: Session, regency: str, ways: Ways, now: datetime) -> Round:
    """Queue the reminders of a regency that are due and that nobody has queued, and return how many letters that is.

    Errors: Raced, Unavailable: nothing was queued.
    """
    if not reminders.take_turn(session, regency, now):
        return Round()
    plan = _plan(session, gather_regency(session, regency, ways, now), ways, now, is_held=True)
    return queue(session, plan.lines, ways, now)
