"""The command line: what an operator, a developer or a newcomer can ask of Kabar."""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from gateway import checkup, demo, jobs, supervise
from gateway.channels import http, simulator
from gateway.enrol import approve
from gateway.errors import KabarError, Malformed, Misconfigured
from gateway.forms import load_forms
from gateway.redact import Secret
from gateway.runtime import Runtime, make_runtime, start_logging, utc_now
from gateway.settings import Settings, child_environment, describe_settings, phone_server, read_settings
from gateway.store import inbox, outbox, reporters, schema
from gateway.values import HttpRequest, find_phone, lane_of
from parsers.explain import explain
from parsers.form import Form
from parsers.read import read_message
from parsers.report_json import as_json
from workers import clock, process

ROOT = Path(__file__).resolve().parents[1]
ANSWER_SECONDS = 30.0  # how long `kabar sms` waits for an answer
LOOK_SECONDS = 0.2  # and how often it looks


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def kabar() -> None:
    """Laporan KB lewat SMS dan USSD. / Family-planning reports by SMS and USSD."""


def say(indonesian: str, english: str) -> None:
    """Say something to whoever sits at the terminal, in both languages."""
    click.echo(f"{indonesian}\n{english}", err=True)


def _start(name: str) -> Runtime:
    settings = read_settings()
    start_logging(settings, name)
    return make_runtime(settings)


@kabar.command("demo")
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Port halaman / the pages' port (default KABAR_PORT, 8000)."
)
def run_demo(port: int | None) -> None:
    """Coba semuanya di komputer ini. / Try everything on this machine."""
    changes = {"KABAR_PORT": str(port)} if port else {}
    settings = read_settings(child_environment(changes))
    settings.make_var()
    with supervise.hold_folder(settings.var):
        if not supervise.is_port_free(settings.host, settings.port):
            fault = f"port {settings.port} sudah dipakai / is taken: coba / try --port {settings.port + 1}"
            raise Misconfigured({"KABAR_PORT": fault})
        say("Menyiapkan basis data ...", "Preparing the database ...")
        schema.upgrade(settings.database)
        runtime = make_runtime(settings)
        with runtime.database.session() as session:
            if demo.load(session, runtime.now()):
                say("Memuat data contoh ...", "Loading sample data ...")
            session.commit()
        runtime.database.dispose()
        sys.exit(_supervise(settings, child_environment(changes)))


def _supervise(settings: Settings, environ: dict[str, str]) -> int:
    processes = list(supervise.read_procfile(ROOT / "Procfile", environ))
    if settings.is_embedded:
        server = supervise.EmbeddedServer(settings.var, environ)
        server.stop_leftover()
        environ |= {"KABAR_REDIS_URL": server.url}
        processes = [server.process(), *supervise.read_procfile(ROOT / "Procfile", environ)]
    watch = supervise.Supervisor(processes, sys.stderr)
    return watch.run(lambda: not supervise.is_port_free(settings.host, settings.port), lambda: _welcome(settings))


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
Masuk / login: belum perlu, halaman hanya menjawab komputer ini / none yet, the pages answer this machine only.
Bidan contoh / sample midwives:
{midwives}
Atau dari terminal lain / or from a second terminal:
    ./kabar sms{port} --from {first} "{text}"
Berhenti / stop: Ctrl-C
"""
    )


@kabar.command("web")
@click.option("--port", type=click.IntRange(1, 65535), help="Default: KABAR_PORT.")
def run_web(port: int | None) -> None:
    """Jalankan server web. / Run the web server."""
    settings = read_settings()
    arguments = [
        *(sys.executable, "-m", "gunicorn", "gateway.app:start_app()", "--worker-class", "gthread"),
        *("--bind", f"{settings.host}:{port or settings.port}"),
        *("--workers", str(settings.web_processes), "--threads", str(settings.web_threads)),
        *("--no-control-socket", "--limit-request-line", "8190", "--graceful-timeout", "10", "--log-level", "warning"),
    ]
    os.chdir(ROOT)
    os.execv(sys.executable, arguments)  # noqa: S606  our own Python, no shell


@kabar.command("work")
@click.argument("queue", type=click.Choice(sorted(jobs.QUEUES)))
def run_worker(queue: str) -> None:
    """Jalankan satu pekerja. / Run one worker."""
    sys.exit(process.run(_start(queue), queue))


@kabar.command("clock")
def run_clock() -> None:
    """Jalankan jam yang menyapu tiap detik. / Run the clock, which sweeps every second."""
    clock.run(_start("clock"))


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
def doctor() -> None:
    """Periksa semuanya dan katakan apa yang perlu diperbaiki. / Check everything and say what to mend."""
    checks = []
    for check in checkup.check_all():
        checks.append(check)
        click.echo(f"{'baik/ok ' if check.is_well else 'PERIKSA '} {check.name}: {check.words}")
    sick = sum(not check.is_well for check in checks)
    if sick:
        say(f"{sick} hal perlu diperbaiki.", f"{sick} to mend.")
        sys.exit(1)
    say("Semuanya baik.", "All is well.")


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
    sys.exit(_Phone(address, simulator.read_secret(var)).converse(sender, text, wait))


@kabar.group("reporters")
def reporters_group() -> None:
    """Bidan yang boleh melapor. / Who may report."""


@reporters_group.command("list")
def list_registrations() -> None:
    """Pendaftaran yang menunggu. / Registrations that wait."""
    runtime = _start("cli")
    with runtime.database.session(read_only=True) as session:
        for one in reporters.waiting_registrations(session):
            old = f"  ganti/instead of {one.old_phone}" if one.old_phone else ""
            click.echo(f"{one.phone}  {one.asked_at:%Y-%m-%d %H:%M}  {one.channel}  {one.words!r}{old}")


@reporters_group.command("approve")
@click.argument("phone")
@click.option("--name", help="Nama bidan / the midwife's name.")
@click.option("--facility", "codes", multiple=True, help="Kode faskes 9 angka / facility code, 9 digits.")
@click.option("--language", default="id", type=click.Choice(["id", "en"]))
@click.option("--move", is_flag=True, help="Ganti HP / the phone takes its owner's old one's place.")
def approve_reporter(phone: str, name: str | None, codes: Sequence[str], language: str, move: bool) -> None:
    """Setujui satu nomor; pesannya yang tertahan lalu dibaca. / Approve a number; what it sent is then read."""
    runtime = _start("cli")
    number = find_phone(phone, runtime.settings.region)
    if number is None:
        raise click.BadParameter(f"{phone} bukan nomor ponsel / is no mobile number", param_hint="PHONE")
    if not move and not (name and codes):
        raise click.UsageError("--name dan/and --facility, atau/or --move")
    notices = approve.Notices(runtime.wordings, runtime.rules.form(runtime.settings.main_form), runtime.now())
    with runtime.database.session() as session:
        if move:
            held = approve.approve_move(session, number, notices)
        else:
            held = approve.approve(session, number, name or "", codes, language, notices)
        session.commit()
    runtime.bells.ring(jobs.INBOUND, lane_of(number))
    say(
        f"{number} disetujui. {held} pesan tertahan dibaca sekarang.",
        f"{number} approved. {held} held messages are read.",
    )


@kabar.group("messages")
def messages_group() -> None:
    """Pesan yang perlu petugas. / Messages that need staff."""


@messages_group.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10000))
def list_messages(limit: int) -> None:
    """Pesan masuk yang menunggu petugas, dan kiriman yang gagal atau tak pasti. / What waits for staff, in and out."""
    runtime = _start("cli")
    with runtime.database.session(read_only=True) as session:
        for one in inbox.latest_messages(session, states=("dead", "for_staff", "held"), limit=limit):
            said = f"{one.sender}  {one.text!r}  {one.fault or ''}"
            click.echo(f"in  {one.id}  {one.state}  {one.received_at:%Y-%m-%d %H:%M}  {said}")
        for sent in outbox.latest_by_state(session, ("failed", "unsure"), limit):
            said = f"{sent.recipient}  {sent.text!r}  {sent.fault_code or ''} {sent.fault or ''}"
            click.echo(f"out {sent.id}  {sent.state}  {sent.created_at:%Y-%m-%d %H:%M}  {said}")


@messages_group.command("again")
@click.argument("message_id", type=int)
def handle_again(message_id: int) -> None:
    """Baca lagi satu pesan masuk (dead, for_staff, held). / Handle a received message anew."""
    runtime = _start("cli")
    with runtime.database.session() as session:
        message = inbox.put_back_one(session, message_id)
        session.commit()
    if message is None:
        raise Malformed(f"pesan {message_id} tidak menunggu petugas / message {message_id} does not wait for staff")
    runtime.bells.ring(jobs.INBOUND, message.lane)
    say(f"Pesan {message_id} dibaca lagi.", f"Message {message_id} is handled anew.")


@messages_group.command("send")
@click.argument("message_id", type=int)
def send_again(message_id: int) -> None:
    """Kirim lagi satu jawaban yang gagal atau tak pasti. / Send an answer again that failed or is unsure."""
    runtime = _start("cli")
    with runtime.database.session() as session:
        message = outbox.send_again(session, message_id)
        session.commit()
    if message is None:
        raise Malformed(f"kiriman {message_id} tidak gagal / message {message_id} neither failed nor is unsure")
    runtime.bells.ring(jobs.OUTBOUND, message.channel)
    say(f"Jawaban {message_id} dikirim lagi.", f"Answer {message_id} is sent again.")


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


class _Phone:
    """A phone in the terminal: hands a message to the simulator's webhook and waits for what comes back."""

    def __init__(self, address: str, secret: Secret) -> None:
        self._address = address
        self._secret = secret
        self._client = http.HttpClient()

    def converse(self, sender: str, text: str, seconds: float) -> int:
        """Send a message and print its answer; return the exit status: 0 answered, 1 not."""
        message_id = f"cli-{secrets.token_hex(8)}"
        answer = self._call(simulator.write_request(self._secret, message_id, sender, text))
        if answer.status != 200:
            say(
                f"Server menolak ({answer.status}): {answer.text}",
                f"The server refused ({answer.status}): {answer.text}",
            )
            return 1
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            shown = json.loads(self._call(simulator.write_question(self._secret, message_id)).text)
            if shown["state"] in {"sent", "delivered"}:
                click.echo(shown["text"])
                return 0
            if shown["state"] in {"withheld", "failed", "unsure"}:
                say(
                    f"Tidak dijawab: {shown['state']} {shown['reason']}",
                    f"Not answered: {shown['state']} {shown['reason']}",
                )
                return 1
            time.sleep(LOOK_SECONDS)
        say("Belum ada jawaban; pesan sudah tersimpan.", "No answer yet; the message is kept. Is a worker running?")
        return 1

    def _call(self, request: HttpRequest) -> http.Answer:
        return self._client.call(request.method, f"{self._address}{request.path}", request.headers, request.body)


def main() -> None:
    """Run the command line: every fault of the caller's is a sentence, never a stack trace."""
    try:
        kabar(prog_name="kabar")
    except Misconfigured as error:
        say("Setelan perlu diperbaiki:", "These settings must be mended:")
        for name, fault in error.faults.items():
            click.echo(f"  {name}: {fault}", err=True)
        sys.exit(2)
    except KabarError as error:
        click.echo(f"kabar: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
