"""What a longer text costs on its way: its alphabet, its length, its segments, and what keeps it from arriving."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from gateway.reply.wordings import show
from gateway.segments import GSM_PART, GSM_SINGLE, UCS_PART, UCS_SINGLE, count_segments, count_septets

_LONG_NUMBER = re.compile(r"[0-9]{4,}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Weight:
    """How a text travels.

    Units: `length` septets in GSM-7, else UTF-16 units; `room` how many more the last segment holds. `outside` are the
    characters that GSM-7 has not and that make every segment shorter; `dropped` what local routes drop without a word.
    """

    is_gsm: bool
    length: int
    segments: int
    room: int
    outside: tuple[str, ...]
    dropped: tuple[str, ...]


def weigh(text: str) -> Weight:
    """Return how a text travels.

    >>> weigh("Rapat Senin"), weigh("Hubungi 0812345 ya…").dropped
    (Weight(is_gsm=True, length=11, segments=1, room=149, outside=(), dropped=()), ('0812345',))
    >>> weigh("ā" * 71).segments, weigh("dana ada di www.x.go.id").dropped
    (2, ('dana', 'www.x.go.id'))
    """
    septets = count_septets(text)
    length = septets if septets is not None else sum(2 if ord(mark) > 0xFFFF else 1 for mark in text)
    single, part = (GSM_SINGLE, GSM_PART) if septets is not None else (UCS_SINGLE, UCS_PART)
    segments = count_segments(text)
    return Weight(
        is_gsm=septets is not None,
        length=length,
        segments=segments,
        room=max(0, (single if segments == 1 else segments * part) - length),
        outside=tuple(dict.fromkeys(mark for mark in text if count_septets(mark) is None)),
        dropped=find_dropped(text),
    )


def find_dropped(text: str) -> tuple[str, ...]:
    """Return what in a text makes local routes drop it: addresses, numbers of four digits, and certain words."""
    words = text.split()
    pairs = [f"{first} {second}" for first, second in pairwise(words)]
    single = [word for word in words if _is_dropped(word)]
    return tuple(
        word.strip(".,:;!?()\"'")
        for word in [
            *single,
            *(pair for pair in pairs if _is_dropped(pair) and not any(map(_is_dropped, pair.split()))),
        ]
    )


def _is_dropped(word: str) -> bool:
    plain = "".join(mark for mark in word if count_septets(mark) is not None)
    return bool(_LONG_NUMBER.search(plain)) or show(plain) != " ".join(plain.split())
