"""What a sender writes without a keyword because a report is already there: the answer to a question, or RALAT."""

from __future__ import annotations

from collections.abc import Sequence

from parsers.commands import ANSWERS, FoundCommand
from parsers.draft import Draft, Message
from parsers.form import Form
from parsers.marks import CODES
from parsers.numbers import to_count
from parsers.problems import ProblemCode
from parsers.reading import Fragment, Kind, OpenQuestion, Reading
from parsers.sections import Section, cut_sections, find_keywords, open_section, read_section
from parsers.tidy import Token, TokenKind
from parsers.words import Sense, lexicon_of

_ASKS_FOR_MONTH = frozenset(code for code in ProblemCode if code.startswith("period"))


def asked_keys(question: OpenQuestion) -> tuple[str, ...]:
    """List the keys whose numbers were asked for."""
    if question.keys:
        return question.keys
    asked = [p for p in question.report.problems if not question.asked or p.code in question.asked]
    return tuple(dict.fromkeys(str(problem.about["key"]) for problem in asked if "key" in problem.about))


def read_answer(message: Message, tokens: Sequence[Token], question: OpenQuestion) -> Reading | None:
    """Read a message as the answer to an open question: `AKTIF 40`, `40`, `SEP 2025`; None if it answers nothing."""
    form = next((form for form in message.forms if form.code == question.report.form), None)
    while tokens and tokens[0].word in ANSWERS and len(tokens) > 1:
        tokens = tokens[1:]  # Tidak, AKTIF 40
    if form is None or not tokens:
        return None
    keys = asked_keys(question)
    bare = _read_bare_number(message, tokens, form, question, keys)
    if bare is not None:
        return bare
    section = open_section(message, tokens, form)
    draft = read_section(section, is_partial=True, default_measure=_measure_asked_for(question, keys))
    return Reading(Kind.FRAGMENT, fragment=_to_fragment(draft)) if _is_answer(section, draft, keys) else None


def read_correction(message: Message, found: FoundCommand, question: OpenQuestion | None) -> Reading:
    """Read what stands behind RALAT: a report that may leave out what stays, or values for the last report."""
    tokens = found.rest
    keywords = find_keywords(tokens, message.forms)
    if keywords:
        sections = cut_sections(message, tokens, keywords)
        drafts = [read_section(each, is_partial=True, fallback=sections[0].months) for each in sections]
        for draft in drafts:
            if not draft.has_pair and not draft.problems and draft.keyword is not None:
                draft.ask_about(ProblemCode.VALUES_MISSING, (draft.keyword,), form=draft.form.code)
        return Reading(Kind.COMMAND, command=found.command, reports=tuple(draft.to_report() for draft in drafts))
    own = [form for form in message.forms if question is not None and form.code == question.report.form]
    for form in own or message.forms:
        section = open_section(message, tokens, form)
        if any(mark.sense in CODES or mark.sense is Sense.PERIOD for mark in section.marks):
            draft = read_section(section, is_partial=True)
            if draft.has_pair or section.months:
                return Reading(Kind.COMMAND, command=found.command, fragment=_to_fragment(draft))
    return Reading(Kind.COMMAND, command=found.command)


def _to_fragment(draft: Draft) -> Fragment:
    """Make a fragment; a month that was not written is none of its repairs."""
    if not draft.is_period_written:
        draft.repairs = [repair for repair in draft.repairs if repair.span is not None]
    return draft.to_fragment()


def _is_answer(section: Section, draft: Draft, keys: Sequence[str]) -> bool:
    """Whether it answers: it has a value or a month, and foreign words only around what was asked for."""
    if not draft.has_pair and not draft.missing and not section.months:
        return False
    return not draft.has_unknown or any(key in draft.values for key in keys)


def _read_bare_number(
    message: Message, tokens: Sequence[Token], form: Form, question: OpenQuestion, keys: Sequence[str]
) -> Reading | None:
    """Read a number alone as the one number that was asked for."""
    is_month_asked = any(code in _ASKS_FOR_MONTH for code in question.asked)
    if len(keys) != 1 or is_month_asked:
        return None
    lexicon = lexicon_of(form, message.forms)
    core = [token for token in tokens if token.word not in lexicon.exact or token.kind is TokenKind.NUMBER]
    if len(core) == 1 and core[0].kind is TokenKind.NUMBER and not core[0].word.startswith("0"):
        count = to_count(core[0])
        draft = Draft(message.text, form)
        if count.fault is not None:
            draft.ask(count.fault, core[0].span, key=keys[0])
        else:
            draft.values[keys[0]] = count.value
        return Reading(Kind.FRAGMENT, fragment=draft.to_fragment())
    return None


def _measure_asked_for(question: OpenQuestion, keys: Sequence[str]) -> str | None:
    """Say which measure an item in the answer belongs to: the one that the question was about, if it was just one."""
    asked = [p for p in question.report.problems if not question.asked or p.code in question.asked]
    measures = {key.partition(".")[0] for key in keys}
    measures |= {str(problem.about["measure"]) for problem in asked if "measure" in problem.about}
    return measures.pop() if len(measures) == 1 else None
