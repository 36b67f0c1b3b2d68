"""What a USSD screen says and how it is cut into pages: at most 160 GSM-7 characters each, whatever stands in it."""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from parsers.form import LANGUAGES

LONGEST_SCREEN = 160
BACK, MORE = "00", "99"
FOLDER = Path(__file__).parent / "wording"

_LONGEST_NOTE, _LONGEST_HEAD, _LONGEST_QUESTION = 64, 42, 80  # so that under them the keys still fit
# GSM-7 characters that take one septet each; all others are written without their accent, or as a question mark
_PLAIN = frozenset(chr(code) for code in range(0x20, 0x7F)) - frozenset("[]{}\\^~|`") | {"\n"}


@dataclass(frozen=True, eq=False)
class Words:
    """The sentences of one language."""

    table: Mapping[str, Any]

    def say(self, group: str, name: str, **slots: str | int) -> str:
        """Fill a sentence; a number is written 1.500."""
        shown = {slot: show(value) if isinstance(value, int) else value for slot, value in slots.items()}
        return str(self.table[group][name]).format(**shown)

    def month(self, period: str) -> str:
        """Write a period as `Sep 25`."""
        return f"{self.table['months'][int(period[5:]) - 1]} {period[2:4]}"


@cache
def load_words(language: str) -> Words:
    """Return the sentences of a language, or those in Indonesian where it has none."""
    path = FOLDER / f"{language if language in LANGUAGES else LANGUAGES[0]}.toml"
    return Words(tomllib.loads(path.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class Screen:
    """One screen before it is cut into pages.

    Shape: `head` and the keys in `foot` stand on every page. `pieces` follow the head, each with what parts it from the
    one before: a new line or a blank. `last` is only shown under the last of them. A screen that takes a number is
    never more than one page, as the key for the next page would be a number too.
    """

    head: str
    pieces: Sequence[str] = ()
    last: Sequence[str] = ()
    foot: Sequence[str] = ()
    takes_number: bool = False


def cut_pages(screen: Screen, words: Words, note: str = "") -> list[str]:
    """Return the pages of a screen, with a note about what was typed on top of each."""
    top = [cut(note, _LONGEST_NOTE)] * bool(note)
    head = [cut(screen.head, _LONGEST_HEAD)] * bool(screen.head)
    pieces = [plain(piece) for piece in screen.pieces]
    whole = _join([*top, *head], pieces, [*screen.last, *screen.foot])
    if len(whole) <= LONGEST_SCREEN:
        return [whole]
    if screen.takes_number:
        return [_join(top or head, [cut("".join(pieces), _LONGEST_QUESTION)], screen.foot)]
    return _fill_pages([*top, *head], pieces, screen, [words.say("keys", "more"), *screen.foot])


def _fill_pages(top: Sequence[str], pieces: Sequence[str], screen: Screen, foot: Sequence[str]) -> list[str]:
    """Fill one page after the other; `foot` stands under all but the last."""
    room = LONGEST_SCREEN - len(_join(top, [], foot))
    last = [*screen.last, *screen.foot]
    pages: list[str] = []
    page: list[str] = []
    for piece in (whole[at : at + room] for whole in pieces for at in range(0, len(whole), room)):
        if len("".join(page)) + len(piece) > room:
            pages.append(_join(top, page, foot))
            page = []
        page.append(piece)
    if len(_join(top, page, last)) > LONGEST_SCREEN:
        pages.append(_join(top, page, foot))
        page = []
    return [*pages, _join(top, page, last)]


def _join(top: Sequence[str], pieces: Sequence[str], foot: Sequence[str]) -> str:
    return ("\n".join(top) + "".join(pieces) + "".join(f"\n{line}" for line in foot)).lstrip("\n")


def plain(text: str) -> str:
    """Return a text in characters that take one septet each.

    >>> plain("Klinik Café [A]~1")
    'Klinik Cafe (A)-1'
    """
    text = text.translate(_STRAIGHT)
    if not _PLAIN.issuperset(text):
        bare = (mark for mark in unicodedata.normalize("NFKD", text) if not unicodedata.combining(mark))
        text = "".join(mark if mark in _PLAIN else "?" for mark in bare)
    return text


_STRAIGHT = str.maketrans({
    **dict(zip("[]{}~|`\\^", "()()-/'/-", strict=True)),
    **dict.fromkeys("\t\r\xa0", " "), **dict.fromkeys("\u2018\u2019", "'"),
    **dict.fromkeys("\u201c\u201d", '"'), **dict.fromkeys("\u2013\u2014", "-"),
})  # fmt: skip


def cut(text: str, most: int) -> str:
    """Return a text in plain characters, cut to a length; what was cut ends in two dots.

    >>> cut("Puskesmas Sukamaju Selatan", 18)
    'Puskesmas Sukama..'
    """
    text = plain(text)
    return text if len(text) <= most else text[: most - 2].rstrip() + ".."


def show(count: int) -> str:
    """Write a count as 1.500: no four digits in a row.

    >>> show(1500), show(40)
    ('1.500', '40')
    """
    return f"{count:,}".replace(",", ".")


def in_words(text: str, first: str = "\n") -> list[str]:
    """Return a text as pieces of a screen, word by word."""
    words = text.split()
    return [f"{first if index == 0 else ' '}{word}" for index, word in enumerate(words)]
