"""No foreign page can act in a visitor's name, and looking changes nothing: held for every route there is."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from gateway.runtime import Runtime
from gateway.store.base import metadata
from tests.gateway.review import foreign
from tests.gateway.review.test_scope import OPEN, calls_of
from tests.gateway.review.visits import sign_in

SEEN = {"user_sessions"}  # when somebody was last seen is written down by looking
WRITTEN = {"audit"}  # an export is written down, however it is asked for
FOREIGN_PAGES = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database: what is refused never comes to it."""
    return sqlite_url


@pytest.fixture
def national(visitor: FlaskClient, runtime: Runtime) -> FlaskClient:
    """An administrator of the whole country, with rows to be changed everywhere."""
    foreign.plant(runtime)
    sign_in(visitor, runtime, "administrator", "")
    return visitor


def everything(runtime: Runtime, but: set[str]) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables, but of those named."""
    with runtime.database.session(read_only=True) as session:
        return {
            table.name: sorted((tuple(row) for row in session.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
            if table.name not in but
        }


def test_what_changes_something_is_refused_without_the_visits_token(
    app: Flask, national: FlaskClient, runtime: Runtime
) -> None:
    token = national.environ_base.pop("HTTP_X_CSRF_TOKEN")
    before = everything(runtime, SEEN)
    unsafe = [call for call in calls_of(app) if call.method != "GET" and call.endpoint.partition(".")[0] not in OPEN]
    assert unsafe
    for call in unsafe:
        if call.endpoint.startswith("phone."):
            continue  # the training phone carries nobody's rights; foreign pages are refused there too, see below
        assert call.open(national).status_code == 403, f"{call} was taken without a token"
        for wrong in ("", "x", token[:-1] + ("0" if token[-1] != "0" else "1")):
            answer = national.open(call.path, method=call.method, headers={"X-CSRF-Token": wrong})
            assert answer.status_code == 403, f"{call} was taken with a wrong token"
    assert everything(runtime, SEEN) == before


@pytest.mark.parametrize("headers", FOREIGN_PAGES, ids=str)
def test_what_a_foreign_page_sends_is_refused_everywhere(
    app: Flask, national: FlaskClient, runtime: Runtime, headers: dict[str, str]
) -> None:
    before = everything(runtime, SEEN)
    for call in calls_of(app):
        if call.method != "GET":
            answer = national.open(call.path, method=call.method, data=dict(call.fields), headers=headers)
            assert answer.status_code == 403, f"{call} was taken from a foreign page"
    assert everything(runtime, SEEN) == before


def test_another_visits_token_is_as_good_as_none(app: Flask, national: FlaskClient, runtime: Runtime) -> None:
    other = app.test_client()
    sign_in(other, runtime, "administrator", "")
    stolen = other.environ_base["HTTP_X_CSRF_TOKEN"]
    assert national.post("/account", headers={"X-CSRF-Token": stolen}).status_code == 403


def test_looking_at_pages_changes_nothing(app: Flask, national: FlaskClient, runtime: Runtime) -> None:
    before = everything(runtime, SEEN | WRITTEN)
    for module, calls in groupby(calls_of(app), key=lambda call: call.endpoint.partition(".")[0]):
        for call in calls:
            if call.method == "GET":
                call.open(national)
        after = everything(runtime, SEEN | WRITTEN)
        assert after == before, f"{module} changed {[name for name in after if after[name] != before[name]]}"


def test_every_form_that_posts_brings_the_token(app: Flask, national: FlaskClient) -> None:
    for call in calls_of(app):
        if call.method != "GET" or call.fields or call.endpoint.partition(".")[0] in OPEN | {"phone"}:
            continue
        body = call.open(national).data.decode("utf-8", "replace")
        for form in body.split("<form")[1:]:
            is_posted = 'method="post"' in form.partition(">")[0].lower()
            assert not is_posted or 'name="csrf"' in form.partition("</form>")[0], f"{call} has a form without a token"
