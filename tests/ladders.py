"""What the laws about reminders range over: years of calendar, every clock of the country, ladders and days off."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from hypothesis import strategies as st

from gateway import ladder
from gateway.calendar import Days, Hours, clock, due_on
from gateway.ladder import FARTHEST, MOST_RUNGS, WORDINGS, Audience, OffDays, Rung, find_fault, load_ladders
from gateway.remind.due import Place
from gateway.remind.off_days import is_off
from parsers.period import period_of

ZONES = ("Asia/Jakarta", "Asia/Pontianak", "Asia/Makassar", "Asia/Jayapura")
FIRST, LAST = date(2024, 1, 1), date(2032, 12, 31)
LADDERS = load_ladders(Path(ladder.__file__).with_suffix(".toml").read_text(encoding="utf-8"))  # that Kabar comes with
KABAR = LADDERS[0].rungs

months = st.dates(FIRST, LAST).map(period_of)
zones = st.sampled_from(ZONES)
hours = st.tuples(st.integers(0, 23), st.integers(1, 12)).map(lambda two: Hours(two[0], min(24, sum(two))))
due_days = st.builds(lambda month, day: due_on(month, Days(day, 31, 31)), months, st.integers(1, 31))


def draw_rungs(wanted: list[tuple[int, int, Audience, bool]]) -> tuple[Rung, ...]:
    """Return the rungs that may stand on one ladder, of those wanted: (days, hour, audience, is_on)."""
    rungs: tuple[Rung, ...] = ()
    for days, hour, audience, is_on in wanted:
        more = (*rungs, Rung(f"r{len(rungs)}", days, hour, audience, WORDINGS[audience][0], is_on))
        rungs = rungs if find_fault(more, Hours(0, 24)) else more
    return rungs


audiences = st.sampled_from([*Audience, Audience.RESPONSIBLE, Audience.REPORTERS])
days_around = st.one_of(st.integers(-6, 6), st.integers(-FARTHEST, FARTHEST))
rungs = st.lists(
    st.tuples(days_around, st.integers(0, 23), audiences, st.sampled_from([True, True, True, False])),
    max_size=MOST_RUNGS,
).map(draw_rungs)


@st.composite
def calendars(draw: st.DrawFn, due: date) -> frozenset[date]:
    """Draw days off around a due day: those of the country by any of its choices, and some at random."""
    chosen = draw(st.sampled_from(OffDays))
    near = [due + timedelta(days=step) for step in range(-45, 46)]
    random = draw(st.sets(st.integers(-10, 10), max_size=9))
    return frozenset(one for one in near if is_off(one, chosen, "ID")) | {due + timedelta(days=one) for one in random}


@st.composite
def places(draw: st.DrawFn, due: date) -> Place:
    """Draw a place: its clock, its hours, its days off."""
    off = draw(calendars(due))
    return Place(draw(zones), draw(hours), off.__contains__)


@st.composite
def scenes(draw: st.DrawFn) -> tuple[date, tuple[Rung, ...], Place]:
    """Draw a due day, a ladder and a place."""
    due = draw(due_days)
    return due, draw(rungs), draw(places(due))


def instants(due: date) -> st.SearchStrategy[datetime]:
    """Return instants of the weeks around a due day, in UTC."""
    start = clock(due, 0, "UTC")
    return st.integers(-45 * 24 * 60, 45 * 24 * 60).map(
        lambda minutes: (start + timedelta(minutes=minutes)).astimezone(UTC)
    )
