"""What is said of an event, as JSON: the words that are signed, and that never change afterwards. Pure.

Source: Standard Webhooks, "Payload structure": `type`, `timestamp` and `data`; `id` repeats the header.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.store.events import TEST, ClosingFacts, Event, ReportFacts


def say_report(event: Event, ref: str, report: ReportFacts) -> str:
    """Return what is said of a report that counts now, or is approved now.

    Shape: `state` as of this event; `values` maps `measure` or `measure.item` to a number.
    """
    return _say(
        ref,
        event.kind,
        event.at,
        {
            "report": {"id": report.id, "revision": report.revision, "state": event.kind.partition(".")[2]},
            "form": report.form,
            "period": report.period,
            "facility": {"code": report.facility_code, "name": report.facility_name},
            "area": {"code": report.area, "name": report.area_name},
            "values": dict(sorted(report.values.items())),
        },
    )


def say_closing(event: Event, ref: str, closing: ClosingFacts) -> str:
    """Return what is said of a month that was closed."""
    return _say(
        ref,
        event.kind,
        event.at,
        {
            "form": closing.form,
            "period": closing.period,
            "area": {"code": closing.area, "name": closing.area_name},
            "closed_at": _say_instant(closing.closed_at),
        },
    )


def say_test(ref: str, now: datetime) -> str:
    """Return what is said to try whether anybody listens."""
    return _say(ref, TEST, now, {"said": "Kabar"})


def _say(ref: str, kind: str, at: datetime, about: Mapping[str, Any]) -> str:
    return json.dumps({"id": ref, "type": kind, "timestamp": _say_instant(at), "data": about}, separators=(",", ":"))


def _say_instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
