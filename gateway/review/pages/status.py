"""The state of the house: what works and what does not, with the remedy; what waits, and what came and went lately."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response

from gateway import checkup
from gateway.checks.check import Check
from gateway.condition import look, python_version
from gateway.review.pages import frame
from gateway.review.pages.alarms import find_alarms
from gateway.review.pages.charts import Bar, make_bars
from gateway.review.pages.language import mark
from gateway.review.permit import Action
from gateway.runtime import Runtime
from gateway.store import channel_health, channels, outages, traffic, vitals
from gateway.store.base import Session
from gateway.version import VERSION

HOURS = 24
NEWS = timedelta(days=30)  # of outages
PARTS = {  # what each kind of process does
    "inbound": mark("reads what came in"),
    "outbound": mark("sends what is to go out"),
    "errands": mark("sums up, reminds, hands on"),
}
ERRANDS = {"exports": mark("Exports"), "pushes": mark("Facilities to DHIS2"), "webhooks": mark("Webhook events")}

routes = frame.make_routes("status")


@dataclass(frozen=True, slots=True)
class Hour:
    """What came and went in an hour, which is said as on the clock of the place."""

    name: str
    received: int
    sent: int


@routes.get("/status")
def show_status() -> Response:
    """Show how everything does."""
    frame.demand(Action.ADMINISTER)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    condition = look(runtime)
    checks = (
        *checkup.check_parts(runtime.settings),
        *checkup.check_machine(runtime.settings),
        *checkup.check_house(runtime, condition),
    )
    with runtime.database.session(read_only=True) as session:
        names = channels.names_within(session, list(runtime.channels), scope)
        hours = _hours(session, runtime, names, condition.at)
        context: dict[str, Any] = {
            "alarms": find_alarms(session, runtime, scope),
            "found": traffic.traffic_of(session, names, condition.at, scope=scope),
            "looks": channel_health.health_of(session, names),
            "outages": outages.outages_around(session, scope.area, condition.at - NEWS, scope=scope),
        }
    return frame.answer(
        "status.html",
        condition=condition,
        **context | _sort(checks),
        hours=hours,
        bars=_bars(hours),
        parts=PARTS,
        errands=ERRANDS,
        not_running=outages.NOT_RUNNING,
        versions=(VERSION, python_version()),
        zone=runtime.settings.timezone,
    )


def _sort(checks: tuple[Check, ...]) -> dict[str, Any]:
    found: dict[str, list[Check]] = {"mend": [], "advice": [], "ok": []}
    for check in checks:
        found[check.verdict].append(check)
    return {"faults": found["mend"], "advice": found["advice"], "good": found["ok"]}


def _hours(session: Session, runtime: Runtime, names: tuple[str, ...], now: datetime) -> tuple[Hour, ...]:
    last = now.replace(minute=0, second=0, microsecond=0)
    starts = [last - timedelta(hours=back) for back in range(HOURS - 1, -1, -1)]
    zone = ZoneInfo(runtime.settings.timezone)
    counts = vitals.count_by_hour(session, names, starts)
    return tuple(Hour(f"{start.astimezone(zone):%H}", *counts[start]) for start in starts)


def _bars(hours: tuple[Hour, ...]) -> tuple[tuple[str, int, tuple[Bar, ...]], ...]:
    """Return the two drawings: what each shows, how much that is in all, and its bars."""
    both = (mark("Received"), [one.received for one in hours]), (mark("Sent"), [one.sent for one in hours])
    names = [one.name for one in hours]
    return tuple((words, sum(counts), make_bars(list(zip(names, counts, strict=True)))) for words, counts in both)
