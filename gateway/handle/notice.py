"""Tell the phone whose figures counted that another phone has changed them: the true number always hears of it."""

from __future__ import annotations

from datetime import timedelta

from gateway.handle.accept import Accepted, Decision
from gateway.handle.facts import Desk
from gateway.handle.places import Place
from gateway.reply import compose
from gateway.store import inbox, outbox, reporters
from gateway.store.base import Session
from gateway.store.inbox import InboxMessage
from gateway.store.outbox import NewOutboxMessage
from gateway.store.way_back import find_way_back
from gateway.values import WithheldReason
from parsers.form import Form

KIND = "changed"


def tell_first_phone(
    session: Session, message: InboxMessage, form: Form, place: Place, accepted: Accepted, period: str, desk: Desk
) -> None:
    """Queue one notice to the phone that the former figures came from, if that is another one and still registered."""
    if accepted.decision is not Decision.COUNTS or accepted.before_inbox_id is None or message.is_quiet:
        return
    before = inbox.find_by_id(session, accepted.before_inbox_id)
    if before is None or before.sender == message.sender:
        return
    people = reporters.find_by_phones(session, [before.sender]).get(before.sender, ())
    if not people:
        return
    person = people[0]
    wording = desk.beside(people).rules.wordings[person.language]
    text = wording.fill(
        wording.answers["changed_elsewhere"],
        form=compose.keyword(form),
        month=wording.month(period),
        facility=place.facility.name,
        ref=compose.ref_of(accepted.report_id),
    )
    sent = outbox.recent_sends(session, [before.sender], desk.now - timedelta(hours=1))
    has_enough = len(sent) >= desk.rules.answers_per_hour
    to, outgoing = before.sender, desk.rules.outgoing
    desk.ledger.answer(
        NewOutboxMessage(
            inbox_id=message.id,
            kind=f"{KIND}{accepted.report_id}",
            channel=find_way_back(session, outgoing, before.channel, to, bound_to=person.only_channel),
            recipient=to,
            text=text,
            trace_id=message.trace_id,
            created_at=desk.now,
            reason=WithheldReason.CAP if has_enough else None,
        ),
    )
