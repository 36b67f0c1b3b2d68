"""What a sender writes without a keyword because a report is already there: the answer to a question, or RALAT."""

from __future__ import annotations

from collections.abc import Sequence

from parsers.commands import ANSWERS, NOT, FoundCommand
from parsers.draft import Draft, Message, span_of
from parsers.form import Form
from parsers.header import is_register_code, month_of
from parsers.marks import CODES, COUNTS, Mark, make_marks
from parsers.numbers import to_count
from parsers.period import latest_month, months_between, period_of
from parsers.problems import ProblemCode
from parsers.reading import Fragment, Kind, OpenQuestion, Reading
from parsers.sections import Section, cut_sections, find_keywords, open_section, read_section
from parsers.tidy import Token, TokenKind
from parsers.words import Lexicon, Sense, lexicon_of

_ASKS_FOR_FACILITY = frozenset({ProblemCode.FACILITY_MISSING, ProblemCode.FACILITY_UNKNOWN})
_NEAR_MONTHS = 6  # a number alone names one of these; else it is rather a count
_BECOMES = frozenset({"jadi", "menjadi", "mjd", "jd"})
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
    if form is None:
        return None
    tokens = _without_answer(tokens, lexicon_of(form, message.forms))
    keys = asked_keys(question)
    if period := _read_bare_month(message, tokens, form, question):
        return Reading(Kind.FRAGMENT, fragment=Fragment({}, form.code, period))
    bare = _read_bare_count(message, tokens, form, question, keys)
    if bare is not None:
        return bare
    section = open_section(message, tokens, form)
    _leave_out_old_numbers(section)
    if any(code in _ASKS_FOR_FACILITY for code in question.asked):
        _take_facility(section)
    draft = read_section(section, is_partial=True, default_measure=_measure_asked_for(question, keys))
    return Reading(Kind.FRAGMENT, fragment=_to_fragment(draft)) if _is_answer(section, draft, keys) else None


def read_correction(message: Message, found: FoundCommand, question: OpenQuestion | None) -> Reading:
    """Read what stands behind RALAT: a report that may leave out what stays, or values for the last report."""
    keywords = find_keywords(found.rest, message.forms)
    if keywords:
        sections = cut_sections(message, found.rest, keywords)
        for section in sections:
            _leave_out_old_numbers(section)
        drafts = [read_section(each, is_partial=True, fallback=sections[0].months) for each in sections]
        for draft in drafts:
            if not draft.has_pair and not draft.problems and draft.keyword is not None:
                draft.ask_about(ProblemCode.VALUES_MISSING, (draft.keyword,), form=draft.form.code)
        return Reading(Kind.COMMAND, command=found.command, reports=tuple(draft.to_report() for draft in drafts))
    own = [form for form in message.forms if question is not None and form.code == question.report.form]
    fitting = []
    for form in own or message.forms:
        section = open_section(message, found.rest, form)
        _leave_out_old_numbers(section)
        draft = read_section(section, is_partial=True)
        if draft.has_pair or section.months:
            fitting.append(draft)
    best = max(fitting, key=lambda draft: len(draft.values) - len(draft.problems), default=None)
    return Reading(Kind.COMMAND, command=found.command, fragment=_to_fragment(best) if best else None)


def _leave_out_old_numbers(section: Section) -> None:
    """Take `40 jadi` in `AKTIF 40 jadi 45` for courtesy; but not what stands before no value, nor what may be a kind.

    KE is such a word only in `dari 40 ke 45`: elsewhere it counts (`ke 2`).
    """
    marks = [mark for mark in section.marks if mark.sense is not Sense.COURTESY]
    for index, code in enumerate(marks):
        if code.sense not in CODES:
            continue
        kinds = section.lexicon.kinds.get(code.code, {})
        old = 0
        match [_role(mark) for mark in marks[index + 1 : index + 5]]:
            case ["jadi", "number", *_]:
                old = 1
            case ["number", "jadi"] | ["number", "jadi", "number", *_] if marks[index + 1].code not in kinds:
                old = 2  # and where it was cut off, the new one is missing
            case ["dari", "number", "jadi" | "ke", "number", *_]:
                old = 3
        for mark in marks[index + 1 : index + 1 + old]:
            mark.sense = Sense.COURTESY


def _role(mark: Mark) -> str:
    word = mark.tokens[0].word
    if mark.sense in COUNTS:
        return "number"
    return "jadi" if word in _BECOMES else word


def _to_fragment(draft: Draft) -> Fragment:
    """Make a fragment; a month that was not written is none of its repairs."""
    if not draft.is_period_written:
        draft.repairs = [repair for repair in draft.repairs if repair.span is not None]
    return draft.to_fragment()


def _is_answer(section: Section, draft: Draft, keys: Sequence[str]) -> bool:
    """Whether it answers: it has a value or a month, and foreign words only around what was asked for."""
    if draft.facility:
        return True
    if not draft.has_pair and not draft.missing and not section.months:
        return len(section.marks) == 2 and section.marks[1].sense in COUNTS  # XYZ 40: ask again
    return not draft.has_unknown or any(key in draft.values for key in keys)


def _take_facility(section: Section) -> None:
    """Take the first unknown words and the number at them, or nine digits, for the facility that was asked for."""
    taken: list[Mark] = []
    for mark in section.marks:
        is_at_name = bool(taken) and mark.sense is Sense.NUMBER and mark.gap in {"", "-"}
        if mark.sense is Sense.UNKNOWN or is_at_name or (not taken and is_register_code(mark)):
            taken.append(mark)
        elif taken:
            break
    if taken:
        span = span_of(taken)
        section.facility = section.message.text[span.start : span.end].upper()
        for mark in taken:
            mark.sense = Sense.FACILITY


def _without_answer(tokens: Sequence[Token], lexicon: Lexicon) -> Sequence[Token]:
    """Leave out the YA, TIDAK or JADI before an answer: `Tidak, jadi 40`; but not that of `tidak ada`."""
    while len(tokens) > 1 and tokens[0].word in ANSWERS | _BECOMES and lexicon.find_phrase(tokens, 0) is None:
        is_refused = tokens[0].word in NOT and tokens[1].gap == " "
        if is_refused and (tokens[1].kind is TokenKind.NUMBER or tokens[1].word in _BECOMES):
            break  # `bukan 400` names what it is not
        tokens = tokens[1:]
    return tokens


def _read_bare_count(
    message: Message, tokens: Sequence[Token], form: Form, question: OpenQuestion, keys: Sequence[str]
) -> Reading | None:
    """Read a number or NIHIL alone, or `40 jadi 45`, as the one number that was asked for."""
    if not keys or any(code in _ASKS_FOR_MONTH for code in question.asked):
        return None
    item = form.items.get(keys[0].partition(".")[2])
    marks = make_marks(tokens, form, lexicon_of(form, message.forms), item)
    core = [mark for mark in marks if mark.sense is not Sense.COURTESY]
    if [_role(mark) for mark in core] == ["number", "jadi", "number"]:
        core = core[-1:]
    if len(core) != 1 or core[0].sense not in COUNTS or _is_surely_month(core[0]):
        return None
    draft = Draft(message.text, form)
    draft.note_repairs(core)
    value, fault = (0, None) if core[0].sense is Sense.ZERO else to_count(core[0].number)
    if len(keys) > 1:
        draft.ask_about(ProblemCode.NUMBER_STRAY, core)
    elif fault is not None:
        draft.ask_about_number(fault, core, keys[0])
    else:
        draft.values[keys[0]] = value
    return Reading(Kind.FRAGMENT, fragment=draft.to_fragment())


def _read_bare_month(message: Message, tokens: Sequence[Token], form: Form, question: OpenQuestion) -> str | None:
    """Read `09` or `9` alone where nothing but a month was asked for."""
    if not question.asked or not all(code in _ASKS_FOR_MONTH for code in question.asked):
        return None
    marks = make_marks(tokens, form, lexicon_of(form, message.forms))
    is_number = len(marks) == 1 and marks[0].sense is Sense.NUMBER and marks[0].number.fault is None
    if not is_number or len(marks[0].code) > 2 or not 1 <= int(marks[0].code) <= 12:
        return None
    found = latest_month(int(marks[0].code), message.sent_on)
    return found if months_between(found, period_of(message.sent_on)) <= _NEAR_MONTHS else None


def _is_surely_month(mark: Mark) -> bool:
    """Whether a number is written as only a month is: 0925, 09/25."""
    if mark.sense is not Sense.NUMBER or month_of(mark.number) is None:
        return False
    return mark.code.startswith("0") or len(mark.number.parts) > 1


def _measure_asked_for(question: OpenQuestion, keys: Sequence[str]) -> str | None:
    """Say which measure an item in the answer belongs to: the one that the question was about, if it was just one."""
    asked = [p for p in question.report.problems if not question.asked or p.code in question.asked]
    measures = {key.partition(".")[0] for key in keys}
    measures |= {str(problem.about["measure"]) for problem in asked if "measure" in problem.about}
    return measures.pop() if len(measures) == 1 else None
