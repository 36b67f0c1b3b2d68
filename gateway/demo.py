"""Demo data: two real regencies, made-up practices and midwives, and 14 months of made-up, plausible reports."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway import demo_stock
from gateway.enrol.areas import read_areas, read_sample_facilities
from gateway.forms import load_forms
from gateway.handle.reading_json import to_json
from gateway.settling import Choices, SettlesAt
from gateway.store import areas, export_choices, facilities, reporters, reports, users
from gateway.store.base import Session
from gateway.store.facilities import NewFacility
from gateway.store.reports import NewReport, ReportKey
from gateway.store.users import NewUser
from gateway.values import ReportState, Role, Scope
from parsers.reading import READER_VERSION, ReadReport

CHANNEL = "simulator"  # nothing of a demo reporter can leave by another channel
MONTHS = 14
FREE_PERIOD = "2025-09"  # what the printed midwives are invited to report, and so have not
_FORM = "kb"

# Where each real facility stands, by its Kemenkes code. The name tells for most (Duri is in Mandau); for the others,
# most hospitals among them, the kecamatan is made up: no open list gives it.
_FACILITIES_IN = {
    "14.03.01": "1011329 1012598 1408011",
    "14.03.02": "1011330 1012599",
    "14.03.03": "1011325",
    "14.03.09": "1011320 1011324 1012603 1408032 1408055 1408067 1408079 1408080",
    "14.03.10": "1011327 1012602",
    "14.03.11": "1011328",
    "14.03.12": "1011326 1012601",
    "14.03.13": "1011323",
    "14.03.14": "1012600",
    "14.03.15": "1012604",
    "14.03.16": "1011321 1011322",
    "72.71.01": "1070371 7271025 7271040 7271116 7271127",
    "72.71.02": "1070365 1071345 7271128 7271095",
    "72.71.03": "1070368 1070369 7271131 7271132",
    "72.71.04": "1070374 7271055 7271051",
    "72.71.05": "1070367 7271036",
    "72.71.06": "1070366 1070370 1071300 7271130",
    "72.71.07": "1070375 1070376",
    "72.71.08": "1070372 1070373 7271014 7271133",
}
_AREA_OF = {code: area for area, codes in _FACILITIES_IN.items() for code in codes.split()}

# What the names of the state's own have in them: the districts', the army's and the police's hospitals among them.
_STATE = ("Puskesmas", "Umum Daerah", "Anutapura", "Bhayangkara", "Tk. Iii")

_MIDWIVES = """
    Ani Sari Dewi Rina Yuni Wati Lestari Fitri Nur Ratna Indah Mega Putri Ayu Sri Endang Murni Lina Tuti Ida Eka Dian
    Novi Siti Maya Rosa Yanti Hesti Wulan Citra Nia Reni Suci Tika Vina Winda Yeni Zahra Asti Bunga Gita Hana Intan
"""
_FLOWERS = """
    Melati Kenanga Mawar Cempaka Dahlia Seroja Kamboja Anggrek Teratai Flamboyan Bougenvil Kemuning
"""

# Of a hundred users of a facility, about so many by method. A facility that is not named here
# has the shares of a midwife's practice.
_SHARES = {
    "PMB": {"suntik3": 45, "pil": 24, "implan2": 9, "iud": 7, "kondom": 7, "suntik1": 6},
    "PUSTU": {"suntik3": 50, "pil": 28, "implan2": 9, "kondom": 6, "iud": 3},
    "PUSKESMAS": {"suntik3": 42, "pil": 22, "implan2": 13, "iud": 7, "kondom": 7, "suntik1": 5, "mow": 3},
    "RS": {"iud": 24, "implan2": 18, "mow": 22, "suntik3": 22, "pil": 8, "mop": 1},
}
_USERS = {"PUSKESMAS": (320, 690), "RS": (60, 180), "PMB": (50, 150), "PMB_JEJARING": (35, 90)}
_FEW_USERS = (28, 75)  # pustu and polindes

_REGENCIES = ("14.03", "72.71")
_USERS_OF_OFFICES = (
    ("Administrator", Role.ADMINISTRATOR, ""),
    ("Dinas Bengkalis", Role.DISTRICT, "14.03"),
    ("Petugas Mandau", Role.OFFICER, "14.03.09"),
    ("Pemantau Palu", Role.VIEWER, "72.71"),
)

# New users by month, against a usual month: few in the fasting month and at its end, many around the national family
# day of 29 June and in the service weeks of September.
_SEASON = (1.0, 1.05, 0.7, 0.8, 1.0, 1.35, 1.1, 1.0, 1.2, 1.05, 1.0, 0.85)


@dataclass(frozen=True, slots=True)
class DemoMidwife:
    """A midwife whose number the demo prints: who she is, and where she reports from."""

    name: str
    phone: str
    facility: str


@dataclass(frozen=True, slots=True)
class _Place:
    """A demo facility and the one who reports for it."""

    facility: NewFacility
    reporter: str
    phone: str
    is_printed: bool = False


def load(session: Session, now: datetime) -> bool:
    """Load the demo data; False when it is there already. Its reports end with the month before `now`'s."""
    _add_users(session, now)
    places = tuple(_places())
    if facilities.find_ids(session, [place.facility.code for place in places]):
        return False
    every_area = read_areas()
    known = areas.names_of(session, [area.code for area in every_area])
    areas.add_areas(session, [area for area in every_area if area.code not in known])
    ids = facilities.add_facilities(session, [place.facility for place in places])
    people = [
        reporters.add_reporter(session, place.reporter, [place.phone], [facility_id], only_channel=CHANNEL)
        for place, facility_id in zip(places, ids, strict=True)
    ]
    zones = {area.code: ZoneInfo(area.timezone) for area in every_area}
    versions = {form.code: form.version for form in load_forms()}
    history = [
        report
        for place, facility_id, reporter_id in zip(places, ids, people, strict=True)
        for source in (_history, _stock_history)
        for report in source(place, (facility_id, reporter_id), zones[place.facility.area], versions, now)
    ]
    reports.add_firsts(session, sorted(history, key=lambda report: report.sent_at))
    for area in _REGENCIES:  # nobody has approved what is made up, and there is to be something to hand on
        export_choices.choose(session, Choices(area, SettlesAt.ACCEPTED), scope=Scope(area))
    return True


def _add_users(session: Session, now: datetime) -> None:
    """Add who can be signed in as by one click, in a demonstration only: none of them has a password."""
    for name, role, area in _USERS_OF_OFFICES:
        login = f"{users.DEMO}{name.split()[-1].lower()}"
        if users.find_by_login(session, login) is None:
            users.add_user(session, NewUser(login, name, role, area, "id", now))


def printed_midwives() -> tuple[DemoMidwife, ...]:
    """Return the three midwives to try with: September 2025 is theirs to report, and they have about 40 users."""
    return tuple(
        DemoMidwife(place.reporter, place.phone, place.facility.name) for place in _places() if place.is_printed
    )


def _places() -> Iterator[_Place]:
    """Return every demo facility: the real ones, then practices, pustu and polindes that do not exist.

    The KB register codes are made up in the true shape: regency (4), register of the facility (3), its network (2).
    The numbers are +62 812-0000-0101 onwards: such a number is well formed, and nobody has one.
    """
    phones = (f"+628120000{number:04}" for number in range(101, 10000))
    names = iter(_MIDWIVES.split())
    printed = ("14.03.09", "72.71.02", "14.03.02")
    for number, area in enumerate(printed, start=1):
        name = next(names)
        facility = _made_up(f"PMB {name}", f"PMB{number:02}", "PMB", area, register=500 + number)
        yield _Place(facility, f"Bidan {name}", next(phones), is_printed=True)
    for number, real in enumerate(read_sample_facilities(), start=1):
        code = f"{real.regency.replace('.', '')}{number:03}00"
        short_name = f"{'PUSKES' if real.type == 'PUSKESMAS' else 'RSU'}{number:02}"
        facility = NewFacility(
            code=code,
            name=real.name,
            short_name=short_name,
            type=real.type,
            area=_AREA_OF[real.kemenkes_code],
            kemenkes_code=real.kemenkes_code,
            ownership="pemerintah" if any(word in real.name for word in _STATE) else "swasta",
        )
        yield _Place(facility, f"Petugas KB {real.name}"[:100], next(phones))
    kecamatan = tuple(_FACILITIES_IN)
    for number, name in enumerate(names, start=len(printed) + 1):
        area = kecamatan[number * 7 % len(kecamatan)]
        kind = "PMB_JEJARING" if number % 4 == 0 else "PMB"
        facility = _made_up(f"PMB {name}", f"PMB{number:02}", kind, area, register=500 + number)
        yield _Place(facility, f"Bidan {name}", next(phones))
    for number, flower in enumerate(_FLOWERS.split(), start=1):
        area = kecamatan[number * 5 % len(kecamatan)]
        kind = "PUSTU" if number % 2 else "POLINDES"
        name = f"{kind.title()} {flower}"
        facility = _made_up(name, f"{kind}{number:02}", kind, area, register=number, network=number)
        yield _Place(facility, f"Bidan {name}", next(phones))


def _made_up(name: str, short_name: str, kind: str, area: str, register: int, network: int = 0) -> NewFacility:
    code = f"{area[:5].replace('.', '')}{register:03}{network:02}"
    ownership = "pemerintah" if kind in {"PUSTU", "POLINDES"} else "swasta"
    return NewFacility(code=code, name=name, short_name=short_name, type=kind, area=area, ownership=ownership)


def _history(
    place: _Place, ids: tuple[int, int], zone: ZoneInfo, versions: Mapping[str, int], now: datetime
) -> Iterator[NewReport]:
    """Return a facility's reports of the last months: made twice for the same months, they are the same."""
    periods = _last_periods(now.astimezone(zone), MONTHS)
    least, most = (39, 41) if place.is_printed else _USERS.get(place.facility.type, _FEW_USERS)
    users = random.Random(place.facility.code).uniform(least, most)
    for index, period in enumerate(periods):
        month_chance = random.Random(f"{place.facility.code}{period}")
        users *= month_chance.uniform(0.985, 1.015) if place.is_printed else month_chance.uniform(0.975, 1.035)
        values = _values(place, round(users), period, month_chance)
        sent_at = _sent_at(period, zone, month_chance)
        left = len(periods) - 1 - index  # months that came after this one
        reported = month_chance.random() < {0: 0.68, 1: 0.93}.get(left, 0.985)
        if not reported or sent_at >= now or (place.is_printed and period == FREE_PERIOD):
            continue
        read = ReadReport(_FORM, period, values)
        yield _as_report(place, ids, read, _write(values, period, month_chance), sent_at, versions, is_newest=not left)


def _stock_history(
    place: _Place, ids: tuple[int, int], zone: ZoneInfo, versions: Mapping[str, int], now: datetime
) -> Iterator[NewReport]:
    """Return the reports of a facility's stock; the printed midwives are free to begin with any."""
    if place.facility.type not in demo_stock.KEEPERS or place.is_printed:
        return
    periods = _last_periods(now.astimezone(zone), demo_stock.MONTHS)
    for month in demo_stock.stock_months(place.facility.code, place.facility.type, periods):
        month_chance = random.Random(f"{place.facility.code}{month.period} stock")
        sent_at, is_newest = _sent_at(month.period, zone, month_chance), month.period == periods[-1]
        if sent_at < now and month_chance.random() < (0.6 if is_newest else 0.97):
            read = ReadReport(demo_stock.FORM, month.period, month.values)
            yield _as_report(place, ids, read, month.text, sent_at, versions, is_newest=is_newest)


def _as_report(
    place: _Place,
    ids: tuple[int, int],
    read: ReadReport,
    text: str,
    sent_at: datetime,
    versions: Mapping[str, int],
    *,
    is_newest: bool,
) -> NewReport:
    assert read.period is not None
    facility_id, reporter_id = ids
    return NewReport(
        key=ReportKey(read.form, facility_id, read.period),
        state=ReportState.ACCEPTED if is_newest else ReportState.APPROVED,
        sent_at=sent_at,
        sent_key=f"demo:{place.facility.code}:{read.form}:{read.period}",
        values=read.values,
        text=text,
        reading=to_json(read),
        form_version=versions[read.form],
        reader_version=READER_VERSION,
        created_at=sent_at,
        reporter_id=reporter_id,
    )


def _last_periods(today: datetime, count: int) -> list[str]:
    """Return the `count` months before today's, oldest first."""
    last = today.year * 12 + today.month - 1  # months since year 0, today's own
    return [f"{month // 12}-{month % 12 + 1:02}" for month in range(last - count, last)]


def _sent_at(period: str, zone: ZoneInfo, chance: random.Random) -> datetime:
    """Return when it was sent: in the first days of the month after, between 8 and 18 o'clock there."""
    year, month = int(period[:4]), int(period[5:])
    day = 1 + min(int(chance.expovariate(1 / 2.2)), 8)
    opening = datetime(year + month // 12, month % 12 + 1, day, 8, tzinfo=zone)
    return (opening + timedelta(seconds=chance.randrange(10 * 3600))).astimezone(UTC)


def _values(place: _Place, users: int, period: str, chance: random.Random) -> dict[str, int]:
    """Return one month's numbers, which keep every rule of the form: items never add up to more than their total."""
    kind = place.facility.type
    season = _SEASON[int(period[5:]) - 1]
    if place.is_printed:  # as in the message that everybody tries first: BARU 12 AKTIF 40 PIL 30
        pills = round(users * chance.uniform(0.68, 0.76))
        values = {"baru": max(7, round(10 * season) + chance.randint(-1, 2)), "aktif": users, "aktif.pil": pills}
        return values | {"aktif.suntik3": users - pills - chance.randint(0, 2)}
    shares = _SHARES.get(kind, _SHARES["PUSTU" if kind in {"PUSTU", "POLINDES"} else "PMB"])
    new = max(1, round(users * (0.3 if kind == "RS" else 0.06) * season * chance.uniform(0.8, 1.25)))
    values = _with_items("baru", new, shares, chance)
    if kind in {"RS", "PUSKESMAS"}:
        values["pasca"] = round(new * chance.uniform(0.35, 0.6) if kind == "RS" else new * chance.uniform(0.1, 0.3))
        values["ganti"] = round(users * chance.uniform(0.005, 0.02))
        values["cabut.implan"] = chance.randint(0, 4)
        values["cabut.iud"] = chance.randint(0, 2)
    if kind != "RS":
        values["ulang"] = round(users * chance.uniform(0.25, 0.35))
    return values | _with_items("aktif", users, shares, chance)


def _with_items(measure: str, total: int, shares: Mapping[str, int], chance: random.Random) -> dict[str, int]:
    """Return a measure's total and the items that make it up; a method that nobody uses is left out."""
    values = {measure: total}
    weights = {item: share * chance.uniform(0.9, 1.1) for item, share in shares.items()}
    scale = total / (sum(weights.values()) * 1.02)
    running, given = 0.0, 0  # rounded as a running sum, so that the items never add up to more than the total
    for item, weight in weights.items():
        running += weight * scale
        count = round(running) - given
        given += count
        if count:
            values[f"{measure}.{item}"] = count
    return values


def _write(values: Mapping[str, int], period: str, chance: random.Random) -> str:
    """Return the SMS that says these numbers, in one of the ways people write: a measure, its total, then its items."""
    groups: dict[str, list[str]] = {}
    for name, quantity in values.items():
        measure, _, item = name.partition(".")
        words = groups.setdefault(measure, [] if not item else [measure.upper()])
        words.append(f"{(item or measure).upper()} {quantity}")
    year, month = period[2:4], period[5:]
    style = chance.randrange(3)
    if style == 0:
        return " ".join([f"KB {month}{year}", *(" ".join(words) for words in groups.values())])
    if style == 1:
        return " ".join([f"kb {month}/{year}", ", ".join(" ".join(words) for words in groups.values())]).lower()
    return "\n".join([f"KB {month}{year}", *(" ".join(words) for words in groups.values())])
