"""Undo what phones do to text: full-width letters, foreign digits, invisible marks, emoji; then cut it into tokens."""

from __future__ import annotations

import re
import unicodedata
from enum import Enum
from typing import NamedTuple

from parsers.problems import ProblemCode
from parsers.reading import Span

LONGEST = 1600  # characters that are ever looked at; a longer message goes to a human whole


class TokenKind(Enum):
    """What a token is made of."""

    WORD = "word"
    NUMBER = "number"
    DASH = "dash"  # a dash that stands alone between blanks: zero, where a number is due


class Token(NamedTuple):
    """A word, a number or a lone dash, and where it stands in the text as it was given.

    Shape: `word` is lower case, or ASCII digits; `gap` is what stands between the token before and this one ("" when
    glued). A number's `parts` are its digits, several where it was written `09/25` or `100/50/30/120`; `fault` says why
    it can be no count.
    """

    kind: TokenKind
    word: str
    written: str
    gap: str
    span: Span
    parts: tuple[str, ...] = ()
    fault: ProblemCode | None = None
    is_repaired: bool = False


_WORD_OR_NUMBER = re.compile(r"([^\W\d_]+)|([0-9]+)|(?<![^ \n])-(?![^ \n])")
_IS_PLAIN = re.compile(r"[ -~\n]*\Z")
_SIGNS = frozenset("%+&@_~")  # anything else that touches a number has become ~ by now
_BLANKED = "\"'`()[]{}!?<>"
_PLAIN = str.maketrans(dict.fromkeys(_BLANKED, " ") | dict.fromkeys("$^\\", "~"))
_COMPARED = re.compile(r"(?:<|(?<![-=])>)=?(?=[0-9]+(?![0-9>]))")
_SEPARATORS = frozenset(",;:=#*|/.-")
_KEYCAP = "\N{COMBINING ENCLOSING KEYCAP}"  # the emoji for the digit 1 is a 1 with a cap around it


def tidy(text: str) -> list[Token]:
    """Cut a text into words, numbers and lone dashes; of a text that is too long, only the first 1,600 characters.

    >>> [token.word for token in tidy("KB0925, Baru=12")]
    ['kb', '0925', 'baru', '12']
    """
    text = text[:LONGEST]
    if _IS_PLAIN.match(text):
        clean, origin = _blank(text), None
    else:
        clean, origin = _clean(text)
    tokens: list[Token] = []
    end = 0
    for match in _WORD_OR_NUMBER.finditer(clean):
        start, stop = match.span()
        gap = clean[end:start]
        span = Span(start, stop) if origin is None else Span(origin[start], origin[stop - 1] + 1)
        if match.lastindex == 1:
            tokens.append(Token(TokenKind.WORD, match[1].lower(), text[span.start : span.end], gap, span))
        elif match.lastindex == 2:
            tokens.append(_number(clean, start, stop, text, gap, span, origin))
        elif not _is_bullet(clean, gap, stop):
            tokens.append(Token(TokenKind.DASH, "-", "-", gap, span))
        else:
            continue
        end = stop
    return tokens


def _number(clean: str, start: int, stop: int, text: str, gap: str, span: Span, origin: list[int] | None) -> Token:
    digits = clean[start:stop]
    before = clean[start - 1] if start else " "
    after = clean[stop] if stop < len(clean) else " "
    fault = None
    if before == "+" or (before == "-" and (start < 2 or not clean[start - 2].isalnum())):
        fault = ProblemCode.NUMBER_SIGNED
    elif after == "%":
        fault = ProblemCode.NUMBER_NOT_WHOLE
    elif before in _SIGNS or after in _SIGNS:
        fault = ProblemCode.NUMBER_GARBLED
    if fault:  # the question names the sign too
        start -= before in _SIGNS or before == "-"
        stop += after in _SIGNS
        span = Span(start, stop) if origin is None else Span(origin[start], origin[stop - 1] + 1)
    return Token(TokenKind.NUMBER, digits, text[span.start : span.end], gap, span, (digits,), fault)


def _is_bullet(clean: str, gap: str, stop: int) -> bool:
    """Whether a dash begins a line on which more follows: `- BARU 12`."""
    is_first_in_line = gap.rpartition("\n")[2].strip() == "" and ("\n" in gap or len(gap) == stop - 1)
    return is_first_in_line and clean[stop:].lstrip(" ")[:1] not in {"", "\n"}


def _clean(text: str) -> tuple[str, list[int]]:
    """Bring every character to one of: letter, ASCII digit, separator, sign (~), blank, new line.

    Shape: the clean text, and for each of its characters the index of the one that it came from.
    """
    clean: list[str] = []
    origin: list[int] = []
    for index, character in enumerate(text):
        for plain in _plain_forms(character, clean[-1] if clean else " "):
            clean.append(plain)
            origin.append(index)
    return _blank("".join(clean)), origin


def _blank(text: str) -> str:
    """Blank brackets, quotes and arrows (`BARU->12`); but `<12` and `>12` compare, and only `<12>` is in brackets."""
    if "<" in text or ">" in text:
        text = _COMPARED.sub(lambda sign: "~" * len(sign[0]), text)
    return text.translate(_PLAIN)


def _plain_forms(character: str, before: str) -> str:
    if character in "\n\r":
        return "\n"
    if " " <= character <= "~":
        return character
    if character.isspace():
        return " "
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if character.isalnum():
        folded = unicodedata.normalize("NFKC", character)
        # 1/2 and raised or circled digits stay what they are: a word that no form knows, so that it is asked about
        return character if any(letter.isdecimal() for letter in folded) else _letters(folded)
    return _plain_sign(character, category, before)


def _letters(folded: str) -> str:
    return "".join(letter for letter in folded if letter.isalnum())


def _plain_sign(character: str, category: str, before: str) -> str:
    if category in {"Cc", "Cf"} or character == _KEYCAP or unicodedata.name(character, "").startswith("VARIATION SEL"):
        return ""
    if category[0] == "M":  # an accent; but a line through a digit is no part of a number
        return "~" if before.isdecimal() else ""
    if category == "Pd":
        return "-"
    folded = unicodedata.normalize("NFKC", character).strip()
    if len(folded) == 1 and (folded in _SEPARATORS or folded in _SIGNS or folded in _BLANKED):
        return folded
    if character in "\N{ARABIC COMMA}\N{IDEOGRAPHIC COMMA}":
        return ","
    if character == "\N{MINUS SIGN}":
        return "-"
    if category in {"Ps", "Pe", "Pi", "Pf", "So", "Sk", "Lm"}:
        return " "
    return "~"
