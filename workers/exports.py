"""Make the exports that staff asked for, one after the other."""

from __future__ import annotations

from gateway import jobs
from gateway.export import run
from gateway.runtime import Runtime
from gateway.store import exports

NAME = "exports"


def drain(runtime: Runtime) -> int:
    """Make every export that waits, drop the files that were kept long enough, and return how often one was taken up.

    Errors: Unavailable when the database goes away; the sweep rings again.
    """
    runtime.bells.answer(jobs.ERRANDS, NAME)
    total = 0
    while run.make_next(runtime.database, runtime.forms, runtime.now) is not None:
        total += 1
    with runtime.database.session() as session:
        exports.drop_old_files(session, runtime.now())
        session.commit()
    return total
