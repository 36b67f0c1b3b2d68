"""The web application as a whole: what every answer carries, and what nobody is ever told."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from gateway.app import HEADERS, create_app
from gateway.receive import keep
from gateway.store.base import Database
from tests.district import District, make_runtime

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


def test_a_server_that_is_asked_to_debug_does_not(app: Flask) -> None:
    assert not app.debug
    assert not app.testing
    assert app.test_client().get("/console").status_code == 404


def test_an_application_without_settings_of_any_channel_says_which(tmp_path: Path, database: Database) -> None:
    with pytest.raises(Exception, match="there is no channel 'telegraph'"):
        make_runtime(database, tmp_path, channels="telegraph")
