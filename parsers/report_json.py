"""A reading as plain values, in the shape that `./kabar parse` writes and that is kept beside a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from parsers.reading import Fragment, Problem, Reading, ReadReport, Repair


def as_json(reading: Reading) -> dict[str, Any]:
    """Turn a reading into what `json.dumps` takes.

    Shape: {"kind", "clean", "command", "reports": [{"form", "period", "facility", "values", "repairs", "problems"}]};
    also "rest" beside a command that has something behind it, "fragment" (part of a report) where there is one,
    "remark" in a report that has one, and "problems" where the message as a whole has some.
    """
    written: dict[str, Any] = {
        "kind": reading.kind.value,
        "clean": reading.is_clean,
        "command": reading.command.name.value if reading.command else None,
        "reports": [{"form": report.form, **_values_of(report)} for report in reading.reports],
    }
    if reading.command and reading.command.rest:
        written["rest"] = reading.command.rest
    if reading.fragment:
        written["fragment"] = {"form": reading.fragment.form, **_values_of(reading.fragment)}
    if reading.problems:
        written["problems"] = _problems(reading.problems)
    return written


def _values_of(report: ReadReport | Fragment) -> dict[str, Any]:
    written: dict[str, Any] = {
        "period": report.period,
        "facility": report.facility,
        "values": dict(report.values),
        "repairs": _repairs(report.repairs),
        "problems": _problems(report.problems),
    }
    if isinstance(report, ReadReport) and report.remark:
        written["remark"] = report.remark
    return written


def _repairs(repairs: Sequence[Repair]) -> list[dict[str, Any]]:
    return [
        {
            "code": repair.code.value,
            "written": repair.written,
            "read": repair.read,
            "span": list(repair.span) if repair.span else None,
        }
        for repair in repairs
    ]


def _problems(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    return [
        {
            "code": str(problem.code),
            "words": problem.words,
            "span": list(problem.span),
            **({"about": dict(problem.about)} if problem.about else {}),
        }
        for problem in problems
    ]
