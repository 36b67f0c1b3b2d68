"""Help: every screen of the menu has some, in every language, and every link to help leads to it."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from gateway.review.pages import help as helping
from gateway.review.pages import nav
from gateway.review.pages.frame import FOLDER
from gateway.review.pages.language import LANGUAGES
from gateway.runtime import Runtime
from tests.gateway.review.visits import Page, sign_in

SCREENS = sorted({item.room for group in nav.MENU for item in group.items} | set(nav.UNDER) | {"account"})
LINKS = re.compile(r"""help=["']([a-z_]+)["']|show_help", screen="([a-z_]+)\"""")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database: what is tested here asks it nothing."""
    return sqlite_url


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_screen_has_help_and_none_is_left_over(language: str) -> None:
    assert sorted(helping.load_texts(language)) == SCREENS


@pytest.mark.parametrize("language", LANGUAGES)
def test_help_is_short_and_whole(language: str) -> None:
    for name, text in helping.load_texts(language).items():
        assert all((text.title, text.shows, text.steps, text.after)), name
        words = " ".join((text.shows, *text.steps, text.after)).split()
        assert len(words) < 160, name


def test_both_languages_name_the_same_keys() -> None:
    keys = [
        {name: [key for key, _ in text.keys] for name, text in helping.load_texts(language).items()}
        for language in LANGUAGES
    ]
    assert keys[0] == keys[1]


def test_every_link_to_help_leads_to_some() -> None:
    for path in (FOLDER / "templates").glob("*.html"):
        if path.name.startswith("_ui"):
            continue  # it shows how links are written
        for found in LINKS.findall(path.read_text(encoding="utf-8")):
            assert (found[0] or found[1]) in SCREENS, path.name


@pytest.mark.parametrize("language", LANGUAGES)
def test_help_is_shown_in_the_language_of_the_visitor(visitor: FlaskClient, runtime: Runtime, language: str) -> None:
    sign_in(visitor, runtime)
    for name, text in helping.load_texts(language).items():
        words = Page(visitor.get(f"/help/{name}?lang={language}")).words
        assert text.after in words
    assert text.shows in Page(visitor.get(f"/help?lang={language}")).words


def test_help_for_no_screen_is_not_found(visitor: FlaskClient, runtime: Runtime) -> None:
    sign_in(visitor, runtime)
    assert visitor.get("/help/nowhere").status_code == 404
