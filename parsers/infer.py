"""A report without its keyword: which form is it, if it is a report at all?"""

from __future__ import annotations

from collections.abc import Sequence

from parsers.draft import Draft, Message
from parsers.header import first_code
from parsers.marks import CODES
from parsers.problems import ProblemCode
from parsers.reading import Kind, Problem, Reading, Span
from parsers.sections import Section, note_inferred, open_section, read_section
from parsers.tidy import Token
from parsers.words import Sense

_MOST_WORDS_BEFORE_MONTH = 4


def infer_report(message: Message, tokens: Sequence[Token]) -> Reading | None:
    """Read a report without a keyword: its words fit one form, and it has a month or two values. None if it is none."""
    fitting: list[tuple[Section, Draft]] = []
    for form in message.forms:
        section = open_section(message, tokens, form)
        if not any(mark.sense in CODES for mark in section.marks):
            continue
        draft = read_section(section)
        if _is_report(section, draft):
            fitting.append((section, draft))
    own = [draft for section, draft in fitting if _has_own_word(section)]
    if len(own) == 1:
        note_inferred(own[0])
        return Reading(Kind.REPORT, reports=(own[0].to_report(),))
    if fitting:
        names = ", ".join(section.form.keywords[0].upper() for section, _ in fitting)
        span = Span(tokens[0].span.start, tokens[-1].span.end)
        problem = Problem(ProblemCode.FORM_UNCLEAR, message.text[span.start : span.end], span, {"forms": names})
        return Reading(Kind.TEXT, problems=(problem,))
    return None


def _is_report(section: Section, draft: Draft) -> bool:
    """Whether it reads as a report: enough in it, and no more foreign words than a report may have."""
    has_month = bool(section.months)
    if not draft.has_pair or not (has_month or len(draft.values) >= 2):
        return False
    if not draft.has_unknown:
        return True
    if not has_month:
        return False
    before, behind = _count_remarks(section)
    if before > _MOST_WORDS_BEFORE_MONTH:
        return False
    is_unread_inside = any(problem.code == ProblemCode.WORD_UNKNOWN for problem in draft.problems)
    if is_unread_inside:
        return len(draft.values) >= 2
    return not behind or not draft.problems


def _count_remarks(section: Section) -> tuple[int, int]:
    """Count the foreign words before the values and behind them."""
    start = first_code(section.marks)
    places = [index for index, mark in enumerate(section.marks) if mark.sense is Sense.REMARK]
    return sum(index < start for index in places), sum(index >= start for index in places)


def _has_own_word(section: Section) -> bool:
    """Whether one of its words means something in this form only."""
    others = [form for form in section.message.forms if form is not section.form]
    return any(
        mark.sense in CODES and not any(mark.code in form.measures or mark.code in form.items for form in others)
        for mark in section.marks
    )
