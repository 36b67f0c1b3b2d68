"""Letters as they go out: each in its reader's language and the words of her area."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.ladder import OF_FACILITIES, Audience, find_manners
from gateway.remind.ground import Ways
from gateway.remind.plan import Letter, Line, Owed
from gateway.remind.write import write_letter
from gateway.reply.chosen import speak
from gateway.store import ladders, reminders, wordings, years
from gateway.store.base import Session
from gateway.store.wordings import ChosenSentence
from gateway.store.years import Year


def write_letters(session: Session, letters: Sequence[Letter], ways: Ways, now: datetime) -> list[str]:
    """Return the text of each letter, in its reader's language and the words of her area."""
    chosen = wordings.sentences_around(session, {area_of(letter.lines[0]) for letter in letters})
    known = find_years(session, letters, ways)
    return [_write(letter, chosen, known, ways, now) for letter in letters]


def _write(
    letter: Letter,
    chosen: Iterable[ChosenSentence],
    known: Mapping[tuple[str, str, int], Year],
    ways: Ways,
    now: datetime,
) -> str:
    spoken = speak(ways.rules.wordings, chosen, area_of(letter.lines[0]))
    wording = spoken.get(letter.person.language) or spoken[ways.rules.language]
    today = now.astimezone(ZoneInfo(zone_of(letter.lines[0]))).date()
    periods = {line.about.period for line in letter.lines}
    hers = {(form, place): year for (form, period, place), year in known.items() if period in periods}
    return write_letter(wording, letter, ways.rules.forms, today, hers)


def find_years(session: Session, letters: Sequence[Letter], ways: Ways) -> dict[tuple[str, str, int], Year]:
    """Return the year so far of each report that is thanked for, by form, month and facility."""
    thanked: dict[tuple[str, str], dict[int, str]] = {}
    for line in (line for letter in letters for line in letter.lines):
        if isinstance(line.about, Owed) and line.window and line.window.rung.audience is Audience.REPORTED:
            about = line.about
            thanked.setdefault((about.form, about.period), {})[about.facility.id] = about.facility.area
    manners = ladders.all_manners(session) if thanked else ()
    found: dict[tuple[str, str, int], Year] = {}
    for (form, period), places in thanked.items():
        scored = {place for place, area in places.items() if find_manners(manners, area).shows_score}
        told = years.years_of(session, ways.rules.form(form), places, period, scored=scored)
        found |= {(form, period, place): year for (_, place), year in told.items()}
    return found


def area_of(line: Line) -> str:
    """Return the area that a line is about."""
    return line.about.facility.area if isinstance(line.about, Owed) else line.about.area


def zone_of(line: Line) -> str:
    """Return the clock of the place that a line is about."""
    return line.about.facility.timezone if isinstance(line.about, Owed) else line.about.zone


def kind_of(letter: Letter) -> str:
    """Return what kind of message a letter is: a reminder, if anything in it asks a facility for its report."""
    audiences = {line.window.rung.audience for line in letter.lines if line.window}
    if audiences & OF_FACILITIES:
        return reminders.REMINDER
    return reminders.THANKS if audiences == {Audience.REPORTED} else reminders.TO_STAFF
