"""Decide which revision of a report counts: the last one sent, whatever the order in which they arrive."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from gateway.handle.ledger import Ledger
from gateway.handle.reading_json import to_json
from gateway.store import facilities, reports
from gateway.store.base import Session
from gateway.store.inbox import InboxMessage
from gateway.store.reports import NewReport, Report, ReportKey
from gateway.values import COUNTING, REPORT_MOVES, ReportState
from parsers.form import Form
from parsers.reading import READER_VERSION, ReadReport

# A report that was sent before one of these comes too late, be it against its figures or against its having gone.
_SETTLED = COUNTING | {ReportState.WITHDRAWN, ReportState.REJECTED}


class Decision(StrEnum):
    """What happens to a report that is clean."""

    COUNTS = "counts"  # it is the current one now
    OUTDATED = "outdated"  # one that was sent later is here already
    UNCHANGED = "unchanged"  # it says what is approved already
    PROPOSED = "proposed"  # staff have approved another; they decide
    CLOSED = "closed"  # staff have closed its month; they decide
    WAITS = "waits"  # it is implausible, and its sender is asked


_STATES = {
    Decision.COUNTS: ReportState.ACCEPTED,
    Decision.OUTDATED: ReportState.REPLACED,
    Decision.UNCHANGED: ReportState.REPLACED,
    Decision.PROPOSED: ReportState.FLAGGED,
    Decision.CLOSED: ReportState.FLAGGED,
    Decision.WAITS: ReportState.WAITING,
}


@dataclass(frozen=True, slots=True)
class ByHand:
    """A revision that staff enter or correct: its values, and where they come from.

    Shape: `key` is unique to the page that it was typed on, so that sent twice it is stored once; `reading` is kept
    with the revision; `seen_id` is the newest revision that was there when typing began, None where there was none;
    `made_by` is the user who typed it.
    """

    key: str
    reading: Mapping[str, Any]
    values: Mapping[str, int]
    form_version: int
    seen_id: int | None
    made_by: int
    reason: str = ""
    flags: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class FromSystem:
    """A report that another system posted. Shape: `key` is unique to it; `reading` is kept with the revision."""

    key: str
    sent_at: datetime
    reading: Mapping[str, Any]
    values: Mapping[str, int]
    form_version: int
    flags: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Accepted:
    """A report that was stored. `before` are the numbers that counted until now, None where there were none.

    `before_inbox_id` is the message that these came by.
    """

    report_id: int
    decision: Decision
    before: Mapping[str, int] | None = None
    before_inbox_id: int | None = None


def accept(
    ledger: Ledger,
    message: InboxMessage,
    report: ReadReport,
    form: Form,
    place: tuple[int, int],
    now: datetime,
    *,
    waits: bool = False,
    is_closed: bool = False,
    flags: Sequence[Mapping[str, Any]] = (),
) -> Accepted:
    """Store a report as a new revision, and let it count if it was sent last; or let it wait for its sender's answer.

    For a month that staff have closed it is kept as a request to them, plausible or not.

    Shape: `place` is (facility id, reporter id).
    Errors: Raced when another session settled the same report at the same time; nothing was stored.
    """
    assert report.period is not None, "only a clean report is accepted"
    facility_id, reporter_id = place
    key = ReportKey(form.code, facility_id, report.period)
    known = ledger.revisions(key)
    rank = (message.sent_at, message.provider_id)
    decision, current = decide(known, rank, report.values, is_closed=is_closed)
    if waits and decision is Decision.COUNTS:
        decision = Decision.WAITS
    _end_superseded(ledger.session, known, decision, rank)
    if message.rounds:
        reports.release(ledger.session, key, message.id)
    report_id = ledger.add(
        NewReport(
            key=key,
            state=_STATES[decision],
            sent_at=message.sent_at,
            sent_key=message.provider_id,
            values=report.values,
            text=message.text,
            reading=to_json(report) | ({"taught": form.taught} if form.taught else {}),
            flags=flags,
            form_version=form.version,
            reader_version=READER_VERSION,
            created_at=now,
            inbox_id=message.id,
            reporter_id=reporter_id,
            replaces_id=current.id if current and decision is Decision.COUNTS else None,
        ),
        known,
    )
    return _as_accepted(report_id, decision, current)


def enter(session: Session, about: ReportKey, made: ByHand, now: datetime) -> Accepted | None:
    """Store what staff typed as a revision that counts from now on; None when another revision has come in meanwhile.

    What it takes the place of was approved: so is what staff put there. Sent again, it is the same revision.
    Errors: Raced as `accept`.
    """
    facilities.lock_facility(session, about.facility_id)
    known = reports.revisions(session, about)
    again = next((one for one in known if one.sent_key == made.key), None)
    if again is not None:
        return Accepted(again.id, Decision.COUNTS)
    if (known[-1].id if known else None) != made.seen_id:
        return None
    current = next((one for one in known if one.state in COUNTING), None)
    for one in known:
        if ReportState.REPLACED in REPORT_MOVES[ReportState(one.state)]:
            reports.set_state(session, one.id, ReportState.REPLACED, was=one.state)
    is_approved = current is not None and current.state == ReportState.APPROVED
    report_id = reports.add(
        session,
        NewReport(
            key=about,
            state=ReportState.APPROVED if is_approved else ReportState.ACCEPTED,
            sent_at=now,
            sent_key=made.key,
            values=made.values,
            text="",
            reading=made.reading,
            flags=made.flags,
            form_version=made.form_version,
            reader_version=READER_VERSION,
            created_at=now,
            replaces_id=current.id if current else None,
            made_by=made.made_by,
            reason=made.reason,
        ),
    )
    return Accepted(report_id, Decision.COUNTS, current.values if current else None)


def take_posted(session: Session, about: ReportKey, sent: FromSystem, now: datetime, *, is_closed: bool) -> Accepted:
    """Store what another system posted, and let it count as an SMS sent at that instant would.

    Errors: Raced as `accept`.
    """
    facilities.lock_facility(session, about.facility_id)
    known = reports.revisions(session, about)
    rank = (sent.sent_at, sent.key)
    decision, current = decide(known, rank, sent.values, is_closed=is_closed)
    _end_superseded(session, known, decision, rank)
    report_id = reports.add(
        session,
        NewReport(
            key=about,
            state=_STATES[decision],
            sent_at=sent.sent_at,
            sent_key=sent.key,
            values=sent.values,
            text="",
            reading=sent.reading,
            flags=sent.flags,
            form_version=sent.form_version,
            reader_version=READER_VERSION,
            created_at=now,
            replaces_id=current.id if current and decision is Decision.COUNTS else None,
        ),
    )
    return Accepted(report_id, decision, current.values if current else None)


def confirm_waiting(
    session: Session, report_id: int, is_closed: Callable[[ReportKey], bool]
) -> tuple[Report, Accepted] | None:
    """Let a report that waited for YA count if it was sent last; None when it waits no more.

    Where its month was closed meanwhile, it becomes a request to staff.

    Errors: Raced as `accept`.
    """
    report = reports.find_report(session, report_id)
    if report is None or report.state != ReportState.WAITING:
        return None
    facilities.lock_facility(session, report.key.facility_id)
    known = [one for one in reports.revisions(session, report.key) if one.id != report_id]
    rank = (report.sent_at, report.sent_key)
    decision, current = decide(known, rank, report.values, is_closed=is_closed(report.key))
    _end_superseded(session, known, decision, rank)
    if not reports.set_state(session, report_id, _STATES[decision], was=ReportState.WAITING):
        return None
    return report, _as_accepted(report_id, decision, current)


def decide(
    known: Sequence[Report], rank: tuple[datetime, str], values: Mapping[str, int], *, is_closed: bool = False
) -> tuple[Decision, Report | None]:
    """Return what happens to a report of this rank, and the revision that counts until now. Pure.

    Units: a rank is (sent_at, provider_id); of two reports the greater one counts.
    """
    current = next((one for one in known if one.state in COUNTING), None)
    settled = [one for one in known if one.state in _SETTLED]
    if any((one.sent_at, one.sent_key) > rank for one in settled):
        return Decision.OUTDATED, current
    if is_closed:
        return (Decision.UNCHANGED if current and current.values == values else Decision.CLOSED), current
    if current is None or current.state == ReportState.ACCEPTED:
        return Decision.COUNTS, current
    return (Decision.UNCHANGED if current.values == values else Decision.PROPOSED), current


def _as_accepted(report_id: int, decision: Decision, current: Report | None) -> Accepted:
    if current is None:
        return Accepted(report_id, decision)
    return Accepted(report_id, decision, current.values, current.inbox_id)


def _end_superseded(session: Session, known: Sequence[Report], decision: Decision, rank: tuple[datetime, str]) -> None:
    """End the revisions that a new one takes the place of: what waited for an answer or for staff, and what counted.

    One of the same rank is an earlier reading of the same message.
    """
    ends = {ReportState.WAITING, ReportState.FLAGGED}
    if decision is Decision.COUNTS:
        ends.add(ReportState.ACCEPTED)
    elif decision in (Decision.OUTDATED, Decision.UNCHANGED):
        return
    for one in known:
        if one.state in ends and (one.sent_at, one.sent_key) <= rank:
            reports.set_state(session, one.id, ReportState.REPLACED, was=one.state)
