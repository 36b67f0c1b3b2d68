"""Raw words to counts: letters for digits (3O), thousands dots (1.200), 09/25 and 100/50/30/120, number words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from parsers.problems import ProblemCode
from parsers.reading import Span
from parsers.tidy import Token, TokenKind

MOST = 99_999  # the largest count; a greater one is asked about

_DIGIT_FOR = str.maketrans("OolI", "0011")
_LOOKALIKES = frozenset("OolI")
_LARGEST_KIND = 3  # suntik 3
_JOINTS = frozenset("/.,-")
_FAULT_OF_JOINT = {
    ".": ProblemCode.NUMBER_NOT_WHOLE,
    ",": ProblemCode.NUMBER_NOT_WHOLE,
    "/": ProblemCode.NUMBER_NOT_WHOLE,
    "-": ProblemCode.NUMBER_RANGE,
}
_UNITS = {
    "satu": 1, "dua": 2, "tiga": 3, "empat": 4, "lima": 5, "enam": 6, "tujuh": 7, "delapan": 8, "sembilan": 9,
}  # fmt: skip
_GLUED_ENDS = ("belas", "puluh", "ratus", "ribu")
_NUMBER_WORDS = frozenset([*_UNITS, "sepuluh", "sebelas", "seratus", "seribu"])
MULTIPLES = frozenset({"belas", "puluh", "ratus", "ribu", "rb", "juta", "jt", "k"})  # they change the number before
PIECES = frozenset({"buah", "bh", "biji", "pcs"})
UNITS = PIECES | {"gros", "gross", "dus", "dos", "box", "boks", "kotak", "karton"}  # condoms are counted in dozens


class Count(NamedTuple):
    """A number as a count, or why it is none."""

    value: int
    fault: ProblemCode | None = None


def read_numbers(tokens: Sequence[Token]) -> list[Token]:
    """Join what belongs to one number, so that each number of the text is one token.

    >>> from parsers.tidy import tidy
    >>> [token.word for token in read_numbers(tidy("pil 3O suntik 1.200 iud dua belas"))]
    ['pil', '30', 'suntik', '1200', 'iud', '12']
    """
    joined: list[Token] = []
    tokens = _split_number_words(tokens)
    index = 0
    while index < len(tokens):
        token = tokens[index]
        if token.kind is TokenKind.NUMBER or _is_lookalike_before_digits(tokens, index):
            index, number = _join_chain(tokens, index)
            joined.append(number)
        elif token.word in _NUMBER_WORDS:
            index, number = _join_words(tokens, index)
            if joined and _is_said_again(joined[-1], number):
                joined[-1] = _join_said_again(joined[-1], number)
            else:
                joined.append(number)
        else:
            joined.append(token)
            index += 1
    return joined


def _split_number_words(tokens: Sequence[Token]) -> Sequence[Token]:
    """Split `duabelas`, `empatpuluh` where the second word begins."""
    if not any(token.word.endswith(_GLUED_ENDS) for token in tokens):
        return tokens
    split: list[Token] = []
    for token in tokens:
        end = next((end for end in _GLUED_ENDS if token.word.endswith(end)), "")
        at = len(token.word) - len(end)
        if end and token.word[:at] in _UNITS and len(token.word) == len(token.written):
            middle = token.span.start + at
            head = token._replace(word=token.word[:at], written=token.written[:at], span=Span(token.span.start, middle))
            tail = Span(middle, token.span.end)
            split += [head, token._replace(word=end, written=token.written[at:], gap="", span=tail)]
        else:
            split.append(token)
    return split


def to_count(token: Token) -> Count:
    """Say which count a number token is, or why it is none.

    >>> from parsers.tidy import tidy
    >>> to_count(tidy("12%")[0]).fault
    <ProblemCode.NUMBER_NOT_WHOLE: 'number_not_whole'>
    """
    if token.fault:
        return Count(0, token.fault)
    digits = token.word.lstrip("0")
    if len(digits) > len(str(MOST)):
        return Count(0, ProblemCode.NUMBER_TOO_LARGE)
    return Count(int(digits or "0"))


def as_number(token: Token) -> Token | None:
    """Take a word made of nothing but O, o, l, I for the digits that it looks like; None for any other word."""
    if not is_lookalike(token):
        return None
    digits = token.written.translate(_DIGIT_FOR)
    return token._replace(kind=TokenKind.NUMBER, word=digits, parts=(digits,), is_repaired=True)


def is_lookalike(token: Token) -> bool:
    """Whether a word is made of nothing but letters that look like digits."""
    return token.kind is TokenKind.WORD and _LOOKALIKES.issuperset(token.written)


def _is_lookalike_before_digits(tokens: Sequence[Token], index: int) -> bool:
    if index + 1 == len(tokens):
        return False
    following = tokens[index + 1]
    return following.gap == "" and following.kind is TokenKind.NUMBER and is_lookalike(tokens[index])


def _join_chain(tokens: Sequence[Token], index: int) -> tuple[int, Token]:
    """Join digits, the letters among them, and what `/ . , -` bind to them without a blank."""
    index, first = _join_run(tokens, index)
    runs, joints = [first], []
    while (
        index < len(tokens)
        and tokens[index].gap in _JOINTS
        and (tokens[index].kind is TokenKind.NUMBER or _is_lookalike_before_digits(tokens, index))
    ):
        joints.append(tokens[index].gap)
        index, run = _join_run(tokens, index)
        runs.append(run)
    if not joints:
        return index, first
    parts = _join_thousands(runs, joints)
    fault = next((run.fault for run in runs if run.fault), None)
    if not fault and len(parts) > 1:
        fault = _FAULT_OF_JOINT[joints[0]]
    joint = next((joint for joint in joints if joint != "."), ".")
    word = joint.join(parts)
    written = "".join(gap + run.written for gap, run in zip(["", *joints], runs, strict=True))
    return index, Token(
        TokenKind.NUMBER, word, written, first.gap, Span(first.span.start, runs[-1].span.end), parts, fault,
        any(run.is_repaired for run in runs),
    )  # fmt: skip


def _join_run(tokens: Sequence[Token], index: int) -> tuple[int, Token]:
    """Join digits with the O, o, l, I that touch them: 3O, l2, 1OO."""
    run = [tokens[index]]
    index += 1
    while (
        index < len(tokens)
        and tokens[index].gap == ""
        and (tokens[index].kind is TokenKind.NUMBER or is_lookalike(tokens[index]))
    ):
        run.append(tokens[index])
        index += 1
    if len(run) == 1:
        return index, run[0]
    digits = "".join(t.word if t.kind is TokenKind.NUMBER else t.written.translate(_DIGIT_FOR) for t in run)
    fault = next((token.fault for token in run if token.fault), None)
    written = "".join(token.written for token in run)
    span = Span(run[0].span.start, run[-1].span.end)
    return index, Token(TokenKind.NUMBER, digits, written, run[0].gap, span, (digits,), fault, is_repaired=True)


def _join_thousands(runs: Sequence[Token], joints: Sequence[str]) -> tuple[str, ...]:
    """Join 1.200 to 1200: one to three digits, not beginning with 0, then dots with exactly three digits each."""
    parts: list[str] = []
    group = [runs[0].word]
    for joint, run in [*zip(joints, runs[1:], strict=True), ("", None)]:
        if joint == "." and run is not None:
            group.append(run.word)
            continue
        is_thousands = (
            len(group) > 1
            and len(group[0]) <= 3
            and not group[0].startswith("0")
            and all(len(digits) == 3 for digits in group[1:])
        )
        parts += ["".join(group)] if is_thousands else group
        group = [run.word] if run is not None else []
    return tuple(parts)


def _join_words(tokens: Sequence[Token], index: int) -> tuple[int, Token]:
    """Join a number written in words: dua belas, seratus dua puluh, seribu lima ratus."""
    words = _Words(tokens, index)
    value = words.number()
    used = tokens[index : words.index]
    written = used[0].written + "".join(token.gap + token.written for token in used[1:])
    span = Span(used[0].span.start, used[-1].span.end)
    return words.index, Token(TokenKind.NUMBER, str(value), written, used[0].gap, span, (str(value),))


def _is_said_again(digits: Token, words: Token) -> bool:
    """Whether words only repeat the number before them: `12 (dua belas)`; not a 1, 2 or 3, which may name a kind."""
    is_same = digits.kind is TokenKind.NUMBER and digits.word == words.word and len(digits.parts) == 1
    return is_same and words.gap.strip(" ") == "" and int(words.word) > _LARGEST_KIND


def _join_said_again(digits: Token, words: Token) -> Token:
    written = digits.written + words.gap + words.written
    return digits._replace(written=written, span=Span(digits.span.start, words.span.end))


class _Words:
    """Number words, read from left to right; each step takes what it knows and leaves the rest."""

    def __init__(self, tokens: Sequence[Token], index: int) -> None:
        self.index = index
        self._tokens = tokens
        self._first = index

    def number(self) -> int:
        value = 1000 if self._take("seribu") else self._below_thousand()
        if value == 1000:
            return value + self._below_thousand()
        if value and self._take("ribu"):
            return value * 1000 + self._below_thousand()
        return value

    def _below_thousand(self) -> int:
        if self._take("seratus"):
            return 100 + self._below_hundred()
        unit = self._unit_before("ratus")
        return unit * 100 + self._below_hundred()

    def _below_hundred(self) -> int:
        for word, value in (("sepuluh", 10), ("sebelas", 11)):
            if self._take(word):
                return value
        if unit := self._unit_before("belas"):
            return 10 + unit
        tens = self._unit_before("puluh")
        return tens * 10 + self._unit()

    def _unit_before(self, word: str) -> int:
        """Take a unit and the word behind it, or neither."""
        if self._peek(0) in _UNITS and self._peek(1) == word:
            unit = _UNITS[self._peek(0)]
            self.index += 2
            return unit
        return 0

    def _unit(self) -> int:
        # a unit that the next word multiplies begins another number: "satu dua puluh" is 1 and 20
        if self._peek(0) in _UNITS and self._peek(1) not in {"belas", "puluh", "ratus"}:
            self.index += 1
            return _UNITS[self._tokens[self.index - 1].word]
        return 0

    def _take(self, word: str) -> bool:
        if self._peek(0) == word:
            self.index += 1
            return True
        return False

    def _peek(self, ahead: int) -> str:
        at = self.index + ahead
        if at >= len(self._tokens):
            return ""
        is_joined = at == self._first or self._tokens[at].gap.strip(" -") == ""
        return self._tokens[at].word if is_joined else ""
