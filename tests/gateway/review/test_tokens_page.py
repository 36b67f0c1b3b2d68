"""The page of tokens: each is shown once, renewed without a standstill, revoked at once; all of it is written down."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from gateway.store import audit
from gateway.store.audit import Wanted
from gateway.store.base import metadata
from gateway.values import Scope
from tests.district import District
from tests.gateway.review.visits import sign_in

NEW = {"name": "Dasbor Dinas", "area": "14.03", "scopes": ["read:reports", "read:coverage"], "days": "90"}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database: tokens are asked of both by the tests of the API."""
    return sqlite_url


def make(browser: FlaskClient, **changes: object) -> TestResponse:
    """Fill in the form for a new token and send it."""
    return browser.post("/tokens/new", data=NEW | changes)


def secret_in(answer: TestResponse) -> str:
    """Return the secret that a page shows."""
    assert answer.status_code == 200, answer.text
    found = re.findall(r"kabar_\w{36}", answer.text)
    assert len(set(found)) == 1, answer.text
    return str(found[0])


def ask(browser: FlaskClient, secret: str, path: str = "/reports") -> int:
    """Return how the API answers who has this secret."""
    return browser.get(f"/api/v1{path}", headers={"Authorization": f"Bearer {secret}"}).status_code


def test_a_token_is_shown_once_and_opens_what_was_ticked(budi: FlaskClient) -> None:
    secret = secret_in(make(budi))
    assert (ask(budi, secret), ask(budi, secret, "/coverage"), ask(budi, secret, "/stock")) == (200, 200, 403)
    for path in ("/tokens", "/tokens/1", "/audit"):
        page = budi.get(path)
        assert page.status_code == 200
        assert "Dasbor Dinas" in page.text
        assert not re.search(r"kabar_\w{36}", page.text)
    assert "Kabupaten Bengkalis" in budi.get("/tokens").text


def test_a_new_secret_is_shown_once_and_the_old_one_goes_on_for_a_week(budi: FlaskClient, district: District) -> None:
    old = secret_in(make(budi))
    new = secret_in(budi.post("/tokens/1/rotate", data={"days": "365"}))
    assert ask(budi, old) == ask(budi, new) == 200
    assert "Token lama" in budi.get("/tokens/1").text
    district.pass_time(days=8)
    assert (ask(budi, old), ask(budi, new)) == (401, 200)


def test_a_revoked_token_opens_nothing_any_more_with_either_secret(budi: FlaskClient) -> None:
    old = secret_in(make(budi))
    new = secret_in(budi.post("/tokens/1/rotate", data={"days": "30"}))
    assert budi.post("/tokens/1/revoke").status_code == 303
    assert ask(budi, old) == ask(budi, new) == 401
    assert budi.post("/tokens/1/rotate", data={"days": "30"}).status_code == 303
    assert "Dicabut" in budi.get("/tokens").text
    assert "/tokens/1/revoke" not in budi.get("/tokens/1").text


def test_making_renewing_and_revoking_are_written_down_without_a_secret(budi: FlaskClient, district: District) -> None:
    secret_in(make(budi))
    secret_in(budi.post("/tokens/1/rotate", data={"days": "30"}))
    budi.post("/tokens/1/revoke")
    budi.post("/tokens/1/revoke")
    with district.database.session(read_only=True) as session:
        done = audit.search(session, Wanted(noun="token"), scope=Scope(""))
        rows = [tuple(row) for table in metadata.sorted_tables for row in session.execute(select(table))]
    assert [one.action for one in done] == ["revoke", "rotate", "add"]
    assert {one.area for one in done} == {"14.03"}
    assert "kabar_" not in repr(rows)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": " "}, "nama sistemnya"),
        ({"name": "x" * 101}, "nama sistemnya"),
        ({"scopes": []}, "centang"),
        ({"scopes": ["write:everything"]}, "centang"),
        ({"days": "9999"}, "berapa lama"),
        ({"area": "99"}, "Tidak ada wilayah"),
        ({"area": "72.71"}, "Tidak ada wilayah"),
    ],
)
def test_what_is_wrong_with_a_wish_is_said_beside_it_and_nothing_is_made(
    budi: FlaskClient, changes: dict[str, object], words: str
) -> None:
    answer = make(budi, **changes)
    assert answer.status_code == 422
    assert words in answer.text
    assert "kabar_" not in answer.text.replace("kabar_language", "")
    assert "Belum ada sistem" in budi.get("/tokens").text


def test_nobody_makes_a_token_for_more_than_their_own_area(rina: FlaskClient, district: District) -> None:
    assert rina.get("/tokens").status_code == 403, "the district's staff make none"
    sign_in(rina, district.runtime, "administrator", "14.03.01")
    for area in ("14.03", "14", ""):
        assert make(rina, area=area).status_code == 422, area
    assert make(rina, area="14.03.01").status_code == 200


def test_a_token_is_made_only_by_who_has_typed_the_password_lately(budi: FlaskClient, district: District) -> None:
    secret_in(make(budi))
    district.pass_time(minutes=31)
    for path in ("/tokens/new", "/tokens/1/rotate", "/tokens/1/revoke"):
        answer = budi.post(path, data=NEW)
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/account/confirm"), path


def test_a_token_that_runs_out_soon_is_seen_to_do_so(budi: FlaskClient, district: District) -> None:
    secret = secret_in(make(budi, days="30"))
    assert "Segera habis" not in budi.get("/tokens").text
    district.runtime.clock[0] += timedelta(days=17)
    sign_in(budi, district.runtime, "administrator", "")
    assert "Segera habis" in budi.get("/tokens").text
    district.runtime.clock[0] += timedelta(days=14)
    sign_in(budi, district.runtime, "administrator", "")
    assert "Sudah habis" in budi.get("/tokens").text
    assert ask(budi, secret) == 401
