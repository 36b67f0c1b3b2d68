"""Queue the reminders that are due, a regency at a time, each in one transaction."""

from __future__ import annotations

import structlog

from gateway import jobs
from gateway.errors import Raced, Unavailable
from gateway.remind import run
from gateway.runtime import Runtime

NAME = "reminders"
REGENCIES = 200  # then the errand is rung again, so that others have their turn

logger = structlog.get_logger(__name__)


def drain(runtime: Runtime) -> int:
    """Look at the reminders of every regency whose time has come, and return how many letters were queued.

    Errors: Unavailable when the database goes away; the sweep rings again. A regency is queued wholly or not at all.
    """
    runtime.bells.answer(jobs.ERRANDS, NAME)
    with runtime.database.session(read_only=True) as session:
        due = run.find_due(session, runtime.ways, runtime.now())
    total = sum(_run_round(runtime, regency) for regency in due[:REGENCIES])
    if len(due) > REGENCIES:
        runtime.bells.ring(jobs.ERRANDS, NAME)
    return total


def _run_round(runtime: Runtime, regency: str) -> int:
    """Look at one regency's reminders. A race with another machine leaves them to it, or to the next ring."""
    try:
        with runtime.database.session() as session:
            done = run.run_round(session, regency, runtime.ways, runtime.now())
            session.commit()
    except Raced:
        return 0
    except Unavailable:
        raise
    except Exception:  # whatever it was: the other regencies have their turn, and this one the next
        logger.exception("reminders_failed", regency=regency)
        return 0
    for channel in done.channels:
        runtime.bells.ring(jobs.OUTBOUND, channel)
    if done.letters:
        logger.info("reminders_queued", regency=regency, letters=done.letters)
    return done.letters
