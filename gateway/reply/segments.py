"""What fits into an SMS: GSM-7 septets or UCS-2 units, and the parts a longer text is sent in."""

from __future__ import annotations

from collections.abc import Sequence

import gsm0338

GSM_SINGLE, GSM_PART = 160, 153  # septets; 3GPP TS 23.038 and TS 23.040: 7 septets of a part go to its header
UCS_SINGLE, UCS_PART = 70, 67  # UTF-16 units

_BASIC = frozenset(gsm0338.Codec().decode(bytes(code for code in range(128) if code != 0x1B))[0])
_EXTENSION = frozenset("^{}\\[~]|€\f")


def count_septets(text: str) -> int | None:
    """Return how many septets the text takes in GSM-7, or None where it cannot be written so.

    >>> count_septets("KB Sep 25"), count_septets("[]"), count_septets("ā")
    (9, 4, None)
    """
    total = 0
    for mark in text:
        if mark in _BASIC:
            total += 1
        elif mark in _EXTENSION:
            total += 2
        else:
            return None
    return total


def fits_one_sms(text: str) -> bool:
    """Return whether the text is one GSM-7 SMS."""
    septets = count_septets(text)
    return septets is not None and septets <= GSM_SINGLE


def join_fitting(before: Sequence[str], text: str) -> str:
    """Return the text, after as much of what goes before it as one SMS holds."""
    for count in range(len(before), 0, -1):
        both = " ".join([*before[:count], text]).strip()
        if fits_one_sms(both):
            return both
    return text


def count_segments(text: str) -> int:
    """Return how many SMS the text is sent as; an escaped character and a surrogate pair are never cut.

    >>> count_segments("a" * 160), count_segments("a" * 161), count_segments("ā" * 71)
    (1, 2, 2)
    """
    weights = [2 if mark in _EXTENSION else 1 for mark in text]
    single, part = GSM_SINGLE, GSM_PART
    if count_septets(text) is None:
        weights = [2 if ord(mark) > 0xFFFF else 1 for mark in text]
        single, part = UCS_SINGLE, UCS_PART
    if sum(weights) <= single:
        return 1
    parts, room = 1, part
    for weight in weights:
        if weight > room:
            parts, room = parts + 1, part
        room -= weight
    return parts


def as_gsm(text: str) -> str:
    """Return the text with what GSM-7 cannot write as `?`, and what phones make curly made straight again.

    >>> as_gsm("“AKTF” – ā")
    '"AKTF" - ?'
    """
    straight = text.translate(_STRAIGHT)
    return "".join(mark if mark in _BASIC or mark in _EXTENSION else "?" for mark in straight)


_STRAIGHT = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "…": "...", "\xa0": " "}
)
