"""What each form calls what: aliases, phrases, near misses, and the words that everybody may write around them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from parsers.form import Form, Item
from parsers.numbers import MULTIPLES, UNITS
from parsers.period import MONTHS, RELATIVE_MONTHS, RELATIVE_YEARS
from parsers.reading import Span
from parsers.tidy import Token, TokenKind, tidy


class Sense(StrEnum):
    """What a word, a number or a dash was taken for."""

    KEYWORD = "keyword"
    MEASURE = "measure"
    ITEM = "item"
    NUMBER = "number"
    ZERO = "zero"
    DASH = "dash"
    PERIOD = "period"
    MONTH = "month"  # a month's name, until `period` says whether it is one
    MONTH_WORD = "month word"  # bulan, bln
    YEAR_WORD = "year word"  # tahun, thn; tahun lalu
    RELATIVE = "relative month"  # bulan lalu, bulan ini
    FACILITY = "facility"
    COURTESY = "courtesy"
    NEGATION = "negation"
    MULTIPLE = "multiple"  # ribu, puluh: they change the number before them
    UNIT = "unit"  # dus, biji: they may count something else than the item is counted in
    AMBIGUOUS = "ambiguous"
    UNKNOWN = "unknown"
    REMARK = "remark"


class Meaning(NamedTuple):
    """What a word means in a form: its sense and the code of the measure, item, month or form."""

    sense: Sense
    code: str = ""


class Phrase(NamedTuple):
    """Some words in a row that mean one thing; glued ones (s3, cut380a) must be written without anything between."""

    words: tuple[str, ...]
    is_glued: bool
    meaning: Meaning


ZEROS = (
    *("nihil", "nol", "kosong", "tidak ada", "tdk ada", "tak ada", "tidakada", "tdkada", "gak ada", "ga ada"),
    *("nggak ada", "enggak ada", "ndak ada"),
)
_NEGATIONS = ("tidak", "tdk", "tak", "bukan", "belum", "blm", "tanpa", "non")
# A month's name, or a near miss, behind one of these is a person's: Bidan Mei.
TITLES = frozenset({"ibu", "bu", "bpk", "pak", "bidan", "bd", "bdn", "sdri", "dr"})
COURTESY = TITLES | {
    *("yth", "ass", "assalamualaikum", "wr", "wb", "selamat", "slmt", "pagi", "siang", "sore", "mlm", "malam", "mhn"),
    *("mohon", "maaf", "maf", "trims", "trmksh", "tks", "makasih", "mksh", "yg", "utk", "dg", "dgn", "dan", "ini"),
    *("yang", "untuk", "dengan", "yaitu", "sebanyak", "harusnya", "seharusnya", "periode"),
    *("itu", "lap", "laporan", "lapor", "pkm", "pusk", "sdh", "sudah", "hr", "tgl", "jml", "jlh", "jumlah", "org"),
    *("orang", "ada", "nya", "ya", "peserta"),
}
_COURTESY_PHRASES = (
    *("terima kasih", "trima kasih", "terdiri dari", "terdiri atas"),
    *(f"{yang} {right}" for yang in ("yang", "yg") for right in ("benar", "betul")),
    *(f"{laporan} {my}" for laporan in ("laporan", "lap") for my in ("saya", "sy")),
)
_REMARKS = tuple(f"{kirim} ulang" for kirim in ("kirim", "dikirim", "kirimkan", "lapor"))  # ULANG is a measure

_NO_SENSE: frozenset[Sense] = frozenset()
_MAY_BE_GLUED = frozenset({Sense.KEYWORD, Sense.MEASURE, Sense.ITEM, Sense.MONTH})
_SHORTEST_FOR_ONE_EDIT = 4
_SHORTEST_FOR_TWO_EDITS = 8


@dataclass(frozen=True, eq=False)
class Lexicon:
    """All the words that may stand in a report of one form.

    Shape: `exact` holds single words; `phrases` holds, by first word, what takes more than one token, longest first;
    `near` holds the words that a near miss may be meant for; `kinds` maps an item to its kinds by number
    ({"suntik": {"1": "suntik1", "3": "suntik3"}}).
    """

    exact: dict[str, Meaning]
    phrases: dict[str, tuple[Phrase, ...]]
    near: tuple[tuple[str, Meaning], ...]
    kinds: dict[str, dict[str, str]]

    def find_phrase(self, tokens: Sequence[Token], index: int) -> Phrase | None:
        """Find the longest phrase that begins at a token."""
        for phrase in self.phrases.get(tokens[index].word, ()):
            if is_phrase_at(phrase, tokens, index):
                return phrase
        return None

    def find_near(self, word: str) -> frozenset[Meaning]:
        """Find what a misspelt word may be meant for: one meaning is a repair, several are a question.

        One edit for words of 4 letters or more, two for 8 or more, on both sides; swapped neighbours are one edit.
        """
        if len(word) < _SHORTEST_FOR_ONE_EDIT:
            return frozenset()
        return _find_near(self, word)


@lru_cache(maxsize=4096)  # senders repeat their own misspellings
def _find_near(lexicon: Lexicon, word: str) -> frozenset[Meaning]:
    found = set()
    for alias, meaning in lexicon.near:
        shorter = min(len(word), len(alias))
        edits = 2 if shorter >= _SHORTEST_FOR_TWO_EDITS else 1
        if abs(len(word) - len(alias)) <= edits and is_within(word, alias, edits):
            found.add(meaning)
    return frozenset(found)


def is_within(word: str, other: str, edits: int) -> bool:
    """Whether one word becomes the other by so many edits: a letter more, less or other, or two neighbours swapped.

    >>> is_within("aktfi", "aktif", 1), is_within("sutnk", "suntik", 1)
    (True, False)
    """
    start = 0
    shorter = min(len(word), len(other))
    while start < shorter and word[start] == other[start]:
        start += 1
    word, other = word[start:], other[start:]
    if not word or not other:
        return len(word) + len(other) <= edits
    if edits == 0:
        return False
    return (
        is_within(word[1:], other[1:], edits - 1)
        or is_within(word[1:], other, edits - 1)
        or is_within(word, other[1:], edits - 1)
        or (word[1:2] == other[0] and word[0] == other[1:2] and is_within(word[2:], other[2:], edits - 1))
    )


@lru_cache(maxsize=256)
def lexicon_of(form: Form, forms: tuple[Form, ...]) -> Lexicon:
    """Build the words of a report of one form, among the keywords of all forms; built once and kept."""
    meanings = list(_meanings_of_all_forms())
    meanings += [(word, Meaning(Sense.COURTESY)) for word in form.units]
    meanings += [(word.lower(), Meaning(Sense.AMBIGUOUS, means)) for word, means in form.ambiguous.items()]
    own: list[tuple[str, Meaning]] = [(word, Meaning(Sense.ZERO, "0")) for word in ZEROS]
    own += [(word, Meaning(Sense.KEYWORD, other.code)) for other in forms for word in other.keywords]
    for measure in form.measures.values():
        own += [(alias, Meaning(Sense.MEASURE, measure.code)) for alias in measure.aliases]
    for item in form.items.values():
        own += [(alias, Meaning(Sense.ITEM, item.code)) for alias in _aliases_of(item, form)]
    meanings += [(alias.lower(), meaning) for alias, meaning in own]  # last, so that a form's own words win

    exact: dict[str, Meaning] = {}
    phrases: dict[str, list[Phrase]] = {}
    for alias, meaning in meanings:
        tokens = tidy(alias)
        if len(tokens) == 1:
            exact[alias] = meaning
        elif not _is_kind_suffix(alias, meaning, form):
            words = tuple(token.word for token in tokens)
            is_glued = all(token.gap == "" for token in tokens)
            phrases.setdefault(words[0], []).append(Phrase(words, is_glued, meaning))
    kinds: dict[str, dict[str, str]] = {}
    for item in form.items.values():
        if item.kind_of and item.kind:
            kinds.setdefault(item.kind_of, {})[item.kind] = item.code
    return Lexicon(
        exact=exact,
        phrases={first: tuple(sorted(some, key=lambda phrase: -len(phrase.words))) for first, some in phrases.items()},
        near=tuple((alias.lower(), meaning) for alias, meaning in own if alias.isalpha() and len(alias) >= 4),
        kinds=kinds,
    )


def split_glued_words(tokens: list[Token], forms: tuple[Form, ...]) -> list[Token]:
    """Split two words glued together before a number, where each is a word of its own: `KBSEP25`, `BARUPIL 5`."""
    known = _known_words(forms)
    if all(token.kind is not TokenKind.WORD or token.word in known for token in tokens):
        return tokens
    split: list[Token] = []
    for index, token in enumerate(tokens):
        is_before_number = index + 1 < len(tokens) and tokens[index + 1].kind is TokenKind.NUMBER
        at = _find_seam(token, known) if is_before_number and token.word not in known else 0
        if at:
            middle = token.span.start + at
            head, tail = Span(token.span.start, middle), Span(middle, token.span.end)
            split.append(token._replace(word=token.word[:at], written=token.written[:at], span=head))
            split.append(token._replace(word=token.word[at:], written=token.written[at:], gap="", span=tail))
        else:
            split.append(token)
    return split


def _find_seam(token: Token, known: Mapping[str, frozenset[Sense]]) -> int:
    """Find the one place where a word falls into two known ones, not both of them months; 0 for none."""
    word = token.word
    if token.kind is not TokenKind.WORD or len(word) != len(token.written):
        return 0
    seams = [
        at
        for at in range(2, len(word) - 1)
        if (head := known.get(word[:at], _NO_SENSE) & _MAY_BE_GLUED)
        and (tail := known.get(word[at:], _NO_SENSE) & _MAY_BE_GLUED)
        and (head | tail) - {Sense.MONTH}
    ]
    return seams[0] if len(seams) == 1 else 0


@lru_cache(maxsize=64)
def _known_words(forms: tuple[Form, ...]) -> Mapping[str, frozenset[Sense]]:
    """Collect the senses that each word has in any form; words of phrases are known too, with no sense of their own."""
    known: dict[str, frozenset[Sense]] = {}
    for form in forms:
        lexicon = lexicon_of(form, forms)
        for word, meaning in lexicon.exact.items():
            known[word] = known.get(word, _NO_SENSE) | {meaning.sense}
        for phrases in lexicon.phrases.values():
            for phrase in phrases:
                for word in phrase.words:
                    known.setdefault(word, _NO_SENSE)
    return known


def _meanings_of_all_forms() -> Iterable[tuple[str, Meaning]]:
    yield from ((word, Meaning(Sense.COURTESY)) for word in (*COURTESY, *_COURTESY_PHRASES))
    yield from ((words, Meaning(Sense.REMARK)) for words in _REMARKS)
    yield from ((word, Meaning(Sense.NEGATION)) for word in _NEGATIONS)
    yield from ((word, Meaning(Sense.MULTIPLE)) for word in MULTIPLES)
    yield from ((word, Meaning(Sense.UNIT)) for word in UNITS)
    yield from ((word, Meaning(Sense.MONTH_WORD)) for word in ("bulan", "bln"))
    yield from ((word, Meaning(Sense.YEAR_WORD)) for word in ("tahun", "thn"))
    yield from ((name, Meaning(Sense.MONTH, f"{month:02}")) for name, month in MONTHS.items())
    yield from ((name, Meaning(Sense.RELATIVE, back)) for name, back in RELATIVE_MONTHS.items())
    yield from ((name, Meaning(Sense.YEAR_WORD, back)) for name, back in RELATIVE_YEARS.items())


def _aliases_of(item: Item, form: Form) -> list[str]:
    """Write out an item's aliases, with `suntik 3 bulan` in every way of writing suntik and bulan."""
    aliases = list(item.aliases)
    if item.kind_of:
        wholes = [alias for alias in form.items[item.kind_of].aliases if alias.isalpha()]
        aliases += [f"{whole} {item.kind} {word}" for whole in wholes for word in item.kind_words]
    return aliases


def _is_kind_suffix(alias: str, meaning: Meaning, form: Form) -> bool:
    """Whether an alias is just its whole's own word with the kind's number, as suntik3: `marks` decides on those."""
    item = form.items.get(meaning.code) if meaning.sense is Sense.ITEM else None
    return bool(item and item.kind_of and item.kind and alias == form.items[item.kind_of].word.lower() + item.kind)


def is_phrase_at(phrase: Phrase, tokens: Sequence[Token], index: int) -> bool:
    """Whether a phrase begins at a token."""
    words = phrase.words
    if index + len(words) > len(tokens) or tokens[index].word != words[0]:
        return False
    for ahead in range(1, len(words)):
        token = tokens[index + ahead]
        if token.word != words[ahead] or token.kind is TokenKind.DASH or token.fault:
            return False
        # words of a phrase may be joined by blanks, a dash, a dot or a stroke; a comma or a new line parts them
        if (token.gap != "") if phrase.is_glued else token.gap.strip(" -./"):
            return False
    return True
