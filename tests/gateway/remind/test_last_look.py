"""The last look: what was queued, and has become idle since, does not go; what is left of it goes in today's words."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import event, insert, update

from gateway.ladder import Ladder, Manners
from gateway.remind import last_look
from gateway.store import facilities, pauses, questions
from gateway.store.outbox import outbox
from gateway.store.reporters import reporter_phones
from gateway.values import Scope
from tests.district import PHONES, District
from tests.gateway.remind.test_run import FOUNDING, IMPLAUSIBLE
from tests.ladders import KABAR
from tests.reminding import (
    EVERYBODY,
    OFFICER,
    Letter,
    add_colleague,
    add_staff,
    at,
    by_the_hand_of_staff,
    choose,
    letters,
    look,
    send_day,
    send_on_leave,
    share_clock,
    told,
)
from workers.sweep import sweep

COUNTRY = Scope("")
CITRA = "+6281230000031"


@pytest.fixture(autouse=True)
def shared_clock(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database's clock is the test's."""
    share_clock(district, monkeypatch)


def to(district: District, name: str) -> Letter:
    """Return the newest reminder to somebody."""
    return [one for one in letters(district) if one.to == name][-1]


def outcome(district: District, name: str) -> tuple[str, str | None]:
    """Return what became of the newest reminder to somebody, and why it was kept back."""
    found = to(district, name)
    return found.state, found.reason


def test_a_report_between_queueing_and_sending_stops_the_reminder(district: District) -> None:
    look(district, 3, 8)
    district.say("ani", FOUNDING)
    send_day(district)
    assert outcome(district, "ani") == ("withheld", "reported")
    assert told(district, "delivered") == ["budi", "clinic", "eve", "wati"]


def test_a_report_by_a_colleague_by_another_phone_stops_it_too(district: District) -> None:
    add_colleague(district, "Citra", CITRA, "DAMON")
    look(district, 3, 8)
    district.say(CITRA, "KB 0925 BARU 30 AKTIF 400 PIL 100")
    district.say("ani2", FOUNDING)
    send_day(district)
    assert outcome(district, "budi") == ("withheld", "reported")
    assert outcome(district, "ani") == ("withheld", "reported")


def test_of_several_forms_the_one_that_came_in_is_left_out_of_the_sms(district: District) -> None:
    choose(district, Ladder("", "alokon", True, frozenset({"PMB"}), KABAR))
    look(district, 3, 8)
    assert "ALOKON" in to(district, "ani").text
    district.say("ani", FOUNDING)
    send_day(district)
    hers = to(district, "ani")
    assert hers.state == "delivered"
    assert "ALOKON Sep 25" in hers.text
    assert "KB Sep 25" not in hers.text


def test_a_report_that_came_and_was_taken_back_again_is_another_reminder(district: District) -> None:
    look(district, 3, 8)
    district.say("ani", FOUNDING)
    district.say("ani", "BATAL")
    send_day(district)
    assert outcome(district, "ani") == ("withheld", "reported")
    look(district, 5, 8)
    assert outcome(district, "ani") == ("queued", None)


def test_stop_between_queueing_and_sending_stops_it_at_once(district: District) -> None:
    look(district, 3, 8)
    district.say("ani", "STOP")
    assert outcome(district, "ani") == ("withheld", "stopped")


def test_a_phone_that_is_hers_no_more_gets_nothing(district: District) -> None:
    look(district, 3, 8)
    with district.database.session() as session:
        session.execute(update(reporter_phones).where(reporter_phones.c.phone == PHONES["eve"]).values(phone=CITRA))
        session.commit()
    send_day(district)
    assert outcome(district, "eve") == ("withheld", "undone")


def test_a_pause_a_leave_and_a_closed_facility_stop_what_waits(district: District) -> None:
    look(district, 3, 8)
    now, days = district.runtime.now(), (date(2025, 10, 1), None)
    with district.database.session() as session:
        pauses.add_pause(session, "", district.ids["PMB01"], days, "tutup", "Sari", now, scope=COUNTRY)
        gone = facilities.facilities.c.id == district.ids["PMB06"]
        session.execute(update(facilities.facilities).where(gone).values(closed_on=date(2025, 8, 1)))
        session.commit()
    send_on_leave(district, "budi", date(2025, 10, 3), date(2025, 10, 9))
    send_day(district)
    assert outcome(district, "ani") == ("withheld", "paused")
    assert outcome(district, "budi") == ("withheld", "paused")
    assert outcome(district, "eve") == ("withheld", "undone")
    assert told(district, "delivered") == ["clinic", "wati"]


def test_a_pause_that_ends_in_time_lets_the_same_rung_go(district: District) -> None:
    add_colleague(district, "Lina", PHONES["stranger"], "PMB01")
    look(district, 7, 8)  # everybody of a facility is written to
    days = date(2025, 10, 1), None
    with district.database.session() as session:
        now = district.runtime.now()
        pause = pauses.add_pause(session, "", district.ids["PMB01"], days, "rapat", "Sari", now, scope=COUNTRY)
        session.commit()
    assert pause
    send_day(district)
    assert outcome(district, "ani") == outcome(district, "stranger") == ("withheld", "paused")
    assert look(district, 8, 9) == 0
    with district.database.session() as session:
        assert pauses.end_pause(session, pause, "Sari", district.runtime.now(), scope=COUNTRY)
        session.commit()
    assert look(district, 8, 11) == 2
    send_day(district)
    assert told(district, "delivered").count("ani") == told(district, "delivered").count("stranger") == 1
    assert look(district, 9, 11) == 0


def test_a_form_that_nobody_is_asked_for_any_more_is_not_reminded_of(district: District) -> None:
    look(district, 3, 8)
    choose(district, Ladder("14.03", "kb", False, frozenset(), KABAR))
    send_day(district)
    assert {one.reason for one in letters(district)} == {"undone"}


def test_what_was_not_sent_by_the_evening_waits_for_the_morning_and_not_for_longer_than_it_makes_sense(
    district: District,
) -> None:
    look(district, 3, 18)
    district.set_clock(at(3, 20, 30))
    sweep(district.runtime)
    assert district.send() == 0
    district.set_clock(at(4, 8, 1))
    assert district.send() == 5
    look(district, 5, 8)
    district.set_clock(at(5, 21))
    sweep(district.runtime)
    district.set_clock(at(6, 8, 1))
    district.send()
    assert {(one.state, one.reason) for one in letters(district)[5:]} == {("withheld", "late")}


def test_a_reminder_whose_words_are_old_is_said_anew(district: District) -> None:
    choose(district, Manners("14.03", spread_minutes=0))
    late = tuple(one for one in KABAR if one.code == "before")
    choose(district, Ladder("14.03", "kb", True, frozenset(), late))
    look(district, 4, 19)
    assert "sudah dekat batas 5 Okt" in to(district, "ani").text
    district.set_clock(at(4, 20))
    sweep(district.runtime)
    district.set_clock(at(5, 8))
    district.send()
    assert to(district, "ani").state == "delivered"
    assert "hari ini" in to(district, "ani").text.lower()


def test_nobody_is_written_to_at_night_even_if_a_clock_jumps(district: District) -> None:
    look(district, 3, 8)
    district.set_clock(at(3, 19))
    with district.database.session() as session:
        session.execute(update(outbox).values(send_until=None))
        session.commit()
    district.set_clock(at(3, 22))
    district.send()
    assert told(district, "delivered") == []
    district.set_clock(at(4, 7, 59))
    district.send()
    assert told(district, "delivered") == []
    district.set_clock(at(4, 8))
    district.send()
    assert told(district, "delivered") == EVERYBODY


def test_a_number_gets_no_second_reminder_on_a_day_even_if_two_wait(district: District) -> None:
    look(district, 3, 8)
    send_day(district)
    with district.database.session() as session:  # as after staff have had an old one sent again
        hers = outbox.c.recipient == PHONES["ani"]
        session.execute(update(outbox).where(hers).values(state="queued", sent_at=None, delivered_at=None))
        row = {
            "kind": "reminder",
            "channel": "simulator",
            "recipient": PHONES["ani"],
            "text": "x",
            "state": "delivered",
        }
        times = {"created_at": at(3, 9), "sent_at": at(3, 9), "attempts": 1, "refusals": 0}
        session.execute(insert(outbox), row | times | {"ref": "r", "trace_id": "t"})
        session.commit()
    district.set_clock(at(3, 14))
    district.send()
    first = next(one for one in letters(district) if one.to == "ani")
    assert (first.state, first.next_try_at) == ("queued", at(4, 8))


def test_a_question_is_asked_again_when_its_reminder_goes_and_the_answer_is_understood(district: District) -> None:
    district.set_clock(at(1, 9))
    district.say("ani", "KB 0925 BARU 12 AKTIF 4O0X PIL 30")
    district.set_clock(at(3, 9, 30))
    sweep(district.runtime)
    with district.database.session(read_only=True) as session:
        assert questions.open_questions(session, [PHONES["ani"]]) == {}, "nobody answered it in time"
    look(district, 3, 10)
    send_day(district)
    with district.database.session(read_only=True) as session:
        asked = questions.open_questions(session, [PHONES["ani"]])[PHONES["ani"]]
    assert asked.text.split(".")[0] in to(district, "ani").text


def test_a_report_that_is_being_asked_about_by_now_has_its_question_in_the_reminder(district: District) -> None:
    look(district, 3, 8)
    asked = district.say("ani", IMPLAUSIBLE)
    send_day(district)
    assert to(district, "ani").state == "delivered"
    assert asked.split("? ")[-1] in to(district, "ani").text


def test_an_officers_list_is_of_the_hour_in_which_it_goes(district: District) -> None:
    add_staff(district)
    look(district, 8, 9)
    assert "PMB Ani" in to(district, OFFICER).text
    district.say("ani", FOUNDING)
    send_day(district)
    assert to(district, OFFICER).state == "delivered"
    assert "PMB Ani" not in to(district, OFFICER).text


def test_one_by_hand_is_looked_at_too_and_goes_where_the_ladder_is_paused(district: District) -> None:
    district.set_clock(at(3, 9))
    with district.database.session() as session:
        days = date(2025, 10, 1), date(2025, 10, 9)
        pauses.add_pause(session, "14.03", None, days, "banjir", "Sari", district.runtime.now(), scope=COUNTRY)
        session.commit()
    by_the_hand_of_staff(district, "PMB01")
    by_the_hand_of_staff(district, "DAMON")
    district.say("ani", FOUNDING)
    send_day(district)
    assert outcome(district, "ani") == ("withheld", "reported")
    assert outcome(district, "budi")[0] == "delivered"


def test_a_fault_of_ours_in_a_reminder_holds_up_no_answer(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    look(district, 3, 8)
    district.pass_time(hours=3)
    district.say("eve", "BANTUAN")
    with monkeypatch.context() as broken:
        broken.setattr(last_look, "look_again", lambda *_: 1 / 0)
        district.send()
    with district.database.session(read_only=True) as session:
        states = dict(session.execute(outbox.select().with_only_columns(outbox.c.kind, outbox.c.state)).all())
    assert states == {"answer": "delivered", "reminder": "queued"}
    district.pass_time(minutes=15)
    district.send()
    assert told(district, "delivered") == EVERYBODY


def test_an_answer_pays_for_no_last_look(district: District) -> None:
    district.say("ani", FOUNDING)
    statements: list[str] = []
    engine = district.database.engine
    event.listen(engine, "before_cursor_execute", lambda *given: statements.append(str(given[2])))
    district.send()
    assert not [one for one in statements if "reminder" in one]
