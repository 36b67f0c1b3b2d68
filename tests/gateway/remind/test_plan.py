"""Who is reminded of what, and why somebody is not: laws over any facilities, people, ladders and clocks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.calendar import DAY, Hours
from gateway.ladder import OF_FACILITIES, Audience, Rung
from gateway.owing import REMINDED, Standing
from gateway.remind.due import Place, Window, find_windows, may_write
from gateway.remind.plan import (
    AreaMonth,
    Asked,
    Line,
    Owed,
    Person,
    Plan,
    Today,
    Verdict,
    judge,
    keep_within,
    make_plan,
)
from gateway.store.facilities import Facility
from tests import ladders
from tests.ladders import KABAR

DUE = date(2025, 10, 5)
PLACE = Place("Asia/Jakarta", Hours(), lambda _day: False)
THANKS = Rung("thanks", 6, 16, Audience.REPORTED, "thanks_year")
WINDOWS = find_windows(DUE, (*(one for one in KABAR if one.is_on), THANKS), PLACE)
OF_EACH = tuple(one for one in WINDOWS if one.rung.audience in OF_FACILITIES | {Audience.REPORTED})
PHONES = tuple(f"+6281130000{number:02d}" for number in range(8))
ANI = Person("Ani", "id", PHONES[0], "simulator", 1)
BUDI = Person("Budi", "id", PHONES[1], "simulator", 2)
CITRA = Person("Citra", "id", PHONES[2], "simulator", 3)
NOBODY_YET = Today()


def at(day: int, hour: int = 8, minute: int = 0) -> datetime:
    """Return an instant of October 2025 in Jakarta."""
    return datetime(2025, 10, day, hour, minute, tzinfo=UTC) - timedelta(hours=7)


def owed(**changes: object) -> Owed:
    """Return what facility 1 owes for September 2025 when nothing has happened yet."""
    facility = Facility(1, "140301001", "Puskesmas Mandau", "Mandau", "Puskesmas", "14.03.01", "Asia/Jakarta")
    plain = Owed("kb", "2025-09", facility, Standing.MISSING, DUE, True, OF_EACH, (ANI, BUDI, CITRA))
    return replace(plain, **changes)  # type: ignore[arg-type]


def area_month(audience: Audience = Audience.OFFICERS, **changes: object) -> AreaMonth:
    """Return the September of a kecamatan with one report missing."""
    windows = tuple(one for one in WINDOWS if one.rung.audience is audience)
    plain = AreaMonth(
        *("kb", "2025-09", "14.03.01", "Mandau", audience, DUE, windows, (BUDI,), 3, 2, 2, ("Puskesmas Mandau",))
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


people = st.builds(
    Person,
    st.just("A midwife"),
    st.just("id"),
    st.sampled_from(PHONES),
    st.sampled_from(["simulator", "twilio", None]),
    st.integers(1, 9),
    st.booleans(),
    st.booleans(),
)
teams = st.lists(people, max_size=4, unique_by=lambda one: one.phone).map(tuple)
asked = st.none() | st.builds(Asked, st.integers(1, 9), st.sampled_from(PHONES), st.just("?"), st.booleans())


@st.composite
def owing(draw: st.DrawFn, windows: tuple[Window, ...] = OF_EACH) -> Owed:
    """Draw what a facility owes."""
    codes = [one.rung.code for one in windows]
    return owed(
        facility=replace(owed().facility, id=draw(st.integers(1, 9))),
        form=draw(st.sampled_from(["kb", "gudang"])),
        standing=draw(st.sampled_from(Standing)),
        is_asked_for=draw(st.sampled_from([True, True, True, False])),
        windows=windows,
        people=draw(teams),
        gone=frozenset(draw(st.sets(st.sampled_from([*codes, "again"]), max_size=2))) if codes else frozenset(),
        opening=draw(st.integers(0, 2)),
        asked=draw(asked),
        paused=draw(st.sampled_from(["", "", "flood"])),
        skipped=draw(st.sampled_from(["", "", "leave"])),
    )


@st.composite
def listed(draw: st.DrawFn) -> AreaMonth:
    """Draw how an area's month stands."""
    return area_month(
        draw(st.sampled_from([Audience.OFFICERS, Audience.DISTRICT])),
        people=draw(teams),
        there=draw(st.integers(0, 3)),
        missing=draw(st.sampled_from([(), ("Puskesmas Mandau",)])),
        paused=draw(st.sampled_from(["", "flood"])),
    )


everything = st.lists(owing() | listed(), max_size=12).map(tuple)
todays = st.builds(Today, st.frozensets(st.sampled_from(PHONES)), st.frozensets(st.sampled_from(PHONES)))
october = st.integers(0, 20 * 24 * 60).map(lambda minutes: at(1, 0) + timedelta(minutes=minutes))


@given(everything, october, todays)
def test_everything_has_one_line_with_one_verdict(
    about: tuple[Owed | AreaMonth, ...], now: datetime, today: Today
) -> None:
    plan = make_plan(about, now, today)
    assert tuple(one.about for one in plan.lines) == about
    for line in plan.lines:
        assert bool(line.people) == (line.verdict is Verdict.REMIND)
        assert line.window is not None or line.verdict is not Verdict.REMIND


@given(everything, october, todays)
def test_nobody_is_in_two_letters_and_every_letter_says_something(
    about: tuple[Owed | AreaMonth, ...], now: datetime, today: Today
) -> None:
    plan = make_plan(about, now, today)
    phones = [one.person.phone for one in plan.letters]
    assert len(phones) == len(set(phones))
    written = Counter((one.person.phone, id(line)) for one in plan.letters for line in one.lines)
    wanted = Counter((person.phone, id(line)) for line in plan.lines for person in line.people)
    assert written == wanted


@given(everything, october, todays)
def test_whoever_sent_stop_is_away_has_no_channel_or_was_reminded_today_gets_nothing(
    about: tuple[Owed | AreaMonth, ...], now: datetime, today: Today
) -> None:
    for letter in make_plan(about, now, today).letters:
        for line in letter.lines:
            (person,) = [one for one in line.people if one.phone == letter.person.phone]
            assert not person.is_stopped
            assert not person.is_away
            assert person.channel is not None
        assert letter.person.phone not in today.reminded


@given(owing(), october, todays)
def test_only_who_owes_a_report_by_herself_is_reminded_and_only_who_has_reported_is_thanked(
    about: Owed, now: datetime, today: Today
) -> None:
    line = judge(about, now, today)
    if line.verdict is Verdict.REMIND and line.window:
        assert about.is_asked_for
        assert not about.paused
        assert not about.skipped
        wanted = {Audience.REPORTED} if about.standing is Standing.IN else OF_FACILITIES
        assert about.standing in REMINDED | {Standing.IN}
        assert line.window.rung.audience in wanted
        assert line.window.is_open(now)
        assert line.window.rung.code not in about.gone


@given(owing(), october)
def test_the_one_who_answers_for_it_is_reminded_first_and_on_the_later_rung_all(about: Owed, now: datetime) -> None:
    line = judge(about, now, NOBODY_YET)
    usable = tuple(one for one in about.people if one.is_usable)
    if line.verdict is Verdict.REMIND and line.window:
        if line.window.rung.audience is Audience.REPORTERS:
            assert line.people == usable
        else:
            asked_one = about.asked.phone if about.asked and about.standing in REMINDED else ""
            assert line.people == next(((one,) for one in usable if one.phone == asked_one), usable[:1])


@given(everything, october, todays, st.dictionaries(st.sampled_from(["simulator", "twilio"]), st.integers(0, 3)))
def test_a_budget_is_never_exceeded_and_what_it_has_no_room_for_says_so(
    about: tuple[Owed | AreaMonth, ...], now: datetime, today: Today, left: dict[str, int]
) -> None:
    plan = make_plan(about, now, today)
    kept = keep_within(plan, left)
    sent = Counter(one.person.channel for one in kept.letters)
    assert all(sent[channel] <= most for channel, most in left.items())
    planned = Counter(one.person.channel for one in plan.letters)
    assert all(sent[channel] == min(planned[channel], left.get(channel or "", 99)) for channel in planned)
    assert {one.person.phone for one in kept.letters} <= {one.person.phone for one in plan.letters}
    for before, after in zip(plan.lines, kept.lines, strict=True):
        assert after.verdict is before.verdict or (before.verdict, after.verdict) == (Verdict.REMIND, Verdict.BUDGET)


@given(everything, october, todays)
def test_without_a_budget_everything_goes(about: tuple[Owed | AreaMonth, ...], now: datetime, today: Today) -> None:
    plan = make_plan(about, now, today)
    assert keep_within(plan, {"simulator": None}) == plan


@dataclass
class Season:
    """What has gone to one facility while a clock went on, stood still, or jumped."""

    about: Owed
    gone: dict[int, list[str]] = field(default_factory=dict)
    reminded: dict[date, set[str]] = field(default_factory=dict)

    def look(self, now: datetime) -> Line:
        """Do what a round does at an instant: write down what goes."""
        today = (now + timedelta(hours=7)).date()
        sent = frozenset(self.reminded.get(today, ()))
        keys = self.gone.setdefault(self.about.opening, [])
        line = judge(replace(self.about, gone=frozenset(keys)), now, Today(sent, sent))
        if line.verdict is Verdict.REMIND and line.window:
            keys.append(line.window.rung.code)
            self.reminded.setdefault(today, set()).update(one.phone for one in line.people)
        return line


@given(ladders.rungs, st.lists(october, max_size=40))
def test_a_clock_that_jumps_never_sends_a_rung_twice_nor_goes_a_step_back(
    rungs: tuple[Rung, ...], times: list[datetime]
) -> None:
    windows = tuple(one for one in find_windows(DUE, rungs, PLACE) if one.rung.audience in OF_FACILITIES)
    season = Season(owed(windows=windows))
    for now in times:
        season.look(now)
    order = [one.rung.code for one in windows]
    steps = [order.index(one) for one in season.gone.get(0, [])]
    assert all(before < after for before, after in pairwise(steps))


@given(st.integers(1, 15), st.integers(0, 23), st.integers(1, 10))
def test_after_a_clock_that_was_down_only_the_rung_that_makes_sense_goes(day: int, hour: int, down: int) -> None:
    """Every waking hour up to an instant, then nothing for days, then all of them again: no day has two of them."""
    season = Season(owed())
    stopped = at(day, hour)
    hours = [at(1, 0) + timedelta(hours=step) for step in range(24 * 30)]
    awake = [now for now in hours if may_write(now, PLACE)]
    alive = [now for now in awake if not stopped < now <= stopped + down * DAY]
    for now in alive:
        season.look(now)
    for code in season.gone.get(0, []):
        (window,) = [one for one in OF_EACH if one.rung.code == code]
        assert any(window.is_open(now) for now in alive)
    missed = [one for one in OF_EACH if one.rung.code not in season.gone.get(0, [])]
    for one in missed:
        is_thanks = one.rung.audience is Audience.REPORTED
        assert is_thanks or not any(one.is_open(now) for now in alive)


@pytest.mark.parametrize(
    ("day", "hour", "rung"),
    [(2, 7, None), (2, 8, "before"), (4, 23, "before"), (5, 7, "before"), (5, 8, "due"), (5, 23, "due"), (6, 0, None),
     (7, 8, "late"), (9, 8, "late"), (10, 7, "late"), (10, 8, None)],
)  # fmt: skip
def test_each_hour_of_october_has_its_rung(day: int, hour: int, rung: str | None) -> None:
    line = judge(owed(), at(day, hour), NOBODY_YET)
    assert (line.window.rung.code if line.window else None) == rung


def test_a_report_taken_back_after_the_ladder_ended_is_asked_for_again_once() -> None:
    season = Season(owed(standing=Standing.MISSING, opening=1))
    verdicts = [season.look(at(20, hour)).verdict for hour in (9, 10, 11)]
    assert verdicts == [Verdict.REMIND, Verdict.SENT, Verdict.SENT]
    assert season.gone[1] == ["again"]
    season.about = replace(season.about, opening=2)
    season.look(at(21, 9))
    assert season.gone[2] == ["again"]


def test_a_report_taken_back_within_the_ladder_opens_the_rung_of_that_day_again() -> None:
    season = Season(owed())
    season.look(at(5, 8))
    season.about = replace(season.about, standing=Standing.IN)
    assert season.look(at(5, 9)).verdict is Verdict.REPORTED
    season.about = replace(season.about, standing=Standing.MISSING, opening=1)
    assert season.look(at(5, 10)).verdict is Verdict.TODAY  # the answer that she got has asked for it
    season.look(at(7, 8))
    assert season.gone == {0: ["due"], 1: ["late"]}


def test_a_report_taken_back_before_the_ladder_begins_waits_for_it() -> None:
    assert judge(owed(opening=1), at(1, 9), NOBODY_YET).verdict is Verdict.NO_RUNG


def test_a_district_that_wants_no_reminders_to_facilities_asks_for_nothing_again_either() -> None:
    assert judge(owed(opening=1, windows=()), at(20, 9), NOBODY_YET).verdict is Verdict.NO_RUNG


def test_her_who_was_asked_is_reminded_of_the_question_though_another_answers_for_the_facility() -> None:
    question = Asked(7, BUDI.phone, "PIL 30 atau 300?", is_open=True)
    asking = owed(standing=Standing.ASKED, asked=question)
    assert judge(asking, at(5), NOBODY_YET).people == (BUDI,)
    stopped = replace(BUDI, is_stopped=True)
    assert judge(replace(asking, people=(ANI, stopped)), at(5), NOBODY_YET).people == (ANI,)


WHY_NOT = [
    ({"is_asked_for": False}, Verdict.NOT_ASKED),
    ({"standing": Standing.CLOSED}, Verdict.CLOSED),
    ({"standing": Standing.WITH_STAFF}, Verdict.WITH_STAFF),
    ({"standing": Standing.IN}, Verdict.REPORTED),
    ({"gone": frozenset({"due"})}, Verdict.SENT),
    ({"paused": "flood"}, Verdict.PAUSED),
    ({"skipped": "leave"}, Verdict.SKIPPED),
    ({"people": ()}, Verdict.NOBODY),
    ({"people": (replace(ANI, is_away=True),)}, Verdict.AWAY),
    ({"people": (replace(ANI, is_away=True), replace(BUDI, is_stopped=True))}, Verdict.STOPPED),
    ({"people": (replace(ANI, channel=None),)}, Verdict.NO_CHANNEL),
]


@pytest.mark.parametrize(("changes", "verdict"), WHY_NOT)
def test_who_is_not_reminded_has_a_reason(changes: dict[str, object], verdict: Verdict) -> None:
    assert judge(owed(**changes), at(5), NOBODY_YET).verdict is verdict


def test_the_next_one_is_reminded_while_the_first_is_on_leave() -> None:
    away = owed(people=(replace(ANI, is_away=True), BUDI, CITRA))
    assert judge(away, at(2), NOBODY_YET).people == (BUDI,)


def test_two_forms_of_one_midwife_are_one_sms() -> None:
    plan = make_plan([owed(), owed(form="gudang")], at(5), NOBODY_YET)
    (letter,) = plan.letters
    assert [line.about.form for line in letter.lines] == ["kb", "gudang"]


def test_an_officer_whose_list_would_be_empty_is_not_written_to_and_a_district_is() -> None:
    assert judge(area_month(missing=()), at(8, 9), NOBODY_YET).verdict is Verdict.ALL_IN
    district = area_month(Audience.DISTRICT, missing=())
    assert judge(district, at(10, 9), NOBODY_YET).verdict is Verdict.REMIND
    assert judge(replace(district, there=0), at(10, 9), NOBODY_YET).verdict is Verdict.ALL_IN
    assert judge(area_month(), at(8, 9), NOBODY_YET).people == (BUDI,)


def test_whoever_was_thanked_is_not_thanked_again() -> None:
    season = Season(owed(standing=Standing.IN))
    assert [season.look(at(11, 16 + step)).verdict for step in (0, 1)] == [Verdict.REMIND, Verdict.REPORTED]


def test_a_plan_of_nothing_is_empty() -> None:
    assert make_plan((), at(5), NOBODY_YET) == Plan((), ())
