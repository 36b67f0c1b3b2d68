"""A reading in one line, as the corpus files write it.

    kb 2025-09 @PMB01 baru=12 aktif.pil=30 ~AKTTF>aktif ?number_missing"PIL" #remark

A report: form, month (- for none), facility, values, repairs, problems with the sender's words, remark. Two reports are
joined by `&&`; `fragment`, `command NAME "rest"` and `text` stand for the other kinds.
"""

from __future__ import annotations

from collections.abc import Sequence

from parsers.reading import Fragment, Kind, Problem, Reading, ReadReport, Repair, RepairCode


def write_outcome(reading: Reading) -> str:
    """Write a reading in one line."""
    parts = []
    if reading.command:
        rest = f' "{reading.command.rest}"' if reading.command.rest else ""
        parts.append(f"command {reading.command.name}{rest}")
    if reading.kind is Kind.TEXT:
        parts.append(" ".join(["text", *_problems(reading.problems)]))
    parts += [f"{report.form} {_write(report)}" for report in reading.reports]
    if reading.fragment:
        parts.append(f"fragment {_write(reading.fragment)}")
    return " && ".join(parts)


def _write(report: ReadReport | Fragment) -> str:
    words = [report.period or "-"]
    words += [f"@{report.facility}"] if report.facility else []
    words += [f"{key}={value}" for key, value in report.values.items()]
    words += [_repair(repair) for repair in report.repairs]
    words += _problems(report.problems)
    words += [f"#{report.remark}"] if isinstance(report, ReadReport) and report.remark else []
    return " ".join(words)


def _repair(repair: Repair) -> str:
    if repair.code is RepairCode.PERIOD_ASSUMED:
        return "~assumed"
    if repair.code is RepairCode.FORM_INFERRED:
        return "~inferred"
    return f"~{repair.written}>{repair.read}"


def _problems(problems: Sequence[Problem]) -> list[str]:
    return [f'?{problem.code}"{_escape(problem.words)}"' for problem in problems]


def _escape(words: str) -> str:
    return words.replace("\n", "\\n").replace("\t", "\\t")
