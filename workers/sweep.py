"""Ring for what was not rung for: what Redis lost, what waits for another try, what a dead sender left behind."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from gateway import jobs
from gateway.channels.base import PollingChannel
from gateway.receive.hops import DRAFT_LASTS
from gateway.receive.replay import replay
from gateway.runtime import Runtime
from gateway.store import (
    broadcasts,
    channels,
    claimed,
    dialogues,
    early,
    exports,
    hook_deliveries,
    inbox,
    mornings,
    outbox,
    parts,
    push_queue,
    questions,
    reports,
    totals,
)
from gateway.store.base import Session, database_now
from gateway.values import ReportState
from workers.broadcasts import NAME as BROADCASTS
from workers.exports import NAME as EXPORTS
from workers.forgetting import EVERY as FORGET_EVERY
from workers.forgetting import NAME as FORGETTING
from workers.heartbeats import NAME as HEARTBEATS
from workers.hooks import NAME as HOOKS
from workers.pushes import NAME as PUSHES
from workers.reconciling import NAME as RECONCILING
from workers.reminders import NAME as REMINDERS
from workers.silence import Watch, tick
from workers.totals import NAME as TOTALS

CLOCK = "clock"
TICK_SECONDS = 10  # the database hears from the clock so often
REMIND_SECONDS = 60  # so often somebody looks whether reminders are due, and how the channels do

logger = structlog.get_logger(__name__)


def sweep(runtime: Runtime, watch: Watch | None = None) -> tuple[int, int]:
    """Ring every lane, channel and errand that has work which is due; return how many lanes and channels.

    Several may sweep. With a process's watch it is noted too when nobody did for long.
    """
    _replay(runtime)  # first: what came in meanwhile decides what is late, and whether this was an outage
    now = runtime.now()
    with runtime.database.session(read_only=True) as session:
        lanes = inbox.lanes_with_work(session, now)
        names = [name for name in outbox.channels_with_work(session) if name in runtime.channels]
        late = [name for name in names if claimed.has_ended_leases(session, name, runtime.channels[name].limits)]
        forgot_at = channels.last_tick(session, FORGETTING)
        ticked_at, rang_at = channels.last_tick(session, CLOCK), channels.last_tick(session, REMINDERS)
        is_unsummed = totals.has_unsummed(session)
        is_unqueued = broadcasts.has_unqueued(session)
        is_unmade = exports.has_unmade(session, now)
        is_unpushed = push_queue.has_due(session, now)
        is_untold = hook_deliveries.has_work(session, now)
        is_cut = parts.has_late(session, now)
        is_known = early.has_work(session, now)
    is_looked_at = rang_at is not None and abs((now - rang_at).total_seconds()) < REMIND_SECONDS
    if late or is_cut or is_known or ticked_at is None or abs((now - ticked_at).total_seconds()) >= TICK_SECONDS:
        with runtime.database.session() as session:
            _end_leases(session, runtime, late)
            _give_up_waiting(session, runtime, now)
            _release_parts(session, now)
            _tell_early(session, now)
            _abandon_drafts(session, now)
            mornings.wait_for_morning(session, database_now(session))
            tick(session, CLOCK, ticked_at, now, watch)
            if not is_looked_at:
                channels.tick(session, REMINDERS, now)
            session.commit()
        if not is_looked_at:
            _ring_for_looks(runtime, forgot_at, now)
    if watch is not None:
        watch.remember(now)
    for lane in lanes:
        runtime.bells.ring(jobs.INBOUND, lane)
    for name in names:
        if not runtime.channels[name].has_own_sender:
            runtime.bells.ring(jobs.OUTBOUND, name)
    _ring_for_polls(runtime)
    if is_unsummed:
        runtime.bells.ring(jobs.ERRANDS, TOTALS)
    if is_unqueued:
        runtime.bells.ring(jobs.ERRANDS, BROADCASTS)
    if is_unmade:
        runtime.bells.ring(jobs.ERRANDS, EXPORTS)
    if is_unpushed:
        runtime.bells.ring(jobs.ERRANDS, PUSHES)
    if is_untold:
        runtime.bells.ring(jobs.ERRANDS, HOOKS)
    return len(lanes), len(names)


def _replay(runtime: Runtime) -> None:
    """Keep what lies in this machine's spool. A spool that fails keeps nobody from the rest of the work."""
    try:
        replay(runtime.database, runtime.bells, runtime.spool)
    except OSError as error:
        logger.warning("spool_failed", why=str(error.strerror))


def _ring_for_looks(runtime: Runtime, forgot_at: datetime | None, now: datetime) -> None:
    runtime.bells.ring(jobs.ERRANDS, REMINDERS)
    runtime.bells.ring(jobs.ERRANDS, HEARTBEATS)
    runtime.bells.ring(jobs.ERRANDS, RECONCILING)
    if forgot_at is None or abs(now - forgot_at) >= FORGET_EVERY:
        runtime.bells.ring(jobs.ERRANDS, FORGETTING)


def _ring_for_polls(runtime: Runtime) -> None:
    for name, channel in runtime.channels.items():
        if isinstance(channel, PollingChannel):
            runtime.bells.ring_every(jobs.INBOUND, name, channel.poll_seconds)


def _give_up_waiting(session: Session, runtime: Runtime, now: datetime) -> None:
    """Give a report to staff as it stands when its question was not answered in time, or its message if that is all."""
    oldest, unstored = now - timedelta(hours=runtime.settings.question_hours), []
    for message_id, report_id in questions.expire(session, oldest, now):
        if report_id is None:
            unstored.append(message_id)
        else:
            reports.set_state(session, report_id, ReportState.FLAGGED, was=ReportState.WAITING)
        logger.info("question_expired", message=message_id, report=report_id)
    inbox.give_to_staff(session, unstored)


def _release_parts(session: Session, now: datetime) -> None:
    """Hand on what came of messages whose other parts did not; the next sweep rings for it."""
    if released := parts.release_late(session, now):
        logger.warning("message_cut", messages=released)


def _tell_early(session: Session, now: datetime) -> None:
    """Tell of messages what their providers said before their ids were known here."""
    if moved := early.settle(session, now):
        logger.info("early_statuses", messages=moved)


def _abandon_drafts(session: Session, now: datetime) -> None:
    """Close the USSD sessions that nobody can go on with any more."""
    if closed := dialogues.abandon(session, now - DRAFT_LASTS):
        logger.info("drafts_abandoned", dialogues=closed)


def _end_leases(session: Session, runtime: Runtime, names: list[str]) -> None:
    for name in names:
        ended = claimed.end_leases(session, name, runtime.channels[name].limits)
        logger.warning("leases_ended", channel=name, messages=ended)
