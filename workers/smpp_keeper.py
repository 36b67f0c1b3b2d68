"""Keep what an SMSC delivers: committed first, acknowledged then, so that whatever dies it is sent again, and once."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from gateway import jobs
from gateway.channels.smpp import Smpp
from gateway.channels.smpp_delivery import Receipt, as_repeat, by_content, forms_of_id
from gateway.channels.smpp_link import Link
from gateway.channels.smpp_pdu import OK, TEMPORARY_FAULT, Pdu
from gateway.errors import Malformed, Raced, Retryable, Unavailable
from gateway.receive import keep
from gateway.runtime import Runtime
from gateway.store import outbox, receipts
from gateway.store.base import Session
from gateway.values import DeliveryStatus, InboundSms, OutboxState, lane_of

BATCH = 100  # deliveries in one transaction
MOST_WAITING = 1000  # beyond it the SMSC is told to come again
LOOK_AGAIN_SECONDS = 0.05  # whether the send that an early receipt is about was recorded
LONGEST_EARLY_SECONDS = 5.0
REPEATED_WITHIN = timedelta(minutes=10)  # of the bind; docs/decisions/0019-a-delivery-without-a-name.md
MALFORMED = "malformed"

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A deliver_sm that is not answered yet."""

    pdu: Pdu
    at: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class _Kept:
    """What becomes of a batch, to be told when it is committed: `early` receipts are not answered yet."""

    unproven: Mapping[str, list[str]]
    early: list[_Arrival] = field(default_factory=list)
    lanes: set[int] = field(default_factory=set)
    events: list[tuple[str, dict[str, object]]] = field(default_factory=list)


class Keeper:
    """Keeps what comes over one link, in a thread of its own: while the database takes its time, answers are read.

    `unproven` are the keys of messages of links before this one whose acknowledgement may never have arrived: the SMSC
    delivers those again. `is_sending` tells whether a message is on its way whose id is not recorded yet.
    """

    def __init__(
        self, runtime: Runtime, channel: Smpp, link: Link, unproven: tuple[str, ...], is_sending: Callable[[], bool]
    ) -> None:
        bound_at = runtime.now()
        self._runtime = runtime
        self._channel = channel
        self._link = link
        self._session = f"{bound_at:%Y%m%dT%H%M%S%f}"
        self._unproven: Mapping[str, list[str]] = by_content(unproven)
        self._forget_at = bound_at + REPEATED_WITHIN
        self._is_sending = is_sending
        self._queue: queue.Queue[_Arrival] = queue.Queue(MOST_WAITING)
        self._is_stopping = threading.Event()
        self._early: list[_Arrival] = []
        self._kept_at: datetime | None = None  # of what is being kept and not acknowledged yet
        self._book = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"{channel.name} keeper")
        self._thread.start()

    def take(self, pdu: Pdu) -> None:
        """Take a deliver_sm, to be answered when it is kept. Errors: Retryable, the link is lost."""
        try:
            self._queue.put_nowait(_Arrival(pdu))
        except queue.Full:
            self._link.answer(pdu, TEMPORARY_FAULT)

    def stop(self) -> None:
        """Keep and acknowledge what was taken, then end; what came over a link that is lost is left to come again."""
        self._is_stopping.set()
        self._thread.join()

    def answered_before(self, now: datetime) -> datetime:
        """Return an instant: what was received before it is acknowledged, as far as that is ours to do."""
        with self._book:
            return self._kept_at or now

    def _run(self) -> None:
        while self._link.is_open and not (self._is_stopping.is_set() and self._queue.empty()):
            batch = self._next()
            with self._book:
                now = self._kept_at = self._runtime.now()
            with suppress(Retryable):  # the link is lost: what was kept is known when it comes again
                self._settle(batch, now)
            with self._book:
                self._kept_at = None

    def _next(self) -> list[_Arrival]:
        """Return what is to be kept: early receipts, and what has come meanwhile."""
        batch, self._early = self._early, []
        with suppress(queue.Empty):
            batch.append(self._queue.get(timeout=LOOK_AGAIN_SECONDS))
            while len(batch) < BATCH:
                batch.append(self._queue.get_nowait())
        return batch

    def _settle(self, batch: Sequence[_Arrival], now: datetime) -> None:
        """Keep a batch and answer it. What one message brings about by a fault of ours falls on it alone."""
        if not batch:
            return
        try:
            self._keep(batch, now)
        except (Unavailable, Raced) as error:
            logger.warning("not_kept", channel=self._channel.name, why=str(error))
            self._refuse(batch)
        except Retryable:
            raise
        except Exception:
            if len(batch) == 1:
                logger.exception("delivery_crashed", channel=self._channel.name)
                self._refuse(batch)
            for one in batch if len(batch) > 1 else ():
                self._settle([one], now)

    def _refuse(self, batch: Sequence[_Arrival]) -> None:
        for one in batch:
            self._link.answer(one.pdu, TEMPORARY_FAULT)

    def _keep(self, batch: Sequence[_Arrival], now: datetime) -> None:
        if now > self._forget_at:
            self._unproven = {}
        kept = _Kept({content: list(keys) for content, keys in self._unproven.items()})
        may_wait = self._is_sending()  # asked before the database is: what is recorded meanwhile is found
        with self._runtime.database.session() as session:
            for one in batch:
                self._keep_one(session, one, kept, may_wait, now)
            session.commit()
        self._unproven = kept.unproven
        self._early += kept.early
        for one in batch:
            if one not in kept.early:
                self._link.answer(one.pdu, OK)
        for event, words in kept.events:
            tell = logger.warning if event == MALFORMED else logger.info
            tell(event, channel=self._channel.name, **words)
        for lane in kept.lanes:
            self._runtime.bells.ring(jobs.INBOUND, lane)

    def _keep_one(self, session: Session, one: _Arrival, kept: _Kept, may_wait: bool, now: datetime) -> None:
        try:
            read = self._channel.read_pdu(one.pdu, f"{self._session}:{one.pdu.sequence}")
        except Malformed as fault:
            text = one.pdu.octets.decode("latin-1")
            keep.keep_unread(session, self._channel.name, one.pdu.octets, text, fault, now)
            kept.events.append((MALFORMED, {"field": fault.field, "why": str(fault)}))
            return
        if isinstance(read, InboundSms):
            self._keep_sms(session, as_repeat(read, kept.unproven), kept, now)
        elif not self._record(session, read, kept, now):
            if may_wait and time.monotonic() - one.at < LONGEST_EARLY_SECONDS:
                kept.early.append(one)
            else:
                kept.events.append(("status", _words_of(read.status)))

    def _keep_sms(self, session: Session, sms: InboundSms, kept: _Kept, now: datetime) -> None:
        trace_id = keep.keep_sms(session, self._channel.name, sms, now)
        event = ("part_kept" if keep.is_part(sms) else "kept") if trace_id else "repeated"
        kept.events.append((event, {"sender": sms.sender.address, "trace_id": trace_id}))
        if trace_id:
            kept.lanes.add(lane_of(sms.sender.address))

    def _record(self, session: Session, receipt: Receipt, kept: _Kept, now: datetime) -> bool:
        """Write down what became of a message; False while none is known that the receipt is about."""
        name, ids = self._channel.name, forms_of_id(receipt.status.provider_id)
        ref = receipts.find_ref(session, name, ids, receipt.phones)
        is_last = ref is not None
        ref = ref or self._channel.find_part(ids, receipt.phones)
        if ref is None:
            return False
        status = replace(receipt.status, ref=ref, provider_id="")
        has_moved = False
        if is_last or status.state is OutboxState.FAILED:  # of an earlier part nothing else is news
            has_moved = outbox.record_status(session, name, status, now)
        kept.events.append(("status", _words_of(status) | {"has_moved": has_moved}))
        return True


def _words_of(status: DeliveryStatus) -> dict[str, object]:
    return {"ref": status.ref, "state": status.state or "unknown", "code": status.code, "has_moved": False}
