"""Signing in: who comes in, who does not and learns nothing from it, and what the browser keeps."""

from __future__ import annotations

from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from gateway.app import create_app
from gateway.review import proofs
from gateway.runtime import make_runtime
from gateway.store import factors, users, visits
from gateway.store.users import NewUser
from gateway.values import Role
from tests.gateway.review.clocked import (
    PASSWORD,
    ClockedRuntime,
    add_user,
    cookie,
    give_password,
    take_token,
)
from tests.gateway.review.visits import Page, make_settings

WRONG = "tidak cocok"


@pytest.fixture
def app(clocked: ClockedRuntime) -> Flask:
    """The application by the test's clock."""
    return create_app(clocked)


def is_in(visitor: FlaskClient) -> bool:
    """Tell whether a browser is signed in."""
    return visitor.get("/account").status_code == 200


def test_the_right_password_opens_the_page_that_was_asked_for(visitor: FlaskClient) -> None:
    asked = visitor.get("/account?lang=id")
    assert asked.status_code == 303
    form = visitor.get(asked.headers["Location"])
    answer = give_password(visitor, " Sari ", next=Page(form).hidden("next"))
    assert answer.headers["Location"] == "/account?lang=id"
    assert "Sari Lestari" in visitor.get("/account").text


@pytest.mark.parametrize(
    ("login", "password"),
    [("sari", PASSWORD + "x"), ("nobody", PASSWORD), ("sari", PASSWORD.upper()), ("sari\x00", PASSWORD)],
)
def test_a_wrong_login_and_a_wrong_password_are_answered_alike(visitor: FlaskClient, login: str, password: str) -> None:
    answer = give_password(visitor, login, password)
    assert answer.status_code == 422
    assert WRONG in answer.text
    assert f'value="{login[:4]}' in answer.text
    assert password not in answer.text
    assert not is_in(visitor)


def test_an_unknown_user_costs_as_much_work_as_a_known_one(
    visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    verify = PasswordHasher.verify

    def count(self: PasswordHasher, kept: str, password: str) -> bool:
        asked.append(kept.split("$")[3])
        return verify(self, kept, password)

    monkeypatch.setattr(PasswordHasher, "verify", count)
    for login in ("sari", "nobody"):
        give_password(visitor, login, "wrong password")
    assert len(asked) == 2
    assert asked[0] == asked[1] == "m=19456,t=2,p=1"


def test_a_long_password_counts_to_its_last_character(clocked: ClockedRuntime, visitor: FlaskClient) -> None:
    password = "x1" * 100
    add_user(clocked, "budi", password=password)
    assert WRONG in give_password(visitor, "budi", password[:-1] + "2").text
    assert WRONG in give_password(visitor, "budi", password + "1").text
    assert give_password(visitor, "budi", password).status_code == 303


def test_a_weaker_hash_is_replaced_at_the_next_login(clocked: ClockedRuntime, visitor: FlaskClient) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with clocked.database.session() as session:
        kept = factors.find_factors(session, login="sari")
        assert kept
        factors.set_password(session, kept.user_id, weak)
        session.commit()
    assert give_password(visitor, "sari").status_code == 303
    with clocked.database.session(read_only=True) as session:
        kept = factors.find_factors(session, login="sari")
    assert kept
    assert kept.password_hash
    assert "m=19456" in kept.password_hash
    assert proofs.check_password(kept.password_hash, PASSWORD).is_right


def test_who_guesses_waits_longer_and_longer_and_is_never_locked_out(
    clocked: ClockedRuntime, app: Flask, visitor: FlaskClient
) -> None:
    for _ in range(5):
        assert give_password(visitor, "sari", "wrong password").status_code == 422
    waits = []
    for _ in range(6):
        refused = give_password(visitor, "sari")  # right, and still too early
        assert refused.status_code == 429
        assert "detik lagi" in refused.text
        waits.append(int(refused.headers["Retry-After"]))
        clocked.pass_time(seconds=waits[-1])
        give_password(visitor, "sari", "wrong password")
    assert waits == sorted(waits)
    assert waits[0] < waits[-1] <= 60
    clocked.pass_time(seconds=60)
    assert give_password(visitor, "sari").status_code == 303


def test_one_address_cannot_try_one_password_on_everybody(app: Flask, visitor: FlaskClient) -> None:
    for name in ("ani", "budi", "citra", "dewi", "eka"):
        give_password(visitor, name)
    assert give_password(visitor, "sari").status_code == 429
    elsewhere = {"REMOTE_ADDR": "203.0.113.7"}
    answer = app.test_client().post("/login", data={"login": "sari", "password": PASSWORD}, environ_overrides=elsewhere)
    assert answer.status_code == 303


def test_who_guesses_elsewhere_does_not_make_the_user_wait_in_their_own_browser(app: Flask) -> None:
    own, guesser = app.test_client(), app.test_client()
    give_password(own, "sari")
    own.delete_cookie("kabar_session")
    for _ in range(8):
        give_password(guesser, "sari", "wrong password")
    assert give_password(guesser, "sari").status_code == 429
    assert give_password(own, "sari").status_code == 303


def test_a_browsers_mark_is_for_one_login_and_its_own_guesses_count(app: Flask, clocked: ClockedRuntime) -> None:
    add_user(clocked, "budi")
    own = app.test_client()
    give_password(own, "sari")
    for _ in range(5):
        give_password(own, "sari", "wrong password")
    assert give_password(own, "sari").status_code == 429
    other = app.test_client()
    other.set_cookie("kabar_browser", cookie(own, "kabar_browser")[:-1] + "x")
    for _ in range(5):
        give_password(other, "budi", "wrong password")
    assert give_password(other, "budi").status_code == 429


def test_attempts_that_run_side_by_side_are_all_counted(clocked: ClockedRuntime) -> None:
    keys = ("one", "two")
    with clocked.database.session() as session:
        for _ in range(5):
            visits.note_failure(session, keys, clocked.now())
        session.commit()
        assert visits.find_wait(session, ["two"], clocked.now()).total_seconds() > 0
        assert not visits.find_wait(session, ["three"], clocked.now())


def test_a_token_that_was_planted_before_login_opens_nothing_after_it(visitor: FlaskClient, app: Flask) -> None:
    visitor.set_cookie("kabar_session", "planted-by-somebody")
    give_password(visitor, "sari")
    first = cookie(visitor)
    assert first != "planted-by-somebody"
    take_token(visitor)
    give_password(visitor, "sari")
    thief = app.test_client()
    thief.set_cookie("kabar_session", first)
    assert not is_in(thief), "a login in the same browser ends the visit before it"


def test_the_database_keeps_no_token_and_no_password(clocked: ClockedRuntime, visitor: FlaskClient) -> None:
    give_password(visitor, "sari")
    with clocked.database.session(read_only=True) as session:
        rows = [tuple(row) for table in (users.users, visits.user_sessions) for row in session.execute(select(table))]
    assert cookie(visitor) not in repr(rows)
    assert PASSWORD not in repr(rows)


def test_signing_out_ends_the_visit_for_whoever_has_the_token(app: Flask, visitor: FlaskClient) -> None:
    give_password(visitor, "sari")
    stolen = cookie(visitor)
    take_token(visitor)
    answer = visitor.post("/logout")
    assert answer.headers["Location"] == "/login"
    assert not cookie(visitor)
    thief = app.test_client()
    thief.set_cookie("kabar_session", stolen)
    assert not is_in(thief)


def test_a_visit_ends_by_itself_after_an_idle_hour_and_after_half_a_day(
    clocked: ClockedRuntime, visitor: FlaskClient
) -> None:
    give_password(visitor, "sari")
    clocked.pass_time(minutes=61)
    assert not is_in(visitor)
    give_password(visitor, "sari")
    for _ in range(14):
        clocked.pass_time(minutes=50)
        assert is_in(visitor)
    clocked.pass_time(minutes=25)
    assert not is_in(visitor), "twelve hours, however busy"


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "https:evil.example",
        "///evil.example",
        "http://localhost@evil.example",
        "evil.example",
        "/%0d%0aSet-Cookie:x=1\r\n",
        "//localhost:1/",
    ],
)
def test_a_login_leads_to_our_own_pages_only(visitor: FlaskClient, path: str) -> None:
    answer = give_password(visitor, "sari", next=path)
    assert answer.headers["Location"] == "/"
    assert "Set-Cookie:x" not in str(answer.headers)


def test_cookies_are_kept_from_scripts_and_foreign_pages_and_over_https_from_all_else(
    tmp_path: Path, database_url: str, app: Flask
) -> None:
    plain = give_password(app.test_client(), "sari")
    public = make_runtime(make_settings(tmp_path, database_url, public_url="https://kabar.example.go.id"))
    secure = (
        create_app(public)
        .test_client()
        .post("/login", data={"login": "sari", "password": PASSWORD}, headers={"Host": "kabar.example.go.id"})
    )
    public.database.dispose()
    for answer in (plain, secure):
        cookies = answer.headers.getlist("Set-Cookie")
        assert all("HttpOnly" in one and "SameSite=Lax" in one and "Domain" not in one for one in cookies)
    (token,) = (one for one in secure.headers.getlist("Set-Cookie") if one.startswith("__Host-kabar_session="))
    assert "Secure" in token
    assert "Path=/" in token
    assert any(one.startswith("kabar_session=") for one in plain.headers.getlist("Set-Cookie"))


def test_a_form_that_was_sent_too_late_leads_back_to_its_page(visitor: FlaskClient) -> None:
    answer = visitor.post("/account/password", headers={"Referer": "http://localhost/account/password"})
    assert answer.headers["Location"] == "/login?next=/account/password"
    foreign = visitor.post("/account/password", headers={"Referer": "https://evil.example/account"})
    assert "evil" not in foreign.headers["Location"]


def test_sample_users_sign_in_by_one_click_in_a_demonstration_only(
    tmp_path: Path, database_url: str, app: Flask, clocked: ClockedRuntime
) -> None:
    with clocked.database.session() as session:
        users.add_user(session, NewUser("demo.dinas", "Dinas Bengkalis", Role.DISTRICT, "14.03", "id", clocked.now()))
        session.commit()
    assert "Masuk sebagai" not in app.test_client().get("/login").text
    assert app.test_client().post("/login/demo", data={"login": "demo.dinas"}).status_code == 404
    shown = make_runtime(make_settings(tmp_path, database_url, demo=True))
    visitor = create_app(shown).test_client()
    assert "Masuk sebagai Dinas Bengkalis" in visitor.get("/login").text
    assert visitor.post("/login/demo", data={"login": "sari"}).status_code == 404, "who is no sample has a password"
    assert visitor.post("/login/demo", data={"login": "demo.dinas"}).status_code == 303
    assert "Dinas Bengkalis" in visitor.get("/account").text
    shown.database.dispose()


def test_the_login_speaks_english_too(visitor: FlaskClient) -> None:
    assert "Password" in visitor.get("/login?lang=en").text
    assert "do not belong together" in give_password(visitor, "sari", "wrong password").text
