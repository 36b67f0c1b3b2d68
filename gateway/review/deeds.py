"""What staff can do about a report, what they must have seen to do it, and what keeps them from undoing it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from gateway.errors import KabarError
from gateway.reply.wordings import Wording
from gateway.store.audit import NewAudit
from gateway.store.decisions import Decision
from gateway.store.reports import Report
from gateway.store.users import User
from gateway.store.way_back import Outgoing
from gateway.values import COUNTING, ReportState
from parsers.form import Form

UNDO_WITHIN = timedelta(hours=24)
UNDECIDED = (ReportState.WAITING, ReportState.FLAGGED)


class Deed(StrEnum):
    """What staff can do about a report."""

    ACCEPT = "accept"
    APPROVE = "approve"
    REJECT = "reject"
    SEND_BACK = "send_back"
    WITHDRAW_APPROVAL = "withdraw_approval"
    CORRECT = "correct"


# From which states each can be done.
DEEDS: Mapping[Deed, frozenset[ReportState]] = {
    Deed.ACCEPT: frozenset(UNDECIDED),
    Deed.APPROVE: frozenset({*UNDECIDED, ReportState.ACCEPTED}),
    Deed.REJECT: frozenset({*UNDECIDED, *COUNTING}),
    Deed.SEND_BACK: frozenset({*UNDECIDED, ReportState.ACCEPTED}),
    Deed.WITHDRAW_APPROVAL: frozenset({ReportState.APPROVED}),
    Deed.CORRECT: frozenset({*UNDECIDED, *COUNTING}),
}


class Why(StrEnum):
    """Why something cannot be done, although it is still there as it was seen."""

    LATE = "late"  # undone only within a day
    UNDONE = "undone"  # it was already
    CHANGED = "changed"  # something happened since
    CLOSED = "closed"  # its month is closed, and its figures stay as they are until it is opened again
    NOBODY = "nobody"  # nobody sent this report whom one could ask


class CannotDo(KabarError):
    """It cannot be done; nothing was changed."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


@dataclass(frozen=True, slots=True)
class Office:
    """Who decides and when, by which forms, in which sentences."""

    user: User
    now: datetime
    forms: Mapping[str, Form]
    wordings: Mapping[str, Wording]
    outgoing: Outgoing = field(default_factory=Outgoing)


@dataclass(frozen=True, slots=True)
class Seen:
    """A report as somebody saw it: its state, and the number of the newest revision. They decide about nothing else."""

    report_id: int
    state: str
    newest: int

    def __str__(self) -> str:
        """Write it as a form's hidden field holds it; `read_seen` reads it."""
        return f"{self.report_id}.{self.state}.{self.newest}"


@dataclass(frozen=True, slots=True)
class Done:
    """What was done: the decision, the report as it was, and the channel of the message that is to go out, if one is.

    `waits_its_turn`: a question that goes out only once its sender has answered another one.
    """

    decision_id: int
    report: Report
    channel: str = ""
    waits_its_turn: bool = False


@dataclass(frozen=True, slots=True)
class Many:
    """What was done at once: the name to undo it by, the reports it was done to, and those left as they are.

    Left is what was not as it had been seen.
    """

    batch: str
    done: tuple[int, ...]
    left: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Undone:
    """A decision that was taken back. `is_said`: the message that it sent has gone out and cannot be called back."""

    decision: Decision
    is_said: bool = False


def read_seen(written: str) -> Seen | None:
    """Return what `str(Seen)` wrote, or None where it is something else.

    >>> read_seen("12.accepted.3"), read_seen("12.gone.3"), read_seen("x")
    (Seen(report_id=12, state='accepted', newest=3), None, None)
    """
    report_id, _, rest = written.partition(".")
    state, _, newest = rest.partition(".")
    if not all(part.isascii() and part.isdigit() and len(part) < 18 for part in (report_id, newest)):
        return None
    return Seen(int(report_id), state, int(newest)) if state in set(ReportState) else None


def find_obstacle(
    decision: Decision, latest: Decision | None, revisions: Sequence[Report], now: datetime
) -> Why | None:
    """Return why a decision cannot be taken back any more, or None. Pure.

    Shape: `latest` is the newest decision about the report that was not taken back.
    """
    if decision.undone_at is not None:
        return Why.UNDONE
    if now - decision.at > UNDO_WITHIN:
        return Why.LATE
    states = {one.id: one.state for one in revisions}
    are_there = all(states.get(one.report_id) == one.after for one in decision.moves)
    added = decision.changes.get("added")
    is_added_there = added is None or states.get(added) in COUNTING
    # what staff added and took back again is no event; what a sender sent is one
    newer = [one for one in revisions if one.revision > decision.newest and one.made_by is None]
    is_latest = latest is not None and latest.id == decision.id
    return None if are_there and is_added_there and is_latest and not newer else Why.CHANGED


def as_audit(office: Office, action: str, report_id: int, area: str, details: Mapping[str, Any]) -> NewAudit:
    """Return how something that was done about a report is written down for the audit."""
    return NewAudit(office.now, office.user.id, office.user.name, action, "report", str(report_id), area, details)
