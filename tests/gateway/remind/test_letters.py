"""Letters as they go out: in the reader's language, in the words of her area, with her own year."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.ladder import Manners
from gateway.remind.letters import write_letters
from gateway.remind.plan import Letter, Line, Owed
from gateway.store import ladders, wordings
from gateway.store.facilities import get_facilities
from gateway.store.wordings import ChosenSentence
from gateway.values import Scope
from tests.district import NOON, District
from tests.gateway.remind.letters import owed, reader, thanked

EVERYWHERE = Scope("")


def write(district: District, *letters: Letter) -> list[str]:
    with district.database.session(read_only=True) as session:
        return write_letters(session, letters, district.runtime.ways, district.runtime.now())


def at_home(district: District, line: Line) -> Line:
    """Return the line about Ani's practice as the database knows it."""
    assert isinstance(line.about, Owed)
    with district.database.session(read_only=True) as session:
        (facility,) = get_facilities(session, [district.ids["PMB01"]]).values()
    return replace(line, about=replace(line.about, facility=facility))


@pytest.mark.parametrize("area", ["", "14.03", "14.03.01"])
def test_a_reminder_is_in_the_words_that_its_area_chose(district: District, area: str) -> None:
    own = "Yth {reporter}: {form} {month} {facility}, batas {due}. {example}. STOP"
    with district.database.session() as session:
        chosen = ChosenSentence(area, "id", "answers.remind_before", own, "Rina", NOON)
        wordings.choose_sentence(session, chosen, scope=EVERYWHERE)
        session.commit()
    line = at_home(district, owed())
    in_hers, in_english = write(district, Letter(reader(), (line,)), Letter(reader("en"), (line,)))
    assert in_hers == "Yth Ani: KB Sep 25 PMB Ani, batas 5 Okt. KB SEP25 BARU 12 AKTIF 40 PIL 30. STOP"
    assert in_english.startswith("Ani, KB Sep 25 of PMB Ani is due soon, by 5 Oct.")


def test_what_another_area_chose_is_not_said_here(district: District) -> None:
    with district.database.session() as session:
        chosen = ChosenSentence("14.04", "id", "answers.remind_before", "Halo", "Rina", NOON)
        wordings.choose_sentence(session, chosen, scope=EVERYWHERE)
        session.commit()
    (text,) = write(district, Letter(reader(), (at_home(district, owed()),)))
    assert text.startswith("Ibu Ani, laporan KB Sep 25 PMB Ani sudah dekat batas 5 Okt.")


def test_the_day_is_that_of_the_place_and_not_of_the_server(district: District) -> None:
    letter = Letter(reader(), (at_home(district, owed()),))
    district.set_clock(NOON + timedelta(days=2, hours=11))  # 23:00 of 5 October there
    for hours, said in ((0, "hari ini batas terakhir"), (2, "lewat batas 5 Okt")):
        district.pass_time(hours=hours)
        assert said in write(district, letter)[0]


def test_thanks_tell_her_own_year_and_the_score_only_where_it_is_wanted(district: District) -> None:
    district.set_clock(NOON)
    district.say("ani", "KB 0825 BARU 5 AKTIF 40")
    district.say("ani", "KB 0925 BARU 7 AKTIF 41")
    letter = Letter(reader(), (at_home(district, thanked()),))
    told = "Terima kasih Ibu Ani. KB Sep 25 PMB Ani sudah lengkap. Tahun ini 2 laporan. Peserta baru 12."
    assert write(district, letter) == [f"{told} Berhenti? STOP"]
    with district.database.session() as session:
        ladders.choose_manners(session, Manners("14.03", shows_score=True), scope=EVERYWHERE)
        session.commit()
    assert write(district, letter) == [f"{told} 1 dari 2 tepat waktu. Berhenti? STOP"]
