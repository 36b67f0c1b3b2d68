"""Who sends what in a measurement: a thousand midwives with a year behind them, and the texts that they send."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.forms import load_forms
from gateway.handle.reading_json import to_json
from gateway.store import areas, facilities, reporters, reports
from gateway.store.areas import Area
from gateway.store.base import Session
from gateway.store.facilities import NewFacility
from gateway.store.reports import NewReport, ReportKey
from gateway.values import ReportState
from parsers.reading import READER_VERSION, ReadReport

MIDWIVES = 1000
MONTHS = 12  # of approved reports behind each of them: what a new report is judged beside
AREA = "14.03.01"
CHAT = ("Selamat pagi Bu", "terima kasih banyak ya bu", "Bu besok jadi rapat di puskesmas?", "maaf salah kirim")
COMMANDS = ("STATUS", "BANTUAN", "status", "info")


@dataclass(frozen=True, slots=True)
class Text:
    """One SMS as its provider hands it over. `is_repeat`: the provider hands over the same one once more."""

    provider_id: str
    sender: str
    text: str
    is_repeat: bool = False


def fill(session: Session, now: datetime) -> None:
    """Put the district, its midwives and their approved reports into an empty database."""
    areas.add_areas(
        session,
        [
            Area("14", None, "province", "Riau", "Asia/Jakarta"),
            Area("14.03", "14", "regency", "Kabupaten Bengkalis", "Asia/Jakarta"),
            Area(AREA, "14.03", "district", "Bengkalis", "Asia/Jakarta"),
        ],
    )
    places = [
        NewFacility(f"1403{number:05}", f"PMB {number:04}", f"P{number:04}", "PMB", AREA) for number in range(MIDWIVES)
    ]
    ids = facilities.add_facilities(session, places)
    people = [
        reporters.add_reporter(session, f"Bidan {number:04}", [phone_of(number)], [ids[number]])
        for number in range(MIDWIVES)
    ]
    version = next(form.version for form in load_forms() if form.code == "kb")
    reports.add_firsts(
        session,
        [
            _approved(number, ids[number], people[number], period, version)
            for period in _periods_before(now, MONTHS + 1)[:-1]  # the last one is theirs to report
            for number in range(MIDWIVES)
        ],
    )


def phone_of(number: int) -> str:
    """Return a midwife's phone."""
    return f"+62812300{number:05}"


def write_texts(count: int, now: datetime, seed: int, *, repeats: bool = True) -> list[Text]:
    """Return what `count` requests carry: mostly clean reports, some to repair or to ask about, chat, repeats."""
    chance = random.Random(seed)
    period = _periods_before(now, 1)[0]
    code = f"{period[5:]}{period[2:4]}"
    texts: list[Text] = []
    for index in range(count):
        if repeats and texts and chance.random() < 0.04:
            first = texts[max(0, index - chance.randint(1, 40))]
            texts.append(Text(first.provider_id, first.sender, first.text, is_repeat=True))
            continue
        number = chance.randrange(MIDWIVES)
        sender = f"+62813999{number:05}" if chance.random() < 0.02 else phone_of(number)  # some are not registered
        write = chance.choices([kind for kind, _ in _KINDS], [weight for _, weight in _KINDS])[0]
        texts.append(Text(f"bench-{seed}-{index}", sender, write(number, code, chance)))
    return texts


def write_clean(number: int, code: str, chance: random.Random) -> str:
    """Return a report as most are written."""
    values = vary(number, chance)
    return chance.choice(_STYLES)(code, values)


def write_sloppy(number: int, code: str, chance: random.Random) -> str:
    """Return a report with a slip that is mended without asking."""
    values = vary(number, chance)
    style = chance.randrange(4)
    if style == 0:  # misspelt
        return write_plain(code, values).replace("BARU", "BRU").replace("AKTIF", "AKTIP").replace("KONDOM", "KONDON")
    if style == 1:  # a letter for a digit
        return write_plain(code, values).replace("0 ", "O ", 2)
    if style == 2:  # no month
        return write_plain("", values)
    return f"{write_plain(code, values)} trims bu"


def write_faulty(number: int, code: str, chance: random.Random) -> str:
    """Return a report that must be asked about."""
    values = vary(number, chance)
    style = chance.randrange(3)
    if style == 0:  # a needed number is missing
        return f"KB {code} BARU {values['baru']}"
    if style == 1:  # a part greater than its whole
        return f"KB {code} BARU {values['baru']} AKTIF {values['aktif']} PIL {values['aktif'] * 3}"
    return f"KB {code} BARU {values['baru']} AKTIF {values['aktif']} XYZQ 7"


def write_chat(_number: int, _code: str, chance: random.Random) -> str:
    """Return what is no report."""
    return chance.choice(CHAT)


def _write_command(_number: int, _code: str, chance: random.Random) -> str:
    return chance.choice(COMMANDS)


def write_plain(code: str, values: dict[str, int]) -> str:
    """Return a report in the words of the example."""
    parts = [f"KB {code}".strip(), f"BARU {values['baru']}", f"AKTIF {values['aktif']}"]
    return " ".join([*parts, *(f"{item.upper()} {values[item]}" for item in ("pil", "suntik3", "kondom", "iud"))])


def _commas(code: str, values: dict[str, int]) -> str:
    return ", ".join(f"{name} {quantity}" for name, quantity in (("kb", code), *values.items())).lower()


def _lines(code: str, values: dict[str, int]) -> str:
    return "\n".join(f"{name.upper()}: {quantity}" for name, quantity in (("kb", code), *values.items()))


def _short(code: str, values: dict[str, int]) -> str:
    return f"KB {code} BARU {values['baru']} AKTIF {values['aktif']} PIL {values['pil']}"


def _numbers_first(code: str, values: dict[str, int]) -> str:
    return f"KB {code} {values['baru']} BARU {values['aktif']} AKTIF {values['pil']} PIL"


_STYLES: tuple[Callable[[str, dict[str, int]], str], ...] = (
    write_plain,
    write_plain,
    _short,
    _commas,
    _lines,
    _numbers_first,
)
_KINDS: tuple[tuple[Callable[[int, str, random.Random], str], int], ...] = (
    (write_clean, 70),
    (write_sloppy, 14),
    (write_faulty, 6),
    (write_chat, 6),
    (_write_command, 4),
)


def vary(number: int, chance: random.Random) -> dict[str, int]:
    """Return a month's numbers near what a midwife reports usually, so that few of them are implausible."""
    users = 40 + number % 60 + chance.randint(-1, 1)
    pills, injections = users // 3, users // 3
    return {
        "baru": 5 + number % 5 + chance.randint(0, 1),
        "aktif": users,
        "pil": pills,
        "suntik3": injections,
        "kondom": 3 + chance.randint(0, 1),
        "iud": 4,
    }


def _approved(number: int, facility_id: int, reporter_id: int, period: str, form_version: int) -> NewReport:
    values = vary(number, random.Random(f"{number} {period}"))
    kept = {name if name in {"baru", "aktif"} else f"aktif.{name}": quantity for name, quantity in values.items()}
    year, month = int(period[:4]), int(period[5:])
    sent_at = datetime(year + month // 12, month % 12 + 1, 2, 3, number % 60, tzinfo=UTC)
    return NewReport(
        key=ReportKey("kb", facility_id, period),
        state=ReportState.APPROVED,
        sent_at=sent_at,
        sent_key=f"bench:{number}:{period}",
        values=kept,
        text=write_plain(f"{period[5:]}{period[2:4]}", values),
        reading=to_json(ReadReport("kb", period, kept)),
        form_version=form_version,
        reader_version=READER_VERSION,
        created_at=sent_at,
        reporter_id=reporter_id,
    )


def _periods_before(now: datetime, count: int) -> list[str]:
    """Return the `count` months before this one, oldest first."""
    months = now.year * 12 + now.month - 1
    return [f"{month // 12}-{month % 12 + 1:02}" for month in range(months - count, months)]
