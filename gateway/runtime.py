"""The one place that wires: settings into a database, bells, channels and forms. The only reader of the clock."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import structlog

from gateway import jobs, redact, supervise
from gateway.channels.base import SmsChannel, Surroundings, make_channel
from gateway.channels.ussd.base import UssdChannel, make_ussd
from gateway.discover import discover
from gateway.errors import Misconfigured
from gateway.forms import load_forms, load_ladders
from gateway.handle.facts import Rules
from gateway.instances import parse_channels
from gateway.remind.ground import Ways
from gateway.reply.wordings import Wording, load_wordings
from gateway.settings import Settings, read_settings
from gateway.spool import Spool, open_spool
from gateway.store.base import Database
from gateway.store.way_back import Outgoing
from parsers.form import Form

SIMULATOR = "simulator"
BESIDE_REAL = (
    "simulator tidak bisa dijalankan bersama kanal sungguhan, kecuali peragaan dengan KABAR_DEMO=1"
    " / the simulator does not start beside a real channel; KABAR_DEMO=1 allows it for a demonstration"
)


@dataclass(frozen=True, slots=True)
class Runtime:
    """Everything that an edge needs to do its work."""

    settings: Settings
    database: Database
    bells: jobs.Bells
    channels: Mapping[str, SmsChannel]
    ussd: Mapping[str, UssdChannel]
    forms: tuple[Form, ...]
    wordings: Mapping[str, Wording]

    @property
    def spool(self) -> Spool:
        """Return where this machine keeps what the database cannot take."""
        return open_spool(self.settings.spool_folder)

    @property
    def rules(self) -> Rules:
        """Return what handling needs to know of forms, sentences and settings."""
        chosen = self.settings
        return Rules(
            forms=self.forms,
            wordings=self.wordings,
            main_form=chosen.main_form,
            language=chosen.language,
            timezone=chosen.timezone,
            region=chosen.region,
            answers_per_hour=chosen.answers_per_hour,
            answers_per_day_unregistered=chosen.answers_per_day_unregistered,
            answers_per_hour_unregistered=chosen.answers_per_hour_unregistered,
            question_hours=chosen.question_hours,
            ladders=load_ladders(),
            outgoing=self.outgoing,
            ussd_confirms_by_sms=chosen.ussd_confirms_by_sms,
        )

    @property
    def ways(self) -> Ways:
        """Return what reminders need to know of rules and channels."""
        return Ways(self.rules, tuple(self.channels), self.only_bound)

    @property
    def outgoing(self) -> Outgoing:
        """Return by which channels SMS go out, and by which none does."""
        ussd = frozenset(self.ussd) - frozenset(self.channels)
        return Outgoing(tuple(self.channels), self.only_bound, ussd, self.settings.routes_by_prefix)

    @property
    def only_bound(self) -> frozenset[str]:
        """Return the channels that write only to who is bound to them: a simulator that stands beside real channels."""
        adapters = {instance.name: instance.adapter for instance in parse_channels(self.settings.channels)}
        simulators = frozenset(name for name, adapter in adapters.items() if adapter == SIMULATOR)
        return frozenset() if len(simulators) == len(adapters) else simulators

    def now(self) -> datetime:
        """Return this machine's clock, in UTC. Leases go by the database's own (`store.base.database_now`)."""
        return utc_now()


def utc_now() -> datetime:
    """Return this machine's clock."""
    return datetime.now(UTC)


def make_runtime(settings: Settings) -> Runtime:
    """Return the wired parts; nothing is connected to yet. Errors: Misconfigured with every mistake at once."""
    settings.make_var()
    return Runtime(
        settings=settings,
        database=Database(settings.database),
        bells=jobs.Bells(jobs.connect(redis_address(settings))),
        channels=make_channels(settings),
        ussd=make_ussd_channels(settings),
        forms=make_forms(settings),
        wordings=load_wordings(),
    )


def make_forms(settings: Settings) -> tuple[Form, ...]:
    """Return the forms. Errors: Misconfigured when the main one is not among them."""
    forms = load_forms()
    if settings.main_form not in {form.code for form in forms}:
        known = ", ".join(form.code for form in forms)
        fault = f"tidak ada formulir / there is no form {settings.main_form!r}: {known}"
        raise Misconfigured({"KABAR_MAIN_FORM": fault})
    return forms


@cache
def get_runtime() -> Runtime:
    """Return this process's runtime, made from its environment at the first call."""
    return make_runtime(read_settings())


def redis_address(settings: Settings) -> str:
    """Return the address of Redis: the one that is set, or the embedded server's."""
    return settings.redis_url or supervise.EmbeddedServer(settings.var, {}).url


def make_channels(settings: Settings) -> dict[str, SmsChannel]:
    """Return the configured channels by name.

    Errors: Misconfigured names every wrong option, an adapter that is not there, a simulator beside real channels.
    """
    adapters = discover("gateway.channels", having=("SETTINGS", "make"))
    surroundings = surroundings_of(settings)
    instances = parse_channels(settings.channels)
    made: dict[str, SmsChannel] = {}
    faults: dict[str, str] = {}
    for instance in instances:
        if instance.adapter not in adapters:
            known = ", ".join(adapters)
            faults["KABAR_CHANNELS"] = f"tidak ada kanal / there is no channel {instance.adapter!r}: {known}"
            continue
        try:
            options = settings.channel_options.get(instance.name, {})
            adapter: Any = adapters[instance.adapter]
            made[instance.name] = make_channel(adapter, instance.name, options, surroundings)
        except Misconfigured as error:
            faults |= error.faults
    kinds = {instance.adapter for instance in instances}
    if SIMULATOR in kinds and kinds != {SIMULATOR} and not settings.demo:
        faults["KABAR_CHANNELS"] = BESIDE_REAL
    if faults:
        raise Misconfigured(faults)
    return made


def make_ussd_channels(settings: Settings) -> dict[str, UssdChannel]:
    """Return the configured USSD service codes by name.

    Errors: Misconfigured names every wrong option, and a dialect that is not there.
    """
    dialects = discover("gateway.channels.ussd", having=("SETTINGS", "make"))
    made: dict[str, UssdChannel] = {}
    faults: dict[str, str] = {}
    phones = [one for one in parse_channels(settings.channels) if one.adapter == SIMULATOR]  # they dial, too
    for instance in (*parse_channels(settings.ussd), *phones):
        if instance.adapter not in dialects:
            known = ", ".join(dialects)
            faults["KABAR_USSD"] = f"tidak ada dialek / there is no dialect {instance.adapter!r}: {known}"
            continue
        try:
            dialect: Any = dialects[instance.adapter]
            options = settings.channel_options.get(instance.name, {})
            made[instance.name] = make_ussd(dialect, instance.name, options, surroundings_of(settings))
        except Misconfigured as error:
            faults |= error.faults
    is_real = any(one.adapter != SIMULATOR for one in parse_channels(settings.channels))
    if is_real and not settings.demo and SIMULATOR in {one.adapter for one in parse_channels(settings.ussd)}:
        faults["KABAR_USSD"] = BESIDE_REAL
    if faults:
        raise Misconfigured(faults)
    return made


def surroundings_of(settings: Settings) -> Surroundings:
    """Return what channels need to know of the house."""
    return Surroundings(
        public_url=settings.public_url,
        var_folder=settings.var.absolute(),
        region=settings.region,
        is_demo=settings.demo,
        local_url=f"http://127.0.0.1:{settings.port}",
        timezone=settings.timezone,
    )


def start_logging(settings: Settings, process: str) -> None:
    """Write one line per event to standard error, phones masked and secrets hidden whatever anybody logs."""
    is_plain = settings.log == "plain" or (settings.log == "auto" and sys.stderr.isatty())
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
        if is_plain
        else structlog.processors.JSONRenderer()
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        lambda _logger, _method, event: {"process": process} | event,  # in every thread; a context is one thread's own
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact,
        *([_show_control_marks] if is_plain else []),  # JSON escapes them by itself
    ]
    structlog.configure(processors=[*shared, renderer], logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    handler = logging.StreamHandler(sys.stderr)  # what libraries log goes the same way
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processors=[_drop_meta, renderer], foreign_pre_chain=shared)
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def _redact(_logger: Any, _method: str, event: Any) -> Any:
    return redact.redact(event)


def _show_control_marks(_logger: Any, _method: str, event: Any) -> Any:
    """Let nobody who is quoted in a log end its line, begin another one, or colour the terminal."""
    return {_escape(name): _escape(value, may_break=name == "exception") for name, value in event.items()}


def _escape(value: Any, *, may_break: bool = False) -> Any:
    if not isinstance(value, str):
        return value
    if may_break:
        return "\n".join(f"    {_escape(line)}" for line in value.split("\n"))
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in value)


def _drop_meta(logger: Any, method: str, event: Any) -> Any:
    return structlog.stdlib.ProcessorFormatter.remove_processors_meta(logger, method, event)
