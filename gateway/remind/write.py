"""The words of a letter: one SMS that names what is owed, repeats a question whole, or tells staff how a month stands.

Whatever a letter is about, it is one SMS: what does not fit is counted. A question is never cut, and comes last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from gateway.ladder import Audience
from gateway.owing import Standing
from gateway.remind.plan import AreaMonth, Asked, Letter, Line, Owed, Person
from gateway.reply import compose
from gateway.reply.wordings import Wording
from gateway.segments import GSM_SINGLE, count_septets, fits_one_sms, join_fitting
from gateway.store.years import Year
from parsers.form import Form

BEFORE, DUE, LATE = "remind_before", "remind_due", "remind_late"
OF_THE_DAY = frozenset({BEFORE, DUE, LATE})  # what they say of the due day must be true on the day they are read
_OF_STANDING = {Standing.ASKED: "remind_asked", Standing.INCOMPLETE: "remind_incomplete"}  # to who was not asked
_PARTS = {Standing.ASKED: "owed_asked", Standing.INCOMPLETE: "owed_incomplete"}

Years = Mapping[tuple[str, int], Year]  # by form and facility


@dataclass(frozen=True, slots=True)
class _Desk:
    """What a letter is written with."""

    wording: Wording
    person: Person
    forms: Mapping[str, Form]
    today: date
    years: Years

    def part(self, name: str, **slots: str | int) -> str:
        """Return one of the parts, filled."""
        return self.wording.fill(self.wording.parts[name], **slots)

    def answer(self, name: str, about: Owed | AreaMonth, **slots: str | int) -> str:
        """Return a whole sentence about one report or one list, filled."""
        return self.wording.fill(self.wording.answers[name], **self.head(about), **slots)

    def head(self, about: Owed | AreaMonth) -> dict[str, str | int]:
        """Return what every sentence may name: whom it is to, the form, the month and the place."""
        place = {"facility": about.facility.name} if isinstance(about, Owed) else {"area": _shorten(about.name)}
        return {
            "reporter": self.person.name,
            "form": compose.keyword(self.forms[about.form]),
            "month": self.wording.month(about.period),
            **place,
        }


def write_letter(wording: Wording, letter: Letter, forms: Sequence[Form], today: date, years: Years) -> str:
    """Return the text of a letter, one SMS.

    Shape: `years` hold the year of each report that is thanked for; where one is not known it is only named. Units:
    `today` is the day on which it is read, on the clock of the place.
    """
    desk = _Desk(wording, letter.person, {form.code: form for form in forms}, today, years)
    asked = _find_asked(letter)
    if asked is not None:
        return _repeat(desk, asked, [line.about for line in letter.lines if line.about is not asked])
    if len(letter.lines) == 1:
        return _say_one(desk, letter.lines[0])
    stop = desk.part("stop")
    about = [line.about for line in letter.lines]
    return " ".join([_say_several(desk, about, _room_beside(stop), shows_example=True), stop])


def find_question(letter: Letter) -> Asked | None:
    """Return the question that a letter repeats: one that waits for an answer from the very phone that it goes to."""
    found = _find_asked(letter)
    return found.asked if found else None


def _find_asked(letter: Letter) -> Owed | None:
    """Return what the repeated question is about: of several the one that is open, only its answer is understood."""
    phone = letter.person.phone
    owed = [line.about for line in letter.lines if isinstance(line.about, Owed) and line.about.standing in _PARTS]
    found = [one for one in owed if one.asked and one.asked.phone == phone]
    return min(found, key=lambda one: not (one.asked and one.asked.is_open), default=None)


def _repeat(desk: _Desk, asked: Owed, others: Sequence[Owed | AreaMonth]) -> str:
    """Return a question once more, behind as much as there is room for."""
    assert asked.asked is not None
    question, stop = asked.asked.text, desk.part("stop")
    if not others:
        start = desk.part("asked_head", reporter=desk.person.name)
        due = desk.part("owed_due", due=desk.wording.day(asked.due_on))
        return join_fitting([start, due, f"{stop}."], question)
    said = _say_several(desk, others, _room_beside(question), shows_example=False)
    return join_fitting([said, f"{stop}."], question)


def _say_one(desk: _Desk, line: Line) -> str:
    """Return the sentence about the only thing that a letter is about."""
    about = line.about
    if isinstance(about, AreaMonth):
        return _say_area(desk, about)
    if about.standing is Standing.IN:
        return _thank(desk, about)
    chosen = _choose(desk, line.window.rung.wording if line.window else LATE, about.due_on)
    slots = {"due": desk.wording.day(about.due_on), "example": _example(desk, [about])}
    return desk.answer(_OF_STANDING.get(about.standing, chosen), about, **slots)


def _choose(desk: _Desk, wording: str, due_on: date) -> str:
    """Return the sentence that a rung chose; the one of the day where that would say what is not so, or is gone."""
    if wording in desk.wording.answers and wording not in OF_THE_DAY:
        return wording
    return DUE if desk.today == due_on else BEFORE if desk.today < due_on else LATE


def _example(desk: _Desk, owed: Sequence[Owed]) -> str:
    """Return an example of the first report; it names the place where its sender has several, as hers must."""
    first = owed[0]
    several = desk.person.has_several or len({one.facility.id for one in owed}) > 1
    return compose.example(
        desk.forms[first.form], desk.wording, first.period, first.facility.short_name if several else ""
    )


def _say_area(desk: _Desk, about: AreaMonth) -> str:
    """Return how one area's month stands, with as many names as fit."""
    if about.audience is Audience.OFFICERS:
        slots: dict[str, str | int] = {"count": len(about.missing), "there": about.there}
        return _fill_up(desk, "remind_officer", about, "names", _names(desk, about), slots)
    slots = {"reported": about.reported, "there": about.there, "on_time": about.on_time}
    slots["percent"] = about.reported * 100 // max(about.there, 1)  # all of them, and nothing less, are 100
    if not about.worst:
        return desk.answer("remind_district_in", about, **slots)
    return _fill_up(desk, "remind_district", about, "worst", _names(desk, about), slots)


def _shorten(area: str) -> str:
    """Return an area's name as people write it: `Kab. Bengkalis`."""
    return f"Kab. {area.removeprefix('Kabupaten ')}" if area.startswith("Kabupaten ") else area


@dataclass(frozen=True, slots=True)
class _Names:
    """What a list names. Shape: each with how many it stands for; `total` is how many all of them stand for."""

    named: tuple[tuple[str, int], ...]
    total: int

    def shown(self, desk: _Desk, most: int) -> str:
        """Return the first so many, and how many are left: `PMB Ani, Pustu Teluk, +1 lagi`."""
        left = self.total - sum(number for _, number in self.named[:most])
        more = [desk.part("names_more", count=left)] if left > 0 else []
        return ", ".join([name for name, _ in self.named[:most]] + more)


def _names(desk: _Desk, about: AreaMonth) -> _Names:
    """Return the facilities that an officer's list names, or the kecamatan of a district's, each with its number."""
    if about.audience is Audience.OFFICERS:
        named = tuple((desk.wording.fill("{facility}", facility=name), 1) for name in about.missing)
        return _Names(named, len(named))
    worst = tuple((desk.wording.fill("{facility} {count}", facility=name, count=n), n) for name, n in about.worst)
    return _Names(worst, max(len(about.missing), sum(number for _, number in worst)))


def _fill_up(desk: _Desk, name: str, about: AreaMonth, slot: str, names: _Names, slots: Mapping[str, str | int]) -> str:
    """Return a sentence whose list holds as many names as one SMS has room for, and not only what its slot may take."""
    before, _, after = desk.wording.answers[name].partition(f"{{{slot}}}")

    def write(most: int) -> str:
        shown = names.shown(desk, most)
        filled = [desk.wording.fill(half, **desk.head(about), **slots, **{slot: shown}) for half in (before, after)]
        return shown.join(filled)

    return _richest(write, len(names.named), GSM_SINGLE) or write(1)


def _thank(desk: _Desk, about: Owed) -> str:
    """Return thanks for a report, with the year of its facility so far."""
    year = desk.years.get((about.form, about.facility.id))
    stop = desk.part("stop")
    if year is None:
        return " ".join([_write_thanks(desk, [about], _room_beside(stop)) or "", stop])
    said = [desk.answer("thanks_year", about, count=year.reports)]
    if year.measure and year.total is not None:
        measure = desk.forms[about.form].measures[year.measure]
        named = measure.names.get(desk.wording.code) or measure.word
        said.append(desk.part("year_total", measure=named, total=year.total))
    if year.on_time is not None:
        said.append(desk.part("year_score", on_time=year.on_time, count=year.reports))
    return _while_fitting([*said, stop])


def _while_fitting(said: Sequence[str]) -> str:
    """Return the first sentence, and of those behind it every one that still fits."""
    text = said[0]
    for one in said[1:]:
        longer = f"{text} {one}"
        text = longer if fits_one_sms(longer) else text
    return text


def _say_several(desk: _Desk, about: Sequence[Owed | AreaMonth], room: int, *, shows_example: bool) -> str:
    """Return what a letter is about in a row of lists; what has no room is counted. Empty where not even that fits."""
    owed = [one for one in about if isinstance(one, Owed) and one.standing is not Standing.IN]
    areas = [one for one in about if isinstance(one, AreaMonth)]
    thanked = [one for one in about if isinstance(one, Owed) and one.standing is Standing.IN]
    blocks: list[tuple[int, Callable[[int], str | None]]] = [
        (
            len(owed),
            lambda most: _write_owed(desk, owed, most, shows_example=shows_example and len(owed) == len(about)),
        ),
        (len(areas), lambda most: _write_areas(desk, areas, most)),
        (len(thanked), lambda most: _write_thanks(desk, thanked, most)),
    ]
    blocks = [block for block in blocks if block[0]]
    kept_free = _width(desk.part("others", count=len(about))) + 1 if len(blocks) > 1 else 0
    said: list[str] = []
    left_out, free = 0, room - kept_free
    for place, (count, write) in enumerate(blocks):
        text = write(free // (len(blocks) - place)) or write(free)
        if text is None:
            left_out += count
        else:
            said.append(text)
            free -= _width(text) + 1
    if left_out:
        said.append(desk.part("others", count=left_out))
    text = " ".join(said)
    return text if _width(text) <= room else ""


def _write_owed(desk: _Desk, owed: Sequence[Owed], room: int, *, shows_example: bool) -> str | None:
    """Return a list of reports that are owed, and the first day on which one is due; None where it has no room."""
    start = desk.part("owed_head", reporter=desk.person.name)
    due = desk.part("owed_due", due=desk.wording.day(min(one.due_on for one in owed)))
    names = _list(desk, owed, [_PARTS.get(one.standing, "owed_one") for one in owed])

    def write(most: int) -> str:
        return f"{start} {names.shown(desk, most)}. {due}"

    text = _richest(write, len(owed), room)
    if shows_example and text == write(len(owed)):
        example = desk.part("example", example=_example(desk, owed))
        text = f"{text} {example}" if _width(text) + 1 + _width(example) <= room else text
    return text


def _write_thanks(desk: _Desk, thanked: Sequence[Owed], room: int) -> str | None:
    """Return thanks for several reports, and how many the year has seen of them; None where it has no room."""
    start = desk.part("thanks_list", reporter=desk.person.name)
    names = _list(desk, thanked, ["owed_one"] * len(thanked))
    text = _richest(lambda most: f"{start} {names.shown(desk, most)}.", len(thanked), room)
    years = [year for one in thanked if (year := desk.years.get((one.form, one.facility.id)))]
    if text is None or len(years) < len(thanked):
        return text
    reports = sum(year.reports for year in years)
    said = [desk.part("year_reports", count=reports)]
    scores = [year.on_time for year in years if year.on_time is not None]
    if len(scores) == len(years):
        said.append(desk.part("year_score", on_time=sum(scores), count=reports))
    for one in said:
        text = f"{text} {one}" if _width(text) + 1 + _width(one) <= room else text
    return text


def _list(desk: _Desk, about: Sequence[Owed], parts: Sequence[str]) -> _Names:
    """Return reports as a list names them: `KB Sep 25 PMB Ani`."""
    named = [
        desk.part(part, **{name: value for name, value in desk.head(one).items() if name != "reporter"})
        for one, part in zip(about, parts, strict=True)
    ]
    return _Names(tuple((name, 1) for name in named), len(named))


def _write_areas(desk: _Desk, areas: Sequence[AreaMonth], room: int) -> str | None:
    """Return how the months of several areas stand: all of them before any name, then names in turn while they fit."""
    named = [_names(desk, one) if one.audience is Audience.OFFICERS else _Names((), 0) for one in areas]

    def write(shown: Sequence[int]) -> str:
        said = [_say_in_list(desk, one, names, most) for one, names, most in zip(areas, named, shown, strict=False)]
        left = len(areas) - len(said)
        return " ".join([f"{one}." for one in said] + ([f"{desk.part('names_more', count=left)}."] if left else []))

    start = _longest_fitting(lambda count: write([0] * count), len(areas), room)
    if start is None:
        return None
    shown, growing = [0] * start, list(range(start))
    while growing:
        for place in tuple(growing):
            more = [*shown[:place], shown[place] + 1, *shown[place + 1 :]]
            if shown[place] < len(named[place].named) and _width(write(more)) <= room:
                shown = more
            else:
                growing.remove(place)
    return write(shown)


def _say_in_list(desk: _Desk, about: AreaMonth, names: _Names, most: int) -> str:
    if about.audience is Audience.OFFICERS:
        said = desk.part("officer_list", **desk.head(about), count=len(about.missing), there=about.there)
    else:
        said = desk.part("district_list", **desk.head(about), reported=about.reported, there=about.there)
    return f"{said}: {names.shown(desk, most)}" if most else said


def _richest(write: Callable[[int], str], most: int, room: int) -> str | None:
    """Return what is written with the most names that there is room for, one at least; None where there is not."""
    count = _longest_fitting(write, most, room)
    return None if count is None else write(count)


def _longest_fitting(write: Callable[[int], str], most: int, room: int) -> int | None:
    """Return how many of something can be written, one at least; None where not even one can."""
    most = min(most, max(room, 1))  # a thousand names need not be tried
    return next((count for count in range(most, 0, -1) if _width(write(count)) <= room), None)


def _room_beside(text: str) -> int:
    return GSM_SINGLE - _width(text) - 1


def _width(text: str) -> int:
    return count_septets(text) or 0
