"""Ask the other side of every channel how it does, each by itself, and write down what it says."""

from __future__ import annotations

import threading
import time
from datetime import datetime

import structlog

from gateway import jobs
from gateway.channels.base import SmsChannel
from gateway.channels.smpp import Smpp, proof_of
from gateway.lines import ChannelHealth
from gateway.runtime import Runtime
from gateway.store import channel_health, channels

NAME = "heartbeats"
PATIENCE_SECONDS = 30.0  # with all of them together; a look of an adapter's waits some seconds by itself
CANNOT_ASK = ChannelHealth(
    False,
    "keadaannya tidak bisa ditanya, ini kesalahan Kabar: cari heartbeat_failed di log"
    " / it cannot be asked how it does, a fault of Kabar's: see heartbeat_failed in the log",
)

logger = structlog.get_logger(__name__)


class Look(threading.Thread):
    """One look at one channel, which may crash or never end without harm to the others."""

    def __init__(self, channel: SmsChannel, now: datetime) -> None:
        super().__init__(name=f"look-{channel.name}", daemon=True)
        self._channel, self._now = channel, now
        self.found: ChannelHealth | None = CANNOT_ASK

    def run(self) -> None:
        """Look."""
        try:
            self.found = self._channel.look(self._now)
        except Exception:  # whatever it was: it is told below, like a look that never ends
            logger.exception("heartbeat_failed", channel=self._channel.name)


_hanging: dict[str, Look] = {}  # no second one is begun beside it


def drain(runtime: Runtime, patience_seconds: float = PATIENCE_SECONDS) -> int:
    """Look at every channel and return how many were asked. Errors: Unavailable; the sweep rings again in a minute."""
    runtime.bells.answer(jobs.ERRANDS, NAME)
    now = runtime.now()
    asked = {name: channel for name, channel in runtime.channels.items() if not channel.has_own_sender}
    looks = {name: Look(channel, now) for name, channel in asked.items() if not _hangs(name)}
    for look in looks.values():
        look.start()
    ends_at = time.monotonic() + patience_seconds
    for name, look in looks.items():
        look.join(max(0.0, ends_at - time.monotonic()))
        if look.is_alive():
            logger.error("heartbeat_failed", channel=name, why=f"no end after {patience_seconds} seconds")
            _hanging[name] = look
    for name in asked:
        _write_down(runtime, name, looks[name].found if name in looks else CANNOT_ASK, now)
    for channel in runtime.channels.values():
        if isinstance(channel, Smpp):  # another process holds its link, and has left its proof
            _write_down(runtime, channel.name, channel.judge(_proven_at(runtime, channel.name), now), now)
    return len(looks)


def _proven_at(runtime: Runtime, name: str) -> datetime | None:
    with runtime.database.session(read_only=True) as session:
        return channels.last_tick(session, proof_of(name))


def _hangs(name: str) -> bool:
    if name in _hanging and not _hanging[name].is_alive():
        del _hanging[name]
    return name in _hanging


def _write_down(runtime: Runtime, name: str, health: ChannelHealth | None, now: datetime) -> None:
    with runtime.database.session() as session:
        was_well = channel_health.save_health(session, name, health, now)
        session.commit()
    if health is not None and not health.is_well and was_well is not False:
        logger.warning("channel_unwell", channel=name, why=health.words)
    elif health is not None and health.is_well and was_well is False:
        logger.info("channel_well", channel=name)
