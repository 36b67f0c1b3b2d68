"""Two languages: every word that a page can say is there in both, and the visitor's choice is remembered."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from flask.testing import FlaskClient

from gateway.review.pages import language
from tests.gateway.review.visits import Page

REVIEW = Path(language.__file__).parents[1]
SLOT = re.compile(r"%\(\w+\)s")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database: what is tested here asks it nothing."""
    return sqlite_url


def said() -> set[str]:
    """Return everything that the pages say, as it stands in their code and templates."""
    found = extract_from_dir(
        REVIEW,
        method_map=[("pages/**.py", "python"), ("templates/**.html", "jinja2")],
        keywords={"_": None, "mark": None, "translate": None, "ngettext": (1, 2), "translate_count": (1, 2)},
    )
    return {words if isinstance(words, str) else str(words[0]) for _, _, words, *_ in found}


TRANSLATED = sorted(set(language.LANGUAGES) - {"en"})  # the code and the templates speak English


def catalogues_of(code: str) -> Iterator[Catalog]:
    """Return the words of a language as they stand in its files."""
    for path in sorted((language.FOLDER / code).glob("*.po")):
        with path.open(encoding="utf-8") as file:
            yield read_po(file, locale=code)


def messages_of(code: str) -> Iterator[tuple[str, str]]:
    """Return each sentence of a language's files with its translation; a plural by its first form."""
    for catalogue in catalogues_of(code):
        for message in catalogue:
            if message.id:
                yield _first(message.id), _first(message.string)


def _first(words: str | Sequence[str] | None) -> str:
    return words if isinstance(words, str) else (words or [""])[0]


@pytest.mark.parametrize("code", TRANSLATED)
def test_every_sentence_is_translated_and_none_is_left_over(code: str) -> None:
    translated = {words for words, translation in messages_of(code) if translation.strip()}
    assert said() - translated == set(), "said on a page, but not translated"
    assert translated - said() == set(), "translated, but said nowhere"
    assert not [message.id for one in catalogues_of(code) for message in one if message.id and message.fuzzy]


@pytest.mark.parametrize("code", TRANSLATED)
def test_no_sentence_has_two_translations(code: str) -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for words, translation in messages_of(code):
        found[words].add(translation)
    assert {words: these for words, these in found.items() if len(these) > 1} == {}


@pytest.mark.parametrize("code", TRANSLATED)
def test_a_translation_keeps_every_slot(code: str) -> None:
    for words, translation in messages_of(code):
        assert sorted(SLOT.findall(words)) == sorted(SLOT.findall(translation)), words
        assert translation.count("%") == len(SLOT.findall(translation)), words


def test_every_folder_of_words_is_a_language_to_choose() -> None:
    assert {folder.name for folder in language.FOLDER.iterdir()} == set(TRANSLATED)


@pytest.mark.parametrize("words", ["./kabar demo", "KABAR_CHANNELS", "KABAR_DEMO=1", "./kabar doctor"])
def test_what_must_be_typed_is_the_same_in_both_languages(words: str) -> None:
    for sentence, translation in messages_of("id"):
        assert sentence.count(words) == translation.count(words)


def test_pages_speak_indonesian_unless_asked(visitor: FlaskClient) -> None:
    page = visitor.get("/phone")
    assert '<html lang="id">' in page.text
    assert "Kotak masuk" in page.text


def test_a_language_that_was_asked_for_is_remembered(visitor: FlaskClient) -> None:
    asked = visitor.get("/phone?lang=en")
    assert '<html lang="en">' in asked.text
    assert "HttpOnly" in asked.headers["Set-Cookie"]
    assert "SameSite=Lax" in asked.headers["Set-Cookie"]
    later = visitor.get("/phone")
    assert '<html lang="en">' in later.text
    assert "Inbox" in later.text
    assert "Kotak masuk" in visitor.get("/phone?lang=id").text


def test_a_language_that_is_not_spoken_changes_nothing(visitor: FlaskClient) -> None:
    answer = visitor.get("/phone?lang=<b>xx")
    assert '<html lang="id">' in answer.text
    assert "Set-Cookie" not in answer.headers


def test_the_other_language_is_one_click_away_and_keeps_the_phone_in_hand(visitor: FlaskClient, ani: int) -> None:
    links = {
        attrs.get("lang"): str(attrs.get("href"))
        for tag, attrs in Page(visitor.get(f"/phone?reporter={ani}")).tags
        if tag == "a" and "hreflang" in attrs
    }
    assert set(links) == {"id", "en"}
    assert "Bidan Ani" in visitor.get(links["en"]).text
    refused = Page(visitor.post("/phone", data={"text": "", "reporter": str(ani)}))
    again = [str(attrs["href"]) for tag, attrs in refused.tags if tag == "a" and "hreflang" in attrs]
    assert [visitor.get(link).status_code for link in again] == [200, 200]
