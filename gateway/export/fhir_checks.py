"""Ten things that a MeasureReport must be, and that schemas of FHIR let pass. Pure.

 1. its status is complete, pending or error
 2. its type is summary: it holds no person
 3. its measure is named, with a version
 4. its subject is something that it contains
 5. its period has two days, and does not end before it starts
 6. its date is an instant with its zone
 7. it has groups, each with a system and a code of its own
 8. each group has one population with a code, and a count: a whole number, not below zero
 9. each stratum has a code and a value, no two the same, and a score: a whole number, not below zero
10. the strata of a group add up to no more than its count
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

STATUSES = frozenset({"complete", "pending", "error"})  # http://hl7.org/fhir/measure-report-status
POPULATION = "http://terminology.hl7.org/CodeSystem/measure-population"

Part = Mapping[str, Any]


def find_faults(report: Part) -> list[str]:
    """Return what is wrong with a MeasureReport, a sentence each; none if nothing is."""
    faults = []
    if report.get("status") not in STATUSES:
        faults.append(f"1: the status {report.get('status')!r} is none of {', '.join(sorted(STATUSES))}")
    if report.get("type") != "summary":
        faults.append(f"2: the type {report.get('type')!r} is not summary")
    name, _, version = str(report.get("measure", "")).partition("|")
    if not name or not version:
        faults.append("3: the measure is not named with its version")
    contained = {f"#{one.get('id')}" for one in report.get("contained", ())}
    if report.get("subject", {}).get("reference") not in contained:
        faults.append("4: the subject is nothing that is contained")
    faults += _find_time_faults(report)
    groups: Sequence[Part] = report.get("group", ())
    codes = [_code_of(group.get("code", {})) for group in groups]
    if not groups or None in codes or len(set(codes)) < len(codes):
        faults.append("7: there is no group, or one without a code of its own")
    for group in groups:
        faults += _find_group_faults(group)
    return faults


def _find_time_faults(report: Part) -> Iterator[str]:
    period: Part = report.get("period", {})
    try:
        is_in_order = date.fromisoformat(period["start"]) <= date.fromisoformat(period["end"])
    except (KeyError, TypeError, ValueError):
        is_in_order = False
    if not is_in_order:
        yield "5: the period has no two days, or ends before it starts"
    try:
        has_zone = datetime.fromisoformat(report["date"]).tzinfo is not None
    except (KeyError, TypeError, ValueError):
        has_zone = False
    if not has_zone:
        yield "6: the date is no instant with its zone"


def _find_group_faults(group: Part) -> Iterator[str]:
    populations: Sequence[Part] = group.get("population", ())
    counts = [one.get("count") for one in populations if _code_of(one.get("code", {}))]
    if len(populations) != 1 or len(counts) != 1 or not _is_count(counts[0]):
        yield "8: a group has no single population with a code and a count of zero or more"
        return
    for stratifier in group.get("stratifier", ()):
        strata: Sequence[Part] = stratifier.get("stratum", ())
        names = [_name_stratum(one) for one in strata]
        scores = [one.get("measureScore", {}).get("value") for one in strata]
        if not strata or None in names or len(set(names)) < len(names) or not all(map(_is_count, scores)):
            yield "9: a stratum has no code, value and score of its own"
        elif sum(scores) > counts[0]:
            yield f"10: the strata add up to {sum(scores)}, more than {counts[0]}"


def _name_stratum(stratum: Part) -> tuple[object, ...] | None:
    """Return what tells a stratum from the others; None where it lacks a code or a value."""
    parts = [(_code_of(one.get("code", {})), _code_of(one.get("value", {}))) for one in stratum.get("component", ())]
    return tuple(parts) if parts and all(code and value for code, value in parts) else None


def _code_of(concept: Part) -> tuple[str, str] | None:
    """Return system and code of a concept that has both."""
    coding: Part = next(iter(concept.get("coding", ())), {})
    return (coding["system"], coding["code"]) if coding.get("system") and coding.get("code") else None


def _is_count(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 0
