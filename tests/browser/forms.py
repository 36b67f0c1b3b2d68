"""A page's form, filled in and sent as a browser would."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

from flask.testing import FlaskClient


class Form(HTMLParser):
    """The form of a page that is sent to an address like this, and what it holds before anybody types."""

    def __init__(self, page: str, action: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, Any] = {}
        self._pattern = re.compile(action)
        self._is_inside = False
        self.feed(page)
        assert self.action, f"there is no form to {action}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Find the form, then keep its fields."""
        given = dict(attrs)
        if tag == "form" and not self.action and self._pattern.search(given.get("action") or ""):
            self.action, self._is_inside = str(given["action"]), True
        elif self._is_inside and tag == "input" and given.get("type") not in {"checkbox", "radio", "file"}:
            self.fields[str(given.get("name"))] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        """Leave the form."""
        if tag == "form":
            self._is_inside = False


def fill_in(staff: FlaskClient, path: str, action: str, **typed: Any) -> str:
    """Open a page, fill in one of its forms, send it, and return the page that it leads to."""
    form = Form(staff.get(path).text, action)
    answer = staff.post(form.action, data=form.fields | typed, content_type="multipart/form-data")
    assert answer.status_code == 303, f"{path}: {answer.status_code} {answer.text}"
    return answer.headers["Location"]
