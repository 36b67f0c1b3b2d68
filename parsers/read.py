"""Door 1: a message as it was sent -> what it says. Never raises, whatever was written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from parsers.answers import read_answer, read_correction
from parsers.commands import find_command
from parsers.draft import Draft, Message, span_of
from parsers.form import Form
from parsers.infer import infer_report
from parsers.marks import CODES, Mark
from parsers.numbers import read_numbers
from parsers.problems import ProblemCode
from parsers.reading import CommandName, Kind, OpenQuestion, Problem, Reading, Span
from parsers.sections import Section, cut_sections, find_keywords, read_section
from parsers.tidy import LONGEST, Token, TokenKind, tidy
from parsers.words import Sense, split_glued_words

_TEXT = Reading(Kind.TEXT)


def read_message(text: str, sent_on: date, forms: Sequence[Form], question: OpenQuestion | None = None) -> Reading:
    """Read a message sent on a day (the sender's own day), with the question that its sender has open, if any."""
    if len(text) > LONGEST:
        problem = Problem(ProblemCode.MESSAGE_TOO_LONG, "", Span(LONGEST, len(text)), {"most": LONGEST})
        return Reading(Kind.TEXT, problems=(problem,))
    message = Message(text, sent_on, tuple(forms))
    tokens = split_glued_words(read_numbers(tidy(text)), message.forms)
    if found := find_command(message, tokens):
        if found.command.name is CommandName.CORRECT:
            return read_correction(message, found, question)
        return Reading(Kind.COMMAND, command=found.command)
    return (
        _read_with_keyword(message, tokens)
        or (question and read_answer(message, tokens, question))
        or infer_report(message, tokens)
        or _TEXT
    )


def _read_with_keyword(message: Message, tokens: Sequence[Token]) -> Reading | None:
    keywords = find_keywords(tokens, message.forms)
    if not keywords:
        return None
    sections = _without_empty(cut_sections(message, tokens, keywords))
    drafts: list[Draft] = []
    for section in sections:
        draft = read_section(section, fallback=sections[0].months)
        if not _is_chat(section, draft):
            drafts.append(draft)
        elif drafts:  # `... AKTIF 40 stok pil habis` is a remark to what stands before it
            start, end = span_of(section.marks)
            drafts[-1].remark = f"{drafts[-1].remark} {message.text[start:end]}".strip()
        else:
            return _TEXT
    return Reading(Kind.REPORT, reports=tuple(draft.to_report() for draft in drafts))


def _without_empty(sections: list[Section]) -> list[Section]:
    """Leave out a keyword with nothing behind it but another form's: `LAPORAN KB ALOKON 0925 ...`."""
    full = [section for section in sections if any(_is_content(mark) for mark in section.marks)]
    return full or sections[:1]


def _is_content(mark: Mark) -> bool:
    return mark.sense not in {Sense.KEYWORD, Sense.COURTESY, Sense.DASH}


def _is_chat(section: Section, draft: Draft) -> bool:
    """Whether a keyword stands in a sentence: no month, no value, and a word that no form knows, or just a year."""
    if section.months or draft.has_pair:
        return False
    if draft.has_unknown:
        return True
    numbers = [token.word for mark in section.marks for token in mark.tokens if token.kind is TokenKind.NUMBER]
    has_codes = any(mark.sense in CODES for mark in section.marks)
    return bool(numbers) and not has_codes and all(len(year) == 4 and year.startswith("20") for year in numbers)
