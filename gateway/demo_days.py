"""The demo's last days: messages as midwives write them, handled as any other, so that each screen has work on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway import demo
from gateway.handle import batch
from gateway.handle.facts import Rules
from gateway.receive import keep
from gateway.store import channels, reporters, reports
from gateway.store.base import Session
from gateway.store.reporters import Reporter
from gateway.values import InboundSms, Scope, lane_of, read_sender
from parsers.period import period_of

AREA = "14.03"  # Kabupaten Bengkalis, where the days are played
STRANGERS = ("+628120009901", "+628120009902")  # well formed, and nobody has them
_SMALL = {"PMB", "PMB_JEJARING", "PUSTU", "POLINDES"}


@dataclass(frozen=True, slots=True)
class _Sms:
    """One message of the last days: how long before now it was sent."""

    ago: timedelta
    phone: str
    text: str


def play(session: Session, rules: Rules, now: datetime) -> None:
    """Let the last days happen once: reports with slips, doubts and repairs, corrections, chat and strangers."""
    channels.choose_channel(session, demo.CHANNEL, AREA, None, scope=Scope(""))
    people = [
        (phone, person)
        for phone, person in reporters.find_by_channel(session, demo.CHANNEL)
        if person.facilities[0].area.startswith(f"{AREA}.")
    ]
    for sms in sorted(_messages(session, people, now), key=lambda one: one.ago, reverse=True):
        at = now - sms.ago
        kept = InboundSms(f"demo:{at:%Y%m%d%H%M%S}:{sms.phone[-4:]}", read_sender(sms.phone), sms.text, sent_at=at)
        keep.keep_sms(session, demo.CHANNEL, kept, at)
        batch.handle_batch(session, lane_of(sms.phone), rules, at, size=100, tries=5)


def _messages(session: Session, people: Sequence[tuple[str, Reporter]], now: datetime) -> Iterator[_Sms]:
    """Return what is written in the last days, by small practices that have not reported, and by some that have."""
    due, before = period_of(now.date(), 1), period_of(now.date(), 2)
    printed = {one.phone for one in demo.printed_midwives()}
    months = {
        phone: reports.values_of_months(session, "kb", person.facilities[0].id, before)
        for phone, person in people
        if person.facilities[0].type in _SMALL and phone not in printed
    }
    owing = [(phone, found[before]) for phone, found in months.items() if before in found and due not in found]
    settled = [(phone, found[before]) for phone, found in months.items() if before in found and due in found]
    for number, ((phone, _), text) in enumerate(zip(owing, _reports(due, owing), strict=False)):
        yield _Sms(timedelta(days=3 - number // 2, hours=number, minutes=7 * number), phone, text)
    for number, (phone, last) in enumerate(settled[:2]):  # what staff have approved is another figure now
        yield _Sms(timedelta(hours=20 - 3 * number), phone, _write(before, last | {"aktif": last["aktif"] + 3}))
    said = (
        "Assalamualaikum bu, HP saya rusak. Laporan saya antar ke kantor besok ya",
        "Bu, blangko baru sudah ada belum?",
    )
    for number, ((phone, _), text) in enumerate(zip(settled[2:], said, strict=False)):
        yield _Sms(timedelta(hours=7 - 3 * number), phone, text)
    yield _Sms(timedelta(hours=9), STRANGERS[0], f"KB {due[5:]}{due[2:4]} BARU 4 AKTIF 22 PIL 9")
    yield _Sms(timedelta(hours=6), STRANGERS[1], "DAFTAR Bidan Rahma, PMB Rahma, Mandau")


def _reports(due: str, owing: Sequence[tuple[str, Mapping[str, int]]]) -> Iterator[str]:
    """Return what those who owe a report write, each in her own way."""
    month = f"{due[5:]}{due[2:4]}"
    for number, (_, last) in enumerate(owing[:5]):
        yield (
            _write(due, last, slip=10),  # asked about days ago, and never answered
            f"kb {due[5:]}/{due[2:4]} baruu {last['baru'] + 1}, aktiff {last['aktif'] + 2}",  # repaired
            _write(due, last),  # to the last number what it was the month before: staff look at it
            _write(due, last, slip=10),  # asked about today
            f"KB {month} BARU {last['baru']} AKTIF {last['aktif']} DEPOGESTON 9",  # a word that nobody has taught
        )[number]


def _write(period: str, values: Mapping[str, int], *, slip: int = 1) -> str:
    """Return a report as an SMS; with a `slip` only its totals, the number of users times it: a zero too many."""
    groups: dict[str, list[str]] = {}
    for name, count in values.items():
        measure, _, item = name.partition(".")
        if not item:
            groups[measure] = [measure.upper(), str(count * slip if measure == "aktif" else count)]
        elif slip == 1:
            groups.setdefault(measure, [measure.upper()]).extend((item.upper(), str(count)))
    return " ".join([f"KB {period[5:]}{period[2:4]}", *(" ".join(words) for words in groups.values())])
