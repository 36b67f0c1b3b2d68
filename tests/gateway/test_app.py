"""The web application as a whole: what every answer carries, and what nobody is ever told."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from gateway.app import HEADERS, create_app
from gateway.receive import keep
from gateway.review.pages import entrance
from gateway.store.base import Database
from tests.district import District, make_runtime

CLOSED = "postgresql://nobody@127.0.0.1:1/kabar"
# What is for everybody says by itself who may show and read it; its own tests hold what it says.
OTHERWISE = {
    "/embed": {"Content-Security-Policy", "X-Frame-Options", "Referrer-Policy", "Cross-Origin-Resource-Policy"},
    "/open/v1": {"Cross-Origin-Resource-Policy"},
}


@pytest.fixture
def app(district: District) -> Flask:
    """The application that answers for it."""
    return create_app(district.runtime)


def test_every_page_and_every_refusal_carries_the_headers_that_protect(app: Flask) -> None:
    paths = [rule.rule for rule in app.url_map.iter_rules()]
    assert paths
    statuses = set()
    for path in (*paths, "/nowhere", "/in/nobody/sms", "/in/simulator/sms", "/readyz"):
        for method in ("GET", "POST", "DELETE", "OPTIONS"):
            answer = app.test_client().open(path.replace("<", "").replace(">", ""), method=method)
            statuses.add(answer.status_code)
            for name, value in HEADERS.items():
                others: Collection[str] = OTHERWISE.get(path.partition("/<")[0], ())
                assert answer.headers.get(name) == value or name in others, f"{method} {path} lacks {name}"
            assert answer.headers.get("Cache-Control"), f"{method} {path}"
            assert "Set-Cookie" not in answer.headers or "HttpOnly" in answer.headers["Set-Cookie"]
            assert answer.status_code != 500, f"{method} {path}: {answer.text}"
    assert {200, 403, 404, 405} <= statuses


def test_over_https_a_browser_is_told_to_stay_there(app: Flask) -> None:
    for path in ("/login", "/nowhere", "/in/simulator/sms"):
        told = app.test_client().get(path, base_url="https://localhost").headers["Strict-Transport-Security"]
        assert told == "max-age=31536000; includeSubDomains"
        assert "Strict-Transport-Security" not in app.test_client().get(path).headers


def test_every_text_names_its_charset(app: Flask) -> None:
    for path in [rule.rule for rule in app.url_map.iter_rules() if "<" not in rule.rule] + ["/nowhere"]:
        answer = app.test_client().get(path)
        assert not (answer.mimetype or "").startswith("text/") or answer.mimetype_params.get("charset") == "utf-8", path


@pytest.mark.parametrize("path", ["/in/simulator/sms", "/in/simulator/status"])
def test_a_fault_of_ours_is_a_sentence_in_two_languages_and_no_trace(
    app: Flask, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def break_down(*_arguments: Any) -> Any:
        secret = "hunter2"
        raise ZeroDivisionError(f"internal {secret}")

    monkeypatch.setattr(keep, "receive_sms", break_down)
    monkeypatch.setattr(keep, "receive_status", break_down)
    answer = app.test_client().post(path)
    assert answer.status_code == 500
    assert answer.mimetype == "text/plain"
    assert "Maaf" in answer.text
    assert "Sorry" in answer.text
    for word in ("Traceback", "ZeroDivisionError", "hunter2", "keep.py", "internal"):
        assert word not in answer.text
    assert all(answer.headers.get(name) == value for name, value in HEADERS.items())


def test_what_is_not_there_is_said_in_a_line(app: Flask) -> None:
    answer = app.test_client().get("/nowhere<script>")
    assert answer.status_code == 404
    assert answer.mimetype == "text/plain"
    assert "script" not in answer.text


@pytest.mark.parametrize(("path", "method", "status"), [("/laporan", "GET", 404), ("/queue/approve", "GET", 405)])
def test_a_browser_at_an_address_that_is_none_is_shown_a_page_with_a_way_back(
    app: Flask, path: str, method: str, status: int
) -> None:
    asked = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    answer = app.test_client().open(path, method=method, headers=asked)
    assert answer.status_code == status
    assert "Tidak ada apa-apa di sini" in answer.text
    assert 'href="/"' in answer.text
    english = app.test_client().get(f"{path}?lang=en", headers=asked)
    assert english.status_code == status
    assert "There is nothing here" in english.text


def test_a_browser_at_an_address_that_is_none_is_answered_while_the_database_is_away(
    district: District, app: Flask, open_database: Callable[[str], Database]
) -> None:
    object.__setattr__(district.runtime, "database", open_database(CLOSED))
    someone = app.test_client()
    someone.set_cookie(entrance.COOKIE, entrance.new_token())
    answer = someone.get("/laporan", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert "Tidak ada apa-apa di sini" in answer.text


def test_a_server_that_is_asked_to_debug_does_not(app: Flask) -> None:
    assert not app.debug
    assert not app.testing
    assert app.test_client().get("/console").status_code == 404


def test_an_application_without_settings_of_any_channel_says_which(tmp_path: Path, database: Database) -> None:
    with pytest.raises(Exception, match="there is no channel 'telegraph'"):
        make_runtime(database, tmp_path, channels="telegraph")
