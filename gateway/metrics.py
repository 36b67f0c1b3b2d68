"""Metrics for a Prometheus: counted by the database on each scrape, so that any number of processes tells the same.

Nobody counts in the processes: a web server and its workers are many, come and go, and each would know its own part
only. What leaves no row behind (a request that was refused) is counted in Redis. No phone number, no text and no name
of a person is in here; the labels are channels, states, queues and forms.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from gateway import backup
from gateway.calendar import month_days, report_month
from gateway.condition import Condition, Stored, look, python_version, seconds_since
from gateway.errors import KabarError
from gateway.jobs import Crew
from gateway.runtime import Runtime
from gateway.store import channels, figures, vitals
from gateway.store.base import Session
from gateway.values import OutboxState, Scope
from gateway.version import VERSION

COUNTRY = Scope("")
CACHED_SECONDS = 10.0  # two scrapes within this time are told the same
LAG = timedelta(seconds=15)  # a message may be committed so long after it was received, and is counted then
FARTHEST = timedelta(days=1)  # who was not asked for longer goes on from here: that is a restart of its counters
ANSWER_SECONDS = (1, 2, 5, 10, 30, 60, 300, 1800, 7200)  # edges of the histogram

logger = structlog.get_logger(__name__)


def serve(runtime: Runtime) -> None:
    """Tell the metrics where the settings say, from a thread beside the caller. A port that is taken is only logged."""
    address = runtime.settings.metrics_address
    if address is None:
        return
    registry = CollectorRegistry(auto_describe=False)
    registry.register(House(runtime))
    host, port = address
    try:
        start_http_server(port, host, registry)
    except OSError as error:  # another clock of this machine tells them already, or the address is not ours
        logger.warning("metrics_not_served", address=runtime.settings.metrics, why=str(error.strerror or error))


class Tally:
    """What has happened since this process began, counted on from look to look by the rows' own times."""

    def __init__(self, now: datetime) -> None:
        self._until = now - LAG
        self.received: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        self.answer_seconds: dict[str, list[float]] = {}  # the sum, then how many by bucket; the last has the rest

    def go_on(self, session: Session, names: tuple[str, ...], now: datetime) -> None:
        """Add what has happened since the last look."""
        from_at, until_at = max(self._until, now - LAG - FARTHEST), now - LAG
        if from_at >= until_at:
            return
        received = vitals.received_between(session, names, from_at, until_at)
        sent = vitals.sent_between(session, from_at, until_at)
        self._until = until_at
        self.received.update(received)
        for channel, seconds in sent:
            self.sent[channel] += 1
            if seconds is not None:
                buckets = self.answer_seconds.setdefault(channel, [0.0] * (len(ANSWER_SECONDS) + 2))
                buckets[0] += max(0.0, seconds)
                place = next(
                    (index for index, edge in enumerate(ANSWER_SECONDS) if seconds <= edge), len(ANSWER_SECONDS)
                )
                buckets[1 + place] += 1


class House(Collector):
    """All metrics of one house."""

    def __init__(self, runtime: Runtime, cached_seconds: float = CACHED_SECONDS) -> None:
        self._runtime = runtime
        self._cached_seconds = cached_seconds
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._found: tuple[Metric, ...] = ()
        self._tally = Tally(runtime.now())

    def collect(self) -> Iterator[Metric]:
        """Return the metrics, those of a moment ago where somebody has just asked."""
        with self._lock:
            if time.monotonic() - self._asked_at >= self._cached_seconds:
                self._found = tuple(self._ask())
                self._asked_at = time.monotonic()
            return iter(self._found)

    def _ask(self) -> Iterator[Metric]:
        condition = look(self._runtime)
        yield from _parts(condition)
        yield from _queues(condition.crews)
        yield from _doors(condition.counts, tuple({**self._runtime.channels, **self._runtime.ussd}))
        yield from _disk(self._runtime)
        yield from _safety(self._runtime, condition.at)
        if condition.stored is None:
            return
        yield from _waiting(condition, condition.stored)
        yield from _channels(condition, condition.stored, tuple(self._runtime.channels))
        try:
            with self._runtime.database.session(read_only=True) as session:
                yield from self._traffic(session, condition.at)
                yield from _months(session, self._runtime, condition.at)
                yield from _today(session, self._runtime, condition.at)
        except KabarError:  # it went away meanwhile: what was found stands
            return

    def _traffic(self, session: Session, now: datetime) -> Iterator[Metric]:
        names = tuple(self._runtime.channels)
        self._tally.go_on(session, names, now)
        received = CounterMetricFamily("kabar_received", "Messages received and kept.", labels=["channel"])
        sent = CounterMetricFamily("kabar_sent", "Messages that a provider took.", labels=["channel"])
        for name in names:
            received.add_metric([name], self._tally.received[name])
            sent.add_metric([name], self._tally.sent[name])
        yield received
        yield sent
        answers = HistogramMetricFamily(
            "kabar_answer_seconds", "From a message's receipt to its answer's sending.", labels=["channel"]
        )
        for name, (total, *counts) in self._tally.answer_seconds.items():
            edges = [*map(str, ANSWER_SECONDS), "+Inf"]
            so_far = [sum(counts[: index + 1]) for index in range(len(counts))]
            answers.add_metric([name], list(zip(edges, so_far, strict=True)), total)
        yield answers
        day = GaugeMetricFamily(
            "kabar_received_day",
            "Messages received in the last 24 hours, by where they stand.",
            labels=["channel", "state"],
        )
        for (channel, state), number in vitals.states_since(session, names, now - timedelta(days=1)).items():
            day.add_metric([channel, state], number)
        yield day


def _parts(condition: Condition) -> Iterator[Metric]:
    info = {"version": VERSION, "python": python_version(), "schema": condition.schema or ""}
    if condition.stored:
        info |= {"database": condition.stored.kind, "database_version": condition.stored.version}
    yield InfoMetricFamily("kabar_build", "What runs here.", info)
    yield _gauge("kabar_database_up", "Whether the database answers.", condition.is_database_up)
    yield _gauge(
        "kabar_migrations_ok", "Whether the database is at the version that this code needs.", condition.is_migrated
    )
    yield _gauge("kabar_redis_up", "Whether Redis answers.", condition.crews is not None)
    if condition.stored:
        yield _gauge("kabar_database_bytes", "Size of the database.", condition.stored.bytes)
        drift = condition.stored.drift.total_seconds()
        yield _gauge("kabar_clock_drift_seconds", "How far this machine's clock is ahead of the database's.", drift)


def _queues(crews: Mapping[str, Crew] | None) -> Iterator[Metric]:
    workers = GaugeMetricFamily("kabar_workers", "Worker processes of a queue, on all machines.", labels=["queue"])
    waiting = GaugeMetricFamily("kabar_jobs_waiting", "Rings that no worker has heard yet.", labels=["queue"])
    for name, crew in (crews or {}).items():
        workers.add_metric([name], crew.workers)
        waiting.add_metric([name], crew.waiting)
    yield workers
    yield waiting


def _doors(counts: Mapping[str, int], names: tuple[str, ...]) -> Iterator[Metric]:
    refused = CounterMetricFamily("kabar_refused", "Requests to a channel that were not authentic.", labels=["channel"])
    unkept = CounterMetricFamily("kabar_unkept", "Requests answered 503: not kept, to come again.", labels=["channel"])
    for name in names:
        refused.add_metric([name], counts.get(f"refused:{name}", 0))
        unkept.add_metric([name], counts.get(f"unkept:{name}", 0))
    yield refused
    yield unkept


def _disk(runtime: Runtime) -> Iterator[Metric]:
    try:
        found = shutil.disk_usage(runtime.settings.var)
    except OSError:
        return
    yield _gauge("kabar_disk_bytes", "Size of the disk that KABAR_VAR is on.", found.total)
    yield _gauge("kabar_disk_free_bytes", "What is free of it.", found.free)


def _safety(runtime: Runtime, now: datetime) -> Iterator[Metric]:
    spooled = runtime.spool.look()
    yield _gauge(
        "kabar_spool_waiting", "Deliveries in this machine's spool, for the database to take.", spooled.waiting
    )
    aside = spooled.corrupt + spooled.refused
    yield _gauge("kabar_spool_aside", "Deliveries in this machine's spool that somebody must look at.", aside)
    folder = runtime.settings.backups_folder
    try:
        newest = backup.newest_at(folder) if folder else None
    except OSError:
        return
    if newest is not None:
        yield _gauge("kabar_backup_age_seconds", "Since the newest backup was made.", (now - newest).total_seconds())


def _waiting(condition: Condition, stored: Stored) -> Iterator[Metric]:
    yield _gauge(
        "kabar_oldest_waiting_seconds", "Age of the oldest message not handled.", condition.waiting_seconds or 0
    )
    if condition.tick_seconds is not None:
        yield _gauge("kabar_clock_tick_seconds", "Since a clock said that it lives.", condition.tick_seconds)
    messages = GaugeMetricFamily("kabar_inbox_messages", "Messages that are not done, by state.", labels=["state"])
    for state, number in stored.inbox.items():
        messages.add_metric([state], number)
    yield messages
    undelivered = GaugeMetricFamily(
        "kabar_undelivered_messages", "Messages of the last 7 days that failed or may not have gone.", labels=["state"]
    )
    for state, number in stored.undelivered.items():
        undelivered.add_metric([state], number)
    yield undelivered
    errands = GaugeMetricFamily(
        "kabar_errands", "Exports, pushes and webhooks that wait, or failed lately.", labels=["kind", "state"]
    )
    for kind, numbers in stored.errands.items():
        for state, number in numbers.items():
            errands.add_metric([kind, state], number)
    yield errands


def _channels(condition: Condition, stored: Stored, names: tuple[str, ...]) -> Iterator[Metric]:
    outbox = GaugeMetricFamily("kabar_outbox_messages", "Messages to be sent, by state.", labels=["channel", "state"])
    ended = GaugeMetricFamily("kabar_leases_ended", "Sends whose sender died in the middle.", labels=["channel"])
    oldest = GaugeMetricFamily(
        "kabar_oldest_unsent_seconds", "Age of the oldest message that might go now.", labels=["channel"]
    )
    for name in {**dict.fromkeys(names), **stored.unsent}:
        one = stored.unsent.get(name, vitals.Unsent())
        outbox.add_metric([name, str(OutboxState.QUEUED)], one.queued)
        outbox.add_metric([name, str(OutboxState.SENDING)], one.sending)
        ended.add_metric([name], one.ended)
        oldest.add_metric([name], seconds_since(one.since, condition.at) or 0)
    yield outbox
    yield ended
    yield oldest
    well = GaugeMetricFamily("kabar_channel_well", "Whether its other side says that it is well.", labels=["channel"])
    looked = GaugeMetricFamily("kabar_channel_looked_seconds", "Since it was asked how it does.", labels=["channel"])
    heard = GaugeMetricFamily(
        "kabar_channel_heard_seconds", "Since its device gave a sign of life.", labels=["channel"]
    )
    signal = GaugeMetricFamily("kabar_channel_signal_percent", "Signal of its device.", labels=["channel"])
    battery = GaugeMetricFamily("kabar_channel_battery_percent", "Battery of its device.", labels=["channel"])
    for name, one_look in stored.looks.items():
        health = one_look.health
        well.add_metric([name], float(health.is_well))
        looked.add_metric([name], seconds_since(one_look.at, condition.at) or 0)
        levels = (
            (heard, seconds_since(health.heard_at, condition.at)),
            (signal, health.signal),
            (battery, health.battery),
        )
        for family, level in levels:
            if level is not None:
                family.add_metric([name], level)
    yield from (well, looked, heard, signal, battery)


def _months(session: Session, runtime: Runtime, now: datetime) -> Iterator[Metric]:
    """Tell how the month stands that is due, for the whole country of this house."""
    period = report_month(now.astimezone(ZoneInfo(runtime.settings.timezone)).date())
    states = GaugeMetricFamily(
        "kabar_month_facilities", "Facilities by how they reported the month that is due.", labels=["form", "state"]
    )
    for form in runtime.forms:
        there = sum(figures.count_there(session, form.code, period, month_days(period), "", scope=COUNTRY).values())
        counts = figures.counts_of(session, form.code, period, "", scope=COUNTRY).values()
        reported = sum(one.reported for one in counts)
        states.add_metric([form.code, "missing"], max(0, there - reported))
        states.add_metric([form.code, "reported"], reported)
        for name in ("on_time", "approved", "flagged", "waiting"):
            states.add_metric([form.code, name], sum(getattr(one, name) for one in counts))
    yield states


def _today(session: Session, runtime: Runtime, now: datetime) -> Iterator[Metric]:
    midnight = now.astimezone(ZoneInfo(runtime.settings.timezone)).replace(hour=0, minute=0, second=0, microsecond=0)
    yield _gauge("kabar_reminders_today", "Reminders queued today.", vitals.count_reminders(session, midnight))
    silent = GaugeMetricFamily(
        "kabar_channel_silent",
        "Whether nothing comes by a channel at a time when much came before.",
        labels=["channel"],
    )
    names = tuple(runtime.channels)
    found = {one.name for one in channels.find_silent(session, now, scope=COUNTRY, names=names)}
    for name in names:
        silent.add_metric([name], float(name in found))
    yield silent


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=float(value))
