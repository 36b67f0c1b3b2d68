"""What becomes of a report when its sender answers."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from parsers.merge import merge
from parsers.read import read_message
from parsers.reading import OpenQuestion, ReadReport
from tests.parsers.corpus import forms_for

FORMS = forms_for(Path("kb.txt"))
SENT_ON = date(2025, 10, 3)


def _ask(text: str, *asked: str) -> OpenQuestion:
    return OpenQuestion(read_message(text, SENT_ON, FORMS).reports[0], asked)


def _answer(question: OpenQuestion, text: str) -> ReadReport:
    form = next(form for form in FORMS if form.code == question.report.form)
    return merge(question, read_message(text, SENT_ON, FORMS, question), form)


@pytest.mark.parametrize(
    ("first", "answer", "values"),
    [
        ("KB 0925 BARU 12", "AKTIF 40", {"baru": 12, "aktif": 40}),
        ("KB 0925 BARU 12", "40", {"baru": 12, "aktif": 40}),
        ("KB 0925 BARU 12", "nihil", {"baru": 12, "aktif": 0}),
        ("KB 0925 BARU 12 AKTIF 40 PIL", "30", {"baru": 12, "aktif": 40, "aktif.pil": 30}),
        ("KB 0925 BARU 12,5 AKTIF 40", "BARU 12", {"aktif": 40, "baru": 12}),
        ("KB 0925 BARU 12 AKTIF 40 BARU 13", "BARU 13", {"baru": 13, "aktif": 40}),
        ("KB 0925 BARU 12 XYZ 5 AKTIF 40", "IUD 5", {"baru": 12, "aktif": 40, "baru.iud": 5}),
        ("KB 0925 BARU 12 PIL 30 AKTIF 40", "AKTIF PIL 30", {"baru": 12, "aktif": 40, "aktif.pil": 30}),
        ("KB 0925 BARU 12 PIL 30 AKTIF 40", "YA", {"baru": 12, "aktif": 40, "aktif.pil": 30}),
        ("KB 0925 BARU 12 PIL 30 AKTIF 40", "PIL 3", {"baru": 12, "aktif": 40, "baru.pil": 3}),
        ("KB 0925 AKTIF 40 BARU 12 PIL 9 IUD 9", "BARU 18", {"aktif": 40, "baru": 18, "baru.pil": 9, "baru.iud": 9}),
        ("KB 0925 BARU 12 PASCA 13 AKTIF 40", "PASCA 3", {"baru": 12, "pasca": 3, "aktif": 40}),
        ("KB 0925 12 BARU 40 AKTIF 30", "BARU 40 AKTIF 30", {"baru": 40, "aktif": 30}),
    ],
)
def test_the_missing_part_completes_the_report(first: str, answer: str, values: dict[str, int]) -> None:
    report = _answer(_ask(first), answer)
    assert (dict(report.values), report.period, report.problems) == (values, "2025-09", ())


@pytest.mark.parametrize("answer", ["YA", "0925", "SEP 2025", "bulan lalu"])
def test_a_month_completes_a_report_without_one(answer: str) -> None:
    report = _answer(_ask("KB 2509 BARU 12 AKTIF 40"), answer)
    assert (report.period, report.problems) == ("2025-09", ())


@pytest.mark.parametrize(
    ("answer", "period"),
    [
        ("09", "2025-09"),
        ("9", "2025-09"),
        ("8", "2025-08"),
        ("7", "2025-07"),
        ("06", "2025-06"),
        ("12", None),
        ("12 orang", None),
    ],
)
def test_a_number_alone_may_answer_with_a_month_that_is_near(answer: str, period: str | None) -> None:
    question = _ask("KB 1125 BARU 12 AKTIF 40", "period_future")
    fragment = read_message(answer, SENT_ON, FORMS, question).fragment
    assert (fragment.period if fragment else None) == period


def test_a_month_replaces_the_assumed_one() -> None:
    report = _answer(_ask("KB BARU 12"), "0825 AKTIF 40")
    assert (report.period, report.is_clean, report.repairs) == ("2025-08", True, ())


def test_an_answer_that_breaks_a_rule_is_asked_about_again() -> None:
    report = _answer(_ask("KB 0925 BARU 12 PASCA 10"), "AKTIF 40 GUGUR 5")
    assert [problem.code for problem in report.problems] == ["parts_exceed_whole"]


def test_what_was_not_answered_stays_open() -> None:
    question = _ask("KB 0925 BARU AKTIF")
    report = _answer(question, "BARU 12")
    assert [problem.about["key"] for problem in report.problems] == ["aktif"]
    assert _answer(OpenQuestion(report), "40").is_clean


def test_an_answer_to_one_question_leaves_the_other_open() -> None:
    question = _ask("KB 0925 BARU 12 XYZ 5", "measure_missing")
    report = _answer(question, "AKTIF 40")
    assert [problem.code for problem in report.problems] == ["word_unknown"]


def test_the_whole_report_again_takes_the_place_of_the_first() -> None:
    report = _answer(_ask("KB PMB01 0825 BARU 12 XYZ 5"), "KB BARU 11 AKTIF 39")
    assert (dict(report.values), report.is_clean) == ({"baru": 11, "aktif": 39}, True)
    assert (report.period, report.facility, report.repairs) == ("2025-08", "PMB01", ())


@pytest.mark.parametrize(
    ("text", "facility"), [("PMB01", "PMB01"), ("bu, pmb melati", "PMB MELATI"), ("140300101",) * 2]
)
def test_the_facility_that_was_asked_for_completes_the_report(text: str, facility: str) -> None:
    report = _answer(_ask("KB 0925 BARU 12 AKTIF 40", "facility_missing"), text)
    assert (report.facility, dict(report.values)) == (facility, {"baru": 12, "aktif": 40})


@pytest.mark.parametrize("text", ["TIDAK", "selamat pagi bu", "STATUS", "BANTUAN"])
def test_what_is_no_answer_changes_nothing(text: str) -> None:
    question = _ask("KB 0925 BARU 12")
    assert _answer(question, text) == question.report


def test_yes_to_what_offers_nothing_changes_nothing() -> None:
    question = _ask("KB 0925 BARU 12")
    assert _answer(question, "YA") == question.report


def test_the_words_of_the_first_message_stay_with_a_question_that_stays() -> None:
    report = _answer(_ask("KB 0925 BARU 12 PIL 13"), "AKTIF 14 PIL 13")
    assert [(problem.code, problem.words) for problem in report.problems] == [("sum_exceeds_total", "BARU 12")]
