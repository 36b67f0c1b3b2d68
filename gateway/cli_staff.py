"""The commands for staff, until all of it stands on their pages: registrations, messages that wait, thresholds."""

from __future__ import annotations

from collections.abc import Sequence

import click

from gateway import jobs
from gateway.enrol import approve
from gateway.errors import Malformed
from gateway.forms import load_forms
from gateway.handle import limits
from gateway.runtime import Runtime, make_runtime, start_logging
from gateway.settings import read_settings
from gateway.store import inbox, outbox, registrations, thresholds
from gateway.values import find_phone, lane_of

LONGEST_NAME = 100  # characters that the database keeps


def start() -> Runtime:
    """Return the runtime of this environment, for one command; its connections are closed when the command ends."""
    settings = read_settings()
    start_logging(settings, "cli")
    runtime = make_runtime(settings)
    click.get_current_context().call_on_close(runtime.database.dispose)
    return runtime


def say(indonesian: str, english: str) -> None:
    """Say something to whoever sits at the terminal, in both languages."""
    click.echo(f"{indonesian}\n{english}", err=True)


def read_name(_context: click.Context, _option: click.Parameter, given: str | None) -> str | None:
    """Return a person's name as the database keeps it. Errors: Malformed when it is too long."""
    if given is not None and len(given) > LONGEST_NAME:
        raise Malformed(f"--name: paling panjang {LONGEST_NAME} huruf / at most {LONGEST_NAME} characters")
    return given


@click.group("reporters")
def reporters_group() -> None:
    """Bidan yang boleh melapor. / Who may report."""


@reporters_group.command("list")
def list_registrations() -> None:
    """Pendaftaran yang menunggu. / Registrations that wait."""
    runtime = start()
    with runtime.database.session(read_only=True) as session:
        for one in registrations.waiting_registrations(session):
            old = f"  ganti/instead of {one.old_phone}" if one.old_phone else ""
            click.echo(f"{one.phone}  {one.asked_at:%Y-%m-%d %H:%M}  {one.channel}  {one.words!r}{old}")


@reporters_group.command("approve")
@click.argument("phone")
@click.option("--name", callback=read_name, help="Nama bidan / the midwife's name.")
@click.option("--facility", "codes", multiple=True, help="Kode faskes 9 angka / facility code, 9 digits.")
@click.option("--language", default="id", type=click.Choice(["id", "en"]))
@click.option("--move", is_flag=True, help="Ganti HP / the phone takes its owner's old one's place.")
def approve_reporter(phone: str, name: str | None, codes: Sequence[str], language: str, move: bool) -> None:
    """Setujui satu nomor; pesannya yang tertahan lalu dibaca. / Approve a number; what it sent is then read."""
    runtime = start()
    number = find_phone(phone, runtime.settings.region)
    if number is None:
        raise click.BadParameter(f"{phone} bukan nomor ponsel / is no mobile number", param_hint="PHONE")
    if not move and not (name and codes):
        raise click.UsageError("--name dan/and --facility, atau/or --move")
    form = runtime.rules.form(runtime.settings.main_form)
    notices = approve.Notices(runtime.wordings, form, runtime.now(), outgoing=runtime.outgoing)
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


@click.group("messages")
def messages_group() -> None:
    """Pesan yang perlu petugas. / Messages that need staff."""


@messages_group.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10000))
def list_messages(limit: int) -> None:
    """Pesan masuk yang menunggu petugas, dan kiriman yang gagal atau tak pasti. / What waits for staff, in and out."""
    runtime = start()
    with runtime.database.session(read_only=True) as session:
        for one in inbox.latest_messages(session, states=("dead", "for_staff", "held"), limit=limit):
            said = f"{one.sender}  {one.text!r}  {one.fault or ''}"
            click.echo(f"in  {one.id}  {one.state}  {one.received_at:%Y-%m-%d %H:%M}  {said}")
        for sent in outbox.latest_to(session, states=("failed", "unsure"), limit=limit):
            tries = f"kirim/sent {sent.attempts}, ditolak/refused {sent.refusals}"
            said = f"{sent.recipient}  {sent.text!r}  {tries}  {sent.fault_code or ''} {sent.fault or ''}"
            click.echo(f"out {sent.id}  {sent.state}  {sent.created_at:%Y-%m-%d %H:%M}  {said}")


@messages_group.command("again")
@click.argument("message_id", type=int)
def handle_again(message_id: int) -> None:
    """Baca lagi satu pesan masuk (dead, for_staff, held). / Handle a received message anew."""
    runtime = start()
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
    runtime = start()
    with runtime.database.session() as session:
        message = outbox.send_again(session, message_id)
        session.commit()
    if message is None:
        raise Malformed(f"kiriman {message_id} tidak gagal / message {message_id} neither failed nor is unsure")
    runtime.bells.ring(jobs.OUTBOUND, message.channel)
    say(f"Jawaban {message_id} dikirim lagi.", f"Answer {message_id} is sent again.")


@click.group("thresholds")
def thresholds_group() -> None:
    """Batas wajar per wilayah dan jenis faskes. / What is plausible, by area and type of facility."""


def _threshold(area: str, facility_type: str, form: str, name: str, value: int) -> thresholds.Threshold:
    chosen = thresholds.Threshold(area, facility_type.upper(), form, name, value)
    if fault := limits.find_fault(chosen, load_forms()):
        raise Malformed(fault)
    return chosen


@thresholds_group.command("list")
def list_thresholds() -> None:
    """Batas yang dipilih; selain itu berlaku isi berkas formulir. / What was chosen over the forms' files."""
    runtime = start()
    with runtime.database.session(read_only=True) as session:
        for one in thresholds.all_thresholds(session):
            click.echo(f"{one.form}  {one.name}={one.value}  {one.area or '*'}  {one.facility_type or '*'}")


@thresholds_group.command("set")
@click.argument("name")
@click.argument("value", type=int)
@click.option("--form", default="kb", show_default=True)
@click.option("--area", default="", help="Kode wilayah, mis. 14.03 / area code.")
@click.option("--type", "facility_type", default="", help="Jenis faskes, mis. PMB / type of facility.")
def set_threshold(name: str, value: int, form: str, area: str, facility_type: str) -> None:
    """Pilih batas: cap.suntik 300 --type PMB. / Choose a number."""
    runtime = start()
    with runtime.database.session() as session:
        thresholds.choose(session, _threshold(area, facility_type, form, name, value))
        session.commit()


@thresholds_group.command("unset")
@click.argument("name")
@click.option("--form", default="kb", show_default=True)
@click.option("--area", default="")
@click.option("--type", "facility_type", default="")
def unset_threshold(name: str, form: str, area: str, facility_type: str) -> None:
    """Kembali ke isi berkas formulir. / Go by the form's file again."""
    runtime = start()
    with runtime.database.session() as session:
        has_changed = thresholds.drop(session, _threshold(area, facility_type, form, name, 0))
        session.commit()
    if not has_changed:
        raise Malformed(f"{name}: belum pernah dipilih / was never chosen")


GROUPS = (reporters_group, messages_group, thresholds_group)
