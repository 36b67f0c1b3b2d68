"""Letters for tests: what may be owed, asked, listed or thanked for, and how a letter about it reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

from gateway.forms import load_forms
from gateway.ladder import Audience, Rung
from gateway.owing import Standing
from gateway.remind.due import AGAIN, Window
from gateway.remind.plan import AreaMonth, Asked, Letter, Line, Owed, Person, Verdict
from gateway.remind.write import write_letter
from gateway.reply.wordings import load_wordings
from gateway.store.facilities import Facility
from gateway.store.years import Year

LANGUAGES = load_wordings()
FORMS = load_forms()
NOW = datetime(2025, 10, 2, 1, tzinfo=UTC)
TODAY, DUE = date(2025, 10, 2), date(2025, 10, 5)
HERS, OTHERS = "+6281230000001", "+6281230000002"
QUESTION = "KB Sep 25: AKTIF belum ada. Balas: AKTIF <jumlah>"
ANI = Facility(1, "140300101", "PMB Ani", "PMB01", "PMB", "14.03.01", "Asia/Jakarta")
TELUK = Facility(2, "140300102", "Pustu Teluk", "PTK", "PUSTU", "14.03.01", "Asia/Jakarta")
NAMES = ("PMB Ani", "Pustu Teluk", "PMB Wati", "PMB Sari", "PMB Dewi", "PMB Eve", "Puskesmas Damon", "Klinik Harapan")


def owed(
    form: str = "kb",
    facility: Facility = ANI,
    standing: Standing = Standing.MISSING,
    asked: Asked | None = None,
    due_on: date = DUE,
    wording: str = "remind_before",
) -> Line:
    """Return a line about a report that somebody is reminded of."""
    about = Owed(form, "2025-09", facility, standing, due_on, True, (), (), asked=asked)
    rung = AGAIN if wording == AGAIN.wording else Rung("r", 0, 8, Audience.RESPONSIBLE, wording)
    return Line(about, Verdict.REMIND, Window(rung, NOW, NOW))


def thanked(form: str = "kb", facility: Facility = ANI) -> Line:
    """Return a line about a report that is in."""
    about = Owed(form, "2025-09", facility, Standing.IN, DUE, True, (), ())
    return Line(about, Verdict.REMIND, Window(Rung("r", 6, 16, Audience.REPORTED, "thanks_year"), NOW, NOW))


def officers(missing: Sequence[str], there: int, form: str = "kb", name: str = "Bengkalis") -> Line:
    """Return a line for a kecamatan's officer."""
    reported = there - len(missing)
    about = AreaMonth(
        form, "2025-09", "14.03.01", name, Audience.OFFICERS, DUE, (), (), there, reported, 1, tuple(missing)
    )
    return Line(about, Verdict.REMIND, Window(Rung("r", 3, 9, Audience.OFFICERS, "remind_officer"), NOW, NOW))


def district(reported: int, worst: Sequence[tuple[str, int]], form: str = "kb", on_time: int = 30) -> Line:
    """Return a line for a regency's staff, of 45 facilities."""
    missing = tuple("abcdefghijklmnopqrstuvwxyz"[: 45 - reported])
    name, audience = "Kabupaten Bengkalis", Audience.DISTRICT
    about = AreaMonth(
        form, "2025-09", "14.03", name, audience, DUE, (), (), 45, reported, on_time, missing, tuple(worst)
    )
    return Line(about, Verdict.REMIND, Window(Rung("r", 5, 9, audience, "remind_district"), NOW, NOW))


def reader(language: str = "id", *, has_several: bool = False) -> Person:
    """Return Ani, whom letters are written to."""
    return Person("Ani", language, HERS, "simulator", has_several=has_several)


def say(
    *lines: Line,
    today: date = TODAY,
    language: str = "id",
    years: dict[tuple[str, int], Year] | None = None,
    has_several: bool = False,
) -> str:
    """Return the letter about these lines to Ani."""
    letter = Letter(reader(language, has_several=has_several), lines)
    return write_letter(LANGUAGES[language], letter, FORMS, today, years or {})
