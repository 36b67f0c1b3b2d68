"""The stock of facilities as a stock card tells it: movements, what is left, from which source, and for how long. Pure.

Source: the national stock card (R/II/KB). A report says what moved of an item and not of which source: how what is left
is made up of sources and batches is known only as far as staff noted batches, and the rest is "not broken down".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.calendar import shift
from gateway.export.siga_layout import fold_key
from gateway.settling import Choices
from gateway.stock import GIVEN, LEFT, MONTHS_BACK, Status, Stock, judge_stock, last_given
from gateway.store.batches import Batch, Source
from gateway.store.settled import Place, Settled

SHARES = {Source.APBN: "closing_apbn", Source.APBD: "closing_apbd", Source.OWN: "closing_own"}
UNKNOWN_SHARE = "closing_unknown"
MOVES = {  # a column of the card, and the measure of the form that it holds
    "opening": "awal",
    "received": "terima",
    "given": GIVEN,
    "passed_on": "distribusi",
    "damaged": "rusak",
    "expired": "kadaluarsa",
}
OUTGOING = ("given", "passed_on", "damaged", "expired")
NUMBERS = (*MOVES, "computed", "closing", "difference", *SHARES.values(), UNKNOWN_SHARE)

Values = Mapping[tuple[str, str], int]  # by measure and item
Given = Mapping[str, Mapping[str, int]]  # what was given out, by item and month
Numbers = Mapping[str, int | None]  # by the names of NUMBERS; what was left out is None, and is no zero


@dataclass(frozen=True, slots=True)
class Card:
    """One item of one facility in one month."""

    place: Place
    period: str
    item: str
    numbers: Numbers
    stock: Stock


@dataclass
class Recap:
    """The cards of an area, a month and an item, added up number by number."""

    numbers: dict[str, int | None] = field(default_factory=dict)
    facilities: int = 0
    usual: float | None = None
    resupply: int = 0
    statuses: Counter[Status] = field(default_factory=Counter)

    def add(self, card: Card) -> None:
        """Take in one more card."""
        for name, number in card.numbers.items():
            if number is not None:
                self.numbers[name] = (self.numbers.get(name) or 0) + number
        self.facilities += 1
        if card.stock.usual is not None:
            self.usual = (self.usual or 0) + card.stock.usual
        self.resupply += card.stock.resupply
        self.statuses[card.stock.status] += 1

    def judge(self, least: int, most: int) -> Stock:
        """Return how the stock of the area stands as a whole; what to send is what its facilities need, added up."""
        usual = () if self.usual is None else (self.usual,)
        return replace(judge_stock(self.numbers.get("closing"), usual, least, most), resupply=self.resupply)


def fold(values: Mapping[str, int], choices: Choices) -> Values:
    """Return a report's values by measure and item, with what is not broken down where an area wants it.

    >>> fold({"akhir.suntik": 5, "akhir.suntik3": 2, "akhir": 7}, Choices(injectable_as="suntik3"))
    {('akhir', 'suntik3'): 7}
    """
    found: dict[tuple[str, str], int] = {}
    for key, number in values.items():
        measure, _, item = fold_key(key, choices.injectable_as, choices.implant_as).partition(".")
        if item:
            found[measure, item] = found.get((measure, item), 0) + number
    return found


def fold_item(item: str, choices: Choices) -> str:
    """Return the item that one goes to: injectables and implants without a kind where an area wants them."""
    return fold_key(f".{item}", choices.injectable_as, choices.implant_as)[1:]


def given_before(months: Mapping[str, Mapping[str, int]], choices: Choices) -> dict[str, dict[str, int]]:
    """Return what a facility gave out in earlier months, by item and month."""
    found: dict[str, dict[str, int]] = {}
    for period, values in months.items():
        remember(found, period, fold(values, choices))
    return found


def remember(given: dict[str, dict[str, int]], period: str, values: Values) -> None:
    """Take what was given out in a month in, for the months that follow."""
    for (measure, item), number in values.items():
        if measure == GIVEN:
            given.setdefault(item, {})[period] = number


def make_card(
    report: Settled, item: str, values: Values, given: Given, limits: tuple[int, int], batches: Sequence[Batch] = ()
) -> Card:
    """Return the card of one item of a report.

    Shape: `given` holds this month too; `batches` are the item's batches in stock, none for any month but the last.
    """
    oldest = shift(report.period, 1 - MONTHS_BACK)
    lately = {period: number for period, number in given.get(item, {}).items() if period >= oldest}
    stock = judge_stock(values.get((LEFT, item)), last_given(lately, report.period), *limits)
    return Card(report.place, report.period, item, add_up(item, values, batches), stock)


def add_up(item: str, values: Values, batches: Sequence[Batch]) -> Numbers:
    """Return the numbers of a card: what was reported, what must be left by it, and what is left by source.

    What is left of no known source is less than nothing where batches come to more than was reported.
    """
    moves = {name: values.get((measure, item)) for name, measure in MOVES.items()}
    closing, opening = values.get((LEFT, item)), moves["opening"]
    computed = None
    if opening is not None:
        computed = opening + (moves["received"] or 0) - sum(moves[name] or 0 for name in OUTGOING)
    difference = None if closing is None or computed is None else closing - computed
    shares: dict[str, int | None] = dict.fromkeys(SHARES.values())
    for batch in batches:
        share = SHARES[Source(batch.source)]
        shares[share] = (shares[share] or 0) + batch.quantity
    rest = None if closing is None else closing - sum(share or 0 for share in shares.values())
    return {**moves, "computed": computed, "closing": closing, "difference": difference, **shares, UNKNOWN_SHARE: rest}
