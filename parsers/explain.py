"""How each word of a message was taken: for staff who wonder, and for whoever works on the reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from parsers.commands import find_command
from parsers.draft import Message
from parsers.form import Form
from parsers.marks import CODES, Mark
from parsers.numbers import read_numbers, to_count
from parsers.read import read_message
from parsers.reading import OpenQuestion, Problem, Reading, ReadReport
from parsers.sections import Section, cut_sections, find_keywords, open_section, read_section
from parsers.tidy import Token, TokenKind, tidy
from parsers.words import Sense, split_glued_words

_WIDTH = 16


def explain(text: str, sent_on: date, forms: Sequence[Form], question: OpenQuestion | None = None) -> list[str]:
    """Say in lines what every word was taken for, and what the message was read as."""
    message = Message(text, sent_on, tuple(forms))
    tokens = split_glued_words(read_numbers(tidy(text)), message.forms)
    reading = read_message(text, sent_on, forms, question)
    lines = []
    command = find_command(message, tokens)
    if command is not None and not reading.reports:
        lines += [_line(token.written, "command" if token not in command.rest else "") for token in tokens]
    else:
        for section in take_apart(message, tokens):
            lines += [_line(_quote(mark, text), _describe(mark)) for mark in section.marks]
    return [*lines, *_conclude(reading)]


def take_apart(message: Message, tokens: Sequence[Token]) -> list[Section]:
    """Read the sections once more, for their marks; without a keyword, as the form that knows most of the words."""
    keywords = find_keywords(tokens, message.forms)
    if keywords:
        sections = cut_sections(message, tokens, keywords)
    else:
        guesses = [open_section(message, tokens, form) for form in message.forms]
        sections = sorted(guesses, key=lambda guess: -sum(mark.sense in CODES for mark in guess.marks))[:1]
    for section in sections:
        read_section(section)
    return sections


def _quote(mark: Mark, text: str) -> str:
    return text[mark.span.start : mark.span.end]


def _describe(mark: Mark) -> str:
    """Say what a mark was taken for."""
    notes = []
    if mark.sense in {Sense.MEASURE, Sense.ITEM, Sense.KEYWORD, Sense.ZERO, Sense.AMBIGUOUS}:
        notes.append(mark.code)
    last = mark.tokens[-1]
    if mark.sense is Sense.NUMBER and last.kind is TokenKind.NUMBER:
        count = to_count(last)
        notes.append(str(count.fault or count.value))
    if mark.is_near:
        notes.append("(misspelt)")
    if any(token.is_repaired for token in mark.tokens):
        notes.append("(letters for digits)")
    return " ".join([mark.sense.value, *notes])


def _line(written: str, taken_for: str) -> str:
    return f"  {' '.join(written.split()):<{_WIDTH}} {taken_for}".rstrip()


def _conclude(reading: Reading) -> list[str]:
    """Say what the message as a whole was read as."""
    lines = [f"= {reading.kind.value}" + (f" {reading.command.name.value}" if reading.command else "")]
    for report in reading.reports:
        facility = f" @{report.facility}" if report.facility else ""
        lines.append(f"  {report.form} {report.period or 'no month'}{facility}: {_values(report.values)}")
        lines += _asides(report)
    if reading.fragment:
        fragment = reading.fragment
        lines.append(f"  {fragment.form} {fragment.period or 'same month'}: {_values(fragment.values)}")
        lines += _questions(fragment.problems)
    return [*lines, *_questions(reading.problems)]


def _values(values: Mapping[str, int]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items()) or "nothing"


def _asides(report: ReadReport) -> list[str]:
    lines = [f'  ~ {r.code.value}: "{r.written}" read as {r.read}' for r in report.repairs if r.written]
    lines += [f"  ~ {r.code.value}: {r.read}" for r in report.repairs if not r.written]
    lines += [f"  # {report.remark}"] if report.remark else []
    return lines + _questions(report.problems)


def _questions(problems: Sequence[Problem]) -> list[str]:
    return [
        f'  ? {problem.code}: "{problem.words}"'
        + (f" {', '.join(f'{key} {value}' for key, value in problem.about.items())}" if problem.about else "")
        for problem in problems
    ]
