"""Door 1: a message as it was sent -> what it says. Never raises, whatever was written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from parsers.answers import read_answer, read_correction
from parsers.commands import find_command
from parsers.draft import Draft, place_of
from parsers.form import Form
from parsers.infer import infer_report
from parsers.marks import CODES, Mark
from parsers.numbers import read_numbers
from parsers.problems import ProblemCode
from parsers.reading import CommandName, Kind, OpenQuestion, Problem, Reading, Span
from parsers.sections import Section, cut_sections, find_keywords, read_section
from parsers.tidy import LONGEST, Token, tidy
from parsers.words import Sense

_TEXT = Reading(Kind.TEXT)


def read_message(
    text: str, sent_on: date, forms: Sequence[Form], question: OpenQuestion | None = None
) -> Reading:
    """Read a message sent on a day (the sender's own day), with the question that its sender has open, if any."""
    if len(text) > LONGEST:
        problem = Problem(ProblemCode.MESSAGE_TOO_LONG, "", Span(LONGEST, len(text)), {"most": LONGEST})
        return Reading(Kind.TEXT, problems=(problem,))
    forms = tuple(forms)
    tokens = read_numbers(tidy(text).tokens)
    if found := find_command(text, tokens, forms, sent_on):
        if found.command.name is CommandName.CORRECT:
            return read_correction(found, forms, sent_on, question)
        return Reading(Kind.COMMAND, command=found.command)
    return (
        _read_with_keyword(tokens, forms, sent_on)
        or (question and read_answer(tokens, forms, sent_on, question))
        or infer_report(tokens, forms, sent_on)
        or _TEXT
    )


def _read_with_keyword(tokens: Sequence[Token], forms: tuple[Form, ...], sent_on: date) -> Reading | None:
    keywords = find_keywords(tokens, forms)
    if not keywords:
        return None
    sections = _without_empty(cut_sections(tokens, keywords, forms, sent_on))
    drafts: list[Draft] = []
    for section in sections:
        draft = read_section(section, sent_on, fallback=sections[0].months)
        if not _is_chat(section, draft):
            drafts.append(draft)
        elif drafts:  # `... AKTIF 40 stok pil habis` is a remark to what stands before it
            drafts[-1].remark = f"{drafts[-1].remark} {place_of(section.marks).words}".strip()
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
    numbers = [mark.code for mark in section.marks if mark.sense is Sense.NUMBER]
    has_codes = any(mark.sense in CODES for mark in section.marks)
    return bool(numbers) and not has_codes and all(len(year) == 4 and year.startswith("20") for year in numbers)
