"""Ask a provider what it had, and keep what never came here: nothing that a midwife sent is lost on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from gateway import jobs
from gateway.channels.base import SmsChannel
from gateway.errors import Permanent, Retryable, Unsure
from gateway.lines import FoundSend, LookedBack
from gateway.receive import keep
from gateway.store import channels, outbox, reconciling
from gateway.store.base import Database, Session
from gateway.values import DeliveryStatus, OutboxState, lane_of

SETTLES = timedelta(minutes=2)  # what is younger may still be on its way here
OVERLAP = timedelta(hours=1)  # a provider may list a message later than it came
AFTER_OUTAGE = timedelta(days=1)

logger = structlog.get_logger(__name__)


@dataclass(slots=True)
class Outcome:
    """What came of asking one channel's provider.

    Shape: `seen` messages were listed, `found` are the trace ids of those that were missing and are kept now; `settled`
    sends were unsure, `strange` are none of ours; `fault` says why it could not be asked to the end.
    """

    channel: str
    since: datetime
    seen: int = 0
    found: list[str] = field(default_factory=list)
    settled: int = 0
    strange: int = 0
    is_coming: bool = False
    fault: str = ""


def tick_of(channel: str) -> str:
    """Return the name under which it is remembered until when a channel was reconciled."""
    return f"reconcile:{channel}"


def since_when(session: Session, channel: SmsChannel, now: datetime) -> datetime | None:
    """Return since when to ask a channel's provider by itself; None while it is not due, or nothing ever came by it.

    After an outage, or a restore, it is asked for a day more than was missed.
    """
    assert channel.looks_back_every is not None, "it can be asked"
    last = channels.last_tick(session, tick_of(channel.name))
    if last is None:
        return now - AFTER_OUTAGE if reconciling.has_messages(session, channel.name) else None
    if timedelta(0) <= now - last < channel.looks_back_every:
        return None
    return last - (OVERLAP if now - last < 2 * channel.looks_back_every else AFTER_OUTAGE)


def reconcile(database: Database, bells: jobs.Bells, channel: SmsChannel, since: datetime, now: datetime) -> Outcome:
    """Ask a channel's provider, keep what is missing page by page, and return what came of it; again does no harm.

    Errors: Unavailable when our own database goes away; what was kept stays kept.
    """
    outcome, until = Outcome(channel.name, since), now - SETTLES
    try:
        for page in channel.look_back(since, until):
            _take_page(database, bells, page, outcome, now)
    except (Retryable, Permanent, Unsure) as fault:
        outcome.fault = str(fault)
        logger.warning("not_reconciled", channel=channel.name, why=outcome.fault, since=str(since))
        return outcome
    with database.session() as session:
        last = channels.last_tick(session, tick_of(channel.name))
        if last is None or since <= last:  # asked by hand for a while that ends later, it says nothing of before
            channels.tick(session, tick_of(channel.name), until)
        session.commit()
    logger.info(
        "reconciled",
        channel=channel.name,
        since=str(since),
        seen=outcome.seen,
        found=len(outcome.found),
        settled=outcome.settled,
        strange=outcome.strange,
    )
    return outcome


def _take_page(database: Database, bells: jobs.Bells, page: LookedBack, outcome: Outcome, now: datetime) -> None:
    """Keep what is missing of one page, and settle its sends, in one commit; then ring."""
    outcome.is_coming |= page.is_coming
    with database.session() as session:
        kept = [(sms, keep.keep_sms(session, outcome.channel, sms, now)) for sms in page.messages]
        fresh = [(sms, trace_id) for sms, trace_id in kept if trace_id]
        if fresh:
            oldest = min(min(sms.sent_at or now, now) for sms, _ in fresh)
            reconciling.note_missing(session, outcome.channel, len(fresh), oldest, now)
        settled, strange = _settle(session, outcome.channel, page.sends, now)
        session.commit()
    outcome.seen += len(page.messages)
    outcome.settled += settled
    outcome.strange += strange
    for sms, trace_id in fresh:
        outcome.found.append(trace_id)
        logger.warning("found_missing", channel=outcome.channel, sender=sms.sender.address, trace_id=trace_id)
    for lane in {lane_of(sms.sender.address) for sms, _ in fresh}:
        bells.ring(jobs.INBOUND, lane)


def _settle(session: Session, channel: str, sends: tuple[FoundSend, ...], now: datetime) -> tuple[int, int]:
    """Move our sends forward by what the provider says; return how many were unsure, and how many are none of ours."""
    known = reconciling.find_known(session, channel, [send.provider_id for send in sends])
    settled = strange = 0
    for send in sends:
        status = DeliveryStatus(
            send.state, provider_id=send.provider_id, code=send.code, words=_words(send), at=send.sent_at
        )
        if send.provider_id in known:
            outbox.record_status(session, channel, status, now)
        elif ref := reconciling.find_unsure(session, channel, send):
            proven = replace(status, ref=ref, state=send.state or OutboxState.SENT)  # any word: the provider has it
            settled += outbox.record_status(session, channel, proven, now)
        elif reconciling.note_strange(session, channel, send, now):
            strange += 1
            about: Mapping[str, str] = {"provider_id": send.provider_id, "sent_at": str(send.sent_at)}
            logger.warning("strange_send", channel=channel, recipient=send.recipient, **about)
    return settled, strange


def _words(send: FoundSend) -> str:
    return send.words if send.state is OutboxState.FAILED else ""
