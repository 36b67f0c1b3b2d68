"""Whatever stands in a field of an address or a form, PostgreSQL never meets what it cannot take."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gateway.runtime import Runtime
from gateway.store.base import Database
from tests.district import make_district
from tests.gateway.review.test_scope import calls_of
from tests.gateway.review.visits import sign_in

LEAVING = {"login", "account"}  # would end the visit


@pytest.fixture
def database_url(postgresql_url: str) -> str:
    """One kind of database: SQLite takes a NUL, and whole numbers of 64 bits in every column."""
    return postgresql_url


def test_no_number_in_a_field_of_any_page_breaks_it_down(
    app: Flask, visitor: FlaskClient, runtime: Runtime, postgresql_url: str
) -> None:
    own = Database(postgresql_url)
    make_district(own)
    own.dispose()
    sign_in(visitor, runtime, "administrator", "")
    faults = []
    for call in calls_of(app):
        if call.fields and call.endpoint.partition(".")[0] not in LEAVING:
            fields = dict.fromkeys((name for name, _ in call.fields), "2147483648")
            query, data = (fields, None) if call.method == "GET" else (None, fields)
            answer = visitor.open(call.path, method=call.method, query_string=query, data=data)
            answer.close()
            if answer.status_code >= 500:
                faults.append(f"{call.method} {call.path}")
    assert not faults


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/month?area=%00"), ("GET", "/reports/new?q=a%00b"), ("POST", "/reporters/search"), ("POST", "/login")],
)
def test_a_nul_in_a_field_breaks_nothing(visitor: FlaskClient, runtime: Runtime, method: str, path: str) -> None:
    sign_in(visitor, runtime, "administrator", "")
    data = {"words": "a\0b", "login": "a\0b", "password": "\0"} if method == "POST" else None
    assert visitor.open(path, method=method, data=data).status_code < 500


@pytest.mark.parametrize("path", ["/month\0", "/wordings/id/answers.info\0", "/help/\0", "/api/v1/forms/\0"])
def test_nothing_has_a_name_with_a_nul(app: Flask, path: str) -> None:
    assert app.test_client().get(path).status_code == 404


@pytest.mark.parametrize("broken", ["http://[", "https://[::1", "://", "x"])
def test_a_broken_origin_or_referer_is_a_foreign_one(app: Flask, broken: str) -> None:
    visitor = app.test_client()
    assert visitor.post("/login", headers={"Origin": broken}).status_code == 403
    answer = visitor.post("/account", headers={"Sec-Fetch-Site": "same-origin", "Referer": broken})
    assert answer.headers["Location"] == "/login"
