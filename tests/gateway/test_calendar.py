"""The days of a district's month: right in every month of many years, on every clock of the country."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import calendar
from gateway.calendar import Calendar, Days, Outage, Stage
from parsers.period import months_between, period_of

ZONES = ("Asia/Jakarta", "Asia/Pontianak", "Asia/Makassar", "Asia/Jayapura")

days = st.dates(date(2000, 1, 1), date(2099, 12, 31))
zones = st.sampled_from(ZONES)
chosen_days = st.lists(st.integers(1, 31), min_size=3, max_size=3).map(lambda three: Days(*sorted(three)))
FIRST, LAST = datetime(2000, 1, 1), datetime(2099, 12, 31)  # noqa: DTZ001  hypothesis puts the zone to them
instants = st.datetimes(FIRST, LAST, timezones=st.just(UTC))


@given(days)
def test_the_month_that_is_reported_is_the_one_before(day: date) -> None:
    assert calendar.report_month(day) == period_of(day.replace(day=1) - timedelta(days=1))


@given(days, chosen_days)
def test_every_day_of_a_month_lies_in_the_month_after_it_and_they_keep_their_order(day: date, chosen: Days) -> None:
    period = period_of(day)
    dates = [
        calendar.due_on(period, chosen),
        calendar.corrections_close_on(period, chosen),
        calendar.approval_closes_on(period, chosen),
    ]
    assert dates == sorted(dates)
    assert {months_between(period, period_of(one)) for one in dates} == {1}


@given(days)
def test_a_short_month_ends_on_its_last_day(day: date) -> None:
    due = calendar.due_on(period_of(day), Days(31, 31, 31))
    assert (due + timedelta(days=1)).day == 1


@given(days, zones, chosen_days)
def test_the_last_second_of_the_due_day_is_on_time_and_the_next_is_late(day: date, zone: str, chosen: Days) -> None:
    period = period_of(day)
    due = calendar.due_on(period, chosen)
    last = datetime(due.year, due.month, due.day, 23, 59, 59, tzinfo=ZoneInfo(zone))
    assert calendar.is_on_time(last, zone, period, chosen)
    assert not calendar.is_on_time(last + timedelta(seconds=1), zone, period, chosen)


@given(instants, zones, days, chosen_days)
def test_on_time_is_what_the_senders_own_clock_says(sent_at: datetime, zone: str, day: date, chosen: Days) -> None:
    period = period_of(day)
    left = calendar.days_left(sent_at.astimezone(ZoneInfo(zone)).date(), period, chosen)
    assert calendar.is_on_time(sent_at, zone, period, chosen) == (left >= 0)


@given(days, chosen_days)
def test_a_month_never_goes_back_a_stage(day: date, chosen: Days) -> None:
    order = list(Stage)
    period = period_of(day)
    stages = [order.index(calendar.stage_of(day + timedelta(days=step), period, chosen)) for step in range(63)]
    assert stages == sorted(stages)
    assert order[stages[0]] is Stage.RUNNING
    assert order[stages[-1]] is Stage.OVER


@given(days, st.integers(-60, 60))
def test_going_on_and_back_by_months_comes_home(day: date, months: int) -> None:
    period = period_of(day)
    assert calendar.shift(calendar.shift(period, months), -months) == period
    assert months_between(period, calendar.shift(period, months)) == months


@given(instants, zones)
def test_nobody_is_written_to_before_eight_or_from_eight_in_the_evening_on(at: datetime, zone: str) -> None:
    first, last = calendar.waking_hours(at, zone)
    here = ZoneInfo(zone)
    assert (first.astimezone(here).hour, last.astimezone(here).hour) == (8, 20)
    assert first.astimezone(here).date() == last.astimezone(here).date()
    assert at < last
    assert first - at < timedelta(hours=12)


spans = st.tuples(st.integers(-20 * 24, 20 * 24), st.integers(0, 15 * 24))  # hours from the last day, and how many


def make_outages(period: str, zone: str, chosen: Days, hours: list[tuple[int, int]]) -> list[Outage]:
    """Return outages around the last day of a month."""
    last = calendar.clock(calendar.due_on(period, chosen), 0, zone)
    starts = [(last + timedelta(hours=start), length) for start, length in hours]
    return [Outage("", start, start + timedelta(hours=length)) for start, length in starts]


@given(days, zones, chosen_days, st.lists(spans, max_size=4), spans)
def test_an_outage_never_takes_time_away(
    day: date, zone: str, chosen: Days, hours: list[tuple[int, int]], one_more: tuple[int, int]
) -> None:
    period, now = period_of(day), datetime(2101, 1, 1, tzinfo=UTC)
    some, more = (make_outages(period, zone, chosen, these) for these in (hours, [*hours, one_more]))
    planned = calendar.due_on(period, chosen)
    last = calendar.excused_due_on(period, chosen, zone, some, now)
    assert planned <= last <= calendar.excused_due_on(period, chosen, zone, more, now)
    assert calendar.stage_of(last, period, chosen, last) is Stage.DUE
    assert calendar.days_left(last, period, chosen, last) == 0


@given(days, zones, chosen_days, st.lists(spans, min_size=1, max_size=4))
def test_no_last_day_is_one_on_which_messages_could_not_come_in(
    day: date, zone: str, chosen: Days, hours: list[tuple[int, int]]
) -> None:
    period, now = period_of(day), datetime(2101, 1, 1, tzinfo=UTC)
    cuts = make_outages(period, zone, chosen, hours)
    last = calendar.excused_due_on(period, chosen, zone, cuts, now)
    begins, ends = calendar.clock(last, 0, zone), calendar.clock(last, 24, zone)
    assert not [one for one in cuts if one.from_at < ends and one.until_at is not None and one.until_at >= begins]


def test_the_smallest_area_decides_and_in_it_the_very_form() -> None:
    chosen = [
        Calendar("", "", Days(9, 9, 9)),
        Calendar("14.03", "", Days(3, 4, 5)),
        Calendar("14.03", "alokon", Days(6, 7, 8)),
        Calendar("14", "kb", Days(1, 2, 3)),
    ]
    assert calendar.find_days(chosen, "14.03.01", "kb") == Days(3, 4, 5)
    assert calendar.find_days(chosen, "14.03.01", "alokon") == Days(6, 7, 8)
    assert calendar.find_days(chosen, "14.04.01", "kb") == Days(1, 2, 3)
    assert calendar.find_days(chosen, "14.030", "alokon") == Days(9, 9, 9)
    assert calendar.find_days([], "14.03", "kb") == Days(5, 7, 10)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (Days(0, 7, 10), "due"),
        (Days(5, 4, 10), "corrections"),
        (Days(5, 7, 6), "approval"),
        (Days(5, 7, 32), "approval"),
    ],
)
def test_days_that_cannot_be_are_named(wrong: Days, named: str) -> None:
    assert calendar.find_fault(wrong) == named
    assert calendar.find_fault(Days()) == ""
