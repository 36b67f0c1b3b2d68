"""The commands for people's data: what is kept, what goes, who asks for hers, who is forgotten, whose data leaked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from gateway.cli_staff import say, start
from gateway.errors import Malformed
from gateway.forget import breach, erase, listing, told
from gateway.forget import purge as purging
from gateway.forget.breach import Suspicion
from gateway.forget.erase import Asked
from gateway.keybox import read_key
from gateway.redact import Secret, mask_phone
from gateway.runtime import Runtime
from gateway.store import audit, erasures, tidying
from gateway.store.audit import NewAudit
from gateway.store.base import Session
from gateway.store.erasures import Person
from gateway.values import find_phone

WHO = "./kabar privacy"  # as whom the audit names what is done here
DAY = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"])


@click.group("privacy")
def privacy_group() -> None:
    """Data pribadi: apa, berapa lama, milik siapa. / People's data: what, how long, whose."""


@privacy_group.command("inventory")
def show_inventory() -> None:
    """Semua yang disimpan, untuk apa, berapa lama. / Everything that is kept, why, and how long."""
    click.echo(listing.inventory_page(), nl=False)


@privacy_group.command("purge")
@click.option("--plan", "is_plan", is_flag=True, help="Hanya tunjukkan / only show what would go.")
def purge(is_plan: bool) -> None:
    """Hapus yang sudah lewat waktunya; angka tetap. / Let go of what was kept long enough; figures stay."""
    runtime = start()
    if is_plan:
        for one in purging.plan(runtime.database, runtime.now()):
            click.echo(f"{one.kind:<14} {one.table:<18} {one.rows:>8}")
        return
    done = purging.purge(runtime.database, _key(runtime), runtime.now())
    _tidy(runtime)
    say(f"{done.total()} baris dihapus atau dikosongkan.", f"{done.total()} rows were deleted or emptied.")


@privacy_group.command("export")
@click.argument("phone")
@click.option("--to", "folder", default=".", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--reporter", "reporter_id", type=int, help="Nomor bidan di halaman / a reporter's id on the pages.")
def export_person(phone: str, folder: Path, reporter_id: int | None) -> None:
    """Tulis semua data satu orang: JSON dan teks. / Write all that is kept of one person: JSON, and text to read."""
    runtime = start()
    with runtime.database.session() as session:
        person = _find(session, runtime, phone, reporter_id)
        found = told.tell(session, person, runtime.now())
        _record(session, runtime, "hand_out", person)
        session.commit()
    name = folder / f"data-pribadi-{runtime.now():%Y%m%d-%H%M%S}"
    for ending, text in ((".json", told.as_json(found)), (".txt", told.as_text(found))):
        path = name.with_suffix(ending)
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        click.echo(path)
    say("Serahkan kepada orangnya sendiri, lalu hapus berkasnya.", "Hand it to her alone, then delete the files.")


@privacy_group.command("erase")
@click.argument("phone")
@click.option("--reason", required=True, help="Mengapa / why; jangan tulis nama / write no name.")
@click.option("--reporter", "reporter_id", type=int, help="Hanya bidan ini / only this reporter, of a shared phone.")
@click.option("--yes", "is_sure", is_flag=True, help="Jangan bertanya / do not ask.")
def erase_person(phone: str, reason: str, reporter_id: int | None, is_sure: bool) -> None:
    """Hapus satu orang; angkanya tetap. Tidak bisa dibatalkan. / Erase a person; figures stay. It cannot be undone."""
    runtime = start()
    with runtime.database.session(read_only=True) as session:
        person = _find(session, runtime, phone, reporter_id)
    who = f"{', '.join(person.names) or '-'}: {', '.join((*person.phones, *person.shared))}"
    if not is_sure:
        click.confirm(f"{who}. Hapus untuk selamanya? / Erase for ever?", abort=True)
    with runtime.database.session() as session:
        if _find(session, runtime, phone, reporter_id) != person:  # what was confirmed is not what is there now
            raise Malformed("datanya baru saja berubah; ulangi / it has changed meanwhile; do it again")
        done = erase.erase(session, person, _key(runtime), Asked(reason, (None, WHO), runtime.now()))
        session.commit()
    _keep_in_step(runtime)
    _tidy(runtime)
    rows = ", ".join(f"{table} {count}" for table, count in done.counts.items())
    say(f"Dihapus; sekarang {done.pseudonym}. {rows}.", f"Erased; now {done.pseudonym}.")
    for shared in person.shared:
        number = mask_phone(shared)
        say(f"{number} dipakai orang lain juga dan tetap.", f"{number} is somebody else's too, and stays.")


@privacy_group.command("again")
@click.option(
    "--from", "listed", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Daftar lain / another list."
)
def erase_again(listed: Path | None) -> None:
    """Sesudah memulihkan cadangan lama: hapus lagi. / After an older backup was restored: erase again."""
    runtime = start()
    if listed is not None:
        known = {one.phone_hash for one in erase.read_list(runtime.settings.var)}
        new = [one for one in erase.read_tombstones(listed) if one.phone_hash not in known]
        erase.write_list(runtime.settings.var, new)
    count = _keep_in_step(runtime)
    _tidy(runtime)
    say(f"{count} orang dihapus lagi.", f"{count} people were erased again.")
    with runtime.database.session(read_only=True) as session:
        if erase.find_missing(session, runtime.settings.var):
            say(*erase.UNREAD)


@privacy_group.command("breach")
@click.option("--since", required=True, type=DAY, help="2026-11-21 atau/or 2026-11-21T18:00, UTC.")
@click.option("--until", type=DAY, help="Default: sekarang / now.")
@click.option("--user", "login", default="", help="Nama masuk / a login.")
@click.option("--export", "ref", default="", help="Nomor ekspor / the ref of an export.")
@click.option("--area", help="Kode wilayah; kosong: semua / area code; empty: everybody.")
def report_breach(since: datetime, until: datetime | None, login: str, ref: str, area: str | None) -> None:
    """Data siapa yang bisa bocor: CSV. / Whose data may have leaked: a CSV with numbers to tell them by."""
    runtime = start()
    end = until.replace(tzinfo=UTC) if until else runtime.now() + timedelta(seconds=1)
    suspicion = Suspicion(since.replace(tzinfo=UTC), end, login, ref, area)
    with runtime.database.session() as session:
        found = breach.find_exposed(session, suspicion, runtime.now().date())
        about = {"rows": len(found), "from": f"{since:%Y-%m-%d %H:%M}", "until": f"{end:%Y-%m-%d %H:%M}"}
        audit.record(session, NewAudit(runtime.now(), None, WHO, "export", "breach", "", area or "", about))
        session.commit()
    click.echo(breach.as_table(found), nl=False)
    say(
        f"{len(found)} orang. Langkah berikutnya: docs/privasi.md.", f"{len(found)} people. What next: docs/privacy.md."
    )


def _find(session: Session, runtime: Runtime, phone: str, reporter_id: int | None) -> Person:
    number = find_phone(phone, runtime.settings.region)
    if number is None:
        raise click.BadParameter(f"{phone} bukan nomor ponsel / is no mobile number", param_hint="PHONE")
    everybody = erasures.find_by_phone(session, number)
    if not everybody.is_known:
        raise Malformed(f"tidak ada data dari / nothing is kept of {number}")
    if reporter_id is not None:
        if reporter_id not in everybody.reporter_ids:
            raise Malformed(f"{reporter_id} tidak melapor dari / does not report from {number}")
        return erasures.find_by_id(session, reporter_id)
    if erasures.count_people(session, everybody) > 1:
        ids = " ".join(map(str, everybody.reporter_ids))
        raise Malformed(f"{number} dipakai beberapa bidan / several midwives report from it: --reporter {ids}")
    return everybody


def _record(session: Session, runtime: Runtime, action: str, person: Person) -> None:
    for reporter_id in person.reporter_ids or (0,):
        subject = str(reporter_id) if reporter_id else ""
        audit.record(session, NewAudit(runtime.now(), None, WHO, action, "reporter", subject, "", {}))


def _key(runtime: Runtime) -> Secret:
    return read_key(runtime.settings.secret_key, runtime.settings.var)


def _keep_in_step(runtime: Runtime) -> int:
    with runtime.database.session() as session:
        count = erase.keep_in_step(session, runtime.settings.var, _key(runtime), runtime.now())
        session.commit()
    return count


def _tidy(runtime: Runtime) -> None:
    with runtime.database.session(read_only=True) as session:
        is_untidy = erasures.has_untidy(session)
    if is_untidy and not tidying.tidy(runtime.database):
        say("Berkas basis data dirapikan nanti malam.", "The database file is written anew by the daily errand.")


GROUPS = (privacy_group,)
