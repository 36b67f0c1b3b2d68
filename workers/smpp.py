"""The process of the SMPP channels: holds each one's link, keeps what comes over it, and sends at its pace."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable
from datetime import datetime
from types import FrameType

import structlog

from gateway.channels.smpp import Smpp, proof_of
from gateway.channels.smpp_link import Link
from gateway.channels.smpp_pdu import DELIVER_SM
from gateway.errors import Raced, Retryable, Unavailable
from gateway.runtime import Runtime
from gateway.store import channels, inbox, outbox, parts
from workers.outbound import send_claim
from workers.smpp_keeper import Keeper

READ_SECONDS = 0.1  # then it is seen whether there is anything else to do
LOOK_SECONDS = 0.2  # between two looks whether something is to be sent
FIRST_WAIT_SECONDS = 0.25  # before a link that was lost is tried again; doubled each time
LONGEST_WAIT_SECONDS = 60.0
STEADY_SECONDS = 30.0  # a link that held so long starts over with the first wait
LEAST_ENQUIRY_SECONDS = 2.0  # after a delivery: the answer proves that its acknowledgement arrived
NAP_SECONDS = 0.5

logger = structlog.get_logger(__name__)


def channels_of(runtime: Runtime) -> tuple[Smpp, ...]:
    """Return the channels that this process is for."""
    return tuple(channel for channel in runtime.channels.values() if isinstance(channel, Smpp))


def run(runtime: Runtime) -> int:
    """Hold every link until the process is told to stop; return the exit status."""
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    lines = [Line(runtime, channel, stopped) for channel in channels_of(runtime)]
    for line in lines:
        line.start()
    try:
        while not stopped.wait(LOOK_SECONDS):
            for line in lines:
                line.look()
    finally:
        stopped.set()
        for line in lines:
            line.join()
    return int(any(line.has_crashed for line in lines))


class Line:
    """One channel: the thread that reads its link, and those that send over it, as many as its window is wide."""

    def __init__(self, runtime: Runtime, channel: Smpp, stopped: threading.Event) -> None:
        self.has_crashed = False
        self._runtime = runtime
        self._channel = channel
        self._stopped = stopped
        self._due = threading.Event()
        self._sending: set[int] = set()  # the senders that are at work
        names = [f"{channel.name} sender {number}" for number in range(channel.window)]
        self._senders = [threading.Thread(target=self._guard, args=(self._send,), name=name) for name in names]
        self._reader = threading.Thread(target=self._guard, args=(self._hold,), name=f"{channel.name} reader")

    def start(self) -> None:
        """Start all threads."""
        for thread in (self._reader, *self._senders):
            thread.start()

    def join(self) -> None:
        """Wait until all have ended, which they do once the process is to stop."""
        self._due.set()
        for thread in (self._reader, *self._senders):
            thread.join()

    def look(self) -> None:
        """Wake the senders if there is something to send."""
        if self._due.is_set() or self._channel.rest_seconds is None:
            return
        try:
            with self._runtime.database.session(read_only=True) as session:
                if outbox.has_due(session, self._channel.name):
                    self._due.set()
        except (Unavailable, Raced) as error:
            logger.warning("look_failed", channel=self._channel.name, why=str(error))

    def _guard(self, work: Callable[[], None]) -> None:
        """End the whole process by a fault of ours, so that it is started anew instead of half of it standing still."""
        try:
            work()
        except Exception:
            logger.exception("line_crashed", channel=self._channel.name)
            self.has_crashed = True
            self._stopped.set()

    def _hold(self) -> None:
        wait = FIRST_WAIT_SECONDS
        while not self._stopped.is_set():
            began = time.monotonic()
            try:
                unproven = self._unproven()
                link = self._channel.open()
            except (Retryable, Unavailable, Raced) as error:
                logger.warning("not_bound", channel=self._channel.name, why=str(error), again_in=wait)
            else:
                logger.info("bound", channel=self._channel.name, unproven=len(unproven))
                self._serve(link, unproven)
                wait = FIRST_WAIT_SECONDS if time.monotonic() - began > STEADY_SECONDS else wait
            self._stopped.wait(wait * random.uniform(0.5, 1))
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)

    def _unproven(self) -> tuple[str, ...]:
        """Return the keys of what was kept and acknowledged, nobody knows whether for the SMSC too."""
        name = proof_of(self._channel.name)
        with self._runtime.database.session() as session:
            proven_at = channels.last_tick(session, name)
            if proven_at is None:
                channels.tick(session, name, self._runtime.now())
                session.commit()
                return ()
            keys = inbox.keys_since(session, self._channel.name, proven_at)
            return keys + parts.keys_since(session, self._channel.name, proven_at)

    def _serve(self, link: Link, unproven: tuple[str, ...]) -> None:
        keeper = Keeper(self._runtime, self._channel, link, unproven, lambda: bool(self._sending))
        proof = _Proof(self._runtime, self._channel, link, keeper)
        try:
            while not self._has_finished():
                for pdu in link.read(READ_SECONDS):
                    if pdu.command == DELIVER_SM:
                        proof.is_wanted = True
                        keeper.take(pdu)
                    else:
                        link.answer(pdu)
                proof.look()
        except Retryable as error:
            logger.warning("link_lost", channel=self._channel.name, why=str(error))
        finally:  # by a fault of ours too: a keeper that runs on would keep the process alive, and the link held
            keeper.stop()
            link.unbind()

    def _has_finished(self) -> bool:
        return self._stopped.is_set() and not any(sender.is_alive() for sender in self._senders)

    def _send(self) -> None:
        while not self._stopped.is_set():
            rest = self._channel.rest_seconds
            if rest != 0:
                self._stopped.wait(NAP_SECONDS if rest is None else min(rest, NAP_SECONDS))
            elif self._due.wait(NAP_SECONDS) and not self._stopped.is_set():
                self._send_some()

    def _send_some(self) -> None:
        me = threading.get_ident()
        self._sending.add(me)
        try:
            taken, wait = send_claim(self._runtime, self._channel)
        except Raced:
            return
        except Unavailable as error:
            logger.warning("send_failed", channel=self._channel.name, why=str(error))
            taken, wait = 0, NAP_SECONDS
        finally:
            self._sending.discard(me)
        if not taken and not wait:
            self._due.clear()
        elif not taken:
            self._stopped.wait(min(wait, NAP_SECONDS))


class _Proof:
    """Enquires, and writes down what an answer proves: that everything which was acknowledged before has arrived."""

    def __init__(self, runtime: Runtime, channel: Smpp, link: Link, keeper: Keeper) -> None:
        self.is_wanted = True  # something came that is acknowledged, or will be
        self._runtime = runtime
        self._channel = channel
        self._link = link
        self._keeper = keeper
        self._asked_at = time.monotonic()
        self._proving: datetime | None = None

    def look(self) -> None:
        """Enquire when it is time, and note what came of it. Errors: Retryable, the link is lost."""
        if self._link.is_enquiring:
            return
        if self._proving is not None:
            proven_at, self._proving = self._proving, None
            try:
                with self._runtime.database.session() as session:
                    channels.tick(session, proof_of(self._channel.name), proven_at)
                    session.commit()
            except (Unavailable, Raced) as error:
                logger.warning("proof_not_kept", channel=self._channel.name, why=str(error))
        seconds = self._channel.enquire_seconds
        if time.monotonic() - self._asked_at < (min(seconds, LEAST_ENQUIRY_SECONDS) if self.is_wanted else seconds):
            return
        now = self._runtime.now()
        self._asked_at = time.monotonic()
        self._proving = self._keeper.answered_before(now)
        self.is_wanted = self._proving != now
        self._link.enquire()
