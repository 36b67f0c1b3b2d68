"""The pages' files: small, kept by the browser, and where they come from others, the very ones that are named."""

from __future__ import annotations

import gzip
import hashlib
import re

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.review.pages.frame import FOLDER
from tests.gateway.review.visits import Page

SMALL = 60_000  # bytes that a first visit may take on the wire


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database: what is tested here asks it nothing."""
    return sqlite_url


def files_of(page: Page) -> list[str]:
    """Return the addresses of the files that a page asks for."""
    found = [str(attrs.get("src") or attrs.get("href")) for tag, attrs in page.tags if tag in {"script", "link", "img"}]
    return sorted(set(found))


def fetch(visitor: FlaskClient, path: str, **headers: str) -> TestResponse:
    """Return a page or a file, read whole and closed. Headers have their names with underscores."""
    return visitor.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()}, buffered=True)


def test_a_first_visit_is_small_on_the_wire(visitor: FlaskClient, ani: int) -> None:
    page = fetch(visitor, "/phone", Accept_Encoding="gzip")
    files = [fetch(visitor, path, Accept_Encoding="gzip") for path in files_of(Page(fetch(visitor, "/phone")))]
    assert page.headers["Content-Encoding"] == "gzip"
    assert len(files) >= 3
    assert sum(len(answer.data) for answer in (page, *files)) < SMALL


def test_what_was_compressed_is_the_same_page(visitor: FlaskClient) -> None:
    for path in files_of(Page(fetch(visitor, "/phone"))):
        plain, small = fetch(visitor, path), fetch(visitor, path, Accept_Encoding="gzip, br")
        body = gzip.decompress(small.data) if small.headers.get("Content-Encoding") else small.data
        assert body == plain.data
        assert plain.mimetype == small.mimetype


def test_files_are_kept_by_the_browser_until_they_change_and_pages_never(visitor: FlaskClient) -> None:
    for path in files_of(Page(fetch(visitor, "/phone"))):
        assert "immutable" in fetch(visitor, path).headers["Cache-Control"], path
    assert fetch(visitor, "/phone").headers["Cache-Control"] == "no-store"
    assert "immutable" not in fetch(visitor, "/static/kabar.css").headers["Cache-Control"]


def test_a_file_that_was_seen_before_is_not_sent_again(visitor: FlaskClient) -> None:
    for encoding in ("identity", "gzip"):
        first = fetch(visitor, "/static/kabar.css", Accept_Encoding=encoding)
        again = fetch(visitor, "/static/kabar.css", If_None_Match=first.headers["ETag"])
        assert again.status_code == 304


def test_what_comes_from_others_is_the_very_file_that_is_named() -> None:
    words = (FOLDER / "THIRD-PARTY.md").read_text(encoding="utf-8")
    named = dict(re.findall(r"^\| `([\w.]+)` \|.*`([0-9a-f]{64})`", words, re.MULTILINE))
    assert named
    for name, sha256 in named.items():
        assert hashlib.sha256((FOLDER / "static" / name).read_bytes()).hexdigest() == sha256
    ours = {"kabar.css", "kabar.svg", "keys.js", "counter.js", "copy.js"}
    assert {path.name for path in (FOLDER / "static").iterdir()} == ours | set(named)


def test_no_template_switches_the_escaping_off() -> None:
    for path in (FOLDER / "templates").iterdir():
        words = path.read_text(encoding="utf-8")
        assert path.suffix == ".html", "only .html is escaped by itself"
        assert not re.search(r"\|\s*safe\b|autoescape|Markup", words), path.name
    for path in (FOLDER / "pages").glob("*.py"):
        assert "Markup" not in path.read_text(encoding="utf-8"), path.name
