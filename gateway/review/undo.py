"""Undo: take back what staff decided, so that everything stands as before it, while nothing has come after."""

from __future__ import annotations

from datetime import datetime

from gateway.errors import SomebodyElse
from gateway.review.closed import demand_open
from gateway.review.deeds import (
    UNDO_WITHIN,
    CannotDo,
    Deed,
    Many,
    Office,
    Undone,
    Why,
    as_audit,
    find_obstacle,
)
from gateway.store import audit, decisions, outbox, questions, totals
from gateway.store.base import Session
from gateway.store.decisions import Decision, HeldRow, Move
from gateway.store.questions import REPLACED
from gateway.values import ReportState, WithheldReason


def undo(session: Session, office: Office, decision_id: int) -> Undone | None:
    """Take a decision back, so that everything stands as before it; None where there is none in the user's area.

    A message that has begun to go out cannot be called back. Errors: CannotDo says why nothing was undone.
    """
    decision = decisions.find(session, decision_id, scope=office.user.scope)
    held = decisions.hold(session, decision.report_id, scope=office.user.scope) if decision else None
    if decision is None or held is None:
        return None
    latest = decisions.latest_of(session, [held.key]).get(held.key)
    why = find_obstacle(decision, latest, held.revisions, office.now)
    if why is not None:
        raise CannotDo(why)
    changes, moves = decision.changes, [Move(one.report_id, one.after, one.before) for one in decision.moves]
    if changes.get("added"):
        added = held.find(changes["added"])
        moves.append(Move(added.id, added.state, ReportState.REPLACED))
    demand_open(session, held, moves)
    if not decisions.move(session, moves, is_undo=True):
        raise CannotDo(Why.CHANGED)
    if changes.get("asked"):
        questions.close(session, changes["asked"], REPLACED, office.now)
    questions.reopen(session, changes.get("closed", ()))
    is_said = bool(changes.get("sent")) and not outbox.withhold(session, changes["sent"], WithheldReason.UNDONE)
    decisions.set_undone(session, [decision.id], office.user.name, office.now)
    about = {"decision": decision.id, "before": decision.state_after, "after": decision.state_before}
    action = f"undo_{decision.action}"
    audit.record(session, as_audit(office, action, decision.report_id, held.area, about))
    totals.refresh_reports(session, [one.report_id for one in moves])
    return Undone(decision, is_said)


def undo_many(session: Session, office: Office, batch: str) -> Many:
    """Take back what was approved at once, but for those that something happened to since."""
    found = decisions.find_batch(session, batch, scope=office.user.scope)
    rows = {
        row.report_id: row
        for row in decisions.hold_many(session, [o.report_id for o in found], scope=office.user.scope)
    }
    latest = decisions.latest_of(session, [one.key for one in found])
    same = [one for one in found if _is_as_left(one, rows[one.report_id], latest.get(one.key), office.now)]
    ids = [one.report_id for one in same]
    rows_back = [Move(report_id, ReportState.APPROVED, ReportState.ACCEPTED) for report_id in ids]
    if rows_back and decisions.move_all(session, ids, ReportState.APPROVED, ReportState.ACCEPTED) != len(ids):
        raise SomebodyElse("a report that was held has moved")
    decisions.set_undone(session, [one.id for one in same], office.user.name, office.now)
    about = {"before": ReportState.APPROVED.value, "after": ReportState.ACCEPTED.value, "batch": batch}
    action = f"undo_{Deed.APPROVE}"
    audit.record_all(session, [as_audit(office, action, one, rows[one].area, about) for one in ids])
    totals.refresh_reports(session, ids)
    return Many(batch, tuple(ids), tuple(one.report_id for one in found if one.report_id not in ids))


def _is_as_left(decision: Decision, row: HeldRow, latest: Decision | None, now: datetime) -> bool:
    is_latest = latest is not None and latest.id == decision.id
    is_same = (row.state, row.newest) == (decision.state_after, decision.newest)
    return is_same and is_latest and now - decision.at <= UNDO_WITHIN
