"""What `./kabar doctor` looks at: each part that Kabar stands on, and in words what to mend."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from gateway import backup
from gateway.channels.http import HttpClient
from gateway.channels.smpp import Smpp, proof_of
from gateway.checks import disks, machine, office, servers, work
from gateway.checks.check import Check, advise, mend
from gateway.condition import Condition, look
from gateway.errors import KabarError, Misconfigured, Unavailable
from gateway.forget import erase
from gateway.jobs import Bells, connect
from gateway.lines import ChannelHealth
from gateway.runtime import Runtime, make_channels, make_forms, make_runtime, make_ussd_channels, redis_address, utc_now
from gateway.settings import Settings, read_settings
from gateway.store import channels, registrations, schema, sqlite, vitals
from gateway.store.base import Database, Session, durability, is_postgresql

LOCK = Path(__file__).resolve().parents[1] / "requirements.lock"
ASK_SECONDS = 5.0  # that a web server may take to answer


def check_all(*, is_online: bool = False) -> Iterator[Check]:
    """Look at everything, one after the other. `is_online`: ask our own public address too, from outside."""
    yield from machine.check_python()
    yield from machine.check_packages(LOCK)
    try:
        settings = read_settings()
    except Misconfigured as error:
        for name, fault in error.faults.items():
            yield Check(name, False, f"perbaiki setelan ini / mend this setting: {fault}")
        return
    yield Check("settings", True, "terbaca / read")
    yield from check_parts(settings, asks_peers=True)
    yield from check_machine(settings)
    client = HttpClient(ASK_SECONDS, ASK_SECONDS)
    yield from servers.check_web(settings, client)
    yield from servers.check_metrics(settings)
    try:
        runtime = make_runtime(settings)
    except (Misconfigured, OSError):
        return  # told above
    yield from check_house(runtime, look(runtime))
    runtime.database.dispose()
    if is_online:
        yield from servers.check_online(settings, client, utc_now())


def check_machine(settings: Settings) -> Iterator[Check]:
    """Look at this computer."""
    yield from machine.check_clock(settings, utc_now())
    yield from machine.check_folder(settings)
    yield from machine.check_memory()
    yield from machine.check_units()


def check_house(runtime: Runtime, condition: Condition) -> Iterator[Check]:
    """Look at the processes, at what waits, and at what staff have yet to enter; nothing where no database answers."""
    yield from work.check_work(condition)
    hosts = {host for crew in (condition.crews or {}).values() for host in crew.hosts}
    yield from office.check_key(runtime.settings, hosts)
    if condition.stored is None:
        return
    try:
        with runtime.database.session(read_only=True) as session:
            yield from office.check_office(session, runtime.settings)
    except KabarError:
        return


def check_parts(settings: Settings, *, asks_peers: bool = False) -> Iterator[Check]:
    """Look at everything but the settings themselves; `asks_peers`: ask the channels' other sides too, for seconds."""
    yield _check_folder(settings)
    yield from disks.check_disks(settings)
    yield from _check_database(settings)
    yield from servers.check_redis(settings, Bells(connect(redis_address(settings))))
    yield _check_backups(settings)
    yield from _check_channels(settings, asks_peers=asks_peers)


def _check_folder(settings: Settings) -> Check:
    try:
        settings.make_var()
        with tempfile.TemporaryFile(dir=settings.var):
            pass
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        return Check("folder", False, f"{settings.var} tidak bisa ditulis / cannot be written: {reason}; KABAR_VAR")
    return Check("folder", True, f"{settings.var}")


def _check_database(settings: Settings) -> Iterator[Check]:
    database = Database(settings.database)
    try:
        with database.session(read_only=True) as session:
            kind = "PostgreSQL" if is_postgresql(session) else f"SQLite {'.'.join(map(str, sqlite.library_version))}"
            yield Check("database", True, kind)
            if is_postgresql(session):
                yield from servers.check_postgresql(vitals.database_version(session))
            yield from _check_durability(session)
            yield from _check_version(session, settings)
    except (Unavailable, KabarError) as error:
        yield Check("database", False, servers.say_fault(error))
    finally:
        database.dispose()


def _check_durability(session: Session) -> Iterator[Check]:
    found = durability(session)
    said = ", ".join(f"{name}={value}" for name, value in found.items())
    wanted = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "journal_mode": "wal"}
    weak = [name for name, value in found.items() if name in wanted and str(value) != wanted[name]]
    if weak:
        words = f"pesan bisa hilang bila listrik padam / a power cut may lose messages: {', '.join(weak)}"
        yield Check("durability", False, words)
    else:
        yield Check("durability", True, said)
    if not is_postgresql(session) and sqlite.library_version < sqlite.FIRST_SOUND_VERSION:
        wanted_version = ".".join(map(str, sqlite.FIRST_SOUND_VERSION))
        words = (
            f"SQLite di bawah {wanted_version} bisa merusak berkas (jarang); pakai PostgreSQL, atau pasang pysqlite3"
            f" / SQLite below {wanted_version} may, rarely, corrupt its file; use PostgreSQL, or install pysqlite3"
        )
        yield Check("sqlite", False, words)


def _check_version(session: Session, settings: Settings) -> Iterator[Check]:
    at, needed = schema.version_of(session), schema.newest_version()
    if at != needed and schema.fits(at):
        yield advise(
            "migrations",
            f"basis data versi {at} lebih baru dari kode ini ({needed}): wajar selama pembaruan; docs/deploy.md",
            f"the database, at {at}, is newer than this code ({needed}): so it is during an upgrade; docs/deploy.md",
        )
        return
    if at != needed:
        yield mend(
            "migrations",
            f"basis data versi {at or '-'}, perlu {needed}: jalankan ./kabar migrate",
            f"at version {at or '-'}, needs {needed}: run ./kabar migrate",
        )
        return
    yield Check("migrations", True, needed)
    waiting = len(registrations.waiting_registrations(session))
    if waiting:
        words = f"{waiting} pendaftaran menunggu / registrations wait: ./kabar reporters list"
        yield Check("registrations", True, words)
    if erase.find_missing(session, settings.var):
        words = "cadangan lama mengembalikan orang yang sudah dihapus / a backup brought erased people back"
        yield Check("erasures", False, f"{words}: ./kabar privacy again")


def _check_backups(settings: Settings) -> Check:
    if settings.backups_folder is None:
        words = "belum ada cadangan yang diatur: KABAR_BACKUPS, docs/backup.md"
        return advise("backups", words, "no backup is set up: KABAR_BACKUPS, docs/backup.md")
    try:
        newest = backup.newest_at(settings.backups_folder)
    except OSError as error:
        return Check("backups", False, f"{settings.backups}: {os.strerror(error.errno or 0)}; KABAR_BACKUPS")
    if newest is None:
        words = "belum ada satu cadangan pun / there is not one backup yet"
        return Check("backups", False, f"{settings.backups}: {words}: ./kabar backup")
    is_old = utc_now() - newest > backup.OLD
    words = "terlalu lama / too long ago: ./kabar backup, docs/backup.md" if is_old else "yang terbaru / the newest"
    return Check("backups", not is_old, f"{newest:%Y-%m-%d %H:%M} UTC, {words}")


def _check_channels(settings: Settings, *, asks_peers: bool) -> Iterator[Check]:
    try:
        made, codes = make_channels(settings), make_ussd_channels(settings)
        make_forms(settings)
    except Misconfigured as error:
        for name, fault in error.faults.items():
            yield Check(name, False, f"perbaiki setelan ini / mend this setting: {fault}")
        return
    except OSError as error:
        words = f"{error.filename} tidak bisa dibaca / cannot be read: {os.strerror(error.errno or 0)}; KABAR_VAR"
        yield Check("channels", False, words)
        return
    for name, channel in made.items():
        if isinstance(channel, Smpp):
            yield from _check_link(settings, channel)
        elif not settings.public_url and channel.needs_public_url:
            yield Check(name, False, "KABAR_PUBLIC_URL belum diisi / is not set: tanda tangan tidak bisa diperiksa")
        else:
            yield Check(name, True, f"{settings.address}/in/{name}/sms ({type(channel).__name__})")
        if asks_peers and (health := channel.look(utc_now())) is not None:
            yield Check(name, health.is_well, say_health(health))
    for name, code in codes.items():
        if name not in made:
            yield Check(name, True, f"{settings.address}/in/{name}/ussd ({type(code).__name__})")


def _check_link(settings: Settings, channel: Smpp) -> Iterator[Check]:
    """Look when the process that holds a link last heard of the SMSC. Nothing is said where the database is away."""
    database = Database(settings.database)
    try:
        with database.session(read_only=True) as session:
            proven_at = channels.last_tick(session, proof_of(channel.name))
    except KabarError:
        return
    finally:
        database.dispose()
    health = channel.judge(proven_at, utc_now())
    yield Check(channel.name, health.is_well, health.words)


def say_health(health: ChannelHealth) -> str:
    """Return what a channel's other side says of itself, in one line.

    >>> say_health(ChannelHealth(True, "modem hidup / the modem is alive", signal=60, credit="Rp 12.500"))
    'modem hidup / the modem is alive; sinyal/signal 60%, pulsa/credit Rp 12.500'
    """
    found = (
        f"sinyal/signal {health.signal}%" if health.signal is not None else "",
        f"baterai/battery {health.battery}%" if health.battery is not None else "",
        f"pulsa/credit {health.credit}" if health.credit else "",
    )
    return "; ".join(filter(None, (health.words, ", ".join(filter(None, found)))))


def settings_page(rows: list[tuple[str, str, str]]) -> str:
    """Return docs/settings.md: every setting of the environment, its default and its meaning."""
    lines = [
        "# Settings",
        "",
        "What is set by environment. This page is made by `./kabar settings > docs/settings.md`; a test keeps",
        "it true. `DATABASE_URL`, `REDIS_URL` and `PORT` count where the `KABAR_` name is not set. A mistake stops",
        "every command with all faults at once, by name; `./kabar doctor` says in words what to mend.",
        "",
        "| name | default | meaning |",
        "|---|---|---|",
    ]
    lines += [f"| `{name}` | {f'`{default}`' if default else ''} | {meaning} |" for name, default, meaning in rows]
    return "\n".join(lines) + "\n"
