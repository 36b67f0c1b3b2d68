"""Redis, PostgreSQL and the web: who does not answer, and why; who answers to strangers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from gateway.channels.http import HttpClient
from gateway.checks.check import Check, advise, mend, well
from gateway.errors import KabarError
from gateway.jobs import Bells, obeys_strangers
from gateway.runtime import redis_address
from gateway.settings import Settings
from gateway.supervise import is_port_free

OLDEST_TESTED = 15  # of PostgreSQL; older ones are not tried by anybody here
MOST_DRIFT = timedelta(seconds=10)  # between two clocks
# What PostgreSQL says in its own words, and what to do. Source: PostgreSQL, appendix A, 28P01, 28000, 3D000.
_FAULTS = (
    (
        "password authentication failed",
        "nama atau kata sandinya salah: perbaiki KABAR_DATABASE_URL",
        "wrong name or password: mend KABAR_DATABASE_URL",
    ),
    (
        "no password supplied",
        "butuh kata sandi: postgresql://nama:sandi@host/nama di KABAR_DATABASE_URL",
        "it asks for a password: write one into KABAR_DATABASE_URL",
    ),
    (
        "does not exist",
        "belum ada: sudo -u postgres createuser kabar; sudo -u postgres createdb --owner=kabar kabar",
        "is not there yet: sudo -u postgres createuser kabar; sudo -u postgres createdb --owner=kabar kabar",
    ),
    (
        "Peer authentication failed",
        "hanya menerima pengguna sistem yang namanya sama: jalankan sebagai kabar (sudo -u kabar ...)",
        "takes only the system's user of the same name: run as kabar (sudo -u kabar ...)",
    ),
)


def say_fault(error: Exception) -> str:
    """Return why a database cannot be opened, with its remedy where the words of its driver are known."""
    said = str(error)
    for known, indonesian, english in _FAULTS:
        if known in said:
            return f"{indonesian} / {english}"
    return f"tidak bisa dibuka / cannot be opened: {said}; KABAR_DATABASE_URL"


def check_postgresql(version: str) -> Iterator[Check]:
    """Look whether a PostgreSQL is one that is tried."""
    if int(version.partition(".")[0]) < OLDEST_TESTED:
        words = f"PostgreSQL {version} lebih tua dari yang diuji ({OLDEST_TESTED}): rencanakan pindah"
        yield advise(
            "postgresql", words, f"PostgreSQL {version} is older than what is tested ({OLDEST_TESTED}): plan to move"
        )


def check_redis(settings: Settings, bells: Bells) -> Iterator[Check]:
    """Look whether Redis answers, and to whom."""
    why = bells.find_fault()
    if not why:
        if bells.is_open_to_all() or obeys_strangers(redis_address(settings)):
            yield mend(
                "redis",
                "menjawab siapa saja di jaringan tanpa kata sandi: bind 127.0.0.1 atau requirepass di redis.conf",
                "answers anybody on the network without a password: bind 127.0.0.1 or requirepass in redis.conf",
            )
        else:
            yield well("redis", "menjawab / answers")
    elif why == "password":
        words = "kata sandinya salah atau belum ditulis: redis://:SANDI@host:6379/0 di KABAR_REDIS_URL"
        yield mend("redis", words, "wrong password, or none: redis://:PASSWORD@host:6379/0 in KABAR_REDIS_URL")
    elif settings.is_embedded:
        yield mend(
            "redis",
            "server bawaan tidak berjalan; pesan tetap aman: ./kabar demo, atau isi KABAR_REDIS_URL",
            "the embedded server is not running, messages are safe meanwhile: ./kabar demo, or set KABAR_REDIS_URL",
        )
    else:
        yield mend(
            "redis",
            "tidak menjawab; pesan tetap aman, tetapi menunggu: hidupkan Redis, periksa KABAR_REDIS_URL",
            "does not answer; messages are safe, but wait: start Redis, see KABAR_REDIS_URL",
        )


def check_web(settings: Settings, client: HttpClient) -> Iterator[Check]:
    """Look whether the web server answers on this computer, or somebody else holds its port."""
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104  what it listens on
    try:
        answer = client.call("GET", f"http://{host}:{settings.port}/healthz", {}, b"")
        is_ours = answer.status == 200 and answer.text.strip() == "ok"
    except KabarError:
        is_ours = False
    if is_ours:
        yield well("web", f"menjawab / answers: {host}:{settings.port}")
    elif is_port_free(settings.host, settings.port):
        words = f"tidak berjalan di komputer ini (port {settings.port} kosong): ./kabar web"
        english = f"does not run on this computer (port {settings.port} is free), which is well if another one runs it"
        yield advise("web", words, english)
    else:
        command = f"sudo ss -ltnp 'sport = :{settings.port}'"
        yield mend(
            "web",
            f"port {settings.port} dipakai program lain, atau web macet: {command}; atau pilih KABAR_PORT lain",
            f"another program has port {settings.port}, or the web server hangs: {command}; or take another KABAR_PORT",
        )


def check_metrics(settings: Settings) -> Iterator[Check]:
    """Look whether strangers may reach the metrics."""
    address = settings.metrics_address
    if address and not (address[0] in {"localhost", "::1"} or address[0].startswith("127.")):
        words = f"KABAR_METRICS={settings.metrics} terbuka ke jaringan: pastikan hanya Prometheus yang sampai ke sana"
        english = f"KABAR_METRICS={settings.metrics} is open to the network: see that only your Prometheus reaches it"
        yield advise("metrics", words, english)


def check_online(settings: Settings, client: HttpClient, now: datetime) -> Iterator[Check]:
    """Ask our own public address, as a provider would, and compare clocks with whoever answers."""
    if not settings.public_url:
        words = "KABAR_PUBLIC_URL belum diisi: penyedia tidak tahu ke mana mengirim"
        yield advise("public", words, "KABAR_PUBLIC_URL is not set: providers do not know where to send")
        return
    try:
        answer = client.call("GET", f"{settings.public_url}/healthz", {}, b"")
    except KabarError as error:
        words = f"{settings.public_url} tidak tercapai ({error}): periksa DNS, sertifikat, proxy, firewall"
        english = f"{settings.public_url} is not reached ({error}): see DNS, certificate, proxy, firewall"
        yield mend("public", words, english)
        return
    if answer.status != 200 or answer.text.strip() != "ok":
        words = f"{settings.public_url} dijawab pihak lain ({answer.status}): periksa proxy dan KABAR_PUBLIC_URL"
        english = (
            f"somebody else answers at {settings.public_url} ({answer.status}): see the proxy and KABAR_PUBLIC_URL"
        )
        yield mend("public", words, english)
    else:
        yield well("public", settings.public_url)
    if told := answer.headers.get("date"):
        yield from check_drift("clock", now - parsedate_to_datetime(told), (settings.public_url,) * 2)


def check_drift(name: str, drift: timedelta, whose: tuple[str, str]) -> Iterator[Check]:
    """Look whether two clocks agree. Shape: `whose` clock the other one is, Indonesian and English."""
    if abs(drift) > MOST_DRIFT:
        seconds = f"{round(drift.total_seconds()):+d}"
        yield mend(
            name,
            f"jam komputer ini berbeda {seconds} detik dari {whose[0]}: sudo timedatectl set-ntp true di keduanya",
            f"this computer's clock differs by {seconds} s from {whose[1]}: sudo timedatectl set-ntp true on both",
        )
