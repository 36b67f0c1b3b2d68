"""What staff have yet to enter, and what was left from trying: nothing of it is a fault of the machine."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from gateway.checks.check import Check, advise, mend, well
from gateway.instances import parse_channels
from gateway.settings import Settings
from gateway.store import registry_size
from gateway.store.base import Session


def check_office(session: Session, settings: Settings) -> Iterator[Check]:
    """Look at what must be there before a first report, and at the demonstration."""
    size = registry_size.read(session)
    for name, number, command in (
        ("administrators", size.administrators, "./kabar users add EMAIL --name NAMA --role administrator"),
        ("areas", size.areas, "./kabar areas load"),
        ("facilities", size.facilities, "./kabar facilities import BERKAS --apply"),
        ("reporters", size.reporters, "./kabar reporters import BERKAS --apply"),
    ):
        if number:
            yield well(name, str(number))
        else:
            yield advise(name, f"belum ada: {command}", f"none yet: {command}")
    if not size.calendars:
        words = "tanggal jatuh tempo belum dipilih, berlaku tanggal 5: halaman Kalender"
        yield advise("calendar", words, "no due day was chosen, so it is the 5th: page Calendar")
    yield from _check_demonstration(settings, size.real_messages)


def _check_demonstration(settings: Settings, real_messages: int) -> Iterator[Check]:
    adapters = {one.adapter for one in parse_channels(settings.channels)}
    is_real = adapters != {"simulator"}
    if settings.demo and (is_real or real_messages):
        words = "KABAR_DEMO=1 bersama laporan sungguhan: siapa saja bisa masuk; hapus KABAR_DEMO, hidupkan ulang"
        english = "KABAR_DEMO=1 beside real reports: anybody may sign in; remove KABAR_DEMO, restart"
        yield mend("demo", words, english)
    elif not settings.demo and not is_real:
        words = "hanya telepon contoh (simulator): belum ada SMS sungguhan; KABAR_CHANNELS, docs/channels.md"
        english = "the sample phone (simulator) only: no real SMS yet; KABAR_CHANNELS, docs/channels.md"
        yield advise("channels", words, english)


def check_key(settings: Settings, hosts: Collection[str]) -> Iterator[Check]:
    """Look whether several machines would each make a key of their own."""
    if len(hosts) > 1 and not settings.secret_key:
        words = f"{len(hosts)} komputer menjalankan Kabar, masing-masing dengan kunci sendiri: isi KABAR_SECRET_KEY"
        english = f"{len(hosts)} computers run Kabar, each with a key of its own: set the same KABAR_SECRET_KEY"
        yield mend("secret key", words, english)
