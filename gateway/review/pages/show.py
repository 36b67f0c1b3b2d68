"""How values look on a page: hostile text made harmless, times on the clock of the place, numbers, months, states."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from babel.numbers import format_decimal

from gateway.review.pages.language import current_language, mark
from gateway.values import InboxState, OutboxState, ReportState, WithheldReason
from parsers.form import Form

_LAYOUT = {"\n", "\t"}
_JOINER = "\N{ZERO WIDTH JOINER}"
_HIDDEN = {"Cc", "Cf", "Zl", "Zp", "Co", "Cs"}  # Unicode categories that are drawn as nothing, or turn what is around


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text: words to be shown, or with `is_mark` the name of a character that cannot be seen."""

    words: str
    is_mark: bool = False


@dataclass(frozen=True, slots=True)
class StateWords:
    """How a state is said: the words, and how they are coloured (`good`, `wait`, `look`, `bad`, `past`)."""

    words: str
    tone: str


INBOX_STATES: Mapping[str, StateWords] = {
    InboxState.RECEIVED: StateWords(mark("Received, about to be read"), "wait"),
    InboxState.HELD: StateWords(mark("Held: this number is not registered yet"), "look"),
    InboxState.DONE: StateWords(mark("Read"), "good"),
    InboxState.FOR_STAFF: StateWords(mark("For staff to read"), "look"),
    InboxState.DEAD: StateWords(mark("Could not be handled"), "bad"),
}
OUTBOX_STATES: Mapping[str, StateWords] = {
    OutboxState.QUEUED: StateWords(mark("Waiting to be sent"), "wait"),
    OutboxState.SENDING: StateWords(mark("Being sent"), "wait"),
    OutboxState.SENT: StateWords(mark("Sent"), "good"),
    OutboxState.DELIVERED: StateWords(mark("Delivered"), "good"),
    OutboxState.FAILED: StateWords(mark("Not delivered"), "bad"),
    OutboxState.UNSURE: StateWords(mark("Nobody can tell whether it was sent; it is not sent again"), "look"),
    OutboxState.WITHHELD: StateWords(mark("Not sent"), "past"),
}
REPORT_STATES: Mapping[str, StateWords] = {
    ReportState.WAITING: StateWords(mark("Waiting for her answer"), "wait"),
    ReportState.FLAGGED: StateWords(mark("For staff to check"), "look"),
    ReportState.ACCEPTED: StateWords(mark("Accepted"), "good"),
    ReportState.APPROVED: StateWords(mark("Approved"), "good"),
    ReportState.REJECTED: StateWords(mark("Rejected"), "bad"),
    ReportState.REPLACED: StateWords(mark("Replaced"), "past"),
    ReportState.WITHDRAWN: StateWords(mark("Withdrawn"), "past"),
}
WITHHELD_REASONS: Mapping[str, str] = {
    WithheldReason.LOOP: mark("it would answer an automatic message"),
    WithheldReason.CAP: mark("this number has had enough answers for now"),
    WithheldReason.STOPPED: mark("no more reminders are wanted"),
    WithheldReason.REPORTED: mark("the report has come in meanwhile"),
    WithheldReason.BUDGET: mark("the budget for messages is used up"),
    WithheldReason.QUIET: mark("it was read again, and staff did not want it answered"),
    WithheldReason.FOREIGN: mark("this unknown number is of another country"),
    WithheldReason.SHOWN: mark("it was read on the screen of the USSD session"),
    WithheldReason.HALTED: mark("staff stopped the broadcast"),
    WithheldReason.LATE: mark("by the time that it could go it made no sense any more"),
    WithheldReason.PAUSED: mark("reminders were paused meanwhile, or whoever it was for is away"),
    WithheldReason.UNDONE: mark("what it was to say was undone before it went"),
}
UNKNOWN_STATE = StateWords(mark("In a state that this page does not know"), "look")


def find_pieces(text: str) -> tuple[Piece, ...]:
    """Return a text with its invisible characters named: they could hide a digit, or turn the order of what is read.

    >>> [(piece.words, piece.is_mark) for piece in find_pieces("AKTIF \\u202e04")]
    [('AKTIF ', False), ('U+202E', True), ('04', False)]
    """
    pieces: list[Piece] = []
    words = ""
    for index, character in enumerate(text.replace("\r\n", "\n")):
        if _is_seen(character, text[index - 1] if index else ""):
            words += character
            continue
        if words:
            pieces.append(Piece(words))
            words = ""
        pieces.append(Piece(f"U+{ord(character):04X}", is_mark=True))
    return (*pieces, Piece(words)) if words else tuple(pieces)


def _is_seen(character: str, before: str) -> bool:
    if character in _LAYOUT:
        return True
    if character == _JOINER:  # holds the parts of one emoji together; elsewhere it only hides
        return bool(before) and unicodedata.category(before) in {"So", "Sk", "Mn"}
    return unicodedata.category(character) not in _HIDDEN


def show_count(count: int) -> str:
    """Return a number as people here write it: 1.500."""
    return format_decimal(count, locale=current_language())


def show_month(period: str) -> str:
    """Return a period as a month in words: September 2025."""
    return format_date(date(int(period[:4]), int(period[5:7]), 1), "MMMM y", locale=current_language())


def show_short_month(period: str) -> str:
    """Return a period as briefly as it can be told apart: Sep 25."""
    first = date(int(period[:4]), int(period[5:7]), 1)
    return f"{format_date(first, 'MMM', locale=current_language())} {period[2:4]}"


def show_decimal(number: float) -> str:
    """Return a number with one decimal, as people here write it: 1,5."""
    return format_decimal(round(number, 1), "#,##0.#", locale=current_language())


def show_date(on: date) -> str:
    """Return a day as people here write it: 3 Okt 2025."""
    return format_date(on, "d MMM y", locale=current_language())


def show_time(at: datetime, zone: str, now: datetime) -> str:
    """Return an instant on the clock of a place: the time alone for today, with the date before that."""
    here = at.astimezone(ZoneInfo(zone))
    clock = f"{format_time(here, 'HH.mm' if current_language() == 'id' else 'HH:mm')} {here.tzname()}"
    today = now.astimezone(ZoneInfo(zone))
    if here.date() == today.date():
        return clock
    day = "d MMM" if here.year == today.year else "d MMM y"
    return f"{format_date(here, day, locale=current_language())}, {clock}"


def show_instant(at: datetime) -> str:
    """Return an instant for a machine that reads the page."""
    return at.astimezone(UTC).isoformat(timespec="seconds")


def show_phone(address: str) -> str:
    """Return a phone number as it is dialled at home, in groups; any other sender as it stands."""
    if not address.startswith("+62"):
        return address
    digits = f"0{address[3:]}"
    return "-".join(part for part in (digits[:4], digits[4:8], digits[8:]) if part)


def name_measure(form: Form | None, code: str) -> str:
    """Return what a form calls a measure; a code that the form no longer has stands for itself."""
    return _name(form.measures[code].names, code) if form and code in form.measures else code


def name_item(form: Form | None, code: str) -> str:
    """Return what a form calls an item; a code that the form no longer has stands for itself."""
    return _name(form.items[code].names, code) if form and code in form.items else code


def name_key(form: Form | None, key: str) -> str:
    """Return what a form calls a key: `aktif.pil` is "Peserta aktif, Pil"; an item alone may stand for itself too."""
    measure, _, item = key.partition(".")
    if form and not item and measure in form.items:
        return name_item(form, measure)
    names = [name_measure(form, measure)] + ([name_item(form, item)] if item else [])
    return ", ".join(names)


def _name(names: Mapping[str, str], code: str) -> str:
    return names.get(current_language()) or names.get("id") or code
