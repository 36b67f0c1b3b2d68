"""Take a provider's request: what is authentic is kept once, in database or spool, before it is acknowledged."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Sequence
from datetime import datetime

import structlog

from gateway import jobs, spool
from gateway.channels.base import PollingChannel, SmsChannel
from gateway.errors import Malformed, Refused, Unavailable
from gateway.lines import Polled
from gateway.redact import hide_in_key
from gateway.spool import Delivery, Spool, Unread
from gateway.store import early, inbox, outbox, parts
from gateway.store.base import Database, Session
from gateway.values import (
    DeliveryStatus,
    HttpRequest,
    HttpResponse,
    InboundSms,
    InboxState,
    clean_text,
    lane_of,
)

LONGEST_PROVIDER_ID = 200  # characters, the width of the column
REFUSED = HttpResponse(403, "refused\n")
UNAVAILABLE = HttpResponse(503, "not kept, send it again\n")

logger = structlog.get_logger(__name__)


def receive_sms(
    database: Database,
    bells: jobs.Bells,
    channel: SmsChannel,
    request: HttpRequest,
    now: datetime,
    spare: Spool = spool.NONE,
) -> HttpResponse:
    """Keep the messages in a request and return what to answer the provider.

    A repeat keeps nothing and is answered as the first was. What is authentic but cannot be read is kept raw for staff.
    What the database cannot take is kept in the spare spool, and acknowledged all the same. 503 says that nothing was
    kept anywhere, so that the provider comes again. Never raises on anything a peer can send.
    """
    try:
        messages = channel.take_sms(request, now)
    except (Refused, Malformed) as fault:
        return _turn_away(database, bells, channel, request, fault, now, spare)
    if isinstance(channel, PollingChannel):  # a nudge: the message itself lies in the provider's store
        bells.ring(jobs.INBOUND, channel.name)
        return channel.acknowledge()
    is_kept = _keep(database, bells, Delivery(channel.name, now, messages), spare)
    return channel.acknowledge(messages) if is_kept else UNAVAILABLE


def receive_status(
    database: Database,
    bells: jobs.Bells,
    channel: SmsChannel,
    request: HttpRequest,
    now: datetime,
    spare: Spool = spool.NONE,
) -> HttpResponse:
    """Move messages forward by what their provider says, and return what to answer it; see `receive_sms`."""
    try:
        statuses = channel.take_status(request, now)
    except (Refused, Malformed) as fault:
        return _turn_away(database, bells, channel, request, fault, now, spare)
    is_kept = _keep(database, bells, Delivery(channel.name, now, statuses=statuses), spare)
    return channel.acknowledge() if is_kept else UNAVAILABLE


def _turn_away(
    database: Database,
    bells: jobs.Bells,
    channel: SmsChannel,
    request: HttpRequest,
    fault: Refused | Malformed,
    now: datetime,
    spare: Spool,
) -> HttpResponse:
    if isinstance(fault, Refused):
        logger.warning("refused", channel=channel.name, why=str(fault))
        return REFUSED
    logger.warning("malformed", channel=channel.name, field=fault.field, why=str(fault))
    raw = f"{request.method} {request.path}\n".encode() + request.body
    text = request.body.decode("utf-8", "replace") or request.path  # what is asked by GET is all in the address
    unread = Unread(raw, clean_text(text), clean_text(str(fault)))
    is_kept = _keep(database, bells, Delivery(channel.name, now, unread=unread), spare)
    return channel.acknowledge_malformed(fault) if is_kept else UNAVAILABLE


def receive_polled(database: Database, bells: jobs.Bells, channel: str, polled: Polled, now: datetime) -> None:
    """Keep what a poll found, messages and news of what we sent, in one commit, and ring for it.

    Only what is kept so may be confirmed to the provider. Errors: Unavailable, and nothing was kept: it needs no spool,
    for it still lies where it was found.
    """
    if polled.messages or polled.statuses:
        _commit(database, bells, Delivery(channel, now, polled.messages, polled.statuses))


def _keep(database: Database, bells: jobs.Bells, delivery: Delivery, spare: Spool) -> bool:
    """Keep a delivery in the database, else in the spool; False when neither could take it.

    Where nobody knows whether the commit came about, both hold it: the same key makes it one again.
    """
    if spare.is_preferred and _leave_in_spool(spare, delivery, "the database hung a moment ago"):
        return True
    began = time.monotonic()
    try:
        _commit(database, bells, delivery)
    except Unavailable as error:
        spare.note_failure(time.monotonic() - began)
        return _leave_in_spool(spare, delivery, str(error))
    except Exception as error:  # our bug: what a midwife wrote is not lost by it
        logger.exception("keep_crashed", channel=delivery.channel)
        return _leave_in_spool(spare, delivery, type(error).__name__)
    return True


def _leave_in_spool(spare: Spool, delivery: Delivery, why: str) -> bool:
    try:
        name = spare.put(delivery)
    except Unavailable as error:
        logger.warning("not_kept", channel=delivery.channel, why=why, spool=str(error))
        return False
    logger.warning("spooled", channel=delivery.channel, file=name, why=why)
    return True


def _commit(database: Database, bells: jobs.Bells, delivery: Delivery) -> None:
    with database.session() as session:
        kept = keep_delivery(session, delivery)
        session.commit()
    tell(bells, delivery.channel, kept)


def keep_delivery(session: Session, delivery: Delivery) -> list[tuple[InboundSms, str]]:
    """Keep all that a delivery brought, and return its messages, each with its trace id, empty for a repeat."""
    channel, now = delivery.channel, delivery.received_at
    kept = [(sms, keep_sms(session, channel, sms, now)) for sms in delivery.messages]
    for status in delivery.statuses:
        _record(session, channel, status, now)
    if delivery.unread is not None:
        unread = delivery.unread
        keep_unread(session, channel, unread.raw, unread.text, Malformed(unread.fault), now)
    return kept


def tell(bells: jobs.Bells, channel: str, kept: Sequence[tuple[InboundSms, str]]) -> None:
    """Log what was kept, and ring for what is new of it."""
    for sms, trace_id in kept:
        about = {"channel": channel, "sender": sms.sender.address, "trace_id": trace_id}
        if trace_id and is_part(sms):
            logger.info("part_kept", **about)
        else:
            logger.info("kept" if trace_id else "repeated", **about)
    for lane in {lane_of(sms.sender.address) for sms, trace_id in kept if trace_id}:
        bells.ring(jobs.INBOUND, lane)


def keep_sms(session: Session, channel: str, sms: InboundSms, now: datetime, *, for_staff: str = "") -> str:
    """Keep one message and return its trace id, or an empty string when it was kept before.

    A part of a longer one becomes a message with the last of the others. `for_staff` says why nobody but staff is to
    read it.
    """
    trace_id = secrets.token_hex(8)
    if is_part(sms):
        return trace_id if parts.keep_part(session, _as_part(channel, sms, now), trace_id) else ""
    message = inbox.NewInboxMessage(
        channel=channel,
        provider_id=key_of(sms.provider_id, sms.sender.address),
        sender=sms.sender.address,
        recipient=sms.recipient,
        text=sms.text,
        sent_at=min(sms.sent_at or now, now),  # a stamp from the future would win over every later correction
        received_at=now,
        lane=lane_of(sms.sender.address),
        trace_id=trace_id,
        is_answered=sms.is_answered,
        state=InboxState.FOR_STAFF if for_staff else InboxState.RECEIVED,
        fault=for_staff or None,
    )
    return trace_id if inbox.keep(session, message) else ""


def is_part(sms: InboundSms) -> bool:
    """Tell whether a message is a part of a longer one. A header that cannot be true is none.

    Source: 3GPP TS 23.040, 9.2.3.24.1 (a number of 0, or above the total: ignore the element).
    """
    return sms.part is not None and sms.part.total > 1 and 1 <= sms.part.number <= sms.part.total


def _as_part(channel: str, sms: InboundSms, now: datetime) -> parts.Part:
    assert sms.part is not None
    return parts.Part(
        channel=channel,
        provider_id=key_of(sms.provider_id, sms.sender.address),
        sender=sms.sender.address,
        recipient=sms.recipient,
        ref=key_of(sms.part.ref),
        total=sms.part.total,
        number=sms.part.number,
        text=sms.text,
        sent_at=min(sms.sent_at or now, now),
        received_at=now,
    )


def keep_unread(session: Session, channel: str, raw: bytes, text: str, fault: Malformed, now: datetime) -> None:
    """Keep what is authentic and cannot be read, as it came, for staff; the same octets once."""
    message = inbox.NewInboxMessage(
        channel=channel,
        provider_id=f"raw:{hashlib.sha256(raw).hexdigest()}",
        sender="",
        recipient="",
        text=clean_text(text),
        sent_at=now,
        received_at=now,
        lane=0,
        trace_id=secrets.token_hex(8),
        state=InboxState.FOR_STAFF,
        raw=raw,
        fault=str(fault),
    )
    inbox.keep(session, message)


def show_answer(
    database: Database, channel: SmsChannel, request: HttpRequest, provider_id: str, now: datetime
) -> HttpResponse:
    """Return what was answered to a message, as JSON: {"state", "text", "reason"}; the state is empty while none is."""
    try:
        channel.verify(request, now)
        with database.session(read_only=True) as session:
            message = inbox.find_message(session, channel.name, key_of(provider_id))
            answer = outbox.find_answer(session, message.id) if message else None
    except Refused:
        return REFUSED
    except Unavailable:
        return UNAVAILABLE
    shown = (
        {"state": answer.state, "text": answer.text, "reason": answer.reason or answer.fault or ""} if answer else {}
    )
    return HttpResponse(200, json.dumps({"state": "", "text": "", "reason": ""} | shown), "application/json")


def _record(session: Session, channel: str, status: DeliveryStatus, now: datetime) -> None:
    has_moved = outbox.record_status(session, channel, status, now)
    is_early = not has_moved and early.keep(session, channel, status, now)
    if not has_moved and not is_early:  # its message may have been recorded in between
        has_moved = outbox.record_status(session, channel, status, now)
    about = {"state": status.state or "unknown", "code": status.code, "has_moved": has_moved, "is_early": is_early}
    logger.info("status", channel=channel, ref=status.ref, **about)


def key_of(provider_id: str, sender: str = "") -> str:
    """Return a key that fits its column; a longer one becomes its hash, never cut: two messages may share a start.

    One that holds the sender's number becomes its hash too: keys are kept for ever, numbers are not.
    """
    provider_id = hide_in_key(provider_id, sender)
    if len(provider_id) <= LONGEST_PROVIDER_ID:
        return provider_id
    return f"sha256:{hashlib.sha256(provider_id.encode()).hexdigest()}"
