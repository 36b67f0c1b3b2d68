"""The processes and what waits: whether anybody handles, sends and sweeps, and what only a person can settle."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.checks.check import Check, advise, mend, well
from gateway.checks.servers import check_drift
from gateway.condition import Condition, Stored
from gateway.jobs import ERRANDS, INBOUND, OUTBOUND
from gateway.values import InboxState, OutboxState

DOES = {  # what does not happen without the queue's workers: Indonesian, English
    INBOUND: ("pesan tidak dibaca", "no message is read"),
    OUTBOUND: ("jawaban tidak terkirim", "no answer goes out"),
    ERRANDS: ("angka tidak dijumlah, pengingat dan ekspor tidak jalan", "nothing is summed up, reminded or exported"),
}


def check_work(condition: Condition) -> Iterator[Check]:
    """Look at the processes and at what waits."""
    stored = condition.stored
    if stored is None:
        return  # told with the database
    was_started = stored.ticked_at is not None
    for queue, (indonesian, english) in DOES.items():
        crew = condition.crews.get(queue) if condition.crews is not None else None
        if crew is None:
            continue  # told with Redis
        if crew.workers:
            yield well(queue, f"{crew.workers} proses / {'process' if crew.workers == 1 else 'processes'}")
        else:
            told = mend if was_started else advise
            command = f"./kabar work {queue}"
            yield told(queue, f"tidak ada pekerja, {indonesian}: {command}", f"no worker, {english}: {command}")
    if condition.is_inbound_late:
        minutes = round((condition.waiting_seconds or 0) / 60) or 1
        words = f"pesan tertua menunggu dibaca {minutes} menit: tambah atau hidupkan ./kabar work inbound"
        english = f"the oldest message has waited for {minutes} minutes: start or add ./kabar work inbound"
        yield mend("waiting", words, english)
    for name in condition.late_channels:
        yield mend(
            f"{name}: unsent",
            "jawaban tertahan lebih dari 10 menit: lihat not_sent di log, dan halaman Kanal",
            "answers have waited for more than 10 minutes: see not_sent in the log, and the page Channels",
        )
    yield from _check_clock(condition, was_started=was_started)
    yield from check_drift("drift", stored.drift, ("server basis data", "the database's"))
    yield from _check_leftovers(stored)


def _check_clock(condition: Condition, *, was_started: bool) -> Iterator[Check]:
    if not condition.is_clock_silent:
        yield well("clock process", f"{condition.tick_seconds:.0f} s")
    elif was_started:
        words = f"diam sejak {condition.tick_seconds:.0f} detik: yang terlewat tidak diambil; ./kabar clock"
        english = f"silent for {condition.tick_seconds:.0f} seconds, what was missed is not fetched: ./kabar clock"
        yield mend("clock process", words, english)
    else:
        yield advise("clock process", "belum pernah jalan: ./kabar clock", "has never run: ./kabar clock")


def _check_leftovers(stored: Stored) -> Iterator[Check]:
    if dead := stored.inbox.get(InboxState.DEAD, 0):
        yield mend(
            "dead",
            f"{dead} pesan gagal dibaca karena kesalahan Kabar: ./kabar messages list, laporkan traceback di log",
            f"{dead} messages failed by a fault of Kabar's: ./kabar messages list, report the traceback in the log",
        )
    for state, indonesian, english in (
        (OutboxState.FAILED, "pesan tidak terkirim dalam 7 hari", "messages of 7 days did not go out"),
        (OutboxState.UNSURE, "pesan mungkin terkirim mungkin tidak", "messages may or may not have gone"),
    ):
        if number := stored.undelivered.get(state, 0):
            command = "./kabar messages list"
            yield advise(str(state), f"{number} {indonesian}: {command}", f"{number} {english}: {command}")
    for kind, numbers in stored.errands.items():
        if number := numbers["failed"]:
            words = f"{number} gagal: buka halamannya, di sana tertulis sebabnya"
            yield advise(kind, words, f"{number} have failed: their page says why")
