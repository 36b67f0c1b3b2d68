"""Rounds of reminders: only who owes something, each rung once, when people are awake, whatever happens meanwhile."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import update

from gateway.calendar import Calendar, Days, Hours
from gateway.ladder import Audience, Ladder, Manners, OffDays
from gateway.remind import run
from gateway.remind.by_hand import Outcome
from gateway.remind.plan import Verdict
from gateway.review import decide
from gateway.store import areas, channels, facilities, pauses, questions, reporters
from gateway.store.areas import Area
from gateway.store.facilities import NewFacility
from tests.district import PHONES, District
from tests.gateway.review.deciding import office, seen, settle
from tests.ladders import KABAR
from tests.reminding import (
    COUNTRY,
    EVERYBODY,
    OFFICE,
    OFFICER,
    add_colleague,
    add_staff,
    at,
    by_the_hand_of_staff,
    choose,
    keys,
    letters,
    look,
    rungs,
    send_day,
    send_on_leave,
    share_clock,
    told,
    verdicts,
)

FOUNDING = "KB 0925 BARU 12 AKTIF 40 PIL 30"
IMPLAUSIBLE = "KB 0925 BARU 500 AKTIF 2000"


@pytest.fixture(autouse=True)
def shared_clock(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database's clock is the test's."""
    share_clock(district, monkeypatch)


def test_only_who_has_not_reported_is_reminded(district: District) -> None:
    district.say("ani", FOUNDING)
    look(district, 3, 8)
    assert told(district) == ["budi", "clinic", "eve", "wati"]


def test_what_two_practices_owe_is_one_sms(district: District) -> None:
    look(district, 3, 8)
    [hers] = [one for one in letters(district) if one.to == "wati"]
    assert "PMB Wati" in hers.text
    assert "Pustu Teluk" in hers.text


def test_each_is_written_to_in_her_own_language(district: District) -> None:
    look(district, 3, 8)
    written = {one.to: one.text for one in letters(district)}
    assert "PMB Eve is due" in written["eve"]
    assert "PMB Ani sudah dekat batas 5 Okt" in written["ani"]


def test_a_rung_goes_once_however_often_it_is_looked_at(district: District) -> None:
    assert [look(district, 3, 8) for _ in range(5)] == [5, 0, 0, 0, 0]
    assert len(keys(district)) == 7
    assert send_day(district) == 5
    assert look(district, 4, 8) == 0


def test_several_forms_of_one_facility_are_one_sms_and_go_by_their_own_keys(district: District) -> None:
    choose(district, Ladder("", "alokon", True, frozenset({"PUSKESMAS"}), KABAR))
    look(district, 3, 8)
    [his] = [one for one in letters(district) if one.to == "budi"]
    assert "KB Sep 25" in his.text
    assert "ALOKON Sep 25" in his.text
    assert sorted(str(key[0]) for key in keys(district)) == ["alokon", *["kb"] * 7]


def test_the_responsible_one_is_told_first_and_all_of_them_when_it_is_late(district: District) -> None:
    add_colleague(district, "Citra", "+6281230000031", "DAMON")
    look(district, 3, 8)
    assert "+6281230000031" not in told(district)
    send_day(district)
    look(district, 7, 8)
    assert "+6281230000031" in told(district, "queued")
    assert "budi" in told(district, "queued")


def test_who_is_on_leave_is_left_alone_and_a_colleague_told_instead(district: District) -> None:
    add_colleague(district, "Citra", "+6281230000031", "DAMON")
    send_on_leave(district, "budi", date(2025, 10, 1), date(2025, 10, 4))
    send_on_leave(district, "ani", date(2025, 10, 1), date(2025, 10, 4))
    look(district, 3, 8)
    assert told(district) == ["+6281230000031", "clinic", "eve", "wati"]
    assert verdicts(district, 3, 9)[Verdict.AWAY] == 1
    send_day(district)
    look(district, 5, 8)
    assert {"ani", "budi"} <= set(told(district, "queued"))


def test_who_has_sent_stop_is_left_alone_and_mulai_brings_them_back(district: District) -> None:
    district.say("ani", "STOP")
    look(district, 3, 8)
    assert "ani" not in told(district)
    district.say("ani", "MULAI")
    look(district, 3, 13)
    assert "ani" in told(district)


def test_the_phone_that_she_last_wrote_from_is_the_one_that_is_written_to(district: District) -> None:
    district.say("ani2", "BANTUAN")
    look(district, 3, 8)
    assert "ani2" in told(district)
    assert "ani" not in told(district)


def test_reminders_of_an_hour_are_spread_and_all_go_before_the_evening(district: District) -> None:
    look(district, 3, 8)
    times = [one.next_try_at for one in letters(district)]
    assert len(set(times)) == 5
    assert all(at(3, 8) <= time <= at(3, 10) for time in times if time)
    assert district.send() == 0, "before their time"
    assert send_day(district) == 5


def test_nobody_is_written_to_at_night_or_on_a_holiday(district: District) -> None:
    assert look(district, 2, 7, 59) == 0
    assert look(district, 3, 20) == 0
    choose(district, Manners("14.03", off_days=OffDays.SUNDAYS))
    assert look(district, 5, 9) == 0, "the fifth is a Sunday"
    assert verdicts(district, 4, 21)[Verdict.QUIET] == 7


def test_every_place_wakes_up_by_its_own_clock(district: District) -> None:
    with district.database.session() as session:
        areas.add_areas(
            session,
            [
                Area("91", None, "province", "Papua", "Asia/Jayapura"),
                Area("91.03", "91", "regency", "Jayapura", "Asia/Jayapura"),
                Area("91.03.01", "91.03", "district", "Sentani", "Asia/Jayapura"),
            ],
        )
        (east,) = facilities.add_facilities(session, [NewFacility("910301001", "Sentani", "STN", "PMB", "91.03.01")])
        reporters.add_reporter(session, "Yosi", ["+6281230000041"], [east])
        session.commit()
    early = at(3, 6)  # 08:00 in Jayapura
    district.set_clock(early)
    with district.database.session(read_only=True) as session:
        assert run.find_due(session, district.runtime.ways, early) == ("91.03",)
        assert set(run.find_due(session, district.runtime.ways, at(3, 8))) == {"14.03", "91.03"}
        assert run.find_due(session, district.runtime.ways, at(3, 18)) == ("14.03",), "20:00 in Jayapura"
    assert look(district, regency="91.03") == 1
    assert look(district) == 0


def test_a_regency_is_looked_at_when_a_window_opens_and_once_an_hour(district: District) -> None:
    def due() -> bool:
        with district.database.session(read_only=True) as session:
            return bool(run.find_due(session, district.runtime.ways, district.runtime.now()))

    look(district, 2, 7, 59)
    district.set_clock(at(2, 8))
    assert due()
    look(district)
    district.pass_time(minutes=59)
    assert not due()
    district.pass_time(minutes=1)
    assert due()
    look(district)
    district.set_clock(at(1, 9))  # the clock was wrong, and is put back
    assert due()


def test_a_clock_that_was_down_over_two_rungs_sends_only_the_one_that_makes_sense(district: District) -> None:
    look(district, 1, 10)
    look(district, 7, 9)
    assert rungs(district) == ["late"]


def test_a_clock_that_was_down_for_three_days_sends_what_still_makes_sense(district: District) -> None:
    look(district, 1, 10)
    look(district, 4, 9)
    assert rungs(district) == ["before"]
    assert "5 Okt" in letters(district)[0].text


def test_the_last_day_of_february_is_the_thirty_first(district: District) -> None:
    choose(district, Calendar("", "", Days(31, 31, 31)))
    district.set_clock(at(28, 8, month=2, year=2026))
    look(district)
    assert rungs(district) == ["due"]
    assert {key[1] for key in keys(district)} == {"2026-01"}


def test_a_report_that_is_taken_back_is_asked_for_again_but_not_on_the_same_day(district: District) -> None:
    look(district, 3, 8)
    send_day(district)
    district.set_clock(at(4, 9))
    district.say("ani", FOUNDING)
    district.say("ani", "BATAL")
    assert look(district) == 0
    assert look(district, 5, 8) == 5, "the rung of the due day, with hers among them"
    assert sorted(key[3:] for key in keys(district) if key[2] == f"facility:{district.ids['PMB01']}") == [
        ("before", 0),
        ("due", 1),
    ]


def test_a_report_that_staff_refuse_long_after_is_asked_for_again_once(district: District) -> None:
    district.set_clock(at(3, 9))
    district.say("ani", FOUNDING)
    district.set_clock(at(20, 9))
    settle(district, lambda session: decide.reject(session, office(district), seen(district), "salah bulan", tell=True))
    look(district)
    assert rungs(district) == [], "she was told today"
    send_day(district)
    for day in (21, 22, 27):
        look(district, day, 9)
        send_day(district)
    assert [key[3:] for key in keys(district)] == [("again", 1)]
    assert told(district) == ["ani"]


def test_a_month_that_is_opened_again_is_asked_for_again(district: District) -> None:
    look(district, 3, 8)
    send_day(district)
    district.close_month("kb", "2025-09")
    assert verdicts(district, 4, 9)[Verdict.CLOSED] == 7
    district.reopen_month("kb", "2025-09")
    assert look(district, 4, 9) == 5


def test_a_paused_area_and_a_skipped_facility_are_left_alone(district: District) -> None:
    now = district.runtime.now()
    days = date(2025, 10, 1), date(2025, 10, 4)
    with district.database.session() as session:
        ended = pauses.add_pause(session, "14.03.01", None, days, "banjir", "Sari", now, scope=COUNTRY)
        pauses.add_pause(session, "", district.ids["PMB01"], (date(2025, 10, 1), None), "", "Sari", now, scope=COUNTRY)
        session.commit()
    assert look(district, 3, 8) == 0
    assert verdicts(district, 3, 8)[Verdict.PAUSED] == 7
    with district.database.session() as session:
        assert ended is not None
        pauses.end_pause(session, ended, "Sari", now, scope=COUNTRY)
        session.commit()
    look(district, 3, 9)
    assert told(district) == ["budi", "clinic", "eve", "wati"]


def test_a_number_gets_one_reminder_a_day_by_hand_or_by_the_ladder(district: District) -> None:
    district.set_clock(at(3, 8))
    assert by_the_hand_of_staff(district) is Outcome.QUEUED
    assert by_the_hand_of_staff(district) is Outcome.TODAY
    look(district)
    assert Counter(told(district))["ani"] == 1
    assert by_the_hand_of_staff(district, "DAMON") is Outcome.TODAY, "the ladder reminds him today"
    district.send()
    look(district, 4, 8)
    assert Counter(told(district))["ani"] == 2, "the rung that found her reminded goes the next day"
    assert ("kb", "2025-09", f"facility:{district.ids['PMB01']}", "hand-2025-10-03", 0) in keys(district)


def test_by_hand_goes_at_night_if_staff_insist_and_never_to_who_is_away_or_has_stopped(district: District) -> None:
    district.set_clock(at(3, 22))
    assert by_the_hand_of_staff(district) is Outcome.QUIET
    assert by_the_hand_of_staff(district, is_urgent=True) is Outcome.QUEUED
    assert district.send() == 1
    district.say("eve", "STOP")
    assert by_the_hand_of_staff(district, "PMB06", is_urgent=True) is Outcome.STOPPED
    send_on_leave(district, "budi", date(2025, 10, 1), date(2025, 10, 4))
    assert by_the_hand_of_staff(district, "DAMON", is_urgent=True) is Outcome.AWAY
    district.close_month("kb", "2025-09")
    assert by_the_hand_of_staff(district, "PMB02", is_urgent=True) is Outcome.CLOSED


def test_a_question_that_nobody_answered_is_repeated(district: District) -> None:
    district.set_clock(at(2, 12))
    asked = district.say("ani", IMPLAUSIBLE)
    look(district, 3, 8)
    [hers] = [one for one in letters(district) if one.to == "ani"]
    assert asked.split("? ")[-1] in hers.text
    assert "YA" in hers.text


def test_a_report_that_waits_for_staff_is_not_asked_for(district: District) -> None:
    district.set_clock(at(1, 9))
    district.say("ani", IMPLAUSIBLE)
    with district.database.session() as session:
        from_staff = questions.open_questions(session, [PHONES["ani"]])[PHONES["ani"]]
        questions.close(session, from_staff.id, questions.EXPIRED, district.runtime.now())
        session.commit()
    look(district, 3, 8)
    assert "ani" not in told(district)


def test_the_budget_ends_reminders_and_what_had_no_room_goes_when_there_is(district: District) -> None:
    with district.database.session() as session:
        channels.choose_channel(session, "simulator", None, 400, 1500, scope=COUNTRY)  # 80 % are three messages
        session.commit()
    assert look(district, 3, 8) == 3
    assert verdicts(district, 3, 9)[Verdict.BUDGET] > 0
    with district.database.session() as session:
        channels.choose_channel(session, "simulator", None, 400, None, scope=COUNTRY)
        session.commit()
    look(district, 3, 9)
    assert told(district) == EVERYBODY


def test_officers_get_the_list_of_who_is_missing_and_the_district_the_sum(district: District) -> None:
    add_staff(district)
    for name, words in (("ani", FOUNDING), ("budi", "KB 0925 BARU 30 AKTIF 400 PIL 100")):
        district.say(name, words)
    look(district, 8, 9)
    [to_officer] = [one for one in letters(district) if one.to == OFFICER]
    assert to_officer.kind == "reminder_staff"
    assert "PMB Eve" in to_officer.text
    assert "PMB Ani" not in to_officer.text
    look(district, 10, 9)
    [to_office] = [one for one in letters(district) if one.to == OFFICE]
    assert "2 dari 7" in to_office.text
    assert look(district, 10, 10) == 0


def test_an_officer_who_says_stop_gets_no_lists_until_mulai(district: District) -> None:
    add_staff(district)
    assert "hentikan" in district.say(OFFICER, "STOP")
    look(district, 8, 9)
    assert OFFICER not in told(district)
    assert "aktif lagi" in district.say(OFFICER, "MULAI")
    look(district, 8, 11)
    assert OFFICER in told(district)


def test_an_officer_is_told_nothing_where_all_are_in(district: District) -> None:
    add_staff(district)
    with district.database.session() as session:
        session.execute(update(facilities.facilities).values(is_active=False))
        chosen = facilities.facilities.c.id == district.ids["PMB01"]
        session.execute(update(facilities.facilities).where(chosen).values(is_active=True))
        session.commit()
    district.say("ani", FOUNDING)
    assert look(district, 8, 9) == 0
    assert verdicts(district, 8, 9)[Verdict.ALL_IN] == 1


def test_thanks_go_to_who_has_reported_where_they_are_wished(district: District) -> None:
    thanks = tuple(replace(one, is_on=one.audience is Audience.REPORTED) for one in KABAR)
    choose(district, Ladder("14.03", "kb", True, frozenset(), thanks))
    district.say("ani", FOUNDING)
    look(district, 11, 16)
    [hers] = letters(district)
    assert (hers.to, hers.kind) == ("ani", "thanks")


def test_a_facility_of_a_type_that_is_not_asked_is_left_alone(district: District) -> None:
    choose(district, Ladder("14.03", "kb", True, frozenset({"PUSKESMAS"}), KABAR))
    look(district, 3, 8)
    assert told(district) == ["budi"]


def test_an_area_has_its_own_hours(district: District) -> None:
    choose(district, Manners("14.03", hours=Hours(10, 12), spread_minutes=0))
    assert look(district, 3, 9) == 0
    assert look(district, 3, 11) == 5
    assert {one.next_try_at for one in letters(district)} == {at(3, 11)}


def test_a_plan_for_tomorrow_writes_nothing_and_counts_nobody_as_reminded(district: District) -> None:
    look(district, 3, 8)
    district.send()
    assert verdicts(district, 5, 8)[Verdict.REMIND] == 7
    assert len(keys(district)) == 7
