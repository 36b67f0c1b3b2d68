"""Marks to values: which number belongs to which word, and which measure and item that word is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from parsers.draft import Draft, span_of
from parsers.form import Shape
from parsers.header import ends_with_word, first_code, number_before_values
from parsers.marks import CODES, COUNTS, Mark, next_mark, previous_mark, take_near
from parsers.numbers import to_count
from parsers.period import read_month_number
from parsers.problems import ProblemCode
from parsers.reading import Span
from parsers.words import TITLES, Lexicon, Sense

_WORDS = CODES | {Sense.AMBIGUOUS, Sense.UNKNOWN}
_READ = _WORDS | COUNTS | {Sense.DASH}
_ALL = frozenset({"semua", "semuanya", "smua"})
_UNREADABLE = frozenset({ProblemCode.NUMBER_GARBLED, ProblemCode.NUMBER_UNIT})
_FORMAL_ZEROS = frozenset({"nihil", "nol"})  # nobody chats with them
_SIGNED = TITLES - {"ibu", "bu", "bpk", "pak"}  # `Bidan Ani` signs; `kosong bu obatnya` speaks of a medicine
_NOT_OF_MONTHS = frozenset({"lap", "laporan", "lapor", "sdh", "sudah"})  # `laporan tidak ada`, `sudah kosong`


class Pair(NamedTuple):
    """A word and its numbers; no word where a number stands alone, no number where a word does."""

    word: Mark | None
    numbers: tuple[Mark, ...] = ()


def find_first_number(marks: Sequence[Mark], draft: Draft, lexicon: Lexicon) -> Mark | None:
    """Find the number before the first word where that is the first pair: `12 BARU 40 AKTIF`."""
    first_number = None if draft.form.shape is Shape.ITEM_FIRST else number_before_values(marks)
    if first_number is not None:
        _take_last_near(marks, lexicon)
    return first_number


def read_values(marks: Sequence[Mark], draft: Draft, first_number: Mark | None, default_measure: str | None) -> None:
    """Read all values into the draft, in the order that the first pair decides."""
    start = first_code(marks)
    _take_remarks(marks, start, draft, is_number_first=first_number is not None)
    body = [mark for mark in marks[start:] if mark.sense in _READ]
    if draft.form.shape is Shape.ITEM_FIRST:
        is_number_first = _has_number_before_movement(body)
        _assign_item_first(_pair_movements(body) if is_number_first else _pair_word_first(body), draft)
    elif first_number is None:
        _assign_measure_first(_pair_word_first(body), draft, default_measure)
    elif ends_with_word(marks) and not _is_behind_number(first_number, marks):
        _assign_measure_first(_pair_number_first([first_number, *body]), draft, default_measure)
    else:  # `12 BARU 40 AKTIF 30`, `09 25 BARU 12 AKTIF`: either way one is left over, and each says something else
        draft.ask_about(ProblemCode.ORDER_UNCLEAR, (first_number, *body[-1:]))
        draft.has_pair = True
        draft.missing.update(draft.form.required)


def _is_behind_number(first_number: Mark, marks: Sequence[Mark]) -> bool:
    """Whether a number that is no month stands before the first pair's, a dash between them left aside."""
    before = [mark for mark in marks[: marks.index(first_number)] if mark.sense is not Sense.DASH]
    return bool(before) and before[-1].sense is Sense.NUMBER


def read_nil(marks: Sequence[Mark], draft: Draft, *, is_beside_talk: bool) -> None:
    """Read `KB 0925 NIHIL`: zero for every required measure; not the zero of a sentence, `stok KB kosong`.

    `kosong` and `tidak ada` are said of medicines, forms and midwives too: they need a month, and must stand alone.
    """
    is_in_sentence = is_beside_talk or not draft.is_period_written or "?" in draft.text
    for index, mark in enumerate(marks):
        is_formal = mark.tokens[0].word in _FORMAL_ZEROS
        if mark.sense is Sense.ZERO and (is_formal or not (is_in_sentence or _names_absent(marks, index))):
            for measure in draft.form.required:
                draft.values[measure] = 0
                draft.spans[measure] = mark.span
            draft.has_pair = bool(draft.form.required)
            return


def _names_absent(marks: Sequence[Mark], zero: int) -> bool:
    """Whether a word may be what is not there: any but `semua` and a signature, or a bare `bidan`, `laporan` beside."""
    words = [mark.tokens[0].word for mark in marks]
    for index, (mark, word) in enumerate(zip(marks, words, strict=True)):
        is_name = index > 0 and words[index - 1] in _SIGNED
        if mark.sense is Sense.REMARK and not is_name and word not in _ALL:
            return True
        is_bare = word in _SIGNED and (mark is marks[-1] or marks[index + 1].sense is not Sense.REMARK)
        if index >= zero - 1 and (is_bare or word in _NOT_OF_MONTHS):
            return True
    return False


def _take_last_near(marks: Sequence[Mark], lexicon: Lexicon) -> None:
    """Where the number comes first, the message's last word has its number before it: `12 BARU 40 AKTFF`."""
    for index, mark in enumerate(marks):
        if mark.sense is Sense.UNKNOWN:
            before = previous_mark(marks, index)
            if before is not None and before.sense in COUNTS:
                take_near(mark, lexicon)


def _take_remarks(marks: Sequence[Mark], start: int, draft: Draft, *, is_number_first: bool) -> None:
    """Keep the unknown words at both ends as a remark; a `not` that is not before a value too."""
    inside = (
        CODES | COUNTS | ({Sense.AMBIGUOUS} if is_number_first else set())
    )  # the last word has its number before it
    last = max((index for index, mark in enumerate(marks) if mark.sense in inside), default=-1)
    if last > start and _says_what_is_absent(marks, last):
        marks[last].sense, last = Sense.REMARK, last - 1
    remarks = []
    for index, mark in enumerate(marks):
        if mark.sense is Sense.NEGATION:
            after = marks[index + 1] if index + 1 < len(marks) else None
            if after is not None and (after.sense in CODES or after.sense in COUNTS):
                draft.ask_about(ProblemCode.WORD_NEGATED, (mark, after), word=after.written)
                continue
        is_at_end = index < start or index > last
        if mark.sense is Sense.NEGATION or (mark.sense in {Sense.UNKNOWN, Sense.AMBIGUOUS} and is_at_end):
            draft.has_unknown = draft.has_unknown or mark.sense is Sense.UNKNOWN
            mark.sense = Sense.REMARK
        if mark.sense is Sense.REMARK:
            remarks.append(mark.written)
    draft.remark = " ".join(remarks)


def _says_what_is_absent(marks: Sequence[Mark], index: int) -> bool:
    """Whether a zero behind a number speaks of a word behind it: `AKTIF 40 tidak ada kendala`."""
    mark, before, after = marks[index], previous_mark(marks, index), next_mark(marks, index)
    is_phrase = mark.sense is Sense.ZERO and len(mark.tokens) > 1
    is_counted = before is not None and before.sense is Sense.NUMBER
    return is_phrase and is_counted and after is not None and after.sense is Sense.UNKNOWN


def _says_again(numbers: Sequence[Mark], after: Mark | None) -> bool:
    """Whether a zero only says again what its one number says; `100 0 nihil 100` are four."""
    is_zero = len(numbers) == 1 and numbers[0].sense is Sense.NUMBER and not numbers[0].code.strip("0")
    return is_zero and (after is None or after.sense not in COUNTS)


def _pair_word_first(marks: Sequence[Mark]) -> list[Pair]:
    """Pair every word with the numbers behind it."""
    pairs: list[Pair] = []
    word: Mark | None = None
    numbers: list[Mark] = []
    for index, mark in enumerate(marks):
        if mark.sense is Sense.ZERO and _says_again(numbers, next_mark(marks, index)):
            continue  # 0 (nihil)
        if mark.sense in COUNTS:
            numbers.append(mark)
        elif mark.sense is Sense.DASH:
            after = next_mark(marks, index)
            if word is not None and not numbers and (after is None or after.sense not in COUNTS):
                numbers.append(Mark(Sense.ZERO, "0", mark.tokens))
        elif mark.sense in _WORDS:
            if word is not None or numbers:
                pairs.append(Pair(word, tuple(numbers)))
            word, numbers = mark, []
    if word is not None or numbers:
        pairs.append(Pair(word, tuple(numbers)))
    return pairs


def _pair_number_first(marks: Sequence[Mark]) -> list[Pair]:
    """Pair every word with the number before it."""
    pairs: list[Pair] = []
    numbers: list[Mark] = []
    for mark in marks:
        if mark.sense in COUNTS:
            numbers.append(mark)
        elif mark.sense in _WORDS:
            if len(numbers) > 1:
                pairs.append(Pair(None, tuple(numbers[:-1])))
            pairs.append(Pair(mark, tuple(numbers[-1:])))
            numbers = []
    if numbers:
        pairs.append(Pair(None, tuple(numbers)))
    return pairs


def _has_number_before_movement(marks: Sequence[Mark]) -> bool:
    """Whether an item-first form is written as `PIL 100 AWAL 50 TERIMA`: its first movement tells."""
    at = next((index for index, mark in enumerate(marks) if mark.sense is Sense.MEASURE), 0)
    return at >= 2 and marks[at - 1].sense in COUNTS and marks[at - 2].sense is Sense.ITEM and ends_with_word(marks)


def _pair_movements(marks: Sequence[Mark]) -> list[Pair]:
    """Pair every movement with the number before it, and an item with the bare numbers behind it."""
    pairs: list[Pair] = []
    numbers: list[Mark] = []
    for mark in marks:
        if mark.sense in COUNTS:
            numbers.append(mark)
        elif mark.sense is Sense.MEASURE or mark.sense not in CODES:
            if mark.sense is not Sense.DASH:
                pairs.append(Pair(mark, tuple(numbers)))
                numbers = []
        else:
            _put_behind_item(pairs, numbers)
            pairs.append(Pair(mark))
            numbers = []
    _put_behind_item(pairs, numbers)
    return pairs


def _put_behind_item(pairs: list[Pair], numbers: Sequence[Mark]) -> None:
    """Give numbers that no movement followed to the item before them; without one they belong to nothing."""
    if not numbers:
        return
    if pairs and pairs[-1].word is not None and pairs[-1].word.sense is Sense.ITEM:
        pairs[-1] = Pair(pairs[-1].word, tuple(numbers))
    else:
        pairs.append(Pair(None, tuple(numbers)))


def _assign_measure_first(pairs: Sequence[Pair], draft: Draft, default_measure: str | None) -> None:
    """BARU 12 PIL 5 SUNTIK 7: a measure may have a total, then items until the next measure."""
    measure = default_measure
    for index, pair in enumerate(pairs):
        word = pair.word
        if word is None or word.sense not in CODES:
            _ask_about_unread(pair, draft, measure)
        elif word.sense is Sense.MEASURE:
            measure = word.code
            after = pairs[index + 1].word if index + 1 < len(pairs) else None
            if pair.numbers or after is None or after.sense is not Sense.ITEM:
                _keep(measure, pair, draft)
        elif measure is None:
            draft.ask_about(ProblemCode.WORD_UNKNOWN, (word, *pair.numbers))
        else:
            _keep_item(measure, word.code, pair, draft)


def _assign_item_first(pairs: Sequence[Pair], draft: Draft) -> None:
    """PIL AWAL 100 TERIMA 50, or bare numbers in the form's order: PIL 100/50/30/120."""
    item: Mark | None = None
    for index, pair in enumerate(pairs):
        word = pair.word
        if word is None or word.sense not in CODES:
            _ask_about_unread(pair, draft, None)
        elif word.sense is Sense.MEASURE:
            if item is None:
                draft.ask_about(ProblemCode.ITEM_MISSING, (word, *pair.numbers), measure=word.code)
                draft.has_pair = draft.has_pair or bool(pair.numbers)
            else:
                _keep_item(word.code, item.code, pair, draft)
        else:
            item = word
            after = pairs[index + 1].word if index + 1 < len(pairs) else None
            if pair.numbers or after is None or after.sense is Sense.ITEM:
                _keep_shorthand(pair, draft)


def _keep_shorthand(pair: Pair, draft: Draft) -> None:
    """Keep the bare numbers behind an item, exactly as many as the form takes."""
    item, numbers = pair.word, pair.numbers
    assert item is not None
    due = draft.form.shorthand
    written = [part for mark in numbers for part in (mark.number.parts if mark.sense is Sense.NUMBER else ("0",))]
    joined = [mark for mark in numbers if mark.sense is Sense.NUMBER and len(mark.number.parts) > 1]
    found = (mark.number.fault for mark in numbers if mark not in joined or mark.number.fault in _UNREADABLE)
    fault = next((fault for fault in found if fault is not None), None)  # 1/2/0/3 is no fault
    draft.has_pair = draft.has_pair or bool(numbers)
    if fault is not None:
        draft.ask_about(fault, (item, *numbers), item=item.code)
    elif len(written) != len(due):
        draft.ask_about(
            ProblemCode.NUMBERS_NOT_FOUR, (item, *numbers), item=item.code, count=len(written), due=len(due)
        )
    else:
        for measure, digits in zip(due, written, strict=True):
            number = numbers[0].number._replace(word=digits, parts=(digits,), fault=None)
            _keep_item(measure, item.code, Pair(item, (Mark(Sense.NUMBER, digits, (number,)),)), draft, numbers)


def _keep_item(measure: str, item: str, pair: Pair, draft: Draft, written: Sequence[Mark] = ()) -> None:
    key = f"{measure}.{item}"
    if item in draft.form.measures[measure].items:
        _keep(key, pair, draft, written)
    else:
        draft.has_pair = draft.has_pair or bool(pair.numbers)
        marks = _marks_of(pair, written)
        if (ProblemCode.ITEM_NOT_ALLOWED, span_of(marks)) not in [(p.code, p.span) for p in draft.problems]:
            draft.ask_about(ProblemCode.ITEM_NOT_ALLOWED, marks, key=key, measure=measure, item=item)


def _keep(key: str, pair: Pair, draft: Draft, written: Sequence[Mark] = ()) -> None:
    """Keep one value, or ask why it is none."""
    marks = _marks_of(pair, written)
    if not pair.numbers:
        draft.missing.add(key)
        draft.ask_about(ProblemCode.NUMBER_MISSING, marks, key=key)
        return
    draft.has_pair = True
    first, *stray = pair.numbers
    if stray:
        draft.ask_about(ProblemCode.NUMBER_STRAY, stray, measure=key.partition(".")[0])
    value, fault = (0, None) if first.sense is Sense.ZERO else to_count(first.number)
    if fault is None and len(first.code) == 4 and first.code.startswith("0") and read_month_number((first.code,)):
        fault = ProblemCode.NUMBER_MONTH  # GANTI 0925 says a month, whatever stands before it
    if fault is not None:
        draft.missing.add(key)
        draft.ask_about_number(fault, marks[: 2 if not written else None], key)
    elif draft.values.setdefault(key, value) != value:
        draft.ask_about(ProblemCode.KEY_TWICE, marks, key=key, first=draft.values[key], second=value)
    else:
        draft.spans.setdefault(key, span_of(marks))


def _marks_of(pair: Pair, written: Sequence[Mark]) -> list[Mark]:
    """Put a pair's marks in the order of the text."""
    marks = [*([pair.word] if pair.word else []), *(written or pair.numbers)]
    return sorted(marks, key=lambda mark: mark.span.start)


def _ask_about_unread(pair: Pair, draft: Draft, measure: str | None) -> None:
    """Ask about a word that no form knows or that may mean two things, and about numbers that belong to nothing."""
    word, numbers = pair
    number = numbers[0].code if numbers else None
    if word is None:
        draft.ask_about(ProblemCode.NUMBER_STRAY, numbers, measure=measure)
    elif word.sense is Sense.AMBIGUOUS:
        draft.has_pair = draft.has_pair or bool(numbers)
        meanings = word.code or None
        draft.ask_about(
            ProblemCode.WORD_AMBIGUOUS, _marks_of(pair, ()), meanings=meanings, measure=measure, number=number
        )
    else:
        draft.has_unknown = True
        _ask_about_unknown(_marks_of(pair, ()), draft, measure, number)


def _ask_about_unknown(marks: Sequence[Mark], draft: Draft, measure: str | None, number: str | None) -> None:
    """Ask about a word that no form knows, together with such words directly before it."""
    last = draft.problems[-1] if draft.problems else None
    span = span_of(marks)
    if last is not None and last.code == ProblemCode.WORD_UNKNOWN and "number" not in last.about:
        between = draft.text[last.span.end : span.start]
        if not any(character.isalnum() for character in between):
            draft.problems.pop()
            span = Span(last.span.start, span.end)
    draft.ask(ProblemCode.WORD_UNKNOWN, span, measure=measure, number=number)
