"""The sentences of each language, and what may stand in them: no slot so long that one SMS is not enough."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from gateway.segments import as_gsm, count_septets

FOLDER = Path(__file__).parent / "wording"

LONGEST: Mapping[str, int] = {  # septets that a slot may take; a longer value is cut, and ends in ".."
    "form": 8,
    "month": 6,
    "facility": 18,
    "facility_type": 14,
    "reporter": 18,
    "ref": 3,
    "count": 6,
    "words": 22,
    "written": 14,
    "read": 18,
    "repair": 45,
    "key": 16,
    "kind": 16,
    "item": 16,
    "unit": 8,
    "measure": 16,
    "other": 16,
    "parts": 24,
    "whole": 12,
    "meanings": 24,
    "forms": 24,
    "choices": 24,
    "example": 40,
    "expires": 6,
    "reason": 60,
    "period": 6,
    "due_month": 6,
    "due": 6,
    "first": 6,
    "second": 6,
    "because": 44,
    "area": 24,
    "names": 32,  # of these two one name and how many more: where an SMS has more room, it holds more of them
    "worst": 39,
    "percent": 3,
}
GROUPS = ("answers", "problems", "parts")
LONGEST_NUMBER = 6  # "99.999"; every slot that is not named above holds a number

# Words and forms that local SMS routes drop without a word. Source: docs/channels.md, Telecom.
_DROPPED = re.compile(r"\b(?:pin|nomor|juta|dana|selamat|token|password|kode verifikasi)\b", re.IGNORECASE)
_LONG_NUMBER = re.compile(r"[0-9]{4,}", re.ASCII)
_URL_MARKS = re.compile(r"://|(?<=[A-Za-z])[./](?=[A-Za-z])|www", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wording:
    """One language. Shape: `parts`, `answers` and `problems` map a name to a sentence with `{slots}`."""

    code: str
    name: str
    months: tuple[str, ...]
    word: str
    several: str
    parts: Mapping[str, str]
    answers: Mapping[str, str]
    problems: Mapping[str, str]

    def fill(self, sentence: str, /, **slots: str | int) -> str:
        """Return the sentence with its slots filled, none longer than LONGEST allows.

        Errors: KeyError names a slot that was not given: a fault of ours, which the tests find for every sentence.
        """
        return sentence.format(**{name: cut(show(value), longest(name)) for name, value in slots.items()})

    def month(self, period: str) -> str:
        """Return a period as `Sep 25`: a year of four digits would be dropped on the way.

        Shape: `YYYY-MM`.
        """
        year, month = period.split("-")
        return f"{self.months[int(month) - 1]} {year[2:]}"

    def day(self, day: date) -> str:
        """Return a day as `5 Okt`."""
        return f"{day.day} {self.months[day.month - 1]}"


def load_wordings(folder: Path = FOLDER) -> dict[str, Wording]:
    """Return every language by its code, from one file each. A new language is a new file."""
    found = {}
    for path in sorted(folder.glob("*.toml")):
        written = tomllib.loads(path.read_text(encoding="utf-8"))
        found[path.stem] = Wording(
            code=path.stem,
            name=written["name"],
            months=tuple(written["months"]),
            word=written["word"],
            several=written["several"],
            parts=written["parts"],
            answers=written["answers"],
            problems=written["problems"],
        )
    return found


def put_over(wordings: Mapping[str, Wording], chosen: Mapping[tuple[str, str], str]) -> dict[str, Wording]:
    """Return the languages with some sentences put in other words.

    Shape: `chosen` maps (language, name) to a sentence; a name is `answers.text`, its group and its own. What no file
    has is passed over: a sentence may have gone since it was chosen.
    """
    found = dict(wordings)
    for (language, name), sentence in chosen.items():
        group, _, own = name.partition(".")
        if language in found and group in GROUPS and own in getattr(found[language], group):
            sentences = {**getattr(found[language], group), own: sentence}
            found[language] = replace(found[language], **{group: sentences})  # type: ignore[arg-type]  # of GROUPS
    return found


def longest(slot: str) -> int:
    """Return how many septets a slot may take."""
    return LONGEST.get(slot, LONGEST_NUMBER)


def show(value: str | int) -> str:
    """Return a value as an answer may hold it: 1500 as 1.500, words without what routes drop and GSM-7 cannot write.

    >>> show(1500), show("1500"), show("0925"), show("nomor PIN ā")
    ('1.500', '1.500', '09 25', 'n-omor P-IN ?')
    """
    if isinstance(value, int):
        return f"{value:,}".replace(",", ".")
    passed = _DROPPED.sub(lambda word: f"{word.group()[0]}-{word.group()[1:]}", as_gsm(" ".join(value.split())))
    passed = _URL_MARKS.sub(" ", passed)
    return _LONG_NUMBER.sub(lambda run: _grouped(run.group()), passed)


def in_twos(text: str) -> str:
    """Return a text with its long numbers in twos, as months and days are read: 0925 as 09 25."""
    return _LONG_NUMBER.sub(lambda run: re.sub(r"..(?=.)", r"\g<0> ", run.group()), text)


def _grouped(digits: str) -> str:
    """Return a count in threes from the right; what begins with a 0 is none."""
    if digits.startswith("0"):
        return in_twos(digits)
    head = len(digits) % 3
    groups = [digits[:head]] if head else []
    return ".".join(groups + [digits[at : at + 3] for at in range(head, len(digits), 3)])


def cut(text: str, septets: int) -> str:
    """Return the text, or its start and `..` where it is longer. A character of two septets is never halved.

    >>> cut("Puskesmas Pematang Duku", 18)
    'Puskesmas Pemata..'
    """
    if (count_septets(text) or 0) <= septets:
        return text
    while (count_septets(text) or 0) > septets - 2 or _DROPPED.search(text):  # half of Pinang is a word that is dropped
        text = text[:-1]
    return f"{text.rstrip()}.."
