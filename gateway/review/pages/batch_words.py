"""What sources, states and expiries of batches are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.review.pages.language import mark
from gateway.stock import Expiry
from gateway.store.batches import BatchState, Source


@dataclass(frozen=True, slots=True)
class Word:
    """A state in words and its tone."""

    words: str
    tone: str


SOURCES: Mapping[str, str] = {
    Source.APBN: mark("APBN"),
    Source.APBD: mark("APBD"),
    Source.OWN: mark("Own purchase (mandiri)"),
}
STATES: Mapping[str, Word] = {
    BatchState.IN_STOCK: Word(mark("In stock"), "good"),
    BatchState.USED_UP: Word(mark("Used up"), "past"),
    BatchState.WITHDRAWN: Word(mark("Withdrawn from use"), "past"),
}
EXPIRIES: Mapping[str, Word] = {
    Expiry.EXPIRED: Word(mark("Expired"), "bad"),
    Expiry.SOON: Word(mark("Expires soon"), "look"),
}
