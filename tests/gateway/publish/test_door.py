"""The door of the API: which tokens open it, to what, how often, and that nothing else does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from gateway import jobs
from gateway.app import create_app
from gateway.store import tokens
from gateway.store.base import Database
from gateway.store.tokens import Token, TokenScope
from gateway.store.tokens import tokens as table
from gateway.values import Scope
from tests.district import District
from tests.gateway.publish.conftest import System, Systems
from tests.gateway.review.visits import sign_in

PROBLEM = "application/problem+json"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database: the door is the same before both."""
    return sqlite_url


def token_of(district: District, system: System) -> Token:
    """Return a system's token as the database has it."""
    with district.database.session(read_only=True) as session:
        found = tokens.find_token(session, system.token_id, scope=Scope(""))
    assert found
    return found


def test_a_token_opens_what_its_scopes_say_and_nothing_else(systems: Systems) -> None:
    paths = {
        TokenScope.READ_REPORTS: "/reports",
        TokenScope.READ_FACILITIES: "/facilities",
        TokenScope.READ_REPORTERS: "/reporters",
        TokenScope.READ_COVERAGE: "/coverage",
        TokenScope.READ_STOCK: "/stock",
    }
    for scope in TokenScope:
        system = systems.make(scopes=frozenset({scope}))
        answers = {one: system.get(path).status_code for one, path in paths.items()}
        assert answers == {one: 200 if one is scope else 403 for one in paths}
        answer = system.report()
        assert answer.status_code == (201 if scope is TokenScope.WRITE_REPORTS else 403), answer.text
        sent = {"id": "1", "sender": "0811", "text": "x"}
        assert system.post("/messages", sent).status_code == (202 if scope is TokenScope.WRITE_MESSAGES else 403)
        assert system.get("/forms").status_code == 200


def test_the_database_knows_a_token_only_by_its_hash(system: System, district: District) -> None:
    with district.database.session(read_only=True) as session:
        rows = session.execute(select(table)).all()
    assert system.secret not in repr(rows)
    assert system.secret.startswith("kabar_")


@pytest.mark.parametrize(
    "given",
    [
        "",
        "Bearer",
        "Bearer kabar_x",
        "Bearer kabar_" + "0" * 36,
        "Basic eDp5",
        "Basic \u00e9",
        "Digest x",
        "Bearer \x7f",
        "kabar_x",
    ],
)
def test_what_is_no_token_is_told_so_and_how_to_send_one(app: Flask, given: str) -> None:
    answer = app.test_client().get("/api/v1/reports", headers={"Authorization": given} if given else {})
    assert (answer.status_code, answer.mimetype) == (401, PROBLEM)
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="Kabar"')
    assert answer.get_json()["title_id"]


def test_whoever_is_signed_in_to_the_pages_is_nobody_here(app: Flask, district: District) -> None:
    browser = app.test_client()
    sign_in(browser, district.runtime, "administrator", "")
    assert browser.get("/api/v1/reports").status_code == 401
    assert browser.post("/api/v1/reports", json={}).status_code == 401


def test_a_token_in_an_address_or_as_a_basic_password_opens_nothing_of_the_api(system: System) -> None:
    assert system.client.get(f"/api/v1/reports?token={system.secret}").status_code == 401
    assert system.client.get("/api/v1/reports", auth=("x", system.secret)).status_code == 401


def test_a_token_ends_with_its_day_and_at_once_when_it_is_revoked(systems: Systems, district: District) -> None:
    first, second = systems.make(days=1), systems.make(days=30)
    assert first.get("/reports").status_code == second.get("/reports").status_code == 200
    district.pass_time(days=1)
    assert first.get("/reports").status_code == 401
    assert second.get("/reports").status_code == 200
    with district.database.session() as session:
        assert tokens.revoke(session, second.token_id, district.runtime.now(), scope=Scope("14.03"))
        session.commit()
    assert second.get("/reports").status_code == 401


def test_a_rotated_token_works_with_both_secrets_for_a_week_and_then_with_the_new_one(
    systems: Systems, district: District
) -> None:
    system = systems.make(days=300)
    secret, now = tokens.make_secret(), district.runtime.now()
    token = token_of(district, system)
    with district.database.session() as session:
        assert tokens.rotate(session, token, secret, token.expires_at, now, scope=Scope("14.03"))
        session.commit()
    renewed = System(system.client, secret.reveal(), system.token_id)
    assert system.get("/reports").status_code == renewed.get("/reports").status_code == 200
    district.pass_time(days=7)
    assert system.get("/reports").status_code == 401
    assert renewed.get("/reports").status_code == 200


def test_the_last_use_is_written_down_once_a_minute_at_most(system: System, district: District) -> None:
    first = district.runtime.now()
    system.get("/forms")
    district.pass_time(seconds=59)
    system.get("/forms")
    assert token_of(district, system).last_used_at == first
    district.pass_time(seconds=1)
    system.get("/forms")
    assert token_of(district, system).last_used_at == district.runtime.now()


def few(district: District, redis_url: str = "") -> Flask:
    """Return an application whose tokens may ask three times a minute."""
    runtime = district.runtime
    changes: dict[str, object] = {"api_per_minute": 3} | ({"redis_url": redis_url} if redis_url else {})
    settings = runtime.settings.model_copy(update=changes)
    bells = jobs.Bells(jobs.connect(redis_url)) if redis_url else runtime.bells
    return create_app(replace(runtime, settings=settings, bells=bells))


def test_who_asks_too_often_is_told_how_long_to_wait(system: System, district: District, redis_url: str) -> None:
    """Counted in Redis, for every process alike."""
    processes = [few(district, redis_url).test_client() for _ in range(2)]
    answers = [System(one, system.secret, 0).get("/forms") for one in processes * 2]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert answers[-1].mimetype == PROBLEM


def test_without_redis_each_process_counts_by_itself_and_the_door_stays_open(
    system: System, district: District
) -> None:
    processes = [few(district).test_client() for _ in range(2)]
    for one in processes:
        answers = [System(one, system.secret, 0).get("/forms").status_code for _ in range(4)]
        assert answers == [200, 200, 200, 429]


def test_a_database_that_is_away_is_a_problem_that_says_to_try_again(system: System, tmp_path: Path) -> None:
    runtime = system.client.application.extensions["kabar"]
    away = replace(runtime, database=Database(f"sqlite:///{tmp_path / 'no' / 'such.db'}"))
    answer = System(create_app(away).test_client(), system.secret, 0).get("/reports")
    assert (answer.status_code, answer.mimetype) == (503, PROBLEM)
    assert answer.headers["Retry-After"]


def test_a_fault_of_ours_is_told_without_a_trace(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    app = system.client.application

    def break_down(**_path: str) -> None:
        raise RuntimeError("a secret of the house")

    monkeypatch.setitem(app.view_functions, "api_reports.listReports", break_down)
    answer = system.get("/reports")
    assert (answer.status_code, answer.mimetype) == (500, PROBLEM)
    assert "house" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("DELETE", "/reports", 405), ("GET", "/messages", 405), ("PUT", "/facilities/1", 405)],
)
def test_wrong_addresses_and_methods_are_problems_too(system: System, method: str, path: str, status: int) -> None:
    answer = system.client.open(f"/api/v1{path}", method=method, headers={"Authorization": f"Bearer {system.secret}"})
    assert (answer.status_code, answer.mimetype) == (status, PROBLEM)
    assert answer.get_json()["status"] == status
    assert ("Allow" in answer.headers) == (status == 405)


def test_no_answer_sets_a_cookie_or_may_be_kept_by_others(system: System) -> None:
    for path in ("/reports", "/nothing", "/docs", "/openapi.json"):
        answer = system.get(path)
        assert "Set-Cookie" not in answer.headers
        assert "public" not in answer.headers["Cache-Control"]
