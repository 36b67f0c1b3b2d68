"""Do one errand: work that nobody waits for, each kind known by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway import jobs
from gateway.runtime import Runtime, get_runtime
from workers import broadcasts, exports, forgetting, heartbeats, hooks, pushes, reconciling, reminders, totals
from workers.pauses import pausing

ERRANDS: Mapping[str, Callable[[Runtime], int]] = {
    broadcasts.NAME: broadcasts.drain,
    exports.NAME: exports.drain,
    forgetting.NAME: forgetting.drain,
    heartbeats.NAME: heartbeats.drain,
    pushes.NAME: pushes.drain,
    hooks.NAME: hooks.drain,
    reconciling.NAME: reconciling.drain,
    reminders.NAME: reminders.drain,
    totals.NAME: totals.drain,
}


def run_errand(name: object) -> int:
    """Do what waits of one errand and return how much that was. Errors: ValueError for no errand."""
    if not isinstance(name, str) or name not in ERRANDS:  # it comes out of Redis
        raise ValueError(f"there is no errand {name!r}")
    runtime, errand = get_runtime(), ERRANDS[name]
    return pausing(runtime.bells, jobs.ERRANDS, name, lambda: errand(runtime))
