"""What a chaos run changes in the house's own code as a process starts: the bugs that the checker must catch."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from redis import Redis
from sqlalchemy import and_, insert, update

from gateway import jobs
from gateway.channels import generic
from gateway.channels.base import SmsChannel
from gateway.errors import Malformed, Refused
from gateway.handle import accept
from gateway.receive import keep
from gateway.runtime import Runtime
from gateway.spool import Spool
from gateway.store import claimed, inbox, outbox, sqlite
from gateway.store.base import Database, Session, database_now
from gateway.store.outbox import Claim
from gateway.store.reports import Report
from gateway.values import ChannelLimits, HttpRequest, HttpResponse, InboundSms, InboxState, OutboxState
from workers import clock, inbound
from workers import sweep as sweeping
from workers.silence import Watch

LEASE_SECONDS = 2  # of a run: long enough for a send, short enough to wait for its end
SLOW_SECONDS = 2.0
_never = threading.Event()
FIRST_INSTANT = datetime.min.replace(tzinfo=UTC)


def short_leases() -> None:
    """Let the leases of sends run out soon. No bug: what takes a minute in the house takes seconds in a run."""
    make = generic.Generic.__init__

    def make_impatient(self: generic.Generic, *given: Any) -> None:
        make(self, *given)
        self.limits = replace(self.limits, lease_seconds=LEASE_SECONDS)

    _put(generic.Generic, "__init__", make_impatient)


def answer_before_commit() -> None:
    """Answer 200, and keep the message a little later."""
    receive = keep.receive_sms

    def answer_first(
        database: Database, bells: jobs.Bells, channel: SmsChannel, request: HttpRequest, now: datetime, spare: Spool
    ) -> HttpResponse:
        try:
            messages = channel.take_sms(request, now)
        except (Refused, Malformed):
            return receive(database, bells, channel, request, now, spare)

        def keep_later() -> None:
            _never.wait(SLOW_SECONDS)
            receive(database, bells, channel, request, now, spare)

        threading.Thread(target=keep_later, daemon=True).start()
        return channel.acknowledge(messages)

    _put(keep, "receive_sms", answer_first)


def no_sweep() -> None:
    """Look what waits, and ring for none of it: only what was rung for at once is done."""
    sweep = sweeping.sweep

    def sweep_in_silence(runtime: Runtime, watch: Watch | None = None) -> tuple[int, int]:
        return sweep(replace(runtime, bells=jobs.Bells(jobs.connect("unix:///nowhere/v.sock"))), watch)

    _put(clock, "sweep", sweep_in_silence)


def no_unique_key() -> None:
    """Keep whatever comes. (The run takes the constraint from the table.)"""

    def keep_always(session: Session, message: inbox.NewInboxMessage) -> bool:
        row = {name: getattr(message, name) for name in inbox.NewInboxMessage.__slots__}
        session.execute(insert(inbox.inbox), row | {"attempts": 0, "rounds": 0})
        return True

    _put(inbox, "keep", keep_always)


def status_afterwards() -> None:
    """Store report and answer in one transaction, and say that the message is done in another."""
    finish, handle_batch = inbox.finish, inbound.handle_batch
    settled: list[tuple[int, InboxState, datetime]] = []

    def note(_session: Session, message_id: int, state: InboxState, now: datetime) -> bool:
        settled.append((message_id, state, now))
        return True

    def note_many(_session: Session, message_ids: Collection[int], state: InboxState, now: datetime) -> int:
        settled.extend((message_id, state, now) for message_id in message_ids)
        return len(message_ids)

    def handle_and_settle(runtime: Runtime, lane: int) -> int:
        handled = handle_batch(runtime, lane)
        if settled:
            _never.wait(SLOW_SECONDS)
        with runtime.database.session() as session:
            while settled:
                finish(session, *settled.pop())
            session.commit()
        return handled

    _put(inbox, "finish", note)
    _put(inbox, "finish_many", note_many)
    _put(inbound, "handle_batch", handle_and_settle)


def no_fencing() -> None:
    """Let a sender write its result down although its lease had ended and another one has sent the message."""

    def settle(session: Session, message_id: int, _token: str, values: dict[str, object]) -> bool:
        session.execute(update(outbox.outbox).where(outbox.outbox.c.id == message_id).values(values))
        return True

    _put(outbox, "_settle", settle)


def leases_by_a_wrong_clock() -> None:
    """Believe every lease, however far ahead its end is."""
    table = outbox.outbox

    def has_ended(session: Session, channel: str, _limits: ChannelLimits) -> Any:
        state = table.c.state == OutboxState.SENDING
        return and_(table.c.channel == channel, state, table.c.lease_until < database_now(session))

    _put(claimed, "_has_ended", has_ended)


def attempts_counted_afterwards() -> None:
    """Send first, and write down afterwards that something was tried."""
    claim, table = outbox.claim, outbox.outbox

    def claim_nothing(session: Session, channel: str, limits: ChannelLimits) -> Claim:
        found = claim(session, channel, limits)
        mine = table.c.lease_token == found.token, table.c.state == OutboxState.SENDING
        unclaimed = {"state": OutboxState.QUEUED, "attempts": table.c.attempts - 1}
        session.execute(update(table).where(*mine).values(unclaimed))
        return found

    def settle(session: Session, message_id: int, token: str, values: dict[str, object]) -> bool:
        mine = table.c.id == message_id, table.c.lease_token == token
        tried = {"attempts": table.c.attempts + 1}
        return bool(session.execute(update(table).where(*mine).values(values | tried)).rowcount)

    _put(outbox, "claim", claim_nothing)
    _put(outbox, "_settle", settle)


def last_arrival_counts() -> None:
    """Let the report count that came last, and not the one that was sent last."""
    decide = accept.decide

    def decide_by_arrival(
        known: Sequence[Report], _rank: tuple[datetime, str], values: Mapping[str, int], *, is_closed: bool = False
    ) -> tuple[accept.Decision, Report | None]:
        last = max((one.sent_at for one in known), default=FIRST_INSTANT), "\U0010ffff"
        return decide(known, last, values, is_closed=is_closed)

    def end_all(session: Session, known: Sequence[Report], decision: accept.Decision, _rank: object) -> None:
        end(session, known, decision, (max((one.sent_at for one in known), default=FIRST_INSTANT), "\U0010ffff"))

    end = accept._end_superseded
    _put(accept, "decide", decide_by_arrival)
    _put(accept, "_end_superseded", end_all)


def faults_swallowed() -> None:
    """Answer 200 although the database could not keep the message."""
    _put(keep, "UNAVAILABLE", HttpResponse(200, "ok\n"))


def same_text_is_same_message() -> None:
    """Take two messages with the same words from the same number for one."""
    keep_sms = keep.keep_sms

    def keep_by_content(session: Session, channel: str, sms: InboundSms, now: datetime, **how: Any) -> str:
        content = hashlib.sha256(f"{sms.sender.address}\n{sms.text}".encode()).hexdigest()
        known = inbox.find_message(session, channel, _ids.setdefault(content, sms.provider_id))
        if known and known.text == sms.text:
            return ""
        return keep_sms(session, channel, sms, now, **how)

    _ids: dict[str, str] = {}
    _put(keep, "keep_sms", keep_by_content)


def leases_for_ever() -> None:
    """Leave what a dead sender had claimed."""
    _put(claimed, "has_ended_leases", lambda *_: False)


def commits_not_on_disk() -> None:
    """Let the operating system write to the disk when it likes."""
    prepare = sqlite._prepare

    def prepare_fast(connection: Any, record: Any) -> None:
        prepare(connection, record)
        connection.execute("PRAGMA synchronous=NORMAL").close()

    _put(sqlite, "_prepare", prepare_fast)


def redis_waited_for() -> None:
    """Wait for Redis as long as it takes."""

    def connect(url: str, *, for_worker: bool = False) -> Redis:
        return Redis.from_url(url, socket_timeout=None)

    _put(jobs, "connect", connect)


PATCHES: dict[str, Callable[[], None]] = {
    found.__name__: found
    for found in (
        short_leases,
        answer_before_commit,
        no_sweep,
        no_unique_key,
        status_afterwards,
        no_fencing,
        leases_by_a_wrong_clock,
        attempts_counted_afterwards,
        last_arrival_counts,
        faults_swallowed,
        same_text_is_same_message,
        leases_for_ever,
        commits_not_on_disk,
        redis_waited_for,
    )
}


def put_in(names: Sequence[str]) -> None:
    """Put patches in. Errors: KeyError for one that is not there, so that no run goes without its bug."""
    for name in names:
        PATCHES[name]()


def _put(owner: object, name: str, patch: object) -> None:
    assert hasattr(owner, name), f"{owner} has no {name} any more: mend the patch"
    setattr(owner, name, patch)
