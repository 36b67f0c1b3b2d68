"""Help: every screen of the menu has some, in every language, and every link to help leads to it."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from gateway.discover import discover
from gateway.review.pages import help as helping
from gateway.review.pages import nav
from gateway.review.pages.frame import FOLDER
from gateway.review.pages.language import LANGUAGES
from gateway.runtime import Runtime
from tests.gateway.review.visits import Page, sign_in

MENU = {item.room for group in nav.MENU for item in group.items}
ROOMS = set(discover("gateway.review.pages", having=("routes",)))
LINKS = re.compile(r"""help=["']([a-z_]+)["']|show_help", screen="([a-z_]+)\"""")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database: what is tested here asks it nothing."""
    return sqlite_url


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_screen_of_the_menu_has_help_and_none_is_left_over(language: str) -> None:
    texts = set(helping.load_texts(language))
    assert (MENU | {"account"}) - texts == set()
    assert texts - ROOMS == set()


def test_every_page_without_a_place_in_the_menu_stands_under_one_that_has() -> None:
    assert set(nav.UNDER) <= ROOMS
    assert set(nav.UNDER.values()) <= MENU
    assert ROOMS - MENU - set(nav.UNDER) == {"account", "help", "invitation", "login"}


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
            assert (found[0] or found[1]) in helping.load_texts("id"), path.name


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
