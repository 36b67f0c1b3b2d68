"""Once a day, let go of what was kept long enough, and erase again whom an older backup has brought back."""

from __future__ import annotations

from datetime import timedelta

import structlog

from gateway import jobs
from gateway.forget.erase import find_missing, keep_in_step
from gateway.forget.purge import purge
from gateway.keybox import read_key
from gateway.redact import Secret
from gateway.runtime import Runtime
from gateway.settings import Settings
from gateway.store import channels, erasures
from gateway.store.tidying import tidy

NAME = "forgetting"
EVERY = timedelta(days=1)
MOST = 20_000  # rows; then the errand is rung again, so that others have their turn

logger = structlog.get_logger(__name__)


def drain(runtime: Runtime) -> int:
    """Do the day's forgetting and return how many rows that was.

    Errors: Unavailable when the database goes away; the sweep rings again. What was let go of stays so.
    """
    runtime.bells.answer(jobs.ERRANDS, NAME)
    now = runtime.now()
    if keep_step(runtime):
        logger.warning("erased_again")
    done = purge(runtime.database, key_of(runtime.settings), now, MOST)
    if done:
        logger.info("let_go", rows=done.total(), kinds=sorted(done))
    if done.total() >= MOST:
        runtime.bells.ring(jobs.ERRANDS, NAME)
        return done.total()
    with runtime.database.session() as session:
        if not find_missing(session, runtime.settings.var):
            channels.tick(session, NAME, now)
        is_untidy = erasures.has_untidy(session)
        session.commit()
    if is_untidy:
        tidy(runtime.database)
    return done.total()


def keep_step(runtime: Runtime) -> int:
    """Erase again whom the list beside the database knows and the database does not; return how many people.

    While somebody's messages are to be read first, the errand is due again in a minute.
    """
    now, var = runtime.now(), runtime.settings.var
    with runtime.database.session() as session:
        count = keep_in_step(session, var, key_of(runtime.settings), now)
        if find_missing(session, var):
            channels.tick(session, NAME, now - EVERY)
        session.commit()
    return count


def key_of(settings: Settings) -> Secret:
    """Return the key that numbers are hashed with."""
    return read_key(settings.secret_key, settings.var)
