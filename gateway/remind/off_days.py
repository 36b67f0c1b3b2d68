"""Which days are off in a country: public holidays and, where an area wants it, Sundays or weekends."""

from __future__ import annotations

from datetime import date
from functools import cache, partial

import holidays

from gateway.ladder import Manners, OffDays
from gateway.remind.due import Place

SATURDAY, SUNDAY = 5, 6
_REST = {OffDays.SUNDAYS: {SUNDAY}, OffDays.WEEKENDS: {SATURDAY, SUNDAY}}


def is_off(day: date, chosen: OffDays, country: str) -> bool:
    """Tell whether nobody is reminded on a day.

    Shape: `country` is two letters, ISO 3166-1. One whose holidays nobody has written down has none.
    Source: the `holidays` library (public holidays and, in Indonesia, those that the government joins to them).

    >>> is_off(date(2025, 8, 17), OffDays.HOLIDAYS, "ID"), is_off(date(2025, 10, 5), OffDays.HOLIDAYS, "ID")
    (True, False)
    >>> is_off(date(2025, 10, 5), OffDays.SUNDAYS, "ID"), is_off(date(2025, 8, 17), OffDays.NONE, "ID")
    (True, False)
    """
    if chosen is OffDays.NONE:
        return False
    return day.weekday() in _REST.get(chosen, ()) or day in holidays_of(country, day.year)


def find_place(zone: str, manners: Manners, country: str) -> Place:
    """Return what windows need to know of a place. Shape: `country` as `is_off` takes it."""
    return Place(zone, manners.hours, partial(is_off, chosen=manners.off_days, country=country))


@cache
def holidays_of(country: str, year: int) -> dict[date, str]:
    """Return the holidays of a year with their names; none for a country that the library does not know."""
    if country not in holidays.list_supported_countries():
        return {}
    known = holidays.country_holidays(country).supported_categories
    wanted = [one for one in (holidays.PUBLIC, holidays.GOVERNMENT) if one in known]
    return dict(holidays.country_holidays(country, years=[year], categories=wanted))
