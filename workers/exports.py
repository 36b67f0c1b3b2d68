"""Make the exports that staff asked for, one after the other."""

from __future__ import annotations

import structlog

from gateway import jobs
from gateway.export import run
from gateway.runtime import Runtime
from gateway.store import exports

NAME = "exports"

logger = structlog.get_logger(__name__)


def drain(runtime: Runtime) -> int:
    """Make every export that waits, drop the files that were kept long enough, and return how many were made.

    Errors: Unavailable when the database goes away; the sweep rings again.
    """
    runtime.bells.answer(jobs.ERRANDS, NAME)
    total = 0
    while (export := run.make_next(runtime.database, runtime.forms, runtime.now)) is not None:
        logger.info("export_made", export=export.ref, format=export.format)
        total += 1
    with runtime.database.session() as session:
        exports.drop_old_files(session, runtime.now())
        session.commit()
    return total
