"""Who may see the pages, and who may send from them."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gateway.app import create_app
from gateway.runtime import Runtime, make_runtime
from tests.gateway.review.visits import Page, kept, make_settings

PAGES = ("/phone", "/live", "/phone?lang=en")
STRANGERS = [
    {"REMOTE_ADDR": "192.168.1.7"},
    {"REMOTE_ADDR": "2001:db8::1"},
    {"REMOTE_ADDR": ""},
    {"HTTP_X_FORWARDED_FOR": "203.0.113.9"},
    {"HTTP_FORWARDED": "for=203.0.113.9"},
    {"HTTP_X_REAL_IP": "203.0.113.9"},
    {"HTTP_HOST": "kabar.example.go.id"},
    {"HTTP_HOST": "127.0.0.1.example.com"},
    {"HTTP_HOST": "localhost.example.com"},
]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database: what is tested here asks it nothing."""
    return sqlite_url


@pytest.mark.parametrize("stranger", STRANGERS, ids=str)
def test_a_stranger_sees_nothing_and_is_sent_to_the_login(app: Flask, ani: int, stranger: dict[str, str]) -> None:
    for path in PAGES:
        answer = app.test_client().get(path, environ_overrides=stranger)
        assert answer.status_code == 400 or answer.headers["Location"].startswith("/login")
        assert "Bidan Ani" not in answer.text


def test_a_stranger_sends_nothing(app: Flask, runtime: Runtime, ani: int) -> None:
    fields = {"text": "CEK", "reporter": str(ani)}
    answer = app.test_client().post("/phone", data=fields, environ_overrides={"REMOTE_ADDR": "10.0.0.9"})
    assert answer.status_code == 403
    assert kept(runtime) == ()


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000"])
def test_this_computer_sees_the_pages_by_each_of_its_names(visitor: FlaskClient, host: str) -> None:
    assert visitor.get("/phone", headers={"Host": host}).status_code == 200


def test_a_demonstration_is_open_to_other_computers(tmp_path: Path, database_url: str) -> None:
    shown = make_runtime(make_settings(tmp_path, database_url, demo=True))
    answer = create_app(shown).test_client().get("/", environ_overrides=STRANGERS[3] | STRANGERS[6])
    shown.database.dispose()
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:8001"},
    ],
    ids=str,
)
def test_a_foreign_page_cannot_send_in_our_name(
    visitor: FlaskClient, runtime: Runtime, ani: int, headers: dict[str, str]
) -> None:
    answer = visitor.post("/phone", data={"text": "CEK", "reporter": str(ani)}, headers=headers)
    assert answer.status_code == 403
    assert "Tidak ada yang diubah" in answer.text
    assert kept(runtime) == ()


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}], ids=str)
def test_our_own_page_can_send(visitor: FlaskClient, runtime: Runtime, ani: int, headers: dict[str, str]) -> None:
    assert visitor.post("/phone", data={"text": "CEK", "reporter": str(ani)}, headers=headers).status_code == 303
    assert len(kept(runtime)) == 1


def test_looking_at_a_page_changes_nothing(visitor: FlaskClient, runtime: Runtime, ani: int) -> None:
    for path in (*PAGES, "/phone?example=0", "/phone?number=", "/phone?message=1"):
        visitor.get(path)
    assert kept(runtime) == ()


def test_every_page_is_framed_by_nobody_and_holds_no_code_of_its_own(visitor: FlaskClient, ani: int) -> None:
    for path in (*PAGES, "/nowhere", "/phone?message=abc", f"/phone?reporter={'9' * 40}", f"/phone?message={'9' * 40}"):
        answer = visitor.get(path)
        assert answer.status_code < 500, path
        assert "default-src 'none'; script-src 'self'" in answer.headers["Content-Security-Policy"]
        page = Page(answer)
        assert not [attrs for tag, attrs in page.tags if tag == "script" and not attrs.get("src")]
        assert not [tag for tag, attrs in page.tags if tag == "style" or "style" in attrs]
        assert not [tag for tag, attrs in page.tags for name in ("src", "href") if "//" in str(attrs.get(name))]


NAMES = [
    ("localhost", "", True),
    ("127.0.0.1:8000", "", True),
    ("[::1]:8000", "", True),
    ("192.168.1.5:8000", "", True),
    ("kabar.example.go.id", "https://kabar.example.go.id", True),
    ("kabar.example.go.id:8443", "https://kabar.example.go.id", True),
    ("localhost", "https://kabar.example.go.id", True),
    ("kabar.example.go.id", "", False),
    ("evil.example", "https://kabar.example.go.id", False),
    ("192.168.1.5", "https://kabar.example.go.id", False),
    ("kabar.example.go.id.evil.example", "https://kabar.example.go.id", False),
    ("[", "", False),
]


@pytest.mark.parametrize(("host", "public_url", "is_ours"), NAMES, ids=str)
def test_the_login_answers_to_names_of_ours_only(
    tmp_path: Path, database_url: str, host: str, public_url: str, is_ours: bool
) -> None:
    runtime = make_runtime(make_settings(tmp_path, database_url, public_url=public_url))
    answer = create_app(runtime).test_client().get("/login", headers={"Host": host})
    runtime.database.dispose()
    assert answer.status_code == (200 if is_ours else 400)
    assert "evil" not in answer.text


@pytest.mark.parametrize(("proxies", "is_believed"), [(0, False), (1, True)])
def test_a_proxy_is_believed_only_when_it_is_ours(
    tmp_path: Path, database_url: str, proxies: int, is_believed: bool
) -> None:
    runtime = make_runtime(make_settings(tmp_path, database_url, proxies=proxies))
    answer = create_app(runtime).test_client().get("/login", headers={"X-Forwarded-Proto": "https"})
    runtime.database.dispose()
    assert ("Strict-Transport-Security" in answer.headers) is is_believed
