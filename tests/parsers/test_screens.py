"""The sentences and labels of USSD screens: whole in each language, in characters that every telephone shows."""

from __future__ import annotations

import string
from collections.abc import Iterator

import pytest

from gateway.segments import count_septets
from parsers.faces import label_of
from parsers.form import LANGUAGES, Form, Item, Measure
from parsers.screens import LONGEST_SCREEN, Screen, cut_pages, load_words, plain, write_page
from tests.parsers.handset import FORMS


def sentences(language: str) -> Iterator[tuple[str, str]]:
    """Return (place, sentence) of everything that a language says."""
    for group, table in load_words(language).table.items():
        if isinstance(table, dict):
            yield from ((f"{group}.{name}", str(sentence)) for name, sentence in table.items())


def slots(sentence: str) -> set[str]:
    """Return the names of a sentence's slots."""
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_says_all_with_nothing_invented(language: str) -> None:
    said, first = dict(sentences(language)), dict(sentences(LANGUAGES[0]))
    assert said.keys() == first.keys()
    for place, sentence in said.items():
        assert slots(sentence) <= slots(first[place]), place
        bare = sentence.replace("{", "").replace("}", "")
        assert plain(bare) == bare, f"{place}: characters that take two septets, or none"
        assert len(bare) <= 75, f"{place}: too long beside what it stands with"


def test_a_language_that_has_no_words_speaks_indonesian() -> None:
    assert load_words("jv").table == load_words("id").table


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.code)
def test_no_label_of_a_form_that_ships_is_cut(form: Form, language: str) -> None:
    parts: list[Form | Measure | Item] = [
        form,
        *form.measures.values(),
        *(item for item in form.items.values() if item.is_counted),
    ]
    labels = [label_of(part, load_words(language)) for part in parts]
    assert not [label for label in labels if label.endswith("..")]
    assert len(set(labels)) == len(labels), "two that cannot be told apart"


def test_any_text_is_written_in_one_septet_a_character() -> None:
    every = "".join(chr(code) for code in range(0x3000)) + "\U0001f600"
    assert count_septets(plain(every)) == len(plain(every))


def test_pages_lose_nothing_and_a_note_moves_nothing() -> None:
    words = load_words("id")
    labels = [f"{number} pilihan yang panjang" for number in range(1, 30)]
    screen = Screen("Kepala layar", [f"\n{label}" for label in labels], ["1 Kirim"], ["00 Kembali"])
    pages = cut_pages(screen, words)
    shown = [line for page in pages for line in write_page(page).split("\n") if line in labels]
    noted = [line for page in pages for line in write_page(page, "Ketik angka saja.").split("\n") if line in labels]
    assert shown == noted == labels
    assert all(len(write_page(page, note)) <= LONGEST_SCREEN for page in pages for note in ("", "x" * 300))
    assert ["1 Kirim" in write_page(page) for page in pages] == [False] * (len(pages) - 1) + [True]
