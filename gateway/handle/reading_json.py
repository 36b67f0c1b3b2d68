"""A read report as it is kept beside its revision or its question, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parsers.reading import Problem, ReadReport, Repair, RepairCode, Span


def to_json(report: ReadReport) -> dict[str, Any]:
    """Return a read report as plain values.

    Shape: {"form", "period", "facility", "values", "repairs": [{"code", "written", "read", "span"}], "problems":
    [{"code", "words", "span", "about"}], "remark"}; a span is [start, end] or None.
    """
    return {
        "form": report.form,
        "period": report.period,
        "facility": report.facility,
        "values": dict(report.values),
        "repairs": [
            {
                "code": one.code.value,
                "written": one.written,
                "read": one.read,
                "span": list(one.span) if one.span else None,
            }
            for one in report.repairs
        ],
        "problems": [
            {"code": str(one.code), "words": one.words, "span": list(one.span), "about": dict(one.about)}
            for one in report.problems
        ],
        "remark": report.remark,
    }


def from_json(kept: Mapping[str, Any]) -> ReadReport:
    """Return the read report that `to_json` wrote."""
    return ReadReport(
        form=kept["form"],
        period=kept["period"],
        facility=kept["facility"],
        values=kept["values"],
        repairs=tuple(
            Repair(RepairCode(one["code"]), one["written"], one["read"], Span(*one["span"]) if one["span"] else None)
            for one in kept["repairs"]
        ),
        problems=tuple(
            Problem(one["code"], one["words"], Span(*one["span"]), one["about"]) for one in kept["problems"]
        ),
        remark=kept["remark"],
    )
