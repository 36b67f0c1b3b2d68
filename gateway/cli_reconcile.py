"""The command that asks providers what they had and Kabar has not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import click

from gateway.cli_staff import say, start
from gateway.receive.reconcile import AFTER_OUTAGE, Outcome, reconcile, tick_of
from gateway.runtime import Runtime
from gateway.store import channels


@click.command("reconcile")
@click.option("--channel", "names", multiple=True, help="Kanal ini saja / this channel only.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]), help="Sejak / since: 2025-10-01.")
def command(names: Sequence[str], since: datetime | None) -> None:
    """Tanya penyedia apa yang tidak sampai, lalu ambil. / Ask providers for what never came, and fetch it."""
    runtime = start()
    if unknown := [name for name in names if name not in runtime.channels]:
        known = ", ".join(runtime.channels)
        raise click.BadParameter(f"{unknown[0]} tidak ada / is none; ada / there are: {known}", param_hint="--channel")
    faults = 0
    for name in names or runtime.channels:
        channel = runtime.channels[name]
        if channel.looks_back_every is None:
            say(
                f"{name}: penyedianya tidak bisa ditanya (docs/reconciling.md).",
                f"{name}: its provider cannot be asked (docs/reconciling.md).",
            )
            continue
        outcome = reconcile(runtime.database, runtime.bells, channel, _since(runtime, name, since), runtime.now())
        _tell(outcome)
        faults += bool(outcome.fault)
    if faults:
        click.get_current_context().exit(1)


def _since(runtime: Runtime, name: str, given: datetime | None) -> datetime:
    """Return since when: as given, on this office's clock, else a day before what was looked at last."""
    if given is not None:
        return given.replace(tzinfo=ZoneInfo(runtime.settings.timezone)).astimezone(UTC)
    with runtime.database.session(read_only=True) as session:
        last = channels.last_tick(session, tick_of(name))
    return (last or runtime.now()) - AFTER_OUTAGE


def _tell(outcome: Outcome) -> None:
    name, new = outcome.channel, len(outcome.found)
    since = f"{outcome.since:%Y-%m-%d %H:%M} UTC"
    if outcome.fault:
        say(f"{name}: tidak bisa ditanya: {outcome.fault}", f"{name}: could not be asked: {outcome.fault}")
    if outcome.is_coming:
        say(
            f"{name}: diminta mengirim ulang semuanya sejak {since}; yang sudah ada tidak dihitung dua kali.",
            f"{name}: was asked to send all since {since} once more; what is here already is not counted twice.",
        )
    else:
        say(
            f"{name}, sejak {since}: {outcome.seen} terlihat, {outcome.seen - new} sudah ada, {new} baru disimpan",
            f"{name}, since {since}: {outcome.seen} seen, {outcome.seen - new} kept before, {new} missing and kept now",
        )
    for trace_id in outcome.found:
        click.echo(trace_id)
    if outcome.settled:
        say(
            f"{name}: {outcome.settled} yang 'unsure' ternyata terkirim atau gagal",
            f"{name}: {outcome.settled} that were 'unsure' are settled",
        )
    if outcome.strange:
        say(
            f"{name}: {outcome.strange} SMS terkirim di sana yang bukan dari Kabar (docs/reconciling.md)",
            f"{name}: {outcome.strange} SMS were sent there that are none of Kabar's (docs/reconciling.md)",
        )
