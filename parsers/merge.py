"""Door 3: the answer to an open question -> the report as it stands now."""

from __future__ import annotations

from dataclasses import replace

from parsers.form import Form
from parsers.problems import ProblemCode
from parsers.reading import (
    NOWHERE,
    CommandName,
    Fragment,
    OpenQuestion,
    Problem,
    Reading,
    ReadReport,
    Repair,
    RepairCode,
)
from parsers.rules import find_faults, find_missing

_ABOUT_VALUES = frozenset(
    {
        ProblemCode.MEASURE_MISSING,
        ProblemCode.VALUES_MISSING,
        ProblemCode.SUM_EXCEEDS_TOTAL,
        ProblemCode.ITEM_MISPLACED,
        ProblemCode.PARTS_EXCEED_WHOLE,
        ProblemCode.EQUATION_FAILS,
    }
)  # found from the values alone: they are looked for again
_ABOUT_FACILITY = frozenset({ProblemCode.FACILITY_MISSING, ProblemCode.FACILITY_UNKNOWN})
_ABOUT_PERIOD = frozenset(code for code in ProblemCode if code.startswith("period"))


def merge(question: OpenQuestion, reading: Reading, form: Form) -> ReadReport:
    """Put an answer into the report that it answers; a whole report for the same form takes its place.

    YA takes what the question offered: the swapped month, the other measure. Anything else that was read changes
    nothing. Problems that the answer settles go, others stay, and what the values alone can tell is looked at again.
    """
    whole = next((report for report in reading.reports if report.form == question.report.form), None)
    if whole is not None:
        return _fill_from_question(whole, question.report)
    answer = reading.fragment
    if reading.command is not None and reading.command.name is CommandName.YES:
        answer = _take_offer(question)
    return question.report if answer is None else _put_in(question, answer, form)


def _take_offer(question: OpenQuestion) -> Fragment | None:
    """Turn YA into the answer that it stands for, where the question offered one."""
    offers = [p for p in question.report.problems if not question.asked or p.code in question.asked]
    for problem in offers:
        if problem.code == ProblemCode.PERIOD_SWAPPED:
            return Fragment({}, period=str(problem.about["period"]))
        if problem.code == ProblemCode.ITEM_MISPLACED:
            key = f"{problem.about['other']}.{problem.about['item']}"
            return Fragment({key: question.report.values[str(problem.about["key"])]})
    return None


def _fill_from_question(whole: ReadReport, open_report: ReadReport) -> ReadReport:
    """Keep the month and facility that were already said, where the whole report leaves them out."""
    is_assumed = any(repair.code is RepairCode.PERIOD_ASSUMED for repair in whole.repairs)
    if is_assumed and open_report.period and not any(p.code in _ABOUT_PERIOD for p in open_report.problems):
        repairs = tuple(repair for repair in whole.repairs if repair.code is not RepairCode.PERIOD_ASSUMED)
        whole = replace(whole, period=open_report.period, repairs=repairs)
    is_unknown = any(problem.code == ProblemCode.FACILITY_UNKNOWN for problem in open_report.problems)
    return replace(whole, facility=whole.facility or (None if is_unknown else open_report.facility))


def _put_in(question: OpenQuestion, answer: Fragment, form: Form) -> ReadReport:
    report = question.report
    values = {**_without_moved(report, answer), **answer.values}
    kept = [problem for problem in report.problems if not _is_settled(problem, question, answer)]
    problems = [problem for problem in kept if problem.code not in _ABOUT_VALUES]
    problems += answer.problems
    unread = {str(problem.about["key"]).partition(".")[0] for problem in problems if "key" in problem.about}
    for fault in (*find_faults(values, form), *find_missing(values, form)):
        if fault.code is ProblemCode.MEASURE_MISSING and fault.key in unread:
            continue
        # the words of the first message still stand for a fault that it had; a new one has none of its own
        known = next((p for p in report.problems if (p.code, p.about.get("key")) == (fault.code, fault.key)), None)
        words, span = (known.words, known.span) if known else ("", NOWHERE)
        problems.append(Problem(fault.code, words, span, fault.about))
    return replace(
        report,
        period=answer.period or report.period,
        facility=answer.facility or report.facility,
        values=values,
        repairs=(*_repairs_left(report, answer), *answer.repairs),
        problems=tuple(problems),
        spans={},  # part of it stands in another message
    )


def _without_moved(report: ReadReport, answer: Fragment) -> dict[str, int]:
    """Take a misplaced item out of its measure when the answer gives it to the other one."""
    values = dict(report.values)
    for problem in report.problems:
        if problem.code == ProblemCode.ITEM_MISPLACED:
            moved_to = f"{problem.about['other']}.{problem.about['item']}"
            if moved_to in answer.values and problem.about["key"] not in answer.values:
                values.pop(str(problem.about["key"]), None)
    return values


def _is_settled(problem: Problem, question: OpenQuestion, answer: Fragment) -> bool:
    """Whether an answer settles a problem: it gives the key or the month that was asked for, or what a word meant."""
    if problem.code in _ABOUT_PERIOD:
        return answer.period is not None
    if "key" in problem.about:
        return problem.about["key"] in answer.values
    if problem.code in _ABOUT_FACILITY:
        return answer.facility is not None
    was_asked = not question.asked or problem.code in question.asked
    return was_asked and bool(answer.values)


def _repairs_left(report: ReadReport, answer: Fragment) -> tuple[Repair, ...]:
    if answer.period is None:
        return report.repairs
    return tuple(repair for repair in report.repairs if repair.code is not RepairCode.PERIOD_ASSUMED)
