"""The command line: what an operator, a developer or a newcomer can ask of Kabar."""

from __future__ import annotations

import json
import logging
import os
import runpy
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
import structlog

from gateway import (
    checkup,
    cli_backup,
    cli_export,
    cli_privacy,
    cli_reconcile,
    cli_registry,
    cli_remind,
    cli_staff,
    cli_users,
    cli_ussd,
    demo,
    demo_days,
    jobs,
    supervise,
)
from gateway.channels import http, simulator
from gateway.cli_staff import say
from gateway.cli_usage import Commands
from gateway.errors import KabarError, Misconfigured, Unavailable
from gateway.forms import load_forms
from gateway.instances import parse_channels
from gateway.redact import Secret
from gateway.runtime import Runtime, get_runtime, make_runtime, start_logging, utc_now
from gateway.settings import (
    Settings,
    adopt_environment,
    child_environment,
    describe_settings,
    phone_server,
    read_settings,
)
from gateway.store import schema
from gateway.version import VERSION
from parsers.explain import explain
from parsers.form import Form
from parsers.read import read_message
from parsers.report_json import as_json
from workers import clock, process, smpp

ROOT = Path(__file__).resolve().parents[1]
ANSWER_SECONDS = 30.0  # how long `kabar sms` waits for an answer
CLOCK = "clock"
WITH_ERRANDS = "--with-errands"  # of `kabar clock`: what nobody waits for needs no process of its own
WEB = "web"
HERE = "--here"  # of `kabar web`: in this very process
SMPP = "smpp"  # the adapter, and its line of the Procfile, which has nothing to do without it
VERDICTS = {"ok": "baik/ok ", "advice": "saran   ", "mend": "PERIKSA "}  # how a line of `doctor` begins
LOOK_SECONDS = 0.2  # and how often it looks


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(VERSION, message="%(version)s")
def kabar() -> None:
    """Laporan KB lewat SMS dan USSD. / Family-planning reports by SMS and USSD."""


def _start(name: str) -> Runtime:
    settings = read_settings()
    start_logging(settings, name)
    return get_runtime()  # the one that its jobs have, too


@kabar.command("demo")
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Port halaman / the pages' port (default KABAR_PORT, 8000)."
)
def run_demo(port: int | None) -> None:
    """Coba semuanya di komputer ini. / Try everything on this machine."""
    settings, environ = _read_for_all({"KABAR_DEMO": "1"}, port)
    with supervise.hold_folder(settings.var):
        _check_port(settings)
        say("Menyiapkan basis data ...", "Preparing the database ...")
        schema.upgrade(settings.database)
        runtime = make_runtime(settings)
        with runtime.database.session() as session:
            if demo.load(session, runtime.now()):
                say("Memuat data contoh ...", "Loading sample data ...")
                quiet = structlog.make_filtering_bound_logger(logging.WARNING)
                structlog.configure(wrapper_class=quiet)  # a newcomer need not read what each made-up message came to
                demo_days.play(session, runtime.rules, runtime.now())
            session.commit()
        runtime.database.dispose()
        structlog.reset_defaults()
        sys.exit(_supervise(settings, environ, lambda: _welcome(settings)))


@kabar.command("run")
@click.option("--port", type=click.IntRange(1, 65535), help="Port halaman / the pages' port (default KABAR_PORT).")
def run_all(port: int | None) -> None:
    """Jalankan semua proses sekaligus, hemat memori. / Run all processes at once, in little memory.

    Untuk satu komputer kecil / for one small machine. Jalankan dulu / run first: ./kabar migrate
    """
    settings, environ = _read_for_all({}, port)
    with supervise.hold_folder(settings.var):
        _check_port(settings)
        address = f"http://{settings.host}:{settings.port}"
        sys.exit(_supervise(settings, environ, lambda: say(f"Kabar berjalan: {address}", f"Kabar runs: {address}")))


def _read_for_all(changes: dict[str, str], port: int | None) -> tuple[Settings, dict[str, str]]:
    """Return the settings of all processes on one small machine, and their environment: one process serves the web."""
    changes |= {"KABAR_PORT": str(port)} if port else {}
    settings = read_settings(child_environment(changes))
    if "web_processes" not in settings.model_fields_set:
        changes |= {"KABAR_WEB_PROCESSES": "1"}
    settings.make_var()
    return settings, child_environment(changes)


def _check_port(settings: Settings) -> None:
    if not supervise.is_port_free(settings.host, settings.port):
        fault = f"port {settings.port} sudah dipakai / is taken: coba / try --port {settings.port + 1}"
        raise Misconfigured({"KABAR_PORT": fault})


def _supervise(settings: Settings, environ: dict[str, str], announce: Callable[[], None]) -> int:
    first: list[supervise.Process] = []
    if settings.is_embedded:
        server = supervise.EmbeddedServer(settings.var, environ)
        server.stop_leftover()
        environ |= {"KABAR_REDIS_URL": server.url}
        first = [server.process()]
    watch = supervise.Supervisor([*first, *processes_of(settings, environ)], sys.stderr)
    return watch.run(lambda: not supervise.is_port_free(settings.host, settings.port), announce)


def processes_of(settings: Settings, environ: dict[str, str]) -> list[supervise.Process]:
    """Return the Procfile's processes for one small machine: none that has nothing to do, the errands in the clock's.

    Where the system allows it they are forks of this process: what all have loaded is in memory once.
    """
    adapters = {channel.adapter for channel in parse_channels(settings.channels)}
    unused = {jobs.ERRANDS} | ({SMPP} - adapters)
    wanted = [one for one in supervise.read_procfile(ROOT / "Procfile", environ) if one.name not in unused]
    more = {CLOCK: WITH_ERRANDS, **({WEB: HERE} if sys.platform == "linux" else {})}
    found = [replace(one, command=(*one.command, more[one.name])) if one.name in more else one for one in wanted]
    return [_as_fork(one) for one in found] if sys.platform == "linux" else found


def _as_fork(process: supervise.Process) -> supervise.Process:
    def run() -> None:
        adopt_environment(process.environ)
        main(process.command[3:])  # after: python -m gateway.cli

    return replace(process, run=run)


def _welcome(settings: Settings) -> None:
    address = f"http://{settings.host}:{settings.port}"
    midwives = "\n".join(f"    {one.phone}  {one.name}, {one.facility}" for one in demo.printed_midwives())
    first = demo.printed_midwives()[0].phone
    port = "" if settings.port == 8000 else f" --url {address}"
    text = "KB 0925 BARU 12 AKTIF 40 PIL 30"
    click.echo(
        f"""
Kabar berjalan. Buka / Kabar is running. Open:
    {address}/          halaman dan telepon / pages and phone
    {address}/readyz    keadaan / health
Masuk / sign in: {address}/login  satu klik sebagai pengguna contoh / one click as a sample user
Bidan contoh / sample midwives:
{midwives}
Atau dari terminal lain / or from a second terminal:
    ./kabar sms{port} --from {first} "{text}"
    ./kabar ussd{port} --from {first}
Berhenti / stop: Ctrl-C
"""
    )


@kabar.command("web")
@click.option("--port", type=click.IntRange(1, 65535), help="Default: KABAR_PORT.")
@click.option(HERE, "is_here", is_flag=True, hidden=True)
def run_web(port: int | None, is_here: bool) -> None:
    """Jalankan server web. / Run the web server."""
    settings = read_settings()
    make_runtime(settings)  # what is wrong is told here, in a sentence, and not by each process of gunicorn
    arguments = [
        *("gateway.app:start_app()", "--worker-class", "gthread"),
        *("--bind", f"{settings.host}:{port or settings.port}"),
        *("--workers", str(settings.web_processes), "--threads", str(settings.web_threads)),
        *("--no-control-socket", "--limit-request-line", "8190", "--graceful-timeout", "10", "--log-level", "warning"),
    ]
    os.chdir(ROOT)
    if is_here:  # a fork, which has everything loaded
        sys.argv = ["gunicorn", *arguments, "--preload"]
        runpy.run_module("gunicorn", run_name="__main__")
    os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *arguments])  # noqa: S606  our own Python, no shell


@kabar.command("work")
@click.argument("queue", type=click.Choice(sorted(jobs.QUEUES)))
def run_worker(queue: str) -> None:
    """Jalankan satu pekerja. / Run one worker."""
    sys.exit(process.run(_start(queue), queue))


@kabar.command("clock")
@click.option(WITH_ERRANDS, is_flag=True, help="Kerjakan juga antrean errands / do the errands, too.")
def run_clock(with_errands: bool) -> None:
    """Jalankan jam yang menyapu tiap detik. / Run the clock, which sweeps every second."""
    runtime = _start(CLOCK)
    if with_errands:
        sys.exit(clock.run_beside(runtime, lambda: process.run(runtime, jobs.ERRANDS)))
    clock.run(runtime)


@kabar.command("smpp")
def run_smpp() -> None:
    """Jalankan saluran SMPP. / Run the SMPP channels: hold their links, take and send messages."""
    runtime = _start("smpp")
    if not smpp.channels_of(runtime):
        say(
            "Tidak ada saluran SMPP di KABAR_CHANNELS; tidak ada yang perlu dijalankan.",
            "There is no SMPP channel in KABAR_CHANNELS; there is nothing to run.",
        )
        return
    sys.exit(smpp.run(runtime))


@kabar.command("migrate")
def migrate() -> None:
    """Siapkan atau perbarui basis data. / Create or update the database."""
    settings = read_settings()
    settings.make_var()
    schema.upgrade(settings.database)
    say(
        f"Basis data siap, versi {schema.newest_version()}.",
        f"The database is ready, version {schema.newest_version()}.",
    )


@kabar.command("doctor")
@click.option(
    "--online", "is_online", is_flag=True, help="Tanyakan juga KABAR_PUBLIC_URL. / Ask our public address too."
)
@click.option("--json", "is_json", is_flag=True, help="Satu JSON, untuk pemantau. / One JSON, for a monitor.")
def doctor(*, is_online: bool, is_json: bool) -> None:
    """Periksa semuanya dan katakan apa yang perlu diperbaiki. / Check everything and say what to mend."""
    checks = []
    for check in checkup.check_all(is_online=is_online):
        checks.append(check)
        if not is_json:
            click.echo(f"{VERDICTS[check.verdict]} {check.name}: {check.words}")
    sick = sum(not check.is_well for check in checks)
    if is_json:
        rows = [{"name": one.name, "verdict": one.verdict, "words": one.words} for one in checks]
        click.echo(json.dumps({"well": not sick, "checks": rows}, ensure_ascii=False))
    elif sick:
        say(f"{sick} hal perlu diperbaiki.", f"{sick} to mend.")
    else:
        say("Semuanya baik.", "All is well.")
    sys.exit(1 if sick else 0)


@kabar.command("settings")
def show_settings() -> None:
    """Tulis halaman setelan (docs/settings.md). / Write the settings page."""
    click.echo(checkup.settings_page(describe_settings()), nl=False)


@kabar.command("parse")
@click.option("--explain", "text", help="Jelaskan satu pesan / explain one message.")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="Hari pesan dikirim / the day it was sent (--explain).")
def parse(text: str | None, on: datetime | None) -> None:
    """Baca pesan tanpa basis data: satu JSON per baris. / Read messages without a database: one JSON a line.

    Masuk / in: {"id": "1", "text": "KB 0925 BARU 12 AKTIF 40", "on": "2025-10-03"}
    """
    forms = load_forms()
    today = utc_now().date()
    if text is not None:
        click.echo("\n".join(explain(text, on.date() if on else today, forms)))
        return
    for line in sys.stdin.buffer:
        if line.strip():
            click.echo(json.dumps(_parse_line(line, forms, today), ensure_ascii=True))


@kabar.command("sms")
@click.option("--from", "sender", required=True, help="Nomor bidan / a midwife's number: 0812...")
@click.option("--url", help="Server; default KABAR_URL, atau / or http://127.0.0.1:8000.")
@click.option("--wait", default=ANSWER_SECONDS, show_default=True, help="Detik menunggu jawaban / seconds to wait.")
@click.argument("text")
def send_sms(sender: str, url: str | None, wait: float, text: str) -> None:
    """Kirim satu SMS seperti dari telepon, tunggu jawabannya. / Send one SMS as a phone would, wait for its answer."""
    var, address = phone_server(url)
    sys.exit(_converse(address, simulator.read_secret(var), sender, text, wait))


for group in (
    *cli_staff.GROUPS,
    *cli_users.GROUPS,
    *cli_registry.GROUPS,
    cli_remind.remind,
    cli_export.export,
    *cli_privacy.GROUPS,
    cli_ussd.ussd,
    *cli_backup.COMMANDS,
    cli_reconcile.command,
):
    kabar.add_command(group)


def _parse_line(line: bytes, forms: Sequence[Form], today: date) -> dict[str, Any]:
    """Return what one line is read as; a line that is no such message says so in `fault`, and the next ones go on."""
    try:
        given = json.loads(line)
        text, day = given["text"], given.get("on")
        on = date.fromisoformat(day) if day else today
        if not isinstance(text, str):
            raise TypeError("text is no string")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        fault = f"each line must be JSON with id, text, on (YYYY-MM-DD): {type(error).__name__}"
        return {"id": None, "kind": "text", "clean": False, "command": None, "reports": [], "fault": fault}
    return {"id": given.get("id")} | as_json(read_message(text, on, forms))


def _converse(address: str, secret: Secret, sender: str, text: str, seconds: float) -> int:
    """Hand in a message as a phone would and print its answer; return the exit status: 0 answered, 1 not."""
    client, message_id = http.HttpClient(), f"cli-{secrets.token_hex(8)}"
    answer = simulator.call(client, address, simulator.write_request(secret, message_id, sender, text))
    if answer.status != 200:
        say(f"Server menolak ({answer.status}): {answer.text}", f"The server refused ({answer.status}): {answer.text}")
        return 1
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = simulator.call(client, address, simulator.write_question(secret, message_id))
        shown = json.loads(answer.text) if answer.status == 200 else {"state": "unknown"}
        if shown["state"] in {"sent", "delivered"}:
            click.echo(shown["text"])
            return 0
        if shown["state"] in {"withheld", "failed", "unsure"}:
            why = f"{shown['state']} {shown['reason']}"
            say(f"Tidak dijawab: {why}", f"Not answered: {why}")
            return 1
        time.sleep(LOOK_SECONDS)
    say("Belum ada jawaban; pesan sudah tersimpan.", "No answer yet; the message is kept. Is a worker running?")
    return 1


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line: every fault of the caller's is a sentence, never a stack trace."""
    try:
        kabar(arguments, prog_name="kabar")
    except Misconfigured as error:
        say("Setelan perlu diperbaiki:", "These settings must be mended:")
        for name, fault in error.faults.items():
            click.echo(f"  {name}: {fault}", err=True)
        sys.exit(2)
    except Unavailable as error:
        say(
            "kabar: basis data tidak bisa dipakai; ./kabar doctor mengatakan apa yang perlu diperbaiki.",
            f"kabar: {error}; ./kabar doctor says what to mend.",
        )
        sys.exit(1)
    except KabarError as error:
        click.echo(f"kabar: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        if error.filename is None:  # no file's, so ours
            raise
        fault = f"kabar: {error.filename}: {os.strerror(error.errno or 0)}"
        say(f"{fault}; lihat ./kabar doctor.", f"{fault}; see ./kabar doctor.")
        sys.exit(1)


if __name__ == "__main__":
    main()
