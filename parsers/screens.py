"""What a USSD screen says and how it is cut into pages: at most 160 GSM-7 characters each, whatever stands in it."""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from parsers.form import LANGUAGES

LONGEST_SCREEN = 160
BACK, MORE = "00", "99"
FOLDER = Path(__file__).parent / "wording"

_LONGEST_HEAD, _LONGEST_QUESTION = 42, 83
_ROOM_FOR_NOTE = 30  # on every page at least, in the place of its head: what a note moves away would not be read
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
    never more than one page, as the key for the next page would be a number too. Where it `repeats_word`, a line that
    goes on on the next page begins there with its first word again: `AKTIF.. KONDOM 5`.
    """

    head: str
    pieces: Sequence[str] = ()
    last: Sequence[str] = ()
    foot: Sequence[str] = ()
    takes_number: bool = False
    repeats_word: bool = False


class Page(NamedTuple):
    """One page of a screen: the head, which a note may take the place of, and all that stands under it."""

    head: str
    rest: str


def cut_pages(screen: Screen, words: Words) -> list[Page]:
    """Return the pages of a screen, each with room for a note about what was typed."""
    head = cut(screen.head, _LONGEST_HEAD)
    if screen.takes_number:
        return [Page(head, _join([cut("".join(screen.pieces).strip(), _LONGEST_QUESTION)], screen.foot))]
    pieces = [plain(piece) for piece in screen.pieces]
    most = LONGEST_SCREEN - max(len(head) + 1, _ROOM_FOR_NOTE)
    whole = _join(pieces, [*screen.last, *screen.foot])
    bodies = [whole] if len(whole) <= most else _fill_pages(pieces, screen, words.say("keys", "more"), most)
    return [Page(head, body) for body in bodies]


def write_page(page: Page, note: str = "") -> str:
    """Return a page as it is shown, with a note on top; where both have no room, the note stands for the head."""
    whole = "\n".join(filter(None, [plain(note), *page]))
    if len(whole) <= LONGEST_SCREEN:
        return whole
    return f"{cut(note, LONGEST_SCREEN - len(page.rest) - 1)}\n{page.rest}"


def _fill_pages(pieces: Sequence[str], screen: Screen, more: str, most: int) -> list[str]:
    """Fill one page after the other; the key for the next one stands under all but the last."""
    foot, last = [more, *screen.foot], [*screen.last, *screen.foot]
    room = most - len(_join([], foot)) - 1
    bodies: list[str] = []
    page: list[str] = []
    line = ""
    for piece in (whole[at : at + room] for whole in pieces for at in range(0, len(whole), room)):
        line = piece if piece.startswith("\n") else line
        if len("".join(page)) + len(piece) > room:
            bodies.append(_join(page, foot))
            page = [f"\n{line.split()[0]}.."] if screen.repeats_word and piece.startswith(" ") and line.strip() else []
        page.append(piece)
    if len(_join(page, last)) > most:
        bodies.append(_join(page, foot))
        page = []
    return [*bodies, _join(page, last)]


def _join(pieces: Sequence[str], foot: Sequence[str]) -> str:
    body = "".join(pieces).removeprefix("\n").removeprefix(" ")
    return "\n".join([body] * bool(body) + [*foot])


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
