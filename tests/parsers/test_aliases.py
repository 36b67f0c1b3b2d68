"""Words that staff teach the reader: which may be taught, and what a form that was taught them reads."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.forms import load_forms
from parsers.aliases import Alias, AliasFault, add_aliases, find_fault, find_unread
from parsers.read import read_message

FORMS = load_forms()
DAY = date(2025, 10, 3)
MICROGYNON = Alias("kb", "item", "pil", "microgynon")


def test_a_taught_word_is_read_as_what_it_stands_for() -> None:
    taught = add_aliases(FORMS, (MICROGYNON,))
    [report] = read_message("KB 0925 BARU 12 AKTIF 40 MICROGYNON 30", DAY, taught).reports
    assert report.is_clean
    assert report.values == {"baru": 12, "aktif": 40, "aktif.pil": 30}


def test_a_taught_word_of_one_form_says_nothing_in_another() -> None:
    taught = add_aliases(FORMS, (MICROGYNON,))
    text = "ALOKON 0925 MICROGYNON 100/50/30/120"
    assert read_message(text, DAY, taught) == read_message(text, DAY, FORMS)


def test_a_taught_keyword_opens_a_report_of_its_form() -> None:
    taught = add_aliases(FORMS, (Alias("kb", "form", "kb", "pelayanan"),))
    [report] = read_message("PELAYANAN 0925 BARU 12 AKTIF 40", DAY, taught).reports
    assert (report.form, report.values, report.problems) == ("kb", {"baru": 12, "aktif": 40}, ())


def test_the_files_own_words_are_never_overruled() -> None:
    overruling = Alias("kb", "item", "kondom", "pil")
    assert add_aliases(FORMS, (overruling,)) == FORMS


def test_an_alias_for_something_that_a_form_no_longer_has_is_left_out() -> None:
    assert (
        add_aliases(FORMS, (Alias("kb", "item", "gone", "gonepil"), Alias("gone", "form", "gone", "gonekb"))) == FORMS
    )


@pytest.mark.parametrize(
    ("word", "fault"),
    [
        ("microgynon", None),
        ("batal", AliasFault.COMMAND),
        ("ibu", AliasFault.COURTESY),
        ("tidak", AliasFault.COMMAND),
        ("bukan", AliasFault.COMMAND),
        ("belum", AliasFault.COURTESY),
        ("sep", AliasFault.MONTH),
        ("bulan", AliasFault.MONTH),
        ("pp", AliasFault.DOUBTFUL),
        ("kondom", AliasFault.KNOWN),
        ("nihil", AliasFault.KNOWN),
        ("kb", AliasFault.KNOWN),
        ("mov", AliasFault.NEAR),
        ("baruh", AliasFault.NEAR),
        ("x", AliasFault.NO_WORD),
        ("dua kata", AliasFault.NO_WORD),
        ("pil2", AliasFault.NO_WORD),
        ("", AliasFault.NO_WORD),
        ("a" * 31, AliasFault.NO_WORD),
    ],
)
def test_a_word_that_could_be_taken_for_something_else_is_not_taught(word: str, fault: AliasFault | None) -> None:
    assert find_fault(Alias("kb", "item", "pil", word), FORMS) is fault


def test_a_word_needs_something_to_stand_for() -> None:
    assert find_fault(Alias("kb", "item", "nothing", "microgynon"), FORMS) is AliasFault.NO_MEANING
    assert find_fault(Alias("none", "item", "pil", "microgynon"), FORMS) is AliasFault.NO_MEANING
    assert find_fault(Alias("kb", "form", "alokon", "microgynon"), FORMS) is AliasFault.NO_MEANING


def test_a_word_that_was_taught_is_known_and_not_taught_twice() -> None:
    taught = add_aliases(FORMS, (MICROGYNON,))
    assert find_fault(Alias("kb", "item", "kondom", "microgynon"), taught) is AliasFault.KNOWN
    assert find_fault(Alias("kb", "item", "kondom", "microgynan"), taught) is AliasFault.NEAR


def test_the_words_that_no_form_knows_are_found_where_they_stand() -> None:
    text = "KB 0925 BARU 12 AKTIF 40 Microgynon 30, salam dari Ani"
    unread = find_unread(text, DAY, FORMS)
    assert [one.word for one in unread][:1] == ["microgynon"]
    assert all(text[one.span.start : one.span.end] == one.written for one in unread)
    assert not {one.word for one in unread} & {"baru", "aktif", "kb"}


@given(st.text(max_size=200))
def test_finding_unread_words_raises_on_no_text_and_names_only_what_stands_there(text: str) -> None:
    for one in find_unread(text, DAY, FORMS):
        assert text[one.span.start : one.span.end] == one.written


def test_a_taught_word_changes_nothing_where_it_does_not_stand() -> None:
    taught = add_aliases(FORMS, (MICROGYNON,))
    for text in ("KB 0925 BARU 12 AKTIF 40 PIL 30", "YA", "STATUS", "selamat pagi bu", "RALAT KB 0925 AKTIF 45"):
        assert read_message(text, DAY, taught) == read_message(text, DAY, FORMS)


def test_the_same_words_give_the_very_same_forms_so_that_what_is_built_from_them_is_built_once() -> None:
    again = Alias("kb", "item", "pil", "microgynon")
    assert add_aliases(FORMS, (MICROGYNON,)) is add_aliases(FORMS, (again,))
    other = next(form for form in add_aliases(FORMS, (Alias("kb", "item", "pil", "andalan"),)) if form.code == "kb")
    mine = next(form for form in add_aliases(FORMS, (MICROGYNON,)) if form.code == "kb")
    assert mine.taught
    assert mine.taught != other.taught
