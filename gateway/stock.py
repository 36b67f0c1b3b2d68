"""Whether there is enough of a contraceptive, for how long, and how much to send. Pure.

Source: the national stock card (R/II/KB): what is left at the end of a month, over what is given out in a usual one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import ceil
from typing import TypeVar

from gateway.calendar import month_days, shift
from parsers.period import period_of

LEFT, GIVEN = "akhir", "keluar"  # the measures of the stock form that this goes by
Number = TypeVar("Number", int, float)
MONTHS = 3  # the last months that were reported tell what a usual month is
MONTHS_BACK = 6  # and so far back they are looked for


class Status(StrEnum):
    """How a stock stands."""

    EMPTY = "kosong"
    LOW = "kurang"
    ENOUGH = "cukup"
    MUCH = "lebih"
    UNKNOWN = "tidak_diketahui"  # not reported, or nobody knows what is given out


@dataclass(frozen=True, slots=True)
class Stock:
    """One stock. `months` it lasts, None where nothing is given out; `resupply` fills it up to the most."""

    left: int | None
    usual: float | None
    status: Status
    months: float | None
    resupply: int


def judge_stock(left: int | None, given: Sequence[float], least: int, most: int) -> Stock:
    """Return how a stock stands: what is left, and what was given out in the last reported months.

    Units: `least` and `most` are months; what lasts as long is enough.

    >>> judge_stock(30, (10, 20, 30), 1, 3).status.value, judge_stock(30, (10, 20, 30), 1, 3).resupply
    ('cukup', 30)
    >>> [judge_stock(*one, 1, 3).status.value for one in ((0, ()), (7, ()), (7, (0, 0)))]
    ['kosong', 'tidak_diketahui', 'lebih']
    """
    usual = sum(given) / len(given) if given else None
    if left is None:
        return Stock(None, usual, Status.UNKNOWN, None, 0)
    months = left / usual if usual else None
    resupply = max(0, ceil(most * usual - left)) if usual else 0
    return Stock(left, usual, _status(left, usual, months, least, most), months, resupply)


def _status(left: int, usual: float | None, months: float | None, least: int, most: int) -> Status:
    if left == 0:
        return Status.EMPTY
    if usual is None:
        return Status.UNKNOWN
    if months is None or months > most:
        return Status.MUCH
    return Status.LOW if months < least else Status.ENOUGH


def last_given(by_period: Mapping[str, Number], period: str) -> tuple[Number, ...]:
    """Return what was given out in the last reported months up to a period, the newest first.

    >>> last_given({"2025-05": 1, "2025-07": 2, "2025-08": 3, "2025-09": 4, "2025-10": 9}, "2025-09")
    (4, 3, 2)
    """
    return tuple(by_period[one] for one in sorted(by_period, reverse=True) if one <= period)[:MONTHS]


class Expiry(StrEnum):
    """How near a batch is to its expiry."""

    EXPIRED = "lewat"
    SOON = "segera"
    LATER = "aman"
    UNKNOWN = "tidak_diketahui"


def soon_until(today: date, months: int) -> date:
    """Return the day before which expiry is soon: of months that begin sooner, counted as the rule of reports does.

    >>> soon_until(date(2025, 10, 3), 6).isoformat()
    '2026-04-01'
    """
    return month_days(shift(period_of(today), months))[0]


def judge_expiry(expires_on: date | None, today: date, months: int) -> Expiry:
    """Return how near a batch is to its expiry; its last day is still good.

    >>> days = date(2025, 10, 2), date(2025, 10, 3), date(2026, 3, 31), date(2026, 4, 1), None
    >>> [judge_expiry(day, date(2025, 10, 3), 6).value for day in days]
    ['lewat', 'segera', 'segera', 'aman', 'tidak_diketahui']
    """
    if expires_on is None:
        return Expiry.UNKNOWN
    if expires_on < today:
        return Expiry.EXPIRED
    return Expiry.SOON if expires_on < soon_until(today, months) else Expiry.LATER
