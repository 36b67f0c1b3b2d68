"""In which language a page speaks, and the catalogues of its words."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from flask import Flask, Response, g, request

LANGUAGES = {"id": "Bahasa Indonesia", "en": "English"}  # by the names their speakers call them
COOKIE = "kabar_language"
COOKIE_SECONDS = 365 * 24 * 3600
FOLDER = Path(__file__).parents[1] / "translations"


def mark(words: str) -> str:
    """Return the words as they are; marked so that they come into the catalogues, and are translated when shown."""
    return words


@cache
def load_catalogue(language: str, folder: Path = FOLDER) -> Translations:
    """Return the words of a language, compiled in memory from its `.po` files: there is nothing to build.

    There is a file for each screen. English has none: the code and the templates speak it.
    """
    words = Translations()
    for path in sorted((folder / language).glob("*.po")):
        with path.open(encoding="utf-8") as file:
            catalogue = read_po(file, locale=language)
        compiled = io.BytesIO()
        write_mo(compiled, catalogue)
        compiled.seek(0)
        screen = Translations(compiled)
        words.merge(screen)
        words.plural = screen.plural  # merging leaves English's, which asks for forms that others have not
    return words


def translate(words: str) -> str:
    """Return the words in the language of this request."""
    return load_catalogue(current_language()).gettext(words)


def translate_count(one: str, many: str, count: int) -> str:
    """Return the words for this many in the language of this request."""
    return load_catalogue(current_language()).ngettext(one, many, count)


def current_language() -> str:
    """Return the code of the language of this request."""
    return str(g.language)


def choose_language(default: str) -> None:
    """Settle the language of this request: the one asked for, else the one remembered, else the house's."""
    wished = (request.args.get("lang", ""), request.cookies.get(COOKIE, ""), default)
    g.language = next(code for code in wished if code in LANGUAGES)


def remember_language(response: Response) -> Response:
    """Let the browser remember a language that was asked for."""
    asked = request.args.get("lang", "")
    if asked in LANGUAGES and request.method == "GET":
        keep_language(response, asked)
    return response


def keep_language(response: Response, code: str) -> None:
    """Let the browser remember a language."""
    response.set_cookie(COOKIE, code, max_age=COOKIE_SECONDS, httponly=True, samesite="Lax", secure=request.is_secure)


def teach(app: Flask) -> None:
    """Let the application's templates speak: `_("...")`, and the names of the languages."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    install: Callable[..., None] = app.jinja_env.install_gettext_callables  # type: ignore[attr-defined]
    install(translate, translate_count, newstyle=True)
