"""What each word of a report is taken for: by a form's lexicon first, then by what stands beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from parsers.form import Form, Item, Shape
from parsers.numbers import PIECES, as_number, is_lookalike
from parsers.period import read_month_number
from parsers.problems import ProblemCode
from parsers.reading import Span
from parsers.tidy import Token, TokenKind
from parsers.words import TITLES, Lexicon, Meaning, Sense

CODES = frozenset({Sense.MEASURE, Sense.ITEM})
COUNTS = frozenset({Sense.NUMBER, Sense.ZERO})
_UNKNOWN = Meaning(Sense.UNKNOWN)
_BEHIND_NUMBERS = frozenset({Sense.MULTIPLE, Sense.UNIT})
_UNSETTLED = _BEHIND_NUMBERS | {Sense.UNKNOWN}
SKIPPED = frozenset({Sense.COURTESY, Sense.MONTH_WORD, Sense.YEAR_WORD})


@dataclass(slots=True)
class Mark:
    """Some tokens in a row and what they were taken for; changed in place while the reader learns more.

    Shape: `code` is what the sense needs: a measure, an item, a form, digits, a month, a period, or what an ambiguous
    word may mean. `is_near` when the word was misspelt.
    """

    sense: Sense
    code: str
    tokens: tuple[Token, ...]
    is_near: bool = False

    @property
    def span(self) -> Span:
        """Where the mark stands in the sender's text."""
        first, last = self.tokens[0], self.tokens[-1]
        return first.span if first is last else Span(first.span.start, last.span.end)

    @property
    def written(self) -> str:
        """The sender's own words."""
        first, *others = self.tokens
        return first.written + "".join(token.gap + token.written for token in others)

    @property
    def gap(self) -> str:
        """What stands before the mark."""
        return self.tokens[0].gap

    @property
    def number(self) -> Token:
        """The number token of a mark that ends with one."""
        return self.tokens[-1]


def make_marks(tokens: Sequence[Token], form: Form, lexicon: Lexicon, item: Item | None = None) -> list[Mark]:
    """Take every token for what it is in a form: exact words and phrases first, then near misses, then kinds.

    Shape: `item` is the one that numbers are about before another is named, if there is such a one.
    """
    marks = _mark_exact(tokens, lexicon)
    if any(mark.sense in _UNSETTLED for mark in marks):
        _settle_unknown(marks, form, lexicon)
        marks = _join_garbled(marks, form, item)
    return _join_kinds(marks, form, lexicon) if lexicon.kinds else marks


def take_near(mark: Mark, lexicon: Lexicon) -> bool:
    """Take an unknown word for the one that it nearly is, for ambiguous if there are two; say whether it was taken."""
    token = mark.tokens[0]
    if token.written[-1] in "lI" and lexicon.exact.get(token.word[:-1], _UNKNOWN).code in lexicon.kinds:
        return False  # SUNTIKl may be SUNTIK1
    meanings = lexicon.find_near(token.word)
    if len(meanings) > 1:
        mark.sense, mark.code = Sense.AMBIGUOUS, ", ".join(sorted(meaning.code for meaning in meanings))
        return True
    for meaning in meanings:
        if meaning.sense is not Sense.KEYWORD:
            mark.sense, mark.code, mark.is_near = meaning.sense, meaning.code, True
            return True
    return False


def next_mark(marks: Sequence[Mark], index: int) -> Mark | None:
    """Find the next mark that is no courtesy."""
    for at in range(index + 1, len(marks)):
        if marks[at].sense not in SKIPPED:
            return marks[at]
    return None


def previous_mark(marks: Sequence[Mark], index: int) -> Mark | None:
    """Find the mark before that is no courtesy."""
    for at in range(index - 1, -1, -1):
        if marks[at].sense not in SKIPPED:
            return marks[at]
    return None


def _mark_exact(tokens: Sequence[Token], lexicon: Lexicon) -> list[Mark]:
    marks: list[Mark] = []
    index = 0
    while index < len(tokens):
        token = tokens[index]
        if token.kind is TokenKind.NUMBER:
            marks.append(Mark(Sense.NUMBER, token.word, (token,)))
        elif token.kind is TokenKind.DASH:
            marks.append(Mark(Sense.DASH, "", (token,)))
        elif phrase := lexicon.find_phrase(tokens, index):
            length = len(phrase.words)
            marks.append(Mark(phrase.meaning.sense, phrase.meaning.code, tuple(tokens[index : index + length])))
            index += length
            continue
        elif glued := _split_glued(tokens, index, lexicon):
            marks += glued
            index += 2
            continue
        else:
            sense, code = lexicon.exact.get(token.word, _UNKNOWN)
            if sense is Sense.MONTH and index and tokens[index - 1].word in TITLES:
                sense, code = _UNKNOWN  # Bidan Mei is a person
            marks.append(Mark(sense, code, (token,)))
        index += 1
    return marks


def _split_glued(tokens: Sequence[Token], index: int, lexicon: Lexicon) -> list[Mark] | None:
    """Read `S3,20` as s3 and 20: a number behind a glued alias was joined to the alias' own digits."""
    following = tokens[index + 1] if index + 1 < len(tokens) else None
    if following is None or following.gap or len(following.parts) < 2:
        return None
    head, *rest = following.parts
    meaning = next(
        (
            phrase.meaning
            for phrase in lexicon.phrases.get(tokens[index].word, ())
            if phrase.is_glued and phrase.words == (tokens[index].word, head)
        ),
        None,
    )
    item = lexicon.exact.get(tokens[index].word)
    if meaning is None and item is not None and item.sense is Sense.ITEM:
        kind = lexicon.kinds.get(item.code, {}).get(head)
        meaning = Meaning(Sense.ITEM, kind) if kind else None
    if meaning is None or not following.written.startswith(head):
        return None
    start, end = following.span
    middle = start + len(head)
    first = following._replace(word=head, written=head, span=Span(start, middle), parts=(head,), fault=None)
    second = following._replace(
        word=following.word[len(head) + 1 :],
        written=following.written[len(head) + 1 :],
        gap=following.written[len(head)],
        span=Span(middle + 1, end),
        parts=tuple(rest),
        fault=following.fault if len(rest) > 1 else None,
    )
    return [Mark(*meaning, (tokens[index], first)), Mark(Sense.NUMBER, second.word, (second,))]


def _settle_unknown(marks: list[Mark], form: Form, lexicon: Lexicon) -> None:
    """Settle unknown words by what stands beside them: letters for a number, a near miss, or a name."""
    has_code = has_period = False
    for index, mark in enumerate(marks):
        has_code = has_code or mark.sense in CODES
        has_period = has_period or (mark.sense is Sense.NUMBER and read_month_number(mark.number.parts) is not None)
        if mark.sense is not Sense.UNKNOWN:
            continue
        before, after = previous_mark(marks, index), next_mark(marks, index)
        if index and marks[index - 1].tokens[-1].word in TITLES:
            continue  # Bidan Barus is a person
        if is_lookalike(mark.tokens[0]) and before is not None and before.sense in CODES:
            number = as_number(mark.tokens[0])
            if number is not None:
                mark.sense, mark.code, mark.tokens = Sense.NUMBER, number.word, (number,)
        elif _is_near_due(after, form, is_before_period=not has_code and not has_period):
            has_code = take_near(mark, lexicon) or has_code
        elif before is not None and before.sense in CODES and _is_nearly_zero(mark, lexicon):
            take_near(mark, lexicon)


def _is_nearly_zero(mark: Mark, lexicon: Lexicon) -> bool:
    return {meaning.sense for meaning in lexicon.find_near(mark.tokens[0].word)} == {Sense.ZERO}


def _is_near_due(after: Mark | None, form: Form, *, is_before_period: bool) -> bool:
    """Whether a misspelt word would take something with it: a number, or the items or movements behind it."""
    if after is None:
        return False
    if after.sense is Sense.NUMBER:
        return not (is_before_period and read_month_number(after.number.parts))
    if after.sense in {Sense.ZERO, Sense.DASH}:
        return True
    return after.sense is (Sense.ITEM if form.shape is Shape.MEASURE_FIRST else Sense.MEASURE)


def _join_garbled(marks: list[Mark], form: Form, item: Item | None) -> list[Mark]:
    """Join a number with what is glued to it and unknown (1A2), with a multiple (40 rb) or a wrong unit (3 dus)."""
    joined: list[Mark] = []
    for mark in marks:
        last = joined[-1] if joined else None
        if mark.sense is Sense.ITEM:
            item = form.items[mark.code]
        if mark.sense in _BEHIND_NUMBERS and last is not None and last.sense is Sense.NUMBER:
            fault = _fault_behind_number(mark, item)
            if fault is None:
                mark.sense = Sense.COURTESY
                joined.append(mark)
            else:
                last.tokens = (_garble(last.number, mark, fault),)
            continue
        if mark.sense in _BEHIND_NUMBERS:
            mark.sense = Sense.UNKNOWN
        if last is not None and last.sense is Sense.NUMBER and mark.gap == "":
            is_garbled = last.number.fault is ProblemCode.NUMBER_GARBLED
            if mark.sense is Sense.UNKNOWN or (mark.sense is Sense.NUMBER and is_garbled):
                last.tokens = (_garble(last.number, mark),)
                continue
        joined.append(mark)
    return joined


def _fault_behind_number(mark: Mark, item: Item | None) -> ProblemCode | None:
    """Say why a number with a multiple or a unit behind it is none; None where that is what its item is counted in."""
    if mark.sense is Sense.MULTIPLE or item is None or not item.unit:
        return ProblemCode.NUMBER_GARBLED
    is_own = not item.is_pack and mark.tokens[0].word in PIECES
    return None if is_own else ProblemCode.NUMBER_UNIT


def _garble(number: Token, more: Mark, fault: ProblemCode = ProblemCode.NUMBER_GARBLED) -> Token:
    """Make a number and what is written at it one number that cannot be read."""
    written = number.written + more.gap + more.written
    span = Span(number.span.start, more.span.end)
    return number._replace(written=written, span=span, fault=fault)


def _mark_behind_digits(marks: Sequence[Mark], index: int) -> Mark | None:
    """Find what stands behind a number, a dash left aside: `suntik3 - 20`."""
    if index >= len(marks) or marks[index].sense is not Sense.NUMBER:
        return None
    behind = marks[index + 1 : index + 3]
    if len(behind) == 2 and behind[0].sense is Sense.DASH and behind[1].sense in COUNTS:
        return behind[1]
    return behind[0] if behind else None


def _join_kinds(marks: list[Mark], form: Form, lexicon: Lexicon) -> list[Mark]:
    """Join an item and the number of its kind, where another number follows: `suntik 3 20` is 20 of suntik3."""
    joined: list[Mark] = []
    index = 0
    while index < len(marks):
        mark = marks[index]
        kinds = lexicon.kinds.get(mark.code) if mark.sense is Sense.ITEM else None
        after = _mark_behind_digits(marks, index + 1) if kinds else None
        if kinds and after is not None:
            digits = marks[index + 1].number
            kind = kinds.get(digits.word) if digits.fault is None and not digits.is_repaired else None
            is_count_next = after.sense in COUNTS
            is_movement_next = form.shape is Shape.ITEM_FIRST and after.sense is Sense.MEASURE
            if kind and (is_count_next or is_movement_next):
                joined.append(Mark(Sense.ITEM, kind, (*mark.tokens, digits), mark.is_near))
                index += 2
                continue
        joined.append(mark)
        index += 1
    return joined
