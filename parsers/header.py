"""What stands around a report's values: its facility, its month, and which comes first, the word or the number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from parsers.draft import Draft, span_of
from parsers.marks import CODES, COUNTS, SKIPPED, Mark
from parsers.numbers import is_lookalike
from parsers.period import (
    LONG_MONTH_NAMES,
    OLDEST_MONTHS_BACK,
    TO_COME,
    WrittenMonth,
    assumed_period,
    latest_month,
    months_between,
    period_of,
    read_month_number,
    read_year,
)
from parsers.problems import ProblemCode
from parsers.reading import Repair, RepairCode
from parsers.tidy import Token
from parsers.words import Lexicon, Sense, is_within

_FACILITY_DIGITS = 9  # the KB register code: province 2, regency 2, facility 3, network 2
_PAIR_FAULTS = frozenset({None, ProblemCode.NUMBER_NOT_WHOLE, ProblemCode.NUMBER_RANGE})
_YEARS_NEAR = 2
_BARE_MONTHS = frozenset(f"{month:02}" for month in range(1, 10))  # a count is not written so, but may be 12
_CODE_LIKE = CODES | {Sense.AMBIGUOUS}


class FoundMonth(NamedTuple):
    """A month as written: which, whether it is only offered (2509, 09, a date), and its marks."""

    period: str
    is_offered: bool
    marks: tuple[Mark, ...]


def month_of(token: Token) -> WrittenMonth | None:
    """Read a number token as a month; two parts only where a stroke, a dash or a dot joins them."""
    return None if "," in token.word else read_month_number(token.parts)


def first_code(marks: Sequence[Mark]) -> int:
    """Find where the values begin: the index of the first measure or item, or the number of marks if there is none."""
    return next((index for index, mark in enumerate(marks) if mark.sense in _CODE_LIKE), len(marks))


def ends_with_word(marks: Sequence[Mark]) -> bool:
    """Whether the last of the values' words and numbers is a word, as in `12 BARU 40 AKTIF`."""
    last = next((mark for mark in reversed(marks) if mark.sense in _CODE_LIKE or mark.sense in COUNTS), None)
    return last is not None and last.sense in _CODE_LIKE


def read_facility(marks: list[Mark], lexicon: Lexicon, draft: Draft) -> None:
    """Take what stands directly behind the keyword for the facility: 9 digits, or one unknown word with its digits."""
    at = next((index for index, mark in enumerate(marks) if mark is draft.keyword), None)
    if at is None or at + 1 >= len(marks):
        return
    mark = marks[at + 1]
    after = marks[at + 2] if at + 2 < len(marks) else None
    if is_register_code(mark):
        draft.facility = mark.code
        mark.sense = Sense.FACILITY
    elif mark.sense is Sense.UNKNOWN and (after is None or after.sense is not Sense.UNKNOWN):
        if after is None or after.sense is not Sense.NUMBER or month_of(after.number):
            draft.facility = mark.written.upper()
            draft.has_unknown = True  # a name without digits may be just a word: `KB itu apa bu?`
            mark.sense = Sense.FACILITY
        elif _is_of_name(after, marks[at + 3 : at + 5]) and after.number.fault is None:
            draft.facility = (mark.written + after.gap + after.code).upper()
            mark.sense = after.sense = Sense.FACILITY


def _is_of_name(number: Mark, behind: Sequence[Mark]) -> bool:
    """Whether a number belongs to the facility's name before it: PMB01, PMB-01; `PMB 01` where a month follows."""
    is_joined = number.gap == "-" or (number.gap == " " and _begin_with_month(behind))
    return number.gap == "" or (is_joined and len(number.code) <= 3)


def _begin_with_month(marks: Sequence[Mark]) -> bool:
    """Whether a month comes first to which no day belongs: 0925, SEP25; but the 3 before `SEP 25` may be a day."""
    if not marks:
        return False
    first, *behind = marks
    if first.sense is Sense.NUMBER:
        return month_of(first.number) is not None
    return first.sense is Sense.MONTH and bool(behind) and behind[0].sense is Sense.NUMBER and behind[0].gap == ""


def is_register_code(mark: Mark) -> bool:
    """Whether a number is a facility's code in the KB register."""
    return mark.sense is Sense.NUMBER and len(mark.code) == _FACILITY_DIGITS and mark.number.fault is None


def read_period(months: Sequence[FoundMonth], marks: Sequence[Mark], draft: Draft, sent_on: date) -> None:
    """Settle the report's month from those found, or assume it; put down what is wrong with it."""
    if not months:
        if not _ask_about_unclear_month(marks, draft, sent_on):
            draft.period = assumed_period(sent_on)
            draft.repairs.append(Repair(RepairCode.PERIOD_ASSUMED, "", draft.period))
        return
    first = months[0]
    draft.is_period_written = True
    other = next((month for month in months if month.period != first.period), None)
    if other is not None:
        draft.ask_about(ProblemCode.PERIODS_DIFFER, other.marks, first=first.period, second=other.period)
        return
    first = next((month for month in months if not month.is_offered), first)  # `tgl 30 sept KB 0925`
    if first.is_offered:
        draft.ask_about(ProblemCode.PERIOD_SWAPPED, first.marks, period=first.period)
        return
    draft.period, draft.spans["period"] = first.period, span_of(first.marks)
    back = months_between(first.period, period_of(sent_on))
    if back < 0:
        draft.ask_about(ProblemCode.PERIOD_FUTURE, first.marks, period=first.period)
    elif back > OLDEST_MONTHS_BACK:
        draft.ask_about(ProblemCode.PERIOD_OLD, first.marks, period=first.period)


def find_months(marks: list[Mark], sent_on: date, *, has_month: bool = False) -> list[FoundMonth]:
    """Find every month that is written, and mark its words as such.

    A bare number is a month only before the first measure or item; a name without a year there, or behind `bulan`.
    `has_month` says that the report before names one.
    """
    start_of_values = _first_code_behind_keyword(marks)
    year_marks, year = _take_year(marks, sent_on)
    found: list[FoundMonth] = []
    for index, mark in enumerate(marks):
        month = None
        if mark.sense is Sense.RELATIVE and mark.code != TO_COME:
            month = FoundMonth(period_of(sent_on, int(mark.code)), False, (mark,))
        elif mark.sense is Sense.MONTH_WORD:
            month = _month_behind_word(marks, index, year, sent_on)
        elif mark.sense is Sense.MONTH:
            month = _named_month(marks, index, year, sent_on, is_due=index < start_of_values)
            month = _with_day(month, marks, index) if index < start_of_values else month
        elif mark.sense is Sense.NUMBER and index < start_of_values:
            month = _bare_month(marks, index, sent_on, has_month=bool(found))
        if month is not None:
            found.append(month)
            for part in month.marks:
                part.sense = Sense.PERIOD
        elif mark.sense is Sense.MONTH:
            mark.sense = Sense.UNKNOWN
    if not found:
        found += _offered_month(marks, start_of_values, sent_on)
    found += _coming_month(marks, sent_on, is_chat=has_month or bool(found))
    if found and year_marks:
        for part in year_marks:
            part.sense = Sense.PERIOD
        if not found[0].period.startswith(f"{year}-"):
            found.append(FoundMonth(f"{year}-{found[0].period[5:]}", False, tuple(year_marks)))
    return found


def _first_code_behind_keyword(marks: Sequence[Mark]) -> int:
    """Find where the values begin; words before the keyword have no number of theirs behind it: `GANTI KB 0925`."""
    for index, mark in enumerate(marks):
        if mark.sense in COUNTS:
            break
        if mark.sense is Sense.KEYWORD:
            return index + first_code(marks[index:])
    return first_code(marks)


def _take_year(marks: Sequence[Mark], sent_on: date) -> tuple[list[Mark], int | None]:
    """Find `tahun 2025`, or `tahun lalu` in the header or beside its month; what is to come stands behind it."""
    keyword = next((at for at, mark in enumerate(marks) if mark.sense is Sense.KEYWORD), len(marks))
    for index in (at for at, mark in enumerate(marks) if mark.sense is Sense.YEAR_WORD):
        mark, before, after = marks[index], marks[max(index - 2, 0) : index], marks[index + 1 : index + 2]
        is_behind = bool(before) and (before[-1].sense is Sense.MONTH or before[0].sense is Sense.MONTH_WORD)
        is_ahead = bool(after) and after[0].gap == " " and after[0].sense in {Sense.MONTH, Sense.MONTH_WORD}
        is_ahead = is_ahead or keyword < index < _first_code_behind_keyword(marks)
        if mark.code and ((is_behind and mark.gap == " ") or (is_ahead and mark.code != TO_COME)):
            return [mark], sent_on.year - int(mark.code)
        if after and after[0].sense is Sense.NUMBER and (year := read_year(after[0].code)) is not None:
            return [mark, *after], year
    return [], None


def _month_behind_word(marks: Sequence[Mark], index: int, year: int | None, sent_on: date) -> FoundMonth | None:
    """Read `bulan 09`, `bln 09 thn 2025`, `bln 0925`; a month's name behind bulan too."""
    mark = marks[index]
    after = marks[index + 1] if index + 1 < len(marks) else None
    if after is None:
        return None
    if after.sense is Sense.MONTH:
        return _named_month(marks, index + 1, year, sent_on, is_due=True)
    if after.sense is not Sense.NUMBER:
        return None
    if written := month_of(after.number):
        return FoundMonth(written.period, written.is_swapped, (mark, after))
    if len(after.code) > 2 or not after.code.isdecimal() or not 1 <= int(after.code) <= 12 or after.number.fault:
        return None
    behind = marks[index + 2] if index + 2 < len(marks) else None
    if year is None and behind is not None and behind.sense is Sense.NUMBER and len(behind.code) == 4:
        year = read_year(behind.code)
        if year is not None:
            return FoundMonth(f"{year}-{int(after.code):02}", False, (mark, after, behind))
    period = f"{year}-{int(after.code):02}" if year else latest_month(int(after.code), sent_on)
    return FoundMonth(period, False, (mark, after))


def _named_month(
    marks: Sequence[Mark], index: int, year: int | None, sent_on: date, *, is_due: bool
) -> FoundMonth | None:
    """Read `SEP 2025`, `sep25`, and where a month is due `september`."""
    mark = marks[index]
    after = marks[index + 1] if index + 1 < len(marks) else None
    if after is not None and after.sense is Sense.NUMBER and after.number.fault is None:
        written_year = read_year(after.code)
        is_far = written_year is not None and abs(written_year - sent_on.year) > _YEARS_NEAR
        is_value = is_far and _is_before_first_code(marks, index + 1) and ends_with_word(marks)
        if written_year is not None and not is_value:
            return FoundMonth(f"{written_year}-{mark.code}", False, (mark, after))
    if year is not None:
        return FoundMonth(f"{year}-{mark.code}", False, (mark,))
    return FoundMonth(latest_month(int(mark.code), sent_on), False, (mark,)) if is_due else None


def _with_day(month: FoundMonth | None, marks: Sequence[Mark], index: int) -> FoundMonth | None:
    """Read `30 sept 2025`, a day's date, as a month that is asked about: it may be the day of sending."""
    before = marks[index - 1] if index else None
    is_named = index > 1 and marks[index - 2].sense is Sense.UNKNOWN  # desa 3
    if month is None or before is None or is_named or not _is_day(before):
        return month
    before.sense = Sense.PERIOD
    return FoundMonth(month.period, True, (before, *month.marks))


def _is_day(mark: Mark) -> bool:
    return (
        mark.sense is Sense.NUMBER and mark.number.fault is None and len(mark.code) <= 2 and 1 <= int(mark.code) <= 31
    )


def _offered_month(marks: Sequence[Mark], start: int, sent_on: date) -> list[FoundMonth]:
    """Find what can only be meant as a month, and is asked about: `KB 09 BARU 12`, `30/09/2025`."""
    for index, mark in enumerate(marks[:start]):
        if mark.sense is not Sense.NUMBER:
            continue
        period = _month_of_date(mark.number)
        is_behind_keyword = index > 0 and marks[index - 1].sense in {Sense.KEYWORD, Sense.FACILITY}
        is_half = _is_near_year(marks[_behind_dash(marks, index)], sent_on)  # `KB 09 25 BARU 12 AKTIF`, cut off
        if is_behind_keyword and mark.code in _BARE_MONTHS and mark.number.fault is None and not is_half:
            period = latest_month(int(mark.code), sent_on)
        if period is not None:
            mark.sense = Sense.PERIOD
            return [FoundMonth(period, True, (mark,))]
    return []


def _coming_month(marks: Sequence[Mark], sent_on: date, *, is_chat: bool) -> list[FoundMonth]:
    """Find `bulan depan`, which is asked about; where something else names a month, it is chat."""
    coming = [mark for mark in marks if mark.sense is Sense.RELATIVE]
    for mark in coming:
        mark.sense = Sense.UNKNOWN if is_chat else Sense.PERIOD
    return [] if is_chat else [FoundMonth(period_of(sent_on, int(mark.code)), False, (mark,)) for mark in coming]


def _month_of_date(token: Token) -> str | None:
    """Read the month of a date, 30/09/2025 or 2025-09-30."""
    if len(token.parts) != 3 or "," in token.word:
        return None
    day, month = (token.parts[0], token.parts[1:]) if len(token.parts[0]) <= 2 else (token.parts[2], token.parts[:2])
    written = read_month_number(month) if len(day) <= 2 and len(month[0]) + len(month[1]) > 2 else None
    return written.period if written and not written.is_swapped else None


def _bare_month(marks: Sequence[Mark], index: int, sent_on: date, *, has_month: bool) -> FoundMonth | None:
    """Read 0925, 09/25, `09 2025`; but a second number directly before the first word may be that word's value."""
    mark = marks[index]
    token = mark.number
    if token.fault not in (_PAIR_FAULTS if len(token.parts) == 2 else {None}):
        return None
    written = month_of(token)
    marks_of_month: tuple[Mark, ...] = (mark,)
    last = _behind_dash(marks, index)
    if written is None and len(token.parts) == 1 and last > index:
        after = marks[last]
        month, year = (after, mark) if len(token.word) == 4 else (mark, after)
        if month.sense is Sense.NUMBER and len(month.code) <= 2 and _is_near_year(year, sent_on):
            written = read_month_number((month.code, year.code))
            marks_of_month = (mark, after)
    if written is None:
        return None
    is_pair = _is_before_first_code(marks, last if len(marks_of_month) > 1 else index) and ends_with_word(marks)
    if is_pair and (has_month or written.is_swapped or len(marks_of_month) > 1):
        return None
    return FoundMonth(written.period, written.is_swapped, marks_of_month)


def _behind_dash(marks: Sequence[Mark], index: int) -> int:
    """Find the mark behind another, a dash between them left aside; behind the last one that one itself."""
    last = min(index + 1, len(marks) - 1)
    return last + 1 if last + 1 < len(marks) and marks[last].sense is Sense.DASH else last


def _is_near_year(mark: Mark, sent_on: date) -> bool:
    """Whether a number is a year near the day of sending, in two digits or four."""
    if mark.sense is not Sense.NUMBER or mark.number.fault is not None:
        return False
    year = read_year(mark.code)
    return year is not None and abs(year - sent_on.year) <= _YEARS_NEAR


def number_before_values(marks: Sequence[Mark]) -> Mark | None:
    """Find the number directly before the first word: the first pair of a message that writes `12 BARU`."""
    start = first_code(marks)
    if start == len(marks):
        return None
    for index, mark in reversed(list(enumerate(marks[:start]))):
        if mark.sense in COUNTS:
            is_after_strange_word = index > 0 and marks[index - 1].sense is Sense.UNKNOWN
            is_doubtful = _is_month_attempt(mark) or is_after_strange_word
            return None if is_doubtful and not ends_with_word(marks) else mark
        if mark.sense not in SKIPPED and mark.sense is not Sense.DASH:
            return None
    return None


def ask_about_leftovers(marks: Sequence[Mark], draft: Draft, taken: Mark | None) -> None:
    """Ask about every number before the values that is neither the month nor the first word's value."""
    start = first_code(marks)
    for index, mark in enumerate(marks[:start]):
        if mark.sense is not Sense.NUMBER or mark is taken:
            continue
        before = marks[index - 1] if index else None
        fault = mark.number.fault
        if fault is not None and len(mark.number.parts) == 1:
            draft.ask_about(fault, (mark,))
        elif before is not None and _is_unknown(before):
            before.sense = Sense.REMARK
            draft.ask_about(ProblemCode.WORD_UNKNOWN, (before, mark), number=mark.code)
            draft.has_unknown = True
        else:
            draft.ask_about(ProblemCode.NUMBER_STRAY, (mark,))


def _is_unknown(mark: Mark | None) -> bool:
    return mark is not None and mark.sense is Sense.UNKNOWN


def _is_month_attempt(mark: Mark) -> bool:
    return mark.sense is Sense.NUMBER and (len(mark.number.parts) > 1 or len(mark.code) > 2)


def _is_before_first_code(marks: Sequence[Mark], index: int) -> bool:
    for mark in marks[index + 1 :]:
        if mark.sense not in SKIPPED and mark.sense is not Sense.DASH:
            return mark.sense in _CODE_LIKE
    return False


def _ask_about_unclear_month(marks: Sequence[Mark], draft: Draft, sent_on: date) -> bool:
    """Ask about what was probably meant as the month, and say whether there was such a thing.

    That is a misspelt month's name or a strange number before the values, or another month's bare name behind them.
    """
    start = first_code(marks)
    first_number = number_before_values(marks)
    for index, mark in enumerate(marks):
        before = marks[index - 1] if index else None
        is_other_month = (
            mark.sense is Sense.UNKNOWN and mark.code and int(mark.code) != int(assumed_period(sent_on)[5:])
        )
        is_of_months = mark.sense is Sense.MEASURE and mark.tokens[-1].word in {"lalu", "ini"}  # SISA BULAN LALU
        if is_other_month or is_of_months or (mark.sense is Sense.YEAR_WORD and mark.code):
            draft.ask_about(ProblemCode.PERIOD_UNCLEAR, (mark,))
            return True
        if index >= start:
            continue
        is_number = _is_month_attempt(mark) and mark is not first_number and not _is_unknown(before)
        if is_number or _is_misspelt_month(mark):
            after = marks[index + 1] if index + 1 < start else None
            is_with_year = (
                not is_number and after is not None and after.sense is Sense.NUMBER and after is not first_number
            )
            found = (mark, after) if is_with_year and after is not None else (mark,)
            draft.ask_about(ProblemCode.PERIOD_UNCLEAR, found)
            for part in found:
                part.sense = Sense.PERIOD
            return True
    return False


def _is_misspelt_month(mark: Mark) -> bool:
    """Whether an unknown word nearly is a month's name: months are never guessed."""
    word = mark.tokens[0].word
    if mark.sense not in {Sense.UNKNOWN, Sense.FACILITY} or len(word) < 4 or is_lookalike(mark.tokens[0]):
        return False
    return any(is_within(word, name, 2 if min(len(word), len(name)) >= 8 else 1) for name in LONG_MONTH_NAMES)
