"""Words that staff teach the reader beside those of the forms' files: what may be taught, and forms that know them."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import lru_cache

from parsers.commands import COMMAND_OF
from parsers.draft import Message
from parsers.explain import take_apart
from parsers.form import Form, Item, Measure
from parsers.numbers import read_numbers
from parsers.reading import Span
from parsers.tidy import LONGEST, TokenKind, tidy
from parsers.words import Lexicon, Meaning, Sense, is_within, lexicon_of, split_glued_words

SHORTEST, LONGEST_WORD = 2, 30  # letters
SHORTEST_MENDED = 4  # letters: words from this length on are repaired by the reader
_PARTS = {Sense.MEASURE: "measure", Sense.ITEM: "item", Sense.KEYWORD: "form"}


class AliasKind(StrEnum):
    """What a taught word stands for: a measure or an item of a form, or the form itself (one more keyword)."""

    MEASURE = "measure"
    ITEM = "item"
    FORM = "form"


@dataclass(frozen=True, slots=True)
class Alias:
    """One more word for something. `code` is that of the measure, the item or the form; `word` is lower case."""

    form: str
    kind: str
    code: str
    word: str


class AliasFault(StrEnum):
    """Why a word cannot be taught."""

    NO_WORD = "no_word"  # not one word of letters
    NO_MEANING = "no_meaning"  # the form has no such measure or item
    COMMAND = "command"  # it asks for something: BATAL, STATUS
    COURTESY = "courtesy"  # it may stand anywhere and says nothing: ibu, dan, tidak
    MONTH = "month"
    DOUBTFUL = "doubtful"  # the form's file says that it may mean two things
    KNOWN = "known"  # it means something already
    NEAR = "near"  # a slip of the thumb away from words for something else


@dataclass(frozen=True, slots=True)
class Unread:
    """A word of a message that no form knows, and where it stands in the text."""

    word: str
    written: str
    span: Span


@lru_cache(maxsize=256)
def add_aliases(forms: tuple[Form, ...], aliases: tuple[Alias, ...]) -> tuple[Form, ...]:
    """Return the forms with these words taught; the same aliases give the very same forms, so that these are cached.

    What a form no longer has is left out, and a word that its file has meanwhile keeps the file's meaning.
    """
    return tuple(_teach(form, tuple(one for one in aliases if one.form == form.code)) for form in forms)


def _teach(form: Form, aliases: tuple[Alias, ...]) -> Form:
    parts: list[Measure | Item] = [*form.measures.values(), *form.items.values()]
    known = {word.lower() for part in parts for word in part.aliases} | {word.lower() for word in form.keywords}
    words: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in aliases:
        if one.word not in known and has_meaning(one, form):
            known.add(one.word)
            words[one.kind, one.code].append(one.word)
    if not words:
        return form
    measures: dict[str, Measure] = dict(form.measures)
    items: dict[str, Item] = dict(form.items)
    keywords = form.keywords
    for (kind, code), more in words.items():
        if kind == AliasKind.MEASURE:
            measures[code] = replace(measures[code], aliases=(*measures[code].aliases, *more))
        elif kind == AliasKind.ITEM:
            items[code] = replace(items[code], aliases=(*items[code].aliases, *more))
        else:
            keywords = (*keywords, *more)
    return replace(form, measures=measures, items=items, keywords=keywords, taught=_fingerprint(words))


def _fingerprint(words: Mapping[tuple[str, str], Sequence[str]]) -> str:
    written = repr(sorted((*meaning, *sorted(some)) for meaning, some in words.items()))
    return hashlib.blake2b(written.encode(), digest_size=4).hexdigest()


def has_meaning(alias: Alias, form: Form) -> bool:
    """Tell whether a form has what an alias stands for."""
    if alias.kind == AliasKind.FORM:
        return alias.code == form.code
    return alias.code in (form.measures if alias.kind == AliasKind.MEASURE else form.items)


def find_fault(alias: Alias, forms: tuple[Form, ...]) -> AliasFault | None:
    """Return why a word cannot be taught beside what these forms know, or None.

    A slip of the thumb must still be told from it: it must not stand one edit from words for two other things, nor from
    one that is long enough for slips to be repaired.
    """
    word = alias.word
    tokens = tidy(word)
    is_word = len(tokens) == 1 and tokens[0].kind is TokenKind.WORD and tokens[0].word == word
    if not (is_word and SHORTEST <= len(word) <= LONGEST_WORD):
        return AliasFault.NO_WORD
    form = next((form for form in forms if form.code == alias.form), None)
    if form is None or not has_meaning(alias, form):
        return AliasFault.NO_MEANING
    if word in COMMAND_OF:
        return AliasFault.COMMAND
    # a keyword is looked for in every message, so it must be new to all forms
    lexicons = [lexicon_of(one, forms) for one in (forms if alias.kind == AliasKind.FORM else (form,))]
    for lexicon in lexicons:
        if fault := _find_fault_in(lexicon, word):
            return fault
    own = Meaning(_sense_of(alias.kind), alias.code)
    near = {(meaning, len(known)) for lexicon in lexicons for known, meaning in _within_one(lexicon, word)}
    others = {meaning for meaning, _ in near} - {own}
    is_mended = len(word) >= SHORTEST_MENDED and any(size >= SHORTEST_MENDED and other != own for other, size in near)
    return AliasFault.NEAR if is_mended or len(others) > 1 else None


def _find_fault_in(lexicon: Lexicon, word: str) -> AliasFault | None:
    meaning = lexicon.exact.get(word)
    if meaning is None:
        return AliasFault.KNOWN if any(phrase.is_glued for phrase in lexicon.phrases.get(word, ())) else None
    if meaning.sense in (Sense.COURTESY, Sense.NEGATION):
        return AliasFault.COURTESY
    if meaning.sense in (Sense.MONTH, Sense.MONTH_WORD, Sense.YEAR_WORD, Sense.RELATIVE):
        return AliasFault.MONTH
    return AliasFault.DOUBTFUL if meaning.sense is Sense.AMBIGUOUS else AliasFault.KNOWN


def _within_one(lexicon: Lexicon, word: str) -> set[tuple[str, Meaning]]:
    """Return the words that are one edit away, short ones too, with what they mean."""
    return {
        (known, meaning)
        for known, meaning in lexicon.exact.items()
        if meaning.sense in _PARTS and abs(len(known) - len(word)) <= 1 and is_within(known, word, 1)
    }


def _sense_of(kind: str) -> Sense:
    return next(sense for sense, name in _PARTS.items() if name == kind)


def find_unread(text: str, sent_on: date, forms: tuple[Form, ...]) -> tuple[Unread, ...]:
    """Return the words of a message that no form knows, in the order they stand; none of a text that is too long."""
    if not forms or len(text) > LONGEST:
        return ()
    message = Message(text, sent_on, forms)
    tokens = split_glued_words(read_numbers(tidy(text)), forms)
    found: dict[int, Unread] = {}
    for section in take_apart(message, tokens):
        for mark in section.marks:
            if mark.sense in (Sense.UNKNOWN, Sense.REMARK):
                for token in mark.tokens:
                    if token.kind is TokenKind.WORD and not _is_known_anywhere(token.word, forms):
                        found[token.span.start] = Unread(token.word, token.written, token.span)
    return tuple(found[start] for start in sorted(found))


def _is_known_anywhere(word: str, forms: tuple[Form, ...]) -> bool:
    return word in COMMAND_OF or any(word in lexicon_of(form, forms).exact for form in forms)
