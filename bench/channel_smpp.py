"""An SMSC's deliveries in, beside a client that only acknowledges; messages out, beside one that only submits."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from bench import messages
from bench.channels import Row
from bench.stage import ROOT
from gateway.channels.smpp import Smpp
from gateway.channels.smpp_link import Link
from gateway.channels.smpp_pdu import DELIVER_SM
from gateway.errors import Retryable
from gateway.runtime import Runtime, make_runtime
from gateway.settings import read_settings
from gateway.store import outbox, schema
from gateway.supervise import start_leashed
from gateway.values import OutboundSms
from tests.peers.smsc import Smsc

ADAPTER = "smpp"
WINDOW = 50  # deliveries that the SMSC has unanswered at once
STEP_SECONDS = 0.002
TEXT = "KB Sep 25 PMB Ani: BARU 12 AKTIF 40 (PIL 30). Terima kasih."


def measure(count: int, tell: Callable[[str], None]) -> Iterator[Row]:
    """Measure the way in, then the way out, on SQLite; nobody handles what comes in."""
    with tempfile.TemporaryDirectory(prefix="kabar-bench-") as written, Smsc() as smsc:
        options = smsc.options | {"timeout_seconds": "30", "receipts": "no", "window": "10"}
        ours = {"KABAR_VAR": written, "KABAR_CHANNELS": "smpp", "KABAR_LOG": "json"}
        ours |= {f"KABAR_SMPP_{name.upper()}": value for name, value in options.items()}
        runtime = make_runtime(read_settings(ours))
        schema.upgrade(runtime.settings.database)
        channel = runtime.channels["smpp"]
        assert isinstance(channel, Smpp)
        tell("deliveries in and messages out, a client alone")
        with _bare(channel):
            alone_in = _deliver(smsc, count)
            alone_out = _submit(channel, count)
        tell("deliveries in and messages out, the process")
        with _process(runtime, ours, smsc):
            ours_in = _deliver(smsc, count)
            ours_out = _send(runtime, smsc, count)
        runtime.database.dispose()
    yield Row(ADAPTER, "in", "deliveries, kept, then acknowledged", ours_in, alone_in, "a client that only answers")
    yield Row(ADAPTER, "out", "messages, claimed, sent, recorded", ours_out, alone_out, "ten that only submit")


@contextmanager
def _bare(channel: Smpp) -> Iterator[None]:
    """Bind, and answer whatever comes without keeping it."""
    link: Link = channel.open()

    def answer() -> None:
        with suppress(Retryable):
            while link.is_open:
                for pdu in link.read(0.1):
                    assert pdu.command == DELIVER_SM
                    link.answer(pdu)

    reader = threading.Thread(target=answer)
    reader.start()
    yield
    link.close("measured")
    reader.join()


@contextmanager
def _process(runtime: Runtime, ours: dict[str, str], smsc: Smsc) -> Iterator[None]:
    """Run `./kabar smpp` until it is bound."""
    bound = smsc.binds
    environ = {name: value for name, value in os.environ.items() if not name.startswith("KABAR_")} | ours
    with (Path(runtime.settings.var) / "smpp.log").open("ab") as log:
        running = start_leashed([sys.executable, "-m", "gateway.cli", "smpp"], environ, ROOT, log)
    while smsc.binds == bound:
        time.sleep(STEP_SECONDS)
    yield
    running.terminate()
    running.wait()


def _deliver(smsc: Smsc, count: int) -> float:
    """Return how many deliveries a second are acknowledged."""
    began = time.monotonic()
    waiting: deque[threading.Event] = deque()
    for number in range(count):
        if len(waiting) >= WINDOW:
            waiting.popleft().wait()
        phone = messages.phone_of(number % 1000).removeprefix("+")
        waiting.append(smsc.deliver(phone, f"KB 0925 AKTIF {number}").done)
    for one in waiting:
        one.wait()
    return count / (time.monotonic() - began)


def _submit(channel: Smpp, count: int) -> float:
    """Return how many messages a second are taken from ten threads."""
    sms = [OutboundSms(f"r{number}", messages.phone_of(number % 1000), TEXT) for number in range(count)]
    began = time.monotonic()
    with ThreadPoolExecutor(channel.window) as pool:
        assert sum(1 for _ in pool.map(channel.send, sms)) == count
    return count / (time.monotonic() - began)


def _send(runtime: Runtime, smsc: Smsc, count: int) -> float:
    """Return how many queued messages a second are sent and recorded."""
    now, before = runtime.now(), len(smsc.submitted)
    phones = [messages.phone_of(number % 1000) for number in range(count)]
    with runtime.database.session() as session:
        outbox.add_many(
            session, [outbox.NewOutboxMessage(None, "trial", "smpp", phone, TEXT, "t", now) for phone in phones]
        )
        session.commit()
    began = time.monotonic()
    while len(smsc.submitted) < before + count:
        time.sleep(STEP_SECONDS)
    return count / (time.monotonic() - began)
