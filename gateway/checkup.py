"""What `./kabar doctor` looks at: each part that Kabar stands on, and in words what to mend."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

from gateway import backup
from gateway.channels.smpp import Smpp, proof_of
from gateway.errors import KabarError, Misconfigured, Unavailable
from gateway.jobs import Bells, connect
from gateway.lines import ChannelHealth
from gateway.runtime import make_channels, make_ussd_channels, redis_address, utc_now
from gateway.settings import Settings, read_settings
from gateway.store import channels, registrations, schema, sqlite
from gateway.store.base import Database, Session, durability, is_postgresql


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `words` say what is so, or what to mend: Indonesian, then English."""

    name: str
    is_well: bool
    words: str


def check_all() -> Iterator[Check]:
    """Look at settings, folder, database, migrations, Redis and channels, one after the other."""
    try:
        settings = read_settings()
    except Misconfigured as error:
        for name, fault in error.faults.items():
            yield Check(name, False, f"perbaiki setelan ini / mend this setting: {fault}")
        return
    yield Check("settings", True, "terbaca / read")
    yield from check_parts(settings, asks_peers=True)


def check_parts(settings: Settings, *, asks_peers: bool = False) -> Iterator[Check]:
    """Look at everything but the settings themselves; `asks_peers`: ask the channels' other sides too, for seconds."""
    yield _check_folder(settings)
    yield from _check_database(settings)
    yield _check_redis(settings)
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
            yield from _check_durability(session)
            yield from _check_version(session)
    except (Unavailable, KabarError) as error:
        yield Check("database", False, f"tidak bisa dibuka / cannot be opened: {error}; KABAR_DATABASE_URL")
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


def _check_version(session: Session) -> Iterator[Check]:
    at, needed = schema.version_of(session), schema.newest_version()
    if at != needed:
        words = (
            f"basis data versi {at or '-'}, perlu {needed}: jalankan ./kabar migrate / at version {at or '-'}, needs"
        )
        yield Check("migrations", False, f"{words} {needed}: run ./kabar migrate")
        return
    yield Check("migrations", True, needed)
    waiting = len(registrations.waiting_registrations(session))
    if waiting:
        words = f"{waiting} pendaftaran menunggu / registrations wait: ./kabar reporters list"
        yield Check("registrations", True, words)


def _check_redis(settings: Settings) -> Check:
    if Bells(connect(redis_address(settings))).is_heard():
        return Check("redis", True, "menjawab / answers")
    if settings.is_embedded:
        words = "server bawaan tidak berjalan / the embedded server is not running: ./kabar demo"
        return Check("redis", False, f"{words}. Pesan tetap aman / messages are safe meanwhile")
    words = "tidak menjawab; periksa KABAR_REDIS_URL / does not answer; see KABAR_REDIS_URL"
    return Check("redis", False, f"{words}. Pesan tetap aman / messages are safe meanwhile")


def _check_backups(settings: Settings) -> Check:
    if settings.backups_folder is None:
        words = "belum ada cadangan yang diatur / no backup is set up: KABAR_BACKUPS, docs/backup.md"
        return Check("backups", True, words)
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
    except Misconfigured as error:
        for name, fault in error.faults.items():
            yield Check(name, False, f"perbaiki setelan ini / mend this setting: {fault}")
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
