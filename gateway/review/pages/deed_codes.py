"""What was done is kept by the codes of forms, roles and choices; here they are called as the pages call them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.review.pages import show
from gateway.review.pages.language import current_language, mark, translate
from gateway.review.pages.users import ROLES
from parsers.form import Form

BY_FORM = {"calendar", "ladder"}  # what is there once for each form, and called by its code
OPENED: Mapping[str, str] = {
    "is_on": mark("open"),
    "shows_places": mark("with places"),
    "names_practices": mark("with names of practices"),
}


def name_subject(noun: str, subject: str, forms: Sequence[Form]) -> str:
    """Return what something was done to: a form's name where it was called by that."""
    return _name_form(subject, forms) if noun in BY_FORM else subject


def name_value(noun: str, detail: str, value: str, forms: Sequence[Form]) -> str:
    """Return a value of a detail in words; one that has none stands for itself."""
    if detail == "form":
        return _name_form(value, forms)
    if detail == "role":
        return next((translate(words) for role, words in ROLES.items() if role == value), value)
    if noun == "open_figures":
        return ", ".join(_name_opened(code, forms) for code in value.split())
    return value


def _name_form(code: str, forms: Sequence[Form]) -> str:
    return next((form.name(current_language()) for form in forms if form.code == code), code)


def _name_opened(code: str, forms: Sequence[Form]) -> str:
    if code in OPENED:
        return translate(OPENED[code])
    return show.name_measure(next((form for form in forms if code in form.measures), None), code)
