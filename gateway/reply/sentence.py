"""A sentence that staff put in other words: what keeps it from being said, and how it would read."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.reply.weight import find_dropped
from gateway.reply.wordings import Wording, longest
from gateway.segments import GSM_SINGLE, count_septets

WIDEST = "|"  # two septets: what a slot holds takes all the room that it may
MOST_LEFT = 99  # problems that a question says are left
_LONG_NUMBER = re.compile(r"[0-9]{4,}", re.ASCII)
_TOLD = re.compile(r"(?:balas|reply):? ([A-Z]+(?: [A-Z]{2}\b)?)", re.IGNORECASE)
_PLAIN_SLOT = re.compile(r"[a-z_]+", re.ASCII)

SAMPLES: Mapping[str, str | int] = {
    "form": "KB",
    "month": "Sep 25",
    "facility": "PMB Ani",
    "facility_type": "PMB",
    "reporter": "Ani",
    "ref": "B7K",
    "words": "AKTIP",
    "written": "AKTIP",
    "read": "AKTIF",
    "repair": '"AKTIP" dibaca AKTIF.',
    "reason": "angka tertukar",
    "because": "Angka tertukar dengan Agustus",
    "key": "AKTIF",
    "kind": "SUNTIK3",
    "item": "PIL",
    "unit": "lusin",
    "measure": "AKTIF",
    "other": "BARU",
    "parts": "PASCA+GUGUR",
    "whole": "BARU",
    "meanings": "PASCA, PIL",
    "forms": "KB, ALOKON",
    "choices": "PMB01/PTK",
    "example": "KB SEP25 BARU 12 AKTIF 40 PIL 30",
    "expires": "Des 25",
    "period": "Sep 25",
    "due_month": "SEP25",
    "due": "5 Okt",
    "first": "Sep 25",
    "second": "Agu 25",
    "area": "Bengkalis",
    "there": 45,
    "reported": 38,
    "percent": 84,
    "on_time": 30,
    "names": "PMB Ani, Pustu Teluk, +5 lagi",
    "worst": "Mandau 4, Bantan 2, +1 lagi",
}
SAMPLE_NUMBER = 40


class Fault(StrEnum):
    """Why a sentence cannot be said."""

    EMPTY = "empty"
    BRACES = "braces"  # a slot stands in plain braces, and nothing else does
    SLOT_MISSING = "slot_missing"
    SLOT_UNKNOWN = "slot_unknown"
    CHARACTER = "character"
    NUMBER = "number"
    COMMAND = "command"  # it tells to reply what would not be understood
    TOO_LONG = "too_long"
    LONGER_PART = "longer_part"  # it stands beside others in one SMS: it must not be longer than the file's


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found in a sentence.

    Shape: `faults` tell what each is about. Units: `longest` septets at the longest values, `room` at most so many.
    `dropped` are words that make local routes drop the message: a warning.
    """

    faults: tuple[tuple[Fault, str], ...]
    dropped: tuple[str, ...]
    shown: str
    longest: int
    room: int


def check_sentence(
    wording: Wording, name: str, sentence: str, understands: Callable[[str], bool] = lambda _: True
) -> Checked:
    """Return what is wrong with a sentence in place of the file's of that name, and how it would read.

    Shape: `name` is its group and its own name, `answers.text`. Errors: KeyError where the file has no such sentence.
    """
    group, _, own = name.partition(".")
    original = getattr(wording, group)[own]
    slots = find_slots(sentence)
    room = (count_septets(_widest(wording, name, original)) or 0) if group == "parts" else GSM_SINGLE
    if slots is None:
        return Checked(((Fault.BRACES, ""),), (), sentence, 0, room)
    due = find_slots(original) or frozenset()
    faults = [(Fault.EMPTY, "")] if not sentence.strip() else []
    faults += [(Fault.SLOT_MISSING, f"{{{slot}}}") for slot in sorted(due - slots)]
    faults += [(Fault.SLOT_UNKNOWN, f"{{{slot}}}") for slot in sorted(slots - due)]
    outside = "".join(dict.fromkeys(mark for mark in sentence if count_septets(mark) is None))
    faults += [(Fault.CHARACTER, outside)] if outside else []
    faults += [(Fault.NUMBER, number) for number in _LONG_NUMBER.findall(sentence)]
    told = [word for word in _TOLD.findall(sentence) if word.isupper() and not understands(word)]
    faults += [(Fault.COMMAND, word) for word in told]
    if slots - due:
        return Checked(tuple(faults), (), sentence, 0, room)
    length = count_septets(_widest(wording, name, sentence)) or 0
    if length > room:
        faults.append((Fault.LONGER_PART if group == "parts" else Fault.TOO_LONG, str(length - room)))
    plain = string.Formatter().vformat(sentence, (), dict.fromkeys(slots, ""))
    dropped = tuple(word for word in find_dropped(plain) if not _LONG_NUMBER.search(word))
    return Checked(tuple(faults), dropped, show_sentence(wording, name, sentence), length, room)


def show_sentence(wording: Wording, name: str, sentence: str) -> str:
    """Return a sentence as a midwife might read it: its slots filled, and behind a head where it has one."""
    filled = wording.fill(sentence, **{slot: SAMPLES.get(slot, SAMPLE_NUMBER) for slot in find_slots(sentence) or ()})
    return f"KB Sep 25: {filled}" if name.startswith("problems.") else filled


def find_slots(sentence: str) -> frozenset[str] | None:
    """Return the names of the slots in a sentence; None where its braces hold anything but a name.

    >>> sorted(find_slots("{form} {month}")), find_slots("{form!r}"), find_slots("{"), find_slots("{}")
    (['form', 'month'], None, None, None)
    """
    found = set()
    try:
        for _, name, shape, conversion in string.Formatter().parse(sentence):
            if name is None:
                continue
            if shape or conversion or not _PLAIN_SLOT.fullmatch(name):
                return None
            found.add(name)
    except ValueError:
        return None
    return frozenset(found)


def _widest(wording: Wording, name: str, sentence: str) -> str:
    """Return a sentence at its longest: every slot full, and for a question what stands before and behind it."""
    filled = wording.fill(sentence, **dict.fromkeys(find_slots(sentence) or (), WIDEST * GSM_SINGLE))
    if not name.startswith("problems."):
        return filled
    left = wording.fill(wording.parts["left"], count=MOST_LEFT)
    return f"{'X' * longest('form')} {'X' * longest('month')}: {filled} {left}"
