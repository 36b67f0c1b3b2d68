"""The demo's last days: messages as midwives write them, handled as any other, so that each screen has work on it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from gateway import demo
from gateway.forms import load_forms
from gateway.handle import batch
from gateway.handle.facts import Rules
from gateway.handle.reading_json import to_json
from gateway.receive import keep
from gateway.store import channels, reporters, reports
from gateway.store.base import Session
from gateway.store.facilities import Facility
from gateway.store.reporters import Reporter
from gateway.store.reports import NewReport, ReportKey
from gateway.values import InboundSms, ReportState, Scope, lane_of, read_sender
from parsers.period import period_of
from parsers.reading import READER_VERSION, ReadReport

AREA = "14.03"  # Kabupaten Bengkalis, where the days are played
STRANGERS = ("+628120009901", "+628120009902")  # well formed, and nobody has them
_STOCK_MONTHS = 4
_SMALL = {"PMB", "PMB_JEJARING", "PUSTU", "POLINDES"}
# By type of facility: what is kept in stock, and about how much of it goes out in a month.
_STOCKED = {"pil": 30, "suntik3": 24, "kondom": 6}
_STOCKED_WIDELY = _STOCKED | {"suntik1": 8, "iud": 6, "implan2": 7}


@dataclass(frozen=True, slots=True)
class _Sms:
    """One message of the last days: how long before now it was sent."""

    ago: timedelta
    phone: str
    text: str


def play(session: Session, rules: Rules, now: datetime) -> None:
    """Let the last days happen once: reports with slips, doubts and repairs, corrections, stock, chat and strangers."""
    channels.choose_channel(session, demo.CHANNEL, AREA, None, scope=Scope(""))
    people = [
        (phone, person)
        for phone, person in reporters.find_by_channel(session, demo.CHANNEL)
        if person.facilities[0].area.startswith(f"{AREA}.")
    ]
    version = next(form.version for form in load_forms() if form.code == "alokon")
    reports.add_firsts(session, [one for _, person in people for one in _stock(person, version, now)])
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


def _stock(person: Reporter, version: int, now: datetime) -> Iterator[NewReport]:
    """Return a facility's stock of the last months; one in five facilities does not report it."""
    facility = person.facilities[0]
    chance = random.Random(f"stock {facility.code}")
    if chance.random() < 0.2:
        return
    left = {item: round(usual * chance.uniform(0.5, 4)) for item, usual in _usual(facility).items()}
    for back in range(_STOCK_MONTHS, 0, -1):
        period = period_of(now.date(), back)
        month = random.Random(f"stock {facility.code} {period}")
        values: dict[str, int] = {}
        for item, usual in _usual(facility).items():
            opening = left[item]
            received = round(usual * month.uniform(0.5, 2)) if month.random() < 0.45 else 0
            used = min(opening + received, round(usual * month.uniform(0.8, 1.2)))
            left[item] = opening + received - used
            moved = {"awal": opening, "terima": received, "keluar": used, "akhir": left[item]}
            values |= {f"{name}.{item}": count for name, count in moved.items()}
        sent_at = _after(period, facility, month)
        if sent_at < now and (back > 1 or month.random() < 0.8):
            state = ReportState.ACCEPTED if back == 1 else ReportState.APPROVED
            yield _stock_report(facility, person, period, values, sent_at, state, version)


def _usual(facility: Facility) -> Mapping[str, int]:
    if facility.type in _SMALL:
        return _STOCKED
    return {item: 5 * usual for item, usual in _STOCKED_WIDELY.items()}


def _after(period: str, facility: Facility, chance: random.Random) -> datetime:
    year, month = int(period[:4]), int(period[5:])
    opening = datetime(year + month // 12, month % 12 + 1, 1, 8, tzinfo=ZoneInfo(facility.timezone))
    return opening + timedelta(days=chance.randrange(6), minutes=chance.randrange(500))


def _stock_report(
    facility: Facility,
    person: Reporter,
    period: str,
    values: Mapping[str, int],
    sent_at: datetime,
    state: ReportState,
    version: int,
) -> NewReport:
    items = dict.fromkeys(key.partition(".")[2] for key in values)
    moves = ("awal", "terima", "keluar", "akhir")
    written = [f"{item.upper()} {'/'.join(str(values[f'{move}.{item}']) for move in moves)}" for item in items]
    return NewReport(
        key=ReportKey("alokon", facility.id, period),
        state=state,
        sent_at=sent_at,
        sent_key=f"demo:stock:{facility.code}:{period}",
        values=values,
        text=f"ALOKON {period[5:]}{period[2:4]} {' '.join(written)}",
        reading=to_json(ReadReport("alokon", period, values)),
        form_version=version,
        reader_version=READER_VERSION,
        created_at=sent_at,
        reporter_id=person.id,
    )
