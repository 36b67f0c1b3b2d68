"""When rungs go out: over years of calendar, every clock of the country, any ladder, any days off."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.calendar import DAY, Days, Hours, Outage, clock, due_on, excused_due_on, waking_hours
from gateway.ladder import OF_FACILITIES, Audience, OffDays, Rung
from gateway.remind.due import LASTING, MOST_MOVED, Place, Window, find_windows, may_write, spread
from gateway.remind.off_days import is_off
from tests import ladders
from tests.ladders import KABAR, ZONES

Scene = tuple[date, tuple[Rung, ...], Place]
JAKARTA = Place("Asia/Jakarta", Hours(), lambda day: is_off(day, OffDays.HOLIDAYS, "ID"))
EVERY_DAY = Place("Asia/Jakarta", Hours(), lambda _day: False)


def _day(at: datetime, place: Place) -> date:
    return at.astimezone(ZoneInfo(place.zone)).date()


def _grouped(windows: tuple[Window, ...]) -> dict[Audience, list[Window]]:
    return {group: [one for one in windows if one.rung.group is group] for group in Audience}


def _is_hopeless(day: date, place: Place) -> bool:
    """Tell whether so many days in a row are off that no holiday explains it: a rung is then moved nowhere."""
    rows = (range(MOST_MOVED), range(0, -MOST_MOVED, -1))
    return any(all(place.is_off(day + DAY * step) for step in row) for row in rows)


@given(ladders.scenes())
def test_windows_of_one_audience_never_overlap(scene: Scene) -> None:
    for these in _grouped(find_windows(*scene)).values():
        assert all(one.opens_at < one.closes_at for one in these)
        assert all(one.closes_at <= after.opens_at for one, after in pairwise(these))


@given(ladders.scenes())
def test_rungs_keep_the_order_of_the_ladder_whatever_days_are_off(scene: Scene) -> None:
    for these in _grouped(find_windows(*scene)).values():
        days = [one.rung.days for one in these]
        assert days == sorted(days)


@given(ladders.scenes())
def test_every_window_opens_awake_and_on_no_day_off(scene: Scene) -> None:
    due, rungs, place = scene
    for one in find_windows(due, rungs, place):
        local = one.opens_at.astimezone(ZoneInfo(place.zone))
        assert place.hours.first <= local.hour < place.hours.last
        assert may_write(one.opens_at, place) or _is_hopeless(due + DAY * one.rung.days, place)


@given(ladders.scenes())
def test_two_rungs_of_one_audience_never_open_on_one_day(scene: Scene) -> None:
    place = scene[2]
    for these in _grouped(find_windows(*scene)).values():
        opened = [_day(one.opens_at, place) for one in these]
        assert len(opened) == len(set(opened))


@given(ladders.scenes())
def test_nothing_that_says_it_is_not_too_late_goes_out_when_it_is(scene: Scene) -> None:
    due, rungs, place = scene
    for one in find_windows(due, rungs, place):
        if one.rung.days <= 0:
            assert _day(one.opens_at, place) <= due
            if one.rung.audience in OF_FACILITIES:
                assert one.closes_at <= clock(due, 24, place.zone)
        else:
            assert _day(one.opens_at, place) > due


@given(ladders.scenes())
def test_a_rung_is_left_out_only_for_the_next_one_on_its_day(scene: Scene) -> None:
    due, rungs, place = scene
    windows = find_windows(due, rungs, place)
    kept = {one.rung.code for one in windows}
    assert kept <= {one.code for one in rungs if one.is_on}
    for rung in rungs:
        if rung.is_on and rung.code not in kept:
            (alone,) = find_windows(due, (rung,), place)
            here = [one for one in windows if _day(one.opens_at, place) == _day(alone.opens_at, place)]
            assert any(one.rung.group is rung.group and one.rung.days > rung.days for one in here)


@given(ladders.scenes())
def test_a_rung_moves_no_farther_than_to_the_nearest_day_that_is_not_off(scene: Scene) -> None:
    due, rungs, place = scene
    for one in find_windows(due, rungs, place):
        wanted, got = due + DAY * one.rung.days, _day(one.opens_at, place)
        passed = [wanted + DAY * step * (1 if one.rung.days > 0 else -1) for step in range(abs((got - wanted).days))]
        assert all(place.is_off(day) for day in passed)
        assert (got - wanted).days * (1 if one.rung.days > 0 else -1) >= 0


@given(ladders.scenes(), st.data())
def test_an_instant_has_at_most_one_rung_due_of_each_audience(scene: Scene, more: st.DataObject) -> None:
    now = more.draw(ladders.instants(scene[0]))
    due_now = Counter(one.rung.group for one in find_windows(*scene) if one.is_open(now))
    assert not due_now or max(due_now.values()) == 1


@given(ladders.scenes(), st.data())
def test_after_a_clock_that_was_down_the_rung_due_is_the_last_one_that_began(scene: Scene, more: st.DataObject) -> None:
    now = more.draw(ladders.instants(scene[0]))
    for these in _grouped(find_windows(*scene)).values():
        begun = [one for one in these if one.opens_at <= now]
        assert [one for one in these if one.is_open(now)] in ([], begun[-1:])


@given(ladders.scenes())
def test_the_last_rung_after_the_due_day_makes_sense_for_three_days(scene: Scene) -> None:
    for these in _grouped(find_windows(*scene)).values():
        if these and these[-1].rung.days > 0:
            assert these[-1].closes_at - these[-1].opens_at == LASTING


@given(ladders.months, ladders.zones)
def test_the_ladder_that_kabar_comes_with_has_every_rung_in_every_month(period: str, zone: str) -> None:
    place = Place(zone, Hours(), lambda _day: False)
    windows = find_windows(due_on(period, Days()), KABAR, place)
    assert [one.rung.code for one in windows] == [one.code for one in KABAR if one.is_on]
    first = windows[0].opens_at.astimezone(ZoneInfo(zone))
    assert (first.day, first.hour) == (2, 8)


@pytest.mark.parametrize(("period", "opens"), [("2025-01", date(2025, 2, 28)), ("2028-01", date(2028, 2, 29))])
def test_a_due_day_31_of_february_is_its_last_day(period: str, opens: date) -> None:
    due = due_on(period, Days(due=31, corrections=31, approval=31))
    windows = {one.rung.code: one for one in find_windows(due, KABAR, EVERY_DAY)}
    assert _day(windows["due"].opens_at, EVERY_DAY) == opens
    assert windows["due"].closes_at == clock(opens, 24, "Asia/Jakarta")
    assert _day(windows["late"].opens_at, EVERY_DAY) == opens + 2 * DAY


def test_independence_day_moves_what_must_not_be_late_before_it_and_the_rest_behind_it() -> None:
    on_it = find_windows(date(2025, 8, 17), KABAR, JAKARTA)
    opened = {one.rung.code: _day(one.opens_at, JAKARTA) for one in on_it}
    # 18 August 2025 was a day off by the government's own decision
    assert opened["due"] == date(2025, 8, 16)
    two_before = find_windows(date(2025, 8, 15), KABAR, JAKARTA)
    opened = {one.rung.code: _day(one.opens_at, JAKARTA) for one in two_before}
    assert opened["late"] == date(2025, 8, 19)


def test_a_fast_that_ends_with_a_week_off_leaves_one_reminder_of_three() -> None:
    """Lebaran 2025: off from 28 March to 7 April, so what was for 2 and 5 April falls on one day before it."""
    off = {date(2025, 3, 28) + DAY * step for step in range(11)}
    windows = find_windows(date(2025, 4, 5), KABAR, Place("Asia/Jakarta", Hours(), off.__contains__))
    of_facilities = [one for one in windows if one.rung.audience in OF_FACILITIES]
    assert [one.rung.code for one in of_facilities] == ["due", "late"]
    assert _day(of_facilities[0].opens_at, EVERY_DAY) == date(2025, 3, 27)
    assert _day(of_facilities[1].opens_at, EVERY_DAY) == date(2025, 4, 8)


@pytest.mark.parametrize("zone", ZONES)
def test_eight_in_the_morning_is_that_of_the_place_itself(zone: str) -> None:
    place = Place(zone, Hours(), lambda _day: False)
    for one in find_windows(date(2025, 10, 5), KABAR, place):
        assert one.opens_at.astimezone(ZoneInfo(zone)).hour == one.rung.hour


@given(ladders.scenes(), st.integers(0, 23))
def test_a_rungs_hour_outside_of_the_waking_ones_becomes_the_nearest_of_them(scene: Scene, hour: int) -> None:
    due, _, place = scene
    rung = Rung("due", 0, hour, Audience.RESPONSIBLE, "remind_due")
    (window,) = find_windows(due, (rung,), place)
    got = window.opens_at.astimezone(ZoneInfo(place.zone)).hour
    assert got == min(range(place.hours.first, place.hours.last), key=lambda one: abs(one - hour))


@given(st.datetimes(datetime(2024, 1, 1), datetime(2032, 12, 31)), ladders.zones, ladders.hours)  # noqa: DTZ001
def test_people_are_written_to_in_their_waking_hours_only(at: datetime, zone: str, hours: Hours) -> None:
    now = at.replace(tzinfo=UTC)
    local = now.astimezone(ZoneInfo(zone))
    place = Place(zone, hours, lambda day: day.day == 13)
    assert may_write(now, place) == (hours.first <= local.hour < hours.last and local.day != 13)


@given(ladders.months, ladders.zones, st.integers(-72, 72), st.integers(1, 96))
def test_an_outage_on_the_due_day_moves_the_ladder_with_the_day_that_it_gives(
    period: str, zone: str, begins: int, lasts: int
) -> None:
    last = due_on(period, Days())
    from_at = clock(last, 0, zone) + timedelta(hours=begins)
    until_at = from_at + timedelta(hours=lasts)
    cut = Outage("", from_at, until_at)
    excused = excused_due_on(period, Days(), zone, [cut], cut.from_at + 30 * DAY)
    windows = {one.rung.code: one for one in find_windows(excused, KABAR, Place(zone, Hours(), lambda _day: False))}
    assert (excused > last) == (begins < 24 and begins + lasts >= 0)
    assert windows["due"].closes_at == clock(excused, 24, zone)
    assert windows["late"].opens_at > clock(excused, 24, zone)
    if excused > last:  # nobody is told that she is late for a day on which nothing could come in
        assert windows["late"].opens_at > until_at


@given(st.integers(0, 12 * 60 - 1), st.integers(0, 600), st.sets(st.text(min_size=1), min_size=1, max_size=50))
def test_what_is_spread_goes_out_within_its_time_and_before_the_evening(minute: int, over: int, keys: set[str]) -> None:
    morning, evening = waking_hours(datetime(2025, 10, 3, 2, tzinfo=UTC), "Asia/Jakarta")
    now = morning + timedelta(minutes=minute)
    times = spread(now, evening, timedelta(minutes=over), keys)
    assert times.keys() == keys
    assert all(now <= one <= now + timedelta(minutes=over) for one in times.values())
    assert all(one < evening for one in times.values())


@given(st.sets(st.text(min_size=1), min_size=2, max_size=50))
def test_a_number_has_the_same_place_whoever_else_is_written_to(keys: set[str]) -> None:
    now, evening = waking_hours(datetime(2025, 10, 3, 2, tzinfo=UTC), "Asia/Jakarta")
    together = spread(now, evening, timedelta(hours=2), keys)
    alone = [spread(now, evening, timedelta(hours=2), [key])[key] for key in keys]
    assert [together[key] for key in keys] == alone


def test_the_reminders_of_a_nation_come_evenly() -> None:
    now, evening = waking_hours(datetime(2025, 10, 3, 2, tzinfo=UTC), "Asia/Jakarta")
    phones = [f"+62811{number:07d}" for number in range(33_014)]
    minutes = Counter(
        int((one - now) / timedelta(minutes=1)) for one in spread(now, evening, timedelta(hours=2), phones).values()
    )
    assert set(minutes) == set(range(120))
    even = 33_014 / 120
    assert 0.5 * even < min(minutes.values()) <= max(minutes.values()) < 1.5 * even


def test_what_is_spread_late_in_the_evening_takes_half_of_what_is_left() -> None:
    evening = datetime(2025, 10, 3, 13, tzinfo=UTC)
    times = spread(evening - timedelta(minutes=10), evening, timedelta(hours=2), [str(one) for one in range(500)])
    assert max(times.values()) <= evening - timedelta(minutes=5)
