"""The clock: sweeps every second. It decides nothing and may run on several machines at once."""

from __future__ import annotations

import signal
import threading
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
    metrics.serve(runtime)
    watch = Watch()
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
