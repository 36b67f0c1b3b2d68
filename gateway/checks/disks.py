"""The disks that Kabar writes to: how full they are, whether two folders share one, and how the spool does."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from gateway.checks.check import Check, advise, mend, well
from gateway.settings import Settings
from gateway.spool import Contents, open_spool

LEAST_FREE = 500 * 1000 * 1000  # bytes; below it a disk is nearly full
FEW_FREE = 2 * 1000 * 1000 * 1000
_SQLITE = "sqlite:///"


def check_disks(settings: Settings, least: int = LEAST_FREE, few: int = FEW_FREE) -> Iterator[Check]:
    """Look at the spool, and how much room is left on each disk."""
    yield _judge_spool(settings)
    database = _database_file(settings)
    looked_at: set[int] = set()
    for folder in (settings.var, database.parent if database else None, settings.spool_folder):
        found = folder and _existing(folder)
        if found and (disk := found.stat().st_dev) not in looked_at:
            looked_at.add(disk)
            yield _judge_space(found, least, few)


def _judge_space(folder: Path, least: int, few: int) -> Check:
    free = os.statvfs(folder)
    bytes_free = free.f_bavail * free.f_frsize
    left = f"{bytes_free / 1e9:.1f} GB"
    indonesian = (
        f"{folder}: sisa {left}: hapus cadangan lama, journalctl --vacuum-size=200M, atau pakai disk lebih besar"
    )
    english = f"{folder}: {left} left: remove old backups, journalctl --vacuum-size=200M, or take a larger disk"
    if bytes_free < least:
        return mend("disk", f"hampir penuh, {indonesian}", f"nearly full, {english}")
    if bytes_free < few:
        return advise("disk", indonesian, english)
    return well("disk", f"{folder}: sisa {left} / {left} left")


def _judge_spool(settings: Settings) -> Check:
    folder = settings.spool_folder
    if folder is None:
        words = "dimatikan: bila basis data mati, pesan ditolak (503) dan penyedia harus mengirim lagi"
        return advise("spool", words, "none: while the database is away providers are told to come again (503)")
    try:
        with tempfile.TemporaryFile(dir=_existing(folder)):
            found = open_spool(folder).look()
    except OSError as error:
        words = f"{folder} tidak bisa ditulis / cannot be written: {os.strerror(error.errno or 0)}"
        return Check("spool", False, f"{words}; KABAR_SPOOL")
    if found.corrupt or found.refused:
        return Check("spool", False, f"{folder}: {_say_aside(found)}")
    if found.oldest_at:
        since = f"{found.oldest_at:%Y-%m-%d %H:%M} UTC"
        words = f"{folder}: {found.waiting} kiriman menunggu sejak {since}: basis data mati/penuh, atau tidak ada clock"
        return mend("spool", words, "wait since then: database away or full, or no clock runs on this machine")
    database = _database_file(settings)
    if database and _existing(folder).stat().st_dev == _existing(database).stat().st_dev:
        words = (
            f"{folder}: satu disk dengan basis data: bila penuh, keduanya penuh; bila ada disk lain, isi KABAR_SPOOL"
        )
        return well("spool", f"{words} / on the database's own disk: set KABAR_SPOOL where there is another one")
    return well("spool", f"{folder}: kosong / empty")


def _say_aside(found: Contents) -> str:
    """Return in words what was set aside, and what to do about it."""
    said = []
    if found.corrupt:
        words = "berkas rusak (*.corrupt): lihat isinya, hubungi pengirimnya"
        said.append(f"{found.corrupt} {words} / broken files: look into them, call who wrote")
    if found.refused:
        words = "berkas ditolak basis data (*.refused): cari not_replayed di log, perbarui Kabar, mulai ulang clock"
        said.append(f"{found.refused} {words} / refused by the database: see the log, update, restart the clock")
    return "; ".join(said)


def _database_file(settings: Settings) -> Path | None:
    """Return the file of an SQLite database; None where another server keeps it."""
    url = settings.database
    return Path(url.removeprefix(_SQLITE)).absolute() if url.startswith(_SQLITE) else None


def _existing(path: Path) -> Path:
    """Return a path, or the nearest folder above it that is there, as far as this user can tell."""
    path = path.absolute()
    while not os.path.exists(path):
        path = path.parent
    return path
