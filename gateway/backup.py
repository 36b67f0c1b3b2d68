"""Backups: one file with everything that cannot be made anew, and the way back from it."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway import archive
from gateway.archive import DATABASE, SECRETS, Manifest
from gateway.errors import Malformed, Permanent, SomebodyElse
from gateway.store import dumps, schema
from gateway.store.base import Database
from gateway.store.neighbours import find_neighbours

OLD = timedelta(days=2)  # a night was missed: doctor says so
NAME = "kabar-{:%Y%m%dT%H%M%SZ}"
_OURS = re.compile(r"kabar-([0-9]{8}T[0-9]{6}Z)(?:-([0-9]{1,3}))?\.tar\.gz(?:\.age)?", re.ASCII)
_UNFINISHED = ".kabar-unfinished-"  # what was being written when somebody pulled the plug


@dataclass(frozen=True, slots=True)
class Source:
    """What is backed up: a database's address, files of secrets by name, and a folder for what is being made.

    `environ` is for PostgreSQL's own programs.
    """

    database_url: str
    secrets: Mapping[str, Path]
    var: Path
    kabar: str
    environ: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made, what it says of itself, and which older ones went for it."""

    path: Path
    manifest: Manifest
    removed: tuple[Path, ...] = ()


def make_backup(source: Source, to: Path, keys: Sequence[str], now: datetime, keep: int | None = None) -> Made:
    """Write a backup into a folder, under a name of its own, or into a file that is not there yet; then read it again.

    Secrets go into a locked one only (`keys`). With `keep`, so many of the newest stay in the folder.
    Errors: Permanent in words, and every older backup is as it was.
    """
    with _telling_disk(to), _workshop(source.var) as work:
        is_folder = to.is_dir() or not to.suffix
        if is_folder:
            to.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = to if is_folder else to.parent
        suffix = ".tar.gz.age" if keys else ".tar.gz"
        path = _free_name(folder, now, suffix) if is_folder else to
        if path.exists():
            raise Permanent(f"sudah ada, tidak ditimpa / exists, and is not overwritten: {path}")
        found = dumps.dump(source.database_url, work / DATABASE, source.environ)
        files = {DATABASE: work / DATABASE} | ({SECRETS + name: one for name, one in _present(source)} if keys else {})
        manifest = Manifest(
            kind=found.kind,
            server=found.server,
            migration=found.migration,
            kabar=source.kabar,
            created_at=now.astimezone(UTC),
            newest_message_at=found.newest_message_at,
            rows=found.rows,
            files={},
        )
        plain = work / "plain"
        manifest = archive.pack(plain, manifest, files)
        files[DATABASE].unlink()  # its space may be needed for reading it again
        archive.unpack(plain, _new_folder(work))
        _place(plain, path, keys)
        removed = keep_newest(folder, keep, path) if keep and is_folder else ()
        return Made(path, manifest, removed)


def _present(source: Source) -> list[tuple[str, Path]]:
    return [(name, path) for name, path in source.secrets.items() if path.exists()]


def _place(plain: Path, path: Path, keys: Sequence[str]) -> None:
    """Put a finished archive in its place: whole, and on the disk, or not at all."""
    for leftover in path.parent.glob(f"{_UNFINISHED}*"):
        leftover.unlink()
    partial = path.with_name(_UNFINISHED + path.name)
    try:
        if keys:
            archive.lock(plain, partial, keys)
        else:
            with plain.open("rb") as source, partial.open("xb") as target:
                partial.chmod(0o600)
                shutil.copyfileobj(source, target, 1 << 20)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.rename(path)
        dumps.sync_folder(path.parent)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _free_name(folder: Path, now: datetime, suffix: str) -> Path:
    stem = NAME.format(now.astimezone(UTC))
    tries = (folder / f"{stem}{f'-{number}' if number else ''}{suffix}" for number in range(1000))
    return next(path for path in tries if not path.exists())


def backups_in(folder: Path) -> tuple[Path, ...]:
    """Return the backups in a folder, the newest first, by what their names say; nothing else is one of ours."""
    named = [(found.groups(), path) for path in folder.iterdir() if (found := _OURS.fullmatch(path.name))]
    newest_first = sorted(named, key=lambda one: (one[0][0], int(one[0][1] or 0)), reverse=True)
    return tuple(path for _, path in newest_first if path.is_file() and archive.is_backup(path))


def keep_newest(folder: Path, count: int, made: Path) -> tuple[Path, ...]:
    """Remove all but so many of the newest backups, never the one that was just made; return what went."""
    others = [path for path in backups_in(folder) if path != made]
    removed = tuple(reversed(others[max(0, count - 1) :]))
    for path in removed:
        path.unlink()
    return removed


def newest_at(folder: Path) -> datetime | None:
    """Return when the newest backup in a folder was made, or None. Errors: OSError when it cannot be read."""
    for path in backups_in(folder):
        stamp = _OURS.fullmatch(path.name)
        assert stamp is not None, "backups_in has matched it"
        return datetime.strptime(stamp[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return None


def check_backup(path: Path, var: Path, identity: str = "") -> Manifest:
    """Read a backup through and return what it says of itself. Errors: Malformed when it is not whole."""
    with _telling_disk(path), _workshop(var) as work:
        manifest = archive.unpack(path, work, identity)
        _prove(manifest, work, path)
        return manifest


def restore(
    target: Source,
    path: Path,
    identity: str,
    *,
    repeatable: Collection[str],
    may_replace: bool,
    may_drop_others: bool = False,
    now: datetime,
    afterwards: Callable[[Database], object] = lambda _database: None,
) -> tuple[Manifest, tuple[str, ...]]:
    """Put what a backup holds in a database's place and return its manifest, and the names of secrets put back.

    First all is proven: the file, its versions, and that nothing is there which would be lost: of ours (`may_replace`),
    or what others made beside or upon our tables (`may_drop_others`); tables of others never are.
    `repeatable`: see `dumps.load`. `afterwards` is done to what came back, before anybody uses it.
    Errors: Malformed, Permanent, SomebodyElse in words; nothing was touched then.
    """
    with _telling_disk(path), _workshop(target.var) as work:
        manifest = archive.unpack(path, work, identity)
        there = find_hindrances(target.database_url, manifest)
        if there and not may_replace:
            raise Permanent(
                f"basis data ini berisi data: --replace untuk menggantinya / this database holds data: --replace"
                f" puts the backup in its place ({_list(there)})"
            )
        if not may_drop_others:
            refuse_neighbours(target.database_url)
        _prove(manifest, work, path)
        dumps.load(target.database_url, work / DATABASE, target.environ, repeatable=repeatable, server=manifest.server)
        put_back = _put_secrets_back(work, target.secrets, now)
        _verify(target.database_url, manifest)
    database = Database(target.database_url)
    try:
        afterwards(database)
    finally:
        database.dispose()
    return manifest, put_back


def find_hindrances(url: str, manifest: Manifest) -> dict[str, int]:
    """Return which tables hold rows that a restore would replace.

    Errors: Malformed when the backup is another kind of database's, or of a later version than this code; Permanent
    when tables that are not Kabar's lie beside.
    """
    if manifest.kind != dumps.kind_of(url):
        raise Malformed(
            f"cadangan ini dari {manifest.kind}; basis data tujuan bukan / this backup is of {manifest.kind}, and the"
            " database to restore into is not: set KABAR_DATABASE_URL or --into"
        )
    if manifest.migration not in schema.known_versions():
        raise Malformed(
            f"cadangan versi {manifest.migration}, Kabar ini {schema.newest_version()}: perbarui Kabar dahulu"
            f" / the backup's version is {manifest.migration}, this Kabar's {schema.newest_version()}: update it first"
        )
    dumps.refuse_pooler(url)
    rows = dumps.count_all(url)
    if foreign := dumps.find_foreign(rows):
        raise Permanent(
            f"ada tabel yang bukan milik Kabar: pakai basis data tersendiri / there are tables that are not Kabar's:"
            f" use a database of its own ({_list(foreign)})"
        )
    return {name: count for name, count in rows.items() if count and name not in dumps.SEEDED}


def refuse_neighbours(url: str) -> None:
    """Refuse to drop what others made beside or upon our tables of PostgreSQL. Errors: Permanent names it."""
    if dumps.kind_of(url) == dumps.POSTGRESQL and (others := find_neighbours(url)):
        raise Permanent(
            f"ini akan ikut terhapus dan bukan milik Kabar: {_list(others)}. Hapus atau pindahkan dahulu, atau"
            f" --drop-others untuk menghapusnya / this would be dropped as well and is not Kabar's: {_list(others)}."
            " Drop it or move it away first, or let --drop-others do so"
        )


def _prove(manifest: Manifest, work: Path, path: Path) -> None:
    """Look into what was unpacked. PostgreSQL's own programs do so when they lay it back."""
    if manifest.kind == dumps.SQLITE and dumps.look_into(work / DATABASE).rows != manifest.rows:
        raise Malformed(f"isi cadangan tidak sama dengan daftarnya / the backup is not what it says: {path.name}")


def _verify(url: str, manifest: Manifest) -> None:
    """Count what is there now; versions that came since may have added rows, and took none away."""
    found = dumps.count_all(url)
    short = [name for name, count in manifest.rows.items() if found.get(name, 0) < count and name in found]
    if short:
        raise Permanent(f"baris kurang setelah dipulihkan / rows are missing after the restore: {_list(short)}")


def _put_secrets_back(work: Path, places: Mapping[str, Path], now: datetime) -> tuple[str, ...]:
    """Write the secrets of a backup; another one that stood there is kept beside it."""
    put_back = []
    for name, place in places.items():
        found = work / SECRETS / name
        if not found.exists() or (place.exists() and place.read_bytes() == found.read_bytes()):
            continue
        if place.exists():
            place.rename(place.with_name(f"{place.name}.before-{now:%Y%m%dT%H%M%SZ}"))
        fresh = place.with_name(f".{place.name}.restored")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(found.read_bytes())
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(place)
        dumps.sync_folder(place.parent)
        put_back.append(name)
    return tuple(put_back)


@contextmanager
def _workshop(var: Path) -> Iterator[Path]:
    """Hold a folder of our own for what is being made; what a killed one left there goes. Errors: SomebodyElse."""
    home = var / "backup"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = os.open(home, os.O_RDONLY)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SomebodyElse("cadangan lain sedang dibuat / another backup is being made or read") from None
        for leftover in home.iterdir():
            shutil.rmtree(leftover)
        work = Path(tempfile.mkdtemp(dir=home))  # mode 700
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)
    finally:
        os.close(held)


def _new_folder(work: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=work))


@contextmanager
def _telling_disk(place: Path) -> Iterator[None]:
    """Say in words what the disk says."""
    try:
        yield
    except OSError as fault:
        reason = os.strerror(fault.errno or 0)
        full = " (disk penuh / the disk is full)" if fault.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG} else ""
        raise Permanent(f"{fault.filename or place}: {reason}{full}") from fault


def _list(names: Collection[str]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:6]) + (" ..." if len(shown) > 6 else "")
