"""The next moments: each rung's own, on a waking hour of a working day, and none of what is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.calendar import Days, Hours, Outage
from gateway.forms import load_ladders
from gateway.ladder import Ladder, Manners, OffDays, find_ladder
from gateway.remind.coming import Coming, Corner, find_coming, first_moment, left_out, steps_of
from gateway.remind.due import may_write
from gateway.remind.off_days import find_place

JAKARTA = "Asia/Jakarta"
MORNING = datetime(2025, 10, 1, 5, tzinfo=UTC)  # 12:00 there
KB = find_ladder(load_ladders(), "14.03", "kb")


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """Return an instant of October 2025 on the clock of Jakarta."""
    return datetime(2025, 10, day, hour, minute, tzinfo=UTC) - timedelta(hours=7)


def corner(ladder: Ladder = KB, **others: object) -> Corner:
    """Return a corner of Bengkalis."""
    known: dict[str, object] = {"form": "kb", "zone": JAKARTA, "days": Days(), "ladder": ladder, "manners": Manners()}
    return Corner(**(known | others))  # type: ignore[arg-type]


def said(coming: tuple[Coming, ...]) -> list[tuple[datetime, list[str]]]:
    """Return each moment with its rungs."""
    return [(one.at, [step.rung.code for step in one.steps]) for one in coming]


def test_the_coming_rungs_stand_in_their_order() -> None:
    assert said(find_coming([corner()], MORNING, "ID", 3)) == [
        (at(2, 8), ["before"]),
        (at(5, 8), ["due"]),
        (at(7, 8), ["late"]),
    ]


def test_what_may_go_out_already_is_now_and_by_night_the_next_morning() -> None:
    assert said(find_coming([corner()], at(3, 10), "ID", 1)) == [(at(3, 10), ["before"])]
    assert said(find_coming([corner()], at(3, 22), "ID", 1)) == [(at(4, 8), ["before"])]


def test_what_is_over_is_no_more() -> None:
    codes = [code for _, codes in said(find_coming([corner()], at(11, 9), "ID", 2)) for code in codes]
    assert codes == ["summary", "before"]


def test_two_corners_with_the_same_step_have_one_moment() -> None:
    early = corner(manners=Manners(hours=Hours(9, 20)))
    assert said(find_coming([corner(), corner(), early], MORNING, "ID", 2)) == [
        (at(2, 8), ["before"]),
        (at(2, 9), ["before"]),
    ]


def test_a_form_that_is_not_asked_for_has_no_moments() -> None:
    nothing = find_ladder(load_ladders(), "14.03", "alokon")
    assert not nothing.is_on
    assert find_coming([corner(nothing)], MORNING, "ID", 5) == ()


def test_an_outage_on_the_due_day_moves_the_moments() -> None:
    cut = Outage("14.03", at(5, 8), at(6, 8))
    coming = find_coming([corner(outages=(cut,))], at(6, 9), "ID", 1)
    assert coming[0].steps[0].due_on.day == 7


def test_a_rung_that_days_off_move_onto_another_is_told_as_left_out() -> None:
    busy = Manners(off_days=OffDays.WEEKENDS)
    steps = steps_of(corner(days=Days(due=6), manners=busy), "2025-09", "ID", MORNING)
    gone = left_out(steps, KB.rungs)
    assert {step.rung.code for step in steps} | {rung.code for rung in gone} == {
        one.code for one in KB.rungs if one.is_on
    }


@pytest.mark.parametrize("off_days", OffDays)
def test_every_moment_is_one_at_which_somebody_may_be_written_to(off_days: OffDays) -> None:
    manners = Manners(off_days=off_days)
    place = find_place("Asia/Jayapura", manners, "ID")
    there = corner(zone="Asia/Jayapura", manners=manners)
    for day in range(0, 400, 3):
        now = MORNING + timedelta(days=day, hours=day % 24)
        for one in find_coming([there], now, "ID", 6):
            assert one.at >= now
            assert may_write(one.at, place)
            assert all(first_moment(step.window, place, now) == one.at for step in one.steps)
