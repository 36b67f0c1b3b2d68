"""This computer: its Python and packages, its clock and zones, its folder, its memory, its services."""

from __future__ import annotations

import os
import re
import resource
import sys
from collections.abc import Iterator
from datetime import datetime
from importlib import metadata
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.checks.check import Check, advise, mend, well
from gateway.settings import Settings

OLDEST_PYTHON = (3, 11)
ZONES = ("Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura")  # Indonesia's
LEAST_YEAR = 2025  # of this code: a clock before it is wrong
LEAST_MEMORY = 700 * 1024**2  # bytes, with swap; all processes on SQLite need some 300 MB
LEAST_FILES = 512  # that one process may have open
PARTS = ("web", "inbound", "outbound", "errands", "clock")  # of the units' names, docs/install.md
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(?: *;(.*?))?(?: \\)?$", re.MULTILINE)


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> Iterator[Check]:
    """Look whether this Python is new enough."""
    said = ".".join(map(str, version))
    if version < OLDEST_PYTHON:
        yield mend(
            "python",
            f"Python {said} terlalu tua; perlu 3.11: pasang yang lebih baru, sebutkan di KABAR_PYTHON",
            f"Python {said} is too old; 3.11 is needed: install a newer one, name it in KABAR_PYTHON",
        )
    else:
        yield well("python", said)


def check_packages(lock: Path) -> Iterator[Check]:
    """Look whether what is installed is what the lock file names; what it names for other machines is left out."""
    try:
        pinned = _PINNED.findall(lock.read_text(encoding="utf-8"))
    except OSError:
        return
    wanted: dict[str, set[str]] = {}
    for name, version, is_for in pinned:
        wanted.setdefault(name, set()).update({version, "-"} if is_for.strip() else {version})
    found = {name: _version_of(name) for name in wanted}
    wrong = [f"{name} {found[name]}" for name, versions in wanted.items() if found[name] not in versions]
    if wrong:
        some = "; ".join(wrong[:3])
        yield mend(
            "packages",
            f"{len(wrong)} paket bukan yang di requirements.lock ({some}): jalankan perintah ./kabar mana pun",
            f"{len(wrong)} packages are not those of requirements.lock ({some}): run any ./kabar command",
        )
    else:
        yield well("packages", f"{len(wanted)} = requirements.lock")


def check_clock(settings: Settings, now: datetime, root: Path = Path("/")) -> Iterator[Check]:
    """Look at the clock and at the zones of the country."""
    if now.year < LEAST_YEAR:
        words = f"jam komputer ini salah ({now:%Y-%m-%d %H:%M} UTC): sudo timedatectl set-ntp true"
        yield mend("clock", words, "this computer's clock is wrong: sudo timedatectl set-ntp true")
    else:
        timesync = root / "run/systemd/timesync"
        if timesync.is_dir() and not (timesync / "synchronized").exists():
            words = "jam belum disetel lewat jaringan: sudo timedatectl set-ntp true"
            yield advise("clock", words, "the clock is not set by the network yet: sudo timedatectl set-ntp true")
    for zone in dict.fromkeys((settings.timezone, *ZONES)):
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            words = f"zona waktu {zone} tidak dikenal: sudo apt install tzdata, atau perbaiki KABAR_TIMEZONE"
            english = f"there is no time zone {zone}: sudo apt install tzdata, or mend KABAR_TIMEZONE"
            yield mend("timezone", words, english)


def check_folder(settings: Settings, user: int | None = None) -> Iterator[Check]:
    """Look whether what is written is this user's, and whether others can read it."""
    user = os.getuid() if user is None else user
    try:
        entries = [settings.var, *sorted(settings.var.iterdir())]
        found = [(entry, entry.lstat()) for entry in entries]
    except OSError:
        return  # what cannot be read at all is told by the look at the folder itself
    foreign = [entry for entry, state in found if state.st_uid != user]
    if foreign:
        whose = _name_of(foreign[0].lstat().st_uid)
        yield mend(
            "owner",
            f"{foreign[0]} milik {whose}, bukan {_name_of(user)}: jalankan ./kabar sebagai pemiliknya,"
            f" atau sudo chown -R kabar: {settings.var}",
            f"{foreign[0]} belongs to {whose}, not to {_name_of(user)}: run ./kabar as its owner,"
            f" or sudo chown -R kabar: {settings.var}",
        )
    is_open = found[0][1].st_mode & 0o077
    secret = next((entry for entry, state in found[1:] if _is_secret(entry) and state.st_mode & 0o077), None)
    if secret or is_open:
        place, mode = (secret, "600") if secret else (settings.var, "700")
        yield mend(
            "permissions",
            f"{place} bisa dibaca pengguna lain: chmod {mode} {place}",
            f"other users of this computer can read {place}: chmod {mode} {place}",
        )


def check_memory(root: Path = Path("/")) -> Iterator[Check]:
    """Look whether the memory is enough for all processes, and whether a process may open enough files."""
    try:
        written = (root / "proc/meminfo").read_text(encoding="ascii")
    except OSError:
        written = ""
    sizes = {name: int(size) * 1024 for name, size in re.findall(r"^(\w+): +(\d+) kB$", written, re.MULTILINE)}
    total = sizes.get("MemTotal", LEAST_MEMORY) + sizes.get("SwapTotal", 0)
    if total < LEAST_MEMORY:
        yield advise(
            "memory",
            f"memori dan swap hanya {total // 1024**2} MB: tambah swap, KABAR_WEB_PROCESSES=1",
            f"memory and swap are {total // 1024**2} MB only: add swap, KABAR_WEB_PROCESSES=1",
        )
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files != resource.RLIM_INFINITY and files < LEAST_FILES:
        words = f"satu proses hanya boleh membuka {files} berkas: LimitNOFILE=4096 (systemd), ulimit -n 4096"
        english = f"a process may open {files} files only: LimitNOFILE=4096 (systemd), ulimit -n 4096"
        yield advise("files", words, english)


def check_units(root: Path = Path("/")) -> Iterator[Check]:
    """Look whether systemd starts Kabar again after a power cut. Nothing is said where there is no systemd."""
    if not (root / "run/systemd/system").is_dir():
        return
    units = root / "etc/systemd/system"
    if not any(units.glob("kabar*.*")):
        words = "tidak ada layanan kabar di systemd: setelah listrik padam Kabar tidak hidup sendiri; docs/install.md"
        english = "systemd has no units of Kabar: it does not start again after a power cut; docs/install.md"
        yield advise("services", words, english)
        return
    wanted = {link.name for folder in units.glob("*.wants") for link in folder.iterdir()}
    needed = () if "kabar-run.service" in wanted else PARTS
    idle = [part for part in needed if not any(name.startswith(f"kabar-{part}") for name in wanted)]
    if "kabar.target" not in wanted and (len(idle) == len(PARTS) or (units / "kabar.target").exists()):
        command = "sudo systemctl enable --now kabar.target; docs/install.md"
        yield mend(
            "services",
            f"tidak hidup sendiri setelah listrik padam: {command}",
            f"do not start again after a power cut: {command}",
        )
    elif idle:
        names = ", ".join(idle)
        yield advise(
            "services",
            f"tidak hidup sendiri di komputer ini: {names}; tidak apa-apa bila ada di komputer lain",
            f"do not start by themselves on this computer: {names}; well if they do on another one",
        )
    else:
        yield well("services", "systemd")


def _version_of(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "-"


def _is_secret(entry: Path) -> bool:
    return entry.suffix in {".key", ".secret"}


def _name_of(user: int) -> str:
    return "root" if user == 0 else f"uid {user}"
