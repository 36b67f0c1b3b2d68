"""Cut a message into its reports, one behind each keyword, and read each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from parsers.commands import UNCLEAR, UNDOING
from parsers.draft import Draft, Message
from parsers.form import Form, Shape
from parsers.header import FoundMonth, ask_about_leftovers, find_months, first_code, read_facility, read_period
from parsers.marks import CODES, COUNTS, Mark, make_marks
from parsers.problems import ProblemCode
from parsers.reading import NOWHERE, Repair, RepairCode, Span
from parsers.rules import find_faults, find_missing
from parsers.shape import find_first_number, read_nil, read_values
from parsers.tidy import Token, TokenKind
from parsers.words import Lexicon, Phrase, Sense, is_phrase_at, lexicon_of

_ALSO_CHAT = frozenset({"ulang", "ganti", "gagal"})  # `laporan ulang`, `ganti dengan ini`, `maaf gagal terkirim`


class FoundKeyword(NamedTuple):
    """A form's keyword among the tokens; `is_near` when it was misspelt."""

    at: int
    form: Form
    is_near: bool = False


@dataclass(slots=True)
class Section:
    """The part of a message that is one report: its marks, its keyword, the months found in it.

    Shape: `is_beside_talk` says that another form's keyword stands in the message without a count: `stok KB kosong`.
    """

    message: Message
    form: Form
    lexicon: Lexicon
    marks: list[Mark]
    keyword: Mark | None = None
    months: list[FoundMonth] = field(default_factory=list)
    facility: str | None = None
    has_unknown_facility: bool = False
    is_beside_talk: bool = False


class _Keywords(NamedTuple):
    """The keywords of all forms, and the phrases that hold one without being one (KB PP, STOK AWAL)."""

    form_of: dict[str, Form]
    phrases: tuple[tuple[Phrase, int], ...]


@lru_cache(maxsize=64)
def _keywords_of(forms: tuple[Form, ...]) -> _Keywords:
    form_of = {keyword.lower(): form for form in forms for keyword in form.keywords}
    found = {
        (phrase, at)
        for form in forms
        for phrases in lexicon_of(form, forms).phrases.values()
        for phrase in phrases
        for at, word in enumerate(phrase.words)
        if word in form_of
    }
    return _Keywords(form_of, tuple(found))


def find_keywords(tokens: Sequence[Token], forms: tuple[Form, ...]) -> list[FoundKeyword]:
    """Find every keyword that is no part of a phrase; without any, the first word that nearly is one."""
    form_of, phrases = _keywords_of(forms)
    found = [
        FoundKeyword(index, form_of[token.word])
        for index, token in enumerate(tokens)
        if token.word in form_of
        and not any(at <= index and is_phrase_at(phrase, tokens, index - at) for phrase, at in phrases)
    ]
    return found or _find_near_keyword(tokens, forms)


def _find_near_keyword(tokens: Sequence[Token], forms: tuple[Form, ...]) -> list[FoundKeyword]:
    lexicons = [lexicon_of(form, forms) for form in forms]
    for index, token in enumerate(tokens):
        if token.kind is not TokenKind.WORD:
            continue
        known = [lexicon.exact.get(token.word) for lexicon in lexicons]
        if any(meaning is not None for meaning in known):
            if any(meaning is not None and meaning.sense in {Sense.MEASURE, Sense.ITEM} for meaning in known):
                return []  # a keyword stands before the values
            continue
        meanings = {meaning for lexicon in lexicons for meaning in lexicon.find_near(token.word)}
        if len(meanings) == 1 and (meaning := meanings.pop()).sense is Sense.KEYWORD:
            form = next(form for form in forms if form.code == meaning.code)
            return [FoundKeyword(index, form, is_near=True)]
    return []


def cut_sections(message: Message, tokens: Sequence[Token], keywords: Sequence[FoundKeyword]) -> list[Section]:
    """Cut a message at its keywords; the same form again goes on with its report, but for another month or place."""
    sections: list[Section] = []
    ends = [keyword.at for keyword in keywords[1:]] + [len(tokens)]
    start = 0
    for keyword, end in zip(keywords, ends, strict=True):
        has_month = bool(sections and sections[0].months)
        at = keyword.at - start
        section = open_section(message, tokens[start:end], keyword.form, keyword_at=at, has_month=has_month)
        section.keyword = next((mark for mark in section.marks if mark.sense is Sense.KEYWORD), None)
        start = end
        earlier = next((other for other in reversed(sections) if other.form is section.form), None)
        if earlier is not None and _is_continued(earlier, section):
            earlier.marks += section.marks
            earlier.months += section.months
            earlier.facility = earlier.facility or section.facility
        else:
            sections.append(section)
    talk = {section.form.code for section in sections if not any(mark.sense in COUNTS for mark in section.marks)}
    for section in sections:
        section.is_beside_talk = bool(talk - {section.form.code})
    return sections


def open_section(
    message: Message, tokens: Sequence[Token], form: Form, *, keyword_at: int | None = None, has_month: bool = False
) -> Section:
    """Take some tokens for what they are in a form, and find their keyword, facility and months."""
    lexicon = lexicon_of(form, message.forms)
    marks = make_marks(tokens, form, lexicon)
    section = Section(message, form, lexicon, marks)
    for mark in marks:
        if mark.sense is Sense.KEYWORD and mark.code != form.code:
            mark.sense, mark.code = Sense.UNKNOWN, ""  # part of another form's phrase: STOK AWAL in a KB report
    if keyword_at is not None:
        section.keyword = next((mark for mark in marks if mark.tokens[0] is tokens[keyword_at]), None)
        if section.keyword is not None and section.keyword.sense is not Sense.KEYWORD:
            section.keyword.sense, section.keyword.code, section.keyword.is_near = Sense.KEYWORD, form.code, True
        draft = Draft(message.text, form, section.keyword)
        read_facility(marks, lexicon, draft)
        section.facility, section.has_unknown_facility = draft.facility, draft.has_unknown
    section.months = find_months(marks, message.sent_on, has_month=has_month)
    if section.keyword is not None:
        _leave_words_before(section, marks.index(section.keyword))
    return section


def _leave_words_before(section: Section, at: int) -> None:
    """Take measures before a keyword for a remark where the whole report stands behind it: `bidan baru, KB 0925 ...`.

    That is where no number stands behind the keyword but its month, and then a word that needs none before it. But a
    measure that may be left out stays one, and is asked about: `cabut KB 0925 ...`.
    """
    before, behind = section.marks[:at], section.marks[at:]
    start = first_code(behind)
    leads = Sense.ITEM if section.form.shape is Shape.ITEM_FIRST else Sense.MEASURE
    has_number = any(mark.sense in COUNTS for mark in (*before, *behind[:start]))
    if not has_number and behind[start:] and behind[start].sense is leads:
        for mark in before:
            is_asked_for = leads is Sense.ITEM or mark.code in section.form.required  # so it comes again
            if mark.sense is Sense.MEASURE and (is_asked_for or mark.tokens[0].word in _ALSO_CHAT):
                mark.sense, mark.code = Sense.UNKNOWN, ""


def _is_continued(earlier: Section, later: Section) -> bool:
    if later.facility is not None and earlier.facility not in (None, later.facility):
        return False
    months = {month.period for month in later.months}
    return not months or (bool(earlier.months) and months == {earlier.months[0].period})


def read_section(
    section: Section,
    *,
    is_partial: bool = False,
    default_measure: str | None = None,
    fallback: Sequence[FoundMonth] = (),
) -> Draft:
    """Read one section into a draft. A partial one is an answer or a correction: it may leave out whatever it likes.

    Shape: `fallback` are the months of the section before, which hold where this one names none.
    """
    form, marks = section.form, section.marks
    draft = Draft(section.message.text, form, section.keyword)
    draft.facility, draft.has_unknown = section.facility, section.has_unknown_facility
    read_period(section.months or fallback, marks, draft, section.message.sent_on)
    first_number = find_first_number(marks, draft, section.lexicon)
    ask_about_leftovers(marks, draft, first_number)
    read_values(marks, draft, first_number, default_measure or form.default_measure)
    if section.keyword is not None and first_code(marks) == len(marks):
        read_nil(marks, draft, is_beside_talk=section.is_beside_talk)
    draft.note_repairs(marks)
    _ask_about_commands(marks, draft)
    if not is_partial:
        _ask_about_faults(draft)
    return draft


def _ask_about_commands(marks: Sequence[Mark], draft: Draft) -> None:
    """Ask about BATAL or STOP in a report, CONTOH before its values: is it to be kept or not?"""
    start = next((index for index, mark in enumerate(marks) if mark.sense in CODES | COUNTS), len(marks))
    for index, mark in enumerate(marks):
        undoing = UNDOING | UNCLEAR if index < start else UNDOING
        if mark.sense is Sense.REMARK and mark.tokens[0].word in undoing:
            draft.ask_about(ProblemCode.COMMAND_UNCLEAR, (mark,), command=mark.written)


def _ask_about_faults(draft: Draft) -> None:
    """Ask about values that do not agree with each other, and about what the form requires and nobody named."""
    for fault in find_faults(draft.values, draft.form):
        draft.ask(fault.code, draft.spans.get(fault.key) or _first_span(draft, fault.key), **fault.about)
    keyword_span = draft.keyword.span if draft.keyword else NOWHERE
    if not draft.values and not draft.missing and not draft.has_pair:
        draft.ask(ProblemCode.VALUES_MISSING, keyword_span, form=draft.form.code)
        return
    unread = {key.partition(".")[0] for key in draft.missing}
    for fault in find_missing(draft.values, draft.form):
        if fault.key not in unread:
            draft.ask(fault.code, keyword_span, **fault.about)


def _first_span(draft: Draft, key: str) -> Span:
    """Find where the first item of a measure stands, for a measure without a total."""
    return next((span for other, span in draft.spans.items() if other.startswith(f"{key}.")), NOWHERE)


def note_inferred(draft: Draft) -> None:
    """Put down that no keyword was written."""
    draft.repairs.append(Repair(RepairCode.FORM_INFERRED, "", draft.form.code))
