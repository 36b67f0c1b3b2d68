"""What a person in the office may write to a midwife: one SMS, with nothing in it that routes drop on the way."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from gateway.reply.wordings import show
from gateway.segments import GSM_SINGLE, as_gsm, count_septets

_LONG_NUMBER = re.compile(r"[0-9]{4,}", re.ASCII)


class Fault(StrEnum):
    """Why words cannot be sent as they stand."""

    EMPTY = "empty"
    CHARACTER = "character"  # GSM-7 has no such character: it would cost a second SMS, or come out as a question mark
    NUMBER = "number"  # four digits in a row are dropped by local routes
    DROPPED = "dropped"  # so are addresses, and words such as pin, nomor, dana
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class FoundFault:
    """What is wrong with some words, and what of them it is about; for TOO_LONG how many septets are too many."""

    fault: Fault
    about: str = ""
    over: int = 0


def tidy_words(written: str) -> str:
    """Return words as they would be sent: on one line, what phones make curly made straight again.

    >>> tidy_words(" “Ibu  Ani”\\n baik? ā")
    '"Ibu Ani" baik? ā'
    """
    return "".join(mark if as_gsm(mark) == "?" else as_gsm(mark) for mark in " ".join(written.split()))


def find_fault(text: str, most: int = GSM_SINGLE) -> FoundFault | None:
    """Return the first thing that keeps these words from being sent, or None. Units: `most` septets.

    >>> find_fault("Bu, AKTIF 400 benar? Balas YA"), find_fault("Hubungi 0812345").fault.value
    (None, 'number')
    >>> find_fault("nomor baru").about, find_fault("a" * 165).over
    ('nomor', 5)
    """
    words = text.split()
    if not words:
        return FoundFault(Fault.EMPTY)
    for mark in text:
        if count_septets(mark) is None:
            return FoundFault(Fault.CHARACTER, mark)
    for word in (*words, *(f"{first} {second}" for first, second in pairwise(words))):
        if _LONG_NUMBER.search(word):
            return FoundFault(Fault.NUMBER, word)
        if show(word) != word:
            return FoundFault(Fault.DROPPED, word.strip(".,:;!?()\"'"))
    over = (count_septets(text) or 0) - most
    return FoundFault(Fault.TOO_LONG, over=over) if over > 0 else None
