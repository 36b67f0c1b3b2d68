"""Every sentence in every language: complete, one SMS at its longest, and passable on local routes."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.forms import load_forms
from gateway.reply import compose
from gateway.reply.compose import Stored
from gateway.reply.wordings import LONGEST_NUMBER, cut, load_wordings, longest, show
from gateway.segments import count_septets, fits_one_sms
from parsers.form import Form
from parsers.problems import ProblemCode
from parsers.read import read_message
from parsers.reading import NOWHERE, Problem, ReadReport, Repair, RepairCode

WORDINGS = load_wordings()
FORMS = load_forms()
LANGUAGES = sorted(WORDINGS)
DROPPED = re.compile(r"https?:|www\.|\b(?:pin|nomor|juta|dana|selamat|token|password|kode verifikasi)\b", re.IGNORECASE)
WIDEST = "|"  # two septets
EXTRA = ("due_month", "example", "choices", "facility_type")


def slots_of(sentence: str) -> list[str]:
    return [name for _, name, _, _ in string.Formatter().parse(sentence) if name]


def every_sentence() -> Iterator[tuple[str, str, str]]:
    for code, wording in WORDINGS.items():
        for group in ("parts", "answers", "problems"):
            for name, sentence in getattr(wording, group).items():
                yield code, f"{group}.{name}", sentence


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_problem_has_its_sentence(language: str) -> None:
    assert set(WORDINGS[language].problems) == {code.value for code in ProblemCode}


def test_every_language_says_the_same_things_with_the_same_slots() -> None:
    first, *others = WORDINGS.values()
    for other in others:
        for group in ("parts", "answers", "problems"):
            mine, theirs = getattr(first, group), getattr(other, group)
            assert set(mine) == set(theirs)
            for name, sentence in mine.items():
                assert set(slots_of(sentence)) == set(slots_of(theirs[name])), f"{other.code}: {group}.{name}"


@pytest.mark.parametrize(("language", "name", "sentence"), list(every_sentence()), ids=lambda value: str(value)[:30])
def test_every_sentence_fits_one_sms_at_its_longest(language: str, name: str, sentence: str) -> None:
    wording = WORDINGS[language]
    filled = wording.fill(sentence, **dict.fromkeys(slots_of(sentence), WIDEST * 200))
    head = f"{'X' * longest('form')} {'X' * longest('month')}: " if name.startswith("problems.") else ""
    left = " " + wording.fill(wording.parts["left"], count=99) if name.startswith("problems.") else ""
    assert (count_septets(head + filled + left) or 999) <= 160, head + filled + left


@pytest.mark.parametrize(("language", "name", "sentence"), list(every_sentence()), ids=lambda value: str(value)[:30])
def test_no_sentence_holds_what_local_routes_drop(language: str, name: str, sentence: str) -> None:
    assert not DROPPED.search(sentence)
    assert not re.search(r"[0-9]{4}", sentence)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", list(ProblemCode))
def test_every_problem_can_be_asked_about_with_what_it_carries(language: str, code: ProblemCode) -> None:
    about: dict[str, str | int] = dict.fromkeys((key.strip("[]") for key in code.about), 12)
    about |= {key: "aktif" for key in about if key in ("key", "measure", "whole", "kind", "code")}
    about |= dict.fromkeys({"item", "other"} & set(about), "pil")
    about |= {key: "2025-09" for key in about if key in ("period", "expires")}
    about |= {key: "X" for key in about if key in ("parts", "meanings", "forms", "facility", "repair", "command")}
    required = {key: value for key, value in about.items() if f"[{key}]" not in code.about}
    for given_about in (about, required):
        problem = Problem(code, "AKTF", NOWHERE, given_about)
        asked = compose.ask(WORDINGS[language], _kb(), "2025-09", [problem, problem], dict.fromkeys(EXTRA, "SEP25"))
        assert fits_one_sms(asked)
        assert "{" not in asked


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.code)
def test_the_fullest_report_is_confirmed_in_one_sms(language: str, form: Form) -> None:
    items = (f"{measure}.{item}" for measure in form.measures for item in form.measures[measure].items)
    values = dict.fromkeys([*form.measures, *items], 99_999)
    stored = Stored(form, "Puskesmas Pematang Pudu Utara", ReadReport(form.code, "2025-09", values), 1)
    text = compose.confirm(WORDINGS[language], stored)
    assert text is not None
    assert fits_one_sms(text)
    assert re.search(r"\+\d+ (rincian|details)", text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_new_report_changed_is_told_before_and_after(language: str) -> None:
    report = ReadReport("kb", "2025-09", {"baru": 12, "aktif": 45})
    stored = Stored(_kb(), "PMB Ani", report, 1, before={"baru": 12, "aktif": 40})
    text = compose.confirm(WORDINGS[language], stored) or ""
    assert re.search(r"AKTIF 40 (jadi|now) 45", text)


def test_too_many_repairs_are_no_confirmation_but_a_question() -> None:
    repairs = tuple(Repair(RepairCode.SPELLING, f"aktifff{mark}", "aktif") for mark in "abcdefgh")
    report = ReadReport("kb", "2025-09", {"baru": 1, "aktif": 2}, repairs=repairs)
    assert compose.confirm(WORDINGS["id"], Stored(_kb(), "PMB Ani", report, 1)) is None


repairs = st.builds(
    Repair,
    st.sampled_from([RepairCode.SPELLING, RepairCode.DIGITS]),
    st.text(min_size=1, max_size=40),
    st.sampled_from(["aktif", "baru", "30", "pil", "2025-09"]),
)
counts = st.dictionaries(
    st.sampled_from(["baru", "aktif", "aktif.pil", "baru.iud", "cabut.implan1", "komplikasi"]), st.integers(0, 99_999)
)


@given(st.sampled_from(LANGUAGES), st.text(max_size=60), counts, st.lists(repairs, max_size=4), st.integers(0, 10**9))
def test_an_answer_is_one_passable_sms_and_names_every_repair(
    language: str, facility: str, values: dict[str, int], made: list[Repair], report_id: int
) -> None:
    wording = WORDINGS[language]
    report = ReadReport("kb", "2025-09", values, repairs=tuple(made))
    text = compose.confirm(wording, Stored(_kb(), facility, report, report_id))
    if text is None:
        assert made, "a report without repairs is always confirmed"
        return
    assert fits_one_sms(text)
    assert not re.search(r"[0-9]{4}", text)
    assert not DROPPED.search(text)
    for repair in made:
        assert compose.say_repair(wording, _kb(), repair) in text


@given(st.text(max_size=300), st.integers(3, 160))
def test_a_value_is_cut_to_what_its_slot_may_take(text: str, septets: int) -> None:
    assert (count_septets(cut(show(text), septets)) or 0) <= septets


def test_a_name_that_is_cut_never_ends_in_a_word_that_routes_drop() -> None:
    assert cut("Praktik Bdn. Pinang", 18) == "Praktik Bdn. Pi.."
    assert not DROPPED.search(cut("Klinik Bersalin Danau Toba", 22))


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("KB 2025-09-30 BARU 12 AKTIF 40", '"25-09-30"'),
        ("KB 30/09/2025 BARU 12 AKTIF 40", '"30/09/25"'),
        ("KB 2025 BARU 12 AKTIF 40", '"20 25"'),
        ("KB 2509 BARU 12 AKTIF 40", '"25 09"'),
        ("KB Septmber 2025 BARU 12 AKTIF 40", '"Septmber 25"'),
        ("KB 30092025 BARU 12 AKTIF 40", '"30 09 20 25"'),
        ("KB 0925 BARU 0925 AKTIF 40", '"BARU 09 25" seperti bulan'),
        ("KB 0925 BARU 12 AKTIF 40 30/09/2025", '"30/09/25"'),
        ("KB 0925 BARU 12 AKTIF 40 1500", '"1.500"'),
        ("ALOKON 0925 PIL 100/50/30/2025x", '"PIL 100/50/30/2.025x"'),
    ],
)
def test_months_and_days_are_quoted_as_they_are_read_and_counts_in_threes(text: str, quoted: str) -> None:
    (report,) = read_message(text, date(2025, 10, 3), FORMS).reports
    form = next(form for form in FORMS if form.code == report.form)
    asked = compose.ask(WORDINGS["id"], form, report.period, report.problems, dict.fromkeys(EXTRA, "SEP25"))
    assert quoted in asked
    assert not re.search(r"[0-9]{4}", asked)


def test_the_longest_count_fits_its_slot() -> None:
    assert len(show(99_999)) == LONGEST_NUMBER


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.code)
def test_the_example_that_answers_give_can_be_sent_back(language: str, form: Form) -> None:
    shown = WORDINGS[language].fill("{example}", example=compose.example(form, WORDINGS[language], "2025-09"))
    assert not shown.endswith("..")


@pytest.mark.parametrize(("language", "name", "sentence"), list(every_sentence()), ids=lambda value: str(value)[:30])
def test_every_word_that_a_sender_is_told_to_reply_is_understood(language: str, name: str, sentence: str) -> None:
    told = re.findall(r"(?:[Bb]alas|[Rr]eply):? ([A-Z]+(?: [A-Z]{2}\b)?)", sentence)
    for words in told:
        reading = read_message(words, date(2025, 10, 3), FORMS)
        assert reading.command, f"{language} {name}: {words}"


def _kb() -> Form:
    return next(form for form in FORMS if form.code == "kb")
