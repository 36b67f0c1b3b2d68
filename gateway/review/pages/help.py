"""Help: for every screen what it shows, what to do there, and what happens then."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from flask import Response

from gateway.review.pages import frame, nav
from gateway.review.pages.language import current_language

FOLDER = frame.FOLDER / "help"

routes = frame.make_routes("help")


@dataclass(frozen=True, slots=True)
class Help:
    """What is said about one screen. Shape: `keys` are pairs of a key and what it does."""

    title: str
    shows: str
    steps: tuple[str, ...]
    after: str
    keys: tuple[tuple[str, str], ...] = ()


@routes.get("/help")
def show_index() -> Response:
    """Show for which screens there is help."""
    return frame.answer("help_index.html", texts=load_texts(current_language()))


@routes.get("/help/<screen>")
def show_help(screen: str) -> Response:
    """Show what is said about a screen."""
    text = load_texts(current_language()).get(screen)
    if text is None:
        return frame.absent()
    opening = next((item for group in nav.MENU for item in group.items if item.room == screen), None)
    is_there = opening is not None and nav.has_page(opening.endpoint) and frame.may(opening.action)
    return frame.answer("help.html", text=text, screen=opening if is_there else None)


@cache
def load_texts(language: str) -> Mapping[str, Help]:
    """Return the help of all screens in a language, by the names of their page modules, in the order of the menu."""
    written = tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    return {
        name: Help(
            title=text["title"],
            shows=text["shows"],
            steps=tuple(text["steps"]),
            after=text["after"],
            keys=tuple((key, meaning) for key, meaning in text.get("keys", ())),
        )
        for name, text in written.items()
    }
