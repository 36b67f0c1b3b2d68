"""Reminders where something is odd: shared phones, a channel that is gone, a fault in one of many, an open outage."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from gateway.calendar import Outage
from gateway.errors import Raced
from gateway.ladder import Audience, Ladder
from gateway.remind import last_look, run
from gateway.remind.letters import write_letters
from gateway.remind.plan import AreaMonth, Letter, Owed
from gateway.review import decide
from gateway.store import areas, facilities, outages, questions, users
from gateway.store.areas import Area
from gateway.store.base import Session
from gateway.store.facilities import NewFacility
from gateway.store.users import NewUser
from gateway.values import Role
from tests.district import PHONES, District
from tests.gateway.remind.test_last_look import outcome, to
from tests.gateway.remind.test_run import FOUNDING, IMPLAUSIBLE
from tests.gateway.review.deciding import office, seen, settle
from tests.ladders import KABAR
from tests.reminding import (
    COUNTRY,
    EVERYBODY,
    add_colleague,
    at,
    choose,
    letters,
    look,
    rungs,
    send_on_leave,
    share_clock,
    told,
)
from workers import reminders as worker
from workers.sweep import sweep

BROKEN = KeyError("a fault of ours")


@pytest.fixture(autouse=True)
def shared_clock(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database's clock is the test's."""
    share_clock(district, monkeypatch)


def send_hours(district: District) -> None:
    """Send whatever goes out in the next three hours."""
    for _ in range(4):
        district.send()
        district.pass_time(minutes=45)


def test_of_two_on_one_phone_at_one_practice_the_one_who_is_there_is_reminded(district: District) -> None:
    add_colleague(district, "Aminah", PHONES["ani"], "PMB01")
    send_on_leave(district, "ani", date(2025, 10, 3), date(2025, 10, 9))
    look(district, 3, 8)
    send_hours(district)
    assert outcome(district, "ani") == ("delivered", None)


def test_who_writes_from_her_other_phone_meanwhile_is_reminded_all_the_same(district: District) -> None:
    district.set_clock(at(2, 9))
    district.say("ani", "STATUS")
    look(district, 3, 8)
    district.say("ani2", "STATUS")
    send_hours(district)
    assert outcome(district, "ani") == ("delivered", None)


def test_a_channel_that_is_gone_with_reminders_in_it_keeps_nobody_from_the_next_ones(district: District) -> None:
    runtime = district.runtime
    modem = copy(runtime.channels["simulator"])
    modem.name = "modem"
    own = dict(runtime.channels)
    district.runtime = replace(runtime, channels={**own, "modem": modem})
    district.set_clock(at(2, 9))
    district.say("ani", "STATUS", channel="modem")
    look(district, 3, 8)
    assert to(district, "ani").channel == "modem"
    district.runtime = replace(runtime, channels=own)
    for day in (4, 5, 6, 7):
        district.set_clock(at(day, 7))
        sweep(district.runtime)
        look(district, day, 8)
        send_hours(district)
    hers = [(one.channel, one.state) for one in letters(district) if one.to == "ani"]
    assert hers == [("modem", "queued"), ("simulator", "delivered"), ("simulator", "delivered")]


def test_one_reminder_that_cannot_be_written_holds_up_no_other(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(district, 3, 8)
    write = write_letters

    def write_but_one(session: Session, found: Sequence[Letter], *rest: Any) -> list[str]:
        if any(one.person.name == "Ani" for one in found):
            raise BROKEN
        return write(session, found, *rest)

    monkeypatch.setattr(last_look, "write_letters", write_but_one)
    district.pass_time(hours=3)
    with capture_logs() as said:
        for _ in range(2):
            district.send()
            district.pass_time(minutes=16)
    assert "last_look_failed" in {one["event"] for one in said}
    assert told(district, "delivered") == [name for name in EVERYBODY if name != "ani"]


def test_a_fault_in_one_regency_leaves_the_others_their_reminders(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    with district.database.session() as session:
        areas.add_areas(
            session,
            [
                Area("14.01", "14", "regency", "Kampar", "Asia/Jakarta"),
                Area("14.01.01", "14.01", "district", "Bangkinang", "Asia/Jakarta"),
            ],
        )
        facilities.add_facilities(session, [NewFacility("140100101", "PMB Oka", "PMB01", "PMB", "14.01.01")])
        session.commit()
    gather = run.gather_regency

    def gather_but_one(session: Session, regency: str, *rest: Any) -> tuple[Owed | AreaMonth, ...]:
        if regency == "14.01":
            raise BROKEN
        return gather(session, regency, *rest)

    monkeypatch.setattr(run, "gather_regency", gather_but_one)
    district.set_clock(at(3, 8))
    with capture_logs() as said:
        worker.drain(district.runtime)
    assert [one["regency"] for one in said if one["event"] == "reminders_failed"] == ["14.01"]
    assert told(district) == EVERYBODY


def test_a_report_that_is_here_but_not_yet_read_stops_the_reminder(district: District) -> None:
    look(district, 3, 8)
    district.pass_time(hours=3)
    district.keep("ani", FOUNDING)
    district.send()
    assert "ani" not in told(district, "delivered")
    district.handle()
    district.pass_time(hours=1)
    district.send()
    assert outcome(district, "ani") == ("withheld", "reported")


def test_nobody_is_thanked_twice_when_a_correction_of_hers_is_refused(district: District) -> None:
    thanks = tuple(replace(one, is_on=one.audience is Audience.REPORTED) for one in KABAR)
    choose(district, Ladder("14.03", "kb", True, frozenset(), thanks))
    district.say("ani", FOUNDING)
    settle(district, lambda session: decide.approve(session, office(district), seen(district)))
    look(district, 11, 16)
    send_hours(district)
    district.set_clock(at(12, 9))
    district.say("ani", "KB 0925 BARU 12 AKTIF 41 PIL 30")
    settle(district, lambda session: decide.reject(session, office(district), seen(district), "salah", tell=False))
    look(district, 13, 10)
    send_hours(district)
    assert len(letters(district)) == 1


def test_a_facility_that_closed_in_the_month_can_still_report_what_it_is_reminded_of(district: District) -> None:
    with district.database.session() as session:
        hers = facilities.facilities.c.id == district.ids["PMB01"]
        session.execute(update(facilities.facilities).where(hers).values(is_active=False, closed_on=date(2025, 9, 20)))
        session.commit()
    look(district, 3, 8)
    is_reminded = "ani" in told(district)
    said = district.say("ani", "STATUS")
    assert is_reminded == ("PMB Ani" in said), said


def test_while_an_outage_lasts_nobody_is_reminded_again_and_again(district: District) -> None:
    look(district, 3, 8)
    send_hours(district)
    with district.database.session() as session:
        cut = Outage("14.03", at(4, 9), None)
        outage_id = outages.add_outage(session, cut, "listrik", "Sari", at(4, 9), scope=COUNTRY)
        session.commit()
    for day in (5, 6, 7, 8):
        look(district, day, 8)
        send_hours(district)
    assert rungs(district) == ["before"]
    with district.database.session() as session:
        outages.end_outage(session, outage_id or 0, at(8, 15), scope=COUNTRY)
        session.commit()
    look(district, 9, 8)
    assert rungs(district) == ["before", "due"]
    assert "9 Okt" in to(district, "ani").text or "hari ini" in to(district, "ani").text


def test_what_has_been_answered_this_very_moment_is_not_asked_again(district: District) -> None:
    district.say("ani", IMPLAUSIBLE)
    with district.database.session(read_only=True) as session:
        asked = questions.open_questions(session, [PHONES["ani"]])[PHONES["ani"]]
    district.say("ani", "YA")
    with pytest.raises(Raced), district.database.session() as session:
        questions.ask_again(session, asked.id, district.runtime.now())
    with district.database.session(read_only=True) as session:
        assert questions.open_questions(session, [PHONES["ani"]]) == {}


def test_a_race_about_one_reminder_sends_them_all_a_moment_later(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(district, 3, 8)
    district.pass_time(hours=3)
    look_again, races = last_look.look_again, iter([True])

    def race_once(*given: Any) -> Any:
        if next(races, False):
            raise Raced("answered")
        return look_again(*given)

    monkeypatch.setattr(last_look, "look_again", race_once)
    district.send()
    assert told(district, "delivered") == EVERYBODY


def test_a_midwife_who_is_an_officer_too_is_spoken_to_as_the_midwife_that_was_planned(district: District) -> None:
    with district.database.session() as session:
        officer = NewUser("officer", "Officer", Role.OFFICER, "14.03.01", "en", district.runtime.now())
        users.set_phone(session, users.add_user(session, officer), PHONES["ani"], scope=COUNTRY)
        session.commit()
    look(district, 8, 9)
    planned = to(district, "ani").text
    assert planned.startswith("Ibu Ani, belum masuk: KB Sep 25 PMB Ani.")
    send_hours(district)
    assert (to(district, "ani").state, to(district, "ani").text) == ("delivered", planned)
