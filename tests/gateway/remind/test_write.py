"""The words of letters: one SMS whatever it is about, each thing named or counted, a question whole."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ladder import WORDINGS, Audience, Rung
from gateway.owing import Standing
from gateway.remind.due import AGAIN, Window
from gateway.remind.plan import AreaMonth, Asked, Letter, Line, Person, Verdict
from gateway.remind.write import find_question, write_letter
from gateway.reply.sentence import check_sentence
from gateway.reply.weight import find_dropped
from gateway.reply.wordings import put_over
from gateway.segments import fits_one_sms
from gateway.store.facilities import Facility
from gateway.store.years import Year
from tests.gateway.remind.letters import (
    ANI,
    DUE,
    FORMS,
    HERS,
    LANGUAGES,
    NAMES,
    NOW,
    OTHERS,
    QUESTION,
    TELUK,
    TODAY,
    district,
    officers,
    owed,
    reader,
    say,
    thanked,
)


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_wording_that_a_rung_may_choose_is_a_sentence(language: str) -> None:
    chosen = {name for these in WORDINGS.values() for name in these} | {AGAIN.wording}
    assert chosen <= set(LANGUAGES[language].answers)


def test_what_is_owed_is_named_with_its_day_an_example_and_how_to_stop() -> None:
    assert say(owed()) == (
        "Ibu Ani, laporan KB Sep 25 PMB Ani sudah dekat batas 5 Okt. "
        "Contoh: KB SEP25 BARU 12 AKTIF 40 PIL 30. Berhenti? STOP"
    )


@pytest.mark.parametrize(
    ("wording", "day", "said"),
    [
        ("remind_before", 2, "sudah dekat batas 5 Okt"),
        ("remind_due", 2, "sudah dekat batas 5 Okt"),  # days off have moved it
        ("remind_late", 2, "sudah dekat batas 5 Okt"),
        ("remind_due", 5, "hari ini batas terakhir"),
        ("remind_before", 5, "hari ini batas terakhir"),
        ("remind_late", 7, "belum masuk, lewat batas 5 Okt"),
        ("remind_due", 6, "belum masuk, lewat batas 5 Okt"),
        ("remind_again", 2, "kini belum ada, mohon kirim lagi"),
        ("remind_again", 9, "kini belum ada, mohon kirim lagi"),
        ("one_that_no_file_has_any_more", 9, "lewat batas 5 Okt"),
    ],
)
def test_a_rungs_words_are_true_on_the_day_they_are_read(wording: str, day: int, said: str) -> None:
    assert said in say(owed(wording=wording), today=date(2025, 10, day))


def test_the_example_of_who_reports_for_several_places_names_which() -> None:
    assert "Contoh: KB SEP25" in say(owed())
    assert "Contoh: KB PMB01 SEP25" in say(owed(), has_several=True)
    assert "Contoh: KB PMB01 SEP25" in say(owed(), owed(facility=TELUK))


def test_a_question_is_repeated_whole_to_the_phone_that_was_asked() -> None:
    for standing in (Standing.ASKED, Standing.INCOMPLETE):
        text = say(owed(standing=standing, asked=Asked(7, HERS, QUESTION, is_open=True)))
        assert text == f"Ibu Ani, jawaban ini kami tunggu. Batas 5 Okt. Berhenti? STOP. {QUESTION}"


def test_another_phone_is_told_that_an_answer_is_due_elsewhere_or_that_it_is_not_complete() -> None:
    asked = Asked(7, OTHERS, QUESTION, is_open=True)
    assert "menunggu jawaban dari HP lain" in say(owed(standing=Standing.ASKED, asked=asked))
    assert "belum lengkap, batas 5 Okt. Contoh: KB" in say(owed(standing=Standing.INCOMPLETE, asked=asked))
    both = say(owed(standing=Standing.ASKED, asked=asked), owed("alokon", standing=Standing.INCOMPLETE, asked=asked))
    assert "KB Sep 25 PMB Ani (tunggu jawaban), ALOKON Sep 25 PMB Ani (belum lengkap)" in both
    assert QUESTION not in both


def test_a_question_that_fills_its_sms_is_repeated_alone() -> None:
    question = "Q" * 160
    lines = owed(standing=Standing.ASKED, asked=Asked(7, HERS, question, is_open=True)), owed("alokon")
    assert say(lines[0]) == question
    assert say(*lines) == question


def test_of_two_questions_the_open_one_is_repeated_and_the_other_named() -> None:
    shut = owed(standing=Standing.INCOMPLETE, asked=Asked(6, HERS, "KB Sep 25: ...", is_open=False))
    is_open = owed("alokon", standing=Standing.ASKED, asked=Asked(7, HERS, "ALOKON Sep 25: ... ?", is_open=True))
    letter = Letter(reader(), (shut, is_open))
    assert find_question(letter) == is_open.about.asked  # type: ignore[union-attr]
    text = say(shut, is_open)
    assert text.endswith("ALOKON Sep 25: ... ?")
    assert "KB Sep 25 PMB Ani (belum lengkap)" in text


def test_a_letter_without_a_question_of_hers_repeats_none() -> None:
    others = owed(standing=Standing.ASKED, asked=Asked(7, OTHERS, QUESTION, is_open=True))
    assert find_question(Letter(reader(), (others, owed("alokon")))) is None


def test_several_reports_are_one_sentence_with_the_first_day_that_is_due() -> None:
    text = say(owed(), owed("alokon", due_on=date(2025, 10, 4)))
    assert text == (
        "Ibu Ani, belum masuk: KB Sep 25 PMB Ani, ALOKON Sep 25 PMB Ani. Batas 4 Okt. "
        "Contoh: KB SEP25 BARU 12 AKTIF 40 PIL 30. Berhenti? STOP"
    )


def test_of_many_reports_those_that_fit_are_named_and_the_others_counted() -> None:
    lines = [owed(form, facility) for facility in (ANI, TELUK, ANI) for form in ("kb", "alokon")]
    assert say(*lines) == (
        "Ibu Ani, belum masuk: KB Sep 25 PMB Ani, ALOKON Sep 25 PMB Ani, KB Sep 25 Pustu Teluk, "
        "ALOKON Sep 25 Pustu Teluk, +2 lagi. Batas 5 Okt. Berhenti? STOP"
    )


def test_a_question_comes_behind_what_else_is_missing() -> None:
    asked = owed(standing=Standing.ASKED, asked=Asked(7, HERS, QUESTION, is_open=True))
    text = say(asked, owed("alokon"))
    assert text == f"Ibu Ani, belum masuk: ALOKON Sep 25 PMB Ani. Batas 5 Okt. Berhenti? STOP. {QUESTION}"


def test_an_officer_gets_the_list_of_who_is_missing() -> None:
    text = say(officers(NAMES[:3], 7))
    assert text == "KB Sep 25 Bengkalis: 3 dari 7 belum masuk: PMB Ani, Pustu Teluk, PMB Wati. Berhenti? STOP"


def test_an_officers_list_takes_all_the_room_that_there_is() -> None:
    text = say(officers(NAMES * 3, 30))
    assert text == (
        "KB Sep 25 Bengkalis: 24 dari 30 belum masuk: PMB Ani, Pustu Teluk, PMB Wati, PMB Sari, PMB Dewi, PMB Eve, "
        "Puskesmas Damon, +17 lagi. Berhenti? STOP"
    )


def test_an_officer_of_several_lists_gets_all_of_them_in_one_sms() -> None:
    text = say(officers(NAMES, 30), officers(NAMES[:2], 7, "alokon"))
    assert text == (
        "KB Sep 25 Bengkalis: 8 dari 30 belum masuk: PMB Ani, Pustu Teluk, +6 lagi. "
        "ALOKON Sep 25 Bengkalis: 2 dari 7 belum masuk: PMB Ani, Pustu Teluk. Berhenti? STOP"
    )


def test_the_district_gets_its_month_in_numbers() -> None:
    assert say(district(38, [("Mandau", 3), ("Bantan", 2)])) == (
        "KB Sep 25 Kab. Bengkalis: 38 dari 45 masuk (84%), 30 tepat waktu. "
        "Belum: Mandau 3, Bantan 2, +2 lagi. Berhenti? STOP"
    )
    assert say(district(45, [])) == (
        "KB Sep 25 Kab. Bengkalis: 45 dari 45 masuk (100%), 30 tepat waktu. Berhenti? STOP"
    )
    assert "38 dari 45 masuk. ALOKON Sep 25 Kab. Bengkalis: 40 dari 45 masuk." in say(
        district(38, []), district(40, [], "alokon")
    )


def test_nobody_is_told_of_all_while_one_is_missing() -> None:
    about = AreaMonth("kb", "2025-09", "14", "Riau", Audience.DISTRICT, DUE, (), (), 1000, 999, 999, ("PMB Ani",))
    assert "999 dari 1.000 masuk (99%)" in say(Line(about, Verdict.REMIND))


def test_thanks_tell_of_the_year_and_of_being_in_time_where_that_is_wanted() -> None:
    told = "Terima kasih Ibu Ani. KB Sep 25 PMB Ani sudah lengkap. Tahun ini 9 laporan. Peserta baru 1.096."
    assert say(thanked(), years={("kb", 1): Year(9, "baru", 1096)}) == f"{told} Berhenti? STOP"
    scored = {("kb", 1): Year(9, "baru", 1096, on_time=8)}
    assert say(thanked(), years=scored) == f"{told} 8 dari 9 tepat waktu. Berhenti? STOP"
    assert say(thanked("alokon"), years={("alokon", 1): Year(9)}) == (
        "Terima kasih Ibu Ani. ALOKON Sep 25 PMB Ani sudah lengkap. Tahun ini 9 laporan. Berhenti? STOP"
    )


def test_thanks_for_several_reports_count_the_year_of_all() -> None:
    years = {("kb", 1): Year(9, "baru", 96, on_time=8), ("alokon", 1): Year(8, on_time=7)}
    assert say(thanked(), thanked("alokon"), years=years) == (
        "Terima kasih Ibu Ani. Sudah lengkap: KB Sep 25 PMB Ani, ALOKON Sep 25 PMB Ani. "
        "Tahun ini 17 laporan. 15 dari 17 tepat waktu. Berhenti? STOP"
    )


def test_what_is_owed_comes_before_thanks() -> None:
    text = say(thanked(), owed("alokon"))
    assert text == (
        "Ibu Ani, belum masuk: ALOKON Sep 25 PMB Ani. Batas 5 Okt. "
        "Terima kasih Ibu Ani. Sudah lengkap: KB Sep 25 PMB Ani. Berhenti? STOP"
    )


def test_whoever_reads_english_is_written_to_in_english() -> None:
    assert say(owed(), language="en").endswith("Example: KB SEP25 BARU 12 AKTIF 40 PIL 30. STOP ends these")
    assert say(officers(NAMES[:1], 7), language="en").startswith("KB Sep 25 Bengkalis: 1 of 7 not in yet: PMB Ani.")


# Laws: each thing has a mark of its own at the start of its name, so that it is found again where the name is cut.
marks = st.integers(0, 25 * 26 - 1).map(lambda n: f"Q{chr(97 + n // 26)}{chr(97 + n % 26)}x")
spelled = st.text(st.sampled_from("abc XYZ019.|[]{}'-/āé€"), max_size=100)
due_days = st.dates(date(2025, 9, 28), date(2025, 10, 12))
forms = st.sampled_from([form.code for form in FORMS])
questions = st.integers(1, 160).map(lambda septets: ("KB Sep 25: BARU 12, benar? Balas YA " * 5)[:septets].rstrip())
people = st.builds(Person, spelled, st.sampled_from(sorted(LANGUAGES)), st.just(HERS), st.none())
years = st.builds(Year, st.integers(0, 12), st.just("baru"), st.integers(0, 99_999), st.none() | st.integers(0, 12))
COUNTED = re.compile(r"\+([0-9.]+) (?:lagi|more|laporan lain)|Others that wait: ([0-9.]+)")


@st.composite
def owed_lines(draw: st.DrawFn) -> tuple[list[Line], list[str]]:
    """Draw what midwives are written to about, each of a facility of its own; and the marks of these."""
    found = draw(st.lists(marks, min_size=1, max_size=30, unique=True))
    phones = st.sampled_from([HERS, OTHERS])
    lines = []
    for number, mark in enumerate(found, 1):
        name, short = mark + draw(spelled), mark[:3] + draw(spelled)[:16]
        facility = Facility(number, f"{number:09}", name, short, "PMB", "14.03.01", "Asia/Jakarta")
        standing = draw(st.sampled_from([Standing.MISSING, Standing.ASKED, Standing.INCOMPLETE, Standing.IN]))
        asks = standing in (Standing.ASKED, Standing.INCOMPLETE)
        asked = draw(st.builds(Asked, st.just(1), phones, questions, st.booleans())) if asks else None
        wording = draw(st.sampled_from(["remind_before", "remind_due", "remind_late", "remind_again"]))
        line = owed(draw(forms), facility, standing, asked, draw(due_days), wording)
        lines.append(line if standing is not Standing.IN else thanked("kb", facility))
    return lines, found


@st.composite
def area_lines(draw: st.DrawFn) -> list[Line]:
    """Draw lists for staff."""
    numbers = st.integers(0, 99_999)
    audiences = st.sampled_from([Audience.OFFICERS, Audience.DISTRICT])
    lists = st.builds(
        AreaMonth,
        *(forms, st.just("2025-09"), st.just("14.03"), spelled, audiences, due_days, st.just(()), st.just(())),
        *(numbers, numbers, numbers, st.lists(spelled, max_size=200).map(tuple)),
        st.lists(st.tuples(spelled, st.integers(1, 9_999)), max_size=40).map(tuple),
    )
    window = Window(Rung("r", 3, 9, Audience.OFFICERS, "remind_officer"), NOW, NOW)
    return [Line(one, Verdict.REMIND, window) for one in draw(st.lists(lists, min_size=1, max_size=6))]


def check_law(person: Person, lines: Sequence[Line], its_year: Year) -> tuple[str, str]:
    """Check what holds of every letter; return what it says by itself, and the question that it repeats, if any."""
    letter = Letter(person, tuple(lines))
    every = {("kb", number): its_year for number in range(1, 31)}
    asked = find_question(letter)
    question = asked.text if asked else ""
    text = write_letter(LANGUAGES[person.language], letter, FORMS, TODAY, every)
    assert fits_one_sms(text), text
    assert not find_dropped(text), text
    assert text.endswith(question)
    return text.removesuffix(question), question


@given(people, owed_lines(), years)
def test_a_letter_to_a_midwife_names_each_report_or_counts_it(
    person: Person, drawn: tuple[list[Line], list[str]], its_year: Year
) -> None:
    lines, found = drawn
    said, question = check_law(person, lines, its_year)
    counted = sum(int((one or other).replace(".", "")) for one, other in COUNTED.findall(said))
    is_full = len(question) > 160 - len("Others that wait: 30. ")
    if not is_full:
        assert sum(mark in said for mark in found) + counted == len(lines) - bool(question), said


@given(people, area_lines(), st.none() | owed_lines(), years)
def test_a_letter_to_staff_is_one_sms_that_can_pass(
    person: Person, lists: list[Line], drawn: tuple[list[Line], list[str]] | None, its_year: Year
) -> None:
    check_law(person, [*lists, *(drawn[0] if drawn else [])], its_year)


@given(people, st.lists(marks, max_size=200, unique=True), spelled, spelled)
def test_an_officers_list_names_or_counts_everybody(person: Person, found: list[str], end: str, area: str) -> None:
    said, _ = check_law(person, [officers([mark + end for mark in found], 300, name=area)], Year(0))
    counted = sum(int(one) for one, _ in COUNTED.findall(said))
    assert sum(mark in said for mark in found) + counted == len(found)
    assert not found or found[0] in said


@cache
def longest_sentence(language: str, name: str) -> str:
    """Return an area's own sentence as long as the wordings' page lets it be."""
    longer = LANGUAGES[language].answers[name]
    while not check_sentence(LANGUAGES[language], f"answers.{name}", f"x{longer}").faults:
        longer = f"x{longer}"
    return longer


@given(people, area_lines(), st.sampled_from(["remind_officer", "remind_district"]))
def test_an_areas_own_sentence_that_passes_the_check_still_fits(person: Person, lists: list[Line], name: str) -> None:
    own = {(person.language, f"answers.{name}"): longest_sentence(person.language, name)}
    wording = put_over(LANGUAGES, own)[person.language]
    for line in lists:
        text = write_letter(wording, Letter(person, (line,)), FORMS, TODAY, {})
        assert fits_one_sms(text), text
