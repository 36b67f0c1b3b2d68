"""The desk that a report is typed at: whose report it is, which form, which month, and what stands beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from gateway.calendar import report_month, shift
from gateway.handle import by_hand
from gateway.handle.by_hand import Beside
from gateway.handle.reading_json import to_json
from gateway.review.enter import Checked
from gateway.review.pages import frame, sheet, show
from gateway.review.pages.language import mark, translate
from gateway.store import register, report_list
from gateway.store.base import Session
from gateway.store.register import KnownFacility
from parsers.form import Form

MONTHS = 13  # how far back a month can be picked
LONGEST_WORDS = 300
_PERIOD = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Desk:
    """The report that is being typed: whose, which form, for which month, and what stands beside it."""

    facility: KnownFacility
    form: Form
    period: str
    today: date
    beside: Beside


def open_desk(session: Session, wished: Mapping[str, str]) -> Desk | None:
    """Return what is wished for; the main form and the month that is due where nothing else is."""
    runtime = frame.runtime_of_request()
    number = wished.get("facility", "")
    if not number.isdecimal() or len(number) > 9:
        return None
    facility = register.find_facility(session, int(number), scope=frame.visitor().scope)
    code = wished.get("form", "") or runtime.settings.main_form
    form = next((form for form in runtime.forms if form.code == code), None)
    if facility is None or facility.merged_into is not None or form is None:
        return None
    today = runtime.now().astimezone(ZoneInfo(facility.timezone)).date()
    period = wished.get("period", "") or report_month(today)
    if not _PERIOD.fullmatch(period):
        return None
    beside = by_hand.gather(session, form, facility.id, period, runtime.now())
    return Desk(facility, form, period, today, beside)


def find_desk(session: Session, report_id: int) -> Desk | None:
    """Return the month of a report of the visitor's area with all its revisions; None where there is none."""
    found = report_list.find_listed(session, [report_id], scope=frame.visitor().scope).get(report_id)
    if found is None:
        return None
    return open_desk(session, {"facility": str(found.facility_id), "form": found.form, "period": found.period})


def as_reading(checked: Checked, told: Mapping[str, str]) -> dict[str, Any]:
    """Return what is kept beside a revision: the report, who typed it, and which doubts they asked about."""
    by_hand = {**told, "by": frame.visitor().name, "sure": sheet.as_kept_all(checked.asks)}
    return to_json(checked.report) | {"by_hand": by_hand}


def list_months(desk: Desk) -> list[tuple[str, str]]:
    """Return the months to pick from, the one that is due first; those that are in are marked."""
    due = report_month(desk.today)
    periods = [due, *(shift(due, -back) for back in range(1, MONTHS)), shift(due, 1)]
    if desk.period not in periods:
        periods.append(desk.period)
    return [(period, _name_month(desk, period, due)) for period in periods]


def _name_month(desk: Desk, period: str, due: str) -> str:
    said = show.show_month(period)
    if period in desk.beside.facts.history:
        return translate(mark("%(month)s (is in)")) % {"month": said}
    return translate(mark("%(month)s (due now)")) % {"month": said} if period == due else said
