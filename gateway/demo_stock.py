"""Demo stock: what practices and puskesmas have left of each contraceptive, made up month after month."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

FORM = "alokon"
MONTHS = 7
KEEPERS = {"PMB": 1, "PUSKESMAS": 5}  # which types report their stock, and how much more than a practice they give out
_GIVEN = {"pil": 18, "suntik3": 30, "kondom": 4, "iud": 2}  # a practice's usual month
_SHORTHAND = ("awal", "terima", "keluar", "akhir")


@dataclass(frozen=True, slots=True)
class StockMonth:
    """One month's stock report: its numbers, and the SMS that says them."""

    period: str
    values: Mapping[str, int]
    text: str


def stock_months(code: str, facility_type: str, periods: Sequence[str]) -> Iterator[StockMonth]:
    """Yield a facility's reports of its stock: what is left opens the next month. Made twice, they are the same.

    Some get too little for what they give out, and run low or empty; some get too much.
    """
    chance = random.Random(f"{code} stock")
    scale = KEEPERS[facility_type] * chance.uniform(0.6, 1.5)
    plenty = {item: chance.choice((0.7, 0.9, 1.0, 1.0, 1.1, 1.4)) for item in _GIVEN}
    left = {item: round(usual * scale * chance.uniform(1, 2.5)) for item, usual in _GIVEN.items()}
    for period in periods:
        values: dict[str, int] = {}
        for item, usual in _GIVEN.items():
            wanted = round(usual * scale * chance.uniform(0.8, 1.2))
            received = round(usual * scale * plenty[item] * chance.uniform(0.85, 1.15))
            given = min(wanted, left[item] + received)
            numbers = left[item], received, given, left[item] + received - given
            values |= {f"{measure}.{item}": number for measure, number in zip(_SHORTHAND, numbers, strict=True)}
            left[item] = numbers[-1]
        yield StockMonth(period, values, _write(period, values))


def _write(period: str, values: Mapping[str, int]) -> str:
    said = (f"{item.upper()} {'/'.join(str(values[f'{measure}.{item}']) for measure in _SHORTHAND)}" for item in _GIVEN)
    return f"ALOKON {period[5:]}{period[2:4]} {' '.join(said)}"
