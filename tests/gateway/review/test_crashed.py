"""A fault of ours on a page: a person is shown a page with a number to tell; a machine reads what it always did."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import structlog
from flask.testing import FlaskClient

from gateway.receive import keep
from gateway.review.pages import entrance, month
from gateway.store.base import Database
from tests.district import District

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
CLOSED = "postgresql://nobody@127.0.0.1:1/kabar"


def break_down(*_arguments: Any, **_named: Any) -> Any:
    """Fail as a fault of ours does."""
    secret = "hunter2"
    raise ZeroDivisionError(f"internal {secret}")


@pytest.mark.parametrize(
    ("language", "words"), [("id", "Ada kesalahan pada Kabar"), ("en", "Something broke in Kabar")]
)
def test_a_browser_is_shown_a_page_with_the_number_that_stands_in_the_log(
    rina: FlaskClient, monkeypatch: pytest.MonkeyPatch, language: str, words: str
) -> None:
    monkeypatch.setattr(month, "find_wish", break_down)
    with structlog.testing.capture_logs() as logged:
        answer = rina.get(f"/month?lang={language}", headers=BROWSER)
    assert (answer.status_code, answer.mimetype) == (500, "text/html")
    assert words in answer.text
    assert 'class="side"' in answer.text, "the menu leads on to other pages"
    found = re.search(r"<code>([0-9a-f]{8})</code>", answer.text)
    assert found is not None
    assert [(one["event"], one["ref"]) for one in logged] == [("crashed", found[1])]
    for trace in ("Traceback", "ZeroDivisionError", "hunter2", "internal"):
        assert trace not in answer.text


def test_the_page_needs_no_database(
    district: District, rina: FlaskClient, monkeypatch: pytest.MonkeyPatch, open_database: Callable[[str], Database]
) -> None:
    away = open_database(CLOSED)

    def lose_the_database(*_arguments: Any) -> Any:
        object.__setattr__(district.runtime, "database", away)
        break_down()

    monkeypatch.setattr(month, "find_wish", lose_the_database)
    answer = rina.get("/month", headers=BROWSER)
    assert (answer.status_code, answer.mimetype) == (500, "text/html")


def test_where_no_page_can_be_made_a_line_says_so(rina: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entrance, "read_notice", break_down)  # every page asks for it
    answer = rina.get("/month", headers=BROWSER)
    assert (answer.status_code, answer.mimetype) == (500, "text/plain")
    assert "Maaf" in answer.text
    assert "hunter2" not in answer.text


def test_a_machine_reads_a_line_whatever_it_says_that_it_takes(
    rina: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep, "receive_sms", break_down)
    monkeypatch.setattr(month, "find_wish", break_down)
    assert rina.post("/in/simulator/sms", headers=BROWSER).mimetype == "text/plain"
    assert rina.get("/month").mimetype == "text/plain"
