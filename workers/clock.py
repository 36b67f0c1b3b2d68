"""The clock: sweeps every second. It decides nothing and may run on several machines at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import structlog

from gateway import metrics
from gateway.errors import Raced, Unavailable
from gateway.receive import replay
from gateway.runtime import Runtime
from workers.forgetting import keep_step
from workers.silence import Watch
from workers.sweep import sweep

SECONDS = 1.0

logger = structlog.get_logger(__name__)


def run(runtime: Runtime) -> None:
    """Sweep every second until the process is told to stop, and tell metrics. A database that is away is waited for."""
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    _sweep_until(stopped, runtime)


def run_beside(runtime: Runtime, work: Callable[[], int]) -> int:
    """Sweep every second in a thread while this process does other work, and return what that comes to."""
    stopped = threading.Event()
    thread = threading.Thread(target=_sweep_or_end, args=(stopped, runtime), name="clock", daemon=True)
    thread.start()
    try:
        return work()
    finally:
        stopped.set()
        thread.join(SECONDS)


def _sweep_or_end(stopped: threading.Event, runtime: Runtime) -> None:
    """Sweep; where that breaks down the whole process ends, and is started again: nobody works without a clock."""
    try:
        _sweep_until(stopped, runtime)
    except Exception:
        logger.exception("clock_crashed")
        os.kill(os.getpid(), signal.SIGTERM)


def _sweep_until(stopped: threading.Event, runtime: Runtime) -> None:
    watch = Watch()
    metrics.serve(runtime)
    replay.begin(runtime.spool, runtime.now())
    with suppress(Raced, Unavailable):  # an older backup may have been restored; the daily errand looks again
        keep_step(runtime)
    while not stopped.is_set():
        try:
            sweep(runtime, watch)
        except Raced:
            pass  # another clock was first
        except Unavailable as error:
            logger.warning("sweep_failed", why=str(error))
        stopped.wait(SECONDS)
