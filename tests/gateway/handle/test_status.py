"""STATUS where a conversation is not enough: what districts chose, places that were not there yet, and outages."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import update

from gateway.calendar import Outage
from gateway.forms import load_forms, load_ladders
from gateway.ladder import Ladder, find_ladder
from gateway.segments import fits_one_sms
from gateway.store import ladders, outages, reporters
from gateway.store.facilities import facilities
from gateway.values import Scope
from tests.district import District

REGENCY = Scope("14.03")


def choose(district: District, form: str, *types: str, is_on: bool = True) -> None:
    """Let the regency ask for a form, of facilities of these types, or of all."""
    with district.database.session() as session:
        rungs = find_ladder(load_ladders(), "14.03", "kb").rungs
        ladders.choose_ladder(session, Ladder("14.03", form, is_on, frozenset(types), rungs), scope=REGENCY)
        session.commit()


def test_the_forms_that_are_asked_for_from_the_start_are_forms() -> None:
    codes = {form.code for form in load_forms()}
    asked = [one.form for one in load_ladders() if one.is_on]
    assert asked == ["kb"]
    assert set(asked) <= codes


def test_a_form_that_the_regency_asks_for_is_told_of_where_it_asks_for_it(district: District) -> None:
    choose(district, "alokon", "PUSKESMAS")
    assert "ALOKON Sep 25 Puskesmas Damon: belum masuk" in district.say("budi", "STATUS")
    assert "ALOKON" not in district.say("ani", "STATUS")


def test_the_main_form_is_told_of_even_where_nobody_is_asked_for_it(district: District) -> None:
    choose(district, "kb", is_on=False)
    assert district.say("ani", "STATUS").startswith("KB Sep 25 PMB Ani: belum masuk")


def test_a_practice_that_was_not_there_in_a_month_owes_nothing_for_it(district: District) -> None:
    with district.database.session() as session:
        opened = update(facilities).where(facilities.c.id == district.ids["PMB01"])
        session.execute(opened.values(opened_on=date(2025, 10, 1)))
        session.commit()
    answer = district.say("ani", "STATUS")
    assert "Sep 25" not in answer
    assert answer.startswith("KB Okt 25 PMB Ani: belum masuk, batas 5 Nov.")
    assert "Terima kasih" in district.say("ani", "KB 0925 BARU 1 AKTIF 2"), "what she sends all the same is told of"
    assert "KB Sep 25 PMB Ani: sudah masuk" in district.say("ani", "STATUS")


def test_the_due_day_is_later_where_an_outage_excuses(district: District) -> None:
    cut = Outage("14", datetime(2025, 10, 5, 1, tzinfo=UTC), datetime(2025, 10, 6, 1, tzinfo=UTC))
    with district.database.session() as session:
        outages.add_outage(session, cut, "listrik padam", "Bu Rina", cut.from_at, scope=Scope("14"))
        session.commit()
    assert "batas 7 Okt" in district.say("ani", "STATUS")


@pytest.mark.parametrize("language", ["id", "en"])
def test_of_many_places_as_many_as_fit_are_named_and_the_others_counted(district: District, language: str) -> None:
    with district.database.session() as session:
        reporters.add_reporter(session, "Rina", ["+6281230000077"], list(district.ids.values()), language=language)
        session.commit()
    answer = district.say("+6281230000077", "STATUS")
    told = answer.count("Sep 25")
    assert told >= 2
    assert f"(+{len(district.ids) - told} " in answer
    assert fits_one_sms(answer)


def test_an_unanswered_question_is_asked_again_with_the_place_before_others_that_are_in(district: District) -> None:
    district.say("wati", "KB PMB02 0925 BARU 2 AKTIF 30")
    district.say("wati", "KB PTK 0925 BARU 1")
    district.pass_time(hours=49)
    answer = district.say("wati", "STATUS")
    assert answer.startswith("KB Sep 25 Pustu Teluk: belum lengkap")
    assert answer.endswith("Balas: AKTIF <jumlah>")
    assert "Pustu Teluk: BARU 1 AKTIF 20" in district.say("wati", "AKTIF 20")


def test_from_another_phone_nobody_is_asked_what_she_could_not_answer(district: District) -> None:
    district.say("ani", "KB 0925 BARU 12")
    district.pass_time(hours=49)
    answer = district.say("ani2", "STATUS")
    assert "belum lengkap" in answer
    assert "Contoh: KB" in answer
    assert "Balas" not in answer


def test_an_earlier_month_is_told_of_where_its_report_was_taken_back(district: District) -> None:
    district.say("ani", "KB 0825 BARU 3 AKTIF 38")
    assert "Agu 25" not in district.say("ani", "STATUS")
    district.say("ani", "BATAL")
    answer = district.say("ani", "STATUS")
    assert answer.startswith("KB Agu 25 PMB Ani: belum masuk, batas 5 Sep. KB Sep 25 PMB Ani: belum masuk")
    district.say("ani", "KB 0825 BARU 3 AKTIF 39")
    assert "Agu 25" not in district.say("ani", "STATUS")


def test_an_earlier_month_is_told_of_where_staff_opened_it_again(district: District) -> None:
    district.close_month("kb", "2025-08")
    assert "Agu 25" not in district.say("budi", "STATUS")
    district.reopen_month("kb", "2025-08")
    assert "KB Agu 25 Puskesmas Damon: belum masuk" in district.say("budi", "STATUS")
    assert "Agu 25" not in district.say("budi", "STATUS 0925"), "nor where she asks of one month"
