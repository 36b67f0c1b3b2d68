"""The commands for backups: make one, look whether one is whole, come back from one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from gateway import backup, keybox
from gateway.archive import SECRETS, Manifest
from gateway.channels.simulator import SECRET_FILE
from gateway.cli_staff import say
from gateway.errors import KabarError, Misconfigured
from gateway.forget.erase import UNREAD, find_missing, keep_in_step
from gateway.runtime import make_channels, utc_now
from gateway.settings import Settings, child_environment, read_settings
from gateway.store.base import Database
from gateway.version import VERSION

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("backup")
@click.option("--to", type=click.Path(path_type=Path), help="Folder atau berkas / folder or file (KABAR_BACKUPS).")
@click.option("--key", "keys", multiple=True, help="Kunci umum age / a public key of age: age1... (berulang / repeat).")
@click.option("--key-file", type=FILE, help="Berkas kunci umum, satu per baris / a file of public keys, one a line.")
@click.option("--keep", type=click.IntRange(1, 10_000), help="Simpan sekian yang terbaru / keep so many of the newest.")
@click.option("--check", "checked", type=FILE, help="Periksa saja satu cadangan / only look whether one is whole.")
@click.option("--identity", type=FILE, help="Kunci rahasia age, untuk --check / secret key of age, for --check.")
def make(
    to: Path | None,
    keys: Sequence[str],
    key_file: Path | None,
    keep: int | None,
    checked: Path | None,
    identity: Path | None,
) -> None:
    """Cadangkan semuanya ke satu berkas, sambil berjalan. / Back everything up into one file while all runs."""
    settings = read_settings()
    settings.make_var()
    if checked is not None:
        manifest = backup.check_backup(checked, settings.var, _read(identity))
        say(f"Cadangan utuh: {checked}", f"The backup is whole: {checked}")
        _describe(manifest)
        return
    target = to or settings.backups_folder
    if target is None:
        raise Misconfigured({"KABAR_BACKUPS": "ke mana? / where to? --to FOLDER"})
    lines = [line.strip() for line in _read(key_file).splitlines()]
    recipients = [*keys, *(line for line in lines if line and not line.startswith("#"))]
    if key_file and not recipients:
        raise Misconfigured({"--key-file": f"tidak berisi kunci / holds no key: {key_file}"})
    made = backup.make_backup(_source(settings, settings.database), target, recipients, utc_now(), keep)
    click.echo(made.path)
    _describe(made.manifest)
    for path in made.removed:
        say(f"Dihapus: {path.name}", f"Removed: {path.name}")
    _tell_what_is_not_in_it(settings, made.manifest, is_locked=bool(recipients))


@click.command("restore")
@click.argument("file", type=FILE)
@click.option("--identity", type=FILE, help="Berkas kunci rahasia age / the file with the secret key of age.")
@click.option("--into", help="Alamat basis data lain / another database's address (default KABAR_DATABASE_URL).")
@click.option("--replace", is_flag=True, help="Ganti isi yang ada / put it in the place of what is there.")
@click.option(
    "--drop-others",
    is_flag=True,
    help="PostgreSQL: hapus juga view, fungsi, ekstensi orang lain / drop others' views, functions, extensions too.",
)
@click.option("--yes", is_flag=True, help="Jangan bertanya / do not ask.")
def restore(file: Path, identity: Path | None, into: str | None, replace: bool, drop_others: bool, yes: bool) -> None:
    """Pulihkan dari cadangan; hentikan Kabar dahulu. / Come back from a backup; stop Kabar first."""
    settings = read_settings(child_environment({"KABAR_DATABASE_URL": into} if into else {}))
    settings.make_var()
    is_own = into is None or settings.database == read_settings().database
    target = _source(settings, settings.database, with_secrets=is_own)
    if replace and not yes:
        click.prompt("Ketik GANTI untuk mengganti semua isinya / type REPLACE to replace all it holds", type=_Word())
    manifest, secrets = backup.restore(
        target,
        file,
        _read(identity),
        repeatable=_repeatable(settings),
        may_replace=replace,
        may_drop_others=drop_others,
        now=utc_now(),
        afterwards=lambda database: _erase_again(database, settings),
    )
    say("Dipulihkan.", "Restored.")
    _describe(manifest)
    for name in secrets:
        say(f"Rahasia dikembalikan: {name}", f"Secret put back: {name}")
    if not is_own and any(name.startswith(SECRETS) for name in manifest.files):
        say(
            "Rahasia di KABAR_VAR tidak disentuh karena --into: ini latihan, atau salin sendiri.",
            "The secrets in KABAR_VAR were left alone because of --into: this is a drill, or copy them yourself.",
        )
    newest = manifest.newest_message_at or manifest.created_at
    say(
        f"Yang masuk sesudah {_when(newest)} belum ada di sini. Yang belum terkirim waktu itu menjadi 'unsure'."
        "\nLangkah berikut: ./kabar doctor, jalankan Kabar, lalu ./kabar reconcile",
        f"What came after {_when(newest)} is not here. What had not gone out by then is 'unsure' now."
        "\nNext: ./kabar doctor, start Kabar, then ./kabar reconcile",
    )


COMMANDS = (make, restore)


class _Word(click.ParamType[str]):
    """The word that says yes in one of two languages."""

    name = "word"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Take nothing else."""
        if value.strip().upper() not in {"GANTI", "REPLACE"}:
            raise click.Abort
        return value


def _source(settings: Settings, url: str, *, with_secrets: bool = True) -> backup.Source:
    names = (keybox.KEY_FILE, SECRET_FILE) if with_secrets else ()
    places = {name: settings.var / name for name in names}
    return backup.Source(url, places, settings.var, VERSION, child_environment({}))


def _repeatable(settings: Settings) -> list[str]:
    """Return the channels whose sends may be repeated without harm; wrong settings of channels are doctor's to tell."""
    try:
        return [name for name, channel in make_channels(settings).items() if channel.limits.is_idempotent]
    except KabarError:
        return []


def _erase_again(database: Database, settings: Settings) -> None:
    """Erase again who was erased after the backup was made."""
    with database.session() as session:
        key = keybox.read_key(settings.secret_key, settings.var)
        count = keep_in_step(session, settings.var, key, utc_now())
        is_left = bool(find_missing(session, settings.var))
        session.commit()
    if count:
        say(f"{count} orang dihapus lagi.", f"{count} people were erased again.")
    if is_left:
        say(*UNREAD)


def _describe(manifest: Manifest) -> None:
    rows = sum(manifest.rows.values())
    newest = _when(manifest.newest_message_at) if manifest.newest_message_at else "-"
    say(
        f"{manifest.kind}, versi {manifest.migration}, dibuat {_when(manifest.created_at)}, {rows} baris, pesan terbaru"
        f" {newest}",
        f"{manifest.kind}, version {manifest.migration}, made {_when(manifest.created_at)}, {rows} rows, newest message"
        f" {newest}",
    )


def _tell_what_is_not_in_it(settings: Settings, manifest: Manifest, *, is_locked: bool) -> None:
    if not is_locked:
        say(
            "Tidak terkunci: nomor dan pesan terbaca siapa pun yang memegang berkas ini, dan kunci rahasia"
            f" ({keybox.KEY_FILE}) tidak ikut. Pakai --key (docs/backup.md).",
            "Not locked: whoever holds this file reads numbers and messages, and the secret key"
            f" ({keybox.KEY_FILE}) is not in it. Use --key (docs/backup.md).",
        )
    if settings.secret_key:
        say(
            "KABAR_SECRET_KEY ada di setelan, bukan di cadangan: simpan di tempat lain.",
            "KABAR_SECRET_KEY stands in the settings, not in the backup: keep it somewhere else.",
        )
    elif is_locked and SECRETS + keybox.KEY_FILE not in manifest.files:
        say(f"{keybox.KEY_FILE} belum ada.", f"There is no {keybox.KEY_FILE} yet.")


def _read(path: Path | None) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path else ""


def _when(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
