"""Decide: what staff do about a report, each with all that it entails, written down and summed up.

Whoever decides says what they saw. Where that is no longer so, nothing is done and SomebodyElse is raised.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gateway.errors import SomebodyElse
from gateway.handle import accept as accepting
from gateway.handle.accept import ByHand
from gateway.handle.reading_json import to_json
from gateway.reply import notices
from gateway.reply.chosen import find_wording
from gateway.reply.notices import About
from gateway.review.closed import demand_open
from gateway.review.deeds import (
    DEEDS,
    UNDECIDED,
    CannotDo,
    Deed,
    Done,
    Many,
    Office,
    Seen,
    Why,
    as_audit,
)
from gateway.store import audit, decisions, facilities, outbox, questions, reports, senders, totals
from gateway.store.base import Session, savepoint
from gateway.store.decisions import Held, Move, NewDecision
from gateway.store.outbox import NewOutboxMessage
from gateway.store.questions import NEXT, OPEN, REPLACED
from gateway.store.reports import Report
from gateway.store.senders import Sender
from gateway.store.way_back import find_way_back
from gateway.values import COUNTING, REPORT_MOVES, ReportState
from parsers.reading import ReadReport

NOTICE, QUESTION = "notice", "question"  # kinds of messages that staff have sent


def approve(session: Session, office: Office, seen: Seen) -> Done:
    """Approve a revision; what counted until now is replaced, and who was asked about it need not answer any more."""
    held, report = _hold(session, office, seen, Deed.APPROVE)
    return _let_count(session, office, held, report, Deed.APPROVE, ReportState.APPROVED)


def accept(session: Session, office: Office, seen: Seen) -> Done:
    """Let a revision count that waited for its sender or for staff, and not be final yet."""
    held, report = _hold(session, office, seen, Deed.ACCEPT)
    return _let_count(session, office, held, report, Deed.ACCEPT, ReportState.ACCEPTED)


def reject(session: Session, office: Office, seen: Seen, reason: str, *, tell: bool) -> Done:
    """Refuse a revision: where it counted, the month is missing again; with `tell` its sender hears why."""
    held, report = _hold(session, office, seen, Deed.REJECT)
    moves = [Move(report.id, report.state, ReportState.REJECTED)]
    changes: dict[str, Any] = _apply(session, held, moves)
    is_change = any(one.state in COUNTING for one in held.revisions if one.id != report.id)
    sender = _find_sender(session, office, held) if tell else None
    if sender is not None:
        wording = find_wording(session, office.wordings, held.area, sender.language)
        about = _about(session, office, held)
        text = notices.say_rejected(wording, about, reason, is_change=is_change)
        changes |= {"sent": _send(session, office, sender, NOTICE, text)}
    decision_id = _keep(session, office, held, report, Deed.REJECT, reason, moves, changes)
    return Done(decision_id, report, sender.channel if sender else "")


def reject_many(session: Session, office: Office, seen: Sequence[Seen], reason: str) -> tuple[int, ...]:
    """Refuse all of these that are still as they were seen and whose month is open; nobody is told. Return which."""
    done = []
    for one in seen:
        try:
            with savepoint(session):
                reject(session, office, one, reason, tell=False)
        except (SomebodyElse, CannotDo):
            continue
        done.append(one.report_id)
    return tuple(done)


def withdraw_approval(session: Session, office: Office, seen: Seen, reason: str) -> Done:
    """Take the seal off a report: it goes on counting, and its sender can change it again."""
    held, report = _hold(session, office, seen, Deed.WITHDRAW_APPROVAL)
    moves = [Move(report.id, report.state, ReportState.ACCEPTED)]
    changes = _apply(session, held, moves)
    return Done(_keep(session, office, held, report, Deed.WITHDRAW_APPROVAL, reason, moves, changes), report)


def send_back(session: Session, office: Office, seen: Seen, text: str) -> Done:
    """Ask the sender about her report: until she answers it does not count. What she answers goes as to any question.

    Shape: `text` is one whole SMS (`reply.notices`, `reply.own_words`).
    Errors: CannotDo with NOBODY where no registered phone sent this report.
    """
    held, report = _hold(session, office, seen, Deed.SEND_BACK)
    sender = _find_sender(session, office, held)
    if sender is None:
        raise CannotDo(Why.NOBODY)
    moves = [Move(report.id, report.state, ReportState.WAITING)] if report.state != ReportState.WAITING else []
    changes: dict[str, Any] = _apply(session, held, moves)
    before = questions.of_reports(session, [report.id])
    for question_id in before:
        questions.close(session, question_id, REPLACED, office.now)
    is_free = sender.phone not in questions.open_questions(session, [sender.phone])
    question = questions.ask(
        session,
        sender=sender.phone,
        reporter_id=sender.reporter_id,
        inbox_id=sender.inbox_id,
        report_id=report.id,
        reading=to_json(_as_read(session, report)),
        text=text,
        asked_at=office.now,
        state=OPEN if is_free else NEXT,
    )
    changes |= {"asked": question.id, "closed": list(before)}
    if is_free:
        changes |= {"sent": _send(session, office, sender, QUESTION, text)}
    decision_id = _keep(session, office, held, report, Deed.SEND_BACK, text, moves, changes)
    return Done(decision_id, report, sender.channel if is_free else "", waits_its_turn=not is_free)


def correct(session: Session, office: Office, seen: Seen, made: ByHand, reason: str, *, tell: bool) -> Done:
    """Put a revision of staff's own in a report's place, approved if that was; with `tell` its sender hears of it.

    Shape: of `made` count values, flags, reading, version and key; who made it, why and what was seen come from here.
    """
    held, report = _hold(session, office, seen, Deed.CORRECT)
    again = next((one for one in held.revisions if one.sent_key == made.key), None)
    if again is not None:  # the same page, sent twice
        raise SomebodyElse(f"report {report.id} was corrected from this page already")
    ended = [one for one in held.revisions if ReportState.REPLACED in REPORT_MOVES[ReportState(one.state)]]
    moves = [Move(one.id, one.state, ReportState.REPLACED) for one in ended]
    demand_open(session, held, moves, has_new=True)
    mine = replace(made, seen_id=held.revisions[-1].id, made_by=office.user.id, reason=reason)
    added = accepting.enter(session, held.key, mine, office.now)
    if added is None:
        raise SomebodyElse(f"report {report.id} has a newer revision")
    changes: dict[str, Any] = {"added": added.report_id, "closed": _close_questions(session, office, moves)}
    before = (held.current or report).values
    sender = _find_sender(session, office, held) if tell and before != made.values else None
    if sender is not None:
        wording = find_wording(session, office.wordings, held.area, sender.language)
        about = _about(session, office, held)
        text = notices.say_corrected(wording, about, before, made.values, reason)
        changes |= {"sent": _send(session, office, sender, NOTICE, text)}
    held = replace(held, revisions=reports.revisions(session, held.key))
    decision_id = _keep(session, office, held, report, Deed.CORRECT, reason, moves, changes)
    return Done(decision_id, report, sender.channel if sender else "")


def approve_many(session: Session, office: Office, seen: Sequence[Seen]) -> Many:
    """Approve all of these that are accepted and still as they were seen; the others are left as they are."""
    wanted = {one.report_id: one for one in seen}
    held = decisions.hold_many(session, list(wanted), scope=office.user.scope)
    same = [
        row for row in held if (row.state, row.newest) == (wanted[row.report_id].state, wanted[row.report_id].newest)
    ]
    ready = [row for row in same if row.state == ReportState.ACCEPTED]
    ids = [row.report_id for row in ready]
    if decisions.move_all(session, ids, ReportState.ACCEPTED, ReportState.APPROVED) != len(ids):
        raise SomebodyElse("a report that was held has moved")
    batch = secrets.token_hex(8)
    moved = (ReportState.ACCEPTED.value, ReportState.APPROVED.value)
    decisions.add(
        session,
        [
            NewDecision(
                report_id=row.report_id,
                key=row.key,
                user_id=office.user.id,
                user_name=office.user.name,
                action=Deed.APPROVE,
                reason="",
                at=office.now,
                state_before=moved[0],
                state_after=moved[1],
                changes={"moves": [[row.report_id, *moved]]},
                newest=row.newest,
                batch=batch,
            )
            for row in ready
        ],
    )
    about = {"before": moved[0], "after": moved[1], "batch": batch}
    audit.record_all(session, [as_audit(office, Deed.APPROVE, row.report_id, row.area, about) for row in ready])
    totals.refresh_reports(session, ids)
    return Many(batch, tuple(ids), tuple(sorted(wanted.keys() - set(ids))))


def _hold(session: Session, office: Office, seen: Seen, deed: Deed) -> tuple[Held, Report]:
    """Return a report that nobody else can settle now. Errors: SomebodyElse where it is not as it was seen."""
    held = decisions.hold(session, seen.report_id, scope=office.user.scope)
    if held is None:
        raise SomebodyElse(f"there is no report {seen.report_id} in {office.user.area!r}")
    report = held.find(seen.report_id)
    if (report.state, held.newest) != (seen.state, seen.newest) or ReportState(report.state) not in DEEDS[deed]:
        raise SomebodyElse(f"report {seen.report_id} is {report.state}, its newest revision {held.newest}")
    return held, report


def _let_count(session: Session, office: Office, held: Held, report: Report, deed: Deed, state: ReportState) -> Done:
    """Let a revision count; what counted is replaced, and so is what older ones still wait for."""
    rank = (report.sent_at, report.sent_key)
    moves = [Move(report.id, report.state, state)]
    for one in held.revisions:
        is_older = one.state in UNDECIDED and (one.sent_at, one.sent_key) < rank
        if one.id != report.id and (one.state in COUNTING or is_older):
            moves.append(Move(one.id, one.state, ReportState.REPLACED))
    changes = _apply(session, held, moves) | {"closed": _close_questions(session, office, moves)}
    return Done(_keep(session, office, held, report, deed, "", moves, changes), report)


def _apply(session: Session, held: Held, moves: Sequence[Move]) -> dict[str, Any]:
    demand_open(session, held, moves)
    if not decisions.move(session, moves):
        raise SomebodyElse("a report that was held has moved")
    return {}


def _close_questions(session: Session, office: Office, moves: Sequence[Move]) -> list[int]:
    """Close the questions about revisions that nobody waits for any more, and return them."""
    waited = [one.report_id for one in moves if one.before == ReportState.WAITING]
    found = questions.of_reports(session, waited) if waited else ()
    for question_id in found:
        questions.close(session, question_id, REPLACED, office.now)
    return list(found)


def _keep(
    session: Session,
    office: Office,
    held: Held,
    report: Report,
    deed: Deed,
    reason: str,
    moves: Sequence[Move],
    changes: Mapping[str, Any],
) -> int:
    """Write a decision down, tell the audit, and sum up what it changed: the last things in its transaction."""
    after = next((one.after for one in moves if one.report_id == report.id), report.state)
    kept = {"moves": [[one.report_id, str(one.before), str(one.after)] for one in moves]} | dict(changes)
    made = NewDecision(
        report_id=report.id,
        key=held.key,
        user_id=office.user.id,
        user_name=office.user.name,
        action=deed,
        reason=reason,
        at=office.now,
        state_before=str(report.state),
        state_after=str(after),
        changes=kept,
        newest=held.newest,
    )
    [decision_id] = decisions.add(session, [made])
    about = {"before": str(report.state), "after": str(after), "reason": reason, "decision": decision_id}
    audit.record(session, as_audit(office, deed, report.id, held.area, about))
    totals.refresh_reports(session, [*(one.report_id for one in moves), *filter(None, [changes.get("added")])])
    return decision_id


def _find_sender(session: Session, office: Office, held: Held) -> Sender | None:
    """Return who sent the newest revision that came by message, if a registered phone of hers can be written to."""
    sent = next((one for one in reversed(held.revisions) if one.inbox_id and one.reporter_id), None)
    found = senders.find_sender(session, sent.id, scope=office.user.scope) if sent else None
    if found is None:
        return None
    return replace(found, channel=find_way_back(session, office.outgoing, found.channel, found.phone, area=held.area))


def _about(session: Session, office: Office, held: Held) -> About:
    place = facilities.get_facilities(session, [held.key.facility_id])[held.key.facility_id]
    return About(office.forms[held.key.form], place.name, held.key.period)


def _as_read(session: Session, report: Report) -> ReadReport:
    """Return a revision as its question keeps it: what it says, with nothing wrong in it."""
    reading = reports.find_reading(session, report.id) or {}
    facility = reading.get("facility")
    if report.inbox_id is None:
        place = facilities.get_facilities(session, [report.key.facility_id])[report.key.facility_id]
        facility = place.code
    return ReadReport(report.key.form, report.key.period, dict(report.values), facility=facility)


def _send(session: Session, office: Office, sender: Sender, kind: str, text: str) -> str:
    return outbox.add(
        session,
        NewOutboxMessage(
            inbox_id=None,
            kind=kind,
            channel=sender.channel,
            recipient=sender.phone,
            text=text,
            trace_id=sender.trace_id,
            created_at=office.now,
        ),
    )
