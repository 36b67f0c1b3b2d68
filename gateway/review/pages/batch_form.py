"""What is typed about a batch, checked field by field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from gateway.calendar import month_days
from gateway.enrol.checking import read_date
from gateway.enrol.faults import Fault
from gateway.review.pages.language import mark
from gateway.store.batches import BatchState, Source

FIELDS = ("item", "source", "number", "expires_on", "quantity", "state")
LONGEST = 40  # characters of a batch number
MOST = 999_999
YEARS = (2000, 2099)
_MONTH = (
    re.compile(r"(?P<y>\d{4})-(?P<m>\d{1,2})", re.ASCII),
    re.compile(r"(?P<m>\d{1,2})[-/. ](?P<y>\d{4})", re.ASCII),
)

NOT_CHOSEN = mark("Please choose one.")
NO_NUMBER = mark("Write the number that stands on the box, at most 40 characters.")
NO_DAY = mark("Write a day such as 31/8/2027, or a month such as 8/2027. Leave it empty where nobody knows.")
NO_QUANTITY = mark("Write a whole number from 0 to 999,999.")


@dataclass(frozen=True, slots=True)
class Checked:
    """What was typed, as values of the store, and what is wrong with it, by field."""

    values: Mapping[str, Any]
    faults: Mapping[str, str]


def check_batch(typed: Mapping[str, str], items: Sequence[str]) -> Checked:
    """Return what was typed about a batch of one of these items."""
    number = " ".join(typed["number"].split()).upper()
    quantity = typed["quantity"].strip().replace(".", "")
    expires_on, is_day = read_expiry(typed["expires_on"])
    is_count = quantity.isascii() and quantity.isdigit() and len(quantity) <= len(str(MOST))
    state = typed["state"] or BatchState.IN_STOCK
    faults = {
        "item": NOT_CHOSEN if typed["item"] not in items else "",
        "source": NOT_CHOSEN if typed["source"] not in list(Source) else "",
        "number": "" if 0 < len(number) <= LONGEST else NO_NUMBER,
        "expires_on": "" if is_day else NO_DAY,
        "quantity": "" if is_count else NO_QUANTITY,
        "state": NOT_CHOSEN if state not in list(BatchState) else "",
    }
    wrong = {name: fault for name, fault in faults.items() if fault}
    values = {"item": typed["item"], "source": typed["source"], "number": number, "expires_on": expires_on}
    return Checked({} if wrong else values | {"quantity": int(quantity), "state": state}, wrong)


def read_expiry(written: str) -> tuple[date | None, bool]:
    """Return the day until which a batch is good, None where nobody knows, and whether what is written can be read.

    Boxes often carry a month alone: it is good until its last day.

    >>> read_expiry("8/2027")[0].isoformat(), read_expiry("31-08-2027")[0].isoformat()
    ('2027-08-31', '2027-08-31')
    >>> read_expiry(""), read_expiry("2027-13")
    ((None, True), (None, False))
    """
    written = written.strip()
    if not written:
        return None, True
    month = next((found for pattern in _MONTH if (found := pattern.fullmatch(written))), None)
    if month:
        year, number = int(month["y"]), int(month["m"])
        if not 1 <= number <= 12 or not YEARS[0] <= year <= YEARS[1]:
            return None, False
        return month_days(f"{year}-{number:02}")[1], True
    day = read_date(written, "expires_on")
    if isinstance(day, Fault) or not YEARS[0] <= day.year <= YEARS[1]:
        return None, False
    return day, True
