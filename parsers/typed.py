"""What is typed into a USSD screen, read alone: a count, an option, a month."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from parsers.numbers import MOST
from parsers.period import MONTHS, latest_month, read_month_number, read_year

_THOUSANDS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+")
_MONTH_NUMBER = re.compile(r"([0-9]{1,6})(?:[/. -]([0-9]{1,4}))?")
_MONTH_NAME = re.compile(r"([a-z]{3,9})[/. -]?([0-9]{4}|[0-9]{2})?")
_LONGEST_MONTH = 20  # characters that are looked at
LONGEST_TYPED = 1601  # one more than is ever read, so that a longer text is told from it


class TypedMonth(NamedTuple):
    """A month as it was typed: is it written in full, so that it is nothing else; does it only work year first?"""

    period: str
    is_full: bool
    is_swapped: bool = False


def tidy_typed(typed: str) -> str:
    """Return what was typed without what phones and gateways add to it.

    >>> tidy_typed(" １２# ")
    '12'
    """
    digits = (str(unicodedata.decimal(mark, mark)) for mark in unicodedata.normalize("NFKC", typed[:LONGEST_TYPED]))
    return " ".join("".join(digits).strip(" #*\t\r\n").split())


def read_count(typed: str) -> tuple[int, str]:
    """Return the count that was typed, or 0 and the name of the sentence that says why it is none.

    >>> read_count("40"), read_count("1.200"), read_count("4o"), read_count("-3"), read_count("0925")
    ((40, ''), (1200, ''), (0, 'number'), (0, 'signed'), (0, 'zero_first'))
    """
    if not typed:
        return 0, "no_number"
    digits = typed.replace(".", "") if _THOUSANDS.fullmatch(typed) else typed
    if typed[0] in "+-" and digits[1:].isdecimal():
        return 0, "signed"
    if not (digits.isascii() and digits.isdecimal()):
        return 0, "number"
    if digits.startswith("0") and len(digits) > 2:
        return 0, "zero_first"  # more likely a month
    digits = digits.lstrip("0") or "0"
    if len(digits) > len(str(MOST)):
        return 0, "too_large"
    return int(digits), ""


def read_option(typed: str, count: int) -> int | None:
    """Return which of so many options was typed, from 0; a number that begins with 0 is none."""
    if typed.isascii() and typed.isdecimal() and not typed.startswith("0") and len(typed) <= 3:
        return int(typed) - 1 if int(typed) <= count else None
    return None


def read_month(typed: str, today: date) -> TypedMonth | None:
    """Return the month that was typed: 0925, 09/25, 092025, 09, 9, sep, sep25; None where it is none.

    >>> [tuple(read_month(typed, date(2025, 10, 3))) for typed in ("9", "sep 2025", "2509")]
    [('2025-09', False, False), ('2025-09', True, False), ('2025-09', True, True)]
    """
    word = typed.lower()[:_LONGEST_MONTH]
    if named := _MONTH_NAME.fullmatch(word):
        month = MONTHS.get(named[1])
        year = read_year(named[2] or "")
        if month is None:
            return None
        return TypedMonth(f"{year}-{month:02}" if year else latest_month(month, today), is_full=True)
    numbered = _MONTH_NUMBER.fullmatch(word)
    if numbered is None:
        return None
    parts: Sequence[str] = [part for part in numbered.groups() if part]
    if written := read_month_number(parts):
        return TypedMonth(written.period, is_full=True, is_swapped=written.is_swapped)
    if len(parts) == 1 and len(word) <= 2 and 1 <= int(word) <= 12:
        return TypedMonth(latest_month(int(word), today), is_full=word.startswith("0"))
    return None
