"""Whatever stands in a field or an address is a value: it is neither a pattern, nor a statement, nor a template."""

from __future__ import annotations

from itertools import groupby

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gateway.runtime import Runtime
from tests.gateway.review.test_csrf import SEEN, everything
from tests.gateway.review.test_scope import calls_of, words_of
from tests.gateway.review.visits import sign_in

STRANGE = "' OR 1=1; DROP TABLE reports --.*(%_\\{{7*7}}{0.__class__}${x}=cmd|<svg/onload=alert(1)>\x00\ud800\r\nX-Y: z"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database: what breaks a page breaks it before it comes to a database."""
    return sqlite_url


def test_no_page_breaks_or_changes_anything_for_what_stands_in_its_address(
    app: Flask, visitor: FlaskClient, runtime: Runtime
) -> None:
    sign_in(visitor, runtime, "administrator", "")
    before = everything(runtime, SEEN | {"audit"})
    for endpoint, calls in groupby(calls_of(app), key=lambda call: call.endpoint):
        for call in calls:
            if call.method != "GET" or not call.fields:
                continue
            fields = {name: STRANGE.encode("utf-8", "surrogatepass") for name, _ in call.fields}
            answer = visitor.get(call.path, query_string=fields, buffered=True)
            assert answer.status_code < 500, f"{endpoint}: {answer.status_code}"
            assert "X-Y" not in answer.headers, endpoint
            words = words_of(answer)
            assert "<svg/onload" not in words, endpoint
            assert "(%_\\49" not in words, f"{endpoint} took it for a template"
    assert everything(runtime, SEEN | {"audit"}) == before
