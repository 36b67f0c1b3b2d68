"""Months: how they are written, and how to count with them. A period is `YYYY-MM`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

FIRST_DAY_FOR_RUNNING_MONTH = 25  # from this day on, a report without a month is about the running one
OLDEST_MONTHS_BACK = 24

_NAMES = (
    "jan januari january",
    "feb febr februari february peb pebr pebruari",
    "mar maret mrt march",
    "apr april",
    "mei may",
    "jun juni june",
    "jul juli july",
    "agu ags agt agst agust agustus aug august",
    "sep sept september",
    "okt oktober oct october",
    "nov november nop nopember",
    "des desember dec december",
)
MONTHS = {name: month for month, names in enumerate(_NAMES, start=1) for name in names.split()}
LONG_MONTH_NAMES = tuple(name for name in MONTHS if len(name) > 4)  # Yuli and Yuni are people
_BEFORE = ("lalu", "kemarin", "kemaren", "kmrn", "kmr")
_BACK = dict.fromkeys(_BEFORE, 1) | {"ini": 0, "depan": -1}
TO_COME = "-1"
# What `bulan lalu` and `tahun ini` say: how many months or years back; a month to come is asked about.
RELATIVE_MONTHS = {
    f"{bulan}{joint}{when}": str(back)
    for bulan in ("bulan", "bln")
    for joint in (" ", "", " yang ", " yg ")
    for when, back in _BACK.items()
}
RELATIVE_YEARS = {f"{year} {when}": str(back) for year in ("tahun", "thn") for when, back in _BACK.items()}


class WrittenMonth(NamedTuple):
    """A number read as a month; `is_swapped` when it only works with the year first (2509)."""

    period: str
    is_swapped: bool = False


def read_month_number(parts: Sequence[str]) -> WrittenMonth | None:
    """Read the digits of a month: 0925, 092025, or two parts as in 09/25, 9/25, 09/2025, 2025-09; None if it is none.

    >>> read_month_number(["0925"]), read_month_number(["2509"]).is_swapped, read_month_number(["12"])
    (WrittenMonth(period='2025-09', is_swapped=False), True, None)
    """
    if len(parts) == 2:
        first, second = parts
        if len(first) == 4 and len(second) <= 2:
            period = _join(second, first)
            return WrittenMonth(period) if period else None
        return _read_pair(first, second)
    if len(parts) == 1 and len(parts[0]) == 4:
        return _read_pair(parts[0][:2], parts[0][2:])
    if len(parts) == 1 and len(parts[0]) == 6:
        period = _join(parts[0][:2], parts[0][2:])
        swapped = _join(parts[0][4:], parts[0][:4])
        if period:
            return WrittenMonth(period)
        return WrittenMonth(swapped, is_swapped=True) if swapped else None
    return None


def _read_pair(first: str, second: str) -> WrittenMonth | None:
    if period := _join(first, second):
        return WrittenMonth(period)
    if period := _join(second, first):
        return WrittenMonth(period, is_swapped=True)
    return None


def read_year(digits: str) -> int | None:
    """Read a year of two or four digits of this century; None if it is none."""
    if len(digits) == 2:
        return 2000 + int(digits)
    if len(digits) == 4 and digits.startswith("20"):
        return int(digits)
    return None


def _join(month_digits: str, year_digits: str) -> str | None:
    if not 1 <= len(month_digits) <= 2 or not 1 <= int(month_digits) <= 12:
        return None
    year = read_year(year_digits)
    return f"{year}-{int(month_digits):02}" if year is not None else None


def period_of(day: date, months_back: int = 0) -> str:
    """Name the month of a day, or one so many months before it.

    >>> period_of(date(2025, 1, 15), months_back=1)
    '2024-12'
    """
    months = day.year * 12 + day.month - 1 - months_back
    return f"{months // 12:04}-{months % 12 + 1:02}"


def assumed_period(sent_on: date) -> str:
    """Name the month that a report without one is about: the month before, from day 25 on the running month."""
    return period_of(sent_on, months_back=int(sent_on.day < FIRST_DAY_FOR_RUNNING_MONTH))


def latest_month(month: int, sent_on: date) -> str:
    """Name the latest month of that number which is not in the future.

    >>> latest_month(12, date(2025, 10, 2)), latest_month(10, date(2025, 10, 2))
    ('2024-12', '2025-10')
    """
    return f"{sent_on.year - (month > sent_on.month):04}-{month:02}"


def months_between(earlier: str, later: str) -> int:
    """Count the months from one period to another; negative when the second is the earlier one."""
    return _count(later) - _count(earlier)


def _count(period: str) -> int:
    return int(period[:4]) * 12 + int(period[5:])
